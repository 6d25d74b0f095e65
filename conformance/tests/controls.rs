//! Every control comes to what it has to come to, within bounded time and memory.

mod common;

use std::fs;
use std::time::Duration;

use common::{ACCEPTED, REFUSED, run, run_control, skipped, tunnelproof};

#[test]
fn the_selftest_finds_every_control_out() {
    let finished = run(["selftest"]);
    let text = finished.stdout();
    assert_eq!(finished.code(), 0, "{text}\n{}", finished.stderr());
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(" exit ")).collect();
    assert!(lines.len() >= 30, "{text}");
    for line in &lines {
        assert!(line.contains("  ok  ") || line.contains(" ok  ("), "{line}");
    }
    let last = text.lines().last().expect("a last line");
    let all = lines.len();
    assert_eq!(last, format!("{all} of {all} controls came to what they have to come to"));
}

#[test]
fn each_misbehaviour_has_its_verdict_and_exit_code() {
    for (control, pattern, verdict, code) in [
        ("good", ACCEPTED, "pass", 0),
        ("good", REFUSED, "pass", 0),
        ("accept-all", REFUSED, "wrong_accept", 1),
        ("accept-all", ACCEPTED, "wrong_output", 1),
        ("reject-all", ACCEPTED, "wrong_reject", 1),
        ("reject-all", REFUSED, "wrong_class", 1),
        ("skip-all", ACCEPTED, "skip", 4),
        ("unsupported-all", ACCEPTED, "unsupported", 4),
        ("fault-all", REFUSED, "crash", 1),
        ("crash", REFUSED, "crash", 1),
        ("garbage", REFUSED, "shim_error", 1),
        ("non-utf8", REFUSED, "shim_error", 1),
        ("echo", REFUSED, "shim_error", 1),
        ("flood", REFUSED, "shim_error", 1),
        ("wrong-id", REFUSED, "shim_error", 1),
        ("answers-twice", REFUSED, "shim_error", 1),
        ("fork-and-linger", REFUSED, "crash", 1),
    ] {
        let finished = run_control(control, &[pattern, "--format", "json", "--jobs", "1"]);
        assert_eq!(finished.code(), code, "{control}: {}", finished.stdout());
        let of_vectors = |(case, _): &&(String, String)| !case.starts_with("shim/");
        let verdicts = finished.verdicts();
        let verdicts: Vec<_> = verdicts.iter().filter(of_vectors).collect();
        assert!(verdicts.len() >= 5, "{control}: {verdicts:?}");
        assert!(verdicts.iter().all(|(_, found)| found == verdict), "{control}: {verdicts:?}");
        assert!(finished.took < Duration::from_secs(20), "{control}: {:?}", finished.took);
    }
}

#[test]
fn wrong_accepts_are_marked_as_a_matter_of_security() {
    let finished = run_control("accept-all", &[REFUSED, "--format", "json"]);
    let log = finished.log();
    let cases: Vec<_> = log.iter().filter(|e| e["kind"] == "wrong_accept").collect();
    assert!(cases.iter().all(|entry| entry["security"] == true), "{cases:?}");
    assert!(!cases.is_empty());
    let human = run_control("accept-all", &[REFUSED]);
    assert!(human.stdout().contains("wrong_accept  SECURITY"), "{}", human.stdout());
    assert!(human.stdout().contains("a matter of security"), "{}", human.stdout());
}

/// The largest resident size that the harness itself reaches, in KiB.
fn peak(control: &str) -> u64 {
    let shim = ["--", common::TUNNELPROOF, "shim", "--control", control];
    let options = ["run", "--area", "cred", "--jobs", "2", "--no-rerun", "--time-limit", "4"];
    let arguments = options.into_iter().chain(shim);
    let mut child = tunnelproof(arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    while child.try_wait().expect("it can be waited for").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        peak = peak.max(size.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

#[test]
fn memory_stays_bounded_whatever_a_shim_writes() {
    if !fs::exists("/proc/self/status").unwrap_or(false) {
        skipped("the size of a process is read from /proc, which is not there");
        return;
    }
    for control in ["flood", "huge-line", "stderr-flood", "long-texts", "good"] {
        let peak = peak(control);
        assert!(peak > 0, "{control}: the size was never read");
        assert!(peak < 100 * 1024, "{control}: {peak} KiB");
    }
}

#[test]
fn escape_sequences_of_a_shim_do_not_reach_the_terminal() {
    let finished = run_control("long-texts", &[REFUSED]);
    assert_eq!(finished.code(), 1);
    assert!(!finished.stdout().contains('\x1b'), "{}", finished.stdout());
    assert!(finished.stdout().contains("\\u{1b}[2J"), "{}", finished.stdout());
}
