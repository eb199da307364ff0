//! Budgets, not buttons: every verb that discloses asks here first.
//!
//! ```ignore
//! let mut batch = Batch::default();
//! let reserved = match self.afford(session, &Disclosure { way, purpose, cases, people, consent }, &mut batch) {
//!     Ok(reserved) => reserved,
//!     Err(over) => return self.over_budget(permit, over, Shown::default()),
//! };
//! let recorded = self.log.record_with(permit, shown, batch);   // or record_list
//! drop(reserved);                                              // the entry holds its own by now
//! ```
//!
//! The question comes after the decision of the policies, and only about what they let pass: who
//! may not open a case is refused as ever and learns nothing of it here. `batch` takes the alert
//! that the disclosure raises; its entry must be leaf 0 of that batch, so the alert is durable with
//! the disclosure or neither is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::audit::usage::{FAILED, Load, OVER_BUDGET, Reserved, Totals, WINDOW};
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Action;
use crate::config::budgets::Budgets;
use crate::crypto::table::{Table, TableError};
use crate::disclosure::alert::{Alert, AlertKind, Alerts, Way};
use crate::disclosure::budget::{Allowance, Over as Exceeded, Situation};
use crate::domain::id::{AccountId, AlertId, CaseId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::time::Timestamp;
use crate::engine::Batch;

/// How often one person's refused tries raise an alert of their own.
const REFUSALS_TOLD: Duration = Duration::from_secs(3600);

/// What is about to be disclosed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disclosure<'a> {
    /// How.
    pub(super) way: Way,
    /// For what.
    pub(super) purpose: Purpose,
    /// Exactly these cases.
    pub(super) cases: &'a [CaseId],
    /// Exactly these person units; of a list or a find none is counted.
    pub(super) people: &'a [UnitId],
    /// The second person who consented to exactly this list: what spending the approval gave.
    pub(super) consent: Option<AccountId>,
}

impl Disclosure<'_> {
    fn load(&self) -> Load<'_> {
        Load {
            cases: self.cases,
            people: match self.way {
                Way::View | Way::Export | Way::Print | Way::OpenRetained | Way::HandOver => {
                    self.people
                }
                Way::List | Way::Search => &[],
            },
            outputs: u32::from(self.way.leaves()),
        }
    }

    /// How many cases leave the house with it. What is kept apart names none, and its people say
    /// how many it is of.
    fn leaves(&self) -> Option<usize> {
        let several = match self.way {
            Way::HandOver => self.people.len(),
            _ => self.cases.len(),
        };
        self.way.leaves().then_some(several)
    }
}

/// Over the budget: what is told, and the alert of the refusal.
pub(super) struct Over {
    error: ServiceError,
    batch: Batch,
}

impl Over {
    /// Where a second person's consent would do: the alert of the refusal, for the batch of the
    /// request for one.
    pub(super) fn for_second(self) -> Result<Batch, Self> {
        match self.error {
            ServiceError::BudgetExceeded => Ok(self.batch),
            _ => Err(self),
        }
    }
}

impl From<ServiceError> for Over {
    fn from(error: ServiceError) -> Self {
        Self {
            error,
            batch: Batch::default(),
        }
    }
}

/// An alert that was raised.
struct Told {
    alert: AlertId,
    at: Timestamp,
    /// Whether it was seen to be there: what did not happen told nobody.
    durable: bool,
}

type ToldOf = HashMap<(AccountId, Purpose, AlertKind), Told>;

/// Budgets of an open store.
pub(super) struct Budget {
    pub(super) limits: Budgets,
    pub(super) alerts: Alerts,
    pub(super) table: Table,
    /// Raised budgets that may still hold.
    allowances: RwLock<Vec<Allowance>>,
    /// When a refusal of an account last raised an alert.
    refused: Mutex<HashMap<AccountId, Duration>>,
    /// The last alerts of the window.
    told: Mutex<ToldOf>,
}

