#![doc = include_str!("../README.md")]

#[expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, which people read without Markdown"
)]
mod cli;
mod commands;
mod config;
mod explain;
mod forget;
mod health;
mod http;
mod jobs;
mod limit_commands;
mod logging;
mod metrics;
mod printable;
mod queue_commands;
mod rule_commands;
mod serve;
mod setup;
mod size;

use std::process::ExitCode;

use cli::{Cli, Command};

// Batches allocate on one thread and free on another; mimalloc takes that in its stride, and a third less memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, causes included: what failed, and why.
            eprintln!("bugle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let command = cli.command.unwrap_or(Command::Serve);
    if let Command::Explain { what } = command {
        return explain::run(what);
    }
    let config = config::Config::load(cli.options)?;
    logging::init(config.log_format)?;
    if let Command::Queue(command) = command {
        return queue_commands::run(command, &config.data);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        match command {
            Command::Serve => serve::run(config).await,
            command => commands::run(command, &config).await,
        }
    });
    // A disk that hangs must not keep the process: what is on its way is in the queue, or was never acknowledged.
    runtime.shutdown_background();
    done
}
