//! What follows an inspection: the person concerned explains (소명), the auditor judges and signs.

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::Rows;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, Explain, Inspect, JudgeAuditor, SignInspection};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::domain::id::{AccountId, InspectionId};
use crate::domain::role::Role;
use crate::engine::Batch;
use crate::inspection::pack::{
    Explanation, Finding, FindingId, FindingState, Judgement, Pack, Signed, Verdict, Whole,
};
use crate::inspection::rule::Rule;
use crate::inspection::sheet::{Sheet, SheetFinding, from_hex};
use crate::inspection::view::{
    ExplanationDraft, FindingView, InspectionView, SignDraft, VerdictDraft,
};

/// Longest explanation, note or statement, in bytes of UTF-8.
const TEXT_BYTES_MAX: usize = 4096;

impl Store {
    /// `GET /findings`: those about the asker in inspections that are not signed, without those
    /// that would tell of cases they may not see
    /// ([`Rule::is_told`](crate::inspection::rule::Rule::is_told)): these the auditor judges.
    pub fn own_findings(&self, session: &Session) -> Answer<Rows<FindingView>> {
        self.office::<Explain, _>(session, Target::Office, |permit| {
            let found = self.inspections.about(session.account());
            let found = found.map_err(fault::table);
            self.or_fail(permit, found, |permit, found| {
                let rows = Rows {
                    rows: found
                        .iter()
                        .filter(|finding| finding.rule.is_told())
                        .map(finding_view)
                        .collect(),
                    next: None,
                };
                self.record_office(permit, "findings", rows)
            })
        })
    }

    /// `POST /findings/{id}/explanation`, by the person concerned alone. What was judged stays as it
    /// was judged until the auditor takes the judgement back.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a finding about somebody else or that they are not told of, as
    /// for none; [`ServiceError::Judged`] once it was judged, [`ServiceError::WrongState`] once the
    /// inspection was signed.
    pub fn explain(
        &self,
        session: &Session,
        id: Option<FindingId>,
        draft: ExplanationDraft,
    ) -> Answer<FindingView> {
        self.office::<Explain, _>(session, Target::Office, |permit| {
            let planned = self.explanation(session, id, draft);
            self.or_fail(permit, planned, |permit, (whole, finding)| {
                let said = (finding_id(&finding).to_string(), "explanation");
                self.keep_finding(permit, &whole, finding, said, finding_view)
            })
        })
    }

    fn explanation(
        &self,
        session: &Session,
        id: Option<FindingId>,
        draft: ExplanationDraft,
    ) -> Result<(Whole, Finding), ServiceError> {
        let (whole, finding) = self.finding(id)?;
        if finding.person != Some(session.account()) || !finding.rule.is_told() {
            return Err(ServiceError::NotFound);
        }
        unsigned(&whole)?;
        if finding.state.is_settled() {
            return Err(ServiceError::Judged);
        }
        fits("text", &draft.text)?;
        let said = Explanation {
            text: draft.text,
            at: self.clock.now(),
        };
        let finding = Finding {
            state: FindingState::Explained,
            explanation: Some(said),
            ..finding
        };
        Ok((whole, finding))
    }

    /// `POST /inspections/{id}/findings/{number}/verdict`, by an auditor; what is about an auditor, by
    /// a privacy officer. Outputs are accepted only once the person has explained them. A judgement that
    /// is taken back lets the person explain again.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for whom it is about, [`ServiceError::RoleRefused`] for an
    /// auditor about another one and a privacy officer about anybody else,
    /// [`ServiceError::WrongState`] once the inspection was signed or superseded, and where there is
    /// no judgement to be taken back.
    pub fn judge_finding(
        &self,
        session: &Session,
        id: Option<FindingId>,
        draft: VerdictDraft,
    ) -> Answer<InspectionView> {
        if session.roles().has(Role::PrivacyOfficer) {
            self.judge_as::<JudgeAuditor>(session, id, draft)
        } else {
            self.judge_as::<Inspect>(session, id, draft)
        }
    }

