//! The approval of a form: by a second person, above the day's cap by two, and what it places.

use crate::domain::id::{AccountId, DestructionId};
use crate::domain::role::Roles;
use crate::domain::time::Timestamp;

use super::super::order::{Ground, Order, Stage};
use super::{Approval, Approved, Cause, Facts, FirstWord, Form, Formed, Request, StepError};

/// What an approver sends.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// Who.
    pub by: AccountId,
    /// In which roles.
    pub roles: Roles,
    /// When.
    pub at: Timestamp,
    /// The hash of the form they saw.
    pub form_hash: [u8; 32],
    /// Whether the day's cap asks for a second approver besides.
    pub needs_two: bool,
    /// Whether the first word still counts, if there is one.
    pub first_stands: bool,
}

/// What an approval leads to.
pub enum Sanction {
    /// Another approver has to agree.
    Seconded(Box<Request<Formed>>),
    /// Approved, and what to place.
    Ordered(Box<(Request<Approved>, Order)>),
}

impl Request<Formed> {
    /// The first of two approvals.
    pub const fn first_word(&self) -> Option<&FirstWord> {
        self.step.seconded.as_ref()
    }

    /// Whether this account took part in what is to be approved.
    fn took_part(&self, account: AccountId) -> bool {
        let Formed { before, form, .. } = &self.step;
        let own = [self.facts.taken_by, before.review.by, form.by];
        let checked = before.before.identity.as_ref().map(|identity| identity.by);
        own.contains(&account) || checked == Some(account) || form.witness == Some(account)
    }

    /// The second person agrees to exactly this form.
    ///
    /// # Errors
    /// [`StepError::SelfApproval`], [`StepError::OtherForm`].
    pub fn approve(
        self,
        word: Word,
        order: DestructionId,
        window_end: Timestamp,
    ) -> Result<Sanction, StepError> {
        // One that does not count any more is as if it had never been said.
        let first = self.step.seconded.filter(|_| word.first_stands);
        if self.took_part(word.by) || first.is_some_and(|first| first.by == word.by) {
            return Err(StepError::SelfApproval);
        }
        if word.form_hash != self.step.form.hash {
            return Err(StepError::OtherForm);
        }
        if word.needs_two && first.is_none() {
            let said = FirstWord {
                by: word.by,
                roles: word.roles,
                at: word.at,
            };
            let step = Formed {
                seconded: Some(said),
                ..self.step
            };
            return Ok(Sanction::Seconded(Box::new(Self { step, ..self })));
        }
        let Formed { before, form, .. } = &self.step;
        let parts = before.review.cases.iter();
        let placed = Order {
            id: order,
            ground: ground(&self.facts, form),
            parts: parts.flat_map(|case| case.order(&form.kept)).collect(),
            units: Vec::new(),
            handler: form.by,
            approver: word.by,
            witness: form.witness,
            approved_at: word.at,
            due: window_end,
            stage: Stage::Waiting,
        };
        let approval = Approval {
            by: word.by,
            before: first.map(|first| first.by),
            at: word.at,
            order,
            due: window_end,
        };
        let request = Request {
            facts: self.facts,
            step: Approved {
                before: self.step,
                approval,
            },
        };
        Ok(Sanction::Ordered(Box::new((request, placed))))
    }
}

fn ground(facts: &Facts, form: &Form) -> Ground {
    let request = facts.id;
    match (&facts.cause, form.fields.decision.clone()) {
        (Cause::Person(_), None) => Ground::Request(request),
        (Cause::Person(_), Some(decision)) => Ground::AppraisedRequest { request, decision },
        (Cause::Retention { .. }, decision) => Ground::Expiry { decision },
    }
}
