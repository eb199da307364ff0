//! Writes that fail: nothing is shown that could not be logged, nothing is acknowledged that was
//! not stored, and the store comes back when the fault goes away.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bongham::audit::{AccessLog, LogError, Shown};
use bongham::authn::session::{Session, Sessions, Subject};
use bongham::authz::Authority;
use bongham::authz::action::{Action, Read, Register};
use bongham::authz::facts::{CaseFacts, Target};
use bongham::authz::{Denied, Permit};
use bongham::domain::id::{AccountId, CaseId, DepartmentId};
use bongham::domain::purpose::Purpose;
use bongham::domain::random::SystemSource;
use bongham::domain::role::{Role, Roles};
use bongham::domain::tier::Tier;
use bongham::domain::time::SystemClock;
use bongham::engine::fault::{Fault, FaultEngine};
use bongham::engine::memory::MemoryEngine;
use bongham::engine::{Batch, CommitError, Engine, EngineError, Key, Log, Space, Value};
use bongham::keyring::{Keyring, UnsealCost};
use bongham::service::Settings;
use serde_json::json;

use crate::program::wait_for;
use crate::world::{PASSPHRASE, World, here, ordinary, secret, sensitive, settings};

/// An access log over an engine that fails when told to, and somebody who is permitted to read.
struct Desk {
    engine: Arc<FaultEngine>,
    log: AccessLog,
    authority: Authority,
    session: Session,
    _dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let random = Arc::new(SystemSource::default());
        let clock = Arc::new(SystemClock::default());
        let keyring = Keyring::init(
            &dir.path().join("keyring"),
            &secret(PASSPHRASE),
            UnsealCost::minimal_for_tests(),
            random.clone(),
            clock.clone(),
        );
        let engine = Arc::new(FaultEngine::new(Arc::new(MemoryEngine::new(clock.clone()))));
        let log = AccessLog::open(
            engine.clone(),
            Arc::new(keyring.unwrap()),
            dir.path(),
            random.clone(),
            clock.clone(),
        );
        let limits = settings(dir.path()).sessions;
        let sessions = Sessions::new(limits, random, clock).unwrap();
        let subject = Subject {
            account: AccountId::from_bytes([1; 16]),
            roles: Roles::new([Role::Officer]).unwrap(),
            department: Some(DepartmentId::from_bytes([2; 16])),
        };
        let (token, _) = sessions.start(subject, None).unwrap();
        let desk = Self {
            engine,
            log: log.unwrap(),
            authority: Authority::built_in().unwrap(),
            session: sessions.resume(&token, here()).unwrap(),
            _dir: dir,
        };
        // The first entry of a month brings a row with it; the faults are to strike an entry.
        let first = desk.log.record(desk.read(), Shown::default()).wait();
        drop(first.unwrap());
        desk
    }
    fn read(&self) -> Permit<Read> {
        self.decide::<Read>(true)
            .unwrap_or_else(|_| panic!("a holder reads her case"))
    }
    fn decide<A: Action>(&self, mine: bool) -> Result<Permit<A>, Denied<A>> {
        let holder = if mine { 1 } else { 9 };
        let facts = CaseFacts {
            case: CaseId::from_bytes([3; 16]),
            tier: Tier::Ordinary,
            department: DepartmentId::from_bytes([if mine { 2 } else { 8 }; 16]),
            holders: vec![AccountId::from_bytes([holder; 16])],
            restricted: false,
        };
        let purpose = Some(Purpose::Handling);
        self.authority
            .decide::<A>(&self.session, Target::Case(&facts), purpose)
    }
    fn entries(&self) -> u64 {
        self.engine.log_size(Log::Access)
    }
}

/// What each fault looks like to whoever commits, and whether the entry is there afterwards.
fn faults() -> [(Fault, CommitError, bool); 5] {
    let before = |error: CommitError| (Fault::Before(error.clone()), error, false);
    [
        before(CommitError::Unknown),
        before(EngineError::DiskFull.into()),
        before(EngineError::Io("EIO".into()).into()),
        (Fault::After, CommitError::Unknown, true),
        (Fault::Stop, CommitError::Unknown, false),
    ]
}

#[test]
fn a_failed_entry_gives_no_receipt_and_nothing_is_revealed() {
    for (fault, error, stored) in faults() {
        let desk = Desk::new();
        let before = desk.entries();
        desk.engine.arm(0, fault.clone());
        let receipt = desk.log.record(desk.read(), Shown::default()).wait();
        // A receipt is the only thing that reveals: there is none.
        assert_eq!(receipt.err(), Some(LogError::Commit(error)), "{fault:?}");
        assert_eq!(desk.entries(), before + u64::from(stored), "{fault:?}");
        let next = desk.log.record(desk.read(), Shown::default()).wait();
        match fault {
            Fault::Stop => assert!(next.is_err()),
            _ => assert!(next.is_ok(), "{fault:?}: the fault strikes once"),
        }
    }
}

