//! One's own budget: how much of it is used, and asking for more, which a second person decides.

use super::error::ServiceError;
use super::fault;
use super::step_up::needed;
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::audit::note::Note;
use crate::audit::usage::WINDOW;
use crate::authn::session::Session;
use crate::authz::action::RaiseBudget;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::config::budgets::Threshold;
use crate::disclosure::budget::Allowance;
use crate::domain::id::{AccountId, AllowanceId, ApprovalId};
use crate::domain::purpose::Purpose;
use crate::engine::Batch;
use crate::people::approval::{Approval, Asked};

/// Most people or cases that one request asks for.
const MORE_MAX: u32 = 100_000;

/// How much of one measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct MeasureView {
    /// Used in the last 24 hours.
    pub used: u32,
    /// Above this the password is asked for again.
    pub first: u32,
    /// Above this a second person has to consent; with what they allowed already.
    pub second: u32,
}

/// The thresholds of one purpose.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct BudgetView {
    /// Distinct people.
    pub people: MeasureView,
    /// Distinct cases.
    pub cases: MeasureView,
    /// Exports and prints.
    pub downloads: MeasureView,
    /// Purposes with thresholds of their own.
    pub purposes: Vec<PurposeView>,
    /// Until when more was allowed, and by whom.
    pub allowances: Vec<AllowanceView>,
    /// Whether this session gave its password again a moment ago.
    pub stepped_up: bool,
}

/// First thresholds of one purpose.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct PurposeView {
    /// Purpose code.
    #[schema(value_type = String)]
    pub purpose: Purpose,
    /// Distinct people.
    pub people: u32,
    /// Distinct cases.
    pub cases: u32,
    /// Exports and prints.
    pub downloads: u32,
}

/// What a second person allowed.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct AllowanceView {
    /// So many people more.
    pub people: u32,
    /// So many cases more.
    pub cases: u32,
    /// Until when, RFC 3339.
    pub until: String,
    /// Login name of who allowed it.
    pub by: String,
}

impl Store {
    /// `GET /budget`: one's own; no case.
    pub fn budget_view(&self, session: &Session) -> Answer<BudgetView> {
        self.office::<RaiseBudget, _>(session, Target::Office, |permit| {
            let view = self.own_budget(session);
            self.record_office(permit, "budget", view)
        })
    }

    fn own_budget(&self, session: &Session) -> BudgetView {
        let limits = &self.budget.limits;
        let used = self.log.usage().totals(session.account());
        let (first, second) = (limits.first(None), limits.second(None));
        let allowed = self
            .budget
            .allowed(session.account(), self.log.usage().now());
        let more = |of: fn(&Allowance) -> u32| {
            let all = allowed.iter().map(of);
            all.fold(0, u32::saturating_add)
        };
        let measure = |used, of: fn(Threshold) -> u32, more: u32| MeasureView {
            used,
            first: of(first),
            second: of(second).saturating_add(more),
        };
        let purposes = limits.purpose.keys().map(|purpose| {
            let own = limits.first(Some(*purpose));
            PurposeView {
                purpose: *purpose,
                people: own.people,
                cases: own.cases,
                downloads: own.downloads,
            }
        });
        BudgetView {
            people: measure(used.people, |t| t.people, more(|a| a.people)),
            cases: measure(used.cases, |t| t.cases, more(|a| a.cases)),
            downloads: measure(used.outputs, |t| t.downloads, 0),
            purposes: purposes.collect(),
            allowances: allowed
                .iter()
                .map(|allowance| AllowanceView {
                    people: allowance.people,
                    cases: allowance.cases,
                    until: allowance.until.rfc3339(),
                    by: self.directory.login(allowance.by),
                })
                .collect(),
            stepped_up: session.stepped_up(self.clock.monotonic()),
        }
    }

    /// `POST /budget`: asks a second person for so many people and cases more, for a day. Gives the
    /// approval's id.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for nothing, for more than anybody allows, and without a reason.
    pub fn raise_budget(
        &self,
        session: &Session,
        people: u32,
        cases: u32,
        reason: String,
    ) -> Answer<ApprovalId> {
        self.office::<RaiseBudget, _>(session, Target::Office, |permit| {
            let mut batch = Batch::default();
            let asked = more_needed(people, cases, &reason).and_then(|()| {
                let asked = Asked::RaiseBudget {
                    people,
                    cases,
                    reason: reason.clone(),
                };
                self.ask(&mut batch, asked, session.account())
            });
            self.or_fail(permit, asked, |permit, requested| {
                let approval = requested.approval;
                let shown = Shown {
                    query: Some("raise"),
                    reason: Some(reason),
                    notes: vec![Note::Asked(requested)],
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch);
                Ok(recorded.map(move |recorded| recorded.map_err(fault::log).map(|_| approval)))
            })
        })
    }

    /// Carries out what a second person approved: the raised budget, for a day from now.
    pub(super) fn raise(
        &self,
        batch: &mut Batch,
        approval: &Approval,
        by: AccountId,
        (people, cases): (u32, u32),
    ) -> Result<Allowance, ServiceError> {
        // The clock that the counts run on: set back, it would make the allowance live longer.
        let now = self.log.usage().now();
        let allowance = Allowance {
            id: AllowanceId::random(self.random.as_ref()).map_err(fault::random)?,
            account: approval.requester,
            people,
            cases,
            from: now,
            until: now.plus(WINDOW),
            by,
            approval: approval.id,
        };
        self.budget
            .table
            .put_new(batch, &allowance)
            .map_err(fault::table)?;
        Ok(allowance)
    }
}

fn more_needed(people: u32, cases: u32, reason: &str) -> Result<(), ServiceError> {
    if people == 0 && cases == 0 {
        return Err(Invalid::new("people", "or cases must be more than none").into());
    }
    if people > MORE_MAX || cases > MORE_MAX {
        return Err(Invalid::new("people", "and cases are at most 100,000 each").into());
    }
    needed(reason)
}
