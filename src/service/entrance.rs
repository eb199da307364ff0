//! Before a verb runs: how fast one person may ask, and how many may wait to log in.

use super::error::ServiceError;
use super::fault;
use super::login::Try;
use super::seal::Service;
use super::step_up::StepUp;
use super::store::{Answer, Store};
use super::types::LoggedIn;
use crate::audit::{Event, Outcome};
use crate::authn::pace::PaceLimit;
use crate::authn::session::{Origin, Session, Token};
use crate::authn::waiting::Place;
use crate::domain::secret::SecretText;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::people::view::Enrolled;

impl Service {
    /// How fast each account may ask from now on.
    pub fn limit_pace(&self, limit: PaceLimit) {
        self.pace.limit(limit);
    }

    /// One more request of this person; what comes too fast is told in the log now and then, with
    /// how often it happened.
    ///
    /// # Errors
    /// [`ServiceError::TooFast`] with the time to wait.
    pub async fn pace(&self, session: &Session) -> Result<(), ServiceError> {
        let Err(fast) = self.pace.take(session.account()) else {
            return Ok(());
        };
        if let Some(untold) = fast.told {
            let event = Event {
                task: Task::TurnedAway,
                outcome: Outcome::Refused,
                actor: Some(session.account()),
                roles: session.roles(),
                origin: session.origin().clone(),
                purpose: None,
                reason: Some(format!("too fast, and {untold} before")),
            };
            self.call(move |store| Ok(store.tell(event))).await?;
        }
        Err(ServiceError::TooFast(fast.wait))
    }

    /// [`Store::log_in`], for as many as may wait.
    pub async fn log_in(
        &self,
        account: String,
        password: SecretText,
        known: Option<String>,
        origin: Origin,
    ) -> Result<LoggedIn, ServiceError> {
        let _place = self
            .place(&account, known.as_deref(), &origin, Try::LogIn)
            .await?;
        self.call_apart(move |store| store.log_in(account, password, known, origin))
            .await
    }

    /// [`Store::enrol`], for as many as may wait.
    pub async fn enrol(
        &self,
        account: String,
        code: SecretText,
        password: SecretText,
        origin: Origin,
    ) -> Result<Enrolled, ServiceError> {
        let _place = self.place(&account, None, &origin, Try::Enrol).await?;
        self.call_apart(move |store| store.enrol(account, code, password, origin))
            .await
    }

    /// [`Store::step_up`], in the queue of the log-ins.
    pub async fn step_up(
        &self,
        session: Session,
        token: Token,
        asked: StepUp,
    ) -> Result<Timestamp, ServiceError> {
        let account = self.store()?.directory.login(session.account());
        let (known, origin) = (asked.device.as_deref(), session.origin());
        let _place = self.place(&account, known, origin, Try::LogIn).await?;
        self.call_apart(move |store| store.step_up(&session, &token, asked))
            .await
    }

    async fn place(
        &self,
        account: &str,
        known: Option<&str>,
        origin: &Origin,
        what: Try,
    ) -> Result<Place, ServiceError> {
        let whose = self.store()?.whose(account, known, what);
        if let Some(place) = self.waiting.enter(whose, origin.address) {
            return Ok(place);
        }
        let (account, origin) = (account.to_owned(), origin.clone());
        self.call(move |store| store.turn_away(&account, origin, what))
            .await
    }
}

impl Store {
    fn tell(&self, event: Event) -> Pending<Result<(), ServiceError>> {
        let told = self.log.event(event, Batch::default());
        told.map(|told| told.map(|_| ()).map_err(fault::log))
    }

    /// A try for which there is no place in the queue.
    fn turn_away<T: Send + 'static>(&self, account: &str, origin: Origin, what: Try) -> Answer<T> {
        let refused = || ServiceError::Throttled(std::time::Duration::from_secs(1));
        Ok(match self.throttled(account, origin, what) {
            Some(event) => self.tell(event).map(move |told| told.and(Err(refused()))),
            None => Pending::ready(Err(refused())),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::random::SystemSource;
    use crate::domain::role::{Role, Roles};
    use crate::domain::time::SystemClock;
    use crate::engine::Log;
    use crate::service::Founder;
    use crate::service::testing::{here, secret, settings};

    const PASSWORD: &str = "quiet-harbour-71";

    fn run<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(work)
    }

    fn text(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn leaves(store: &Store) -> u64 {
        store.engine.log_size(Log::Access)
    }

    #[test]
    fn who_finds_a_log_in_waiting_for_the_account_is_turned_away_and_logged() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path());
        let random = Arc::new(SystemSource::default());
        let clock = Arc::new(SystemClock::default());
        let founder = Founder {
            account: "lee".to_owned(),
            roles: Roles::new([Role::Auditor]).unwrap(),
        };
        let (invited, _) = Service::init(
            &settings,
            &secret(),
            &[founder],
            random.clone(),
            clock.clone(),
        )
        .unwrap();
        let service = Service::new(settings, random, clock).unwrap();
        service.unseal_now(&secret(), here()).unwrap();
        let store = service.store().unwrap();
        let code = text(&invited[0].enrolment_code);
        let enrol = |code| service.enrol("lee".to_owned(), code, text(PASSWORD), here());
        let enrolling = store.whose("lee", None, Try::Enrol);
        let held = service.waiting.enter(enrolling, None).unwrap();
        let refused = run(enrol(text(&invited[0].enrolment_code)));
        assert!(matches!(refused, Err(ServiceError::Throttled(_))));
        drop(held);
        run(enrol(code)).unwrap();

        let log_in = |device| service.log_in("Lee".to_owned(), text(PASSWORD), device, here());
        let device = run(log_in(None)).unwrap().device;
        let whose = store.whose("lee", None, Try::LogIn);
        let held = service.waiting.enter(whose, None).unwrap();
        let before = leaves(&store);
        let refused = run(log_in(None));
        assert!(matches!(refused, Err(ServiceError::Throttled(_))));
        assert_eq!(leaves(&store), before + 1);
        // The controls: on their own device they get in meanwhile, and anywhere afterwards.
        run(log_in(Some(device))).unwrap();
        drop(held);
        run(log_in(None)).unwrap();
    }
}
