//! From a mark, a file or a photographed page back to the record and the access-log entry.

use zeroize::Zeroizing;

use super::error::ServiceError;
use super::fault;
use super::outputs::OutputView;
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::Trace;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::disclosure::mark;
use crate::domain::serial::Serial;

/// What somebody found.
pub enum Evidence {
    /// A serial number, as it was read off a page.
    Serial(String),
    /// A PDF, a printed page as it was saved, or a picture of paper.
    File(Zeroizing<Vec<u8>>),
}

/// What the serial number was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadFrom {
    /// The number itself.
    Text,
    /// What a file says about itself.
    File,
    /// The second mark in a picture.
    Mark,
}

/// One serial number that was found.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct TraceView {
    /// Serial number.
    pub serial: String,
    /// What it was read from.
    pub read_from: ReadFrom,
    /// The record; absent for a number that is not of this store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputView>,
    /// Where the first entry of its list stands in the access log: that names the cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}

impl Evidence {
    fn read(self) -> Result<(ReadFrom, Vec<Serial>), ServiceError> {
        match self {
            Self::Serial(text) => {
                let serial = text.parse::<Serial>();
                let serial = serial.map_err(|_| Invalid::new("serial", "is no serial number"))?;
                Ok((ReadFrom::Text, vec![serial]))
            }
            Self::File(bytes) => {
                let named = mark::in_file(&bytes);
                if !named.is_empty() || bytes.starts_with(b"%PDF") || bytes.starts_with(b"<!") {
                    return Ok((ReadFrom::File, named));
                }
                let found = mark::read(&bytes).map_err(|error| {
                    let why = match error {
                        mark::Unreadable::Format => "is neither PDF, PNG nor JPEG",
                        mark::Unreadable::Damaged => "is a damaged picture",
                        mark::Unreadable::TooLarge => "has too many pixels",
                    };
                    Invalid::new("file", why)
                })?;
                Ok((ReadFrom::Mark, found))
            }
        }
    }
}

impl Store {
    /// `POST /traces`, for privacy officers and auditors.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for what is no serial number, PDF or picture.
    pub fn trace(&self, session: &Session, evidence: Evidence) -> Answer<Vec<TraceView>> {
        self.office::<Trace, _>(session, Target::Office, |permit| {
            let traced = evidence.read().and_then(|(read_from, serials)| {
                let view = |serial: &Serial| self.traced(*serial, read_from);
                serials.iter().map(view).collect::<Result<Vec<_>, _>>()
            });
            self.or_fail(permit, traced, |permit, traced| {
                let found: Vec<&str> = traced.iter().map(|view| view.serial.as_str()).collect();
                let shown = Shown {
                    query: Some("trace"),
                    reason: Some(format!("outputs {}", found.join(" "))),
                    ..Shown::default()
                };
                let recorded = self.log.record(permit, shown);
                Ok(recorded.map(|receipt| receipt.map(|_| traced).map_err(fault::log)))
            })
        })
    }

    fn traced(&self, serial: Serial, read_from: ReadFrom) -> Result<TraceView, ServiceError> {
        let stored = self.outputs.find(serial).map_err(fault::table)?;
        let entry = match &stored {
            Some(_) => self.outputs.entry_of(serial).map_err(fault::table)?,
            None => None,
        };
        Ok(TraceView {
            serial: serial.to_string(),
            read_from,
            output: stored.map(|stored| self.output_view(&stored.row)),
            entry,
        })
    }
}
