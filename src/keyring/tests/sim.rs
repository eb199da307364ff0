//! A disk in memory that keeps only what it promised, can be stopped at any step, and remembers
//! for a thief everything that ever lay on it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use crate::keyring::storage::{BUCKETS, HERE, Storage};

/// A small repeatable generator (xorshift) for the choices of a disk.
#[derive(Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// What happens at a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// The process dies; what it wrote so far stays.
    Kill,
    /// The power fails; what was not synced stays in part, or not at all.
    PowerCut,
    /// This one step fails, perhaps half done; the process lives on.
    Once(io::ErrorKind),
    /// This step and all after it fail, until the disk is mended.
    From(io::ErrorKind),
}

#[derive(Clone, Default)]
struct File {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What the last sync made sure of.
    synced: Vec<u8>,
    /// Whether the name outlives a power cut.
    named: bool,
}

#[derive(Clone)]
struct State {
    files: BTreeMap<String, File>,
    /// Removed since the last sync of their folder.
    removed: BTreeMap<String, File>,
    dice: Dice,
    steps: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    /// A disk that says it synced and did not: the control that power cuts do bite.
    lies: bool,
    ever: Vec<(String, Vec<u8>)>,
}

pub(super) struct SimDisk(Mutex<State>);

impl SimDisk {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            dice: Dice::new(seed),
            steps: 0,
            fault: None,
            dead: false,
            lies: false,
            ever: Vec::new(),
        })))
    }
    /// Another disk in the same state, whose later choices follow `seed`.
    pub(super) fn fork(&self, seed: u64) -> Arc<Self> {
        let mut state = self.0.lock().unwrap().clone();
        state.dice = Dice::new(seed);
        Arc::new(Self(Mutex::new(state)))
    }
    pub(super) fn lying(self: Arc<Self>) -> Arc<Self> {
        self.0.lock().unwrap().lies = true;
        self
    }
    /// `fault` is to happen at the `step`-th step from now, the first being 1.
    pub(super) fn fail_at(&self, step: u64, fault: Fault) {
        let mut state = self.0.lock().unwrap();
        state.steps = 0;
        state.fault = Some((step, fault));
    }
    /// Whether the fault that was asked for has happened.
    pub(super) fn struck(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.fault.is_some_and(|(step, _)| state.steps >= step)
    }
    /// No more faults. `true` if the one that was asked for has happened.
    pub(super) fn mend(&self) -> bool {
        let mut state = self.0.lock().unwrap();
        state
            .fault
            .take()
            .is_some_and(|(step, _)| state.steps >= step)
    }
    /// The disk as the next process finds it.
    pub(super) fn restart(&self) {
        let mut state = self.0.lock().unwrap();
        let fault = state.fault.take();
        if matches!(fault, Some((_, Fault::PowerCut))) {
            state.lose_power();
        }
        state.dead = false;
    }
    /// Everything now on the disk.
    pub(super) fn now(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.0.lock().unwrap();
        let now = state.files.iter();
        now.map(|(name, file)| (name.clone(), file.seen.clone()))
            .collect()
    }
    /// Everything that was ever on the disk, torn writes included.
    pub(super) fn ever(&self) -> Vec<(String, Vec<u8>)> {
        self.0.lock().unwrap().ever.clone()
    }
    /// Changes a file behind the keyring's back.
    pub(super) fn tamper(&self, name: &str, with: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock().unwrap();
        let file = state.files.get_mut(name).unwrap();
        with(&mut file.seen);
        file.synced.clone_from(&file.seen);
    }
    /// Takes a file away behind the keyring's back.
    pub(super) fn lose(&self, name: &str) {
        self.0.lock().unwrap().files.remove(name).unwrap();
    }
}

