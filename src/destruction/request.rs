//! A request from receipt to answer (DEL-01): 요구 접수 → 본인 확인 → 법령 검토 → 파기요청서 → 승인 →
//! 파기 → 결과 확인 → 통지. Each step is a type of its own that the step before alone can make, so
//! that none is skipped; [`Stored`] is what lies in the store between two steps.
//!
//! Holds who asked and why, so a request is only ever stored sealed.

use crate::domain::id::{AccountId, CaseId, DestructionId, RequestId, RetainedId, UnitId};
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;

use super::draft::{
    AskedBy, Authority, DeliveredBy, FormDraft, IdentityMethod, Judgement, Lacking, RefusalDraft,
    SenderDraft,
};
use super::order::{Ground, Order, Part, Stage, What};

/// Who asked, in their words.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Petition {
    /// In which capacity.
    pub asked_by: AskedBy,
    /// Name.
    pub name: String,
    /// Where the answer goes.
    pub contact: String,
    /// What proves an agent's authority.
    pub authority: Option<Authority>,
    /// The parts it is about; empty for all.
    pub parts: Vec<UnitId>,
    /// What is asked for and why.
    pub reason: String,
}

/// Where a request comes from.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Cause {
    /// A person.
    Person(Petition),
    /// Retention periods that have run out.
    Retention {
        /// Whether a decision of the records appraisal must be named.
        appraisal: bool,
        /// Units that may expire in a day by the word of one approver.
        daily_cap: u64,
    },
}

/// What does not change from the first step to the last.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// Id.
    pub id: RequestId,
    /// From where it comes.
    pub cause: Cause,
    /// The cases it was matched to; none, if the receipt is of no case.
    pub cases: Vec<CaseId>,
    /// Number on the petitioner's receipt, as given.
    pub receipt: Option<String>,
    /// Who took it in, or ran the sweep.
    pub taken_by: AccountId,
    /// When it reached the office.
    pub received_at: Timestamp,
    /// When it must have been answered at the latest.
    pub due: Timestamp,
}

/// That it was checked who asks. What was seen is named; no copy is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// How.
    pub method: IdentityMethod,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// One unit of a case, judged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Judged {
    /// The unit.
    pub unit: UnitId,
    /// What it holds.
    pub kind: UnitKind,
    /// What shall become of it.
    pub judgement: Judgement,
    /// Why.
    pub reason: String,
}

/// A case, judged unit by unit as it stood then.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JudgedCase {
    /// The case.
    pub case: CaseId,
    /// Its units, every one.
    pub units: Vec<Judged>,
}

impl JudgedCase {
    fn all(&self, is: impl Fn(&Judgement) -> bool) -> bool {
        self.units.iter().all(|unit| is(&unit.judgement))
    }
    fn any(&self, is: impl Fn(&Judgement) -> bool) -> bool {
        self.units.iter().any(|unit| is(&unit.judgement))
    }
    /// What an order does to it: units that are destroyed or whose original follows what was
    /// kept apart of it; a hold leaves its unit as it is.
    fn order(&self, kept: Option<RetainedId>) -> Option<Part> {
        let dies = |judgement: &Judgement| !matches!(judgement, Judgement::Hold { .. });
        let keeps = self.any(|judgement| matches!(judgement, Judgement::KeepApart { .. }));
        let what = if self.all(dies) {
            What::Whole
        } else {
            let dying = self.units.iter().filter(|unit| dies(&unit.judgement));
            What::Units(dying.map(|unit| unit.unit).collect())
        };
        let nothing = matches!(&what, What::Units(units) if units.is_empty());
        (!nothing && !self.units.is_empty()).then_some(Part {
            case: self.case,
            what,
            kept: kept.filter(|_| keeps),
        })
    }
}

/// The legal review, with its reasons.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Review {
    /// Case by case.
    pub cases: Vec<JudgedCase>,
    /// What the person is told of what is not destroyed.
    pub refusal: Option<RefusalDraft>,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

impl Review {
    fn any(&self, is: impl Fn(&Judgement) -> bool + Copy) -> bool {
        self.cases.iter().any(|case| case.any(is))
    }
    /// Whether something of it is kept, by law or by a hold.
    pub fn keeps_something(&self) -> bool {
        self.any(|judgement| *judgement != Judgement::Destroy)
    }
    /// Whether something of it is to be kept apart first.
    pub fn keeps_apart(&self) -> bool {
        self.any(|judgement| matches!(judgement, Judgement::KeepApart { .. }))
    }
    /// Whether anything of it is destroyed.
    pub fn destroys_something(&self) -> bool {
        self.any(|judgement| !matches!(judgement, Judgement::Hold { .. }))
    }
    /// Units that die.
    pub fn dying(&self) -> u64 {
        let units = self.cases.iter().flat_map(|case| &case.units);
        let dying = units.filter(|unit| !matches!(unit.judgement, Judgement::Hold { .. }));
        u64::try_from(dying.count()).unwrap_or(u64::MAX)
    }
}

