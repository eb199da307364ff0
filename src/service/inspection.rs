//! The inspection of the access log (접속기록 점검): made by one pass over a month, kept, shown.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::{LogError, Shown};
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Inspect, ReadInspection};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::disclosure::paper::{self, Marks};
use crate::domain::id::{AccountId, CaseId, InspectionId};
use crate::domain::limit::Limit;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, pending};
use crate::inspection::gather::{Gathered, Gatherer, Hits, Known, needs_body};
use crate::inspection::month::Month;
use crate::inspection::pack::{Copies, Finding, FindingState, PEOPLE_MAX, Pack, Whole};
use crate::inspection::rule::Rule;
use crate::inspection::sheet::{Sheet, hex};
use crate::inspection::view::{
    InspectionDraft, InspectionList, InspectionRow, InspectionView, SignedView,
};
use crate::inspection::{report, report_paper};
use crate::people::view::AccountState;

const DAY_MS: i64 = 24 * 3_600_000;
/// Cases whose tier is remembered during one pass.
const TIERS_MAX: usize = 100_000;

/// Why, about whom, and what stands behind it.
type Found = (Rule, Option<AccountId>, Hits);

/// What a pass asks the store.
struct Lookup<'a> {
    store: &'a Store,
    tiers: HashMap<CaseId, bool>,
}

impl Known for Lookup<'_> {
    type Error = LogError;

    fn sensitive(&mut self, case: CaseId) -> Result<bool, LogError> {
        if let Some(known) = self.tiers.get(&case) {
            return Ok(*known);
        }
        let head = self.store.cases.head(case);
        let head = head.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let sensitive = head.is_some_and(|stored| stored.head.tier == Tier::Sensitive);
        if self.tiers.len() < TIERS_MAX {
            self.tiers.insert(case, sensitive);
        }
        Ok(sensitive)
    }

    fn shut(&self, account: AccountId) -> bool {
        let known = self.store.directory.account(account);
        known.is_some_and(|account| account.state == AccountState::Disabled)
    }
}

impl Store {
    /// `POST /inspections`. One whole inspection for each month; those of a month that is not over
    /// are for information, as many as are wanted. Runs on a thread of its own, one at a time.
    ///
    /// # Errors
    /// [`ServiceError::Exists`] for a month that was inspected, [`ServiceError::Busy`] while another
    /// inspection is being made.
    pub fn make_inspection(
        self: &Arc<Self>,
        session: &Session,
        draft: InspectionDraft,
    ) -> Answer<InspectionView> {
        let by = session.account();
        self.office::<Inspect, _>(session, Target::Office, |permit| {
            let month = self.month_to_inspect(&draft);
            self.or_fail(permit, month, |permit, month| {
                let store = Arc::clone(self);
                let lost = || Err(ServiceError::Internal("an inspection stopped".into()));
                let (completer, done) = pending(lost);
                std::thread::Builder::new()
                    .name("inspection".into())
                    .spawn(move || completer.complete(store.inspect_month(permit, month, by)))
                    .map_err(|e| ServiceError::Internal(format!("no thread: {}", e.kind())))?;
                Ok(done)
            })
        })
    }

    fn month_to_inspect(&self, draft: &InspectionDraft) -> Result<Month, ServiceError> {
        let month = draft.month.parse::<Month>();
        let month = month.map_err(|_| Invalid::new("month", "is no month, written 2026-10"))?;
        if month.start() > self.clock.now() {
            return Err(Invalid::new("month", "has not begun yet").into());
        }
        self.not_inspected(month)?;
        Ok(month)
    }

    fn not_inspected(&self, month: Month) -> Result<(), ServiceError> {
        let packs = self.inspections.packs().map_err(fault::table)?;
        if packs.iter().any(|pack| pack.month == month && pack.whole) {
            return Err(ServiceError::Exists);
        }
        Ok(())
    }

    pub(super) fn inspect_month(
        &self,
        permit: Permit<Inspect>,
        month: Month,
        by: AccountId,
    ) -> Result<InspectionView, ServiceError> {
        let Ok(_turn) = self.inspecting.try_lock() else {
            return self
                .fail::<Inspect, InspectionView>(permit, ServiceError::Busy)?
                .wait();
        };
        // Another may have been made since it was asked for; within the turn none can.
        let made = self
            .not_inspected(month)
            .and_then(|()| self.gather_month(&permit, month, by));
        match made {
            Ok((pack, findings, copies)) => {
                let id = pack.id;
                let mut batch = Batch::default();
                let put = self.inspections.put_new(&mut batch, pack, findings, copies);
                put.map_err(fault::table)?;
                let shown = Shown {
                    query: Some("inspection"),
                    reason: Some(format!("month {month}")),
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch).wait();
                let (_receipt, _) = recorded.map_err(fault::log)?;
                self.inspection_view(&self.whole(id)?)
            }
            Err(error) => self.fail::<Inspect, InspectionView>(permit, error)?.wait(),
        }
    }

