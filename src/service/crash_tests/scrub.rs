//! The pass that overwrites fails half-way, in its commits and in the engine, and is done again.

use super::keys::scene;
use super::{Truth, World, faults, told};
use crate::destruction::order::Stage;
use crate::domain::id::DestructionId;

fn destroyed() -> (World, Truth) {
    let (world, truth) = scene();
    let process = world.boot().unwrap();
    let id = truth.orders.first().unwrap().id;
    assert_eq!(process.store.execute(id), Ok(Stage::Destroyed));
    drop(process);
    (world, truth)
}

#[test]
fn a_pass_that_fails_is_done_again_and_told_once() {
    let base = destroyed();
    for first in faults() {
        for second in faults() {
            let (world, truth) = (base.0.fork(1), &base.1);
            let process = world.boot().unwrap();
            process.recover().unwrap();
            process.store.rotate_index().unwrap();
            process.live.arm(0, first.clone());
            assert!(process.store.scrub().is_err(), "{first:?}");
            truth.finished(&process.store);
            let waiting = process.store.destructions.scrub.is_wanted();
            assert!(waiting, "a failed pass is not forgotten");
            assert_eq!(process.store.destructions.scrub.progress().failures, 1);
            drop(process);

            let process = world.boot().unwrap();
            process.recover().unwrap();
            process.live.arm(0, second.clone());
            let _ = process.store.scrub();
            truth.finished(&process.store);
            drop(process);

            let process = world.boot().unwrap();
            process.recover().unwrap();
            process.store.scrub().unwrap();
            process.store.scrub().unwrap();
            truth.finished(&process.store);
            let id: DestructionId = truth.orders.first().unwrap().id;
            assert_eq!(told(&process.store).get(&id).unwrap().scrubbed, 1);
            assert_eq!(process.store.execute(id), Ok(Stage::Scrubbed));
        }
    }
}
