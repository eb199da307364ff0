//! The road without a service: its verbs over any engine, on the thread of whoever asks. The
//! order of steps is that of `service::read` and `service::register`; a lap is told after each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bongham::audit::{AccessLog, Shown};
use bongham::authn::session::{Session, SessionLimits, Sessions, Subject, Token};
use bongham::authz::Authority;
use bongham::authz::action::{Read, Register};
use bongham::authz::facts::Target;
use bongham::cases::draft::Classification;
use bongham::cases::head::Head;
use bongham::cases::number::Reference;
use bongham::cases::record::{self, Case, Frame};
use bongham::cases::rows::{Cases, Marks, scopes};
use bongham::cases::view::{CaseState, CaseView};
use bongham::crypto::locate::Locator;
use bongham::crypto::sealed::RowKey;
use bongham::crypto::wrap;
use bongham::domain::id::{AccountId, CaseId, DepartmentId, UnitId};
use bongham::domain::purpose::Purpose;
use bongham::domain::random::{Random, SystemSource};
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::tier::{Tier, UnitKind};
use bongham::domain::time::{Clock, SystemClock};
use bongham::engine::memory::MemoryEngine;
use bongham::engine::{Batch, Engine, Pending};
use bongham::keyring::{Keyring, ServerKey, UnsealCost, UnsealSecret};
use bongham::vault::{Holder, UnitRef, Vault};

use super::office::{draft, origin};
use crate::Failure;

/// Makes an engine under the keyring's journal key.
pub(crate) type MakeEngine<'a> =
    dyn Fn(&Keyring, Arc<dyn Clock>, Arc<dyn Random>) -> Result<Arc<dyn Engine>, Failure> + 'a;

/// Told when a step is done.
pub(crate) type Lap<'a> = dyn FnMut(&'static str) + 'a;

/// Someone who asks.
struct Person {
    token: Token,
    holder: Holder,
    department: DepartmentId,
}

/// See the module.
pub(crate) struct Road {
    vault: Vault,
    cases: Cases,
    authority: Authority,
    log: AccessLog,
    /// A log over memory: what an entry costs without the journal.
    dry: AccessLog,
    sessions: Sessions,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    intake: Person,
    officer: Person,
    rights: Person,
}

fn person(
    sessions: &Sessions,
    random: &dyn Random,
    role: Role,
    department: DepartmentId,
) -> Result<Person, Failure> {
    let account = AccountId::random(random)?;
    let (private, key) = wrap::generate(random)?;
    let subject = Subject {
        account,
        roles: Roles::new([role])?,
        department: Some(department),
    };
    let (token, _) = sessions.start(subject, Some(private))?;
    let holder = Holder {
        account,
        key,
        desk: None,
    };
    Ok(Person {
        token,
        holder,
        department,
    })
}

impl Road {
    /// A fresh store in `dir`.
    pub(crate) fn open(dir: &Path, make: &MakeEngine<'_>) -> Result<Self, Failure> {
        let random: Arc<dyn Random> = Arc::new(SystemSource::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let secret = UnsealSecret {
            passphrase: SecretText::new("bench".to_owned()),
            key_file: None,
        };
        let keyring = Arc::new(Keyring::init(
            &dir.join("keyring"),
            &secret,
            UnsealCost::minimal_for_tests(),
            random.clone(),
            clock.clone(),
        )?);
        let engine = make(&keyring, clock.clone(), random.clone())?;
        let log = |engine: &Arc<dyn Engine>, name: &str| {
            let logs = dir.join(name);
            std::fs::create_dir_all(&logs)?;
            let (random, clock) = (random.clone(), clock.clone());
            let opened = AccessLog::open(engine.clone(), keyring.clone(), &logs, random, clock)?;
            Ok::<_, Failure>(opened)
        };
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new(clock.clone()));
        let limits = SessionLimits {
            idle: Duration::from_secs(36_000),
            absolute: Duration::from_secs(36_000),
            per_account: 1,
        };
        let sessions = Sessions::new(limits, random.clone(), clock.clone())?;
        let civil = DepartmentId::random(&*random)?;
        let desk = DepartmentId::random(&*random)?;
        Ok(Self {
            log: log(&engine, "logs")?,
            dry: log(&memory, "dry")?,
            vault: Vault::new(keyring.clone(), random.clone()),
            cases: Cases::new(
                engine.clone(),
                Locator::new(&keyring.server_key(ServerKey::Location)),
                RowKey::new(keyring.server_key(ServerKey::Row)),
                random.clone(),
            )?,
            authority: Authority::built_in()?,
            intake: person(&sessions, &*random, Role::Intake, civil)?,
            officer: person(&sessions, &*random, Role::Officer, civil)?,
            rights: person(&sessions, &*random, Role::HumanRightsOfficer, desk)?,
            sessions,
            random,
            clock,
        })
    }

    fn holder(&self, tier: Tier) -> &Person {
        match tier {
            Tier::Sensitive => &self.rights,
            Tier::Ordinary | Tier::Retained => &self.officer,
        }
    }

    /// An audited read whose entry goes to the engine.
    pub(crate) fn read(&self, tier: Tier, case: CaseId) -> Result<Reading, Failure> {
        self.read_into(&self.log, tier, case, &mut |_| ())
    }

    /// The same on this thread alone, entry into memory, lap by lap.
    pub(crate) fn read_dry(
        &self,
        tier: Tier,
        case: CaseId,
        lap: &mut Lap<'_>,
    ) -> Result<CaseView, Failure> {
        let view = self.read_into(&self.dry, tier, case, lap)?.wait()?;
        lap("view");
        Ok(view)
    }

