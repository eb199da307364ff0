//! The inspection of the access log (접속기록 점검): made by one pass over a month, kept, shown.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};

use super::error::ServiceError;
use super::fault;
use super::inspection_known::Lookup;
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Inspect, ReadInspection};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::config::inspection::Inspection;
use crate::disclosure::paper::{self, Marks};
use crate::domain::day_off;
use crate::domain::id::{AccountId, InspectionId};
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, pending};
use crate::inspection::deed::needs_body;
use crate::inspection::evidence::Words;
use crate::inspection::gather::{Gathered, Gatherer};
use crate::inspection::hits::Hits;
use crate::inspection::month::Month;
use crate::inspection::pack::{
    Copies, Finding, FindingState, PEOPLE_MAX, Pack, SHEET, SHEET_BEFORE, Signed, Whole,
};
use crate::inspection::rule::Rule;
use crate::inspection::sheet::{Sheet, hex};
use crate::inspection::view::{
    InspectionDraft, InspectionList, InspectionRow, InspectionView, SignedView, Witness,
};
use crate::inspection::{report, report_paper};

pub(super) const DAY_MS: i64 = 24 * 3_600_000;
/// How far around its time the entry of a signing is looked for, in milliseconds: the clock may have
/// been set.
const SIGNING: i64 = 3_600_000;

