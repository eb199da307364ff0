//! What another law keeps is copied, verified, entered, and only then the original dies: a crash
//! anywhere leaves the original, or the copy as well, and never neither.

use super::super::destroy_tests::{order, place};
use super::{Process, World, faults, half};
use crate::authn::session::Session;
use crate::authz::action::OpenRetained;
use crate::authz::facts::Target;
use crate::destruction::ledger::{Entry, Event};
use crate::destruction::order::{Order, Part, Stage, What};
use crate::domain::id::{CaseId, RetainedId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::time::Timestamp;
use crate::engine::Log;
use crate::engine::fault::{Fault, FaultEngine};
use crate::keyring::Death;
use crate::retained::basis::LegalBasis;
use crate::service::error::ServiceError;
use crate::service::retained::Draw;
use crate::service::store::Store;
use crate::service::testing::here;
use crate::vault::KeptApart;

fn password() -> SecretText {
    SecretText::new("quiet-harbour-71".to_owned())
}

pub(super) fn enter(store: &Store, login: &str) -> Session {
    let entered = store.log_in(login.to_owned(), password(), None, here());
    let token = entered.unwrap().wait().unwrap().token;
    store.sessions.resume(&token, here()).unwrap()
}

/// An office with one sensitive case of two parts.
pub(super) fn office() -> (World, CaseId, Vec<UnitId>) {
    let world = World::new();
    let Process { store, .. } = world.boot().unwrap();
    for (login, role) in [
        ("admin", Role::Admin),
        ("custodian", Role::RetentionCustodian),
        ("privacy", Role::PrivacyOfficer),
        ("rights", Role::HumanRightsOfficer),
    ] {
        let invited = store.invite_founder(login, Roles::new([role]).unwrap());
        let code = SecretText::new(invited.unwrap().enrolment_code);
        let enrolled = store.enrol(login.to_owned(), code, password(), here());
        enrolled.unwrap().wait().unwrap();
    }
    let admin = enter(&store, "admin");
    let made = store.add_department(&admin, "rights".to_owned(), "인권담당관".to_owned());
    made.unwrap().wait().unwrap();
    let draft = serde_json::json!({
        "tier": "sensitive", "department": "rights", "channel": "letter", "class": "신고",
        "title": "제목", "narrative": "내용", "assignees": ["rights"],
        "people": [{"part": "petitioner", "name": "임꺽정"}]
    });
    let draft = serde_json::from_value(draft).unwrap();
    let made = store.register(&enter(&store, "rights"), draft).unwrap();
    let case: CaseId = made.wait().unwrap().id.parse().unwrap();
    let head = store.cases.head(case).unwrap().unwrap().head;
    let units = head.units.iter().map(|u| u.unit).collect();
    drop(store);
    (world, case, units)
}

fn draw(process: &Process, by: &Session, case: CaseId) -> Result<RetainedId, ServiceError> {
    let store = &process.store;
    let units = store.cases.head(case).unwrap().unwrap().head.units;
    let draw = Draw {
        kinds: Vec::new(),
        units: units.iter().map(|unit| unit.unit).collect(),
        basis: LegalBasis {
            law: "전자상거래법".to_owned(),
            article: "제6조".to_owned(),
            items: "성명".to_owned(),
            until: Timestamp::parse_rfc3339("2040-01-01T00:00:00+09:00").unwrap(),
        },
    };
    let drawn = store.retain(by, case, Purpose::Handling, &draw)?;
    Ok(drawn.wait()?.item.parse().unwrap())
}

fn original(store: &Store, case: CaseId, units: &[UnitId]) -> bool {
    units.iter().all(|unit| {
        half(store, *unit).is_some() && store.cases.unit(case, *unit).unwrap().is_some()
    })
}

/// Whether the copy is whole and opens with the custodian's key.
fn copy(store: &Store) -> bool {
    let items = store.items.all().unwrap();
    assert!(items.len() <= 1, "a copy cut short was not replaced");
    let Some(stored) = items.first() else {
        return false;
    };
    let item = &stored.item;
    if store.kept_apart(item.id).unwrap().is_none() {
        return false;
    }
    let custodian = enter(store, "custodian");
    let decided =
        store
            .authority
            .decide::<OpenRetained>(&custodian, Target::Office, Some(Purpose::Legal));
    let permit = decided.ok().unwrap();
    let kept = KeptApart {
        item: item.id,
        wraps: &item.wraps,
        units: store.items.units(item).unwrap(),
    };
    let opened = store.vault.open_apart(&permit, &custodian, &[kept]);
    let whole = opened.unwrap().bytes() > 0;
    drop(permit);
    whole
}

/// Leaves that tell of a copy.
fn entered(store: &Store) -> usize {
    let leaves = store.engine.leaves(Log::Ledger, 0, Limit::rows(100));
    let told = |leaf: &Vec<u8>| matches!(Entry::read(leaf).unwrap().event, Event::Retained(_));
    leaves.unwrap().iter().filter(|l| told(&l.leaf)).count()
}

/// Where a process dies.
#[derive(Clone, Debug)]
enum Crash {
    Live(u64, Fault),
    Apart(u64, Fault),
    Keys(u64),
}

impl Crash {
    fn commits() -> Vec<Self> {
        let at = (0..3).flat_map(|at| faults().map(|fault| (at, fault)));
        at.flat_map(|(at, fault)| [Self::Live(at, fault.clone()), Self::Apart(at, fault)])
            .collect()
    }

    fn arm(&self, world: &World, process: &Process) {
        let arm = |engine: &FaultEngine, at: u64, fault: &Fault| engine.arm(at, fault.clone());
        match self {
            Self::Live(at, fault) => arm(&process.live, *at, fault),
            Self::Apart(at, fault) => arm(&process.apart, *at, fault),
            Self::Keys(step) => world.keys.die_at(*step, Death::PowerCut),
        }
    }
}

/// Draws with a crash, draws again with another, then in peace; the order that relies on the item
/// is carried out in the same way. Tells whether the first drawing failed.
fn round(base: &(World, CaseId, Vec<UnitId>), first: &Crash, second: &Crash) -> (bool, bool) {
    let (world, case, units) = (base.0.fork(7), base.1, &base.2);
    let mut failed = false;
    for (n, crash) in [first, second].into_iter().enumerate() {
        let process = world.boot().unwrap();
        process.recover().unwrap();
        let rights = enter(&process.store, "rights");
        crash.arm(&world, &process);
        failed |= draw(&process, &rights, case).is_err() && n == 0;
        drop(process);
        world.keys.restart();
        let process = world.boot().unwrap();
        assert!(original(&process.store, case, units), "{crash:?}");
    }
    let process = world.boot().unwrap();
    process.recover().unwrap();
    let item = draw(&process, &enter(&process.store, "rights"), case).unwrap();
    assert!(original(&process.store, case, units) && copy(&process.store));
    assert_eq!(entered(&process.store), 1);
    let parts = vec![Part {
        case,
        what: What::Whole,
        kept: Some(item),
    }];
    let order: Order = order(parts);
    place(&process.store, &order);
    drop(process);

    let mut cut = false;
    for (n, crash) in [first, second].into_iter().enumerate() {
        let process = world.boot().unwrap();
        crash.arm(&world, &process);
        let _ = process.recover();
        cut |= process.store.execute(order.id).is_err() && n == 0;
        drop(process);
        world.keys.restart();
        let process = world.boot().unwrap();
        assert!(copy(&process.store), "neither is left after {crash:?}");
    }
    let process = world.boot().unwrap();
    process.recover().unwrap();
    assert_eq!(process.store.execute(order.id), Ok(Stage::Destroyed));
    assert!(!original(&process.store, case, units) && copy(&process.store));
    (failed, cut)
}

#[test]
fn a_crash_at_any_commit_leaves_the_original_or_both() {
    let base = office();
    let (mut rounds, mut failed, mut cut) = (0, 0, 0);
    let crashes = Crash::commits();
    for (n, first) in crashes.iter().enumerate() {
        // Another second one for each first one.
        let second = crashes.iter().cycle().nth(n * 5 + 1).unwrap();
        let (draw, destroy) = round(&base, first, second);
        rounds += 1;
        failed += u32::from(draw);
        cut += u32::from(destroy);
    }
    println!("{rounds} rounds, {failed} in the copy, {cut} in the destruction");
    assert!(failed >= 6 && cut >= 6, "{failed} {cut}");
}

#[test]
fn a_power_cut_in_the_keyring_leaves_the_original_or_both() {
    let base = office();
    let (mut failed, mut cut) = (0, 0);
    for step in (1..40).step_by(3) {
        let second = Crash::Keys(1 + step / 2);
        let (draw, destroy) = round(&base, &Crash::Keys(step), &second);
        failed += u32::from(draw);
        cut += u32::from(destroy);
    }
    println!("{failed} in the copy, {cut} in the destruction");
    assert!(failed > 0 && cut > 2, "{failed} {cut}");
}
