//! Fetching a print document, and what becomes of prints when the server stops half-way.

use super::error::ServiceError;
use super::fault;
use super::output_owed::OutputEnd;
use super::output_steps::Step;
use super::outputs::{OutputView, is_mine, knows};
use super::prints::Bytes;
use super::store::{Answer, Store};
use crate::audit::{Position, Shown};
use crate::authn::session::Session;
use crate::authz::action::{Download, ReadOutputs};
use crate::disclosure::output::{Form, Output, OutputState};
use crate::domain::limit::Limit;
use crate::domain::serial::Serial;
use crate::engine::Batch;

/// Every print there is.
const EVERY: Limit = Limit::rows(usize::MAX);

/// A print document that may be sent: its entry is durable.
pub struct PrintDocument {
    /// PDF or HTML.
    pub form: Form,
    /// The document.
    pub bytes: Bytes,
    /// Where the entry of this fetching stands.
    pub position: Position,
}

impl Store {
    /// `GET /prints/{serial}`: its record.
    pub fn show_print(&self, session: &Session, serial: Option<Serial>) -> Answer<OutputView> {
        let is_print =
            |session: &Session, output: &Output| output.form.is_print() && knows(session, output);
        self.with_output::<ReadOutputs, _>(session, serial, is_print, |permit, stored| {
            let view = self.output_view(&stored.row);
            self.record_office(permit, "print", view)
        })
    }

    /// `GET /prints/{serial}/document`, for the session that made it, as long as it waits.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for another's, and for one that waits no more, or that died while
    /// its fetching was entered.
    pub fn print_document(
        &self,
        session: &Session,
        serial: Option<Serial>,
    ) -> Answer<PrintDocument> {
        let own_print =
            |session: &Session, output: &Output| output.form.is_print() && is_mine(session, output);
        self.with_output::<Download, _>(session, serial, own_print, |permit, stored| {
            let now = self.clock.monotonic();
            let waits = stored.row.state == OutputState::Ready;
            let found = self.prints.find(session, stored.row.serial, now);
            let found = found.filter(|_| waits).ok_or(ServiceError::NotFound);
            self.or_fail(permit, found, |permit, (form, bytes): (Form, Bytes)| {
                let mut output = stored.row.clone();
                let (_, times) = output.fetched;
                output.fetched = (Some(self.clock.now()), times.saturating_add(1));
                let mut batch = Batch::default();
                self.outputs
                    .put_changed(&mut batch, &stored, &output)
                    .map_err(fault::table)?;
                let shown = Shown {
                    bytes: bytes.as_ref().len() as u64,
                    reason: Some(format!("output {}", output.serial)),
                    query: Some("print"),
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch).wait();
                let (receipt, _) = recorded.map_err(fault::log)?;
                session.pulse().beats().map_err(fault::ended)?;
                self.steps.pass(Step::Fetch, ())?;
                // The right to it may have gone meanwhile, and the document with it.
                let serial = stored.row.serial;
                if self.prints.find(session, serial, now).is_none() {
                    return Err(ServiceError::NotFound);
                }
                let position = receipt.position();
                Ok(crate::engine::Pending::ready(Ok(PrintDocument {
                    form,
                    bytes,
                    position,
                })))
            })
        })
    }

    /// Documents whose time or session is over, and those that died with what is destroyed: a
    /// record of which nobody had the document is closed.
    pub(super) fn expire_prints(&self) {
        self.prints.sweep(self.clock.monotonic());
        for serial in self.prints.take_dead() {
            // What cannot be told is logged, and owed.
            drop(self.end_or_owe(serial, OutputEnd::unfetched()));
        }
    }

    /// Before anybody is let in: what was being printed when the process ended is closed, and so is
    /// what waited to be fetched. Nothing of it is left, and nobody had it.
    pub(super) fn settle_prints(&self) -> Result<(), ServiceError> {
        let unsettled = |output: &Output| output.form.is_print() && output.is_pending();
        let found = self.outputs.newest(u64::MAX, EVERY, unsettled);
        let (rows, _) = found.map_err(fault::table)?;
        for stored in rows {
            let output = stored.row;
            let end = if output.state == OutputState::Running {
                let what = format!(
                    "interrupted: the server stopped; at most {} cases with {} people had been \
                     opened, nothing of it is left",
                    output.cases, output.people
                );
                OutputEnd::new(OutputState::Interrupted, what)
            } else {
                OutputEnd::unfetched()
            };
            self.tell_end(output.serial, &end)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
