//! Export (반출): what is asked for becomes a list of exactly these cases, the list an entry of the
//! access log, and only then is anything opened.
//!
//! ```text
//! POST /exports ── choose (export_choose) ── budget, second person ── list and record durable ──▶ 202
//!                                                                        │ on a thread of its own
//!                          one case after the other (export_run) ◀──────┘
//! ```
//! Whoever's session ends takes a running export with it (안전성 확보조치 기준 제6조제4항): rights
//! that went do not finish anything.

use std::sync::Arc;

use super::budget::{Disclosure, Over};
use super::error::ServiceError;
use super::export_choose::{Choice, Chosen};
use super::export_run::Run;
use super::fault;
use super::output_owed::OutputEnd;
use super::output_steps::Step;
use super::second_person::{Clearance, Consented};
use super::store::{Answer, Store};
use super::take_out::Said;
use crate::audit::Shown;
use crate::audit::manifest::Beside;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Export, Unmask};
use crate::cases::draft::Invalid;
use crate::cases::search::SearchField;
use crate::cases::view::CaseState;
use crate::disclosure::alert::Way;
use crate::disclosure::lock::{self, Lock, ReceiverKey};
use crate::disclosure::manifest::Terms;
use crate::disclosure::output::{Form, Output, OutputState};
use crate::disclosure::paper::Font;
use crate::disclosure::sheet::PDF_CASES_MAX;
use crate::disclosure::template::{Masking, Template};
use crate::domain::id::{AccountId, ApprovalId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::secret::SecretText;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, pending};
use crate::people::approval::{Asked, TakeOut};

/// Which cases.
pub enum Selection {
    /// These; an id that cannot be read is one that nobody has.
    Cases(Vec<Option<CaseId>>),
    /// Those of the asker's list that fit.
    Filter(Filter),
    /// What a search finds.
    Search(SearchField, SecretText),
}

/// Which cases of a list. What is not named fits.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Kind of complaint.
    pub class: Option<String>,
    /// Department code.
    pub department: Option<String>,
    /// State.
    pub state: Option<CaseState>,
    /// Registered not before.
    pub from: Option<Timestamp>,
    /// Registered before.
    pub to: Option<Timestamp>,
}

/// What somebody wants to take out.
pub struct Order {
    /// For what.
    pub purpose: Purpose,
    /// Why, in their words; sealed in the access log.
    pub reason: String,
    /// Which cases.
    pub selection: Selection,
    /// In which form.
    pub form: Form,
    /// Which fields, by the template's code; the purpose's usual one, if absent.
    pub template: Option<String>,
    /// Whether nothing is masked.
    pub unmasked: bool,
    /// Public key of age that opens the file; a passphrase is made, if absent.
    pub recipient: Option<String>,
    /// Who gets it.
    pub receiver: String,
    /// Login name of who answers for its destruction; the asker, if absent.
    pub responsible: Option<String>,
    /// When every copy is to be destroyed.
    pub destroy_by: Timestamp,
    /// Consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

/// Answer to an order that was begun.
pub struct Begun {
    /// Serial number.
    pub serial: Serial,
    /// Cases of the list.
    pub cases: u32,
    /// People of the list.
    pub people: u32,
    /// Cases that were named and are not there.
    pub absent: u32,
    /// What opens the file, shown once; `None` where the receiver has a key.
    pub passphrase: Option<SecretText>,
}

/// What an order says, understood.
struct Checked {
    template: Template,
    responsible: AccountId,
    key: Option<ReceiverKey>,
    font: Option<Font>,
}

/// Why an export may look for its cases.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// There is room for what it finds, or it looks for nothing.
    Freely,
    /// There is none, and a second person has consented to something.
    ByConsent,
}

