//! Alerts: privacy officers and auditors list them, privacy officers take note of one. An auditor
//! does not: they sign the inspection in which an open alert is a finding.

use super::error::ServiceError;
use super::fault;
use super::step_up::needed;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::{AcknowledgeAlert, ReadAlerts};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::disclosure::alert::{Acknowledged, Alert, AlertKind, Way};
use crate::domain::id::AlertId;
use crate::domain::purpose::Purpose;
use crate::engine::Batch;

/// An alert: that somebody opened more than usual. No case and no content.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct AlertView {
    /// Id.
    pub id: String,
    /// Why.
    pub kinds: Vec<AlertKind>,
    /// Login name of who opened so much.
    pub account: String,
    /// When, RFC 3339.
    pub at: String,
    /// Purpose code.
    #[schema(value_type = String)]
    pub purpose: Purpose,
    /// How.
    pub way: Way,
    /// Distinct people in the 24 hours up to then.
    pub people: u32,
    /// Distinct cases.
    pub cases: u32,
    /// Exports and prints.
    pub downloads: u32,
    /// Index of the access-log entry that raised it.
    pub entry: Option<u64>,
    /// Who took note of it.
    pub acknowledged: Option<NoteView>,
}

/// Who took note of an alert.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct NoteView {
    /// Login name.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// What they found.
    pub note: String,
}

impl Store {
    fn alert_view(&self, alert: &Alert) -> AlertView {
        let note = |note: &Acknowledged| NoteView {
            by: self.directory.login(note.by),
            at: note.at.rfc3339(),
            note: note.note.clone(),
        };
        AlertView {
            id: alert.id.to_string(),
            kinds: alert.kinds.clone(),
            account: self.directory.login(alert.account),
            at: alert.at.rfc3339(),
            purpose: alert.purpose,
            way: alert.way,
            people: alert.people,
            cases: alert.cases,
            downloads: alert.downloads,
            entry: alert.entry,
            acknowledged: alert.acknowledged.as_ref().map(note),
        }
    }

    /// `GET /alerts`: newest first; with `open` those that nobody took note of.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a cursor that this list did not give.
    pub fn alerts(
        &self,
        session: &Session,
        open: bool,
        page: PageRequest,
    ) -> Answer<Rows<AlertView>> {
        self.office::<ReadAlerts, _>(session, Target::Office, |permit| {
            let rows = self.alert_rows(open, &page);
            self.or_fail(permit, rows, |permit, rows| {
                self.record_office(permit, "alerts", rows)
            })
        })
    }

    fn alert_rows(&self, open: bool, page: &PageRequest) -> Result<Rows<AlertView>, ServiceError> {
        let before = page.cursor.as_deref().map(str::parse::<u64>).transpose();
        let before = before.map_err(|_| Invalid::new("cursor", "is not one this list gave"))?;
        let wanted = |alert: &Alert| !open || alert.acknowledged.is_none();
        let (rows, next) = self
            .budget
            .alerts
            .newest(before.unwrap_or(u64::MAX), page.limit, wanted)
            .map_err(fault::table)?;
        Ok(Rows {
            rows: rows.iter().map(|alert| self.alert_view(alert)).collect(),
            next: next.map(|index| index.to_string()),
        })
    }

    /// `POST /alerts/{id}/acknowledge`: a privacy officer looked into it, and says what they found.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for whom it is about; [`ServiceError::Conflict`] for one that
    /// somebody took note of already.
    pub fn acknowledge_alert(
        &self,
        session: &Session,
        id: Option<AlertId>,
        note: String,
    ) -> Answer<AlertView> {
        self.office::<AcknowledgeAlert, _>(session, Target::Office, |permit| {
            let mut batch = Batch::default();
            let noted = self.take_note(session, id, note, &mut batch);
            self.or_fail(permit, noted, |permit, alert| {
                let view = self.alert_view(&alert);
                let shown = Shown {
                    query: Some("acknowledge"),
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch);
                Ok(recorded.map(move |recorded| recorded.map_err(fault::log).map(|_| view)))
            })
        })
    }

    fn take_note(
        &self,
        session: &Session,
        id: Option<AlertId>,
        note: String,
        batch: &mut Batch,
    ) -> Result<Alert, ServiceError> {
        needed(&note).map_err(|_| Invalid::new("note", "is needed, in at most 1024 bytes"))?;
        let stored = match id {
            Some(id) => self.budget.alerts.find(id).map_err(fault::table)?,
            None => None,
        };
        let stored = stored.ok_or(ServiceError::NotFound)?;
        if stored.row.account == session.account() {
            return Err(ServiceError::SelfApproval);
        }
        if stored.row.acknowledged.is_some() {
            return Err(ServiceError::Conflict);
        }
        let noted = Alert {
            acknowledged: Some(Acknowledged {
                by: session.account(),
                at: self.clock.now(),
                note,
            }),
            ..stored.row.clone()
        };
        self.budget
            .alerts
            .put_changed(batch, &stored, &noted)
            .map_err(fault::table)?;
        Ok(noted)
    }
}
