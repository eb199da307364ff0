//! The destruction ledger for auditors and privacy officers: entries, proofs, the official form,
//! certificates. For everybody else none of it exists.

use data_encoding::BASE64;

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{ConsistencyView, InclusionView, PageRequest, Rows};
use crate::audit::LogError;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::ReadLedger;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::destruction::certificate::{Body, Certificate, Fault, Proven, Story};
use crate::destruction::form::{self, AccountKey, Row};
use crate::destruction::ledger::{Entry, Event};
use crate::destruction::rows::{Record, Stored};
use crate::domain::id::{AccountId, DestructionId, UnitId};
use crate::domain::limit::Limit;
use crate::engine::Log;
use crate::merkle::tree::Hash;

/// Leaves read from the engine at once.
pub(super) const PAGE: Limit = Limit::rows(128);

/// One entry of the ledger.
#[derive(Debug, serde::Serialize)]
pub struct LedgerEntry {
    /// Index in the ledger.
    pub index: u64,
    /// The entry as it is hashed.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Store {
    fn look_at_ledger<T: Send + 'static>(
        &self,
        session: &Session,
        query: &'static str,
        look: impl FnOnce(&Self) -> Result<T, ServiceError>,
    ) -> Answer<T> {
        session.pulse().beats().map_err(fault::ended)?;
        let decided = self
            .authority
            .decide::<ReadLedger>(session, Target::Office, None);
        let permit: Permit<ReadLedger> = match decided {
            Ok(permit) => permit,
            Err(denied) => {
                return Ok(self
                    .log
                    .refuse(denied)
                    .map(|refused| refused.map_err(fault::log).and(Err(ServiceError::NotFound))));
            }
        };
        match look(self) {
            Ok(value) => self.record_office(permit, query, value),
            Err(error) => self.fail(permit, error),
        }
    }

    /// `GET /ledger/entries`, in their order.
    pub fn ledger_entries(
        &self,
        session: &Session,
        page: PageRequest,
    ) -> Answer<Rows<LedgerEntry>> {
        self.look_at_ledger(session, "ledger entries", move |store| {
            let from = page.cursor.as_deref().map_or(Ok(0), str::parse::<u64>);
            let from = from.map_err(|_| Invalid::new("cursor", "is not one this list gave"))?;
            let rows = store.read_ledger(from, page.limit)?;
            let next = rows
                .last()
                .map(|row| row.index + 1)
                .filter(|next| *next < store.engine.log_size(Log::Ledger));
            Ok(Rows {
                rows,
                next: next.map(|next| next.to_string()),
            })
        })
    }

    pub(super) fn read_ledger(
        &self,
        from: u64,
        limit: Limit,
    ) -> Result<Vec<LedgerEntry>, ServiceError> {
        let leaves = self.engine.leaves(Log::Ledger, from, limit);
        let leaves = leaves.map_err(fault::engine)?;
        (from..)
            .zip(leaves)
            .map(|(index, leaf)| {
                let damaged = || ServiceError::Damaged(format!("entry {index} of the ledger"));
                let entry = Entry::read(&leaf.leaf).ok_or_else(damaged)?;
                Ok(LedgerEntry { index, entry })
            })
            .collect()
    }

    /// `GET /ledger/proofs/inclusion`.
    pub fn prove_ledger_inclusion(
        &self,
        session: &Session,
        index: u64,
        size: u64,
    ) -> Answer<InclusionView> {
        self.look_at_ledger(session, "ledger proof", move |store| {
            let found = store.log.inclusion(Log::Ledger, index, size);
            let proof = found.map_err(fault::log)?;
            Ok(InclusionView {
                index,
                size,
                leaf: base64(&proof.leaf),
                root: base64(&proof.root),
                proof: proof.proof.iter().map(base64).collect(),
            })
        })
    }

    /// `GET /ledger/proofs/consistency`.
    pub fn prove_ledger_consistency(
        &self,
        session: &Session,
        from: u64,
        to: u64,
    ) -> Answer<ConsistencyView> {
        self.look_at_ledger(session, "ledger proof", move |store| {
            let found = store.log.consistency(Log::Ledger, from, to);
            let proof = found.map_err(fault::log)?;
            Ok(ConsistencyView {
                from,
                to,
                from_root: base64(&proof.from_root),
                to_root: base64(&proof.to_root),
                proof: proof.proof.iter().map(base64).collect(),
            })
        })
    }

    /// `GET /ledger/form`: the official form, with the names that people have today.
    pub fn ledger_form(&self, session: &Session) -> Answer<String> {
        self.look_at_ledger(session, "ledger form", |store| {
            let mut form = Vec::new();
            let mut from = 0;
            loop {
                let rows = store.read_ledger(from, PAGE)?;
                let Some(last) = rows.last() else { break };
                from = last.index + 1;
                for row in rows {
                    store.put_on_form(&mut form, row)?;
                }
            }
            let name = |id: &str| {
                let known = id.parse::<AccountId>().ok();
                known.map_or_else(|| id.to_owned(), |id| store.directory.login(id))
            };
            Ok(form::html(&form, name))
        })
    }

    fn put_on_form(&self, form: &mut Vec<Row>, row: LedgerEntry) -> Result<(), ServiceError> {
        let LedgerEntry { index, entry } = row;
        let lost = || ServiceError::Damaged(format!("entry {index} of the ledger"));
        match entry.event {
            Event::Intent(intent) => {
                let id = intent.destruction.parse::<DestructionId>();
                let stored = self.order_row(id.map_err(|_| lost())?)?;
                let story = self.story(&stored.ok_or_else(lost)?)?;
                form.push(Row::Destruction(Box::new(story)));
            }
            Event::KeysEnded(said) => {
                for end in said.accounts {
                    let Some(key) = &end.key else { continue };
                    let unit = key.parse().map(UnitId::from_u64).map_err(|_| lost())?;
                    form.push(Row::AccountKey(AccountKey {
                        index,
                        time: entry.time.clone(),
                        verified: self.keyring.shred_half(unit).is_err(),
                        end,
                    }));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn story(&self, stored: &Stored) -> Result<Story, ServiceError> {
        let leaves = stored
            .leaves
            .iter()
            .map(|index| self.ledger_leaf(*index))
            .collect::<Result<Vec<_>, _>>()?;
        let bytes: Vec<&[u8]> = leaves.iter().map(Vec::as_slice).collect();
        Story::read(&bytes).map_err(damaged)
    }

    /// `GET /ledger/certificates/{id}`: the document's bytes.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an order that has not begun, or is none.
    pub fn certificate(&self, session: &Session, id: Option<DestructionId>) -> Answer<Vec<u8>> {
        self.look_at_ledger(session, "certificate", move |store| {
            let id = id.ok_or(ServiceError::NotFound)?;
            let stored = store.order_row(id)?.ok_or(ServiceError::NotFound)?;
            if stored.leaves.is_empty() {
                return Err(ServiceError::NotFound);
            }
            store.issue(&stored)
        })
    }

    pub(super) fn issue(&self, stored: &Stored) -> Result<Vec<u8>, ServiceError> {
        let mut body = None;
        let said = |fault: Fault| LogError::Unavailable(fault.to_string());
        let note = self.log.checkpoint_for(Log::Ledger, |size| {
            let made = self.body(stored, size)?;
            let line = made.line().map_err(said)?;
            body = Some(made);
            Ok(line)
        });
        let checkpoint = note.map_err(fault::log)?;
        let unsaid = || ServiceError::Internal("a certificate without text".to_owned());
        let certificate = Certificate {
            body: body.ok_or_else(unsaid)?,
            checkpoint,
        };
        certificate.bytes().map_err(damaged)
    }

    /// From which version of the keyring on a copy has nothing of what this destruction ended. As
    /// long as a key of it is still there, every copy has that key, whenever it was made.
    fn forgotten_since(&self, record: &Record, story: &Story) -> u64 {
        let Some((_, destroyed)) = &story.destroyed else {
            return u64::MAX;
        };
        let index = match &story.scrubbed {
            Some((_, scrubbed)) => scrubbed.root_version.unwrap_or_default(),
            None if record.order.parts.is_empty() => 0,
            None => match record.index {
                Some(epoch) if !self.keyring.has_index_epoch(epoch) => self.index_died_with(),
                _ => u64::MAX,
            },
        };
        destroyed.root_version.max(index)
    }

    fn body(&self, stored: &Stored, size: u64) -> Result<Body, LogError> {
        let unavailable = |why: String| LogError::Unavailable(why);
        let mut leaves = Vec::new();
        for index in &stored.leaves {
            let leaf = self.ledger_leaf(*index);
            let leaf = leaf.map_err(|error| unavailable(error.to_string()))?;
            let proof = self.log.inclusion(Log::Ledger, *index, size)?;
            leaves.push(Proven {
                index: *index,
                leaf: String::from_utf8(leaf).map_err(|e| unavailable(e.to_string()))?,
                proof: proof.proof.iter().map(base64).collect(),
            });
        }
        let bytes: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.leaf.as_bytes()).collect();
        let story = Story::read(&bytes).map_err(|fault| unavailable(fault.to_string()))?;
        let holders = self.key_holders(self.forgotten_since(&stored.record, &story));
        let holders = holders.map_err(|error| unavailable(error.to_string()))?;
        let recall = self.to_recall(&stored.record.order);
        let recall = recall.map_err(|error| unavailable(error.to_string()))?;
        let issued = self.clock.now().rfc3339();
        Body::of(leaves, recall, holders, issued).map_err(|fault| unavailable(fault.to_string()))
    }
}

fn damaged(fault: Fault) -> ServiceError {
    ServiceError::Damaged(format!("ledger: {fault}"))
}

fn base64(hash: &Hash) -> String {
    BASE64.encode(&hash.0)
}
