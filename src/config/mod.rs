//! What an office may set, one file per concern, parsed once into types before anything starts.
//!
//! A configuration file is TOML; every table and key is optional, an unknown one is an error.
//! Flags of the command line win over the file.

pub mod budgets;
pub mod disk;
pub mod ending;
pub mod forward;
pub mod inspection;
pub mod limits;
pub mod listen;
pub mod log_format;
pub mod outputs;
pub mod print;
pub mod sessions;

use std::fs;
use std::path::{Path, PathBuf};

use budgets::Budgets;
use disk::Disk;
use ending::Ending;
use forward::Forward;
use inspection::Inspection;
use limits::Limits;
use listen::{Listen, ListenError, ListenFile};
use log_format::LogFormat;
use outputs::Outputs;
use print::Print;
use sessions::Sessions;

/// Everything a running server is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it listens, and whether it speaks TLS there.
    pub listen: Listen,
    /// Bounds on work.
    pub limits: Limits,
    /// How long people stay logged in.
    pub sessions: Sessions,
    /// Windows and caps around the end of records.
    pub ending: Ending,
    /// How much one person may open in a day.
    pub budgets: Budgets,
    /// How long what leaves may lie here.
    pub outputs: Outputs,
    /// Room on the disk that stops what leaves.
    pub disk: Disk,
    /// The font of prints, and how long a print document waits.
    pub print: Print,
    /// What the inspection of the access log looks for.
    pub inspection: Inspection,
    /// Where entries of the access log are forwarded to.
    pub forward: Option<Forward>,
    /// How it reports to its operator.
    pub log_format: LogFormat,
}

/// What the command line says over the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--listen`.
    pub listen: Option<String>,
    /// `--tls-cert`, a PEM chain.
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`, a PEM key.
    pub tls_key: Option<PathBuf>,
    /// `--log-format`.
    pub log_format: Option<LogFormat>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: ListenFile,
    limits: Limits,
    sessions: Sessions,
    ending: Ending,
    budgets: Budgets,
    outputs: Outputs,
    disk: Disk,
    print: Print,
    inspection: Inspection,
    forward: Option<Forward>,
    log_format: LogFormat,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be; the text names line and key.
    #[error("the configuration file {path} is not valid: {reason}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Line and key.
        reason: String,
    },
    /// A listener that must not be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A bound that cannot hold.
    #[error("{key} {reason}")]
    Value {
        /// The key in the file.
        key: &'static str,
        /// What it must be.
        reason: &'static str,
    },
}

impl Config {
    /// The configuration of `file` (or of none) with `overrides` on top.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let parsed = match file {
            None => File::default(),
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                toml::from_str(&text).map_err(|error| ConfigError::Parse {
                    path: path.to_owned(),
                    reason: error.to_string(),
                })?
            }
        };
        Self::settle(parsed, overrides)
    }

    fn settle(file: File, overrides: Overrides) -> Result<Self, ConfigError> {
        file.limits.check()?;
        file.sessions.check()?;
        file.ending.check()?;
        file.budgets.check()?;
        file.outputs.check()?;
        file.disk.check()?;
        file.print.check()?;
        file.inspection.check()?;
        if let Some(forward) = &file.forward {
            forward.check()?;
        }
        let listen = ListenFile {
            address: overrides.listen.unwrap_or(file.listen.address),
            tls_cert: overrides.tls_cert.or(file.listen.tls_cert),
            tls_key: overrides.tls_key.or(file.listen.tls_key),
        };
        Ok(Self {
            listen: Listen::settle(listen)?,
            limits: file.limits,
            sessions: file.sessions,
            ending: file.ending,
            budgets: file.budgets,
            outputs: file.outputs,
            disk: file.disk,
            print: file.print,
            inspection: file.inspection,
            forward: file.forward,
            log_format: overrides.log_format.unwrap_or(file.log_format),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        fs::write(&path, text).unwrap();
        Config::load(Some(&path), Overrides::default())
    }

    #[test]
    fn an_empty_file_and_no_file_mean_the_same() {
        let none = Config::load(None, Overrides::default()).unwrap();
        assert_eq!(parse("").unwrap(), none);
        assert!(none.listen.is_loopback());
    }

    #[test]
    fn keys_are_read_and_unknown_ones_named() {
        let text = "log_format = 'json'\n[sessions]\nidle_minutes = 5\n[limits]\nconnections = 9\n";
        let config = parse(text).unwrap();
        assert_eq!(config.log_format, LogFormat::Json);
        assert_eq!(config.sessions.idle().as_secs(), 300);
        assert_eq!(config.limits.connections, 9);
        for bad in [
            "portt = 1",
            "[sessions]\nidel_minutes = 5",
            "[listen]\nadress = 'x'",
        ] {
            let reason = parse(bad).unwrap_err().to_string();
            assert!(reason.contains("unknown field"), "{reason}");
        }
    }

    #[test]
    fn bounds_that_cannot_hold_are_refused() {
        for bad in [
            "[sessions]\nidle_minutes = 0",
            "[sessions]\nidle_minutes = 90\nabsolute_hours = 1",
            "[limits]\nconnections = 0",
            "[limits]\nrequest_seconds = 0",
            "[limits]\nconnections_per_address = 0",
            "[limits]\nstall_seconds = 0",
            "[disk]\noutputs_percent = 1",
        ] {
            assert!(
                matches!(parse(bad), Err(ConfigError::Value { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_command_line_wins() {
        let overrides = Overrides {
            listen: Some("127.0.0.1:1".to_owned()),
            log_format: Some(LogFormat::Json),
            ..Overrides::default()
        };
        let config = Config::load(None, overrides).unwrap();
        assert_eq!(config.listen.address().port(), 1);
        assert_eq!(config.log_format, LogFormat::Json);
    }
}
