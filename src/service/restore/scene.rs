//! An office whose case was destroyed after its backup: what the tests of restores begin with.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::{Report, Request, restore};
use crate::authn::session::Session;
use crate::cases::draft::{CaseDraft, Channel, Classification, Part as Whose, PersonDraft};
use crate::cases::head::Head;
use crate::cases::search::{self, SearchField};
use crate::cases::view::CaseState;
use crate::destruction::order::{Ground, Order, Part, Stage, What};
use crate::domain::id::{AccountId, CaseId, DestructionId, RecordId, RetainedId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::{SystemClock, Timestamp};
use crate::engine::{Log, Value};
use crate::merkle::bundle::write_bundle;
use crate::retained::basis::LegalBasis;
use crate::retained::item::{Item, Part as Kept};
use crate::service::error::ServiceError;
use crate::service::store::Store;
pub(super) use crate::service::testing::secret;
use crate::service::testing::{self, here};
use crate::service::{BackupSet, Founder, Service, Settings, Verdict, open};
use crate::vault::UnitRef;

pub(super) fn settings(dir: &Path, data: &str, keyring: &str) -> Settings {
    Settings {
        data: dir.join(data),
        keyring: dir.join(keyring),
        ..testing::settings(dir)
    }
}

pub(super) fn opened(settings: &Settings) -> Result<Arc<Store>, ServiceError> {
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    open::open(settings, &secret(), Arc::new(random), Arc::new(clock)).map(Arc::new)
}

pub(super) fn enter(store: &Store, login: &str, code: &str) -> Session {
    let words = SecretText::new("quiet-harbour-71-and-more".to_owned());
    let code = SecretText::new(code.to_owned());
    let done = store.enrol(login.to_owned(), code, words, here());
    done.unwrap().wait().unwrap();
    log_in(store, login)
}

pub(super) fn log_in(store: &Store, login: &str) -> Session {
    let words = SecretText::new("quiet-harbour-71-and-more".to_owned());
    let done = store.log_in(login.to_owned(), words, None, here());
    let token = done.unwrap().wait().unwrap().token;
    store.sessions.resume(&token, here()).unwrap()
}

pub(super) fn draft() -> CaseDraft {
    CaseDraft {
        tier: Classification::Ordinary,
        department: "civil".to_owned(),
        channel: Channel::Visit,
        class: "도로".to_owned(),
        title: "보도블록 파손".to_owned(),
        narrative: "역 앞 보도블록이 깨져 있습니다.".to_owned(),
        people: vec![PersonDraft {
            part: Whose::Petitioner,
            name: "홍길동".to_owned(),
            telephone: None,
            email: None,
            address: None,
            note: None,
        }],
        assignees: Vec::new(),
        external_number: Some("2AA-2611-000123".to_owned()),
        received_at: None,
        attributes: std::collections::BTreeMap::new(),
    }
}

/// A store with two cases and a backup; one of the cases was destroyed after it, and the ledger
/// exported after that.
pub(super) struct Scene {
    pub(super) dir: TempDir,
    pub(super) key: String,
    pub(super) backup: PathBuf,
    pub(super) ledger: PathBuf,
    pub(super) capsule: Vec<u8>,
    pub(super) kept: CaseId,
    pub(super) doomed: CaseId,
    pub(super) units: Vec<UnitId>,
    /// Items kept apart: one whose end came after the backup, and one that stays.
    pub(super) items: [Item; 2],
    /// Units that no row names, as a case leaves them that was given new keys after the backup.
    pub(super) unnamed: Vec<UnitId>,
    /// Epoch of the index in capsule and backup.
    pub(super) epoch: u64,
}

pub(super) fn item(n: u8, store: &Store) -> Item {
    let unit = UnitRef {
        unit: store
            .keyring
            .allocate(Tier::Retained, UnitKind::Extract)
            .unwrap(),
        kind: UnitKind::Extract,
        record: RecordId::from_bytes([n; 16]),
    };
    let item = Item {
        id: RetainedId::from_bytes([n; 16]),
        basis: LegalBasis {
            law: "전자상거래법".to_owned(),
            article: "제6조".to_owned(),
            items: "성명".to_owned(),
            until: Timestamp::from_millis(0),
        },
        made_at: store.clock.now(),
        requester: AccountId::from_bytes([9; 16]),
        approver: None,
        due_since: None,
        parts: vec![Kept {
            unit,
            of: UnitKind::Person,
        }],
        wraps: Vec::new(),
        origin: [n; 16],
        appraisal: false,
        holds: Vec::new(),
    };
    let mut batch = crate::engine::Batch::default();
    let value = Value::new(vec![n; 64]).unwrap();
    let put = store
        .items
        .put_new(&mut batch, &item, vec![(unit, value)], None);
    put.unwrap();
    store.commit_apart(batch).unwrap();
    item
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

pub(super) fn words() -> SecretText {
    SecretText::new("the words of the copy".to_owned())
}

pub(super) fn back_up(store: &Arc<Store>, admin: &Session, set: BackupSet, dir: &Path) {
    let plan = store.begin_backup(admin, set).unwrap().wait().unwrap();
    let id = plan.id.parse().ok();
    for (n, file) in plan.files.iter().enumerate() {
        let path = dir.join(&file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let out = Box::new(File::create(path).unwrap());
        let sent = store.backup_file(admin, id, n, 0, out);
        sent.unwrap().wait().unwrap();
    }
    let list = store.backup_list(admin, id).unwrap().wait().unwrap();
    fs::write(dir.join("manifest.json"), list.manifest).unwrap();
    fs::write(dir.join("manifest.note"), list.note).unwrap();
    store.end_backup(admin, id).unwrap().wait().unwrap();
}

pub(super) fn order(case: CaseId, store: &Store) -> Order {
    let somebody = AccountId::from_bytes([9; 16]);
    Order {
        id: DestructionId::random(store.random.as_ref()).unwrap(),
        ground: Ground::Expiry { decision: None },
        parts: vec![Part {
            case,
            what: What::Whole,
            kept: None,
        }],
        units: Vec::new(),
        handler: somebody,
        approver: somebody,
        witness: None,
        approved_at: store.clock.now(),
        due: Timestamp::from_millis(0),
        stage: Stage::Waiting,
    }
}

pub(super) fn place(store: &Store, order: &Order) {
    let mut batch = crate::engine::Batch::default();
    store.place_order(&mut batch, order).unwrap();
    store.engine.commit(batch).wait().unwrap();
}

pub(super) fn units_of(store: &Store, case: CaseId) -> Vec<UnitId> {
    let head = store.cases.head(case).unwrap().unwrap().head;
    head.units.iter().map(|unit| unit.unit).collect()
}

impl Scene {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), "data", "keyring");
        let founder = |account: &str, role| Founder {
            account: account.to_owned(),
            roles: Roles::new([role]).unwrap(),
        };
        let founders = [
            founder("admin", Role::Admin),
            founder("privacy", Role::PrivacyOfficer),
        ];
        let (random, clock) = (SystemSource::default(), SystemClock::default());
        let (random, clock) = (Arc::new(random), Arc::new(clock));
        let made = Service::init(&settings, &secret(), &founders, random, clock);
        let (invited, key) = made.unwrap();
        let store = opened(&settings).unwrap();
        let admin = enter(&store, "admin", &invited[0].enrolment_code);
        let (code, name) = ("civil".to_owned(), "민원봉사과".to_owned());
        store
            .add_department(&admin, code.clone(), name)
            .unwrap()
            .wait()
            .unwrap();
        let roles = vec![Role::Intake];
        let intake = store.add_account(&admin, "intake".to_owned(), roles, Some(code));
        let intake = intake.unwrap().wait().unwrap();
        enter(&store, "intake", &intake.enrolment_code);
        let privacy = enter(&store, "privacy", &invited[1].enrolment_code);
        for approval in &intake.approvals {
            let approval = approval.parse().unwrap();
            let verdict = Verdict {
                approve: true,
                hash: None,
            };
            let decided = store.decide_approval(&privacy, approval, verdict);
            decided.unwrap().wait().unwrap();
        }
        let intake = log_in(&store, "intake");
        let register = || -> CaseId {
            let done = store.register(&intake, draft()).unwrap().wait().unwrap();
            done.id.parse().unwrap()
        };
        let (kept, doomed) = (register(), register());
        let items = [item(1, &store), item(2, &store)];
        let stray = |kind| store.keyring.allocate(Tier::Sensitive, kind).unwrap();
        let unnamed = [UnitKind::Person, UnitKind::Addition].map(stray).to_vec();
        super::output_tests::place(&store);
        // One order that waits when the backup is made: it must not be carried out by a restore.
        let waiting = order(kept, &store);
        place(&store, &waiting);

        let epoch = store.keyring.index_epoch().id;
        let capsule = store.escrow_keyring(&admin, "safe".to_owned(), &words());
        let capsule = capsule.unwrap().wait().unwrap().capsule;
        let capsule = data_encoding::BASE64.decode(capsule.as_bytes()).unwrap();
        let backup = dir.path().join("backup");
        back_up(
            &store,
            &admin,
            BackupSet::Retained,
            &dir.path().join("apart"),
        );
        back_up(&store, &admin, BackupSet::Live, &backup);
        copy(&settings.keyring, &dir.path().join("keyring-then"));

        let mut batch = crate::engine::Batch::default();
        store.cancel_order(&mut batch, waiting.id).unwrap();
        store.engine.commit(batch).wait().unwrap();
        let units = units_of(&store, doomed);
        let destruction = order(doomed, &store);
        place(&store, &destruction);
        assert_eq!(store.execute(destruction.id).unwrap(), Stage::Destroyed);
        // As the background does it in time: the rows in the backup are under a lost key now.
        store.rotate_index().unwrap();
        let [ended, _] = &items;
        let end = Order {
            ground: Ground::RetentionEnd(ended.id),
            parts: Vec::new(),
            units: ended.units(),
            ..order(kept, &store)
        };
        place(&store, &end);
        assert_eq!(store.execute(end.id).unwrap(), Stage::Destroyed);
        let ledger = dir.path().join("ledger.bundle");
        let note = store.log.checkpoint(Log::Ledger).unwrap();
        let leaves = store
            .engine
            .leaves(Log::Ledger, 0, Limit::rows(100))
            .unwrap();
        let leaves = leaves
            .into_iter()
            .map(|leaf| Ok::<_, ServiceError>(leaf.leaf));
        write_bundle(&mut File::create(&ledger).unwrap(), &note, leaves).unwrap();
        store.close().unwrap();
        Self {
            dir,
            key,
            backup,
            ledger,
            capsule,
            kept,
            doomed,
            units,
            items,
            unnamed,
            epoch,
        }
    }

    pub(super) fn request(&self, ledger: bool) -> Request {
        Request {
            backup: Some(self.backup.clone()),
            retained: Some(self.dir.path().join("apart")),
            key: self.key.clone(),
            ledger: ledger.then(|| self.ledger.clone()),
            ..Request::default()
        }
    }

    pub(super) fn restore(&self, keyring: &str, request: &Request) -> Result<Report, ServiceError> {
        let (random, clock) = (SystemSource::default(), SystemClock::default());
        let settings = settings(self.dir.path(), "new", keyring);
        restore(
            &settings,
            &secret(),
            request,
            Arc::new(random),
            Arc::new(clock),
        )
    }

    pub(super) fn reopened(&self, keyring: &str) -> Arc<Store> {
        opened(&settings(self.dir.path(), "new", keyring)).unwrap()
    }

    /// The destroyed are dead, their rows are gone, the neighbour lives and stays alive.
    pub(super) fn check(&self, keyring: &str, report: &Report) {
        let told = report.lines.join("\n");
        assert!(told.contains("1 with something destroyed since"), "{told}");
        assert!(told.contains("1 destruction orders"), "{told}");
        self.check_store(&self.reopened(keyring));
    }

    pub(super) fn check_store(&self, store: &Store) {
        for unit in &self.units {
            assert!(store.keyring.shred_half(*unit).is_err());
        }
        let head = store.cases.head(self.doomed).unwrap().unwrap().head;
        assert_eq!(head.state, CaseState::Destroyed);
        assert!(head.units.is_empty() && head.wraps.is_empty());
        assert_eq!(head.gone.len(), self.units.len());
        // What could say whose it was went as well, as in the destruction itself.
        assert!(head.external_number.is_none() && head.class.is_empty());
        assert!(head.assignees.is_empty() && head.desk.is_empty() && head.locks.is_empty());
        let receipt = |head: &Head| store.cases.by_receipt(&head.receipt.to_string());
        assert!(receipt(&head).unwrap().is_none());
        let living = store.cases.head(self.kept).unwrap().unwrap().head;
        assert!(living.external_number.is_some() && receipt(&living).unwrap().is_some());
        let alive = units_of(store, self.kept);
        assert!(!alive.is_empty());
        assert!(
            alive
                .iter()
                .all(|unit| store.keyring.shred_half(*unit).is_ok())
        );
        // The living is found, and no key is back with which the dead could be guessed.
        assert!(!store.keyring.has_index_epoch(self.epoch));
        let scope = store.postings.scope(living.department);
        let name = search::term(&scope, SearchField::Name, "홍길동").unwrap();
        let (found, _) = store.postings.find(&name, Limit::rows(10)).unwrap();
        assert_eq!(
            found.iter().map(|p| p.case).collect::<Vec<_>>(),
            [self.kept]
        );
        let [ended, stays] = &self.items;
        assert!(store.kept(ended.id).unwrap().is_none());
        assert!(store.items.units(ended).is_err(), "its rows are there");
        assert!(store.kept(stays.id).unwrap().is_some());
        assert_eq!(store.items.units(stays).unwrap().len(), 1);
        let left = store.orders.unfinished().unwrap();
        assert!(left.iter().all(|order| order.stage != Stage::Waiting));
        assert_eq!(store.keyring_copies().unwrap().len(), 1);
        store.close().unwrap();
    }
}
