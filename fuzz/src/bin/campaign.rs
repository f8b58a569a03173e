//! Runs mutated captures through the entry points, many times a second and without coverage feedback.
//!
//! `campaign [TARGET ..] [--executions N] [--seed N] [--from N]`: one process per target, so that memory is measured apart. N counts the
//! executions of all named targets together; each gets its share.
//! `campaign --show TARGET NUMBER [--seed N]` writes an input to standard output.

use std::io::Write as _;
use std::process::{Command, ExitCode};

use bugle_fuzz::run::{self, Series};
use bugle_fuzz::targets::{TARGETS, Target};

/// The stack of the threads that process events in the product.
const STACK_BYTES: usize = 2 * 1024 * 1024;

const USAGE: &str = "usage: campaign [TARGET ..] [--executions N] [--seed N] [--from N]
       campaign --show TARGET NUMBER [--seed N]";

/// What the command line says.
#[derive(Debug, Default)]
struct Arguments {
    words: Vec<String>,
    executions: Option<u64>,
    seed: u64,
    from: u64,
    mode: Mode,
}

#[derive(Debug, Default, PartialEq)]
enum Mode {
    /// Starts a process per target.
    #[default]
    Campaign,
    /// Runs one target in this process.
    Single,
    /// Writes an input to standard output.
    Show,
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let done = match arguments.mode {
        Mode::Campaign => campaign(&arguments),
        Mode::Single => single(&arguments),
        Mode::Show => show(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let mut number = || words.next()?.parse().ok();
            match word.as_str() {
                "--executions" => arguments.executions = Some(number()?),
                "--seed" => arguments.seed = number()?,
                "--from" => arguments.from = number()?,
                "--single" => arguments.mode = Mode::Single,
                "--show" => arguments.mode = Mode::Show,
                flag if flag.starts_with("--") => return None,
                _ => arguments.words.push(word),
            }
        }
        Some(arguments)
    }

    /// The targets that are named; all if none is.
    fn targets(&self) -> Result<Vec<&'static Target>, String> {
        if self.words.is_empty() {
            return Ok(TARGETS.iter().collect());
        }
        self.words.iter().map(|name| target(name)).collect()
    }
}

fn target(name: &str) -> Result<&'static Target, String> {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        format!("no target '{name}', expected one of {}", names.join(", "))
    })
}

/// Runs the targets one after the other; whether none found anything.
fn campaign(arguments: &Arguments) -> Result<bool, String> {
    let targets = arguments.targets()?;
    let executions = arguments.executions.unwrap_or(1_000_000);
    let shares: u64 = targets.iter().map(|target| target.share).sum();
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut all_clean = true;
    for target in targets {
        let own = (executions * target.share).div_ceil(shares);
        let status = Command::new(&program)
            .args(["--single", target.name])
            .args(["--executions", &own.to_string()])
            .args(["--seed", &arguments.seed.to_string()])
            .args(["--from", &arguments.from.to_string()])
            .status()
            .map_err(|e| e.to_string())?;
        if !status.success() {
            all_clean = false;
            if status.code() != Some(1) {
                println!("{}: ended by {status}", target.name);
            }
        }
    }
    Ok(all_clean)
}

fn single(arguments: &Arguments) -> Result<bool, String> {
    let [name] = &arguments.words[..] else {
        return Err(USAGE.to_owned());
    };
    let target = target(name)?;
    let series = Series {
        seed: arguments.seed,
        from: arguments.from,
        executions: arguments.executions.unwrap_or(1),
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || run::run(target, series));
    let report = thread.map_err(|e| e.to_string())?.join();
    let report = report.map_err(|_| format!("{name}: the runner itself failed"))?;
    println!("{report}");
    Ok(report.findings.is_empty())
}

fn show(arguments: &Arguments) -> Result<bool, String> {
    let [name, number] = &arguments.words[..] else {
        return Err(USAGE.to_owned());
    };
    let number = number.parse().map_err(|_| USAGE.to_owned())?;
    let input = run::mutator(target(name)?, arguments.seed).input(number);
    let written = std::io::stdout().write_all(&input);
    written.map(|()| true).map_err(|e| e.to_string())
}
