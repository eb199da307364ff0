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
use crate::disclosure::mark::{self, Scan};
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

/// What a file is searched for at the most, of marks and of what it says about itself: whoever is
/// traced can write any number of others into it.
const SHOWN_MAX: usize = 16;

/// What was found in a piece of evidence.
#[derive(Debug, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Traced {
    /// Serial numbers, those in marks first, then those of this store, then others; 32 at the most.
    pub found: Vec<TraceView>,
    /// Numbers that are not shown: a file says many only where somebody wrote them there.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Pictures in a PDF that could not be looked at: give those pages as PNG or JPEG.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread: usize,
}

const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The numbers in a piece of evidence.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    /// Read off a page.
    text: Vec<Serial>,
    /// In marks.
    marks: Vec<Serial>,
    /// In what a file says about itself, which anybody can write there.
    named: Vec<Serial>,
    unread: usize,
}

impl Evidence {
    fn read(self) -> Result<Numbers, ServiceError> {
        let bytes = match self {
            Self::Serial(text) => {
                let serial = text.parse::<Serial>();
                let serial = serial.map_err(|_| Invalid::new("serial", "is no serial number"))?;
                return Ok(Numbers {
                    text: vec![serial],
                    ..Numbers::default()
                });
            }
            Self::File(bytes) => bytes,
        };
        let mut named = mark::in_file(&bytes);
        let says_enough = bytes.starts_with(b"<!") || !named.is_empty();
        let Scan { found, unread } = if bytes.starts_with(b"%PDF") {
            mark::scan(&bytes)
        } else if says_enough && !mark::is_picture(&bytes) {
            Scan::default()
        } else {
            Scan {
                found: mark::read(&bytes).map_err(unreadable)?,
                unread: 0,
            }
        };
        named.retain(|serial| !found.contains(serial));
        Ok(Numbers {
            text: Vec::new(),
            marks: found,
            named,
            unread,
        })
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
    pub fn trace(&self, session: &Session, evidence: Evidence) -> Answer<Traced> {
        self.office::<Trace, _>(session, Target::Office, |permit| {
            let traced = evidence.read().and_then(|numbers| self.lead_back(numbers));
            self.or_fail(permit, traced, |permit, traced| {
                let found: Vec<&str> = traced.found.iter().map(|v| v.serial.as_str()).collect();
                let mut reason = format!("outputs {}", found.join(" "));
                if traced.more > 0 {
                    reason.push_str(&format!(", and {} more numbers", traced.more));
                }
                let shown = Shown {
                    query: Some("trace"),
                    reason: Some(reason),
                    ..Shown::default()
                };
                let recorded = self.log.record(permit, shown);
                Ok(recorded.map(|receipt| receipt.map(|_| traced).map_err(fault::log)))
            })
        })
    }

    /// Marks first; of what a file says about itself, the numbers of this store before all others,
    /// so that no number of planted ones hides the right one.
    fn lead_back(&self, numbers: Numbers) -> Result<Traced, ServiceError> {
        let Numbers {
            text,
            marks,
            mut named,
            unread,
        } = numbers;
        let all = text.len() + marks.len() + named.len();
        if named.len() > SHOWN_MAX {
            let ours = |serial: &Serial| {
                let found = self.outputs.find(*serial).map_err(fault::table);
                found.map(|found| found.is_some())
            };
            let ours = named.iter().map(ours).collect::<Result<Vec<_>, _>>()?;
            let mut sorted: Vec<(bool, Serial)> = ours.into_iter().zip(named).collect();
            sorted.sort_by_key(|(ours, _)| !ours);
            named = sorted.into_iter().map(|(_, serial)| serial).collect();
        }
        let from = |read_from, serials: Vec<Serial>| {
            let most = serials.into_iter().take(SHOWN_MAX);
            most.map(move |serial| (read_from, serial))
        };
        let shown = from(ReadFrom::Text, text)
            .chain(from(ReadFrom::Mark, marks))
            .chain(from(ReadFrom::File, named));
        let view = |(read_from, serial)| self.traced(serial, read_from);
        let found = shown.map(view).collect::<Result<Vec<_>, _>>()?;
        Ok(Traced {
            more: all - found.len(),
            found,
            unread,
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
    use crate::domain::task::Task;
    use crate::service::export::tests::Office;

    #[test]
    fn a_planted_number_hides_no_mark() {
        let [real, planted] = ["7KQ4M-2XA0D", "00000-00000"].map(|s| s.parse::<Serial>().unwrap());
        let picture = drawn(real, 200.0, 500);
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
        picture.write_with_encoder(encoder).unwrap();
        let read = |bytes: &[u8]| Evidence::File(Zeroizing::new(bytes.to_vec())).read();
        let numbers = |marks: &[Serial], named: &[Serial]| {
            Ok(Numbers {
                marks: marks.to_vec(),
                named: named.to_vec(),
                ..Numbers::default()
            })
        };
        for clean in [png(&picture), jpeg.clone()] {
            assert_eq!(read(&clean), numbers(&[real], &[]));
            let with = |serial| [clean.as_slice(), mark::keyword(serial).as_bytes()].concat();
            assert_eq!(read(&with(planted)), numbers(&[real], &[planted]));
            assert_eq!(read(&with(real)), numbers(&[real], &[]));
            // What can be looked at in part only is not answered from its text.
            let torn = [&clean[..40], mark::keyword(planted).as_bytes()].concat();
            assert!(read(&torn).is_err());
        }
        let page = [b"<!doctype html>", mark::keyword(planted).as_bytes()].concat();
        assert_eq!(read(&page), numbers(&[], &[planted]));
        assert_eq!(read(b"<!doctype html>"), numbers(&[], &[]));
        assert!(read(b"no picture").is_err());
        // A PDF of a scanner, with a number written into it.
        let planted_keyword = mark::keyword(planted);
        let scanned = [
            b"%PDF-1.4\n",
            planted_keyword.as_bytes(),
            b"\n1 0 obj\n<< /Subtype /Image >>\nstream\n",
            &jpeg,
            b"\nendstream",
        ];
        assert_eq!(read(&scanned.concat()), numbers(&[real], &[planted]));
    }

    #[test]
    fn numbers_written_into_a_file_neither_hide_the_right_one_nor_stop_the_answer() {
        let office = Office::new();
        let case = office.register("officer");
        let real = office.print("officer", &[case]).unwrap();
        // They come before every other in the order of numbers, and would not fit in an entry.
        let planted = (0..500_u128).map(|n| {
            let letters: Vec<char> = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().collect();
            let at = |shift: u32| letters[(n >> shift & 31) as usize];
            format!("bongham-output-00000-00{}{}0 ", at(5), at(0))
        });
        let planted: String = planted.collect();
        let page = format!("<!doctype html>{planted}{}", mark::keyword(real));
        let evidence = Evidence::File(Zeroizing::new(page.into_bytes()));
        let traced = office.store.trace(&office.session("auditor"), evidence);
        let traced = traced.unwrap().wait().unwrap();
        assert_eq!(traced.found[0].serial, real.to_string());
        assert!(traced.found[0].output.is_some());
        assert_eq!(
            (traced.found.len(), traced.more),
            (SHOWN_MAX, 500 + 1 - SHOWN_MAX)
        );
        let told = office.told(Task::Trace);
        let entry = told.iter().find(|told| told.contains(&real.to_string()));
        assert!(entry.unwrap().ends_with("and 485 more numbers"), "{told:?}");
    }
}
