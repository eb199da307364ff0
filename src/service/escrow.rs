//! Copies of the keyring for people to keep, and what became of them.
//!
//! Each is a holder: a destruction reaches it only when its keeper destroys it. So nobody gets a
//! byte of a copy before it stands in ledger and list.

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{KeyCopyMade, KeyHolderView};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::EscrowKeyring;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::destruction::copies::{CopyState, KeyCopy};
use crate::destruction::ledger::{Entry, Event};
use crate::domain::id::KeyHolderId;
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::secret::SecretText;
use crate::engine::{Batch, Pending};
use crate::people::holder::{Acknowledged, KeyHolder};

/// Least characters of a copy's passphrase.
const PASSPHRASE_MIN: usize = 12;

fn shown(query: &'static str) -> Shown {
    Shown {
        query: Some(query),
        ..Shown::default()
    }
}

impl Store {
    /// `POST /keyring/copies`: a capsule for `holder`, sealed under `passphrase` and under the
    /// store's own unseal secret. Slow: runs argon2id.
    pub fn escrow_keyring(
        &self,
        session: &Session,
        holder: String,
        passphrase: &SecretText,
    ) -> Answer<KeyCopyMade> {
        let permit = self.permit_office::<EscrowKeyring>(session, Target::Office)?;
        let name = holder.trim().to_owned();
        if name.is_empty() || name.len() > LINE_BYTES_MAX || name.chars().any(char::is_control) {
            let wrong = Invalid::new("holder", "must be one line and not empty");
            return self.fail(permit, wrong.into());
        }
        if passphrase.expose().chars().count() < PASSPHRASE_MIN {
            let wrong = Invalid::new("passphrase", "must have at least 12 characters");
            return self.fail(permit, wrong.into());
        }
        let id = KeyHolderId::random(self.random.as_ref()).map_err(fault::random)?;
        // The floor in the copy is what its restore will ask of the logs.
        self.raise_floor()?;
        let cost = self.home.unseal_cost;
        let capsule = self.keyring.capsule(id, passphrase, cost);
        let capsule = capsule.map_err(fault::keyring)?;
        let row = KeyHolder {
            id,
            name,
            made: self.clock.now(),
            by: session.account(),
            version: capsule.version,
            next_bucket: capsule.next_bucket,
            ended: None,
        };
        let mut batch = self.key_copy(session, &row, CopyState::Made)?;
        self.people
            .put_new(&mut batch, &row)
            .map_err(fault::table)?;
        let made = KeyCopyMade {
            serial: id.to_string(),
            capsule: data_encoding::BASE64.encode(&capsule.bytes),
        };
        let entered = self.log.record_with(permit, shown("copy"), batch);
        Ok(entered.map(|entered| entered.map(|_| made).map_err(fault::log)))
    }

    fn key_copy(
        &self,
        session: &Session,
        row: &KeyHolder,
        state: CopyState,
    ) -> Result<Batch, ServiceError> {
        let event = Event::KeyHolder(KeyCopy {
            serial: row.id.to_string(),
            state,
            keyring: row.version,
            by: session.account().to_string(),
        });
        let mut batch = Batch::default();
        Entry::now(self.clock.now(), event)
            .append(&mut batch)
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        Ok(batch)
    }

    /// Every copy of the keyring that was made, newest first. Certificates list those that have
    /// not been acknowledged.
    pub fn keyring_copies(&self) -> Result<Vec<KeyHolder>, ServiceError> {
        let mut all: Vec<KeyHolder> = self.people.all().map_err(fault::table)?;
        all.sort_by_key(|holder| std::cmp::Reverse(holder.made));
        Ok(all)
    }

    /// `GET /keyring/copies`.
    pub fn list_key_holders(&self, session: &Session) -> Answer<Vec<KeyHolderView>> {
        let permit = self.permit_office::<EscrowKeyring>(session, Target::Office)?;
        let holders = self.keyring_copies()?;
        let rows = holders.iter().map(|row| self.holder_view(row)).collect();
        self.record_office(permit, "copies", rows)
    }

    fn holder_view(&self, row: &KeyHolder) -> KeyHolderView {
        let state = row.state(self.keyring.last_puncture(), self.keyring.next_bucket());
        KeyHolderView {
            serial: row.id.to_string(),
            holder: row.name.clone(),
            made_at: row.made.rfc3339(),
            by: self.directory.login(row.by),
            state,
            acknowledged_at: row.ended.map(|ended| ended.at.rfc3339()),
        }
    }

    /// `POST /keyring/copies/{id}/acknowledge`: its holder says that the copy is destroyed.
    pub fn acknowledge_copy(
        &self,
        session: &Session,
        serial: Option<KeyHolderId>,
    ) -> Answer<KeyHolderView> {
        let permit = self.permit_office::<EscrowKeyring>(session, Target::Office)?;
        let found = match serial {
            Some(serial) => self.people.key_holder(serial).map_err(fault::table)?,
            None => None,
        };
        let Some(stored) = found else {
            return self.fail(permit, ServiceError::NotFound);
        };
        if stored.row.ended.is_some() {
            return self.fail(permit, ServiceError::Expired);
        }
        let row = KeyHolder {
            ended: Some(Acknowledged {
                by: session.account(),
                at: self.clock.now(),
            }),
            ..stored.row.clone()
        };
        let mut batch = self.key_copy(session, &row, CopyState::Acknowledged)?;
        self.people
            .put_changed(&mut batch, &stored, &row)
            .map_err(fault::table)?;
        let entered = self.log.record_with(permit, shown("acknowledge"), batch);
        let _entered = entered.wait().map_err(fault::log)?;
        Ok(Pending::ready(Ok(self.holder_view(&row))))
    }
}
