//! The keyring dies inside the puncture of an order, at every step of its files, and once more at
//! every step of the recovery.

use super::super::destroy_tests::{case, order, part, place};
use super::{Process, Truth, World, half};
use crate::destruction::order::{Stage, What};
use crate::domain::tier::Tier;
use crate::keyring::Death;

/// Two cases; one whole and one person of the other are ordered to die.
pub(super) fn scene() -> (World, Truth) {
    let world = World::new();
    let Process { store, .. } = world.boot().unwrap();
    let whole = case(&store, 1, Tier::Sensitive);
    let partly = case(&store, 2, Tier::Ordinary);
    let one = *partly.1.last().unwrap();
    let parts = vec![
        part(whole.0, What::Whole),
        part(partly.0, What::Units(vec![one])),
    ];
    let order = order(parts);
    place(&store, &order);
    let halves = |units: Vec<_>| {
        let known = units.into_iter();
        known.map(|u| (u, half(&store, u).unwrap())).collect()
    };
    let truth = Truth {
        orders: vec![order],
        cases: [(whole.0, halves(whole.1)), (partly.0, halves(partly.1))].into(),
    };
    drop(store);
    (world, truth)
}

/// Ends the world at step `first` of the destruction and step `second` of the recovery. Tells
/// which of the two happened.
fn round(base: &(World, Truth), death: Death, first: u64, second: u64) -> (bool, bool) {
    let (world, truth) = (base.0.fork(first * 1000 + second), &base.1);
    let id = truth.orders.first().unwrap().id;
    let process = world.boot().unwrap();
    world.keys.die_at(first, death);
    let done = process.store.execute(id).is_ok();
    drop(process);
    let struck = world.keys.restart();
    assert!(done || struck, "it failed by itself");

    world.keys.die_at(second, death);
    if let Ok(process) = world.boot() {
        truth.never_half(&process.store);
        let _ = process.recover();
    }
    let again = world.keys.restart();

    let process = world.boot().expect("recovery must succeed");
    truth.never_half(&process.store);
    process.recover().unwrap();
    assert_eq!(process.store.execute(id), Ok(Stage::Destroyed));
    truth.finished(&process.store);
    (struck, again)
}

fn everywhere(death: Death) -> u64 {
    let base = scene();
    let mut rounds = 0;
    for first in 1.. {
        let mut struck = false;
        for second in 1.. {
            rounds += 1;
            let (at_first, at_second) = round(&base, death, first, second);
            struck |= at_first;
            if !at_second || !at_first {
                break;
            }
        }
        if !struck {
            assert!(first > 8, "a puncture has more steps than {first}");
            return rounds;
        }
    }
    rounds
}

#[test]
fn a_process_may_die_in_the_keyring_and_again_in_the_recovery() {
    let rounds = everywhere(Death::Kill);
    println!("{rounds} rounds");
    assert!(rounds > 100, "{rounds}");
}

#[test]
fn the_power_may_fail_in_the_keyring_and_again_in_the_recovery() {
    let rounds = everywhere(Death::PowerCut);
    println!("{rounds} rounds");
    assert!(rounds > 100, "{rounds}");
}

/// The control: what the checks are for is found by them.
#[test]
fn the_checks_find_a_lost_unit_a_half_and_a_silent_death() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = |harm: &dyn Fn(&Process, &Truth)| {
        let (world, truth) = scene();
        let process = world.boot().unwrap();
        harm(&process, &truth);
        let check = std::panic::AssertUnwindSafe(|| truth.never_half(&process.store));
        std::panic::catch_unwind(check).is_err()
    };
    let kill = |process: &Process, units: &[_]| {
        process.store.keyring.puncture(units).unwrap();
    };
    let doomed = |truth: &Truth| -> Vec<_> {
        let order = truth.orders.first().unwrap();
        truth.doomed(order).into_iter().collect()
    };
    let nothing = found(&|_, _| ());
    let half = found(&|process, truth| kill(process, doomed(truth).get(..1).unwrap()));
    let silent = found(&|process, truth| kill(process, &doomed(truth)));
    let lost = found(&|process, truth| {
        let all = truth.cases.values().flat_map(|units| units.keys());
        let living = |u: &&crate::domain::id::UnitId| !doomed(truth).contains(u);
        kill(process, &[*all.into_iter().find(living).unwrap()]);
    });
    std::panic::set_hook(hook);
    assert_eq!([nothing, half, silent, lost], [false, true, true, true]);
}
