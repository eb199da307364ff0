//! A keyring on a disk that dies at any step, for the crash tests of what stands above it.

use std::io::ErrorKind;
use std::sync::Arc;

use super::sim::{Fault, SimDisk};
use crate::domain::random::Random;
use crate::domain::time::Clock;
use crate::keyring::puncture::Holder;
use crate::keyring::{Keyring, KeyringError, UnsealCost, UnsealSecret};

/// A small root: these tests write it thousands of times.
const ROOT_BYTES: usize = 16 << 10;

/// How the world ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Death {
    /// The process dies; what it wrote so far stays.
    Kill,
    /// The power fails; what was not synced stays in part, or not at all.
    PowerCut,
}

/// The disk under a keyring.
pub(crate) struct SimulatedKeyring(Arc<SimDisk>);

impl SimulatedKeyring {
    pub(crate) fn init(
        secret: &UnsealSecret,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let made = Self(SimDisk::new(1));
        let cost = UnsealCost::minimal_for_tests();
        drop(Keyring::init_on(made.holder(random), secret, cost, clock).unwrap());
        made
    }

    pub(crate) fn open(
        &self,
        secret: &UnsealSecret,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Keyring, KeyringError> {
        Keyring::open_on(self.holder(random), secret, clock)
    }

    fn holder(&self, random: Arc<dyn Random>) -> Holder {
        let mut holder = Holder::new(Arc::clone(&self.0) as _, random);
        holder.root_bytes = ROOT_BYTES;
        holder
    }

    /// Another disk in the same state, whose tears follow `seed`.
    pub(crate) fn fork(&self, seed: u64) -> Self {
        Self(self.0.fork(seed))
    }

    /// The world ends at the `step`-th step from now, the first being 1.
    pub(crate) fn die_at(&self, step: u64, death: Death) {
        let fault = match death {
            Death::Kill => Fault::Kill,
            Death::PowerCut => Fault::PowerCut,
        };
        self.0.fail_at(step, fault);
    }

    /// From now on nothing can be written, until it is mended; the process lives on.
    pub(crate) fn refuse(&self) {
        self.0
            .fail_at(1, Fault::From(ErrorKind::ReadOnlyFilesystem));
    }

    /// The end of [`SimulatedKeyring::refuse`].
    pub(crate) fn mend(&self) {
        self.0.mend();
    }

    /// The disk as the next process finds it. `true` if the world had ended as asked.
    pub(crate) fn restart(&self) -> bool {
        let struck = self.0.struck();
        if !struck {
            self.0.mend();
        }
        self.0.restart();
        struck
    }
}
