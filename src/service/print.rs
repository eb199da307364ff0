//! Print (출력): cases on paper, through a document that the server makes.
//!
//! ```text
//! decisions on every case ─ budget, second person ─ opened, locked ─ list and record durable ─
//!   revealed, masked, written with both marks ─ record closed with an entry ─▶ 201, to be fetched
//! ```
//! One case that is absent or forbidden stops it all: what a print leaves out without a word would
//! be taken for the whole.

use std::sync::Arc;

use super::budget::Disclosure;
use super::error::ServiceError;
use super::fault;
use super::gate::Inside;
use super::output_owed::OutputEnd;
use super::output_steps::Step;
use super::print_order::{Checked, PrintOrder};
use super::print_write::{Job, too_much};
use super::second_person::{Clearance, Consented};
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::audit::manifest::{Beside, Listed};
use crate::authn::session::Session;
use crate::authz::action::{Print, Unmask};
use crate::authz::{Denied, Permit};
use crate::cases::head::StoredHead;
use crate::cases::record::{self, Case};
use crate::disclosure::alert::Way;
use crate::disclosure::manifest::Going;
use crate::disclosure::output::Form;
use crate::disclosure::output::Output;
use crate::disclosure::paper::{DOCUMENT_BYTES_MAX, Font};
use crate::disclosure::template::Template;
use crate::domain::id::{CaseId, UnitId};
use crate::domain::serial::Serial;
use crate::domain::tier::UnitKind;
use crate::engine::Batch;
use crate::people::approval::Asked;
use crate::vault::{Disclosed, UnitRef};

/// A print that was made.
#[derive(Debug)]
pub struct Printed {
    /// Serial number.
    pub serial: Serial,
    /// Cases in it.
    pub cases: u32,
    /// People in them.
    pub people: u32,
    /// Seconds for which the document can be fetched.
    pub seconds: u64,
}

/// One case that may be printed, entered: nobody changes it until its view is out.
struct One {
    permit: Permit<Print>,
    stored: StoredHead,
    units: Vec<UnitRef>,
    inside: Inside,
}

/// Cases that go onto paper, opened and locked, and their gates.
type Opened = (Vec<Disclosed<Print, Case>>, Vec<Inside>);

/// Why a case may not.
enum Refusal {
    Print(Denied<Print>),
    Unmask(Denied<Unmask>),
    Error(ServiceError),
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Error(error)
    }
}

impl Store {
    /// `POST /prints`.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where any of the cases is absent or forbidden, after the same
    /// entry; [`ServiceError::Invalid`] for an order that cannot be carried out;
    /// [`ServiceError::FontMissing`]; [`ServiceError::StepUpRequired`]; what `spend` says of an
    /// approval; [`ServiceError::Busy`] while as many prints are at work, or wait, as there may be.
    pub fn print(&self, session: &Session, order: PrintOrder) -> Answer<Consented<Printed>> {
        session.pulse().beats().map_err(fault::ended)?;
        let may = self.may_take_out::<Print, _>(session, order.purpose, order.unmasked);
        let (permit, unmask) = match may {
            Ok(permits) => permits,
            Err(refused) => return Ok(refused),
        };
        let ready = self.check_print(session, &order).and_then(|checked| {
            let pdf = order.form == Form::PrintPdf;
            let font = pdf.then(|| self.prints.font()).transpose()?;
            Ok((checked, font, self.prints.take_turn(session.account())?))
        });
        let (checked, font, _turn) = match ready {
            Ok(ready) => ready,
            Err(error) => return self.fail(permit, error),
        };
        let purpose = Some(order.purpose);
        let chosen = match self.enter_all(session, &order, checked.template) {
            Ok(chosen) => chosen,
            Err(Refusal::Print(denied)) => return Ok(self.deny(session, denied, purpose)),
            Err(Refusal::Unmask(denied)) => return Ok(self.deny(session, denied, purpose)),
            Err(Refusal::Error(error)) => return self.fail(permit, error),
        };
        self.print_chosen(session, (order, checked), font, (permit, unmask), chosen)
    }

    /// Decides on every case, in the order that was asked, and only then enters them: who may not
    /// print one is not to feel that somebody changes it.
    fn enter_all(
        &self,
        session: &Session,
        order: &PrintOrder,
        template: Template,
    ) -> Result<Vec<One>, Refusal> {
        let mut wanted: Vec<(u64, CaseId)> = Vec::with_capacity(order.cases.len());
        for named in &order.cases {
            // One that cannot be read is one that nobody has.
            let absent = || CaseId::random(self.random.as_ref()).map_err(fault::random);
            let case = named.map_or_else(absent, Ok)?;
            if wanted.iter().any(|(_, other)| *other == case) {
                continue;
            }
            let (_permit, stored) = self.may_print(session, case, order)?;
            wanted.push((stored.ordinal, case));
        }
        let asked: Vec<CaseId> = wanted.iter().map(|(_, case)| *case).collect();
        // In the order of registration, in which every list runs: so no two wait for each other.
        wanted.sort_unstable();
        let enter = |(_, case)| self.enter_one(session, order, template, case);
        let mut chosen = wanted
            .into_iter()
            .map(enter)
            .collect::<Result<Vec<_>, _>>()?;
        chosen.sort_by_key(|one| asked.iter().position(|case| *case == one.stored.head.case));
        Ok(chosen)
    }

