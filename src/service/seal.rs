//! Sealed and open: what it takes to make a store, open it, and close it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::background::Background;
use super::error::ServiceError;
use super::fault;
use super::open;
use super::pool::Pool;
use super::prints::AT_WORK;
use super::store::{Answer, Store};
use crate::audit::{Event, Outcome};
use crate::authn::pace::Pace;
use crate::authn::password::PasswordCost;
use crate::authn::session::{Origin, Session, SessionLimits, Token};
use crate::authn::waiting::Waiting;
use crate::authz::action::SealStore;
use crate::authz::facts::Target;
use crate::config::budgets::Budgets;
use crate::config::disk::Disk;
use crate::config::forward::Forward;
use crate::config::inspection::Inspection;
use crate::config::outputs::Outputs;
use crate::config::print::Print;
use crate::destruction::term::Terms;
use crate::domain::random::Random;
use crate::domain::role::Roles;
use crate::domain::secret::{SecretBytes, SecretText};
use crate::domain::task::Task;
use crate::domain::time::Clock;
use crate::engine::{Batch, Written, pending};
use crate::forward::Progress;
use crate::keyring::{UnsealCost, UnsealSecret};
use crate::people::view::Invitation;

/// Where a store lies and how it is run.
#[derive(Clone)]
pub struct Settings {
    /// Journal, index and logs.
    pub data: PathBuf,
    /// The keyring; best on a volume of its own, never in a backup of `data`.
    pub keyring: PathBuf,
    /// An office's own policies in place of the built-in ones.
    pub policies: Option<PathBuf>,
    /// Cost of a log-in.
    pub password_cost: PasswordCost,
    /// Cost of an unseal, for `init`.
    pub unseal_cost: UnsealCost,
    /// How long sessions live.
    pub sessions: SessionLimits,
    /// Threads of the pool.
    pub threads: usize,
    /// Jobs that may wait for the pool.
    pub queue: usize,
    /// Memory of the index cache, in bytes.
    pub index_cache_bytes: u64,
    /// Size of a journal segment, in bytes.
    pub segment_bytes: u32,
    /// Windows and caps around the end of records.
    pub terms: Terms,
    /// How much one person may open in a day.
    pub budgets: Budgets,
    /// How long files of exports lie here.
    pub outputs: Outputs,
    /// Room on the disk that stops what leaves.
    pub disk: Disk,
    /// The font of prints, and how long a print document waits.
    pub print: Print,
    /// What the inspection of the access log looks for.
    pub inspection: Inspection,
    /// Where entries of the access log are forwarded to.
    pub forward: Option<Forward>,
    /// Told how far a rebuild of the index is: rows done, rows in all.
    pub progress: Option<Arc<dyn Fn(u64, u64) + Send + Sync>>,
}

/// Log-ins that may wait for argon2id; more are told to come back.
const LOGINS_WAITING: usize = 32;

/// Prints that may wait for one of their threads; more are told to come back.
const PRINTS_WAITING: usize = 8;
/// Threads that look at pictures for a mark, and pictures that may wait for one.
const TRACES: (usize, usize) = (1, 4);

/// How long closing waits for exports to say that they ended.
const EXPORTS_PATIENCE: Duration = Duration::from_secs(15);

/// Somebody to invite when a store is made.
pub struct Founder {
    /// Login name.
    pub account: String,
    /// Roles.
    pub roles: Roles,
}

struct Open {
    store: Arc<Store>,
    background: Background,
}

/// The service: sealed or open.
pub struct Service {
    settings: Settings,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    pool: Pool,
    logins: Pool,
    prints: Pool,
    traces: Pool,
    pub(super) pace: Pace,
    pub(super) waiting: Waiting,
    open: RwLock<Option<Open>>,
    /// One unseal at a time: argon2id takes a quarter of a gibibyte. Counts failures.
    unsealing: Arc<Mutex<u32>>,
}