#[test]
fn a_failed_entry_of_a_denial_is_no_answer_either() {
    for (fault, error, _) in faults() {
        let desk = Desk::new();
        let denied = || desk.decide::<Read>(false).err().unwrap();
        assert!(desk.log.refuse(denied()).wait().is_ok());
        desk.engine.arm(0, fault);
        let refused = desk.log.refuse(denied()).wait().map(|_| ());
        assert_eq!(refused, Err(LogError::Commit(error)));
    }
}

#[test]
fn what_a_failed_entry_would_have_written_is_not_there_or_not_acknowledged() {
    let key = || Key::new(*b"row").unwrap();
    for (fault, error, stored) in faults() {
        let desk = Desk::new();
        let department = DepartmentId::from_bytes([2; 16]);
        let target = Target::NewCase {
            tier: Tier::Ordinary,
            department,
        };
        let permit = desk
            .authority
            .decide::<Register>(&desk.session, target, None);
        let batch = Batch {
            put: vec![(Space::Head, key(), Value::new(*b"sealed").unwrap())],
            ..Batch::default()
        };
        let before = desk.entries();
        desk.engine.arm(0, fault);
        let permit = permit.unwrap_or_else(|_| panic!("an officer registers"));
        let done = desk.log.record_with(permit, Shown::default(), batch).wait();
        assert_eq!(done.err(), Some(LogError::Commit(error)));
        // Row and entry are there together or not at all.
        let row = desk.engine.get(Space::Head, &key()).unwrap();
        assert_eq!(row.is_some(), stored);
        assert_eq!(desk.entries() - before, u64::from(stored));
    }
}

#[test]
fn every_nth_commit_may_be_the_one_that_stops() {
    for n in 0..12 {
        let desk = Desk::new();
        let before = desk.entries();
        desk.engine.arm(n, Fault::Stop);
        let mut receipts = 0;
        for _ in 0..16 {
            let receipt = desk.log.record(desk.read(), Shown::default()).wait();
            receipts += u64::from(receipt.is_ok());
        }
        assert_eq!(receipts, n);
        assert_eq!(desk.entries() - before, receipts);
        assert_eq!(desk.engine.ready(), Err(EngineError::Stopped));
    }
}

/// A store that cannot write any more, by whatever means: what it answers, and that it comes back.
/// `refusals` are the answers that the first failing registration may give, `last` the status of
/// every reading once none is answered any more.
fn starve(
    world: World,
    refusals: &[(u16, &str)],
    last: u16,
    stop: impl FnOnce(),
    heal: impl FnOnce(World) -> World,
) {
    let case = world.register("intake", &ordinary());
    let secret_case = world.register("intake", &sensitive());
    world.read("officer", &case, "handling").expect(200);
    stop();
    let mut acknowledged = vec![case.clone()];
    let mut big = ordinary();
    big["narrative"] = json!("가나다라 ".repeat(12_000));
    let refused = loop {
        let reply = world.post("intake", "/cases", &big);
        match reply.status {
            201 => acknowledged.push(reply.json()["id"].as_str().unwrap().to_owned()),
            _ => break reply,
        }
        assert!(acknowledged.len() < 2_000, "the journal never ends");
    };
    let code = refused.code();
    assert!(refusals.contains(&(refused.status, &code)), "{refused:?}");
    nothing_is_shown(&world, &case, &secret_case, last);
    let world = heal(world);
    wait_for("readiness", || {
        (world.send("GET", "/readyz", None, None).status == 200).then_some(())
    });
    wait_for("a read", || {
        (world.read("officer", &case, "handling").status == 200).then_some(())
    });
    for id in &acknowledged {
        world.read("officer", id, "handling").expect(200);
    }
    world.read("rights", &secret_case, "handling").expect(200);
    let listed = world
        .get("officer", "/cases?purpose=handling&limit=200")
        .expect(200);
    let listed = listed["rows"].as_array().unwrap().len();
    // Only what was answered with "not known" may be there besides.
    let unknown = usize::from(refused.status == 500);
    let most = (acknowledged.len() + unknown).min(200);
    assert!(
        (acknowledged.len().min(200)..=most).contains(&listed),
        "{listed} cases"
    );
}

