//! From an act to the leaf, the sealed body and the index rows of its entry. Holds no lock while
//! it seals: every thread of the pool seals its own.

use std::sync::Arc;

use ring::hmac;

use crate::authn::session::Origin;
use crate::authz::Basis;
use crate::crypto::envelope;
use crate::domain::id::{AccountId, CaseId, EntryId};
use crate::domain::purpose::Purpose;
use crate::domain::random::Random;
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Append, Batch, Late, Log, Mark, Space};

use super::body::{self, Parts};
use super::chance::Blocks;
use super::entry::{Counts, Decision, Header, STAMP_AT, hash_body};
use super::epoch::Epochs;
use super::usage::{Load, NOT_SHOWN};
use super::{Event, LogError, Outcome, Shown};

/// One thing to be entered.
pub(super) struct Act<'a> {
    task: Task,
    decision: Decision,
    outcome: Outcome,
    actor: Option<AccountId>,
    roles: Roles,
    purpose: Option<Purpose>,
    policies: Arc<[String]>,
    policy_set: [u8; 32],
    origin: &'a Origin,
    counts: Counts,
    shown: Shown,
}

impl<'a> Act<'a> {
    /// What a permit allowed, and what was shown for it; where it came to nothing ([`NOT_SHOWN`]),
    /// what it touched is named and nothing counts.
    pub(super) fn allowed(task: Task, basis: &'a Basis, mut shown: Shown) -> Self {
        shown.cases.extend(basis.case);
        shown.cases.sort_unstable();
        shown.cases.dedup();
        shown.people.sort_unstable();
        shown.people.dedup();
        // The policies did allow it; what came to nothing is no deed all the same.
        if is_not_shown(&shown) {
            let refused = (Decision::Allow, Outcome::Refused);
            return Self::decided(task, basis, shown, Counts::default(), refused);
        }
        let counts = Counts {
            cases: count(shown.cases.len()),
            people: count(shown.people.len()),
            bytes: shown.bytes,
        };
        Self::decided(task, basis, shown, counts, (Decision::Allow, Outcome::Done))
    }

    /// What was refused: the case asked for is named, and nothing counts as shown.
    pub(super) fn denied(task: Task, basis: &'a Basis) -> Self {
        let shown = Shown {
            cases: basis.case.into_iter().collect(),
            ..Shown::default()
        };
        let refused = (Decision::Deny, Outcome::Refused);
        Self::decided(task, basis, shown, Counts::default(), refused)
    }

    /// Whom this shows how much; `None` where nothing that counts is shown.
    pub(super) fn load(&self) -> Option<(AccountId, Load<'_>)> {
        let shown = &self.shown;
        if self.decision != Decision::Allow || self.outcome != Outcome::Done {
            return None;
        }
        let load = Load::of(self.task, shown.query, &shown.cases, &shown.people)?;
        Some((self.actor?, load))
    }

    fn decided(
        task: Task,
        basis: &'a Basis,
        shown: Shown,
        counts: Counts,
        (decision, outcome): (Decision, Outcome),
    ) -> Self {
        Self {
            task,
            decision,
            outcome,
            actor: Some(basis.actor),
            roles: basis.roles,
            purpose: basis.purpose,
            policies: basis.policies.clone(),
            policy_set: basis.policy_set,
            origin: &basis.origin,
            counts,
            shown,
        }
    }

    /// What happened without a permit.
    pub(super) fn happened(event: &'a mut Event) -> Self {
        Self::happened_to(event, Shown::default())
    }

    /// The same, to these cases and people.
    pub(super) fn happened_to(event: &'a mut Event, shown: Shown) -> Self {
        let shown = Shown {
            reason: event.reason.take(),
            ..shown
        };
        let counts = Counts {
            cases: count(shown.cases.len()),
            people: count(shown.people.len()),
            bytes: shown.bytes,
        };
        Self {
            task: event.task,
            decision: Decision::None,
            outcome: event.outcome,
            actor: event.actor,
            roles: event.roles,
            purpose: event.purpose,
            policies: Arc::default(),
            policy_set: [0; 32],
            origin: &event.origin,
            counts,
            shown,
        }
    }
}

fn is_not_shown(shown: &Shown) -> bool {
    shown.query.is_some_and(|query| NOT_SHOWN.contains(&query))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Seals acts into entries.
pub(super) struct Sealer {
    pub(super) epochs: Epochs,
    random: Blocks,
    index: hmac::Key,
    boot: [u8; 16],
}

impl Sealer {
    pub(super) fn new(epochs: Epochs, random: Blocks, index: hmac::Key, boot: [u8; 16]) -> Self {
        Self {
            epochs,
            random,
            index,
            boot,
        }
    }

    /// `HMAC(K_logidx, id)[..16]`: where the index rows of a case or an actor begin.
    pub(super) fn index_prefix(&self, id: &[u8; 16]) -> Vec<u8> {
        let tag = hmac::sign(&self.index, id);
        let mut prefix = Vec::with_capacity(24);
        prefix.extend(tag.as_ref().iter().take(16));
        prefix
    }

    /// Puts the entry of `act` into `batch` as the leaf after those in it, with its index rows.
    pub(super) fn enter(&self, act: Act<'_>, batch: &mut Batch) -> Result<(), LogError> {
        let random: &dyn Random = &self.random;
        let id = EntryId::random(random).map_err(LogError::unavailable)?;
        let epoch = self.epochs.current()?;
        let parts = Parts {
            origin: act.origin,
            cases: &act.shown.cases,
            units: &act.shown.units,
            people: &act.shown.people,
            reason: act.shown.reason.as_deref(),
            query: act.shown.query,
            notes: &act.shown.notes,
        };
        let plain = parts.encode().map_err(LogError::unavailable)?;
        let place = body::place(epoch.unit, id);
        let body = envelope::seal(&epoch.key, &place, plain.expose(), random)
            .map_err(LogError::unavailable)?;
        let header = Header {
            id,
            time: Timestamp::from_millis(0),
            clock_back: false,
            boot: self.boot,
            actor: act.actor,
            roles: act.roles,
            task: act.task,
            purpose: act.purpose,
            decision: act.decision,
            policies: act.policies,
            policy_set: act.policy_set,
            counts: act.counts,
            outcome: act.outcome,
            epoch: Some(epoch.unit),
            body_hash: hash_body(&body),
        };
        self.index(act.actor, &act.shown.cases, batch);
        batch.append.push(Append {
            log: Log::Access,
            leaf: header.encode().map_err(LogError::unavailable)?,
            stamp_at: Some(STAMP_AT),
            body,
        });
        Ok(())
    }

    fn index(&self, actor: Option<AccountId>, cases: &[CaseId], batch: &mut Batch) {
        let leaf = Mark::Leaf(batch.append.len());
        let row = |space, id| Late {
            space,
            key: self.index_prefix(id),
            value: Vec::new(),
            key_marks: vec![leaf],
            value_marks: Vec::new(),
        };
        let cases = cases
            .iter()
            .map(|case| row(Space::LogByCase, case.as_bytes()));
        batch.late.extend(cases);
        let actor = actor.as_ref().map(AccountId::as_bytes);
        batch
            .late
            .extend(actor.map(|id| row(Space::LogByActor, id)));
    }
}