    fn judge_as<A: Action>(
        &self,
        session: &Session,
        id: Option<FindingId>,
        draft: VerdictDraft,
    ) -> Answer<InspectionView> {
        self.office::<A, _>(session, Target::Office, |permit| {
            let planned = self.verdict(session, id, draft);
            self.or_fail(permit, planned, |permit, (whole, finding)| {
                let id = whole.pack.id;
                let comes_to = finding.judgement.as_ref().and_then(|said| said.verdict);
                let comes_to = comes_to.map_or("", Verdict::code);
                let said = (format!("{} {comes_to}", finding_id(&finding)), "verdict");
                let kept = self.keep_finding(permit, &whole, finding, said, |_| ())?;
                kept.wait()?;
                let view = self.inspection_view(&self.whole(id)?)?;
                Ok(crate::engine::Pending::ready(Ok(view)))
            })
        })
    }

    fn is_auditor(&self, person: AccountId) -> bool {
        let known = self.directory.account(person);
        known.is_some_and(|account| account.roles.has(Role::Auditor))
    }

    fn verdict(
        &self,
        session: &Session,
        id: Option<FindingId>,
        draft: VerdictDraft,
    ) -> Result<(Whole, Finding), ServiceError> {
        let (whole, finding) = self.finding(id)?;
        unsigned(&whole)?;
        if finding.person == Some(session.account()) {
            return Err(ServiceError::SelfApproval);
        }
        let about_auditor = finding.person.is_some_and(|id| self.is_auditor(id));
        if about_auditor != session.roles().has(Role::PrivacyOfficer) {
            return Err(ServiceError::RoleRefused);
        }
        let verdict = comes_to(&draft)?;
        let explained = finding.explanation.is_some();
        let state = match verdict {
            // A reason is confirmed when somebody has given it (다운로드 사유 확인).
            Verdict::Accepted if finding.rule == Rule::UnexplainedOutput && !explained => {
                return Err(ServiceError::WrongState("not explained"));
            }
            Verdict::Reopened if !finding.state.is_settled() => {
                return Err(ServiceError::WrongState("not judged"));
            }
            Verdict::Accepted => FindingState::Accepted,
            Verdict::Rejected => FindingState::Rejected,
            Verdict::Reopened if explained => FindingState::Explained,
            Verdict::Reopened => FindingState::Open,
        };
        fits("note", &draft.note)?;
        let said = Judgement {
            by: session.account(),
            at: self.clock.now(),
            note: draft.note,
            verdict: Some(verdict),
        };
        let finding = Finding {
            state,
            judgement: Some(said),
            ..finding
        };
        Ok((whole, finding))
    }

    fn finding(&self, id: Option<FindingId>) -> Result<(Whole, Finding), ServiceError> {
        let id = id.ok_or(ServiceError::NotFound)?;
        let whole = self.whole(id.inspection)?;
        let found = whole.findings.iter().find(|f| f.number == id.number);
        let found = found.cloned().ok_or(ServiceError::NotFound)?;
        Ok((whole, found))
    }

    fn keep_finding<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        whole: &Whole,
        finding: Finding,
        (reason, query): (String, &'static str),
        view: impl FnOnce(&Finding) -> T,
    ) -> Answer<T> {
        let mut batch = Batch::default();
        let view = view(&finding);
        let put = self.inspections.put_finding(&mut batch, whole, finding);
        put.map_err(fault::table)?;
        let shown = Shown {
            query: Some(query),
            reason: Some(reason),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch);
        Ok(recorded.map(|recorded| recorded.map(|_| view).map_err(fault::log)))
    }

