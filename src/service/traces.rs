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
    /// The numbers in it, and what each was read from; what a picture shows before what stands in
    /// its file, which anybody can write there.
    fn read(self) -> Result<Vec<(ReadFrom, Serial)>, ServiceError> {
        let bytes = match self {
            Self::Serial(text) => {
                let serial = text.parse::<Serial>();
                let serial = serial.map_err(|_| Invalid::new("serial", "is no serial number"))?;
                return Ok(vec![(ReadFrom::Text, serial)]);
            }
            Self::File(bytes) => bytes,
        };
        let named = mark::in_file(&bytes);
        let is_page = bytes.starts_with(b"%PDF") || bytes.starts_with(b"<!");
        let says_enough = is_page || !named.is_empty();
        let shown = if says_enough && !mark::is_picture(&bytes) {
            Vec::new()
        } else {
            mark::read(&bytes).map_err(unreadable)?
        };
        let named = named.into_iter().filter(|serial| !shown.contains(serial));
        let named: Vec<_> = named.map(|serial| (ReadFrom::File, serial)).collect();
        let shown = shown.into_iter().map(|serial| (ReadFrom::Mark, serial));
        Ok(shown.chain(named).collect())
    }
}

fn unreadable(error: mark::Unreadable) -> Invalid {
    let why = match error {
        mark::Unreadable::Format => "is neither PDF, PNG nor JPEG",
        mark::Unreadable::Damaged => "is a damaged picture",
        mark::Unreadable::TooLarge => "has too many pixels",
    };
    Invalid::new("file", why)
}

impl Store {
    /// `POST /traces`, for privacy officers and auditors.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for what is no serial number, PDF or picture.
    pub fn trace(&self, session: &Session, evidence: Evidence) -> Answer<Vec<TraceView>> {
        self.office::<Trace, _>(session, Target::Office, |permit| {
            let traced = evidence.read().and_then(|found| {
                let view = |(read_from, serial)| self.traced(serial, read_from);
                found.into_iter().map(view).collect::<Result<Vec<_>, _>>()
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

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;
    use crate::disclosure::mark::tests::{drawn, png};

    #[test]
    fn a_planted_number_hides_no_mark() {
        let [real, planted] = ["7KQ4M-2XA0D", "00000-00000"].map(|s| s.parse::<Serial>().unwrap());
        let picture = drawn(real, 200.0, 500);
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
        picture.write_with_encoder(encoder).unwrap();
        let read = |bytes: &[u8]| Evidence::File(Zeroizing::new(bytes.to_vec())).read();
        for clean in [png(&picture), jpeg] {
            assert_eq!(read(&clean), Ok(vec![(ReadFrom::Mark, real)]));
            let with = |serial| [clean.as_slice(), mark::keyword(serial).as_bytes()].concat();
            let both = vec![(ReadFrom::Mark, real), (ReadFrom::File, planted)];
            assert_eq!(read(&with(planted)), Ok(both));
            assert_eq!(read(&with(real)), Ok(vec![(ReadFrom::Mark, real)]));
            // What can be looked at in part only is not answered from its text.
            let torn = [&clean[..40], mark::keyword(planted).as_bytes()].concat();
            assert!(read(&torn).is_err());
        }
        let page = [b"<!doctype html>", mark::keyword(planted).as_bytes()].concat();
        assert_eq!(read(&page), Ok(vec![(ReadFrom::File, planted)]));
        assert_eq!(read(b"<!doctype html>"), Ok(Vec::new()));
        assert!(read(b"no picture").is_err());
    }
}
