//! A request for deletion as people take it, up to the verb that carries it out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::authn::session::{Session, Token};
use bongham::domain::id::{CaseId, RequestId};
use bongham::domain::role::Role;
use bongham::service::{Invitation, ServiceError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Failure;
use crate::ahead::Ahead;
use crate::office::{Office, YES, enrol, log_in, origin};

/// Over the shortest window, and the length of every session.
const WINDOW: Duration = Duration::from_secs(24 * 3600 + 60);
/// Between two tries while the store's own clock is behind the machine's.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is tried.
const TRIES: u32 = 1500;

/// An office, who handles its cases, and its two privacy officers.
pub(crate) struct End {
    office: Arc<Office>,
    clock: Arc<Ahead>,
    officer: Token,
    privacy: Token,
    second: Token,
}

fn draft<T: DeserializeOwned>(body: Value) -> Result<T, Failure> {
    Ok(serde_json::from_value(body)?)
}

impl End {
    pub(crate) async fn open(office: Arc<Office>, clock: Arc<Ahead>) -> Result<Self, Failure> {
        let service = Arc::clone(&office.service);
        let admin = log_in(&service, "admin").await?;
        let privacy = log_in(&service, "privacy").await?;
        let session = service.session(&admin, origin())?;
        let roles = vec![Role::PrivacyOfficer];
        let invitation: Invitation = service
            .call(move |store| store.add_account(&session, "second".into(), roles, None))
            .await?;
        enrol(&service, "second", &invitation.enrolment_code).await?;
        for approval in invitation.approvals {
            let session = service.session(&privacy, origin())?;
            let approval = approval.parse().map_err(|_| "not an approval's id")?;
            service
                .call(move |store| store.decide_approval(&session, approval, YES))
                .await?;
        }
        let second = log_in(&service, "second").await?;
        let officer = log_in(&service, "officer").await?;
        Ok(Self {
            office,
            clock,
            officer,
            privacy,
            second,
        })
    }

    /// Past the end of the window; sessions end in it, so everybody logs in again.
    pub(crate) async fn let_the_window_end(&mut self) -> Result<(), Failure> {
        self.clock.advance(WINDOW);
        let service = &self.office.service;
        self.officer = log_in(service, "officer").await?;
        self.privacy = log_in(service, "privacy").await?;
        self.second = log_in(service, "second").await?;
        Ok(())
    }

    fn session(&self, token: &Token) -> Result<Session, Failure> {
        Ok(self.office.service.session(token, origin())?)
    }

    /// Has somebody ask for the end of a case, and everybody say yes.
    pub(crate) async fn ordered(&self, case: CaseId) -> Result<RequestId, Failure> {
        let service = &self.office.service;
        let asked = draft(json!({"case": case.to_string(), "asked_by": "person",
            "name": "홍길동", "contact": "서울시 중구 1", "reason": "지워 주십시오"}))?;
        let session = self.session(&self.officer)?;
        let view = service
            .call(move |store| store.request_deletion(&session, asked))
            .await?;
        let id: RequestId = view.id.parse().map_err(|_| "not a request's id")?;
        let identity = draft(json!({"method": "resident_card"}))?;
        let session = self.session(&self.officer)?;
        service
            .call(move |store| store.check_identity(&session, id, identity))
            .await?;
        let review = draft(json!({"rest": {"verdict": "destroy", "reason": "근거가 없음"}}))?;
        let session = self.session(&self.privacy)?;
        service
            .call(move |store| store.review_deletion(&session, id, review))
            .await?;
        let form = draft(json!({"file": "민원 처리부", "task": "민원 처리",
            "reason": "정보주체의 삭제 요구", "place": "전산실", "method": "키 파기와 덮어쓰기",
            "verification": "잔존 검사", "backups_handled": true, "media_destroyed": false,
            "sender": {"office": "민원봉사과", "officer": "이담당", "contact": "02-000-0000"}}))?;
        let session = self.session(&self.privacy)?;
        let view = service
            .call(move |store| store.form_destruction(&session, id, form))
            .await?;
        let form = view.form.ok_or("there is no form")?;
        let approval = draft(json!({"form_hash": form.form_hash}))?;
        let session = self.session(&self.second)?;
        service
            .call(move |store| store.approve_destruction(&session, id, approval))
            .await?;
        Ok(id)
    }

    /// Carries it out: from the verb's call to its answer, which is durable. Both clocks of a store
    /// have to say that the window is over; a try before that is not what is timed.
    pub(crate) async fn carried_out(&self, id: RequestId) -> Result<Duration, Failure> {
        for _ in 0..TRIES {
            let session = self.session(&self.privacy)?;
            let started = Instant::now();
            let run = self
                .office
                .service
                .call(move |store| store.run_destruction(&session, id));
            match run.await {
                Ok(_) => return Ok(started.elapsed()),
                Err(ServiceError::Held) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err("the window does not end".into())
    }
}
