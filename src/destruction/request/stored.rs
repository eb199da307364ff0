//! A request as it lies in the store: at one of its steps.

use super::{
    Answered, Approval, Approved, Cancellation, Cancelled, Cause, Delivery, Facts, Form, Formed,
    Identified, Identity, Outcome, Received, Refusal, Refused, Request, Review, Reviewed, State,
    StepError,
};
use crate::destruction::petition::SealedTexts;
use crate::domain::id::AccountId;
use crate::domain::time::Timestamp;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Who recorded it.
    pub by: AccountId,
    /// Who decided what came of it: approved, refused or, where nobody did, recorded the end.
    pub decided_by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// A request between two steps.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Stored {
    /// See [`Received`].
    Received(Request<Received>),
    /// See [`Identified`].
    Identified(Request<Identified>),
    /// See [`Reviewed`].
    Reviewed(Request<Reviewed>),
    /// See [`Formed`].
    Formed(Request<Formed>),
    /// See [`Approved`].
    Approved(Request<Approved>),
    /// See [`Refused`].
    Refused(Request<Refused>),
    /// See [`Cancelled`].
    Cancelled(Request<Cancelled>),
    /// See [`Answered`].
    Answered(Request<Answered>),
}

impl Stored {
    /// What does not change.
    pub const fn facts(&self) -> &Facts {
        match self {
            Self::Received(r) => &r.facts,
            Self::Identified(r) => &r.facts,
            Self::Reviewed(r) => &r.facts,
            Self::Formed(r) => &r.facts,
            Self::Approved(r) => &r.facts,
            Self::Refused(r) => &r.facts,
            Self::Cancelled(r) => &r.facts,
            Self::Answered(r) => &r.facts,
        }
    }
    /// Where it stands.
    pub const fn state(&self) -> State {
        match self {
            Self::Received(_) => State::Received,
            Self::Identified(_) => State::Identified,
            Self::Reviewed(_) => State::Reviewed,
            Self::Formed(r) => match r.step.seconded {
                None => State::Formed,
                Some(_) => State::Seconded,
            },
            Self::Approved(_) => State::Approved,
            Self::Refused(_) => State::Refused,
            Self::Cancelled(_) => State::Cancelled,
            Self::Answered(_) => State::Answered,
        }
    }
    /// Whether this account had a hand in it so far.
    pub fn took_part(&self, account: AccountId) -> bool {
        let by = [
            Some(self.facts().taken_by),
            self.identity().map(|identity| identity.by),
            self.review().map(|review| review.by),
            self.form().map(|form| form.by),
            self.form().and_then(|form| form.witness),
        ];
        by.contains(&Some(account))
    }
    /// Why a step does not follow here.
    pub const fn wrong(&self) -> StepError {
        StepError::WrongState(self.state())
    }
    fn formed(&self) -> Option<&Formed> {
        match self {
            Self::Formed(r) => Some(&r.step),
            _ => self.approved().map(|approved| &approved.before),
        }
    }
    fn approved(&self) -> Option<&Approved> {
        match self {
            Self::Approved(r) => Some(&r.step),
            Self::Answered(r) => match &r.step.outcome {
                Outcome::Destroyed(approved) => Some(approved),
                Outcome::Refused(_) => None,
            },
            _ => None,
        }
    }
    fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(r) => Some(&r.step),
            Self::Answered(r) => match &r.step.outcome {
                Outcome::Refused(refused) => Some(refused),
                Outcome::Destroyed(_) => None,
            },
            _ => None,
        }
    }
    /// That it was checked who asks.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Identified(r) => r.step.identity.as_ref(),
            Self::Reviewed(r) => r.step.before.identity.as_ref(),
            _ => self.formed()?.before.before.identity.as_ref(),
        }
    }
    /// The review.
    pub fn review(&self) -> Option<&Review> {
        match self {
            Self::Reviewed(r) => Some(&r.step.review),
            _ => match self.refused() {
                Some(refused) => refused.review.as_ref(),
                None => Some(&self.formed()?.before.review),
            },
        }
    }
    /// The form.
    pub fn form(&self) -> Option<&Form> {
        Some(&self.formed()?.form)
    }
    /// The approval.
    pub fn approval(&self) -> Option<&Approval> {
        Some(&self.approved()?.approval)
    }
    /// The refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        Some(&self.refused()?.refusal)
    }
    /// The cancellation.
    pub const fn cancellation(&self) -> Option<&Cancellation> {
        match self {
            Self::Cancelled(r) => Some(&r.step.cancellation),
            _ => None,
        }
    }
    /// What a person said, as far as it still is there.
    pub fn texts(&self) -> Option<&SealedTexts> {
        match &self.facts().cause {
            Cause::Person(petition) => Some(&petition.texts),
            Cause::Retention { .. } => None,
        }
    }
    /// How it ended.
    pub fn ended(&self) -> Option<Ended> {
        let (by, at) = match self {
            Self::Cancelled(r) => (r.step.cancellation.by, r.step.cancellation.at),
            _ => self.delivery().map(|delivery| (delivery.by, delivery.at))?,
        };
        let decided = self.approval().map(|approval| approval.by);
        let decided = decided.or_else(|| self.refusal().map(|refusal| refusal.by));
        Some(Ended {
            by,
            decided_by: decided.unwrap_or(by),
            at,
        })
    }
    /// The same without what a person said and what was written about them: what is left says
    /// that a request came, when, how it went and who acted.
    pub fn forget(mut self) -> Self {
        if let Cause::Person(petition) = &mut self.facts_mut().cause {
            petition.texts.forget();
        }
        match &mut self {
            Self::Cancelled(r) => r.step.cancellation.reason.clear(),
            Self::Answered(r) => match &mut r.step.outcome {
                Outcome::Destroyed(approved) => {
                    let formed = &mut approved.before;
                    formed.before.review.forget();
                    formed.form.fields.reason.clear();
                    formed.form.fields.remarks = None;
                }
                Outcome::Refused(refused) => {
                    refused.refusal.told.forget();
                    if let Some(review) = &mut refused.review {
                        review.forget();
                    }
                }
            },
            _ => {}
        }
        self
    }
    const fn facts_mut(&mut self) -> &mut Facts {
        match self {
            Self::Received(r) => &mut r.facts,
            Self::Identified(r) => &mut r.facts,
            Self::Reviewed(r) => &mut r.facts,
            Self::Formed(r) => &mut r.facts,
            Self::Approved(r) => &mut r.facts,
            Self::Refused(r) => &mut r.facts,
            Self::Cancelled(r) => &mut r.facts,
            Self::Answered(r) => &mut r.facts,
        }
    }
    /// How the answer reached the person.
    pub const fn delivery(&self) -> Option<&Delivery> {
        match self {
            Self::Answered(r) => Some(&r.step.delivery),
            _ => None,
        }
    }
}
