//! Logs go to standard error; standard output belongs to what a script may read.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// What is logged without `RUST_LOG`: everything of ours from info on, warnings of the libraries.
const DEFAULT_FILTER: &str = "warn,sqlx::query=error,bugle=info,bugle_ingest=info,bugle_processor=info,bugle_rules=info,bugle_store=info,bugle_alerts=info,bugle_api=info,bugle_ui=info";

/// Starts logging.
///
/// # Errors
/// If `RUST_LOG` is malformed.
pub(crate) fn init(format: LogFormat) -> anyhow::Result<()> {
    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) => EnvFilter::try_new(DEFAULT_FILTER)?,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    Ok(())
}
