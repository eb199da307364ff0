//! How failures of lower layers are told: one place, written out, so that no `?` turns one
//! meaning into another.

use crate::audit::LogError;
use crate::authn::password::PasswordError;
use crate::authn::session::SessionError;
use crate::cases::draft::Invalid;
use crate::cases::rows as case_rows;
use crate::crypto::envelope::SealError;
use crate::crypto::table::TableError;
use crate::destruction::draft::Lacking;
use crate::destruction::ledger::NotCanonical;
use crate::destruction::petition::PetitionError;
use crate::destruction::records::RecordError;
use crate::destruction::request::StepError;
use crate::destruction::rows as order_rows;
use crate::domain::random::RandomError;
use crate::engine::{CommitError, EngineError};
use crate::keyring::KeyringError;
use crate::people::account::KeyError;
use crate::retained::basis::BadBasis;
use crate::retained::handover::HandoverError;
use crate::retained::rows as item_rows;
use crate::vault::VaultError;

use super::error::ServiceError;

pub(super) fn engine(error: EngineError) -> ServiceError {
    match error {
        EngineError::DiskFull => ServiceError::DiskFull,
        EngineError::Damaged(place) => ServiceError::Damaged(place),
        EngineError::Unusable(why) => ServiceError::Newer(why),
        EngineError::ReadOnly(what) => {
            ServiceError::ReadOnly(format!("the data directory cannot be written ({what})"))
        }
        EngineError::InUse => ServiceError::InUse,
        EngineError::Stopped => ServiceError::LogUnavailable,
        EngineError::Io(why) => ServiceError::Internal(why),
    }
}

pub(super) fn commit(error: CommitError) -> ServiceError {
    match error {
        CommitError::Conflict => ServiceError::Conflict,
        CommitError::Unknown => ServiceError::Unknown,
        CommitError::Engine(EngineError::Io(_)) => ServiceError::LogUnavailable,
        CommitError::Engine(error) => engine(error),
    }
}

pub(super) fn table(error: TableError) -> ServiceError {
    match error {
        TableError::Engine(error) => engine(error),
        TableError::Damaged(what) => ServiceError::Damaged(what.to_owned()),
        TableError::Seal(error) => seal(error),
    }
}

pub(super) fn log(error: LogError) -> ServiceError {
    match error {
        LogError::Commit(error) => commit(error),
        LogError::Regressed(what) => ServiceError::Damaged(what),
        LogError::Range => ServiceError::NotFound,
        LogError::Unavailable(why) => {
            tracing::error!(%why, "the access log cannot be written");
            ServiceError::LogUnavailable
        }
    }
}

pub(super) fn keyring(error: KeyringError) -> ServiceError {
    match error {
        KeyringError::Missing => ServiceError::KeyringMissing,
        KeyringError::Exists => ServiceError::Exists,
        KeyringError::WrongSecret => ServiceError::WrongPassphrase,
        KeyringError::Damaged(what) => ServiceError::Damaged(format!("keyring: {what}")),
        KeyringError::Newer(what) => ServiceError::Newer(what),
        KeyringError::ReadOnly(what) => {
            ServiceError::ReadOnly(format!("the keyring cannot be written ({what})"))
        }
        KeyringError::DiskFull => ServiceError::DiskFull,
        KeyringError::InUse => ServiceError::InUse,
        other => ServiceError::Internal(other.to_string()),
    }
}

pub(super) fn vault(error: VaultError) -> ServiceError {
    match error {
        VaultError::NoWrap => ServiceError::KeyMissing,
        VaultError::Destroyed => ServiceError::NotFound,
        VaultError::Damaged(what) => ServiceError::Damaged(what.to_owned()),
        VaultError::Keyring(error) => keyring(error),
        other => ServiceError::Internal(other.to_string()),
    }
}

pub(super) fn cases(error: case_rows::RowError) -> ServiceError {
    match error {
        case_rows::RowError::Engine(error) => engine(error),
        case_rows::RowError::Damaged(what) => ServiceError::Damaged(what.to_owned()),
        case_rows::RowError::Seal(error) => seal(error),
    }
}

pub(super) fn items(error: item_rows::RowError) -> ServiceError {
    match error {
        item_rows::RowError::Engine(error) => engine(error),
        item_rows::RowError::Damaged(what) => ServiceError::Damaged(what.to_owned()),
        item_rows::RowError::Seal(error) => seal(error),
    }
}

