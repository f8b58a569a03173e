//! `bugle explain`: reads JSON lines, writes an answer a line, in order. Offline: no database, no data folder.

use std::io::{BufRead as _, BufWriter, Write as _};

use anyhow::Context as _;

use crate::cli::Explained;

/// Answers standard input on standard output.
pub(crate) fn run(what: Explained) -> anyhow::Result<()> {
    let explain: fn(&str) -> String = match what {
        Explained::Case => bugle_processor::explain::case,
        Explained::Event => bugle_processor::explain::event,
        Explained::Group => bugle_processor::explain::group,
        Explained::Message => bugle_processor::explain::message,
        Explained::Enhancements => bugle_processor::explain::enhancements,
        Explained::Fingerprint => bugle_processor::explain::fingerprint,
    };
    let mut output = BufWriter::new(std::io::stdout().lock());
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.with_context(|| format!("could not read line {}", number + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        writeln!(output, "{}", explain(&line)).context("could not write the answer")?;
    }
    output.flush().context("could not write the answers")
}
