//! A thief who has everything that ever lay on the disk, the passphrase and the keyring of
//! today. What was punctured must stay dead; one old slot is what makes the difference.

use std::collections::BTreeSet;

use super::sim::{Dice, Fault, SimDisk};
use super::*;
use crate::domain::id::UnitId;
use crate::domain::secret::Secret;
use crate::domain::tier::{Tier, UnitKind};
use crate::keyring::bucket::{open_blob, whole_tree};
use crate::keyring::effaceable::Effaceable;
use crate::keyring::ggm::Tree;
use crate::keyring::puncture::Holder;
use crate::keyring::root::{Body, Header};
use crate::keyring::storage::Side;
use crate::keyring::unseal::Unseal;

type Image = Vec<(String, Vec<u8>)>;

fn holder(disk: &Arc<SimDisk>) -> Holder {
    let mut holder = Holder::new(Arc::clone(disk) as _, random());
    holder.root_bytes = 2048;
    holder
}

/// Every secret that stands in a slot image, were it only in part whole.
fn slot_secrets(slots: &Image) -> Vec<Secret<32>> {
    let secrets = slots.iter().filter(|(name, _)| name.starts_with('e'));
    secrets
        .filter_map(|(_, bytes)| Secret::from_slice(bytes.get(6..38)?))
        .collect()
}

/// All trees that can be reached: every root image under every slot, every blob image under
/// every bucket key, whatever the roots say about which belongs to which.
fn reachable(images: &Image, slots: &Image, unseal: &UnsealSecret) -> Vec<(u32, Tree)> {
    let mut trees = Vec::new();
    let secrets = slot_secrets(slots);
    let roots = images.iter().filter(|(name, _)| name.starts_with('r'));
    let distinct: BTreeSet<&[u8]> = roots.map(|(_, bytes)| bytes.as_slice()).collect();
    for file in distinct {
        let Ok(header) = Header::parse(file) else {
            continue;
        };
        let key = Unseal::derive(unseal, header.terms).unwrap();
        for body in secrets
            .iter()
            .filter_map(|slot| Body::open(file, &header, &key, slot))
        {
            for row in &body.buckets {
                let key = Secret::new(row.key);
                trees.push((row.id, whole_tree(row.id, &key)));
                let Some(blob) = row.blob else { continue };
                for (_, bytes) in images
                    .iter()
                    .filter(|(name, _)| name.starts_with("buckets"))
                {
                    trees.extend(open_blob(row.id, &key, &blob, bytes).map(|tree| (row.id, tree)));
                }
            }
        }
    }
    trees
}

fn recovered(trees: &[(u32, Tree)], units: &[(UnitId, [u8; 32])]) -> usize {
    let opens = |unit: UnitId, key: &[u8; 32]| {
        trees.iter().any(|(id, tree)| {
            let found = tree.derive(unit.slot()).filter(|_| *id == unit.bucket());
            found.is_some_and(|found| found.expose() == key)
        })
    };
    units.iter().filter(|(unit, key)| opens(*unit, key)).count()
}

struct History {
    keyring: Keyring,
    disk: Arc<SimDisk>,
    dead: Vec<(UnitId, [u8; 32])>,
    live: Vec<(UnitId, [u8; 32])>,
    /// The slots as they were before the last puncture.
    slots_before: Image,
}

fn units(keyring: &Keyring, kinds: &[UnitKind], each: usize) -> Vec<(UnitId, [u8; 32])> {
    let mut all = Vec::new();
    for kind in kinds {
        for _ in 0..each {
            let unit = keyring.allocate(Tier::Sensitive, *kind).unwrap();
            all.push((
                unit,
                *keyring.shred_half(unit).ok().unwrap().secret().expose(),
            ));
        }
    }
    all
}

/// Units registered, destroyed, crashed and restarted in an order that `seed` chooses, and at
/// last one puncture in full.
fn history(seed: u64, holder: impl Fn(&Arc<SimDisk>) -> Holder) -> History {
    let mut dice = Dice::new(seed);
    let disk = SimDisk::new(seed);
    let mut keyring = Keyring::init_on(holder(&disk), &secret("known"), COST, clock()).unwrap();
    let mut live = Vec::new();
    let mut doomed: Vec<(UnitId, [u8; 32])> = Vec::new();
    for _ in 0..4 {
        live.extend(units(&keyring, &[UnitKind::Narrative, UnitKind::Person], 8));
        for _ in 0..5 {
            let at = usize::try_from(dice.below(live.len() as u64)).unwrap();
            doomed.push(live.swap_remove(at));
        }
        let ids: Vec<UnitId> = doomed.iter().map(|(unit, _)| *unit).collect();
        let fault = if dice.below(2) == 0 {
            Fault::Kill
        } else {
            Fault::PowerCut
        };
        disk.fail_at(1 + dice.below(30), fault);
        let _ = keyring.puncture(&ids);
        disk.restart();
        keyring = Keyring::open_on(holder(&disk), &secret("known"), clock()).unwrap();
        keyring.puncture(&ids).unwrap();
    }
    let slots_before = disk.now();
    let last = live.pop().unwrap();
    keyring.puncture(&[last.0]).unwrap();
    doomed.push(last);
    History {
        keyring,
        disk,
        dead: doomed,
        live,
        slots_before,
    }
}