/// The destruction request form (파기요청서), filled in.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Form {
    /// Its fields.
    pub fields: FormDraft,
    /// Who stands by (입회자).
    pub witness: Option<AccountId>,
    /// What was kept apart first.
    pub kept: Option<RetainedId>,
    /// 작성자.
    pub by: AccountId,
    /// 작성일.
    pub at: Timestamp,
    /// SHA-256 of form and review in canonical JSON: what an approver approves.
    pub hash: [u8; 32],
}

/// The approval and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// 승인자.
    pub by: AccountId,
    /// Who approved before, where it took two.
    pub before: Option<AccountId>,
    /// 파기 승인일.
    pub at: Timestamp,
    /// The order.
    pub order: DestructionId,
    /// End of the cancel window.
    pub due: Timestamp,
}

/// How the answer reached the person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delivery {
    /// How.
    pub delivered_by: DeliveredBy,
    /// Who recorded it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// A refusal of everything.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// What the person is told.
    pub told: RefusalDraft,
    /// Who answers for the office.
    pub sender: SenderDraft,
    /// Who refused.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// A cancellation: the person withdrew, or the office found a mistake.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cancellation {
    /// Why.
    pub reason: String,
    /// Who recorded it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

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
            Self::Approved => &["cancel", "notice"],
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
    /// The first of two approvers, where two are needed.
    seconded: Option<AccountId>,
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
    Destroyed(Approved),
    /// Refused.
    Refused(Refused),
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
    /// appraisal that was not named and for an item kept apart that was not made.
    pub fn form(
        self,
        fields: FormDraft,
        witness: Option<AccountId>,
        kept: Option<RetainedId>,
        by: AccountId,
        at: Timestamp,
    ) -> Result<Request<Formed>, StepError> {
        fields.check()?;
        let review = &self.step.review;
        if !review.destroys_something() {
            let why = "nothing is to be destroyed: refuse the request instead";
            return Err(Lacking::new("file", why).into());
        }
        let appraised = matches!(
            self.facts.cause,
            Cause::Retention {
                appraisal: true,
                ..
            }
        );
        if appraised && fields.decision.is_none() {
            let why = "of the records appraisal (폐기) must be named";
            return Err(Lacking::new("decision", why).into());
        }
        if review.keeps_apart() != kept.is_some() {
            let why = "names the item that was kept apart first, if the review keeps some";
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

/// What an approver sends.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// The hash of the form they saw.
    pub form_hash: [u8; 32],
    /// Whether the day's cap asks for a second approver besides.
    pub needs_two: bool,
}

/// What an approval leads to.
pub enum Sanction {
    /// Another approver has to agree.
    Seconded(Request<Formed>),
    /// Approved, and what to place.
    Ordered(Request<Approved>, Order),
}

impl Request<Formed> {
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
        if self.took_part(word.by) || self.step.seconded == Some(word.by) {
            return Err(StepError::SelfApproval);
        }
        if word.form_hash != self.step.form.hash {
            return Err(StepError::OtherForm);
        }
        if word.needs_two && self.step.seconded.is_none() {
            let step = Formed {
                seconded: Some(word.by),
                ..self.step
            };
            return Ok(Sanction::Seconded(Self { step, ..self }));
        }
        let Formed {
            before,
            form,
            seconded,
        } = &self.step;
        let parts = before.review.cases.iter();
        let placed = Order {
            id: order,
            ground: match &self.facts.cause {
                Cause::Person(_) => Ground::Request(self.facts.id),
                Cause::Retention { .. } => Ground::Expiry {
                    decision: form.fields.decision.clone(),
                },
            },
            parts: parts.filter_map(|case| case.order(form.kept)).collect(),
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
            before: *seconded,
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
        Ok(Sanction::Ordered(request, placed))
    }
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
    /// it waits, which `order` shows.
    ///
    /// # Errors
    /// [`StepError::WrongState`] once it is being carried out.
    pub fn cancel(
        self,
        cancellation: Cancellation,
        order: &Order,
    ) -> Result<Request<Cancelled>, StepError> {
        let same = order.id == self.step.approval.order;
        if !same || order.stage != Stage::Waiting || cancellation.at >= order.due {
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
                outcome: Outcome::Destroyed(self.step),
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
                outcome: Outcome::Refused(self.step),
                delivery,
            },
        }
    }
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
    /// How the answer reached the person.
    pub const fn delivery(&self) -> Option<&Delivery> {
        match self {
            Self::Answered(r) => Some(&r.step.delivery),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
