//! What an order comes to, and whether it may: holds, items kept apart, the units as they are now.

use std::collections::BTreeMap;

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::cases::head::StoredHead;
use crate::cases::view::CaseState;
use crate::destruction::ledger::{File, Intent, Item, Kept, Reason, Totals, sha256_hex};
use crate::destruction::order::{ORDER_UNITS_MAX, Order, Part, What};
use crate::destruction::rows::Doomed;
use crate::domain::id::{CaseId, RetainedId, UnitId};
use crate::domain::time::Timestamp;
use crate::vault::UnitRef;

/// Why an order may not be carried out now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("a hold stands on case {0}")]
    Held(CaseId),
    #[error("a hold stands on item {0}, which is kept apart")]
    HeldApart(RetainedId),
    #[error("item {0}, which another law keeps, has not been drawn")]
    NotKept(RetainedId),
    #[error("the units of case {0} are no longer those that were approved: review it again")]
    Changed(CaseId),
    #[error("more than {ORDER_UNITS_MAX} units: split the order")]
    TooMany,
}

impl Refusal {
    /// The case that stands in the way.
    pub(super) const fn case(&self) -> Option<CaseId> {
        match self {
            Self::Held(case) | Self::Changed(case) => Some(*case),
            Self::HeldApart(_) | Self::NotKept(_) | Self::TooMany => None,
        }
    }
}

/// What an order comes to.
pub(super) struct Plan {
    pub(super) intent: Intent,
    pub(super) doomed: Vec<Doomed>,
    /// The cases as they were found: the intent holds only while they stand so.
    pub(super) heads: Vec<StoredHead>,
}

/// One case's share.
struct Share {
    stored: StoredHead,
    whole: bool,
    units: Vec<UnitRef>,
}

impl Store {
    /// Plans an order; nothing is written.
    pub(super) fn plan(&self, order: &Order) -> Result<Result<Plan, Refusal>, ServiceError> {
        let kept = match self.drawn(order)? {
            Ok(kept) => kept,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(item) = order.ground.item()
            && let Some(kept) = self.kept(item)?
            && !kept.item.holds.is_empty()
        {
            return Ok(Err(Refusal::HeldApart(item)));
        }
        let mut shares = Vec::new();
        for (case, what) in by_case(&order.parts) {
            let Some(stored) = self.cases.head(case).map_err(fault::cases)? else {
                continue;
            };
            match share(stored, &what) {
                Ok(share) => shares.extend(share),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        let units = shares.iter().map(|share| share.units.len()).sum::<usize>();
        if units + order.units.len() > ORDER_UNITS_MAX {
            return Ok(Err(Refusal::TooMany));
        }
        let intent = self.intent(order, &shares, kept)?;
        let (mut doomed, mut heads) = (Vec::new(), Vec::new());
        for share in shares {
            doomed.push(Doomed {
                case: share.stored.head.case,
                whole: share.whole,
                units: share.units.iter().map(|u| (u.unit, u.kind)).collect(),
            });
            heads.push(share.stored);
        }
        Ok(Ok(Plan {
            intent,
            doomed,
            heads,
        }))
    }

    /// Every item that the order's parts rely on must have been drawn before anything dies.
    fn drawn(&self, order: &Order) -> Result<Result<Vec<Kept>, Refusal>, ServiceError> {
        let mut kept = Vec::new();
        for id in order.parts.iter().filter_map(|part| part.kept) {
            match self.kept_apart(id)? {
                Some(item) if kept.contains(&item) => {}
                Some(item) => kept.push(item),
                None => return Ok(Err(Refusal::NotKept(id))),
            }
        }
        Ok(Ok(kept))
    }

    fn intent(
        &self,
        order: &Order,
        shares: &[Share],
        kept: Vec<Kept>,
    ) -> Result<Intent, ServiceError> {
        let file = File::of(&order.ground);
        let mut items = Vec::new();
        for share in shares {
            for unit in &share.units {
                items.push(self.item(share.stored.head.case, *unit));
            }
        }
        items.extend(order.units.iter().map(|unit| Item {
            case: None,
            unit: unit.as_u64().to_string(),
            material: file.material(),
            ciphertext: None,
        }));
        let made = || shares.iter().map(|share| share.stored.head.registered_at);
        let unhashed = || ServiceError::Internal("an order does not encode".to_owned());
        Ok(Intent {
            destruction: order.id.to_string(),
            file,
            reason: Reason::of(&order.ground),
            created_from: made().min().map(day),
            created_to: made().max().map(day),
            approved: order.approved_at.rfc3339(),
            handler: order.handler.to_string(),
            approver: order.approver.to_string(),
            witness: order.witness.map(|witness| witness.to_string()),
            order: order.hash().ok_or_else(unhashed)?,
            totals: Totals::of(&items, shares.iter().filter(|share| share.whole).count()),
            items,
            kept,
        })
    }

    /// A unit and the hash of what is stored of it. Stored bytes that cannot be read are no
    /// reason to keep their key.
    fn item(&self, case: CaseId, unit: UnitRef) -> Item {
        let stored = self.cases.unit(case, unit.unit).unwrap_or_else(|error| {
            tracing::warn!(%error, "a unit that is to be destroyed cannot be read");
            None
        });
        Item {
            case: Some(case.to_string()),
            unit: unit.unit.as_u64().to_string(),
            material: unit.kind,
            ciphertext: stored.map(|value| sha256_hex(value.as_bytes())),
        }
    }
}

/// The date alone: the hour of a registration is nobody's business in the ledger.
fn day(time: Timestamp) -> String {
    time.rfc3339().chars().take(10).collect()
}

/// Parts that name one case twice become one.
fn by_case(parts: &[Part]) -> BTreeMap<CaseId, What> {
    let mut cases: BTreeMap<CaseId, What> = BTreeMap::new();
    for part in parts {
        let what = match (cases.remove(&part.case), &part.what) {
            (Some(What::Whole), _) | (_, What::Whole) => What::Whole,
            (Some(What::Units(mut units)), What::Units(more)) => {
                units.extend(more);
                What::Units(units)
            }
            (None, What::Units(units)) => What::Units(units.clone()),
        };
        cases.insert(part.case, what);
    }
    cases
}

/// What dies of a case, if it is still what was approved. What an earlier order has destroyed is
/// done; a unit that is neither there nor destroyed was moved to another key.
fn share(stored: StoredHead, what: &What) -> Result<Option<Share>, Refusal> {
    let head = &stored.head;
    if head.state == CaseState::Destroyed {
        return Ok(None);
    }
    if !head.holds.is_empty() {
        return Err(Refusal::Held(head.case));
    }
    let units: Vec<UnitRef> = match what {
        What::Whole => head.units.clone(),
        What::Units(named) => {
            let gone = |unit: &UnitId| head.gone.iter().any(|gone| gone.unit == *unit);
            let there = |unit: &UnitId| head.units.iter().any(|u| u.unit == *unit);
            if !named.iter().all(|unit| there(unit) || gone(unit)) {
                return Err(Refusal::Changed(head.case));
            }
            let dies = |u: &&UnitRef| named.contains(&u.unit);
            head.units.iter().filter(dies).copied().collect()
        }
    };
    let left = |u: &UnitRef| units.iter().all(|dead| dead.unit != u.unit);
    let whole = !head.units.iter().any(left);
    Ok(Some(Share {
        whole,
        units,
        stored,
    }))
}
