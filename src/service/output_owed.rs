//! How outputs ended of which nothing is to be fetched: told to their records with an entry and,
//! where that cannot be done, owed to them and tried again every minute.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::ServiceError;
use super::store::Store;
use crate::audit::Outcome;
use crate::disclosure::output::{Finished, OutputState};
use crate::domain::serial::Serial;

/// How an output ended.
pub(super) struct OutputEnd {
    state: OutputState,
    /// How far it had come, if its record does not say so already.
    so_far: Option<Finished>,
    /// What the entry says, without content.
    what: String,
}

impl OutputEnd {
    /// In this state.
    pub(super) const fn new(state: OutputState, what: String) -> Self {
        Self {
            state,
            so_far: None,
            what,
        }
    }

    /// Part of its list was entered and its end was not: nothing of it is shown.
    pub(super) fn unlisted(error: &ServiceError) -> Self {
        let what = format!("{error}; its list is not whole, no case was shown");
        Self::new(OutputState::Interrupted, what)
    }

    /// It broke off after some of so many cases had been opened.
    pub(super) fn broken((state, why): (OutputState, &str), so_far: Finished, of: u32) -> Self {
        let (cases, people) = (so_far.cases, so_far.people);
        let what = format!(
            "{why}; {cases} of {of} cases with {people} people had been opened, nothing of it is left"
        );
        Self {
            state,
            so_far: Some(so_far),
            what,
        }
    }

    /// Its time or its session was over before anybody had it.
    pub(super) fn unfetched() -> Self {
        let what = "its document died, fetched 0 times".to_owned();
        Self::new(OutputState::Expired, what)
    }

    const fn outcome(&self) -> Outcome {
        match self.state {
            OutputState::Expired => Outcome::Done,
            _ => Outcome::Refused,
        }
    }
}

/// Ends that are owed to their records.
#[derive(Default)]
pub(super) struct Owed(Mutex<HashMap<Serial, OutputEnd>>);

impl Owed {
    fn all(&self) -> MutexGuard<'_, HashMap<Serial, OutputEnd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This record is to be told so as soon as it can be done.
    pub(super) fn owe(&self, serial: Serial, end: OutputEnd) {
        self.all().insert(serial, end);
    }

    /// What is owed to this record, which is about to be told.
    pub(super) fn take(&self, serial: Serial) -> Option<OutputEnd> {
        self.all().remove(&serial)
    }
}

impl Store {
    /// Tells a record how its output ended. One that is closed already, or that was fetched, is left
    /// as it is; one that was told half, that its file is there, is not. No record is none to be
    /// told: not even the beginning of its list was entered.
    ///
    /// # Errors
    /// What [`Store::change_output`] says.
    pub(super) fn tell_end(&self, serial: Serial, end: &OutputEnd) -> Result<(), ServiceError> {
        let told = self.change_output(serial, |output| {
            if !output.is_pending() {
                return None;
            }
            output.state = end.state;
            output.file_until = None;
            if let Some(so_far) = &end.so_far {
                output.finished = Some(so_far.clone());
            }
            Some((end.outcome(), end.what.clone()))
        });
        match told {
            Ok(_) | Err(ServiceError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same; what cannot be told now is owed.
    ///
    /// # Errors
    /// As [`Store::tell_end`].
    pub(super) fn end_or_owe(&self, serial: Serial, end: OutputEnd) -> Result<(), ServiceError> {
        let told = self.tell_end(serial, &end);
        if let Err(error) = &told {
            tracing::error!(%error, %serial, "the record of an output could not be closed; will be tried again");
            self.owed.owe(serial, end);
        }
        told
    }

    /// Tells what is owed. To be called every minute.
    pub(super) fn tell_owed(&self) {
        let owed = std::mem::take(&mut *self.owed.all());
        for (serial, end) in owed {
            // What cannot be told is logged, and owed again.
            drop(self.end_or_owe(serial, end));
        }
    }
}