impl Service {
    /// A sealed service over these directories.
    pub fn new(
        settings: Settings,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServiceError> {
        let pool = Pool::new(settings.threads, settings.queue)?;
        let logins = Pool::new(settings.threads, LOGINS_WAITING)?;
        let prints = Pool::new(AT_WORK, PRINTS_WAITING)?;
        let traces = Pool::new(TRACES.0, TRACES.1)?;
        Ok(Self {
            settings,
            random,
            pace: Pace::new(Arc::clone(&clock)),
            clock,
            pool,
            logins,
            prints,
            traces,
            waiting: Waiting::default(),
            open: RwLock::new(None),
            unsealing: Arc::default(),
        })
    }

    /// Makes a store: keyring, journal, both logs with their signed empty checkpoints, and the
    /// first people. Nothing that exists is ever overwritten.
    pub fn init(
        settings: &Settings,
        secret: &UnsealSecret,
        founders: &[Founder],
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Vec<Invitation>, String), ServiceError> {
        let store = open::create(settings, secret, random, clock)?;
        let invitations = founders
            .iter()
            .map(|founder| store.invite_founder(&founder.account, founder.roles))
            .collect::<Result<_, _>>()?;
        let key = store.log.verifier_key();
        store.close()?;
        Ok((invitations, key))
    }

    pub(super) fn store(&self) -> Result<Arc<Store>, ServiceError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref()
            .map(|open| Arc::clone(&open.store))
            .ok_or(ServiceError::Sealed)
    }

    /// Runs a verb on the pool and awaits its answer.
    ///
    /// # Errors
    /// [`ServiceError::Sealed`]; [`ServiceError::Busy`] when the queue is full, before any work is
    /// done; and what the verb says.
    pub async fn call<T, F>(&self, verb: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Store>) -> Answer<T> + Send + 'static,
    {
        self.run(&self.pool, verb).await
    }

    /// The same for verbs that run argon2id: on threads of their own, so that log-ins never keep
    /// readers waiting.
    pub async fn call_apart<T, F>(&self, verb: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Store>) -> Answer<T> + Send + 'static,
    {
        self.run(&self.logins, verb).await
    }

    /// The same for prints, which hold their cases until the document is written: readers of other
    /// cases do not wait for them.
    pub async fn call_print<T, F>(&self, verb: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Store>) -> Answer<T> + Send + 'static,
    {
        self.run(&self.prints, verb).await
    }

    /// The same for pictures that are looked at, one after the other.
    pub async fn call_trace<T, F>(&self, verb: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Store>) -> Answer<T> + Send + 'static,
    {
        self.run(&self.traces, verb).await
    }

    async fn run<T, F>(&self, pool: &Pool, verb: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Arc<Store>) -> Answer<T> + Send + 'static,
    {
        let store = self.store()?;
        let lost: fn() -> Answer<T> = || Err(ServiceError::Internal("a verb panicked".into()));
        let (completer, answer) = pending(lost);
        pool.submit(move || completer.complete(verb(&store)))?;
        answer.done().await?.done().await
    }

    /// Whether the store is open.
    pub fn is_open(&self) -> bool {
        self.store().is_ok()
    }

    /// Whether there is a store to unseal.
    pub fn is_initialised(&self) -> bool {
        open::exists(&self.settings)
    }

    /// Whether a read could be logged now.
    pub fn ready(&self) -> Result<(), ServiceError> {
        let ready = self.store()?.engine.ready();
        ready.map_err(|error| fault::commit(error.into()))
    }

    /// What the store made durable since it was opened; nothing while it is sealed.
    pub fn written(&self) -> Written {
        self.store()
            .map(|store| store.engine.written())
            .unwrap_or_default()
    }

