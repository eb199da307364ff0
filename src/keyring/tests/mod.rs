//! The keyring as a whole: its promises on a real disk, through crashes, against a thief.

mod api;
mod capsule;
mod crash;
mod forensic;
mod sim;
mod simulated;

pub(crate) use simulated::{Death, SimulatedKeyring};

use std::sync::Arc;

use crate::domain::random::{Random, SystemSource};
use crate::domain::secret::{SecretBytes, SecretText};
use crate::domain::time::{SteppedClock, Timestamp};

use super::{Keyring, KeyringError, UnsealCost, UnsealSecret};

const COST: UnsealCost = UnsealCost::minimal_for_tests();

fn secret(passphrase: &str) -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new(passphrase.to_owned()),
        key_file: Some(SecretBytes::new(b"key file".to_vec())),
    }
}

fn random() -> Arc<dyn Random> {
    Arc::new(SystemSource::default())
}

fn clock() -> Arc<SteppedClock> {
    let now = Timestamp::parse_rfc3339("2026-07-01T09:00:00+09:00").unwrap();
    Arc::new(SteppedClock::at(now))
}
