//! A request from receipt to answer (DEL-01): 요구 접수 → 본인 확인 → 법령 검토 → 파기요청서 → 승인 →
//! 파기 → 결과 확인 → 통지. Each step is a type of its own that the step before alone can make, so
//! that none is skipped; [`Stored`] is what lies in the store between two steps.
//!
//! Holds who asked and why, so a request is only ever stored sealed.

mod approve;
mod facts;
mod stored;

use crate::domain::id::{AccountId, DestructionId, RetainedId};
use crate::domain::time::Timestamp;

use super::draft::{FormDraft, Lacking};
use super::order::{Order, Stage};

pub use approve::{Sanction, Word};
pub use facts::{
    Approval, Cancellation, Cause, Delivery, Facts, FirstWord, Form, Identity, Judged, JudgedCase,
    Petition, Refusal, Review,
};
pub use stored::{Ended, Stored};

/// Where a request stands, as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 접수.
    Received,
    /// 본인 확인.
    Identified,
    /// 법령 검토.
    Reviewed,
    /// 파기요청서 작성.
    Formed,
    /// One of two approvals is given.
    Seconded,
    /// 승인: the order waits for the end of its window, or is being carried out.
    Approved,
    /// 거절.
    Refused,
    /// 취소.
    Cancelled,
    /// 통지: the end.
    Answered,
}

impl State {
    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Identified => "identified",
            Self::Reviewed => "reviewed",
            Self::Formed => "formed",
            Self::Seconded => "seconded",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Answered => "answered",
        }
    }
    /// What may follow.
    pub const fn next(self) -> &'static [&'static str] {
        match self {
            Self::Received => &["identity", "refuse", "cancel"],
            Self::Identified => &["review", "refuse", "cancel"],
            Self::Reviewed => &["form", "review", "refuse", "cancel"],
            Self::Formed | Self::Seconded => &["approve", "review", "refuse", "cancel"],
            Self::Approved => &["cancel", "execution", "notice"],
            Self::Refused => &["notice"],
            Self::Cancelled | Self::Answered => &[],
        }
    }
    /// Whether nothing follows.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Cancelled | Self::Answered)
    }
}

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// It does not follow here.
    #[error("the request is {}", .0.code())]
    WrongState(State),
    /// Nobody approves what they asked for, reviewed or wrote.
    #[error("nobody approves what they took in, reviewed or wrote themselves")]
    SelfApproval,
    /// The form is not the one that was approved.
    #[error("the form is another than the one that was approved")]
    OtherForm,
    /// A field that cannot be taken in.
    #[error(transparent)]
    Lacking(#[from] Lacking),
    /// It cannot be put into its canonical form: a defect of the program.
    #[error("the form has no canonical form")]
    NotCanonical,
}

/// A request at step `S`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Request<S> {
    facts: Facts,
    step: S,
}

/// 접수.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Received(());

/// 본인 확인: or nobody to identify, where a period has run out.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identified {
    identity: Option<Identity>,
}

/// 법령 검토.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reviewed {
    before: Identified,
    review: Review,
}

/// 파기요청서.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Formed {
    before: Reviewed,
    form: Form,
    /// The first of two approvals, where two are needed.
    seconded: Option<FirstWord>,
}

/// 승인.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approved {
    before: Formed,
    approval: Approval,
}

/// 거절.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    review: Option<Review>,
    refusal: Refusal,
}

/// 취소.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cancelled {
    cancellation: Cancellation,
    order: Option<DestructionId>,
}

/// What a person is answered.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// Destroyed, whole or in part.
    Destroyed(Box<Approved>),
    /// Refused.
    Refused(Box<Refused>),
}

/// 통지.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Answered {
    outcome: Outcome,
    delivery: Delivery,
}

/// A proof that an order was carried out: every key it names is gone.
pub struct CarriedOut(());

impl CarriedOut {
    /// Of an order that has come so far; `None` before.
    pub fn by(order: &Order) -> Option<Self> {
        matches!(order.stage, Stage::Destroyed | Stage::Scrubbed).then_some(Self(()))
    }
}

impl Request<Received> {
    /// A request of a person.
    pub const fn of_person(facts: Facts) -> Self {
        Self {
            facts,
            step: Received(()),
        }
    }
    /// It was checked who asks.
    pub fn identify(self, identity: Identity) -> Request<Identified> {
        Request {
            facts: self.facts,
            step: Identified {
                identity: Some(identity),
            },
        }
    }
}

impl Request<Identified> {
    /// A proposal of a sweep: nobody has to be identified. `None` for a person's request.
    pub fn of_retention(facts: Facts) -> Option<Self> {
        if matches!(facts.cause, Cause::Retention { .. }) {
            Some(Self {
                facts,
                step: Identified { identity: None },
            })
        } else {
            None
        }
    }
    /// Every unit was judged.
    ///
    /// # Errors
    /// [`Lacking`] where something is kept and the person would not be told why.
    pub fn review(self, review: Review) -> Result<Request<Reviewed>, StepError> {
        let person = matches!(self.facts.cause, Cause::Person(_));
        if person && review.keeps_something() {
            let told = review.refusal.as_ref().ok_or_else(|| {
                Lacking::new(
                    "refusal",
                    "must tell law, reason and the way to object for what is kept",
                )
            })?;
            told.check("refusal.")?;
        }
        Ok(Request {
            facts: self.facts,
            step: Reviewed {
                before: self.step,
                review,
            },
        })
    }
}

