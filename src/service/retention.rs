//! Retention rules and the sweep (보존기간): it proposes, and never destroys by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::Shown as Logged;
use crate::authn::session::Session;
use crate::authz::action::ManageRetention;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::cases::head::Head;
use crate::cases::view::CaseState;
use crate::destruction::request::{Cause, Facts, Request, Stored};
use crate::destruction::retention::{self, Finding, Rule, Rules, YEARS_MAX};
use crate::destruction::term;
use crate::destruction::view::{ExpiredView, RuleView, RulesView, SkippedView, SweepView};
use crate::domain::id::{AccountId, CaseId, RequestId};
use crate::domain::limit::Limit;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};

/// Heads that are read at a time.
const PAGE: Limit = Limit::rows(256);
/// Cases that one sweep proposes or passes over at the most.
const SWEEP: usize = 500;
/// Rules that an office can set.
const RULES_MAX: usize = 1000;

/// What a sweep found.
#[derive(Default)]
struct Found {
    expired: Vec<(Head, Timestamp, Rule)>,
    skipped: Vec<SkippedView>,
    units: u64,
    more: bool,
}

impl Store {
    /// `GET /retention/rules`.
    pub fn retention_rules(&self, session: &Session) -> Answer<RulesView> {
        let permit = self.permit_office::<ManageRetention>(session, Target::Office)?;
        let rules = self.records.rules().map_err(fault::records)?.row;
        self.record_office(permit, "rules", rules_view(&rules))
    }

    /// `PUT /retention/rules`: these and no others, from the next sweep on.
    pub fn set_retention_rules(&self, session: &Session, asked: RulesView) -> Answer<RulesView> {
        let permit = self.permit_office::<ManageRetention>(session, Target::Office)?;
        let rules = match parse_rules(asked) {
            Ok(rules) => rules,
            Err(error) => return self.fail(permit, error.into()),
        };
        let before = self.records.rules().map_err(fault::records)?;
        let mut batch = Batch::default();
        self.records
            .put_changed(&mut batch, &before, &rules)
            .map_err(fault::records)?;
        self.commit_people(permit, batch, "rules", Vec::new())?;
        Ok(Pending::ready(Ok(rules_view(&rules))))
    }

    /// `POST /retention/sweeps`: looks at every case, proposes those whose period has run out,
    /// and says which it passed over and why. Ordinary cases are proposed together, a sensitive
    /// one alone, so that its holders see no other. Takes as long as reading every head.
    ///
    /// # Errors
    /// [`ServiceError::ClockDisagrees`] while the wall clock is far ahead of what is known.
    pub fn sweep(&self, session: &Session, confirm_clock: bool) -> Answer<SweepView> {
        let permit = self.permit_office::<ManageRetention>(session, Target::Office)?;
        let mut batch = Batch::default();
        let permit = self.agree_on_time(session, permit, confirm_clock, &mut batch)?;
        let now = self.clock.now();
        let found = self.expired(now)?;
        let cap = self.terms.daily_cap(found.units);
        let (requests, proposed) = self.propose(session.account(), &found.expired, cap, now)?;
        for request in &requests {
            self.records
                .put_new(&mut batch, request)
                .map_err(fault::records)?;
        }
        let logged = Logged {
            cases: found.expired.iter().map(|(head, ..)| head.case).collect(),
            query: Some("sweep"),
            ..Logged::default()
        };
        let view = SweepView {
            proposed,
            skipped: found.skipped,
            more: found.more,
        };
        Ok(self
            .log
            .record_with(permit, logged, batch)
            .map(|recorded| recorded.map(|_| view).map_err(fault::log)))
    }

