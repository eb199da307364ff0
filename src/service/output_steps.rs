//! Where a test can break an output on its way, or do something meanwhile.

#[cfg(test)]
use std::sync::Mutex;

use super::error::ServiceError;

/// A step of that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The list is entered.
    List,
    /// The document is written.
    Write,
    /// The file of an export is finished, and waits for nobody yet.
    Finish,
    /// The record is closed.
    Close,
    /// A fetching is entered.
    Fetch,
}

/// The steps that a test breaks; none in a program.
#[derive(Default)]
pub(super) struct Steps {
    #[cfg(test)]
    pub(super) broken: Mutex<Vec<Step>>,
    /// What happens when this step is come to for the first time.
    #[cfg(test)]
    pub(super) meanwhile: Mutex<Option<(Step, Happens)>>,
}

#[cfg(test)]
type Happens = Box<dyn FnOnce() + Send>;

impl Steps {
    /// Gives back `value`, unless a test breaks this step.
    ///
    /// # Errors
    /// As if the log were not there, in tests alone.
    pub(super) fn pass<T>(&self, step: Step, value: T) -> Result<T, ServiceError> {
        #[cfg(test)]
        let happens = self
            .meanwhile
            .lock()
            .unwrap()
            .take_if(|(at, _)| *at == step);
        #[cfg(test)]
        if let Some((_, happens)) = happens {
            happens();
        }
        #[cfg(test)]
        if self.broken.lock().unwrap().contains(&step) {
            assert_ne!(step, Step::Write, "on purpose");
            return Err(ServiceError::LogUnavailable);
        }
        let _ = step;
        Ok(value)
    }
}
