//! What an order to print says, understood; and the record that it begins.

use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use super::take_out::Said;
use crate::authn::session::Session;
use crate::cases::draft::Invalid;
use crate::disclosure::manifest::{Going, Terms};
use crate::disclosure::output::{Form, Output, OutputState};
use crate::disclosure::paper::COPIES_MAX;
use crate::disclosure::paper::case::Identity;
use crate::disclosure::template::Template;
use crate::domain::id::{AccountId, ApprovalId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::people::approval::TakeOut;

/// Most cases of one print.
pub(super) const PRINT_CASES_MAX: usize = 200;
/// When the copies are to be destroyed, where nobody says.
const DESTROY_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What somebody wants on paper.
pub struct PrintOrder {
    /// For what.
    pub purpose: Purpose,
    /// Why, in their words; sealed in the access log.
    pub reason: String,
    /// Exactly these; an id that cannot be read is one that nobody has.
    pub cases: Vec<Option<CaseId>>,
    /// [`Form::PrintPdf`] or [`Form::PrintHtml`].
    pub form: Form,
    /// Which fields, by the template's code; the purpose's usual one, if absent.
    pub template: Option<String>,
    /// Whether nothing is masked.
    pub unmasked: bool,
    /// Whether petitioner, agent and witnesses are named; each case by its kind, if absent.
    pub identity: Option<Identity>,
    /// Copies.
    pub copies: u16,
    /// Who gets it.
    pub receiver: String,
    /// Login name of who answers for its destruction; the asker, if absent.
    pub responsible: Option<String>,
    /// When every copy is to be destroyed; in 30 days, if absent.
    pub destroy_by: Option<Timestamp>,
    /// Consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

/// What an order says, understood.
pub(super) struct Checked {
    pub(super) template: Template,
    responsible: AccountId,
}

impl PrintOrder {
    /// The template, and whether it was said who is named.
    fn fields(&self, template: Template) -> String {
        let identity = match self.identity {
            None => "",
            Some(Identity::Keep) => "+identity",
            Some(Identity::Omit) => "-identity",
        };
        format!("{}{identity}", template.code())
    }
}

impl Store {
    pub(super) fn check_print(
        &self,
        session: &Session,
        order: &PrintOrder,
    ) -> Result<Checked, ServiceError> {
        let responsible = self.check_said(
            session,
            &Said {
                reason: &order.reason,
                receiver: &order.receiver,
                responsible: order.responsible.as_deref(),
                destroy_by: order.destroy_by,
            },
        )?;
        if !(1..=PRINT_CASES_MAX).contains(&order.cases.len()) {
            return Err(Invalid::new("cases", "are 1 to 200").into());
        }
        if !(1..=COPIES_MAX).contains(&order.copies) {
            return Err(Invalid::new("copies", "are 1 to 20").into());
        }
        if !order.form.is_print() {
            return Err(Invalid::new("form", "is pdf or html").into());
        }
        let template = Template::choose(order.purpose, order.template.as_deref());
        let unfit = || Invalid::new("template", "is none that this purpose has");
        Ok(Checked {
            template: template.ok_or_else(unfit)?,
            responsible,
        })
    }

    /// What a second person consents to. Who is named is among the fields.
    pub(super) fn print_wanted(
        &self,
        order: &PrintOrder,
        checked: &Checked,
        list: Vec<Going<'_>>,
    ) -> Result<TakeOut, ServiceError> {
        let terms = Terms {
            form: order.form,
            purpose: order.purpose,
            template: &order.fields(checked.template),
            unmasked: order.unmasked,
            receiver: &order.receiver,
            recipient: "",
            copies: order.copies,
            responsible: checked.responsible,
            destroy_by: order.destroy_by,
        };
        self.take_out(terms, &order.reason, list)
    }

    /// The record that begins with the list.
    pub(super) fn new_print(
        &self,
        session: &Session,
        order: &PrintOrder,
        taken: &TakeOut,
    ) -> Result<Output, ServiceError> {
        let now = self.clock.now();
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
            destroy_by: order.destroy_by.unwrap_or_else(|| now.plus(DESTROY_AFTER)),
            copies: order.copies,
            sensitive: taken.sensitive > 0,
            manifest: taken.manifest_hash,
            cases: taken.cases,
            people: taken.people,
            requested_at: now,
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