    fn may_print(
        &self,
        session: &Session,
        case: CaseId,
        order: &PrintOrder,
    ) -> Result<(Permit<Print>, StoredHead), Refusal> {
        let decided = self.decide_on::<Print>(session, case, order.purpose)?;
        decided.map_err(Refusal::Print)
    }

    /// Enters a case that was decided on, and decides again: it may have changed meanwhile.
    fn enter_one(
        &self,
        session: &Session,
        order: &PrintOrder,
        template: Template,
        case: CaseId,
    ) -> Result<One, Refusal> {
        let inside = self.gates.enter(case)?;
        let (permit, stored) = self.may_print(session, case, order)?;
        if order.unmasked {
            let decided = self.decide_on::<Unmask>(session, case, order.purpose)?;
            if let Err(denied) = decided {
                return Err(Refusal::Unmask(denied));
            }
        }
        let (may, needs) = (permit.fields(), template.fields());
        let goes = |kind| record::needs(may, kind) && record::needs(needs, kind);
        let units = stored.head.units.iter().filter(|unit| goes(unit.kind));
        Ok(One {
            units: units.copied().collect(),
            permit,
            stored,
            inside,
        })
    }

    fn print_chosen(
        &self,
        session: &Session,
        (order, checked): (PrintOrder, Checked),
        font: Option<Font>,
        (permit, unmask): (Permit<Print>, Option<Permit<Unmask>>),
        chosen: Vec<One>,
    ) -> Answer<Consented<Printed>> {
        let list: Vec<Listed> = chosen.iter().map(listed).collect();
        let cases: Vec<CaseId> = list.iter().map(|listed| listed.case).collect();
        let people: Vec<UnitId> = list.iter().flat_map(|l| l.people.to_vec()).collect();
        let going = list.iter().zip(&chosen).map(|(listed, one)| Going {
            listed,
            revision: one.stored.head.revision,
            tier: one.stored.head.tier,
        });
        let taken = match self.print_wanted(&order, &checked, going.collect()) {
            Ok(taken) => taken,
            Err(error) => return self.fail(permit, error),
        };
        let wanted = Asked::TakeOut(Box::new(taken.clone()));
        let mut batch = Batch::default();
        let disclosure = Disclosure {
            way: Way::Print,
            purpose: order.purpose,
            cases: &cases,
            people: &people,
            consent: None,
        };
        let asked = (order.approval, order.unmasked);
        let (reserved, consent) = match self.clear(session, &wanted, asked, disclosure, &mut batch)
        {
            Ok(Clearance::Goes(reserved, consent)) => (reserved, consent),
            Ok(Clearance::Asks) => {
                let wanted = (wanted, order.reason);
                return self.ask_second_with(permit, session, wanted, Vec::new(), batch);
            }
            Err(over) => return self.over_budget(permit, over, Shown::default()),
        };
        let ready = self
            .new_print(session, &order, &taken)
            .and_then(|output| Ok((output, self.open_all(session, chosen)?)));
        let approver = consent.as_ref().map(|consent| consent.by);
        let (output, (contents, inside)) = match ready {
            Ok((output, opened)) => (Output { approver, ..output }, opened),
            Err(error) => return self.fail(permit, error),
        };
        self.outputs
            .put_new(&mut batch, &output)
            .map_err(fault::table)?;
        let beside = Beside {
            reason: Some(order.reason.clone()),
            query: "print",
            notes: consent.map_or_else(Vec::new, |consent| consent.notes()),
            batch,
            more: vec![self.outputs.more(&output)],
        };
        let entered = self.log.record_list(permit, unmask, &list, beside);
        drop(reserved);
        let entered = entered.map_err(fault::log);
        let (manifest, _) = match entered.and_then(|list| self.steps.pass(Step::List, list)) {
            Ok(entered) => entered,
            Err(error) => {
                // The error that is told is that of the list.
                drop(self.end_or_owe(output.serial, OutputEnd::unlisted(&error)));
                return Err(error);
            }
        };
        let position = manifest.position();
        let job = Job {
            order: &order,
            template: checked.template,
            output: &output,
            manifest,
            font,
        };
        let written = self.write_print(session, job, contents);
        let printed = self.close_print(session, &output, cases, written)?;
        // A destruction looks once for documents to drop: it is to find this one.
        drop(inside);
        Ok(crate::engine::Pending::ready(Ok(Consented::Done(
            printed, position,
        ))))
    }

    fn open_all(&self, session: &Session, chosen: Vec<One>) -> Result<Opened, ServiceError> {
        let mut opened = Opened::default();
        let mut bytes: u64 = 0;
        for one in chosen {
            let content = self.disclose(&one.permit, session, one.stored, &one.units)?;
            bytes = bytes.saturating_add(content.bytes());
            if bytes > DOCUMENT_BYTES_MAX as u64 {
                return Err(too_much());
            }
            opened.0.push(content);
            opened.1.push(one.inside);
        }
        Ok(opened)
    }
}

/// The people of a case whose identity may yet be left out are on the list: an entry names rather
/// more than went out.
fn listed(one: &One) -> Listed {
    let people = one.units.iter().filter(|u| u.kind == UnitKind::Person);
    Listed {
        case: one.stored.head.case,
        people: people.map(|unit| unit.unit).collect(),
        policies: Arc::clone(&one.permit.basis().policies),
    }
}

#[cfg(test)]
pub(super) mod tests;
