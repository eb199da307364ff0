//! Register a case (접수).

use super::error::ServiceError;
use super::fault;
use super::read::people;
use super::store::{Answer, Store};
use super::types::Registered;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::Register;
use crate::authz::facts::Target;
use crate::authz::{Denied, Permit};
use crate::cases::draft::CaseDraft;
use crate::cases::head::Head;
use crate::cases::number::{Reference, register_number};
use crate::cases::record;
use crate::cases::rows::{Marks, scopes};
use crate::cases::view::CaseState;
use crate::crypto::blind::Term;
use crate::domain::id::{CaseId, DepartmentId, UnitId};
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Value};
use crate::people::department::Department;
use crate::people::view::Warning;
use crate::vault::UnitRef;

use super::recipients::{Recipients, single_recipient};

/// Stands for a department that does not exist in the question whether somebody may register.
const NOWHERE: DepartmentId = DepartmentId::from_bytes([0; 16]);

/// Why a draft does not become a case.
pub(super) enum Refusal {
    /// The policies say no; to be logged.
    Denied(Denied<Register>),
    /// It cannot; to be logged as a task that came to nothing.
    Failed(Permit<Register>, ServiceError),
    /// Something broke before anything was decided.
    Error(ServiceError),
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Error(error)
    }
}

/// A case whose rows are in a batch.
pub(super) struct Prepared {
    pub(super) permit: Permit<Register>,
    pub(super) shown: Shown,
    entered: Entered,
}

/// A case under its keys, and what it is found by.
struct Sealed {
    head: Head,
    units: Vec<(UnitRef, Value)>,
    terms: Vec<(UnitId, Vec<Term>)>,
}

/// What the answer is made of, once the committer has numbered the case.
struct Entered {
    case: CaseId,
    tier: Tier,
    year: i16,
    receipt: Reference,
    number: usize,
    warnings: Vec<Warning>,
}

impl Entered {
    fn registered(&self, numbers: &[u64]) -> Registered {
        let receipt = self.receipt.to_string();
        let number = match (self.tier, numbers.get(self.number)) {
            // How many sensitive cases there are is for their holders to know.
            (Tier::Sensitive, _) | (_, None) => receipt.clone(),
            (tier, Some(number)) => register_number(tier, self.year, *number),
        };
        Registered {
            id: self.case.to_string(),
            number,
            receipt,
            warnings: self.warnings.clone(),
        }
    }
}

impl Store {
    /// `POST /cases`. The registrar never holds a sensitive case's key: it is made, used and
    /// wrapped to the recipients here, and the commit is the hand-over.
    ///
    /// # Errors
    /// [`ServiceError::NoRecipient`], [`ServiceError::NotEnrolled`]: nothing is stored.
    pub fn register(&self, session: &Session, draft: CaseDraft) -> Answer<Registered> {
        let mut batch = Batch::default();
        let prepared = match self.prepare(session, draft, &mut batch, 0) {
            Ok(prepared) => prepared,
            Err(Refusal::Error(error)) => return Err(error),
            Err(Refusal::Failed(permit, error)) => return self.fail(permit, error),
            Err(Refusal::Denied(denied)) => return Ok(self.deny(session, denied, None)),
        };
        let Prepared {
            permit,
            shown,
            entered,
        } = prepared;
        Ok(self
            .log
            .record_with(permit, shown, batch)
            .map(move |recorded| {
                let (_, committed) = recorded.map_err(fault::log)?;
                Ok(entered.registered(&committed.numbers))
            }))
    }

    /// Whether somebody may register, and where.
    fn may_register(
        &self,
        session: &Session,
        draft: &CaseDraft,
    ) -> Result<(Permit<Register>, Result<Department, ServiceError>), Refusal> {
        let department = self.department(&draft.department);
        // Who may not register learns nothing of what they wrote, nor of which departments there are.
        let target = Target::NewCase {
            tier: Tier::from(draft.tier),
            department: department.as_ref().map_or(NOWHERE, |found| found.id),
        };
        let permit = self
            .authority
            .decide::<Register>(session, target, None)
            .map_err(Refusal::Denied)?;
        Ok((permit, department))
    }

