//! `bongham forensic-scan`: looks on any disk for what should not be there any more, as a thief
//! would who holds the keyring, and tells the operator what such a thief finds.
//!
//! | found | under the data directory | elsewhere |
//! |---|---|---|
//! | a destroyed unit's key | violation | violation |
//! | the search index's key of a destruction that is said to be over | violation | violation |
//! | its sealed bytes or rows of the index, said to be overwritten | violation | note: an old copy, which nothing opens |
//! | its sealed bytes, not overwritten yet | note | note |
//! | a text that was searched for | violation | violation |
//! | an envelope outside every journal | note | note |
//! | a file that cannot be read | violation | violation |
//!
//! Files are named by path and offset; no text and no plaintext is ever told. Known limits: rows
//! are recognised in whole frames, and by their hash in stored bytes as they are; what is compressed
//! or encrypted by others is not seen; nor is what a drive keeps behind its own sectors.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ServiceError;
use super::forensic_files::{Envelopes, Files, Home, Needles};
use super::forensic_known::{Dead, Fate, Found, Known, Whose};
use super::open;
use super::repair::Findings;
use super::seal::Settings;
use crate::domain::random::Random;
use crate::domain::secret::SecretBytes;
use crate::domain::time::Clock;
use crate::engine::Space;
use crate::engine::embedded::carve::{Carved, Carver};
use crate::keyring::{ServerKey, UnsealSecret};

/// A text to be searched for, in one of the forms in which it may stand in a file.
pub struct Needle {
    /// Its line in the list of texts, from 1: all that is told of it.
    pub line: usize,
    /// The form, such as `UTF-16LE`.
    pub form: &'static str,
    /// The bytes.
    pub bytes: SecretBytes,
}

/// What to look through, and for what.
pub struct Request {
    /// Directories, files or devices.
    pub places: Vec<PathBuf>,
    /// Texts that may stand nowhere.
    pub needles: Vec<Needle>,
    /// Told bytes done and bytes in all.
    pub progress: Box<dyn Fn(u64, u64) + Send>,
}

/// Hits told of one file; the rest is counted.
const HITS_MAX: usize = 100;

/// What was seen in all files.
#[derive(Default)]
struct Sum {
    bytes: u64,
    /// Bytes read, each as often as it was read.
    read: u64,
    groups: u64,
    rows: u64,
    erased: u64,
    living: u64,
    other: u64,
    dead_rows: u64,
    dead_units: BTreeSet<u64>,
}

struct Scan<'a> {
    known: Known,
    live: Carver,
    apart: Carver,
    needles: Needles<'a>,
    home: Home,
    progress: &'a dyn Fn(u64, u64),
    all: u64,
}

