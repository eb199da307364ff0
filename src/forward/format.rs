//! An entry as others read it: JSON, RFC 5424 structured data, CEF. Only the plain part, in which
//! people and cases are opaque ids and counts.

use std::fmt::Write as _;

use syslog_fmt::v5424::{Config, Formatter, Timestamp};
use syslog_fmt::{Facility, Severity};

use super::ForwardError;
use crate::audit::Outcome;
use crate::audit::entry::{Decision, Header};
use crate::config::forward::{FileForm, Forward, SyslogForm};

/// What messages call this program.
const PROGRAM: &str = "bongham";
/// Id of the structured data: the number is the one that RFC 5612 reserves for examples, because
/// this program has none of its own.
const SD_ID: &str = "bongham@32473";

/// How entries are written.
pub(super) enum Format {
    Json,
    Cef,
    Syslog { formatter: Formatter, cef: bool },
}

impl Format {
    pub(super) fn of(forward: &Forward) -> Self {
        match forward {
            Forward::File {
                form: FileForm::Json,
                ..
            } => Self::Json,
            Forward::File {
                form: FileForm::Cef,
                ..
            } => Self::Cef,
            Forward::Syslog { host, form, .. } => {
                let config = Config {
                    // Not for everybody's eyes; 13 (log audit) is not among this crate's.
                    facility: Facility::Authpriv,
                    hostname: host.as_deref(),
                    app_name: Some(PROGRAM),
                    proc_id: None,
                };
                Self::Syslog {
                    formatter: config.into_formatter(),
                    cef: *form == SyslogForm::Cef,
                }
            }
        }
    }

    /// Adds one entry to a batch: a line, or a syslog message with its length before it (RFC 5425
    /// section 4.3).
    pub(super) fn write(
        &self,
        batch: &mut Vec<u8>,
        index: u64,
        header: &Header,
    ) -> Result<(), ForwardError> {
        let fields = Fields::of(index, header);
        match self {
            Self::Json => {
                serde_json::to_writer(&mut *batch, &fields).map_err(std::io::Error::from)?;
                batch.push(b'\n');
            }
            Self::Cef => {
                batch.extend_from_slice(cef(&fields).as_bytes());
                batch.push(b'\n');
            }
            Self::Syslog { formatter, cef } => {
                let message = syslog(formatter, *cef, &fields)?;
                batch.extend_from_slice(format!("{} ", message.len()).as_bytes());
                batch.extend_from_slice(&message);
            }
        }
        Ok(())
    }
}

/// The plain part of an entry in words.
#[derive(serde::Serialize)]
pub(super) struct Fields {
    pub(super) index: u64,
    pub(super) id: String,
    pub(super) time: String,
    pub(super) millis: i64,
    pub(super) clock_back: bool,
    pub(super) account: Option<String>,
    pub(super) roles: Vec<&'static str>,
    pub(super) task: &'static str,
    pub(super) purpose: Option<&'static str>,
    pub(super) decision: &'static str,
    pub(super) policies: Vec<String>,
    pub(super) cases: u32,
    pub(super) people: u32,
    pub(super) bytes: u64,
    pub(super) result: &'static str,
}

impl Fields {
    pub(super) fn of(index: u64, header: &Header) -> Self {
        Self {
            index,
            id: header.id.to_string(),
            time: header.time.rfc3339(),
            millis: header.time.as_millis(),
            clock_back: header.clock_back,
            account: header.actor.map(|id| id.to_string()),
            roles: header.roles.iter().map(|role| role.code()).collect(),
            task: header.task.code(),
            purpose: header.purpose.map(|purpose| purpose.code()),
            decision: match header.decision {
                Decision::None => "none",
                Decision::Allow => "allow",
                Decision::Deny => "deny",
            },
            policies: header.policies.to_vec(),
            cases: header.counts.cases,
            people: header.counts.people,
            bytes: header.counts.bytes,
            result: match header.outcome {
                Outcome::Done => "done",
                Outcome::Refused => "refused",
            },
        }
    }

    fn refused(&self) -> bool {
        self.decision == "deny" || self.result == "refused"
    }
}

/// No control character leaves, in whatever format: a line stays one line.
fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}

fn syslog(formatter: &Formatter, as_cef: bool, fields: &Fields) -> std::io::Result<Vec<u8>> {
    let severity = if fields.refused() {
        Severity::Warning
    } else {
        Severity::Info
    };
    let time = Timestamp::PreformattedStr(&fields.time);
    let mut message = Vec::new();
    if as_cef {
        // As bytes: the mark of UTF-8 that a text would begin with is no part of CEF.
        let text = cef(fields);
        let text = text.as_bytes();
        formatter.write_without_data(&mut message, severity, time, text, Some(fields.task))?;
        return Ok(message);
    }
    let params = [
        ("index", fields.index.to_string()),
        ("id", fields.id.clone()),
        ("account", fields.account.clone().unwrap_or_default()),
        ("roles", fields.roles.join(",")),
        ("task", fields.task.to_owned()),
        ("purpose", fields.purpose.unwrap_or_default().to_owned()),
        ("decision", fields.decision.to_owned()),
        ("policies", plain(&fields.policies.join(","))),
        ("cases", fields.cases.to_string()),
        ("people", fields.people.to_string()),
        ("bytes", fields.bytes.to_string()),
        ("result", fields.result.to_owned()),
        ("clockBack", fields.clock_back.to_string()),
    ];
    formatter.write_header(&mut message, severity, time, Some(fields.task))?;
    let params = params.iter().map(|(name, value)| (*name, value.as_str()));
    let data = [(SD_ID, params.collect::<Vec<_>>())];
    syslog_fmt::v5424::write_data(&mut message, data)?;
    Ok(message)
}

/// Common Event Format, version 0.
pub(super) fn cef(fields: &Fields) -> String {
    let severity = if fields.refused() { 6 } else { 3 };
    let mut line = format!(
        "CEF:0|{PROGRAM}|{PROGRAM}|{}|{}|{}|{severity}|",
        header_field(env!("CARGO_PKG_VERSION")),
        header_field(fields.task),
        header_field(&format!("access log {}", fields.task)),
    );
    let pairs = [
        ("rt", fields.millis.to_string()),
        ("externalId", fields.id.clone()),
        ("suid", fields.account.clone().unwrap_or_default()),
        ("spriv", fields.roles.join(",")),
        ("act", fields.task.to_owned()),
        ("outcome", fields.result.to_owned()),
        ("reason", fields.policies.join(",")),
        ("cn1Label", "cases".to_owned()),
        ("cn1", fields.cases.to_string()),
        ("cn2Label", "people".to_owned()),
        ("cn2", fields.people.to_string()),
        ("out", fields.bytes.to_string()),
        ("cs1Label", "purpose".to_owned()),
        ("cs1", fields.purpose.unwrap_or_default().to_owned()),
        ("cs2Label", "decision".to_owned()),
        ("cs2", fields.decision.to_owned()),
        ("cn3Label", "index".to_owned()),
        ("cn3", fields.index.to_string()),
    ];
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    for (number, (name, value)) in pairs.enumerate() {
        let gap = if number == 0 { "" } else { " " };
        let _ = write!(line, "{gap}{name}={}", extension_value(value));
    }
    line
}

/// A field of the header: backslash and pipe are escaped, and it is one line.
pub(super) fn header_field(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('|', "\\|")
}

/// A value of the extension: backslash and equals are escaped, line ends are written out.
pub(super) fn extension_value(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('=', "\\=");
    plain(&text.replace('\r', "\\r").replace('\n', "\\n"))
}