impl Budget {
    /// With the allowances that stand in `table`, and the alerts of the window. `now` is the time
    /// that the counts run on ([`crate::audit::usage::Usage::now`]), here and below.
    pub(super) fn open(
        limits: Budgets,
        alerts: Alerts,
        table: Table,
        now: Timestamp,
    ) -> Result<Self, TableError> {
        let mut allowances: Vec<Allowance> = table.all()?;
        allowances.retain(|allowance| now < allowance.until);
        let window = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.as_millis().saturating_sub(window));
        let mut told = ToldOf::new();
        for alert in alerts.since(since)? {
            for kind in &alert.kinds {
                let of = (alert.account, alert.purpose, *kind);
                told.entry(of).or_insert(Told {
                    alert: alert.id,
                    at: alert.at,
                    durable: true,
                });
            }
        }
        Ok(Self {
            limits,
            alerts,
            table,
            allowances: RwLock::new(allowances),
            refused: Mutex::default(),
            told: Mutex::new(told),
        })
    }

    /// One more, once it is durable.
    pub(super) fn allow(&self, allowance: Allowance, now: Timestamp) {
        let mut all = self
            .allowances
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|allowance| now < allowance.until);
        all.push(allowance);
    }

    /// What second persons allow this account now.
    pub(super) fn allowed(&self, account: AccountId, now: Timestamp) -> Vec<Allowance> {
        let all = self
            .allowances
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let own = |allowance: &&Allowance| allowance.account == account && allowance.holds(now);
        all.iter().filter(own).cloned().collect()
    }

    fn raised(&self, account: AccountId, now: Timestamp) -> (u32, u32) {
        let all = self
            .allowances
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let own = |allowance: &&Allowance| allowance.account == account && allowance.holds(now);
        all.iter()
            .filter(own)
            .fold((0, 0), |(people, cases), more| {
                (
                    people.saturating_add(more.people),
                    cases.saturating_add(more.cases),
                )
            })
    }

    fn told(&self) -> MutexGuard<'_, ToldOf> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an alert of this kind was raised within the window. One that cannot be seen was not.
    fn is_told(&self, of: (AccountId, Purpose, AlertKind), now: Timestamp) -> bool {
        let mut all = self.told();
        let Some(told) = all.get_mut(&of) else {
            return false;
        };
        if told.at.plus(WINDOW) <= now {
            all.remove(&of);
            return false;
        }
        told.durable = told.durable || matches!(self.alerts.find(told.alert), Ok(Some(_)));
        told.durable
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<AccountId, Duration>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this refusal is told; the others until an hour later are not.
    fn tells_refusal(&self, account: AccountId, now: Duration) -> bool {
        let mut refused = self.refused();
        let last = refused.get(&account);
        let due = last.is_none_or(|last| now.saturating_sub(*last) >= REFUSALS_TOLD);
        if due {
            refused.insert(account, now);
        }
        due
    }
}

impl Store {
    /// Whether the office rests at this time.
    fn is_night(&self, now: Timestamp) -> bool {
        let limits = &self.budget.limits;
        limits.is_night(now.hour()) || self.home.inspection.is_day_off(now.date())
    }

    /// Holds this disclosure against the person's budget, reserves room for it, and puts the alert
    /// that it raises into `batch`, whose leaf 0 must be its entry. See the module.
    ///
    /// # Errors
    /// [`Over`], to be told by [`Store::over_budget`].
    pub(super) fn afford(
        &self,
        session: &Session,
        disclosure: &Disclosure<'_>,
        batch: &mut Batch,
    ) -> Result<Reserved, Over> {
        self.headroom.for_disclosure()?;
        let account = session.account();
        let now = self.log.usage().now();
        let told = |kind| {
            let of = (account, disclosure.purpose, kind);
            self.budget.is_told(of, now)
        };
        let judge = |before: Totals, after: Totals| {
            let situation = self.situation(session, disclosure, (before, after));
            let judged = situation.judge(told);
            judged
                .map(|kinds| (kinds, after))
                .map_err(|over| (over, before))
        };
        let load = disclosure.load();
        match self.log.usage().reserve(account, load, judge) {
            Ok(((kinds, after), reserved)) => {
                self.alert(batch, account, disclosure, kinds, after)?;
                Ok(reserved)
            }
            Err((over, before)) => Err(self.refusal(account, disclosure, over, before)),
        }
    }