impl Request<Reviewed> {
    /// The form was filled in.
    ///
    /// # Errors
    /// [`Lacking`] for a field that is missing, for a review that destroys nothing, for an
    /// appraisal that was not named and for an item kept apart that was not made. `appraised` says
    /// that a rule demands the appraisal for something of it.
    pub fn form(
        self,
        fields: FormDraft,
        appraised: bool,
        witness: Option<AccountId>,
        kept: Vec<RetainedId>,
        (by, at): (AccountId, Timestamp),
    ) -> Result<Request<Formed>, StepError> {
        fields.check()?;
        let review = &self.step.review;
        if !review.destroys_something() {
            let why = "nothing is to be destroyed: refuse the request instead";
            return Err(Lacking::new("file", why).into());
        }
        let proposed = matches!(
            self.facts.cause,
            Cause::Retention {
                appraisal: true,
                ..
            }
        );
        if (appraised || proposed) && fields.decision.is_none() {
            let why = "of the records appraisal (폐기) must be named";
            return Err(Lacking::new("decision", why).into());
        }
        if review.keeps_apart() == kept.is_empty() {
            let why = "names the items that were kept apart first, if the review keeps some";
            return Err(Lacking::new("kept", why).into());
        }
        let hash = hash(&self.facts, review, &fields, by, at)?;
        let form = Form {
            fields,
            witness,
            kept,
            by,
            at,
            hash,
        };
        Ok(Request {
            facts: self.facts,
            step: Formed {
                before: self.step,
                form,
                seconded: None,
            },
        })
    }
}

impl Request<Reviewed> {
    /// Back to be judged anew.
    pub fn again(self) -> Request<Identified> {
        Request {
            facts: self.facts,
            step: self.step.before,
        }
    }
}

impl Request<Formed> {
    /// Back to be judged anew: form and first approval are void.
    pub fn again(self) -> Request<Identified> {
        Request {
            facts: self.facts,
            step: self.step.before.before,
        }
    }
}

/// SHA-256 over what is approved, in canonical JSON (RFC 8785).
fn hash(
    facts: &Facts,
    review: &Review,
    fields: &FormDraft,
    by: AccountId,
    at: Timestamp,
) -> Result<[u8; 32], StepError> {
    let unit = |unit: &Judged| {
        let Judged {
            unit,
            judgement,
            reason,
            ..
        } = unit.clone();
        (unit.as_u64().to_string(), judgement, reason)
    };
    let judged = |case: &JudgedCase| -> (String, Vec<_>) {
        let units = case.units.iter().map(unit);
        (case.case.to_string(), units.collect())
    };
    let cases: Vec<_> = review.cases.iter().map(judged).collect();
    let approved = (
        facts.id.to_string(),
        cases,
        fields,
        by.to_string(),
        at.rfc3339(),
    );
    let bytes = serde_json_canonicalizer::to_vec(&approved).map_err(|_| StepError::NotCanonical)?;
    let mut hash = [0; 32];
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    Ok(hash)
}

mod sealed {
    /// Steps at which the law still lets the office say no, and the person withdraw.
    pub trait Open {
        /// The review, if there was one.
        fn review(self) -> Option<super::Review>;
    }
    impl Open for super::Received {
        fn review(self) -> Option<super::Review> {
            None
        }
    }
    impl Open for super::Identified {
        fn review(self) -> Option<super::Review> {
            None
        }
    }
    impl Open for super::Reviewed {
        fn review(self) -> Option<super::Review> {
            Some(self.review)
        }
    }
    impl Open for super::Formed {
        fn review(self) -> Option<super::Review> {
            Some(self.before.review)
        }
    }
}

impl<S: sealed::Open> Request<S> {
    /// Refuses it; nothing is destroyed.
    ///
    /// # Errors
    /// [`Lacking`] where the law's text, the reason, the way to object or the sender is missing.
    pub fn refuse(self, refusal: Refusal) -> Result<Request<Refused>, StepError> {
        refusal.told.check("refusal.")?;
        refusal.sender.check()?;
        Ok(Request {
            facts: self.facts,
            step: Refused {
                review: self.step.review(),
                refusal,
            },
        })
    }
    /// Cancels it; nothing is destroyed.
    pub fn cancel(self, cancellation: Cancellation) -> Request<Cancelled> {
        Request {
            facts: self.facts,
            step: Cancelled {
                cancellation,
                order: None,
            },
        }
    }
}

impl Request<Approved> {
    /// Cancels it inside the window, together with its order; the order gives itself up only while
    /// it waits, which `order` shows. Behind the window it can be cancelled where the order is
    /// `stuck`: something keeps it from being carried out, or it was withdrawn by a restore.
    ///
    /// # Errors
    /// [`StepError::WrongState`] once it is being carried out.
    pub fn cancel(
        self,
        cancellation: Cancellation,
        order: &Order,
        stuck: bool,
    ) -> Result<Request<Cancelled>, StepError> {
        let same = order.id == self.step.approval.order;
        let open = match order.stage {
            Stage::Waiting => stuck || cancellation.at < order.due,
            Stage::Cancelled => true,
            Stage::Intent | Stage::Destroyed | Stage::Scrubbed => false,
        };
        if !same || !open {
            return Err(StepError::WrongState(State::Approved));
        }
        Ok(Request {
            facts: self.facts,
            step: Cancelled {
                cancellation,
                order: Some(order.id),
            },
        })
    }
    /// The notice of what was destroyed reached the person.
    pub fn answer(self, _done: &CarriedOut, delivery: Delivery) -> Request<Answered> {
        Request {
            facts: self.facts,
            step: Answered {
                outcome: Outcome::Destroyed(Box::new(self.step)),
                delivery,
            },
        }
    }
}

impl Request<Refused> {
    /// The notice of the refusal reached the person.
    pub fn answer(self, delivery: Delivery) -> Request<Answered> {
        Request {
            facts: self.facts,
            step: Answered {
                outcome: Outcome::Refused(Box::new(self.step)),
                delivery,
            },
        }
    }
}

#[cfg(test)]
mod tests;
