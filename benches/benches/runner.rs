//! Throughput of the harness: the whole suite against a shim that computes nothing, from the shim's hello to the summary,
//! with one shim process and the result log on standard output.
//!
//! This program plays all three parts: the bench, `tunnelproof` (by an environment variable), the shim (by an
//! argument).

use std::env;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group};
use tunnelproof_benches::null_shim::{self, MAX_INFLIGHT};
use tunnelproof_vectors::Suite;

const SHIM: &str = "null-shim";
const HARNESS: &str = "TUNNELPROOF_BENCH_HARNESS";

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|word| word == SHIM) {
        let suite = Suite::embedded().expect("the committed vectors");
        null_shim::serve(&suite, io::stdin(), io::stdout()).expect("the harness reads on");
        return ExitCode::SUCCESS;
    }
    if env::var_os(HARNESS).is_some() {
        return tunnelproof::cli::main();
    }
    all();
    Criterion::default().configure_from_args().final_summary();
    ExitCode::SUCCESS
}

fn benches(c: &mut Criterion) {
    let cases = Suite::embedded().expect("the committed vectors").vectors.len();
    let mut group = c.benchmark_group("runner");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.measurement_time(Duration::from_secs(1)).throughput(Throughput::Elements(cases as u64));
    for (name, inflight) in [("lock-step", 1), ("pipelined", MAX_INFLIGHT)] {
        group.bench_function(name, |b| {
            b.iter_custom(|runs| (0..runs).map(|_| run(inflight, cases)).sum());
        });
    }
}

/// One run; the time between the first line of its log, which comes with the hello, and the last.
fn run(inflight: u64, cases: usize) -> Duration {
    let this = env::current_exe().expect("a program knows itself");
    let mut harness = Command::new(&this)
        .env(HARNESS, "1")
        .args(["run", "--format", "json", "--jobs", "1", "--no-rerun", "--max-inflight"])
        .arg(inflight.to_string())
        .arg("--")
        .arg(&this)
        .arg(SHIM)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the harness starts");
    let mut log = BufReader::new(harness.stdout.take().expect("it is piped"));
    let (mut line, mut begun, mut results) = (Vec::new(), None, 0);
    let took = loop {
        line.clear();
        assert_ne!(log.read_until(b'\n', &mut line).expect("a pipe"), 0, "the log is cut off");
        let begun = *begun.get_or_insert_with(Instant::now);
        if line.starts_with(br#"{"type":"case""#) {
            results += 1;
        } else if line.starts_with(br#"{"type":"summary""#) {
            break begun.elapsed();
        }
    };
    let status = harness.wait().expect("the harness ends");
    assert!(matches!(status.code(), Some(0 | 4)), "{status}: {}", String::from_utf8_lossy(&line));
    assert!(results >= cases, "{results} results of {cases} cases");
    took
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = benches }