    /// `POST /inspections/{id}/sign`. The signature binds to the sheet's hash; that, the statement and
    /// who signed stand in the reason of its entry ([`Sheet::sealed`]). From then on the inspection
    /// does not change.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] for the hash of another sheet, [`ServiceError::SelfApproval`] for
    /// whom a finding about their own deeds is about that no privacy officer accepted,
    /// [`ServiceError::WrongState`] while the month is not over, while findings are not settled and no
    /// statement says why, or once it is signed or superseded.
    pub fn sign_inspection(
        &self,
        session: &Session,
        id: Option<InspectionId>,
        draft: SignDraft,
    ) -> Answer<InspectionView> {
        self.office::<SignInspection, _>(session, Target::Office, |permit| {
            let planned = self.signature(session, id, draft);
            self.or_fail(permit, planned, |permit, (whole, signed)| {
                let id = whole.pack.id;
                let reason = Sheet::sealed(&signed);
                let reason = reason.map_err(|e| ServiceError::Internal(e.to_string()))?;
                let mut batch = Batch::default();
                let pack = Pack {
                    signed: Some(signed),
                    ..whole.pack.clone()
                };
                let put = self.inspections.put_pack(&mut batch, &whole, pack);
                put.map_err(fault::table)?;
                let shown = Shown {
                    query: Some("signature"),
                    reason: Some(reason),
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch).wait();
                let (_receipt, _) = recorded.map_err(fault::log)?;
                let view = self.inspection_view(&self.whole(id)?)?;
                Ok(crate::engine::Pending::ready(Ok(view)))
            })
        })
    }

    fn signature(
        &self,
        session: &Session,
        id: Option<InspectionId>,
        draft: SignDraft,
    ) -> Result<(Whole, Signed), ServiceError> {
        let whole = self.whole(id.ok_or(ServiceError::NotFound)?)?;
        unsigned(&whole)?;
        let concerned = |finding: &Finding| {
            finding.person == Some(session.account())
                && finding.rule.is_deed()
                && finding.state != FindingState::Accepted
        };
        if whole.findings.iter().any(concerned) {
            return Err(ServiceError::SelfApproval);
        }
        if !whole.pack.whole {
            return Err(ServiceError::WrongState("of a month that is not over"));
        }
        let asked = from_hex(&draft.hash);
        let asked = asked.ok_or(Invalid::new("hash", "is not 64 hexadecimal digits"))?;
        let sheet = Sheet::of(&whole).hash();
        let sheet = sheet.map_err(|error| ServiceError::Internal(error.to_string()))?;
        if asked != sheet {
            return Err(ServiceError::Conflict);
        }
        if let Some(statement) = &draft.statement {
            fits("statement", statement)?;
        } else if whole.findings.iter().any(|f| !f.state.is_settled()) {
            return Err(ServiceError::WrongState("open"));
        }
        let signed = Signed {
            by: session.account(),
            at: self.clock.now(),
            hash: sheet,
            statement: draft.statement,
        };
        Ok((whole, signed))
    }
}

fn unsigned(whole: &Whole) -> Result<(), ServiceError> {
    match (&whole.pack.signed, whole.pack.superseded_by) {
        (Some(_), _) => Err(ServiceError::WrongState("signed")),
        (None, Some(_)) => Err(ServiceError::WrongState("superseded")),
        (None, None) => Ok(()),
    }
}

/// What a judgement is to come to.
fn comes_to(draft: &VerdictDraft) -> Result<Verdict, Invalid> {
    match (draft.accepted, draft.reopen) {
        (Some(true), false) => Ok(Verdict::Accepted),
        (Some(false), false) => Ok(Verdict::Rejected),
        (None, true) => Ok(Verdict::Reopened),
        (None, false) => Err(Invalid::new("accepted", "must be true or false")),
        (Some(_), true) => Err(Invalid::new("accepted", "must not be given with reopen")),
    }
}

const fn finding_id(finding: &Finding) -> FindingId {
    FindingId {
        inspection: finding.inspection,
        number: finding.number,
    }
}

fn fits(field: &'static str, text: &str) -> Result<(), ServiceError> {
    if text.trim().is_empty() {
        return Err(Invalid::new(field, "must not be empty").into());
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(Invalid::new(field, "is too long").into());
    }
    Ok(())
}

fn finding_view(finding: &Finding) -> FindingView {
    let said = SheetFinding::of(finding);
    FindingView {
        id: finding_id(finding).to_string(),
        rule: said.rule,
        count: said.count,
        says: said.says,
        outputs: said.outputs,
        first: said.first,
        last: said.last,
        state: said.state,
        explanation: said.explanation,
        verdict: said.verdict,
    }
}

#[cfg(test)]
mod tests;