#[test]
fn all_that_ever_lay_on_the_disk_opens_nothing_that_was_punctured() {
    for seed in 0..12 {
        let past = history(seed, holder);
        let (ever, now) = (past.disk.ever(), past.disk.now());
        assert!(ever.len() > 60, "the thief has a great many images");
        let trees = reachable(&ever, &now, &secret("known"));
        assert_eq!(recovered(&trees, &past.dead), 0);
        assert_eq!(
            recovered(&trees, &past.live),
            past.live.len(),
            "the thief is able"
        );
        for (unit, _) in &past.dead {
            assert!(past.keyring.shred_half(*unit).is_err());
        }
    }
}

#[test]
fn one_slot_from_before_the_puncture_opens_it() {
    let past = history(1, holder);
    let trees = reachable(&past.disk.ever(), &past.slots_before, &secret("known"));
    let last = past.dead.len() - 1;
    assert_eq!(recovered(&trees, &past.dead[last..]), 1);
    assert_eq!(
        recovered(&trees, &past.dead[..last]),
        0,
        "what died earlier stays dead"
    );
}

#[test]
fn without_the_passphrase_even_the_live_stay_closed() {
    let past = history(1, holder);
    let trees = reachable(&past.disk.ever(), &past.disk.ever(), &secret("guessed"));
    assert_eq!(recovered(&trees, &past.live), 0);
    let trees = reachable(&past.disk.ever(), &past.disk.ever(), &secret("known"));
    let all = past.dead.len();
    assert_eq!(
        recovered(&trees, &past.dead),
        all,
        "every slot there ever was opens everything"
    );
}

/// From the moment the commit point has passed, not from the puncture's return.
#[test]
fn a_crash_after_the_commit_point_brings_nothing_back() {
    let base = SimDisk::new(5);
    let keyring = Keyring::init_on(holder(&base), &secret("known"), COST, clock()).unwrap();
    let all = units(&keyring, &[UnitKind::Narrative], 4);
    drop(keyring);
    let (mut before, mut after) = (0, 0);
    for step in 1..60 {
        let disk = base.fork(step);
        let keyring = Keyring::open_on(holder(&disk), &secret("known"), clock()).unwrap();
        let old = disk.now();
        disk.fail_at(step, Fault::Kill);
        let done = keyring.puncture(&[all[0].0]).is_ok();
        let trees = reachable(&disk.ever(), &disk.now(), &secret("known"));
        let committed = {
            let slot = |image: &Image, name: &str| {
                image
                    .iter()
                    .find(|(n, _)| n == name)
                    .map(|(_, bytes)| bytes.clone())
            };
            let live = Side::of(keyring_version(&old)).slot();
            slot(&old, live) != slot(&disk.now(), live)
        };
        let whole = recovered(&trees, &all[..1]);
        if done {
            assert_eq!(whole, 0);
        }
        assert!(
            committed || whole == 1,
            "before the commit point nothing is lost"
        );
        before += usize::from(!committed);
        after += usize::from(committed && whole == 0);
        assert_eq!(recovered(&trees, &all[1..]), 3);
    }
    assert!(before > 5 && after > 5, "{before} {after}");
}

fn keyring_version(image: &Image) -> u64 {
    let roots = image.iter().filter(|(name, _)| name.starts_with('r'));
    let versions = roots.filter_map(|(_, bytes)| Header::parse(bytes).ok());
    versions.map(|header| header.version).max().unwrap()
}

/// Slots outside of the folder, as in a TPM or on a token: no image of the disk has them.
#[derive(Default)]
struct TokenSlots([std::sync::Mutex<Option<Secret<32>>>; 2]);

impl TokenSlots {
    fn slot(&self, side: Side) -> std::sync::MutexGuard<'_, Option<Secret<32>>> {
        self.0[usize::from(side == Side::Odd)].lock().unwrap()
    }
}

impl Effaceable for Arc<TokenSlots> {
    fn store(&self, side: Side, secret: &Secret<32>) -> Result<(), KeyringError> {
        *self.slot(side) = Some(secret.duplicate());
        Ok(())
    }
    fn load(&self, side: Side) -> Result<Option<Secret<32>>, KeyringError> {
        Ok(self.slot(side).as_ref().map(Secret::duplicate))
    }
    fn efface(&self, side: Side) -> Result<(), KeyringError> {
        *self.slot(side) = None;
        Ok(())
    }
}

#[test]
fn with_slots_on_a_token_no_disk_image_of_any_age_opens_anything() {
    let token = Arc::new(TokenSlots::default());
    let past = history(3, |disk| Holder {
        slots: Box::new(Arc::clone(&token)),
        ..holder(disk)
    });
    assert!(
        past.live
            .iter()
            .all(|(unit, _)| past.keyring.shred_half(*unit).is_ok())
    );
    let ever = past.disk.ever();
    let trees = reachable(&ever, &ever, &secret("known"));
    assert_eq!(
        recovered(&trees, &past.dead) + recovered(&trees, &past.live),
        0
    );
}
