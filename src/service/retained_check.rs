//! Checking the separate store: every item whole, and every item that the live store knows of there.

use super::error::ServiceError;
use super::fault;
use super::repair::Findings;
use super::store::Store;
use crate::crypto::wrap::Recipient;
use crate::domain::id::UnitId;
use crate::domain::limit::Limit;
use crate::engine::{KeyRange, Space};
use crate::retained::item::Item;

impl Store {
    /// Part of `bongham fsck`. Items are named by their ids, which the ledger names as well.
    pub(super) fn check_items(&self, findings: &mut Findings) -> Result<(), ServiceError> {
        let items = match self.items.all() {
            Ok(items) => items,
            Err(error) => {
                findings
                    .violations
                    .push(format!("items kept apart: {error}"));
                return Ok(());
            }
        };
        let mut cut_short = 0_usize;
        for stored in &items {
            let item = &stored.item;
            if let Some(why) = self.flaw(item) {
                findings.violations.push(format!("item {}: {why}", item.id));
            }
            cut_short += usize::from(!self.is_entered(item.id)?);
        }
        let line = format!("items kept apart: {}", items.len());
        findings.lines.push(line);
        if cut_short > 0 {
            findings.lines.push(format!(
                "items that the ledger does not tell of, because a copy was cut short: {cut_short}"
            ));
        }
        self.check_marks(findings)
    }

    /// What is wrong with an item.
    fn flaw(&self, item: &Item) -> Option<String> {
        let apart = |recipient: &Recipient| matches!(recipient, Recipient::Retention { .. });
        if !item.wraps.iter().all(|wrap| apart(&wrap.recipient)) {
            return Some("it is wrapped to somebody who is no retention custodian".to_owned());
        }
        if item.wraps.is_empty() || item.parts.is_empty() {
            return Some("it is empty".to_owned());
        }
        self.items.units(item).err().map(|error| error.to_string())
    }

    /// An item that the live store knows of and that is not there was lost, unless its keys are
    /// destroyed.
    fn check_marks(&self, findings: &mut Findings) -> Result<(), ServiceError> {
        let mut range = KeyRange::default();
        loop {
            let page = self
                .engine
                .scan(Space::Retained, range.clone(), Limit::rows(256))
                .map_err(fault::engine)?;
            for (key, row) in page.rows {
                range = range.after(key.as_bytes());
                let (item, units) = self.read_mark(&key, &row)?;
                let live = |unit: &UnitId| self.keyring.shred_half(*unit).is_ok();
                if self.kept(item)?.is_none() && units.iter().any(live) {
                    findings.violations.push(format!(
                        "item {item}: the ledger tells of it and the separate store does not have it"
                    ));
                }
            }
            if !page.more {
                return Ok(());
            }
        }
    }
}
