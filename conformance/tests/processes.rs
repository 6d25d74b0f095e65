//! Shims that hang, fork, are slow or are interrupted: nothing is left running, nothing finished is lost.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{ACCEPTED, REFUSED, TUNNELPROOF, is_alive, run, run_control, tunnelproof};

#[test]
fn a_hang_is_killed_at_the_deadline_and_what_was_finished_is_kept() {
    let options = [REFUSED, "--format", "json", "--jobs", "1", "--timeout", "0.5", "--no-rerun"];
    let finished = run_control("hangs-halfway", &options);
    assert_eq!(finished.code(), 1);
    let verdicts = finished.verdicts();
    let count = |name: &str| verdicts.iter().filter(|(_, verdict)| verdict == name).count();
    // Three answers, a hang, a new process, and so on.
    assert_eq!((count("timeout"), verdicts.len()), (2, 12), "{verdicts:?}");
    assert_eq!(count("pass"), 10, "the others pass, and what the shim itself is asked");
    assert!(finished.took < Duration::from_secs(10), "{:?}", finished.took);
}

#[test]
fn a_case_that_fails_only_once_is_flaky() {
    for control in ["dies-halfway", "state-leak"] {
        let finished = run_control(control, &[REFUSED, "--format", "json", "--jobs", "1"]);
        assert_eq!(finished.code(), 1, "{control}");
        let verdicts = finished.verdicts();
        assert!(verdicts.iter().any(|(_, verdict)| verdict == "flaky"), "{control}: {verdicts:?}");
        let attempts: Vec<_> =
            finished.log().iter().filter_map(|e| e["attempt"].as_u64()).collect();
        assert!(attempts.contains(&2), "{control}: {attempts:?}");
    }
}

#[test]
fn too_many_timeouts_end_the_run() {
    let options = [REFUSED, "--format", "json", "--timeout", "0.3"];
    let finished = run_control("hang", &options);
    assert_eq!(finished.code(), 1);
    let summary = finished.summary();
    assert!(summary["stopped"].as_str().expect("a reason").contains("gave up after"), "{summary}");
    assert!(summary["not_run"].as_u64().expect("a number") > 0, "{summary}");
    assert!(finished.took < Duration::from_secs(10), "{:?}", finished.took);
}

#[test]
fn the_time_limit_ends_the_run() {
    let options = [REFUSED, "--format", "json", "--timeout", "60", "--time-limit", "1"];
    let finished = run_control("hang", &options);
    let summary = finished.summary();
    assert_eq!(summary["stopped"], "the time limit has passed");
    assert_eq!(finished.code(), 4, "nothing ran: {summary}");
    assert!(finished.took < Duration::from_secs(10), "{:?}", finished.took);
}

#[test]
fn a_child_that_a_shim_leaves_behind_is_killed_too() {
    let finished = run_control("fork-and-linger", &[REFUSED, "--format", "json", "--jobs", "2"]);
    let log = finished.log();
    let children: Vec<String> = log
        .iter()
        .filter_map(|entry| entry["stderr"].as_str()?.strip_prefix("child ")?.lines().next())
        .map(str::to_owned)
        .collect();
    assert!(children.len() >= 10, "{log:?}");
    assert!(Path::new("/proc/self/stat").exists(), "needs /proc");
    for child in children {
        assert!(!is_alive(&child), "the child {child} still runs");
    }
}

#[test]
fn with_several_requests_in_flight_the_one_to_blame_is_found() {
    let script = format!(
        r#"while read -r line; do
            case $line in *server-key/all-z*) exit ;; esac
            printf '%s\n' "$line"
        done | '{TUNNELPROOF}' shim --control good | sed -u 's/"max_inflight":1,/"max_inflight":64,/'"#
    );
    let options = ["run", ACCEPTED, "--format", "json", "--jobs", "1", "--", "sh", "-c", &script];
    let finished = run(options);
    assert_eq!(finished.log()[0]["shim"]["max_inflight"], 64);
    let verdicts = finished.verdicts();
    let (crashed, passed): (Vec<_>, Vec<_>) =
        verdicts.iter().partition(|(_, verdict)| verdict == "crash");
    let crashed: Vec<&str> = crashed.iter().map(|(case, _)| case.as_str()).collect();
    assert_eq!(crashed, ["cred/server-key/all-z"], "{verdicts:?}");
    assert!(
        passed.len() > 5 && passed.iter().all(|(_, verdict)| verdict == "pass"),
        "{verdicts:?}"
    );
}

/// A shim that writes its process id into a file and then is the control.
fn with_pid_file(directory: &Path, control: &str) -> [String; 3] {
    let file = directory.join("pid");
    let script =
        format!("echo $$ > '{}'; exec '{TUNNELPROOF}' shim --control {control}", file.display());
    ["sh".into(), "-c".into(), script]
}