    fn read_into(
        &self,
        log: &AccessLog,
        tier: Tier,
        case: CaseId,
        lap: &mut Lap<'_>,
    ) -> Result<Reading, Failure> {
        let session = self.sessions.resume(&self.holder(tier).token, origin())?;
        lap("session");
        let stored = self.cases.head(case)?.ok_or("a case is missing")?;
        let facts = stored.head.facts();
        lap("facts: head row");
        let permit = self
            .authority
            .decide::<Read>(&session, Target::Case(&facts), Some(Purpose::Handling))
            .map_err(|_| "denied")?;
        lap("policy");
        let fields = permit.fields();
        let mut units = stored.head.units.clone();
        units.retain(|unit| record::needs(fields, unit.kind));
        let head = &stored.head;
        let key = self.vault.unlock(&permit, &session, &head.wraps)?;
        lap("unwrap");
        let rows = self.cases.units(case, units.iter().copied())?;
        lap("index: unit rows");
        let key_version = head.key_version;
        let plain = self.vault.open(&permit, tier, &key, key_version, &rows)?;
        lap("decrypt");
        let frame = Frame {
            stored,
            assignees: vec!["officer".to_owned()],
            department: "civil".to_owned(),
        };
        let disclosed = plain.decode::<Case>(frame)?;
        let shown = Shown {
            cases: vec![case],
            people: people(&units),
            units: units.iter().map(|unit| unit.unit).collect(),
            bytes: disclosed.bytes(),
            ..Shown::default()
        };
        lap("decode");
        let recorded = log.record(permit, shown);
        lap("log: seal the entry");
        Ok(Reading(recorded.map(move |receipt| {
            let view = disclosed.reveal(receipt?)?;
            Ok(view)
        })))
    }

    /// A registration whose rows and entry go to the engine.
    pub(crate) fn register(&self, tier: Tier) -> Result<Registration, Failure> {
        self.register_into(&self.log, tier, &mut |_| ())
    }

    /// The same on this thread alone, rows and entry into memory, lap by lap.
    pub(crate) fn register_dry(&self, tier: Tier, lap: &mut Lap<'_>) -> Result<(), Failure> {
        self.register_into(&self.dry, tier, lap)?.0.wait()?;
        Ok(())
    }

    fn register_into(
        &self,
        log: &AccessLog,
        tier: Tier,
        lap: &mut Lap<'_>,
    ) -> Result<Registration, Failure> {
        let session: Session = self.sessions.resume(&self.intake.token, origin())?;
        lap("session");
        let draft = draft(match tier {
            Tier::Sensitive => Classification::Sensitive,
            Tier::Ordinary | Tier::Retained => Classification::Ordinary,
        });
        lap("(the draft itself)");
        draft.check()?;
        let holder = self.holder(tier);
        let department = holder.department;
        let target = Target::NewCase { tier, department };
        let permit = self
            .authority
            .decide::<Register>(&session, target, None)
            .map_err(|_| "denied")?;
        lap("policy");
        let case = CaseId::random(&*self.random)?;
        let key = self.vault.new_case_key()?;
        let wraps = if tier == Tier::Sensitive {
            self.vault
                .wrap_to_holders(case, &key, 1, &[holder.holder])?
        } else {
            vec![self.vault.wrap_to_department(case, &key, 1, department)?]
        };
        lap("wrap");
        let bytes = (draft.title.len() + draft.narrative.len()) as u64;
        let (channel, class) = (draft.channel, draft.class.clone());
        let units = record::encode(draft)?
            .into_iter()
            .map(|(kind, content)| self.vault.seal_unit(case, tier, kind, &key, 1, &content))
            .collect::<Result<Vec<_>, _>>()?;
        lap("encrypt");
        let now = self.clock.now();
        let head = Head {
            case,
            tier,
            department,
            state: CaseState::Assigned,
            channel,
            class,
            registered_at: now,
            received_at: now,
            external_number: None,
            receipt: Reference::random(&*self.random)?,
            assignees: vec![holder.holder.account],
            desk: Vec::new(),
            amended_at: None,
            closed_at: None,
            holds: Vec::new(),
            locks: Vec::new(),
            gone: Vec::new(),
            key_version: 1,
            units: units.iter().map(|(unit, _)| *unit).collect(),
            wraps,
            revision: 1,
        };
        let shown = Shown {
            cases: vec![case],
            people: people(&head.units),
            units: head.units.iter().map(|unit| unit.unit).collect(),
            bytes,
            ..Shown::default()
        };
        let marks = Marks { leaf: 0, number: 0 };
        let mut batch = Batch::default();
        self.cases
            .put_new(&mut batch, &head, units, &scopes(&head), marks)?;
        lap("index: head, list, register rows");
        let recorded = log.record_with(permit, shown, batch);
        lap("log: seal the entry");
        Ok(Registration(recorded.map(move |recorded| {
            let (_, committed) = recorded?;
            let _number = committed.numbers.first().ok_or("a number is missing")?;
            Ok(case)
        })))
    }
}

fn people(units: &[UnitRef]) -> Vec<UnitId> {
    units
        .iter()
        .filter(|unit| unit.kind == UnitKind::Person)
        .map(|unit| unit.unit)
        .collect()
}

/// A view that waits for its entry.
pub(crate) struct Reading(Pending<Result<CaseView, Failure>>);

impl Reading {
    fn wait(self) -> Result<CaseView, Failure> {
        self.0.wait()
    }
    pub(crate) async fn done(self) -> Result<CaseView, Failure> {
        self.0.done().await
    }
}

/// A case that waits to be durable.
pub(crate) struct Registration(Pending<Result<CaseId, Failure>>);

impl Registration {
    pub(crate) async fn done(self) -> Result<CaseId, Failure> {
        self.0.done().await
    }
}