/// Opens the store for what ledger, heads and keyring say, closes it, and reads every byte of every
/// file. That it was done is an entry of the access log.
///
/// # Errors
/// What opening a store says. What cannot be read of the places is a violation, no error.
pub fn scan(
    settings: &Settings,
    secret: &UnsealSecret,
    request: &Request,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Findings, ServiceError> {
    let store = open::open(settings, secret, random, clock)?;
    store.note("forensic-scan")?;
    let mut findings = Findings::default();
    let known = Known::of(&store, &mut findings)?;
    let carver = |key| {
        let made = Carver::new(&store.keyring.server_key(key));
        made.ok_or_else(|| ServiceError::Internal("no carver".to_owned()))
    };
    let live = carver(ServerKey::Journal)?;
    let apart = carver(ServerKey::RetainedJournal)?;
    store.close()?;
    drop(store);
    let files = Files::below(&request.places);
    let scan = Scan {
        known,
        live,
        apart,
        needles: Needles::new(&request.needles),
        home: Home::new(&settings.data)?,
        progress: &request.progress,
        all: files.bytes().saturating_mul(2),
    };
    scan.files(&files, &mut findings);
    Ok(findings)
}

impl Scan<'_> {
    fn files(&self, files: &Files, findings: &mut Findings) {
        findings.violations.extend(files.unread.iter().cloned());
        let mut sum = Sum::default();
        for (path, _) in &files.files {
            if let Err(error) = self.file(path, &mut sum, findings) {
                let why = error.kind();
                let unread = format!("{}: not read to its end: {why}", path.display());
                findings.violations.push(unread);
            }
        }
        let told = [
            format!(
                "files: {}, bytes: {}, skipped as no files: {}",
                files.files.len(),
                sum.bytes,
                files.skipped
            ),
            format!(
                "groups of the journals: {}, rows: {}, values erased: {}",
                sum.groups, sum.rows, sum.erased
            ),
            format!(
                "rows of living units: {}, of destroyed units: {} (units: {}), of units superseded: {}",
                sum.living,
                sum.dead_rows,
                sum.dead_units.len(),
                sum.other
            ),
        ];
        findings.lines.extend(told);
    }

    fn file(&self, path: &Path, sum: &mut Sum, findings: &mut Findings) -> io::Result<()> {
        let spot = Spot {
            path,
            at_home: self.home.holds(path),
        };
        let mut raw = Raw::default();
        self.needles
            .look(path.as_os_str().as_encoded_bytes(), |_, needle| {
                raw.named.insert((needle.line, needle.form));
            });
        let mut dead = Vec::new();
        let seen = self.carve(
            (&self.live, Whose::Live),
            path,
            sum,
            &mut dead,
            |base, bytes| {
                self.look(base, bytes, &mut raw);
            },
        )?;
        sum.bytes += seen;
        let apart = (&self.apart, Whose::Apart);
        self.carve(apart, path, sum, &mut dead, |_, _| ())?;
        for (offset, unit) in dead {
            self.left(&spot, "row", offset, unit, sum, findings);
        }
        self.tell(&spot, &raw, sum, findings);
        Ok(())
    }

    /// Carves a file for one store's rows; gives its length.
    fn carve<'s>(
        &'s self,
        (carver, whose): (&Carver, Whose),
        path: &Path,
        sum: &mut Sum,
        dead: &mut Vec<(u64, &'s Dead)>,
        mut bytes: impl FnMut(u64, &[u8]),
    ) -> io::Result<u64> {
        let (mut living, mut other) = (0, 0);
        let before = sum.read;
        let row = |row: Carved<'_>| {
            // The key of a removal tells nothing once the index's key of its time is gone.
            let Some(value) = row.value else { return };
            match self.known.row(whose, row.space, row.key, value) {
                Found::Living => living += 1,
                Found::Dead(unit) => dead.push((row.offset, unit)),
                Found::Other => other += u64::from(row.space == Space::Unit),
            }
        };
        let seen = carver.carve(File::open(path)?, row, |base, stretch| {
            bytes(base, stretch);
            let read = before + base + stretch.len() as u64;
            (self.progress)(read.min(self.all), self.all);
        })?;
        sum.read += seen.bytes;
        sum.groups += seen.groups;
        sum.rows += seen.rows;
        sum.erased += seen.erased;
        sum.living += living;
        sum.other += other;
        Ok(seen.bytes)
    }

    /// Texts and envelopes in bytes as they are.
    fn look<'s>(&'s self, base: u64, bytes: &[u8], raw: &mut Raw<'s>) {
        let Raw {
            hits, envelopes, ..
        } = raw;
        self.needles.look(bytes, |at, needle| {
            hits.insert((base + at as u64, needle.line, needle.form));
        });
        envelopes.look(base, bytes, |at, stored| {
            match stored.and_then(|stored| self.known.bytes(stored)) {
                Some(unit) => raw.stored.push((at, unit)),
                None => raw.strange.push(at),
            }
        });
    }

    fn tell(&self, spot: &Spot<'_>, raw: &Raw<'_>, sum: &mut Sum, findings: &mut Findings) {
        for (offset, unit) in &raw.stored {
            self.left(
                spot,
                "sealed bytes outside a journal",
                *offset,
                unit,
                sum,
                findings,
            );
        }
        let path = spot.path.display();
        for offset in raw.strange.iter().copied().chain(raw.envelopes.torn()) {
            findings.lines.push(format!(
                "note: {path} at byte {offset}: an envelope outside a journal"
            ));
        }
        for (line, form) in &raw.named {
            let below = spot.path.parent().unwrap_or(spot.path).display();
            findings.violations.push(format!(
                "the name of a file or directory in or above {below}: text {line} as {form}"
            ));
        }
        for (offset, line, form) in raw.hits.iter().take(HITS_MAX) {
            findings
                .violations
                .push(format!("{path} at byte {offset}: text {line} as {form}"));
        }
        if let Some(more @ 1..) = raw.hits.len().checked_sub(HITS_MAX) {
            findings
                .violations
                .push(format!("{path}: {more} more hits of these texts"));
        }
    }

    /// What is left of a destroyed unit.
    fn left(
        &self,
        spot: &Spot<'_>,
        what: &str,
        offset: u64,
        dead: &Dead,
        sum: &mut Sum,
        findings: &mut Findings,
    ) {
        sum.dead_rows += 1;
        sum.dead_units.insert(dead.unit.as_u64());
        let fate = self.known.fate(dead);
        let how = match fate {
            Fate::Begun => "its destruction has begun",
            Fate::Destroyed => "destroyed, not overwritten yet",
            Fate::Scrubbed if spot.at_home => "destroyed, and said to be overwritten",
            Fate::Scrubbed => "destroyed; this is an older copy",
        };
        let found = format!(
            "{} at byte {offset}: {what} of unit {} of destruction {}: {how}",
            spot.path.display(),
            dead.unit.as_u64(),
            dead.order
        );
        if spot.at_home && fate == Fate::Scrubbed {
            findings.violations.push(found);
        } else {
            findings.lines.push(format!("note: {found}"));
        }
    }
}

/// A file, and whether it stands below the data directory.
struct Spot<'a> {
    path: &'a Path,
    at_home: bool,
}

/// What one file holds outside the journals.
#[derive(Default)]
struct Raw<'a> {
    /// Offset, line, form.
    hits: BTreeSet<(u64, usize, &'static str)>,
    /// The same in its path.
    named: BTreeSet<(usize, &'static str)>,
    envelopes: Envelopes,
    /// Where destroyed units' stored bytes stand.
    stored: Vec<(u64, &'a Dead)>,
    /// Where other envelopes begin.
    strange: Vec<u64>,
}
