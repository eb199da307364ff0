//! Reporting to the operator: lines on standard error, never with personal data.

use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use crate::config::log_format::LogFormat;

/// Environment variable with the filter, for example `bongham=debug`.
pub const FILTER: &str = "BONGHAM_LOG";

/// Starts reporting for the whole process; a second start changes nothing.
pub fn start(format: LogFormat) -> Result<(), Failure> {
    start_at(format, "info")
}

/// The same, saying only what is wrong unless asked for more: for a demo at a terminal.
pub fn start_quiet(format: LogFormat) -> Result<(), Failure> {
    start_at(format, "warn")
}

fn start_at(format: LogFormat, default: &str) -> Result<(), Failure> {
    let filter = match std::env::var(FILTER) {
        Ok(text) => EnvFilter::try_new(text)
            .map_err(|error| Failure::usage(format!("{FILTER}: {error}")))?,
        Err(_) => EnvFilter::new(default),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(true);
    let _already_started = match format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
