//! The review of a request, part by part, and what has to be drawn for another law before a form
//! can be filled in.

use super::deletion::Insight;
use super::deletion_steps::Going;
use super::deletion_view::part_id;
use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::cases::draft::Invalid;
use crate::destruction::draft::{Judgement, ReviewDraft};
use crate::destruction::request::{Judged, JudgedCase, Review};
use crate::domain::id::RetainedId;
use crate::retained::basis::LegalBasis;
use crate::vault::UnitRef;

impl Store {
    /// The items that were drawn for what a review keeps apart: one for each basis, of exactly its
    /// parts, for this request, and there. So that nothing dies on the word of an item that holds
    /// something else.
    pub(super) fn drawn_first(
        &self,
        insight: &Insight,
        review: &Review,
        named: &[String],
    ) -> Result<Vec<RetainedId>, ServiceError> {
        let bad = |why| ServiceError::from(Invalid::new("kept", why));
        let mut items = Vec::with_capacity(named.len());
        for id in named {
            let id = id.parse::<RetainedId>();
            items.push(id.map_err(|_| bad("names something that is no item"))?);
        }
        let mut used = vec![false; items.len()];
        for case in &review.cases {
            let stored = insight.heads.iter().find(|s| s.head.case == case.case);
            let stored = stored.ok_or(ServiceError::Conflict)?;
            for (basis, units) in bases(case, &stored.head.units) {
                let origin = self.origin(stored, &units, &basis);
                let mut found = false;
                for (id, used) in items.iter().zip(&mut used) {
                    let item = self.kept(*id)?.map(|kept| kept.item);
                    if item.is_some_and(|item| item.origin == origin)
                        && self.kept_apart(*id)?.is_some()
                    {
                        (*used, found) = (true, true);
                    }
                }
                if !found {
                    let why = "must name an item that was drawn of exactly the parts and on the \
                               basis of the review";
                    return Err(bad(why));
                }
            }
        }
        if used.contains(&false) {
            return Err(bad("names an item that is not of this review"));
        }
        Ok(items)
    }
}

/// What a case keeps apart, by basis.
fn bases(case: &JudgedCase, units: &[UnitRef]) -> Vec<(LegalBasis, Vec<UnitRef>)> {
    let mut found: Vec<(LegalBasis, Vec<UnitRef>)> = Vec::new();
    for judged in &case.units {
        let Judgement::KeepApart {
            law,
            article,
            items,
            until,
        } = &judged.judgement
        else {
            continue;
        };
        let Some(unit) = units.iter().find(|unit| unit.unit == judged.unit) else {
            continue;
        };
        let basis = LegalBasis {
            law: law.clone(),
            article: article.clone(),
            items: items.clone(),
            until: *until,
        };
        match found.iter_mut().find(|(known, _)| *known == basis) {
            Some((_, units)) => units.push(*unit),
            None => found.push((basis, vec![*unit])),
        }
    }
    found
}

/// The review of every part of every case.
pub(super) fn judge(going: &Going<'_>, draft: ReviewDraft) -> Result<Review, ServiceError> {
    let now = going.now;
    let rest = draft.rest.as_ref();
    let rest = rest.map(|rest| Ok((rest.parse("rest", now)?, rest.reason.clone())));
    let rest = rest.transpose().map_err(fault::lacking)?;
    let mut named = Vec::with_capacity(draft.parts.len());
    for (index, part) in draft.parts.iter().enumerate() {
        let path = format!("parts.{index}.judgement");
        let judgement = part.judgement.parse(&path, now).map_err(fault::lacking)?;
        named.push((index, part, judgement, false));
    }
    let mut cases = Vec::new();
    for stored in &going.insight.heads {
        let mut units = Vec::new();
        for unit in &stored.head.units {
            let id = part_id(&unit.unit);
            let own = named.iter_mut().find(|(_, part, ..)| part.part == id);
            let (judgement, reason) = match (own, &rest) {
                (Some((_, part, judgement, used)), _) => {
                    *used = true;
                    (judgement.clone(), part.judgement.reason.clone())
                }
                (None, Some((judgement, reason))) => (judgement.clone(), reason.clone()),
                (None, None) => {
                    let why = "must judge every part of the case, or say what becomes of the rest";
                    return Err(Invalid::new("parts", why).into());
                }
            };
            units.push(Judged {
                unit: unit.unit,
                kind: unit.kind,
                judgement,
                reason,
            });
        }
        let judged = JudgedCase {
            case: stored.head.case,
            units,
        };
        // What a law keeps is entered in the ledger by its basis, so that it is judged here.
        for (basis, _) in bases(&judged, &stored.head.units) {
            basis.check(now).map_err(fault::basis)?;
        }
        cases.push(judged);
    }
    going.lawful(&cases)?;
    if let Some((index, ..)) = named.iter().find(|(.., used)| !used) {
        let field = format!("parts.{index}.part");
        return Err(Invalid::new(field, "is no part of the case, or named twice").into());
    }
    Ok(Review {
        cases,
        refusal: draft.refusal,
        by: going.by(),
        at: now,
    })
}
