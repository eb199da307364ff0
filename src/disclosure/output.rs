//! One output (출력물): a copy of cases that leaves the store, on paper or in a file, from the
//! moment it was asked for until its destruction is confirmed.

use crate::crypto::table::Row;
use crate::domain::id::{AccountId, ApprovalId, DepartmentId};
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::engine::Space;

/// What it is (형태).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// CSV in UTF-8 with a byte-order mark.
    Csv,
    /// CSV in CP949.
    CsvCp949,
    /// Spreadsheet, Office Open XML.
    Xlsx,
    /// JSON, one case a line.
    Jsonl,
    /// PDF in a file.
    Pdf,
    /// PDF to be printed.
    PrintPdf,
    /// A page to be printed by a browser.
    PrintHtml,
}

impl Form {
    /// The code in the API and in hashes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvCp949 => "csv_cp949",
            Self::Xlsx => "xlsx",
            Self::Jsonl => "jsonl",
            Self::Pdf => "pdf",
            Self::PrintPdf => "print_pdf",
            Self::PrintHtml => "print_html",
        }
    }
    /// Whether it goes on paper.
    pub const fn is_print(self) -> bool {
        matches!(self, Self::PrintPdf | Self::PrintHtml)
    }
}

/// How far it has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OutputState {
    /// It is being written.
    Running,
    /// It is there, or has left.
    Ready,
    /// The server stopped, the disk was full or the session ended while it was being written.
    Interrupted,
    /// Whoever asked for it called it off.
    Cancelled,
    /// The file or the print document died without having been fetched.
    Expired,
    /// 파기 확인: whoever answers for it says that every copy is destroyed.
    Closed,
    /// It was not fetched when the backup was made out of which the store came back, and may have
    /// been since: it is out until somebody closes it.
    MayBeOut,
}

impl OutputState {
    /// Whether a copy may still be somewhere: what certificates and inspections name.
    pub const fn is_out(self) -> bool {
        matches!(self, Self::Ready | Self::MayBeOut)
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finished {
    /// When.
    pub at: Timestamp,
    /// Cases that were opened for it.
    pub cases: u32,
    /// People in them.
    pub people: u32,
    /// Its length; 0 where nothing is left of it.
    pub bytes: u64,
    /// SHA-256 of it as it left; zeros where nothing is left of it.
    pub sha256: [u8; 32],
}

impl Finished {
    /// So much was opened for it, and nothing of it is left.
    pub const fn opened(at: Timestamp, cases: u32, people: u32) -> Self {
        Self {
            at,
            cases,
            people,
            bytes: 0,
            sha256: [0; 32],
        }
    }
}

/// Who said that every copy is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClosedBy {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// How it was destroyed (파쇄, 소각, 삭제).
    pub method: String,
}

/// The record of one output (안전성 확보조치 기준 제12조: serial number, form, time, purpose,
/// person, department, receiver, planned destruction, who answers for it). It names no case.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Output {
    /// Serial number (일련번호).
    pub serial: Serial,
    /// Form (형태).
    pub form: Form,
    /// Who took it out (출력자).
    pub by: AccountId,
    /// Their department then (소속).
    pub department: Option<DepartmentId>,
    /// For what (목적).
    pub purpose: Purpose,
    /// Which fields, by the template's code.
    pub template: String,
    /// Whether nothing is masked.
    pub unmasked: bool,
    /// Who gets it (전달받을 자).
    pub receiver: String,
    /// Who answers for its destruction (파기책임자).
    pub responsible: AccountId,
    /// When its copies are to be destroyed (파기 예정일).
    pub destroy_by: Timestamp,
    /// Copies on paper; 1 for a file.
    pub copies: u16,
    /// Whether a sensitive case is in it: it lives and dies with the session that began it.
    pub sensitive: bool,
    /// [`super::manifest::hash`].
    pub manifest: [u8; 32],
    /// Cases of the list.
    pub cases: u32,
    /// People of the list.
    pub people: u32,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Where the first entry of its list stands in the access log; filled in when it is read.
    #[serde(skip)]
    pub entry: Option<u64>,
    /// The second person's consent, where one was needed.
    pub approval: Option<ApprovalId>,
    /// Until when the file is kept for fetching; `None` on paper.
    pub file_until: Option<Timestamp>,
    /// When it was last fetched, and how often.
    pub fetched: (Option<Timestamp>, u32),
    /// How far it has come.
    pub state: OutputState,
    /// How it ended.
    pub finished: Option<Finished>,
    /// Who said that every copy is destroyed.
    pub closed: Option<ClosedBy>,
    /// Who consented as the second person; not told in rows of before version 0.4.0.
    pub approver: Option<AccountId>,
}

impl Output {
    /// Whether its end is to come: it is being written, or waits and nobody has fetched it.
    pub const fn is_pending(&self) -> bool {
        match self.state {
            OutputState::Running => true,
            OutputState::Ready => self.fetched.1 == 0,
            _ => false,
        }
    }
}

impl Row for Output {
    const SPACE: Space = Space::Output;
    const KIND: &'static str = "output";
    /// 2 since it says who consented.
    const FORMAT: u8 = 2;
    fn id(&self) -> Vec<u8> {
        self.serial.to_bytes().to_vec()
    }
    fn older(_format: u8, bytes: &[u8]) -> Result<Option<Self>, postcard::Error> {
        // All but the last field, which is absent.
        postcard::from_bytes(&[bytes, &[0]].concat()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemSource;

    #[test]
    fn a_record_of_before_is_read_and_does_not_say_who_consented() {
        let random = SystemSource::default();
        let (by, at) = (AccountId::from_bytes([1; 16]), Timestamp::from_millis(5));
        let approval = Some(ApprovalId::from_bytes([2; 16]));
        let closed = ClosedBy {
            by,
            at,
            method: "shredded".to_owned(),
        };
        let serial = Serial::random(&random).unwrap();
        // Field after field, as version 0.3.0 wrote them.
        let who = (serial, Form::Pdf, by, None::<DepartmentId>);
        let terms = (Purpose::Legal, "t", false, "a court", by, at, 1_u16, true);
        let list = ([7_u8; 32], 3_u32, 4_u32, at, approval);
        let end = (None::<Timestamp>, (Some(at), 1_u32));
        let state = (OutputState::Closed, None::<Finished>, Some(&closed));
        let bytes = postcard::to_stdvec(&(who, terms, list, end, state)).unwrap();
        let read = Output::older(1, &bytes).unwrap().unwrap();
        assert_eq!((read.serial, read.approval), (serial, approval));
        assert_eq!((read.closed.as_ref(), read.approver), (Some(&closed), None));
        assert!(Output::older(1, &bytes[..bytes.len() - 9]).is_err());
        // As it is written now, it says who.
        let now = Output {
            approver: Some(by),
            ..read
        };
        let again = postcard::to_stdvec(&now).unwrap();
        assert_eq!(postcard::from_bytes::<Output>(&again), Ok(now));
    }
}