pub(super) fn basis(error: BadBasis) -> ServiceError {
    ServiceError::Invalid(Invalid::new(error.field, error.why))
}

pub(super) fn handover(error: HandoverError) -> ServiceError {
    match error {
        HandoverError::BadKey => ServiceError::Invalid(Invalid::new(
            "public_key",
            "is no X25519 public key in hexadecimal",
        )),
        other => ServiceError::Internal(other.to_string()),
    }
}

pub(super) fn records(error: RecordError) -> ServiceError {
    match error {
        RecordError::Engine(error) => engine(error),
        RecordError::Damaged(what) => ServiceError::Damaged(what.to_owned()),
        RecordError::Seal(error) => seal(error),
    }
}

pub(super) fn petition(error: PetitionError) -> ServiceError {
    match error {
        PetitionError::Keyring(error) => keyring(error),
        PetitionError::Random(error) => random(error),
        PetitionError::Seal(error) => seal(error),
        PetitionError::Damaged => ServiceError::Damaged(error.to_string()),
    }
}

pub(super) fn lacking(error: Lacking) -> ServiceError {
    ServiceError::Invalid(Invalid::new(error.field, error.why))
}

pub(super) fn step(error: StepError) -> ServiceError {
    match error {
        StepError::WrongState(state) => ServiceError::WrongState(state.code()),
        StepError::SelfApproval => ServiceError::SelfApproval,
        StepError::OtherForm => ServiceError::Conflict,
        StepError::Lacking(error) => lacking(error),
        StepError::NotCanonical => ServiceError::Internal(error.to_string()),
    }
}

pub(super) fn orders(error: order_rows::RowError) -> ServiceError {
    match error {
        order_rows::RowError::Engine(error) => engine(error),
        order_rows::RowError::Damaged(what) => ServiceError::Damaged(what.to_owned()),
        order_rows::RowError::Seal(error) => seal(error),
    }
}

pub(super) fn ledger(error: NotCanonical) -> ServiceError {
    ServiceError::Internal(error.to_string())
}

/// Unknown, ended or revoked: all alike.
pub(super) fn ended(_: SessionError) -> ServiceError {
    ServiceError::SessionEnded
}

pub(super) fn random(error: RandomError) -> ServiceError {
    ServiceError::Internal(error.to_string())
}

pub(super) fn seal(error: SealError) -> ServiceError {
    ServiceError::Internal(error.to_string())
}

pub(super) fn password(error: PasswordError) -> ServiceError {
    match error {
        PasswordError::Wrong => ServiceError::CredentialsRefused,
        PasswordError::Busy => ServiceError::Busy,
        PasswordError::Weak => ServiceError::Invalid(Invalid::new(
            "password",
            "has 10 to 128 characters, is not a common one and does not hold the login name",
        )),
        PasswordError::Random(error) => random(error),
    }
}

pub(super) fn account_key(error: KeyError) -> ServiceError {
    match error {
        KeyError::Punctured(_) => ServiceError::CredentialsRefused,
        KeyError::Seal(error) => seal(error),
        KeyError::Open(_) => ServiceError::Damaged("an account's key does not open".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk is told as one, wherever it was met; the control beside each is not.
    #[test]
    fn a_full_disk_is_told_as_such_by_every_layer() {
        let full = || EngineError::DiskFull;
        let broken = || EngineError::Io("EIO".to_owned());
        let no_room = || KeyringError::DiskFull;
        let unread = || KeyringError::Io("EIO".to_owned());
        for (met, control) in [
            (engine(full()), engine(broken())),
            (commit(full().into()), commit(broken().into())),
            (
                log(LogError::Commit(full().into())),
                log(LogError::Commit(broken().into())),
            ),
            (keyring(no_room()), keyring(unread())),
            (
                vault(VaultError::Keyring(no_room())),
                vault(VaultError::Keyring(unread())),
            ),
            (
                cases(case_rows::RowError::Engine(full())),
                cases(case_rows::RowError::Engine(broken())),
            ),
            (
                table(TableError::Engine(full())),
                table(TableError::Engine(broken())),
            ),
        ] {
            assert_eq!(met, ServiceError::DiskFull);
            assert_ne!(control, ServiceError::DiskFull);
        }
    }
}
