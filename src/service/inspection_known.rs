//! What only the store knows of what an inspection finds: tiers and accounts as they were, copies that
//! are out, serial numbers, alerts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::error::ServiceError;
use super::fault;
use super::inspection::DAY_MS;
use super::store::Store;
use crate::audit::LogError;
use crate::audit::own::HandedOn;
use crate::authz::Permit;
use crate::authz::action::Inspect;
use crate::disclosure::output::Output;
use crate::domain::id::{AccountId, CaseId, InspectionId};
use crate::domain::limit::Limit;
use crate::domain::serial::Serial;
use crate::domain::task::Task;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::inspection::gather::{Known, account_end};
use crate::inspection::hits::Hits;
use crate::inspection::pack::Copies;
use crate::inspection::rule::Rule;
use crate::people::view::AccountState;

/// Cases of which tiers and holders are remembered during one pass.
const CASES_MAX: usize = 100_000;

/// Why, about whom, and what stands behind it.
pub(super) type Found = (Rule, Option<AccountId>, Hits);

/// The tier of a case: today's, and where in the log it changed.
#[derive(Clone, Default)]
struct Tiers {
    sensitive: bool,
    changed: Vec<u64>,
}

impl Tiers {
    /// Whether it was sensitive at this entry: each change behind it turned one into the other.
    fn sensitive_at(&self, index: u64) -> bool {
        let since = self.changed.iter().filter(|change| **change > index);
        self.sensitive ^ (since.count() % 2 == 1)
    }
}

/// What a pass asks the store.
pub(super) struct Lookup<'a> {
    store: &'a Store,
    permit: &'a Permit<Inspect>,
    end: Timestamp,
    tiers: HashMap<CaseId, Tiers>,
    handed_on: HashMap<CaseId, Vec<HandedOn>>,
    shut_since: Option<HashSet<AccountId>>,
}

impl<'a> Lookup<'a> {
    /// For a pass that ends before `end`.
    pub(super) fn new(store: &'a Store, permit: &'a Permit<Inspect>, end: Timestamp) -> Self {
        Self {
            store,
            permit,
            end,
            tiers: HashMap::new(),
            handed_on: HashMap::new(),
            shut_since: None,
        }
    }

    fn tiers(&self, case: CaseId) -> Result<Tiers, LogError> {
        let head = self.store.cases.head(case);
        let head = head.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let Some(head) = head else {
            return Ok(Tiers::default());
        };
        Ok(Tiers {
            sensitive: head.head.tier == Tier::Sensitive,
            changed: self.store.log.reclassified(case)?,
        })
    }

    /// Accounts that were shut or let in again only after the time that is inspected.
    fn changed_since(&self) -> Result<HashSet<AccountId>, LogError> {
        let mut changed = HashSet::new();
        let span = (self.end, Timestamp::from_millis(i64::MAX));
        let wants = |header: &crate::audit::entry::Header| header.task == Task::ManageAccount;
        self.store
            .log
            .pass(self.permit, span, wants, |_, header, body| {
                if let crate::audit::pass::Sealed::Open(body) = body {
                    changed.extend(account_end(header, Some(body)).map(|(account, _)| account));
                }
                Ok(())
            })?;
        Ok(changed)
    }
}