/// Small entries may still find room; then there is none for them either, and no word is shown.
fn nothing_is_shown(world: &World, case: &str, secret_case: &str, last: u16) {
    let plain = ["보도블록", "괴롭힘", "홍길동", "임꺽정", "깨져"];
    let mut blocked = 0;
    for turn in 0..100_000 {
        let (login, case) = [("officer", case), ("rights", secret_case)][turn % 2];
        let reply = world.read(login, case, "handling");
        let text = String::from_utf8_lossy(&reply.bytes);
        if reply.status == 200 {
            // The words that must not be seen are those that are seen otherwise.
            assert!(plain.iter().any(|word| text.contains(word)), "{text}");
            blocked = 0;
            continue;
        }
        assert!([500, 503, 507].contains(&reply.status), "{reply:?}");
        assert!(!plain.iter().any(|word| text.contains(word)), "{text}");
        assert!(!reply.headers.contains_key("bongham-log"));
        blocked += 1;
        if blocked == 20 {
            assert_eq!(reply.status, last, "{reply:?}");
            break;
        }
    }
    assert_eq!(
        blocked, 20,
        "reads went on although nothing could be logged"
    );
    let ready = world.send("GET", "/readyz", None, None);
    assert_eq!(ready.status, last, "{ready:?}");
}

#[test]
fn a_journal_that_cannot_grow_shows_nothing_and_comes_back() {
    let world = World::new();
    // A directory stands where the next segment would be made.
    let obstacle = world.settings.data.join("store/journal/next.new");
    let stop = || while std::fs::create_dir(&obstacle).is_err() {};
    let heal = |world| {
        std::fs::remove_dir(&obstacle).unwrap();
        world
    };
    starve(world, &[(503, "log_unavailable")], 503, stop, heal);
}

#[test]
fn old_keys_that_cannot_be_destroyed_yet_are_told_as_accepted() {
    let mut world = World::new();
    // Sensitive units have their places before the keyring can no longer be written.
    let mut shared = sensitive();
    shared["assignees"] = json!(["rights", "rights2"]);
    let shared = [0, 1].map(|_| world.register("intake", &shared));
    let open = [0, 1].map(|_| world.register("intake", &ordinary()));
    let change = |world: &World, n: usize| {
        let one = json!({"purpose": "handling", "assignees": ["rights"], "reason": "leave"});
        let path = format!("/cases/{}/assignees", shared[n]);
        let assigned = world.put("rights", &path, &one);
        let tier = json!({"purpose": "handling", "tier": "sensitive", "assignees": ["rights"],
            "reason": "it names a victim"});
        let path = format!("/cases/{}/classification", open[n]);
        [assigned, world.put("officer", &path, &tier)]
    };
    // The control.
    for reply in change(&world, 0) {
        assert_eq!(reply.expect(200)["state"], "done");
    }
    // A file stands where the new bucket blobs would go.
    let buckets = world.settings.keyring.join("buckets");
    let away = world.settings.keyring.join("away");
    std::fs::rename(&buckets, &away).unwrap();
    std::fs::write(&buckets, "").unwrap();
    for reply in change(&world, 1) {
        assert_eq!(reply.expect(202)["state"], "pending");
    }
    let gone = |world: &World| {
        for n in [0, 1] {
            world.read("rights2", &shared[n], "handling").expect(404);
            world.read("officer", &open[n], "handling").expect(404);
            world.read("rights", &shared[n], "handling").expect(200);
            world.read("rights", &open[n], "handling").expect(200);
        }
    };
    gone(&world);
    std::fs::remove_file(&buckets).unwrap();
    std::fs::rename(&away, &buckets).unwrap();
    // An opening takes up what was left and does not succeed without it.
    world.restart();
    gone(&world);
}

/// A file system of its own for the data directory; unmounted when dropped.
pub struct Small(tempfile::TempDir);

impl Small {
    pub fn mounted(megabytes: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "none"]);
        let mounted = mount.arg(dir.path()).status().unwrap();
        assert!(mounted.success(), "this test needs the right to mount");
        Self(dir)
    }
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

#[test]
#[ignore = "mounts a small file system, which needs root: run with --ignored"]
fn a_full_disk_is_told_as_such_and_loses_nothing() {
    let small = Small::mounted(48);
    let ballast = small.path().join("ballast");
    let world = World::new();
    let from = world.settings.clone();
    let office = world.leave();
    let to = Settings {
        data: small.path().join("data"),
        ..from
    };
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(office.path().join("data")).arg(&to.data);
    assert!(copy.status().unwrap().success());
    let mut world = World::over(&to).unwrap();
    for login in ["intake", "officer", "rights"] {
        world.log_in(login);
    }
    let fill = || {
        use std::io::Write;
        let mut file = std::fs::File::create(&ballast).unwrap();
        while file.write_all(&[1; 1 << 16]).is_ok() {}
    };
    // The index meets the full disk before the journal does; then the store stops and wants to be
    // opened again.
    let heal = |world: World| {
        std::fs::remove_file(&ballast).unwrap();
        drop(world.vanish());
        let mut world = World::over(&to).unwrap();
        for login in ["intake", "officer", "rights"] {
            world.log_in(login);
        }
        world
    };
    starve(
        world,
        &[(507, "disk_full"), (500, "internal")],
        507,
        fill,
        heal,
    );
    drop(office);
}
