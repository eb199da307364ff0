//! A restore that dies behind any of its steps, and its recovery behind any: the same command ends it,
//! the store opens for nobody before, and nothing that died is back.

use std::path::Path;
use std::sync::Arc;

use super::scene::{Scene, copy, opened, secret, settings, words};
use super::*;
use crate::domain::random::SystemSource;
use crate::domain::time::SystemClock;

const STEPS: [Step; 16] = [
    Step::Copied,
    Step::CopiedApart,
    Step::Brought,
    Step::Marked,
    Step::Placed,
    Step::Taught,
    Step::Skipped,
    Step::Punctured,
    Step::Kept,
    Step::Swept,
    Step::LetIn,
    Step::HeldBack,
    Step::Withdrawn,
    Step::Relisted,
    Step::Entered,
    Step::Finished,
];

/// Pairs of steps that are tried in ordinary runs: every first one with one second.
fn pairs() -> Vec<(usize, usize)> {
    let all = STEPS.len();
    if std::env::var("BONGHAM_RESTORE_CRASHES").is_ok() {
        return (0..all)
            .flat_map(|a| (0..all).map(move |b| (a, b)))
            .collect();
    }
    (0..all)
        .map(|first| (first, (first * 5 + 3) % all))
        .collect()
}

/// One try that dies behind a step; tells whether it came that far.
fn dies(settings: &Settings, request: &Request, at: Step) -> bool {
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    let crash = || ServiceError::Internal("a crash".to_owned());
    let behind = |step| if step == at { Err(crash()) } else { Ok(()) };
    let by = (Arc::new(random) as _, Arc::new(clock) as _);
    let ended = restore_in_steps(settings, &secret(), request, by, &behind);
    ended.err() == Some(crash())
}

fn mark(at: &Path) -> Option<Restoring> {
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    let keyring = Keyring::open(at, &secret(), Arc::new(random), Arc::new(clock));
    keyring.unwrap().restoring()
}

/// Whether the restore is over. Until it is, the data opens for nobody.
fn over(settings: &Settings) -> bool {
    if settings.data.exists() && mark(&settings.keyring).is_none() {
        return true;
    }
    assert!(opened(settings).is_err(), "it opens half-way");
    false
}

/// Dies twice and is ended; gives whether the second crash struck.
fn twice(scene: &Scene, settings: &Settings, request: &Request, at: [Step; 2]) -> bool {
    let [first, second] = at;
    assert!(dies(settings, request, first), "{first:?}");
    let again = !over(settings) && dies(settings, request, second);
    if !over(settings) {
        let (random, clock) = (SystemSource::default(), SystemClock::default());
        let (random, clock) = (Arc::new(random), Arc::new(clock));
        restore(settings, &secret(), request, random, clock).unwrap();
    }
    assert!(mark(&settings.keyring).is_none());
    scene.check_store(&opened(settings).unwrap());
    again
}

/// Every pair of steps on copies of one keyring.
fn try_all(scene: &Scene, request: &Request, make: &dyn Fn(&Path)) {
    let mut struck = 0;
    let pairs = pairs();
    for (n, (first, second)) in pairs.iter().enumerate() {
        let keyring = format!("keyring-{n}");
        let settings = settings(scene.dir.path(), &format!("new-{n}"), &keyring);
        make(&settings.keyring);
        let at = [STEPS[*first], STEPS[*second]];
        struck += usize::from(twice(scene, &settings, request, at));
        std::fs::remove_dir_all(&settings.data).unwrap();
        std::fs::remove_dir_all(&settings.keyring).unwrap();
    }
    assert!(struck * 3 > pairs.len(), "few second crashes: {struck}");
}

#[test]
fn a_restore_that_dies_twice_anywhere_ends_as_one_that_did_not() {
    let scene = Scene::new();
    let request = scene.request(true);
    let present = scene.dir.path().join("keyring");
    try_all(&scene, &request, &|to| copy(&present, to));
}

#[test]
fn so_does_one_with_a_keyring_out_of_a_copy() {
    let scene = Scene::new();
    let make = |to: &Path| {
        unpack_keyring(to, &scene.capsule, &words()).unwrap();
    };
    try_all(&scene, &scene.request(true), &make);
}
