#![doc = include_str!("../README.md")]

mod bodies;
mod event;
mod load;
mod process;
mod random;
mod report;
mod steps;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Bugle: a running server, or the steps of processing.
#[derive(Debug, Parser)]
#[command(name = "bugle-bench", version)]
enum Command {
    /// Make events and write them to a file
    Make {
        /// How many
        #[arg(long, default_value_t = 100_000)]
        events: u64,
        /// Where to
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Other seeds make other events
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Send events to a server and report what came of it
    Send {
        /// A file that `make` wrote
        #[arg(long, value_name = "FILE")]
        events: PathBuf,
        /// The DSN of the project
        #[arg(long, value_name = "URL")]
        dsn: String,
        /// Connections, each with one request at a time
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Further connections that stay open and send nothing
        #[arg(long, default_value_t = 0)]
        idle: usize,
        /// How long
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Requests per second; without it, as many as are answered
        #[arg(long)]
        rate: Option<f64>,
        /// The first event to send
        #[arg(long, default_value_t = 0)]
        skip: usize,
        /// The server's process, to report its CPU time and memory
        #[arg(long)]
        pid: Option<u32>,
    },
    /// Measure the steps of processing an event, on one core and without a server
    Steps {
        /// A folder of captured envelopes; those of 12 to 45 kB are measured too
        #[arg(long, value_name = "FOLDER")]
        captures: Option<PathBuf>,
        /// How often each event walks its road
        #[arg(long, default_value_t = 200)]
        rounds: usize,
    },
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Make { events, out, seed } => bodies::make(events, &out, seed),
        Command::Steps { captures, rounds } => steps::run(captures.as_deref(), rounds),
        Command::Send {
            events,
            dsn,
            connections,
            idle,
            seconds,
            rate,
            skip,
            pid,
        } => {
            let plan = load::Plan {
                target: load::Target::of_dsn(&dsn)?,
                connections,
                idle,
                duration: Duration::from_secs(seconds),
                rate,
            };
            let bodies = bodies::read(&events, skip)?;
            report::run(&plan, bodies, pid)
        }
    }
}