/// An inspection that was made and is not kept yet.
struct Made {
    pack: Pack,
    findings: Vec<Finding>,
    copies: Copies,
}
impl Store {
    /// `POST /inspections`. One whole inspection of each month counts; until it is signed another one
    /// may take its place, as an entry of its own, and the old one stays to be read. Those of a month
    /// that is not over are for information, as many as are wanted. Runs on a thread of its own, one
    /// at a time.
    ///
    /// # Errors
    /// [`ServiceError::Exists`] for a month whose inspection is signed, [`ServiceError::Busy`] while
    /// another inspection is being made.
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
        self.standing_inspection(month)?;
        Ok(month)
    }

    /// The whole inspection of a month whose place another one may take.
    fn standing_inspection(&self, month: Month) -> Result<Option<InspectionId>, ServiceError> {
        let packs = self.inspections.packs().map_err(fault::table)?;
        let standing = packs
            .iter()
            .find(|pack| pack.month == month && pack.stands());
        match standing {
            Some(pack) if pack.signed.is_some() => Err(ServiceError::Exists),
            standing => Ok(standing.map(|pack| pack.id)),
        }
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
            .standing_inspection(month)
            .and_then(|before| self.gather_month(&permit, month, by, before));
        match made {
            Ok(made) => {
                let id = made.pack.id;
                let before = made.pack.supersedes;
                let mut batch = Batch::default();
                self.keep_inspection(&mut batch, made)?;
                let reason = match before {
                    Some(before) => format!("month {month} instead of {before}"),
                    None => format!("month {month}"),
                };
                let shown = Shown {
                    query: Some("inspection"),
                    reason: Some(reason),
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch).wait();
                let (_receipt, _) = recorded.map_err(fault::log)?;
                self.inspection_view(&self.whole(id)?)
            }
            Err(error) => self.fail::<Inspect, InspectionView>(permit, error)?.wait(),
        }
    }

    /// Adds an inspection to a batch, and to the one whose place it takes that it does: the batch
    /// conflicts if somebody signs, judges or explains that one meanwhile.
    fn keep_inspection(&self, batch: &mut Batch, made: Made) -> Result<(), ServiceError> {
        let Made {
            pack,
            findings,
            copies,
        } = made;
        if let (true, Some(before)) = (pack.whole, pack.supersedes) {
            let before = self.whole(before)?;
            let superseded = Pack {
                superseded_by: Some(pack.id),
                ..before.pack.clone()
            };
            let put = self.inspections.put_pack(batch, &before, superseded);
            put.map_err(fault::table)?;
        }
        let put = self.inspections.put_new(batch, pack, findings, copies);
        put.map_err(fault::table)
    }

    /// The pass, and what it makes. Nothing of it is shown before the entry of the permit is durable.
    fn gather_month(
        &self,
        permit: &Permit<Inspect>,
        month: Month,
        by: AccountId,
        before: Option<InspectionId>,
    ) -> Result<Made, ServiceError> {
        let now = self.clock.now();
        let end = month.next().start();
        let rules = self.home.inspection.clone();
        let known = Lookup::new(self, permit, end);
        let mut gatherer = Gatherer::new(&rules, known);
        let each = |index, header: &_, body: &_| gatherer.see(index, header, body);
        let span = (month.start(), end);
        let passed = self.log.pass(permit, span, needs_body, each);
        let passed = passed.map_err(fault::log)?;
        let Gathered {
            mut found,
            mut usage,
            unread,
        } = gatherer.end().map_err(fault::log)?;
        let id = InspectionId::random(self.random.as_ref()).map_err(fault::random)?;
        let (late, copies, serials) = self.copies_out(id, now.min(end), passed.to)?;
        for outlet in found.iter_mut().flat_map(|(_, _, hits)| &mut hits.outputs) {
            outlet.serial = serials.get(&outlet.entry).copied();
        }
        found.extend(late);
        found.extend(self.open_alerts(span)?);
        usage.truncate(PEOPLE_MAX);
        let findings = (1..).zip(found);
        let findings: Vec<Finding> = findings
            .map(|(number, (rule, person, hits))| finding((id, number), rule, person, hits))
            .collect();
        let pack = Pack {
            sheet: SHEET,
            id,
            month,
            whole: end <= now,
            made_at: now,
            by,
            from: passed.from,
            to: passed.to,
            root: passed.root.0,
            unread,
            days_off: days_off(month, &rules),
            notes: notes(month),
            rules: serde_json::to_string(&rules)
                .map_err(|_| ServiceError::Internal("rules that are no JSON".to_owned()))?,
            usage,
            findings: u32::try_from(findings.len()).unwrap_or(u32::MAX),
            revision: 1,
            signed: None,
            supersedes: before.filter(|_| end <= now),
            superseded_by: None,
        };
        Ok(Made {
            pack,
            findings,
            copies,
        })
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
        let signed = whole.pack.signed.as_ref();
        let signed = signed.map(|signed| self.signed_view(&whole.pack, signed, &hash));
        let superseded_by = whole.pack.superseded_by.map(|id| id.to_string());
        Ok(InspectionView {
            superseded_by,
            people: people
                .map(|id| (id.to_string(), self.directory.login(id)))
                .collect(),
            hash: hex(&hash),
            sheet,
            signed: signed.transpose()?,
        })
    }

    /// The sign-off, against what the entry of the signing says: rows can be written by whoever holds
    /// the store and its keys, the log cannot be changed without a trace.
    fn signed_view(
        &self,
        pack: &Pack,
        signed: &Signed,
        sheet: &[u8; 32],
    ) -> Result<SignedView, ServiceError> {
        let no_form = |error: crate::inspection::sheet::NotCanonical| {
            ServiceError::Internal(error.to_string())
        };
        let mut sealed = vec![Sheet::sealed(signed).map_err(no_form)?];
        if pack.sheet == SHEET_BEFORE {
            sealed.push(Sheet::sealed_before(signed));
        }
        let at = |aside: i64| Timestamp::from_millis(signed.at.as_millis().saturating_add(aside));
        let around = (at(-SIGNING), at(SIGNING));
        let acts = self.log.acts_of(signed.by, Task::SignInspection, around);
        let acts = acts.map_err(fault::log)?;
        let said = |body: &crate::audit::body::Body| {
            let reason = body.reason.as_ref();
            reason.is_some_and(|reason| sealed.contains(reason))
        };
        let entry = acts
            .iter()
            .find(|(_, _, body)| body.as_ref().is_some_and(said));
        let gone = acts.iter().find(|(_, _, body)| body.is_none());
        let witness = match (entry, gone) {
            (Some(_), _) => Witness::Entry,
            (None, Some(_)) => Witness::Gone,
            (None, None) => Witness::None,
        };
        Ok(SignedView {
            by: self.directory.login(signed.by),
            at: signed.at.rfc3339(),
            hash: hex(&signed.hash),
            statement: signed.statement.clone(),
            intact: signed.hash == *sheet && witness != Witness::None,
            entry: entry.or(gone).map(|(index, ..)| *index),
            witness,
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

    /// Months whose inspection should be there, signed, and is not.
    fn overdue(&self, packs: &[Pack]) -> Result<Vec<String>, ServiceError> {
        let Some(first) = self.log.oldest().map_err(fault::log)? else {
            return Ok(Vec::new());
        };
        let (now, day) = (self.clock.now(), self.home.inspection.due_day);
        let mut overdue = Vec::new();
        let mut month = Month::of(first);
        while month.due(day) <= now {
            let done = |pack: &Pack| pack.stands() && pack.signed.is_some() && pack.month == month;
            if !packs.iter().any(done) {
                overdue.push(month.to_string());
            }
            month = month.next();
        }
        Ok(overdue)
    }

    /// Tells the operator once a day of inspections that nobody made and signed.
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
            tracing::warn!(%months, "the inspection of the access log was not made and signed in time");
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
        superseded_by: pack.superseded_by.map(|id| id.to_string()),
    }
}

fn finding(
    (inspection, number): (InspectionId, u32),
    rule: Rule,
    person: Option<AccountId>,
    hits: Hits,
) -> Finding {
    Finding {
        inspection,
        number,
        rule,
        person,
        count: hits.extent.count,
        says: rule.says(hits.extent),
        entries: hits.entries,
        behind: Some(hits.behind),
        outputs: hits.outputs,
        first: hits.first,
        last: hits.last,
        state: FindingState::Open,
        explanation: None,
        judgement: None,
    }
}

/// Days of a month, no weekends, on which the office rests.
fn days_off(month: Month, rules: &Inspection) -> Vec<Date> {
    let weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let off = |day: &Date| rules.is_day_off(*day) && !weekend(day);
    month.days().filter(off).collect()
}

/// What whoever reads the inspection of this month must know.
fn notes(month: Month) -> Vec<Words> {
    if month.days().all(day_off::is_covered) {
        return Vec::new();
    }
    vec![Words {
        ko: "이 해의 공휴일은 프로그램의 표에 없습니다: 주말과 설정된 휴일만 휴일로 보았습니다."
            .to_owned(),
        en: "The public holidays of this year are not in the program's table: only weekends and the \
             days off of the configuration counted."
            .to_owned(),
    }]
}
