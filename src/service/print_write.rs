//! The document of a print, once its list is durable: revealed, masked, written, and its record
//! closed, whatever happens.

use std::panic::{AssertUnwindSafe, catch_unwind};

use zeroize::Zeroizing;

use super::error::ServiceError;
use super::fault;
use super::output_owed::OutputEnd;
use super::output_steps::Step;
use super::print::Printed;
use super::print_order::PrintOrder;
use super::store::Store;
use crate::audit::Outcome;
use crate::audit::manifest::Manifest;
use crate::authn::session::Session;
use crate::authz::action::Print;
use crate::cases::draft::Invalid;
use crate::cases::record::Case;
use crate::disclosure::manifest::digest;
use crate::disclosure::output::{Finished, Output, OutputState};
use crate::disclosure::paper::case::{self, Identity};
use crate::disclosure::paper::{self, DOCUMENT_BYTES_MAX, Document, Font, Marks, PaperError};
use crate::disclosure::template::{self, Masking, Template};
use crate::domain::id::CaseId;
use crate::vault::Disclosed;

/// Everything that a document is written from.
pub(super) struct Job<'a> {
    pub(super) order: &'a PrintOrder,
    pub(super) template: Template,
    pub(super) output: &'a Output,
    pub(super) manifest: Manifest<Print>,
    pub(super) font: Option<Font>,
}

/// More than a document holds.
pub(super) fn too_much() -> ServiceError {
    let why = "make a document of more than 32 MiB or 5000 pages, copies counted: print fewer \
        cases or copies at once";
    Invalid::new("cases", why).into()
}

fn unwritten(error: PaperError) -> ServiceError {
    match error {
        PaperError::TooLong | PaperError::TooLarge => too_much(),
        PaperError::Unwritable(_) => ServiceError::Internal(error.to_string()),
    }
}

impl Store {
    /// Reveals, masks and writes. A writer that panics has written nothing, like one that fails.
    pub(super) fn write_print(
        &self,
        session: &Session,
        job: Job<'_>,
        contents: Vec<Disclosed<Print, Case>>,
    ) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let write = || {
            self.steps.pass(Step::Write, ())?;
            self.written(session, job, contents)
        };
        catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| {
            let why = "the writer of the document panicked";
            Err(ServiceError::Internal(why.to_owned()))
        })
    }

    fn written(
        &self,
        session: &Session,
        job: Job<'_>,
        contents: Vec<Disclosed<Print, Case>>,
    ) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let (order, output) = (job.order, job.output);
        let mut document = Document {
            title: job.template.title().to_owned(),
            blocks: Vec::new(),
        };
        let masking = Masking::of(order.unmasked);
        for content in contents {
            session.pulse().beats().map_err(fault::ended)?;
            let mut view = content.reveal_listed(&job.manifest).map_err(fault::vault)?;
            let identity = order.identity.unwrap_or_else(|| Identity::of(&view));
            if identity == Identity::Omit {
                case::omit_identity(&mut view);
            }
            let mut view = job.template.show(view, masking);
            case::date(&mut view);
            let blocks = case::blocks(job.template, output.serial, &view);
            document.blocks.extend(blocks);
            template::forget(view);
        }
        let marks = Marks {
            serial: Some(output.serial),
            by: self.directory.login(output.by),
            department: output.department.map(|id| self.directory.code(id)),
            at: output.requested_at,
            copies: output.copies,
        };
        let written = match job.font {
            Some(font) => paper::pdf(&document, &marks, &font),
            None => paper::html(&document, &marks).map(String::into_bytes),
        };
        case::forget(document);
        let written = written.map(Zeroizing::new).map_err(unwritten)?;
        if written.len() > DOCUMENT_BYTES_MAX {
            return Err(too_much());
        }
        Ok(written)
    }

    /// Closes the record with an entry, and only then keeps the document to be fetched.
    pub(super) fn close_print(
        &self,
        session: &Session,
        output: &Output,
        cases: Vec<CaseId>,
        written: Result<Zeroizing<Vec<u8>>, ServiceError>,
    ) -> Result<Printed, ServiceError> {
        let broken = |why: &str| {
            let so_far = Finished::opened(self.clock.now(), output.cases, output.people);
            OutputEnd::broken((OutputState::Interrupted, why), so_far, output.cases)
        };
        let bytes = match written {
            Ok(bytes) => bytes,
            Err(error) => {
                // The error that is told is that of the print.
                drop(self.end_or_owe(output.serial, broken(&error.to_string())));
                return Err(error);
            }
        };
        if let Err(error) = self.close_written(output, &bytes) {
            let why = format!("its end could not be entered: {error}");
            tracing::error!(%error, serial = %output.serial, "a print could not be closed; will be tried again");
            self.owed.owe(output.serial, broken(&why));
            return Err(error);
        }
        if let Err(ended) = session.pulse().beats() {
            self.prints.died(output.serial);
            return Err(fault::ended(ended));
        }
        let made = (output.serial, output.form);
        let now = self.clock.monotonic();
        self.prints.keep(session, made, cases, bytes, now);
        Ok(Printed {
            serial: output.serial,
            cases: output.cases,
            people: output.people,
            seconds: self.prints.time().as_secs(),
        })
    }

    fn close_written(&self, output: &Output, bytes: &[u8]) -> Result<(), ServiceError> {
        let finished = Finished {
            bytes: bytes.len() as u64,
            sha256: digest(bytes),
            ..Finished::opened(self.clock.now(), output.cases, output.people)
        };
        let what = format!(
            "written; {} cases opened, {} people; {} copies; SHA-256 {}",
            finished.cases,
            finished.people,
            output.copies,
            data_encoding::HEXLOWER.encode(&finished.sha256)
        );
        let changed = self.change_output(output.serial, |output| {
            output.finished = Some(finished.clone());
            output.state = OutputState::Ready;
            Some((Outcome::Done, what.clone()))
        });
        changed.map(drop)
    }
}