    /// How far forwarding has come; `None` while the store is sealed, or forwards nothing.
    pub fn forwarding(&self) -> Option<Progress> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().and_then(|open| open.background.forwarding())
    }

    /// Who asks: from token to session. Memory only, no pool.
    pub fn session(&self, token: &Token, origin: Origin) -> Result<Session, ServiceError> {
        self.store()?
            .sessions
            .resume(token, origin)
            .map_err(|_| ServiceError::SessionEnded)
    }

    /// Unseals. Slow (argon2id, and a rebuild of the index after a power cut), so it runs on a
    /// thread of its own; one at a time.
    pub async fn unseal(
        self: &Arc<Self>,
        passphrase: SecretText,
        key_file: Option<SecretBytes>,
        origin: Origin,
    ) -> Result<(), ServiceError> {
        let secret = UnsealSecret {
            passphrase,
            key_file,
        };
        self.apart("unseal", move |service| service.unseal_now(&secret, origin))
            .await
    }

    /// Does something slow that blocks, on a thread of its own.
    async fn apart(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Self) -> Result<(), ServiceError> + Send + 'static,
    ) -> Result<(), ServiceError> {
        let service = Arc::clone(self);
        let lost: fn() -> Result<(), ServiceError> =
            || Err(ServiceError::Internal("it stopped half-way".into()));
        let (completer, done) = pending(lost);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || completer.complete(work(&service)))
            .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
        done.done().await
    }

    /// The same, on this thread.
    pub fn unseal_now(&self, secret: &UnsealSecret, origin: Origin) -> Result<(), ServiceError> {
        // One at a time. Over the control socket one waits one's turn: strangers on the network
        // who try without end cannot keep the operator out.
        let mut failures = match origin.address {
            None => self
                .unsealing
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
            Some(_) => self.unsealing.try_lock().map_err(|_| ServiceError::Busy)?,
        };
        if self.is_open() {
            return Ok(());
        }
        let opened = open::open(
            &self.settings,
            secret,
            Arc::clone(&self.random),
            Arc::clone(&self.clock),
        );
        let store = match opened {
            Ok(opened) => opened,
            Err(error) => {
                *failures += u32::from(error == ServiceError::WrongPassphrase);
                return Err(error);
            }
        };
        let reason = format!("failed tries {failures}");
        store.office_event(Task::Unseal, origin, None, Some(reason))?;
        *failures = 0;
        let store = Arc::new(store);
        let background = Background::start(&store, &self.settings)?;
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *open = Some(Open { store, background });
        Ok(())
    }

    /// Seals: ends every session, finishes what is queued, forgets the keys.
    pub async fn seal(self: &Arc<Self>, session: Session) -> Result<(), ServiceError> {
        self.call(move |store| {
            store.office::<SealStore, _>(&session, Target::Office, |permit| {
                store.record_office(permit, "seal", ())
            })
        })
        .await?;
        self.apart("seal", Self::close).await
    }

    /// Closes: finishes what is queued, raises the floor, writes the clean marker.
    pub fn close(&self) -> Result<(), ServiceError> {
        let open = self
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        open.map_or(Ok(()), |open| open.store.close())
    }
}

impl Store {
    /// Logs something that happened to the store itself.
    pub(super) fn office_event(
        &self,
        task: Task,
        origin: Origin,
        actor: Option<crate::domain::id::AccountId>,
        reason: Option<String>,
    ) -> Result<(), ServiceError> {
        let event = Event {
            task,
            outcome: Outcome::Done,
            actor,
            roles: Roles::default(),
            origin,
            purpose: None,
            reason,
        };
        self.log
            .event(event, Batch::default())
            .wait()
            .map(|_| ())
            .map_err(fault::log)
    }

    /// Lets the keyring vouch for the logs as they are now: a store cut back below this does not
    /// open again.
    pub(super) fn raise_floor(&self) -> Result<(), ServiceError> {
        let floor = self.log.floor().map_err(fault::log)?;
        self.keyring.set_floor(floor).map_err(fault::keyring)
    }

    /// Ends every session, publishes, raises the floor, closes both engines.
    pub(super) fn close(&self) -> Result<(), ServiceError> {
        self.sessions.end_all();
        // Exports end with their sessions, and say so while they can.
        self.exports.places.wait_idle(EXPORTS_PATIENCE);
        let published = self.log.tick().map_err(fault::log);
        let raised = self.raise_floor();
        let kept = self.keep_own_time();
        let apart = self.items.engine().close().map_err(fault::engine);
        self.engine.close().map_err(fault::engine)?;
        published.and(raised).and(kept).and(apart)
    }
}
