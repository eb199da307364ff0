//! Random histories: orders of one person, of whole cases and of batches, cut short at a random
//! commit or a random step of the keyring, twice. `BONGHAM_DESTROY_CRASHES=2000` for a long run.

use super::super::destroy_tests::{case, order, part, place};
use super::{Process, Truth, World, faults, half};
use crate::destruction::order::{Order, Part, Stage, What};
use crate::domain::id::{CaseId, DestructionId, UnitId};
use crate::domain::tier::Tier;
use crate::keyring::Death;

/// Rounds of an ordinary run.
const ROUNDS: u64 = 60;

/// A repeatable generator (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// How often each kind of crash struck.
#[derive(Debug, Default)]
struct Struck {
    commits: u64,
    keys: u64,
    second: u64,
}

fn share(dice: &mut Dice, case: CaseId, units: &[UnitId]) -> Part {
    let what = match dice.below(3) {
        0 => What::Whole,
        1 => What::Units(vec![*units.get(1).unwrap()]),
        _ => What::Units(units.get(1..).unwrap().to_vec()),
    };
    part(case, what)
}

/// One to three orders over six cases, each of one to three of them.
fn scene(dice: &mut Dice) -> (World, Truth) {
    let world = World::new();
    let Process { store, .. } = world.boot().unwrap();
    let mut truth = Truth {
        orders: Vec::new(),
        cases: [].into(),
    };
    let mut free = Vec::new();
    for n in 1..=6 {
        let tier = [Tier::Ordinary, Tier::Sensitive][usize::from(dice.below(2) == 0)];
        let (case, units) = case(&store, n, tier);
        let halves = units.iter().map(|u| (*u, half(&store, *u).unwrap()));
        truth.cases.insert(case, halves.collect());
        free.push((case, units));
    }
    for n in 0..=u8::try_from(dice.below(3)).unwrap() {
        let cases = usize::try_from(1 + dice.below(3)).unwrap();
        let parts = free.drain(free.len().saturating_sub(cases)..);
        let parts: Vec<Part> = parts.map(|(id, units)| share(dice, id, &units)).collect();
        if parts.is_empty() {
            break;
        }
        let order = Order {
            id: DestructionId::from_bytes([n + 1; 16]),
            ..order(parts)
        };
        place(&store, &order);
        truth.orders.push(order);
    }
    drop(store);
    (world, truth)
}

/// Where a process is to die.
enum Crash {
    Commit(u64, usize),
    Keys(u64, Death),
}

fn crash(dice: &mut Dice, commits: u64, steps: u64) -> Crash {
    if dice.below(2) == 0 {
        Crash::Commit(dice.below(commits), usize::try_from(dice.below(3)).unwrap())
    } else {
        let death = [Death::Kill, Death::PowerCut][usize::from(dice.below(2) == 0)];
        Crash::Keys(1 + dice.below(steps), death)
    }
}

/// A life of a process that is to be cut short: executes, resumes and overwrites what it can.
/// Tells whether a crash struck, in a commit and in the keyring.
fn live(world: &World, truth: &Truth, crash: &Crash) -> (bool, bool) {
    if let Crash::Keys(step, death) = crash {
        world.keys.die_at(*step, *death);
    }
    let mut at_commit = false;
    if let Ok(process) = world.boot() {
        if let Crash::Commit(pass, fault) = crash {
            process
                .live
                .arm(*pass, faults().get(*fault).unwrap().clone());
        }
        let before = process.live.commits();
        let mut going = process.recover().is_ok();
        for order in &truth.orders {
            going = going && process.store.execute(order.id).is_ok();
        }
        if going {
            let _ = process.store.rotate_index();
            let _ = process.store.scrub();
        }
        if let Crash::Commit(pass, _) = crash {
            at_commit = process.live.commits() - before > *pass;
        }
    }
    (at_commit, world.keys.restart())
}

fn round(seed: u64, struck: &mut Struck) {
    let mut dice = Dice(seed);
    let (world, truth) = scene(&mut dice);
    let orders = truth.orders.len() as u64;
    let first = crash(&mut dice, 3 * orders, 30 * orders);
    let (commit, keys) = live(&world, &truth, &first);
    struck.commits += u64::from(commit);
    struck.keys += u64::from(keys);
    if let Ok(process) = world.boot() {
        truth.never_half(&process.store);
    }
    let second = crash(&mut dice, 3 * orders, 45 * orders);
    let (commit, keys) = live(&world, &truth, &second);
    struck.second += u64::from(commit || keys);

    let process = world.boot().expect("recovery must succeed");
    truth.never_half(&process.store);
    process.recover().unwrap();
    for order in &truth.orders {
        let stage = process.store.execute(order.id).unwrap();
        assert!(stage >= Stage::Destroyed);
    }
    truth.finished(&process.store);
    process.store.rotate_index().unwrap();
    process.store.scrub().unwrap();
    truth.finished(&process.store);
    for order in &truth.orders {
        assert_eq!(process.store.execute(order.id), Ok(Stage::Scrubbed));
    }
}

#[test]
fn random_orders_cut_short_twice_are_never_half() {
    let set = std::env::var("BONGHAM_DESTROY_CRASHES").ok();
    let rounds = set.map_or(ROUNDS, |text| {
        text.parse().expect("BONGHAM_DESTROY_CRASHES is a number")
    });
    let from = std::env::var("BONGHAM_DESTROY_SEED").ok();
    let from = from.map_or(1, |text| text.parse::<u64>().expect("a number"));
    let mut struck = Struck::default();
    for seed in from..from + rounds {
        let run = std::panic::AssertUnwindSafe(|| round(seed, &mut struck));
        if let Err(panic) = std::panic::catch_unwind(run) {
            println!("BONGHAM_DESTROY_SEED={seed} BONGHAM_DESTROY_CRASHES=1 shows it again");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{rounds} rounds, {struck:?}");
    if rounds >= ROUNDS {
        let least = struck.commits.min(struck.keys).min(struck.second);
        assert!(least > rounds / 8, "too few crashes struck: {struck:?}");
    }
}