/// `new` written over `old`: not at all, in full, the first pieces of 16 bytes, or any.
fn torn(old: &[u8], new: &[u8], dice: &mut Dice) -> Vec<u8> {
    match dice.below(4) {
        0 => return old.to_vec(),
        1 => return new.to_vec(),
        _ => {}
    }
    let length = if dice.coin() { old.len() } else { new.len() };
    let pieces = u64::try_from(length.div_ceil(16)).unwrap();
    let (upto, any) = (dice.below(pieces + 1), dice.coin());
    let mut bytes = Vec::with_capacity(length);
    for piece in 0..pieces {
        let take_new = if any { dice.coin() } else { piece < upto };
        let at = usize::try_from(piece).unwrap() * 16;
        for at in at..(at + 16).min(length) {
            let (first, second) = if take_new { (new, old) } else { (old, new) };
            bytes.push(*first.get(at).or(second.get(at)).unwrap());
        }
    }
    bytes
}

impl State {
    /// Counts one step. `Ok(true)`: do it. `Ok(false)`: do a part of it, then fail.
    fn step(&mut self) -> io::Result<bool> {
        if self.dead {
            return Err(io::Error::other("the process is dead"));
        }
        self.steps += 1;
        match self.fault {
            Some((at, Fault::From(kind))) if self.steps > at => Err(kind.into()),
            Some((at, fault)) if self.steps == at => {
                self.dead = matches!(fault, Fault::Kill | Fault::PowerCut);
                Ok(false)
            }
            _ => Ok(true),
        }
    }
    fn error(&self) -> io::Error {
        match self.fault {
            Some((_, Fault::Once(kind) | Fault::From(kind))) => kind.into(),
            _ => io::Error::other("the world stopped"),
        }
    }
    fn end(&self, whole: bool) -> io::Result<()> {
        if whole { Ok(()) } else { Err(self.error()) }
    }
    fn lose_power(&mut self) {
        let mut files = std::mem::take(&mut self.files);
        for (name, file) in std::mem::take(&mut self.removed) {
            if self.dice.coin() {
                files.entry(name).or_insert(file);
            }
        }
        for (name, mut file) in files {
            if !file.named && self.dice.coin() {
                continue;
            }
            file.seen = match self.dice.below(3) {
                0 => file.synced.clone(),
                1 => file.seen,
                _ => torn(&file.synced, &file.seen, &mut self.dice),
            };
            file.synced.clone_from(&file.seen);
            file.named = true;
            self.ever.push((name.clone(), file.seen.clone()));
            self.files.insert(name, file);
        }
    }
}

fn folder_of(name: &str) -> &str {
    if name.starts_with(BUCKETS) {
        BUCKETS
    } else {
        HERE
    }
}

impl Storage for SimDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.0.lock().unwrap();
        let whole = state.step()?;
        state.end(whole)?;
        Ok(state.files.get(name).map(|file| file.seen.clone()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let whole = state.step()?;
        let mut file = state.files.remove(name).unwrap_or_default();
        file.seen = if whole {
            bytes.to_vec()
        } else {
            torn(&file.seen, bytes, &mut state.dice)
        };
        state.ever.push((name.to_owned(), file.seen.clone()));
        state.files.insert(name.to_owned(), file);
        state.end(whole)
    }

    fn sync(&self, names: &[&str]) -> io::Result<()> {
        for name in names {
            let mut state = self.0.lock().unwrap();
            let whole = state.step()?;
            state.end(whole)?;
            let lies = state.lies;
            let file = state.files.get_mut(*name).ok_or(io::ErrorKind::NotFound)?;
            if !lies {
                file.synced.clone_from(&file.seen);
            }
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let whole = state.step()?;
        state.end(whole)?;
        state.removed.retain(|name, _| folder_of(name) != folder);
        for (name, file) in &mut state.files {
            file.named |= folder_of(name) == folder;
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let whole = state.step()?;
        state.end(whole)?;
        if let Some(file) = state.files.remove(name).filter(|file| file.named) {
            state.removed.insert(name.to_owned(), file);
        }
        Ok(())
    }

    fn blobs(&self) -> io::Result<Vec<String>> {
        let mut state = self.0.lock().unwrap();
        let whole = state.step()?;
        state.end(whole)?;
        let names = state.files.keys().filter(|name| folder_of(name) == BUCKETS);
        Ok(names.cloned().collect())
    }
}
