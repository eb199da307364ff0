//! F1: an adversary who holds every image of the disk that there ever was, every backup, every
//! password, every officer's key, every department's key and the keyring of today, after random
//! histories of registering, amending, handing on, reclassifying, searching, turning the index,
//! keeping apart, backing up, destroying and restoring.
//!
//! Two histories run always, and the operator's scan on the first of them;
//! `BONGHAM_FORENSIC=N` runs N others besides, all of them scanned.

mod adversary;
mod scan;
mod steps;

use std::path::Path;
use std::sync::Arc;

use bongham::domain::time::{SteppedClock, Timestamp};

use crate::thief::Image;
use crate::world::World;

/// A unit, the canaries in it, and the image from before its destruction.
struct Unit {
    kind: &'static str,
    canary: String,
    /// A person's.
    telephone: Option<String>,
    dead_after: Option<usize>,
    /// Whether it stood in the blind index when it died.
    indexed: bool,
}

struct Case {
    id: String,
    receipt: String,
    sensitive: bool,
    holder: &'static str,
    units: Vec<Unit>,
}

impl Case {
    fn living(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.dead_after.is_none())
    }
    /// Numbers of its living units of a kind.
    fn of_kind(&self, kind: &str) -> Vec<usize> {
        let units = self.units.iter().enumerate();
        let fits = units.filter(|(_, u)| u.dead_after.is_none() && u.kind == kind);
        fits.map(|(n, _)| n).collect()
    }
}

/// Something that another law keeps, and the canaries that were drawn.
struct Apart {
    id: String,
    canaries: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ordinary,
    Sensitive,
    Statement,
    Person,
    Reassign,
    Reclassify,
    Search,
    RotateIndex,
    RetainApart,
    Backup,
    DestroyPerson,
    DestroyNarrative,
    Restore,
    DestroyWhole,
}

struct History {
    world: World,
    clock: Arc<SteppedClock>,
    seed: u64,
    cases: Vec<Case>,
    apart: Vec<Apart>,
    images: Vec<Image>,
    backups: Vec<tempfile::TempDir>,
    destructions: usize,
    /// How many canaries there are.
    made: usize,
}

impl History {
    fn new(seed: u64) -> Self {
        let morning = Timestamp::parse_rfc3339("2026-01-05T09:00:00+09:00").unwrap();
        let clock = Arc::new(SteppedClock::at(morning));
        Self {
            world: World::with_clock(clock.clone()),
            clock,
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            cases: Vec::new(),
            apart: Vec::new(),
            images: Vec::new(),
            backups: Vec::new(),
            destructions: 0,
            made: 0,
        }
    }

    /// A number below `n` (xorshift).
    fn below(&mut self, n: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        usize::try_from(self.seed >> 33).unwrap() % n
    }

    /// Every step once, in a random order between a beginning that all need and an end that scrubs.
    fn steps(&mut self) -> Vec<Step> {
        use Step::{
            Backup, DestroyNarrative, DestroyPerson, DestroyWhole, Ordinary, Person, Reassign,
            Reclassify, Restore, RetainApart, RotateIndex, Search, Sensitive, Statement,
        };
        let mut middle = vec![
            Ordinary,
            Sensitive,
            Statement,
            Person,
            Reassign,
            Reassign,
            Reclassify,
            Search,
            RotateIndex,
            RetainApart,
            Backup,
            DestroyPerson,
            DestroyNarrative,
            Restore,
        ];
        for n in (1..middle.len()).rev() {
            let other = self.below(n + 1);
            middle.swap(n, other);
        }
        let begin = [Ordinary, Sensitive, Ordinary, Ordinary, Sensitive];
        begin
            .into_iter()
            .chain(middle)
            .chain([DestroyWhole])
            .collect()
    }

    fn run(&mut self) {
        for step in self.steps() {
            match step {
                Step::Ordinary => self.register(false),
                Step::Sensitive => self.register(true),
                Step::Statement => self.amend("addition"),
                Step::Person => self.amend("person"),
                Step::Reassign => self.reassign(),
                Step::Reclassify => self.reclassify(),
                Step::Search => self.search(),
                Step::RotateIndex => self.rotate_index(),
                Step::RetainApart => self.retain_apart(),
                Step::Backup => drop(self.backup()),
                Step::DestroyPerson => self.destroy(Some("person")),
                Step::DestroyNarrative => self.destroy(Some("narrative")),
                Step::Restore => self.restore(),
                Step::DestroyWhole => self.destroy(None),
            }
            self.images.push(Image::of(&self.world));
            self.read_all(step);
        }
    }

    /// The store and the model tell the same.
    fn read_all(&self, step: Step) {
        for case in self.cases.iter().filter(|case| case.living().count() > 0) {
            let read = self.world.read(case.holder, &case.id, "handling");
            let text = read.expect(200).to_string();
            for unit in &case.units {
                let (there, lives) = (text.contains(&unit.canary), unit.dead_after.is_none());
                assert_eq!(there, lives, "{step:?} {} of {}", unit.kind, case.id);
            }
        }
    }

    /// Every place outside of the data directory that the adversary has.
    fn everything(&self) -> Vec<&Path> {
        let backups = self.backups.iter().map(|dir| dir.path());
        self.images.iter().map(Image::path).chain(backups).collect()
    }
}

fn played(seed: u64, scanned: bool) {
    let mut history = History::new(seed);
    history.run();
    adversary::attacks(&history);
    history.world.service.close().unwrap();
    if scanned {
        scan::scans(&history);
    }
}

#[test]
fn no_image_no_password_and_no_key_brings_back_what_a_history_destroyed() {
    let more = std::env::var("BONGHAM_FORENSIC").map_or(0, |n| n.parse::<u64>().unwrap());
    for batch in (1..=2 + more).collect::<Vec<_>>().chunks(2) {
        std::thread::scope(|scope| {
            for seed in batch {
                scope.spawn(move || played(*seed, *seed == 1 || more > 0));
            }
        });
    }
}
