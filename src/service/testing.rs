//! What the tests of verbs begin with.

use std::path::Path;
use std::time::Duration;

use super::seal::Settings;
use crate::authn::password::PasswordCost;
use crate::authn::session::{Origin, SessionLimits};
use crate::domain::secret::SecretText;
use crate::keyring::{UnsealCost, UnsealSecret};

/// A small store below this directory.
pub(super) fn settings(dir: &Path) -> Settings {
    Settings {
        data: dir.join("data"),
        keyring: dir.join("keyring"),
        policies: None,
        password_cost: PasswordCost {
            memory_kib: 64,
            passes: 1,
        },
        unseal_cost: UnsealCost::minimal_for_tests(),
        sessions: SessionLimits {
            idle: Duration::from_secs(8 * 3600),
            absolute: Duration::from_secs(8 * 3600),
            per_account: 3,
        },
        threads: 1,
        queue: 8,
        index_cache_bytes: 1 << 20,
        segment_bytes: 1 << 20,
        inspection: Default::default(),
        disk: crate::config::disk::Disk::UNWATCHED,
        forward: None,
        progress: None,
        terms: crate::destruction::term::Terms::default(),
        budgets: crate::config::budgets::Budgets::default(),
        outputs: crate::config::outputs::Outputs::default(),
        print: crate::config::print::Print::default(),
    }
}

/// Its passphrase.
pub(super) fn secret() -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new("correct horse battery staple".to_owned()),
        key_file: None,
    }
}

/// No address, no device.
pub(super) fn here() -> Origin {
    Origin {
        address: None,
        device: String::new(),
    }
}
