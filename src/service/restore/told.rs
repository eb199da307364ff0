//! What a restore says of itself: to both logs, and to whoever ran it.

use super::super::error::ServiceError;
use super::super::fault;
use super::super::store::Store;
use super::replay::{Past, Swept};
use crate::audit::{Event as LogEvent, Outcome};
use crate::authn::session::Origin;
use crate::destruction::copies::{Logs, Restored};
use crate::destruction::ledger::{Entry, Event};
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::engine::Batch;
use crate::keyring::{Floor, Restoring};

/// Cases that do not open any more and are named one by one.
const LOST_NAMED: usize = 20;

/// What ledger, log and operator are told.
pub(super) struct Told {
    pub(super) begun: Restoring,
    pub(super) from: Floor,
    pub(super) vouched: Floor,
    pub(super) headers_only: u64,
    pub(super) held: u64,
    pub(super) orders: u64,
    pub(super) approvals: u64,
    pub(super) outputs: u64,
}

impl Told {
    pub(super) fn lines(&self, past: &Past, swept: &Swept) -> Vec<String> {
        let lost = self
            .vouched
            .access_size
            .saturating_sub(self.from.access_size);
        let mut lines = vec![
            format!(
                "access log: goes on from {} entries; at least {lost} later ones are lost",
                self.from.access_size
            ),
            format!(
                "ledger: goes on from {} entries; {} units it names as destroyed and {} whose keys \
                 ended otherwise refuse to open",
                self.from.ledger_size,
                past.dead.len(),
                past.ended.len()
            ),
            format!(
                "cases: {} looked at, {} with something destroyed since, {} that do not open any \
                 more because their keys were replaced since",
                swept.cases,
                swept.dropped,
                swept.lost.len()
            ),
            format!(
                "accounts: {} shut out because their rights or passwords changed since",
                self.held
            ),
        ];
        if self.headers_only > 0 {
            lines.push(format!(
                "access log: {} entries came from the bundle, without their sealed bodies",
                self.headers_only
            ));
        }
        if self.orders + self.approvals > 0 {
            lines.push(format!(
                "{} destruction orders and {} approvals that waited are void: ask for them anew",
                self.orders, self.approvals
            ));
        }
        if self.outputs > 0 {
            lines.push(format!(
                "outputs: {} exports and prints that nobody had fetched then may be out since: close \
                 them when no copy is left",
                self.outputs
            ));
        }
        if self.begun.capsule.is_some() {
            lines.push(format!(
                "keyring: {} slots that no row names were destroyed",
                swept.unnamed
            ));
        }
        let named = swept.lost.iter().take(LOST_NAMED);
        lines.extend(named.map(|case| format!("does not open any more: case {case}")));
        if swept.bound > 0 {
            lines.push(format!(
                "cases: {} locked or held again, as the ledger tells",
                swept.bound
            ));
        }
        if self.begun.backup.is_some() {
            lines.push(
                "requests of after the backup are gone: take them in anew; until they are \
                 answered their cases stay locked, and nothing that was held is destroyed"
                    .to_owned(),
            );
        }
        lines
    }
}

impl Store {
    /// The restore, in both logs at once.
    pub(super) fn enter_restore(
        &self,
        told: &Told,
        past: &Past,
        swept: &Swept,
    ) -> Result<(), ServiceError> {
        let event = Event::Restored(Restored {
            backup: told.begun.backup.map(|id| id.to_string()),
            capsule: told.begun.capsule.map(|id| id.to_string()),
            from: Logs::from(told.from),
            vouched: Logs::from(told.vouched),
            headers_only: told.headers_only,
            destroyed: past.dead.len() as u64,
            lost_cases: swept.lost.len() as u64,
            held_back: told.held,
        });
        let mut batch = Batch::default();
        Entry::now(self.clock.now(), event)
            .append(&mut batch)
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        // The next restore may have another keyring: what this one knows goes into the ledger.
        self.end_keys(&mut batch, &[], past.untold(&self.keyring))?;
        let entry = LogEvent {
            task: Task::Restore,
            outcome: Outcome::Done,
            actor: None,
            roles: Roles::default(),
            origin: Origin {
                address: None,
                device: "console".to_owned(),
            },
            purpose: None,
            reason: told.begun.backup.map(|id| format!("backup {id}")),
        };
        let entered = self.log.event(entry, batch).wait();
        entered.map(|_| ()).map_err(fault::log)
    }
}
