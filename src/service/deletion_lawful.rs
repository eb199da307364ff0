//! What of a record may be destroyed at all (DEL-05; 공공기록물 관리에 관한 법률 제50조): nothing while the
//! retention rule of its class still runs, and behind that only with the decision of the records
//! appraisal where the rule demands one. It holds whoever asks, and is looked at again with every
//! step, because rules and cases change.
//!
//! The text of a case and of its additions is the record. A person or an attachment may be judged
//! to be no part of it (`not_record`): what strayed into a case is kept by no rule, and a second
//! person approves that judgement with the form. A case that is still open has not begun its period;
//! what would be destroyed of it now would be missing from the record when it is made, so that the
//! rule counts for it as if it were closed today. Where no rule names the class, the office knows of
//! no law that keeps the record.

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::cases::draft::Invalid;
use crate::cases::head::Head;
use crate::destruction::draft::Judgement;
use crate::destruction::request::{Form, Judged, JudgedCase};
use crate::destruction::retention::{Rules, Standing};
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::Timestamp;

impl Store {
    /// Whether the rules let these judgements stand; gives whether one of them demands a decision
    /// of the appraisal.
    ///
    /// # Errors
    /// [`ServiceError::RetentionRuns`], with the rule; [`ServiceError::Invalid`] for the text of a
    /// case that is called no part of the record.
    pub(super) fn lawful(
        &self,
        cases: &[JudgedCase],
        now: Timestamp,
    ) -> Result<bool, ServiceError> {
        let rules = self.records.rules().map_err(fault::records)?.row;
        let mut appraised = false;
        for case in cases {
            let head = self.cases.head(case.case).map_err(fault::cases)?;
            let head = head.ok_or(ServiceError::Conflict)?.head;
            appraised |= weigh(&rules, &head, &case.units, now)?;
        }
        Ok(appraised)
    }

    /// The same of what is about to be approved, with what its form says.
    pub(super) fn lawful_form(
        &self,
        cases: &[JudgedCase],
        form: Option<&Form>,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let decided = form.is_some_and(|form| form.fields.decision.is_some());
        if self.lawful(cases, now)? && !decided {
            let why = "of the records appraisal (폐기) must be named: fill in the form anew";
            return Err(Invalid::new("decision", why).into());
        }
        Ok(())
    }
}

fn weigh(
    rules: &Rules,
    head: &Head,
    units: &[Judged],
    now: Timestamp,
) -> Result<bool, ServiceError> {
    let text = |kind| matches!(kind, UnitKind::Narrative | UnitKind::Addition);
    let stray = |unit: &Judged| unit.judgement == Judgement::DestroyStray && text(unit.kind);
    if units.iter().any(stray) {
        let why = "is never said of the text of a case: that is the record";
        return Err(Invalid::new("not_record", why).into());
    }
    let destroyed = |unit: &Judged| unit.judgement == Judgement::Destroy;
    match rules.standing(&head.class, head.closed_at, now) {
        Standing::Free => Ok(false),
        Standing::Over { appraisal } => Ok(appraisal && units.iter().any(destroyed)),
        Standing::Runs(end) => {
            // What is kept apart for less than the period would be destroyed inside it all the same.
            let too_short = |unit: &Judged| match &unit.judgement {
                Judgement::KeepApart { until, .. } => end.is_none_or(|end| *until < end),
                _ => false,
            };
            if units.iter().any(|unit| destroyed(unit) || too_short(unit)) {
                return Err(runs(rules, head, end));
            }
            Ok(false)
        }
    }
}

/// Names the rule; the class only where it says nothing of a sensitive case.
fn runs(rules: &Rules, head: &Head, end: Option<Timestamp>) -> ServiceError {
    let rule = rules.words(&head.class, head.tier == Tier::Ordinary);
    ServiceError::RetentionRuns(match (end, head.closed_at) {
        (None, _) => rule,
        (Some(end), Some(_)) => format!("{rule}, so until {}", end.rfc3339()),
        (Some(end), None) => format!("{rule}; the case is open, so not before {}", end.rfc3339()),
    })
}