    /// The pass, and what it makes. Nothing of it is shown before the entry of the permit is durable.
    fn gather_month(
        &self,
        permit: &Permit<Inspect>,
        month: Month,
        by: AccountId,
    ) -> Result<(Pack, Vec<Finding>, Copies), ServiceError> {
        let now = self.clock.now();
        let end = month.next().start();
        let rules = self.home.inspection.clone();
        let known = Lookup {
            store: self,
            tiers: HashMap::new(),
        };
        let mut gatherer = Gatherer::new(&rules, known);
        let each = |index, header: &_, body: &_| gatherer.see(index, header, body);
        let span = (month.start(), end);
        let passed = self.log.pass(permit, span, needs_body, each);
        let passed = passed.map_err(fault::log)?;
        let Gathered {
            mut found,
            mut usage,
            unread,
        } = gatherer.end();
        let id = InspectionId::random(self.random.as_ref()).map_err(fault::random)?;
        let (late, copies) = self.copies_out(id, now.min(end))?;
        found.extend(late);
        found.extend(self.open_alerts(span)?);
        usage.truncate(PEOPLE_MAX);
        let findings = (1..)
            .zip(found)
            .map(|(number, (rule, person, hits))| Finding {
                inspection: id,
                number,
                rule,
                person,
                count: hits.extent.count,
                says: rule.says(hits.extent),
                entries: hits.entries,
                first: hits.first,
                last: hits.last,
                state: FindingState::Open,
                explanation: None,
                judgement: None,
            });
        let findings: Vec<Finding> = findings.collect();
        let pack = Pack {
            id,
            month,
            whole: end <= now,
            made_at: now,
            by,
            from: passed.from,
            to: passed.to,
            root: passed.root.0,
            unread,
            rules,
            usage,
            findings: u32::try_from(findings.len()).unwrap_or(u32::MAX),
            revision: 1,
            signed: None,
        };
        Ok((pack, findings, copies))
    }

    /// Copies that are out: how many, and those whose date of destruction had passed at this
    /// moment, by who answers for them.
    fn copies_out(
        &self,
        inspection: InspectionId,
        at: Timestamp,
    ) -> Result<(Vec<Found>, Copies), ServiceError> {
        let mut late: BTreeMap<AccountId, Hits> = BTreeMap::new();
        let mut copies = Copies {
            inspection,
            out: 0,
            overdue: 0,
        };
        let mut before = u64::MAX;
        loop {
            let out = |output: &crate::disclosure::output::Output| output.state.is_out();
            let page = self.outputs.newest(before, Limit::rows(256), out);
            let (rows, next) = page.map_err(fault::table)?;
            for stored in rows {
                let output = stored.row;
                copies.out = copies.out.saturating_add(1);
                if output.destroy_by >= at {
                    continue;
                }
                copies.overdue = copies.overdue.saturating_add(1);
                let over = at.as_millis().saturating_sub(output.destroy_by.as_millis()) / DAY_MS;
                let index = output.entry.unwrap_or_default();
                let mut hit = Hits::one(index, output.destroy_by);
                hit.extent.most = u32::try_from(over).unwrap_or(u32::MAX);
                match late.get_mut(&output.responsible) {
                    Some(known) => known.add(&hit),
                    None => drop(late.insert(output.responsible, hit)),
                }
            }
            let Some(next) = next else { break };
            before = next;
        }
        let found = late.into_iter();
        let found = found.map(|(id, hits)| (Rule::CopyOut, Some(id), hits));
        Ok((found.collect(), copies))
    }