impl Store {
    /// `POST /exports`. The answer comes when the list is durable; the file is written behind it.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for an order that cannot be carried out, a key that is none, no
    /// case at all or too many; [`ServiceError::StepUpRequired`]; what `spend` says of an approval;
    /// [`ServiceError::Busy`] while as many exports are at work as there may be.
    pub fn begin_export(
        self: &Arc<Self>,
        session: Session,
        order: Order,
    ) -> Answer<Consented<Begun>> {
        session.pulse().beats().map_err(fault::ended)?;
        let may = self.may_take_out::<Export, _>(&session, order.purpose, order.unmasked);
        let (permit, unmask) = match may {
            Ok(permits) => permits,
            Err(refused) => return Ok(refused),
        };
        let checked = self.check_order(&session, &order);
        let ready = checked.and_then(|checked| {
            self.headroom.for_outputs()?;
            Ok((checked, self.exports.places.take(session.account())?))
        });
        let (checked, turn) = match ready {
            Ok(ready) => ready,
            Err(error) => return self.fail(permit, error),
        };
        let lost: fn() -> Result<Consented<Begun>, ServiceError> =
            || Err(ServiceError::Internal("an export stopped half-way".into()));
        let (completer, answer) = pending(lost);
        let store = Arc::clone(self);
        std::thread::Builder::new()
            .name("export".to_owned())
            .spawn(move || {
                let begun = store.enter_export(session, order, checked, permit, unmask);
                match begun {
                    Ok((answer, Some(run))) => {
                        completer.complete(Ok(answer));
                        store.run_export(run);
                        drop(turn);
                    }
                    // Nothing is at work: whoever hears so may ask again at once.
                    Ok((answer, None)) => {
                        drop(turn);
                        completer.complete(Ok(answer));
                    }
                    Err(error) => {
                        drop(turn);
                        completer.complete(Err(error));
                    }
                }
            })
            .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
        Ok(answer)
    }

    /// Whether the budget lets anything be looked for, or a consent alone does: no refusal is to tell
    /// what there is. Who was consented to has been told already, of what was consented to.
    fn may_look(&self, session: &Session, order: &Order) -> Result<Looks, Over> {
        if !matches!(order.selection, Selection::Search(..)) {
            return Ok(Looks::Freely);
        }
        match self.room(session, Way::Export, order.purpose) {
            Ok(_) => Ok(Looks::Freely),
            Err(_) if self.has_consent(session, order.approval)? => Ok(Looks::ByConsent),
            Err(over) => Err(over),
        }
    }

    fn check_order(&self, session: &Session, order: &Order) -> Result<Checked, ServiceError> {
        let responsible = self.check_said(
            session,
            &Said {
                reason: &order.reason,
                receiver: &order.receiver,
                responsible: order.responsible.as_deref(),
                destroy_by: Some(order.destroy_by),
            },
        )?;
        if order.form.is_print() {
            let why = "is csv, csv_cp949, xlsx, jsonl or pdf";
            return Err(Invalid::new("format", why).into());
        }
        let font = if order.form == Form::Pdf {
            Some(self.prints.font()?)
        } else {
            None
        };
        let template = Template::choose(order.purpose, order.template.as_deref());
        let unfit = || Invalid::new("template", "is none that this purpose has");
        let key = order.recipient.as_deref().map(str::parse::<ReceiverKey>);
        let bad = |_| Invalid::new("recipient", "is no public key of age (age1…)");
        Ok(Checked {
            template: template.ok_or_else(unfit)?,
            responsible,
            key: key.transpose().map_err(bad)?,
            font,
        })
    }