    /// Whether a draft would become a case. Nothing is made for it: no key, no unit.
    pub(super) fn rehearse(&self, session: &Session, draft: CaseDraft) -> Result<(), Refusal> {
        let (permit, department) = self.may_register(session, &draft)?;
        let fits = department.and_then(|department| {
            draft.check()?;
            self.recipients(draft.tier.into(), &department, &draft.assignees)?;
            record::encode(draft).map_err(|e| ServiceError::Internal(e.to_owned()))
        });
        match fits {
            Ok(_) => Ok(()),
            Err(error) => Err(Refusal::Failed(permit, error)),
        }
    }

    /// Seals a draft and adds its rows to `batch`; its entry will be leaf `leaf` of the batch.
    pub(super) fn prepare(
        &self,
        session: &Session,
        draft: CaseDraft,
        batch: &mut Batch,
        leaf: usize,
    ) -> Result<Prepared, Refusal> {
        let tier = Tier::from(draft.tier);
        let (permit, department) = self.may_register(session, &draft)?;
        let bytes = (draft.title.len() + draft.narrative.len()) as u64;
        let sealed = department.and_then(|department| self.seal_draft(draft, tier, &department));
        let Sealed { head, units, terms } = match sealed {
            Ok(sealed) => sealed,
            Err(error) => return Err(Refusal::Failed(permit, error)),
        };
        let shown = Shown {
            cases: vec![head.case],
            people: people(&head.units),
            units: head.units.iter().map(|u| u.unit).collect(),
            bytes,
            ..Shown::default()
        };
        let marks = Marks {
            leaf,
            number: batch.number.len(),
        };
        self.cases
            .put_new(batch, &head, units, &scopes(&head), marks)
            .map_err(fault::cases)?;
        self.index_people(batch, head.case, &terms)?;
        let entered = Entered {
            case: head.case,
            tier,
            year: head.registered_at.year(),
            receipt: head.receipt,
            number: marks.number,
            warnings: single_recipient(tier, head.holders().len()),
        };
        Ok(Prepared {
            permit,
            shown,
            entered,
        })
    }

    fn seal_draft(
        &self,
        draft: CaseDraft,
        tier: Tier,
        department: &Department,
    ) -> Result<Sealed, ServiceError> {
        let received = draft.check()?;
        let recipients = self.recipients(tier, department, &draft.assignees)?;
        self.seal_case(draft, tier, department, &recipients, received)
    }

    fn seal_case(
        &self,
        draft: CaseDraft,
        tier: Tier,
        department: &Department,
        recipients: &Recipients,
        received: Option<Timestamp>,
    ) -> Result<Sealed, ServiceError> {
        let random = self.random.as_ref();
        let now = self.clock.now();
        let case = CaseId::random(random).map_err(fault::random)?;
        let (channel, class) = (draft.channel, draft.class.clone());
        let external_number = draft.external_number.clone();
        let key = self.vault.new_case_key().map_err(fault::vault)?;
        let wraps = match tier {
            Tier::Sensitive => self
                .vault
                .wrap_to_holders(case, &key, 1, &recipients.holders),
            Tier::Ordinary | Tier::Retained => self
                .vault
                .wrap_to_department(case, &key, 1, department.id)
                .map(|wrap| vec![wrap]),
        }
        .map_err(fault::vault)?;
        let (mut units, mut terms) = (Vec::new(), Vec::new());
        let scope = self.scope(tier, department.id);
        for (kind, content) in
            record::encode(draft).map_err(|e| ServiceError::Internal(e.to_owned()))?
        {
            let sealed = self
                .vault
                .seal_unit(case, tier, kind, &key, 1, &content)
                .map_err(fault::vault)?;
            let number = external_number.as_deref();
            terms.push((sealed.0.unit, scope.terms(kind, &content, number)));
            units.push(sealed);
        }
        let state = if recipients.assignees.is_empty() {
            CaseState::Registered
        } else {
            CaseState::Assigned
        };
        let head = Head {
            case,
            tier,
            department: department.id,
            state,
            channel,
            class,
            registered_at: now,
            received_at: received.unwrap_or(now),
            external_number,
            receipt: Reference::random(random).map_err(fault::random)?,
            assignees: recipients.assignees.clone(),
            desk: recipients.desk.clone(),
            amended_at: None,
            closed_at: None,
            holds: Vec::new(),
            locks: Vec::new(),
            gone: Vec::new(),
            key_version: 1,
            units: units.iter().map(|(unit, _)| *unit).collect(),
            wraps,
            revision: 1,
        };
        Ok(Sealed { head, units, terms })
    }
}