fn interrupted(signal: &str, directory: &Path) -> (Child, Vec<String>) {
    let shim = with_pid_file(directory, "hangs-halfway");
    let arguments = ["run", REFUSED, "--format", "json", "--jobs", "1", "--timeout", "60", "--"];
    let arguments = arguments.into_iter().chain(shim.iter().map(String::as_str));
    let mut child =
        tunnelproof(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
    let stdout = child.stdout.take().expect("is piped");
    let mut lines = BufReader::new(stdout).lines();
    let mut seen = Vec::new();
    // The log's head, two questions to the shim, three answers; then it hangs.
    while seen.len() < 6 {
        seen.push(lines.next().expect("a line").expect("that can be read"));
    }
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
    seen.extend(lines.map(|line| line.expect("can be read")));
    (child, seen)
}

#[test]
fn an_interrupt_keeps_what_is_finished_and_kills_the_shim() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let directory = tempfile::tempdir().expect("a directory");
        let begun = Instant::now();
        let (mut child, lines) = interrupted(signal, directory.path());
        assert_eq!(child.wait().expect("ends").code(), Some(code));
        assert!(begun.elapsed() < Duration::from_secs(10));
        let last: serde_json::Value =
            serde_json::from_str(lines.last().expect("a last line")).expect("is JSON");
        assert_eq!(last["conclusion"], "interrupted");
        assert_eq!(last["counts"]["pass"], 3, "{last}");
        let pid = fs::read_to_string(directory.path().join("pid")).expect("the shim's id");
        assert!(!is_alive(pid.trim()), "the shim {pid} still runs");
    }
}

#[test]
fn nobody_reading_the_output_is_no_reason_to_panic() {
    let arguments = ["run", ACCEPTED, REFUSED, "--format", "json", "--jobs", "1", "--"];
    let shim = [TUNNELPROOF, "shim", "--control", "good"];
    for arguments in [
        arguments.into_iter().chain(shim).collect::<Vec<_>>(),
        vec!["list"],
        vec!["trace"],
        vec!["selftest"],
    ] {
        let mut child = tunnelproof(arguments.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}: {stderr}");
    }
}

#[test]
fn what_cannot_be_started_is_a_broken_shim() {
    for (command, part) in [
        (&["/does/not/exist"][..], "can't start"),
        (&["/"], "can't start"),
        (&["true"], "exited with status 0 before its hello"),
        (&["sh", "-c", "echo oops >&2; exit 3"], "oops"),
        (&["cat"], "no good hello"),
        (&["sh", "-c", "echo hello; sleep 5"], "no good hello"),
        (&[TUNNELPROOF, "shim", "--control", "bad-hello"], "protocol 2"),
        (&[TUNNELPROOF, "shim", "--control", "no-hello"], "no hello within 0.5 s"),
    ] {
        let options = ["run", REFUSED, "--start-timeout", "0.5", "--"];
        let finished = run(options.into_iter().chain(command.iter().copied()));
        assert_eq!(finished.code(), 3, "{command:?}: {}", finished.stdout());
        assert!(finished.stdout().contains(part), "{command:?}: {}", finished.stdout());
        assert!(finished.took < Duration::from_secs(5), "{command:?}");
    }
}

#[test]
fn a_shim_that_cannot_be_restarted_ends_the_run_with_its_results() {
    let directory = tempfile::tempdir().expect("a directory");
    let mark = directory.path().join("mark");
    let script = format!(
        "test -e '{0}' && exit 1; touch '{0}'; exec '{TUNNELPROOF}' shim --control dies-halfway",
        mark.display()
    );
    let options = ["run", REFUSED, "--format", "json", "--jobs", "1", "--", "sh", "-c", &script];
    let finished = run(options);
    assert_eq!(finished.code(), 3);
    assert_eq!(finished.summary()["counts"]["pass"], 3);
    assert_eq!(finished.summary()["conclusion"], "shim_broken");
}

#[test]
fn one_request_a_process_works_with_a_shell_script() {
    let good = run(["run", REFUSED, "--oneshot", "--", TUNNELPROOF, "shim"]);
    assert_eq!(good.code(), 0, "{}", good.stdout());
    let script = r#"
        read hello; read request
        echo '{"type":"hello","protocol":1,"implementation":{"name":"sh","version":"1"},
            "ops":["cred.server_key"],"profiles":[],"error_detail":"bool","max_inflight":1}' | tr -d '\n'
        echo
        case $request in
            *probe.*) echo '{"type":"answer","id":1,"outcome":"unsupported"}' ;;
            *) echo '{"type":"answer","id":1,"outcome":"reject"}' ;;
        esac"#;
    let finished = run(["run", REFUSED, "--oneshot", "--", "sh", "-c", script]);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    let wrong = run(["run", ACCEPTED, "--oneshot", "--", "sh", "-c", script]);
    assert_eq!(wrong.code(), 1, "{}", wrong.stdout());
    let again = "again: tunnelproof run cred/server-key/all-0 --oneshot -- sh -c";
    assert!(wrong.stdout().contains(again), "{}", wrong.stdout());
}

#[test]
fn the_first_result_comes_soon_after_hello() {
    let arguments = ["run", REFUSED, "--format", "json", "--jobs", "1", "--"];
    let shim = [TUNNELPROOF, "shim", "--control", "good"];
    let mut child = tunnelproof(arguments.into_iter().chain(shim))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("is piped");
    let mut lines = BufReader::new(stdout).lines();
    let mut next = || lines.next().expect("a line").expect("that can be read");
    assert!(next().contains("\"type\":\"run\""));
    let hello = Instant::now();
    while !next().contains("cred/") {}
    // The target is 0.1 s; a machine that is busy with other tests gets more.
    assert!(hello.elapsed() < Duration::from_millis(500), "{:?}", hello.elapsed());
    drop(lines);
    child.wait().expect("ends");
}