    /// From the order to the durable list: what the thread begins with.
    fn enter_export(
        &self,
        session: Session,
        order: Order,
        mut checked: Checked,
        permit: Permit<Export>,
        unmask: Option<Permit<Unmask>>,
    ) -> Result<(Consented<Begun>, Option<Run>), ServiceError> {
        let looks = match self.may_look(&session, &order) {
            Ok(looks) => looks,
            Err(over) => {
                return self.over_budget(permit, over, Shown::default())?.wait();
            }
        };
        let choice = match self.choose(&session, &order, checked.template) {
            Ok(choice) if order.form == Form::Pdf && choice.cases.len() > PDF_CASES_MAX => {
                let why = "holds more than 500 cases, the most of a PDF: take another format";
                return self
                    .fail(permit, Invalid::new("selection", why).into())?
                    .wait();
            }
            Ok(choice) => choice,
            // As of a list that is there and is another than the one that was consented to.
            Err(ServiceError::Invalid(_)) if looks == Looks::ByConsent => {
                return self.fail(permit, ServiceError::NotApproved)?.wait();
            }
            Err(error) => return self.fail(permit, error)?.wait(),
        };
        let list = &choice.cases;
        let people = choice.people();
        let terms = Terms {
            form: order.form,
            purpose: order.purpose,
            template: checked.template.code(),
            unmasked: order.unmasked,
            receiver: &order.receiver,
            recipient: order.recipient.as_deref().unwrap_or_default(),
            copies: 1,
            responsible: checked.responsible,
            destroy_by: Some(order.destroy_by),
        };
        let going = list.iter().map(Chosen::going).collect();
        let taken = match self.take_out(terms, &order.reason, going) {
            Ok(taken) => taken,
            Err(error) => return self.fail(permit, error)?.wait(),
        };
        let wanted = Asked::TakeOut(Box::new(taken.clone()));
        let mut batch = Batch::default();
        let cases: Vec<CaseId> = list.iter().map(|one| one.listed.case).collect();
        let disclosure = Disclosure {
            way: Way::Export,
            purpose: order.purpose,
            cases: &cases,
            people: &people,
            consent: None,
        };
        let asked = (order.approval, order.unmasked);
        let (reserved, consent) = match self.clear(&session, &wanted, asked, disclosure, &mut batch)
        {
            Ok(Clearance::Goes(reserved, consent)) => (reserved, consent),
            Ok(Clearance::Asks) => {
                let wanted = (wanted, order.reason);
                let asked = self.ask_second_with(permit, &session, wanted, Vec::new(), batch);
                return Ok((asked?.wait()?, None));
            }
            Err(over) => return self.over_budget(permit, over, Shown::default())?.wait(),
        };
        drop((cases, people));
        let output = Output {
            approver: consent.as_ref().map(|consent| consent.by),
            ..self.new_output(&session, &order, &choice, &taken)?
        };
        // Before the list is durable: what fails from then on leaves a record behind.
        let (lock, passphrase) = match checked.key.take() {
            Some(key) => (Lock::Key(key), None),
            None => {
                let passphrase = lock::passphrase(self.random.as_ref()).map_err(fault::random)?;
                let shown = SecretText::new(passphrase.expose().to_owned());
                (Lock::Passphrase(passphrase), Some(shown))
            }
        };
        self.outputs
            .put_new(&mut batch, &output)
            .map_err(fault::table)?;
        // From here on a destruction finds it.
        let running = self.exports.begin(output.serial, output.by);
        let beside = Beside {
            reason: Some(order.reason),
            query: "export",
            notes: consent.map_or_else(Vec::new, |consent| consent.notes()),
            batch,
            more: vec![self.outputs.more(&output)],
        };
        let entered = self.log.record_list(permit, unmask, list, beside);
        drop(reserved);
        let entered = entered.map_err(fault::log);
        let (manifest, unmask) = match entered.and_then(|list| self.steps.pass(Step::List, list)) {
            Ok(entered) => entered,
            Err(error) => {
                self.exports.end(output.serial);
                // The error that is told is that of the list.
                drop(self.end_or_owe(output.serial, OutputEnd::unlisted(&error)));
                return Err(error);
            }
        };
        let begun = Begun {
            serial: output.serial,
            cases: output.cases,
            people: output.people,
            absent: choice.absent,
            passphrase,
        };
        let run = Run {
            session: session.without_key(),
            manifest,
            unmask,
            masking: Masking::of(order.unmasked),
            template: checked.template,
            font: checked.font,
            output,
            cases: choice.cases,
            lock,
            running,
        };
        Ok((Consented::Done(begun, run.manifest.position()), Some(run)))
    }

    fn new_output(
        &self,
        session: &Session,
        order: &Order,
        choice: &Choice,
        taken: &TakeOut,
    ) -> Result<Output, ServiceError> {
        Ok(Output {
            serial: Serial::random(self.random.as_ref()).map_err(fault::random)?,
            form: order.form,
            by: session.account(),
            department: session.department(),
            purpose: order.purpose,
            template: taken.template.clone(),
            unmasked: order.unmasked,
            receiver: order.receiver.clone(),
            responsible: taken.responsible,
            destroy_by: order.destroy_by,
            copies: 1,
            sensitive: choice.is_sensitive(),
            manifest: taken.manifest_hash,
            cases: taken.cases,
            people: taken.people,
            requested_at: self.clock.now(),
            entry: None,
            approval: order.approval,
            file_until: None,
            fetched: (None, 0),
            state: OutputState::Running,
            finished: None,
            closed: None,
            approver: None,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
