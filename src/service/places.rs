//! Places among what is at work at once: so many in all, and one for each person, so that nobody
//! keeps the others out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::ServiceError;
use crate::domain::id::AccountId;

/// How often it is looked whether everything has ended.
const IDLE_LOOK: Duration = Duration::from_millis(10);

type Taken = Mutex<Vec<AccountId>>;

fn held(taken: &Taken) -> MutexGuard<'_, Vec<AccountId>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See the module.
pub(super) struct Places {
    most: usize,
    taken: Arc<Taken>,
}

/// One of them, given back when dropped.
pub(super) struct Place {
    taken: Arc<Taken>,
    whose: AccountId,
}

impl Drop for Place {
    fn drop(&mut self) {
        held(&self.taken).retain(|taken| *taken != self.whose);
    }
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] where none is free, or this person has one.
    pub(super) fn take(&self, whose: AccountId) -> Result<Place, ServiceError> {
        let mut taken = held(&self.taken);
        if taken.len() >= self.most || taken.contains(&whose) {
            return Err(ServiceError::Busy);
        }
        taken.push(whose);
        Ok(Place {
            taken: Arc::clone(&self.taken),
            whose,
        })
    }

    /// Waits until nothing is at work, for so long at the most.
    pub(super) fn wait_idle(&self, patience: Duration) {
        let mut waited = Duration::ZERO;
        while !held(&self.taken).is_empty() && waited < patience {
            std::thread::sleep(IDLE_LOOK);
            waited += IDLE_LOOK;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_place_and_all_have_so_many() {
        let places = Places::new(2);
        let [one, two, three] = [1, 2, 3].map(|n| AccountId::from_bytes([n; 16]));
        let taken = places.take(one).ok().unwrap();
        assert_eq!(places.take(one).err(), Some(ServiceError::Busy));
        let other = places.take(two).ok().unwrap();
        assert_eq!(places.take(three).err(), Some(ServiceError::Busy));
        drop(other);
        let third = places.take(three).ok().unwrap();
        places.wait_idle(Duration::ZERO);
        drop((taken, third));
        places.wait_idle(Duration::MAX);
    }
}
