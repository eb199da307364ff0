//! What the ledger says of a destruction.

use ring::digest::{SHA256, digest};

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::cases::head::StoredHead;
use crate::destruction::ledger::{Destroyed, Entry, Event, Intent, UnitLine};
use crate::destruction::order::{Ground, Order};
use crate::domain::id::UnitId;
use crate::domain::limit::Limit;
use crate::domain::tier::UnitKind;
use crate::engine::Log;
use crate::vault::UnitRef;

/// How it is done (폐기방법).
const METHOD: &str = "the unit's key is destroyed in the keyring (NIST SP 800-88r2 cryptographic \
    erase), then its bytes are overwritten with zeros (안전성 확보조치 기준 제13조)";
/// How it is checked (폐기 확인 방법).
const VERIFICATION: &str = "each key was asked for again and refused";

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

/// The line of a unit that belongs to no case.
pub(super) fn apart(unit: UnitId, kind: UnitKind) -> UnitLine {
    UnitLine {
        case: None,
        unit: unit.as_u64().to_string(),
        material: kind,
        created: None,
        sha256: None,
    }
}

/// Code and law of a ground, and what it refers to.
fn ground(ground: &Ground) -> (&'static str, &'static str, Option<String>) {
    match ground {
        Ground::Request(id) => ("request", "개인정보 보호법 제36조", Some(id.to_string())),
        Ground::Expiry { decision } => ("expiry", "개인정보 보호법 제21조제1항", decision.clone()),
        Ground::RetentionEnd(id) => (
            "retention_end",
            "개인정보 보호법 제21조제1항, 제3항",
            Some(id.to_string()),
        ),
        Ground::Account(id) => (
            "account",
            "개인정보의 안전성 확보조치 기준 제5조제2항",
            Some(id.to_string()),
        ),
        Ground::AuditEpoch => (
            "audit_epoch",
            "개인정보의 안전성 확보조치 기준 제8조제1항",
            None,
        ),
    }
}

/// The intent of an order with these lines.
pub(super) fn intent(order: &Order, units: Vec<UnitLine>) -> Intent {
    let (code, basis, reference) = ground(&order.ground);
    Intent {
        destruction: order.id.to_string(),
        ground: code.to_owned(),
        basis: basis.to_owned(),
        reference,
        handler: order.handler.to_string(),
        approver: order.approver.to_string(),
        witness: order.witness.map(|id| id.to_string()),
        units,
        kept: order
            .parts
            .iter()
            .filter_map(|part| part.kept)
            .map(|id| id.to_string())
            .collect(),
    }
}

impl Store {
    /// The line of a unit of a case.
    pub(super) fn line_of(
        &self,
        stored: &StoredHead,
        unit: UnitRef,
    ) -> Result<UnitLine, ServiceError> {
        let head = &stored.head;
        let rows = self
            .cases
            .units(head.case, std::iter::once(unit))
            .map_err(fault::cases)?;
        let sealed = rows.first().map(|(_, value)| hex(value.as_bytes()));
        let created = head.registered_at.rfc3339();
        Ok(UnitLine {
            case: Some(head.case.to_string()),
            unit: unit.unit.as_u64().to_string(),
            material: unit.kind,
            created: created.get(..10).map(str::to_owned),
            sha256: sealed,
        })
    }

    /// The leaf that says that it is done; names the intent's leaf by its hash.
    pub(super) fn destroyed_entry(
        &self,
        order: &Order,
        root_version: u64,
    ) -> Result<Destroyed, ServiceError> {
        let (leaf, _) = self.intent_leaf(order)?;
        Ok(Destroyed {
            destruction: order.id.to_string(),
            intent: hex(&leaf),
            count: order.doomed.len() as u64,
            method: METHOD.to_owned(),
            root_version,
            verification: VERIFICATION.to_owned(),
            holders_pending: self.holders_pending()?,
        })
    }

    /// Copies of the keyring that still have to be destroyed, by serial number.
    fn holders_pending(&self) -> Result<Vec<String>, ServiceError> {
        let _ = self;
        Ok(Vec::new())
    }

    /// The leaf of an order's intent and its index; looked for from the ledger's end, where it is.
    fn intent_leaf(&self, order: &Order) -> Result<(Vec<u8>, u64), ServiceError> {
        let id = order.id.to_string();
        let size = self.engine.log_size(Log::Ledger);
        for index in (0..size).rev() {
            let leaves = self
                .engine
                .leaves(Log::Ledger, index, Limit::rows(1))
                .map_err(fault::engine)?;
            for leaf in leaves {
                if let Some(Entry {
                    event: Event::Intent(intent),
                    ..
                }) = Entry::read(&leaf.leaf)
                    && intent.destruction == id
                {
                    return Ok((leaf.leaf, index));
                }
            }
        }
        Err(ServiceError::Damaged(
            "the ledger has no intent of an order that was begun".to_owned(),
        ))
    }
}
