//! Forwarding of access-log entries to a collector, as they become durable.

use std::path::PathBuf;

use super::ConfigError;

/// How an entry is written into a file: one a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileForm {
    /// A JSON object.
    #[default]
    Json,
    /// ArcSight Common Event Format.
    Cef,
}

/// How an entry is written into a syslog message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyslogForm {
    /// Structured data (RFC 5424 section 6.3).
    #[default]
    Rfc5424,
    /// ArcSight Common Event Format as the message.
    Cef,
}

/// The `[forward]` table; without it nothing is forwarded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Forward {
    /// Into a file, which is set aside when it has grown.
    File {
        /// The file; what was set aside stands beside it as `.1`, `.2` and so on.
        path: PathBuf,
        /// How.
        #[serde(default)]
        form: FileForm,
        /// Length at which it is set aside, in bytes.
        #[serde(default = "file_bytes")]
        max_bytes: u64,
        /// Files set aside that are kept; the oldest beyond them is removed.
        #[serde(default = "files_kept")]
        keep: u32,
    },
    /// To a syslog server over TLS (RFC 5425).
    Syslog {
        /// `host:port`.
        address: String,
        /// Name that its certificate must hold; the host of the address where none is given.
        name: Option<String>,
        /// PEM file with the certificates that vouch for it.
        ca: PathBuf,
        /// PEM file with the certificates by which this side is known, its own first (RFC 5425
        /// section 4.2.1); with `key`.
        cert: Option<PathBuf>,
        /// PEM file with their private key.
        key: Option<PathBuf>,
        /// Of what was given to a connection that broke, so much is sent again: more than what the
        /// buffers between hold.
        #[serde(default = "resend_bytes")]
        resend_bytes: usize,
        /// How.
        #[serde(default)]
        form: SyslogForm,
        /// What this machine calls itself (HOSTNAME): printable ASCII without spaces.
        host: Option<String>,
    },
}

const fn file_bytes() -> u64 {
    100 << 20
}
const fn files_kept() -> u32 {
    10
}

const fn resend_bytes() -> usize {
    64 << 20
}

impl Forward {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::Value { key, reason });
        match self {
            Self::File { max_bytes, .. } if *max_bytes < 4096 => {
                refuse("forward.max_bytes", "must be at least 4096")
            }
            Self::File { .. } => Ok(()),
            Self::Syslog {
                cert: Some(_),
                key: None,
                ..
            }
            | Self::Syslog {
                cert: None,
                key: Some(_),
                ..
            } => refuse("forward.cert", "and key are given together or not at all"),
            Self::Syslog { resend_bytes, .. } if *resend_bytes < 1 << 20 => {
                refuse("forward.resend_bytes", "must be at least 1048576")
            }
            Self::Syslog { address, host, .. } => {
                let port = address
                    .rsplit_once(':')
                    .map(|(_, port)| port.parse::<u16>());
                if !matches!(port, Some(Ok(_))) {
                    return refuse("forward.address", "must be host:port");
                }
                let fits = |name: &String| {
                    let graphic = name.bytes().all(|b| b.is_ascii_graphic());
                    !name.is_empty() && name.len() <= 255 && graphic
                };
                if host.as_ref().is_some_and(|name| !fits(name)) {
                    return refuse("forward.host", "must be printable ASCII without spaces");
                }
                Ok(())
            }
        }
    }

    /// Of what was given to a connection that broke, so much is sent again.
    pub const fn resend_bytes(&self) -> usize {
        match self {
            Self::File { .. } => 0,
            Self::Syslog { resend_bytes, .. } => *resend_bytes,
        }
    }

    /// Name that the certificate of a syslog server must hold.
    pub fn server_name(address: &str, name: Option<&str>) -> String {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        name.unwrap_or(host).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct File {
        forward: Option<Forward>,
    }

    fn parse(text: &str) -> Result<Option<Forward>, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let forward = file.forward;
        if let Some(forward) = &forward {
            forward.check().map_err(|e| e.to_string())?;
        }
        Ok(forward)
    }

    #[test]
    fn both_targets_are_read_and_what_cannot_be_is_refused() {
        assert_eq!(parse("").unwrap(), None);
        let file = parse("[forward]\nto = 'file'\npath = 'a.jsonl'").unwrap();
        let expected = Forward::File {
            path: "a.jsonl".into(),
            form: FileForm::Json,
            max_bytes: 100 << 20,
            keep: 10,
        };
        assert_eq!(file, Some(expected));
        let syslog = "[forward]\nto = 'syslog'\naddress = 'siem:6514'\nca = 'ca.pem'\nform = 'cef'";
        let plain = parse(syslog).unwrap().unwrap();
        assert_eq!(plain.resend_bytes(), 64 << 20);
        assert!(parse(&format!("{syslog}\ncert = 'c.pem'\nkey = 'k.pem'")).is_ok());
        for more in ["cert = 'c.pem'", "key = 'k.pem'", "resend_bytes = 4096"] {
            assert!(parse(&format!("{syslog}\n{more}")).is_err(), "{more}");
        }
        for bad in [
            "[forward]\nto = 'http'",
            "[forward]\nto = 'file'\npath = 'a'\nbodies = true",
            "[forward]\nto = 'file'\npath = 'a'\nmax_bytes = 1",
            "[forward]\nto = 'syslog'\naddress = 'siem'\nca = 'c'",
            "[forward]\nto = 'syslog'\naddress = 'siem:1'\nca = 'c'\nhost = 'a b'",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_is_known_by_its_name_or_its_host() {
        assert_eq!(Forward::server_name("siem:6514", None), "siem");
        assert_eq!(Forward::server_name("[::1]:6514", None), "::1");
        assert_eq!(Forward::server_name("10.0.0.1:1", Some("siem")), "siem");
    }
}
