//! Print documents that wait to be fetched: in memory alone, for minutes, for the session that made
//! them. A restart loses them; their records stay, and close where nobody has fetched the document.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::error::ServiceError;
use super::places::{Place, Places};
use crate::authn::session::{Pulse, Session};
use crate::config::print::Print;
use crate::disclosure::output::Form;
use crate::disclosure::paper::{DOCUMENT_BYTES_MAX, Font};
use crate::domain::id::{AccountId, CaseId};
use crate::domain::serial::Serial;

/// Documents of one session that wait at once; an older one goes for a newer.
const MOST: usize = 4;
/// Prints at work at once: as many threads there are for them.
pub(super) const AT_WORK: usize = 2;
/// Most bytes of all documents that wait, with what those at work may yet become.
const ALL_BYTES_MAX: usize = 8 * DOCUMENT_BYTES_MAX;

/// A document, zeroed when nobody holds it any more.
#[derive(Clone)]
pub struct Bytes(Arc<Written>);

struct Written {
    bytes: Zeroizing<Vec<u8>>,
    _share: Share,
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// A part of [`ALL_BYTES_MAX`], given back when dropped.
struct Share {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    /// For what may yet become a document.
    fn reserve(taken: &Arc<AtomicUsize>) -> Result<Self, ServiceError> {
        let more = |all: usize| {
            let all = all.checked_add(DOCUMENT_BYTES_MAX);
            all.filter(|all| *all <= ALL_BYTES_MAX)
        };
        let reserved = taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        reserved.map_err(|_| ServiceError::Busy)?;
        Ok(Self {
            taken: Arc::clone(taken),
            bytes: DOCUMENT_BYTES_MAX,
        })
    }

    fn take(taken: &Arc<AtomicUsize>, bytes: usize) -> Self {
        taken.fetch_add(bytes, Ordering::SeqCst);
        Self {
            taken: Arc::clone(taken),
            bytes,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

/// A place among the prints at work, and memory for what is written there.
pub(super) struct Turn {
    _place: Place,
    _share: Share,
}

pub(super) struct Kept {
    pulse: Pulse,
    until: Duration,
    cases: Vec<CaseId>,
    form: Form,
    bytes: Bytes,
}

/// See the module.
pub(super) struct Prints {
    settings: Print,
    font: Mutex<Option<Font>>,
    kept: Mutex<HashMap<Serial, Kept>>,
    /// Documents that died and whose records may have to be closed.
    dead: Mutex<Vec<Serial>>,
    places: Places,
    /// Bytes of [`ALL_BYTES_MAX`] that are taken.
    taken: Arc<AtomicUsize>,
}

impl Prints {
    pub(super) fn new(settings: Print) -> Self {
        Self {
            settings,
            font: Mutex::default(),
            kept: Mutex::default(),
            dead: Mutex::default(),
            places: Places::new(AT_WORK),
            taken: Arc::default(),
        }
    }

    /// Takes a place, and memory for what is written there.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] where either is missing.
    pub(super) fn take_turn(&self, whose: AccountId) -> Result<Turn, ServiceError> {
        Ok(Turn {
            _place: self.places.take(whose)?,
            _share: Share::reserve(&self.taken)?,
        })
    }

    /// All memory but one byte less than a document may need.
    #[cfg(test)]
    pub(super) fn fill(&self) -> impl Drop + use<> {
        Share::take(&self.taken, ALL_BYTES_MAX - DOCUMENT_BYTES_MAX + 1)
    }

    /// The font, read once; where it is missing it is looked for again each time, so that an
    /// operator who installs it need not restart anything.
    ///
    /// # Errors
    /// [`ServiceError::FontMissing`], which says where it was looked for.
    pub(super) fn font(&self) -> Result<Font, ServiceError> {
        let mut held = self.font.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(font) = held.as_ref() {
            return Ok(font.clone());
        }
        let found = Font::find(self.settings.font.as_deref());
        let font = found.map_err(|error| ServiceError::FontMissing(error.to_string()))?;
        *held = Some(font.clone());
        Ok(font)
    }

    /// How long a document waits.
    pub(super) const fn time(&self) -> Duration {
        self.settings.time()
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, HashMap<Serial, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a document for the session that made it.
    pub(super) fn keep(
        &self,
        session: &Session,
        (serial, form): (Serial, Form),
        cases: Vec<CaseId>,
        bytes: Zeroizing<Vec<u8>>,
        now: Duration,
    ) {
        self.sweep(now);
        let mut kept = self.kept();
        let pulse = session.pulse();
        let own = kept.iter().filter(|(_, other)| other.pulse.is(&pulse));
        let mut own: Vec<(Duration, Serial)> = own.map(|(s, other)| (other.until, *s)).collect();
        own.sort_unstable();
        for (_, oldest) in own.iter().rev().skip(MOST - 1) {
            kept.remove(oldest);
            self.died(*oldest);
        }
        let one = Kept {
            pulse,
            until: now.saturating_add(self.time()),
            cases,
            form,
            bytes: Bytes(Arc::new(Written {
                _share: Share::take(&self.taken, bytes.len()),
                bytes,
            })),
        };
        kept.insert(serial, one);
    }

    /// The document, for the session that made it and while it waits.
    pub(super) fn find(
        &self,
        session: &Session,
        serial: Serial,
        now: Duration,
    ) -> Option<(Form, Bytes)> {
        self.sweep(now);
        let kept = self.kept();
        let one = kept.get(&serial)?;
        let same = one.pulse.is(&session.pulse());
        same.then(|| (one.form, one.bytes.clone()))
    }

    /// Drops what has waited long enough, or whose session ended. Called every few seconds.
    pub(super) fn sweep(&self, now: Duration) {
        self.keep_if(|one| now < one.until && one.pulse.beats().is_ok());
    }

    fn keep_if(&self, stays: impl Fn(&Kept) -> bool) {
        self.kept().retain(|serial, one| {
            let stays = stays(one);
            if !stays {
                self.died(*serial);
            }
            stays
        });
    }

    /// This document is there no more: its record is to be looked at.
    pub(super) fn died(&self, serial: Serial) {
        self.dead().push(serial);
    }

    /// Documents that died since this was asked last.
    pub(super) fn take_dead(&self) -> Vec<Serial> {
        std::mem::take(&mut *self.dead())
    }

    fn dead(&self) -> MutexGuard<'_, Vec<Serial>> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its record says that nobody has it any more.
    pub(super) fn drop_output(&self, serial: Serial) {
        self.kept().remove(&serial);
    }

    /// Something of these cases is destroyed: documents that show it go.
    pub(super) fn drop_of(&self, cases: &[CaseId]) {
        self.keep_if(|one| !one.cases.iter().any(|case| cases.contains(case)));
    }
}