    fn expired(&self, now: Timestamp) -> Result<Found, ServiceError> {
        let rules = self.records.rules().map_err(fault::records)?.row;
        let open = self.proposed()?;
        let mut found = Found::default();
        let mut after = None;
        loop {
            let (heads, next) = self
                .cases
                .heads(after.as_ref(), PAGE)
                .map_err(fault::cases)?;
            for stored in heads {
                self.weigh(&rules, &open, stored.head, now, &mut found);
            }
            after = next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    fn weigh(
        &self,
        rules: &Rules,
        open: &BTreeSet<CaseId>,
        head: Head,
        now: Timestamp,
        found: &mut Found,
    ) {
        found.units = found.units.saturating_add(head.units.len() as u64);
        if head.state == CaseState::Destroyed || head.units.is_empty() {
            return;
        }
        let facts = facts_of(&head, open.contains(&head.case));
        let full = found.expired.len() + found.skipped.len() >= SWEEP;
        match retention::judge(rules, &facts, now, self.terms.quiet) {
            Finding::Kept => {}
            _ if full => found.more = true,
            Finding::Skipped(reason) => found.skipped.push(SkippedView {
                case: head.case.to_string(),
                reason,
            }),
            Finding::Expired(since, rule) => found.expired.push((head, since, rule)),
        }
    }

    /// Whether a case that was proposed would still be, were it not proposed already.
    pub(super) fn still_expired(&self, head: &Head, now: Timestamp) -> Result<bool, ServiceError> {
        let rules = self.records.rules().map_err(fault::records)?.row;
        let found = retention::judge(&rules, &facts_of(head, false), now, self.terms.quiet);
        Ok(matches!(found, Finding::Expired(..)))
    }

    /// Cases that an open proposal names.
    fn proposed(&self) -> Result<BTreeSet<CaseId>, ServiceError> {
        let requests = self.records.requests().map_err(fault::records)?;
        let open = requests.into_iter().filter(|request| {
            let proposal = matches!(request.facts().cause, Cause::Retention { .. });
            let over = request.state().ended() || request.refusal().is_some();
            proposal && !over
        });
        Ok(open
            .flat_map(|request| request.facts().cases.clone())
            .collect())
    }

    /// The requests that propose these cases.
    fn propose(
        &self,
        by: AccountId,
        expired: &[(Head, Timestamp, Rule)],
        daily_cap: u64,
        now: Timestamp,
    ) -> Result<(Vec<Stored>, Vec<ExpiredView>), ServiceError> {
        // What stands together: ordinary cases by whether an appraisal must be named.
        let mut groups: BTreeMap<(bool, Option<CaseId>), Vec<(CaseId, Timestamp)>> =
            BTreeMap::new();
        for (head, since, rule) in expired {
            let alone = (head.tier != Tier::Ordinary).then_some(head.case);
            let group = groups.entry((rule.appraisal, alone)).or_default();
            group.push((head.case, *since));
        }
        let (mut requests, mut views) = (Vec::new(), Vec::new());
        for ((appraisal, _), cases) in groups {
            let id = RequestId::random(self.random.as_ref()).map_err(fault::random)?;
            let facts = Facts {
                id,
                cause: Cause::Retention {
                    appraisal,
                    daily_cap,
                },
                cases: cases.iter().map(|(case, _)| *case).collect(),
                taken_by: by,
                received_at: now,
                due: term::expiry_due(now),
            };
            requests.extend(Request::of_retention(facts).map(Stored::Identified));
            views.extend(cases.iter().map(|(case, since)| ExpiredView {
                case: case.to_string(),
                expired_at: since.rfc3339(),
                request: id.to_string(),
            }));
        }
        Ok((requests, views))
    }
}

fn facts_of(head: &Head, proposed: bool) -> retention::Facts<'_> {
    retention::Facts {
        class: &head.class,
        closed_at: head.closed_at,
        changed_at: head.amended_at.unwrap_or(head.registered_at),
        held: !head.holds.is_empty(),
        locked: !head.locks.is_empty(),
        proposed,
    }
}

fn rules_view(rules: &Rules) -> RulesView {
    let view = |class: Option<String>, rule: &Rule| RuleView {
        class,
        years: rule.years,
        appraisal: rule.appraisal,
    };
    let default = rules.default.iter().map(|rule| view(None, rule));
    let classes = rules.classes.iter();
    let classes = classes.map(|(class, rule)| view(Some(class.clone()), rule));
    RulesView {
        rules: default.chain(classes).collect(),
    }
}

fn parse_rules(asked: RulesView) -> Result<Rules, Invalid> {
    if asked.rules.len() > RULES_MAX {
        return Err(Invalid::new("rules", "are too many"));
    }
    let mut rules = Rules::default();
    for (index, view) in asked.rules.into_iter().enumerate() {
        let field = |name: &str| format!("rules.{index}.{name}");
        let RuleView {
            class,
            years,
            appraisal,
        } = view;
        if years.is_some_and(|years| !(1..=YEARS_MAX).contains(&years)) {
            return Err(Invalid::new(field("years"), "must be 1 to 100, or null"));
        }
        let rule = Rule { years, appraisal };
        let twice = match class {
            None => rules.default.replace(rule).is_some(),
            Some(class) => {
                if class.trim().is_empty() || class.len() > 64 {
                    return Err(Invalid::new(field("class"), "has 1 to 64 bytes"));
                }
                rules.classes.insert(class, rule).is_some()
            }
        };
        if twice {
            return Err(Invalid::new(field("class"), "stands twice"));
        }
    }
    Ok(rules)
}