impl Known for Lookup<'_> {
    type Error = LogError;

    fn sensitive(&mut self, case: CaseId, index: u64) -> Result<bool, LogError> {
        if let Some(known) = self.tiers.get(&case) {
            return Ok(known.sensitive_at(index));
        }
        let tiers = self.tiers(case)?;
        let sensitive = tiers.sensitive_at(index);
        if self.tiers.len() < CASES_MAX {
            self.tiers.insert(case, tiers);
        }
        Ok(sensitive)
    }

    fn taken_off(
        &mut self,
        case: CaseId,
        account: AccountId,
        index: u64,
    ) -> Result<bool, LogError> {
        // Who gives a case away was not taken off it.
        let off = |handed: &[HandedOn]| {
            let before = handed.iter().rev().filter(|one| one.index < index);
            let last = before.filter_map(|one| Some((one.handed.holds(account)?, one.actor)));
            last.map(|(holds, by)| !holds && by != Some(account)).next() == Some(true)
        };
        if let Some(known) = self.handed_on.get(&case) {
            return Ok(off(known));
        }
        let handed = self.store.log.handed_on(case)?;
        let answer = off(&handed);
        if self.handed_on.len() < CASES_MAX {
            self.handed_on.insert(case, handed);
        }
        Ok(answer)
    }

    fn shut(&mut self, account: AccountId) -> Result<bool, LogError> {
        let known = self.store.directory.account(account);
        if !known.is_some_and(|account| account.state == AccountState::Disabled) {
            return Ok(false);
        }
        if self.shut_since.is_none() {
            self.shut_since = Some(self.changed_since()?);
        }
        let since = self.shut_since.as_ref();
        Ok(since.is_some_and(|since| !since.contains(&account)))
    }
}

/// Serial numbers by the entry at which an output began.
pub(super) type Serials = HashMap<u64, Serial>;

impl Store {
    /// Copies that are out of the outputs before the entry `end`: how many, and those whose date of
    /// destruction had passed at this moment, by who answers for them and by who took them out: the
    /// one may never have been asked, and the other has them. And the serial number of every output.
    pub(super) fn copies_out(
        &self,
        inspection: InspectionId,
        at: Timestamp,
        end: u64,
    ) -> Result<(Vec<Found>, Copies, Serials), ServiceError> {
        let mut late: BTreeMap<AccountId, Hits> = BTreeMap::new();
        let mut copies = Copies {
            inspection,
            out: 0,
            overdue: 0,
        };
        let mut serials = Serials::new();
        let mut before = u64::MAX;
        loop {
            let every = |_: &Output| true;
            let page = self.outputs.newest(before, Limit::rows(256), every);
            let (rows, next) = page.map_err(fault::table)?;
            for stored in rows {
                let output = stored.row;
                if let Some(entry) = output.entry {
                    serials.insert(entry, output.serial);
                }
                let known = output.entry.is_some_and(|entry| entry < end);
                if !output.state.is_out() || !known {
                    continue;
                }
                copies.out = copies.out.saturating_add(1);
                if output.destroy_by >= at {
                    continue;
                }
                copies.overdue = copies.overdue.saturating_add(1);
                let over = at.as_millis().saturating_sub(output.destroy_by.as_millis()) / DAY_MS;
                let index = output.entry.unwrap_or_default();
                let mut hit = Hits::one(index, output.destroy_by);
                hit.extent.most = u32::try_from(over).unwrap_or(u32::MAX);
                for person in BTreeSet::from([output.responsible, output.by]) {
                    match late.get_mut(&person) {
                        Some(known) => known.add(&hit),
                        None => drop(late.insert(person, hit.clone())),
                    }
                }
            }
            let Some(next) = next else { break };
            before = next;
        }
        let found = late.into_iter();
        let found = found.map(|(id, hits)| (Rule::CopyOut, Some(id), hits));
        Ok((found.collect(), copies, serials))
    }

    /// Alerts of this time that nobody took note of: the office's own, so about nobody.
    pub(super) fn open_alerts(
        &self,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Option<Found>, ServiceError> {
        let open = |alert: &crate::disclosure::alert::Alert| {
            alert.acknowledged.is_none() && alert.at >= from && alert.at < to
        };
        let mut before = u64::MAX;
        let mut hits: Option<Hits> = None;
        loop {
            let page = self.budget.alerts.newest(before, Limit::rows(256), open);
            let (rows, next) = page.map_err(fault::table)?;
            for alert in rows {
                let hit = Hits::one(alert.entry.unwrap_or_default(), alert.at);
                match &mut hits {
                    Some(known) => known.add(&hit),
                    None => hits = Some(hit),
                }
            }
            let Some(next) = next else { break };
            before = next;
        }
        Ok(hits.map(|hits| (Rule::OpenAlert, None, hits)))
    }
}