    /// How many cases more this person may be shown by this way. It is asked before anything is
    /// looked for, so that the refusal says nothing of what there is to find.
    ///
    /// # Errors
    /// As [`Store::afford`], where there is room for none.
    pub(super) fn room(&self, session: &Session, way: Way, purpose: Purpose) -> Result<u32, Over> {
        let disclosure = Disclosure {
            way,
            purpose,
            cases: &[],
            people: &[],
            consent: None,
        };
        let before = self.log.usage().totals(session.account());
        let situation = self.situation(session, &disclosure, (before, before));
        let refusal = |over| self.refusal(session.account(), &disclosure, over, before);
        situation.room().map_err(refusal)
    }

    fn situation(
        &self,
        session: &Session,
        disclosure: &Disclosure<'_>,
        (before, after): (Totals, Totals),
    ) -> Situation {
        let limits = &self.budget.limits;
        let purpose = Some(disclosure.purpose);
        let night = self.is_night(self.clock.now());
        let raised = self
            .budget
            .raised(session.account(), self.log.usage().now());
        Situation {
            first: limits.first(purpose),
            second: limits.second(purpose),
            raised,
            before,
            after,
            leaves: disclosure.leaves(),
            stepped_up: session.stepped_up(self.clock.monotonic()),
            consented: disclosure.consent.is_some(),
            night,
            burst: if night {
                limits.night_people
            } else {
                limits.burst_people
            },
        }
    }

    fn refusal(
        &self,
        account: AccountId,
        disclosure: &Disclosure<'_>,
        over: Exceeded,
        before: Totals,
    ) -> Over {
        if over == Exceeded::First {
            return ServiceError::StepUpRequired.into();
        }
        let mut over = Over::from(ServiceError::BudgetExceeded);
        if self.budget.tells_refusal(account, self.clock.monotonic()) {
            let kinds = vec![AlertKind::Refused];
            let told = self.alert(&mut over.batch, account, disclosure, kinds, before);
            if let Err(error) = told {
                return error.into();
            }
        }
        over
    }

    fn alert(
        &self,
        batch: &mut Batch,
        account: AccountId,
        disclosure: &Disclosure<'_>,
        kinds: Vec<AlertKind>,
        totals: Totals,
    ) -> Result<(), ServiceError> {
        if kinds.is_empty() {
            return Ok(());
        }
        let Totals { people, cases, .. } = totals;
        let downloads = totals.outputs;
        let way = disclosure.way;
        tracing::warn!(
            ?kinds,
            ?way,
            people,
            cases,
            downloads,
            "more than usual is being opened: see the alerts"
        );
        let id = AlertId::random(self.random.as_ref()).map_err(fault::random)?;
        let at = self.log.usage().now();
        for kind in &kinds {
            let told = Told {
                alert: id,
                at,
                durable: false,
            };
            let of = (account, disclosure.purpose, *kind);
            self.budget.told().insert(of, told);
        }
        let alert = Alert {
            id,
            kinds,
            account,
            at: self.clock.now(),
            purpose: disclosure.purpose,
            way,
            people,
            cases,
            downloads,
            entry: None,
            acknowledged: None,
        };
        self.budget
            .alerts
            .put_new(batch, &alert)
            .map_err(fault::table)
    }

    /// A permitted disclosure that is over the budget: an entry, its alert, and the reason as the
    /// answer. `touched` is what was opened on the way to that judgement: nothing of it was shown
    /// nor counts, and the entry names it.
    pub(super) fn over_budget<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        over: Over,
        touched: Shown,
    ) -> Answer<T> {
        let Over { error, batch } = over;
        let over_budget = matches!(
            error,
            ServiceError::StepUpRequired | ServiceError::BudgetExceeded
        );
        let shown = Shown {
            query: Some(if over_budget { OVER_BUDGET } else { FAILED }),
            ..touched
        };
        Ok(self
            .log
            .record_with(permit, shown, batch)
            .map(move |recorded| Err(recorded.map_or_else(fault::log, |_| error))))
    }
}

#[cfg(test)]
mod tests;
