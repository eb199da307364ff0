//! Requests as people see them: each as far as they may know.

use data_encoding::HEXLOWER;

use super::deletion::Insight;
use super::error::ServiceError;
use super::store::Store;
use crate::cases::head::StoredHead;
use crate::destruction::draft::Judgement;
use crate::destruction::request::{Cause, Judged, State, Stored};
use crate::destruction::term;
use crate::destruction::view::{
    AskerView, FormView, IdentityView, MatchView, OrderView, PartView, RequestKind, RequestView,
    Shown,
};
use crate::domain::id::UnitId;

/// What stands as the basis of a part that no retention rule keeps.
const NOT_RECORD: &str = "not_record";

/// From where a request comes.
pub(super) const fn kind(request: &Stored) -> RequestKind {
    match request.facts().cause {
        Cause::Person(_) => RequestKind::Person,
        Cause::Retention { .. } => RequestKind::Retention,
    }
}

/// Where a request stands, as far as somebody may know.
pub(super) const fn shown(request: &Stored, whole: bool) -> Shown {
    if whole {
        Shown::whole(request.state())
    } else {
        Shown::part(request.state())
    }
}

/// Whether it was refused before anybody looked what it was matched to: that says nothing.
pub(super) fn blank_refusal(request: &Stored) -> bool {
    request.refusal().is_some() && request.review().is_none()
}

/// The code of [`Shown::part`], for problems.
pub(super) const fn hidden_state(request: &Stored) -> &'static str {
    match Shown::part(request.state()) {
        Shown::Received => "received",
        Shown::Identified => "identified",
        Shown::Handling => "handling",
        _ => "ended",
    }
}

/// What somebody can do next: who judges, every step that follows; others, what is theirs.
fn next(request: &Stored, insight: &Insight) -> Vec<String> {
    let open = |step: &&str| match *step {
        "identity" | "cancel" => true,
        "notice" => true,
        "refuse" => insight.judges,
        _ => insight.whole && insight.judges,
    };
    // Who may not know where it stands is told the same at every hidden step.
    let steps: &[&str] = match Shown::part(request.state()) {
        Shown::Handling if !insight.whole && blank_refusal(request) => &["notice"],
        Shown::Handling if !insight.whole => &["cancel"],
        _ => request.state().next(),
    };
    steps
        .iter()
        .filter(|step| open(step))
        .map(|step| (*step).to_owned())
        .collect()
}

impl Store {
    /// A request as far as `insight` goes.
    pub(super) fn request_view(
        &self,
        request: &Stored,
        insight: &Insight,
    ) -> Result<RequestView, ServiceError> {
        let facts = request.facts();
        let login = |id| self.directory.login(id);
        let said = self.said_in(request)?;
        let receipt = said.as_ref().and_then(|said| said.receipt.clone());
        let asker = match (&facts.cause, said) {
            (Cause::Person(petition), Some(said)) => Some(AskerView {
                asked_by: petition.asked_by,
                name: said.name,
                contact: said.contact,
                authority: petition.authority,
                parts: petition.parts.iter().map(part_id).collect(),
                reason: said.reason,
            }),
            _ => None,
        };
        let identity = request
            .identity()
            .filter(|_| insight.whole || matches!(request.state(), State::Identified));
        let whole = insight.whole;
        let order = match request.approval().filter(|_| whole) {
            None => None,
            Some(approval) => self.order(approval.order)?.map(|order| OrderView {
                id: approval.order.to_string(),
                approved_by: login(approval.by),
                approved_at: approval.at.rfc3339(),
                cancel_until: approval.due.rfc3339(),
                stage: order.stage,
            }),
        };
        let refusal = request.refusal().map(|refusal| &refusal.told);
        let refusal = refusal.or_else(|| request.review()?.refusal.as_ref());
        let refusal = refusal.filter(|told| !told.is_gone());
        Ok(RequestView {
            id: facts.id.to_string(),
            kind: kind(request),
            state: shown(request, whole),
            received_at: facts.received_at.rfc3339(),
            due_at: facts.due.rfc3339(),
            days_left: term::days_left(self.clock.now(), facts.due),
            next: next(request, insight),
            taken_by: login(facts.taken_by),
            receipt,
            asker,
            identity: identity.map(|identity| IdentityView {
                method: identity.method,
                by: login(identity.by),
                at: identity.at.rfc3339(),
            }),
            matched: whole.then(|| {
                let matches = insight.heads.iter();
                matches.map(|stored| matched(request, stored)).collect()
            }),
            form: request.form().filter(|_| whole).map(|form| FormView {
                fields: form.fields.clone(),
                by: login(form.by),
                at: form.at.rfc3339(),
                units: request.review().map_or(0, |review| review.dying()),
                form_hash: HEXLOWER.encode(&form.hash),
            }),
            order,
            refusal: refusal.filter(|_| whole).cloned(),
            delivered_by: request
                .delivery()
                .filter(|_| whole)
                .map(|delivery| delivery.delivered_by),
        })
    }
}

/// A case that a request was matched to: kinds and dates of its parts, no content.
fn matched(request: &Stored, stored: &StoredHead) -> MatchView {
    let head = &stored.head;
    let judged = request
        .review()
        .and_then(|review| review.cases.iter().find(|case| case.case == head.case));
    let parts = match judged {
        Some(judged) => judged.units.iter().map(judged_part).collect(),
        None => head
            .units
            .iter()
            .map(|unit| PartView {
                part: part_id(&unit.unit),
                kind: unit.kind,
                verdict: None,
                reason: None,
                basis: None,
            })
            .collect(),
    };
    MatchView {
        case: head.case.to_string(),
        tier: head.tier.code().to_owned(),
        registered_at: head.registered_at.rfc3339(),
        closed_at: head.closed_at.map(crate::domain::time::Timestamp::rfc3339),
        holds: head.holds.len(),
        parts,
    }
}

fn judged_part(judged: &Judged) -> PartView {
    let (verdict, basis) = match &judged.judgement {
        Judgement::Destroy => ("destroy", None),
        Judgement::DestroyStray => ("destroy", Some(NOT_RECORD.to_owned())),
        Judgement::KeepApart {
            law,
            article,
            items,
            until,
        } => (
            "keep_apart",
            Some(format!(
                "{law} {article}: {items}, until {}",
                until.rfc3339()
            )),
        ),
        Judgement::Hold { ground } => ("hold", Some(ground.clone())),
    };
    PartView {
        part: part_id(&judged.unit),
        kind: judged.kind,
        verdict: Some(verdict.to_owned()),
        reason: Some(judged.reason.clone()),
        basis,
    }
}

/// The id of a part, as the views of a case show it.
pub(super) fn part_id(unit: &UnitId) -> String {
    unit.as_u64().to_string()
}