    /// Alerts of this time that nobody took note of: the office's own, so about nobody.
    fn open_alerts(
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

    pub(super) fn whole(&self, id: InspectionId) -> Result<Whole, ServiceError> {
        let found = self.inspections.find(id).map_err(fault::table)?;
        found.ok_or(ServiceError::NotFound)
    }

    pub(super) fn inspection_view(&self, whole: &Whole) -> Result<InspectionView, ServiceError> {
        let sheet = Sheet::of(whole);
        let hash = sheet.hash();
        let hash = hash.map_err(|error| ServiceError::Internal(error.to_string()))?;
        let judges = whole.findings.iter().filter_map(|f| f.judgement.as_ref());
        let people = whole
            .findings
            .iter()
            .filter_map(|finding| finding.person)
            .chain(whole.pack.usage.iter().filter_map(|(id, _)| *id))
            .chain(judges.map(|said| said.by))
            .chain([whole.pack.by]);
        let signed = whole.pack.signed.as_ref().map(|signed| SignedView {
            by: self.directory.login(signed.by),
            at: signed.at.rfc3339(),
            hash: hex(&signed.hash),
            statement: signed.statement.clone(),
            intact: signed.hash == hash,
        });
        Ok(InspectionView {
            people: people
                .map(|id| (id.to_string(), self.directory.login(id)))
                .collect(),
            hash: hex(&hash),
            sheet,
            signed,
        })
    }

    /// `GET /inspections`.
    pub fn inspections(&self, session: &Session) -> Answer<InspectionList> {
        self.office::<ReadInspection, _>(session, Target::Office, |permit| {
            let packs = self.inspections.packs().map_err(fault::table);
            let list = packs.and_then(|packs| {
                Ok(InspectionList {
                    overdue: self.overdue(&packs)?,
                    rows: packs.iter().map(row).collect(),
                })
            });
            self.or_fail(permit, list, |permit, list| {
                self.record_office(permit, "inspections", list)
            })
        })
    }

    /// Months whose inspection should be there and is not.
    fn overdue(&self, packs: &[Pack]) -> Result<Vec<String>, ServiceError> {
        let Some(first) = self.log.oldest().map_err(fault::log)? else {
            return Ok(Vec::new());
        };
        let (now, day) = (self.clock.now(), self.home.inspection.due_day);
        let mut overdue = Vec::new();
        let mut month = Month::of(first);
        while month.due(day) <= now {
            if !packs.iter().any(|pack| pack.whole && pack.month == month) {
                overdue.push(month.to_string());
            }
            month = month.next();
        }
        Ok(overdue)
    }

    /// Tells the operator once a day of inspections that nobody made.
    pub(super) fn warn_of_inspections(&self) -> Result<(), ServiceError> {
        let today = self.clock.now().as_millis().div_euclid(DAY_MS);
        let looked = &self.inspections_looked_on;
        if looked.swap(today, std::sync::atomic::Ordering::AcqRel) == today {
            return Ok(());
        }
        let packs = self.inspections.packs().map_err(fault::table)?;
        let overdue = self.overdue(&packs)?;
        if !overdue.is_empty() {
            let months = overdue.join(", ");
            tracing::warn!(%months, "the inspection of the access log was not made in time");
        }
        Ok(())
    }

    /// `GET /inspections/{id}`.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] where there is none.
    pub fn inspection(
        &self,
        session: &Session,
        id: Option<InspectionId>,
    ) -> Answer<InspectionView> {
        self.look_at_inspection(session, "inspection", |store| store.shown_inspection(id))
    }

    /// `GET /inspections/{id}/report`: the page.
    ///
    /// # Errors
    /// As [`Store::inspection`].
    pub fn inspection_report(&self, session: &Session, id: Option<InspectionId>) -> Answer<String> {
        self.look_at_inspection(session, "inspection report", |store| {
            Ok(report::html(&store.shown_inspection(id)?))
        })
    }

    /// The same as PDF, marked with who asked and when.
    ///
    /// # Errors
    /// [`ServiceError::FontMissing`] besides.
    pub fn inspection_pdf(&self, session: &Session, id: Option<InspectionId>) -> Answer<Vec<u8>> {
        self.look_at_inspection(session, "inspection report", |store| {
            let document = report_paper::document(&store.shown_inspection(id)?);
            let font = store.prints.font()?;
            let marks = Marks {
                serial: None,
                by: store.directory.login(session.account()),
                department: None,
                at: store.clock.now(),
                copies: 1,
            };
            let written = paper::pdf(&document, &marks, &font);
            written.map_err(|error| ServiceError::Internal(error.to_string()))
        })
    }

    fn shown_inspection(&self, id: Option<InspectionId>) -> Result<InspectionView, ServiceError> {
        self.inspection_view(&self.whole(id.ok_or(ServiceError::NotFound)?)?)
    }

    fn look_at_inspection<T: Send + 'static>(
        &self,
        session: &Session,
        query: &'static str,
        look: impl FnOnce(&Self) -> Result<T, ServiceError>,
    ) -> Answer<T> {
        self.office::<ReadInspection, _>(session, Target::Office, |permit| {
            let found = look(self);
            self.or_fail(permit, found, |permit, found| {
                self.record_office(permit, query, found)
            })
        })
    }
}

fn row(pack: &Pack) -> InspectionRow {
    InspectionRow {
        id: pack.id.to_string(),
        month: pack.month.to_string(),
        whole: pack.whole,
        made_at: pack.made_at.rfc3339(),
        findings: pack.findings,
        signed_at: pack.signed.as_ref().map(|signed| signed.at.rfc3339()),
    }
}
