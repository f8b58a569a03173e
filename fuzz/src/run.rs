//! Runs a target over a series of mutated inputs, and watches panics, time and memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::captures::Captures;
use crate::mutate::Mutator;
use crate::targets::{Shape, Target};

/// What an input may take. Far above what any takes on an idle machine, for campaigns that share theirs.
pub const MAX_TIME: Duration = Duration::from_secs(2);

/// Memory that may be added between the warm-up and the end; allocators keep some.
pub const MAX_GROWTH_KIB: u64 = 64 * 1024;

/// After this long one input is taken for a hang, and the process ends.
const HANG: Duration = Duration::from_secs(60);

thread_local! {
    /// Where and with what message the last panic happened.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Which inputs to run.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    /// Where the random changes begin; the same seed and number give the same input.
    pub seed: u64,
    /// The number of the first input.
    pub from: u64,
    /// How many.
    pub executions: u64,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// The target's name.
    pub target: &'static str,
    /// Inputs that were run.
    pub executions: u64,
    /// How long they took.
    pub elapsed: Duration,
    /// The slowest input and its time.
    pub slowest: (u64, Duration),
    /// Resident memory after a tenth of the inputs, in KiB.
    pub warm_kib: u64,
    /// Resident memory at the end, in KiB.
    pub end_kib: u64,
    /// The highest resident memory, in KiB.
    pub peak_kib: u64,
    /// One input for each place that panicked, with the message; and inputs that took too long.
    pub findings: BTreeMap<String, u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        write!(
            f,
            "{:14} {:>9} executions {:>7.1} s {:>8.0}/s  slowest {:>6.1} ms  RSS {:>6} -> {:>6} KiB, peak {:>6} KiB  findings {}",
            self.target,
            self.executions,
            seconds,
            self.executions as f64 / seconds,
            self.slowest.1.as_secs_f64() * 1e3,
            self.warm_kib,
            self.end_kib,
            self.peak_kib,
            self.findings.len()
        )?;
        for (what, number) in &self.findings {
            write!(f, "\n    input {number}: {what}")?;
        }
        Ok(())
    }
}

/// The mutator of a target's seeds.
#[must_use]
pub fn mutator(target: &Target, seed: u64) -> Mutator {
    let seeds = (target.seeds)(&Captures::read());
    match target.shape {
        Shape::Bytes => Mutator::of_bytes(seeds, seed),
        Shape::Envelope => Mutator::of_envelopes(seeds, seed),
        Shape::Json => Mutator::of_json(seeds, seed),
    }
}

/// Runs a series. Prints nothing of the panics it finds; ends the process if an input never ends.
#[must_use]
pub fn run(target: &Target, series: Series) -> Report {
    let mutator = mutator(target, series.seed);
    keep_panics_quiet();
    let current = watch(target.name);
    let started = Instant::now();
    let mut report = Report {
        target: target.name,
        executions: series.executions,
        elapsed: Duration::ZERO,
        slowest: (0, Duration::ZERO),
        warm_kib: 0,
        end_kib: 0,
        peak_kib: 0,
        findings: BTreeMap::new(),
    };
    for done in 0..series.executions {
        let number = series.from + done;
        current.store(number, Ordering::Relaxed);
        report.execute(target, number, &mutator.input(number));
        if done == series.executions / 10 {
            report.warm_kib = memory_kib("VmRSS:");
        }
    }
    report.elapsed = started.elapsed();
    report.end_kib = memory_kib("VmRSS:");
    report.peak_kib = memory_kib("VmHWM:");
    if report.end_kib > report.warm_kib + MAX_GROWTH_KIB {
        let grown = format!("memory grew by {} KiB", report.end_kib - report.warm_kib);
        report.findings.insert(grown, series.from);
    }
    report
}

impl Report {
    fn execute(&mut self, target: &Target, number: u64, input: &[u8]) {
        let mut time = self.time(target, number, input);
        // On a busy machine a single measurement says little.
        for _ in 0..2 {
            if time > MAX_TIME / 20 {
                time = time.min(self.time(target, number, input));
            }
        }
        if time > self.slowest.1 {
            self.slowest = (number, time);
        }
        if time > MAX_TIME {
            let what = format!("took longer than {MAX_TIME:?}");
            self.findings.entry(what).or_insert(number);
        }
    }

    fn time(&mut self, target: &Target, number: u64, input: &[u8]) -> Duration {
        let started = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
            let what = LAST_PANIC.with_borrow(Clone::clone);
            self.findings.entry(what).or_insert(number);
        }
        started.elapsed()
    }
}

/// Keeps the place and the first line of a panic instead of printing it: a finding may come a million times.
fn keep_panics_quiet() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let first_line: String = message.unwrap_or_default().lines().take(1).collect();
        let shown: String = first_line.chars().take(120).collect();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        // The place alone tells findings apart; messages hold parts of inputs.
        LAST_PANIC.set(match first_line.len() {
            0..=60 => format!("{place}: {shown}"),
            _ => place,
        });
    }));
}

/// Ends the process when one input runs for too long. The number of the running input goes into what is returned.
fn watch(target: &'static str) -> &'static AtomicU64 {
    static CURRENT: AtomicU64 = AtomicU64::new(u64::MAX);
    std::thread::spawn(move || {
        let mut last = u64::MAX;
        loop {
            std::thread::sleep(HANG);
            let current = CURRENT.load(Ordering::Relaxed);
            if current == last && current != u64::MAX {
                eprintln!("{target}: input {current} hangs");
                std::process::exit(2);
            }
            last = current;
        }
    });
    &CURRENT
}

/// A line of `/proc/self/status` in KiB; 0 where there is none.
fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    number.unwrap_or_default()
}
