//! What an order to print says, understood; and the record that it begins.

use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::recipients::reason_fits;
use super::store::Store;
use crate::audit::manifest::Listed;
use crate::authn::session::Session;
use crate::cases::draft::Invalid;
use crate::disclosure::manifest::{self, Terms};
use crate::disclosure::output::{Form, Output, OutputState};
use crate::disclosure::paper::COPIES_MAX;
use crate::disclosure::paper::case::Identity;
use crate::disclosure::template::Template;
use crate::domain::id::{AccountId, ApprovalId, CaseId};
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::people::approval::Asked;

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
    destroy_by: Timestamp,
}

impl PrintOrder {
    /// What a second person consents to. Who is named is among the fields.
    pub(super) fn wanted(&self, checked: &Checked, list: &[Listed], people: usize) -> Asked {
        let template = self.fields(checked.template);
        let terms = Terms {
            form: self.form,
            purpose: self.purpose,
            template: &template,
            unmasked: self.unmasked,
            receiver: &self.receiver,
            recipient: "",
            copies: self.copies,
            responsible: checked.responsible,
        };
        Asked::TakeOut {
            manifest_hash: manifest::hash(terms, list),
            form: self.form.code().to_owned(),
            purpose: self.purpose,
            reason: self.reason.clone(),
            template: template.clone(),
            copies: self.copies,
            cases: u32::try_from(list.len()).unwrap_or(u32::MAX),
            people: u32::try_from(people).unwrap_or(u32::MAX),
            unmasked: self.unmasked,
            receiver: self.receiver.clone(),
        }
    }

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
        reason_fits(&order.reason)?;
        for (field, text) in [("reason", &order.reason), ("receiver", &order.receiver)] {
            if text.trim().is_empty() {
                return Err(Invalid::new(field, "is needed").into());
            }
        }
        if order.receiver.len() > LINE_BYTES_MAX || order.receiver.chars().any(char::is_control) {
            return Err(Invalid::new("receiver", "is too long or holds control characters").into());
        }
        if !(1..=PRINT_CASES_MAX).contains(&order.cases.len()) {
            return Err(Invalid::new("cases", "are 1 to 200").into());
        }
        if !(1..=COPIES_MAX).contains(&order.copies) {
            return Err(Invalid::new("copies", "are 1 to 20").into());
        }
        if !order.form.is_print() {
            return Err(Invalid::new("form", "is pdf or html").into());
        }
        let now = self.clock.now();
        let destroy_by = order.destroy_by.unwrap_or_else(|| now.plus(DESTROY_AFTER));
        if destroy_by <= now {
            return Err(Invalid::new("destroy_by", "must be in the future").into());
        }
        let template = Template::choose(order.purpose, order.template.as_deref());
        let unfit = || Invalid::new("template", "is none that this purpose has");
        Ok(Checked {
            template: template.ok_or_else(unfit)?,
            responsible: match &order.responsible {
                None => session.account(),
                Some(login) => self.responsible(login)?,
            },
            destroy_by,
        })
    }

    /// The record that begins with the list.
    pub(super) fn new_print(
        &self,
        session: &Session,
        order: &PrintOrder,
        checked: &Checked,
        wanted: &Asked,
    ) -> Result<Output, ServiceError> {
        let Asked::TakeOut {
            manifest_hash,
            cases,
            people,
            ..
        } = wanted
        else {
            return Err(ServiceError::Internal("a print without a list".into()));
        };
        Ok(Output {
            serial: Serial::random(self.random.as_ref()).map_err(fault::random)?,
            form: order.form,
            by: session.account(),
            department: session.department(),
            purpose: order.purpose,
            template: order.fields(checked.template),
            unmasked: order.unmasked,
            receiver: order.receiver.clone(),
            responsible: checked.responsible,
            destroy_by: checked.destroy_by,
            copies: order.copies,
            sensitive: false,
            manifest: *manifest_hash,
            cases: *cases,
            people: *people,
            requested_at: self.clock.now(),
            entry: None,
            approval: order.approval,
            file_until: None,
            fetched: (None, 0),
            state: OutputState::Running,
            finished: None,
            closed: None,
        })
    }
}
