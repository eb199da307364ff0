//! What is kept apart, for retention custodians with a second person: list, open, hand over to the
//! archive. For everybody else none of it exists.

use zeroize::Zeroizing;

use super::budget::{Disclosure, Over};
use super::error::ServiceError;
use super::fault;
use super::recipients::reason_fits;
use super::retained::people_of;
use super::second_person::{Consent, Consented};
use super::store::{Answer, Store};
use super::take_out::{NAMED_MAX, count};
use super::types::{PageRequest, Rows};
use crate::audit::Shown;
use crate::audit::usage::Reserved;
use crate::authn::session::Session;
use crate::authz::action::{Action, HandOver, OpenRetained};
use crate::authz::facts::Target;
use crate::authz::{Denied, Permit};
use crate::cases::draft::Invalid;
use crate::cases::extract::{Extract, ExtractPart};
use crate::crypto::wrap::{PublicKey, Recipient};
use crate::destruction::kept::HandedOver;
use crate::destruction::ledger;
use crate::destruction::order::{Order, Stage};
use crate::disclosure::alert::Way;
use crate::domain::id::{AccountId, ApprovalId, RetainedId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::tier::UnitKind;
use crate::engine::{Batch, Pending};
use crate::people::approval::{Asked, content_hash};
use crate::retained::handover::{self, Handed, Label};
use crate::retained::item::{Item, kind_code};
use crate::retained::view::ItemRow;
use crate::vault::{Disclosed, KeptApart, OpensApart};

/// Most items of one hand-over.
const HAND_OVER_MAX: usize = 100;

/// Why an item is opened, and with whose consent.
pub struct Reasons {
    /// For what.
    pub purpose: Purpose,
    /// Why, in the custodian's words; sealed in the access log.
    pub reason: String,
    /// Consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

/// An opened item.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ItemView {
    /// Id.
    pub id: String,
    /// The law that keeps it.
    pub law: String,
    /// Its article.
    pub article: String,
    /// What is kept, by kind.
    pub items: String,
    /// Until when.
    pub until: String,
    /// When it was drawn.
    pub made_at: String,
    /// Its parts.
    pub parts: Vec<ExtractPart>,
}

/// Which items go to which archive.
pub struct Transfer {
    /// The items.
    pub items: Vec<RetainedId>,
    /// The archive's public key, X25519, in hexadecimal.
    pub public_key: String,
    /// Why; sealed in the access log.
    pub reason: String,
    /// Consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

impl Store {
    /// A refusal is logged. A custodian learns that the purpose is of no use; anybody else gets
    /// the answer of a route that is not there.
    pub(super) fn hide_apart<A: Action, T: Send + 'static>(
        &self,
        session: &Session,
        denied: Denied<A>,
        purpose: Purpose,
    ) -> Pending<Result<T, ServiceError>> {
        if self
            .authority
            .conceivable::<A>(session, Some(Purpose::Legal))
        {
            return self.deny(session, denied, Some(purpose));
        }
        self.log
            .refuse(denied)
            .map(|refused| refused.map_err(fault::log).and(Err(ServiceError::NotFound)))
    }

    pub(super) fn may_open_apart<A: OpensApart>(
        &self,
        session: &Session,
        purpose: Purpose,
    ) -> Result<Result<Permit<A>, Denied<A>>, ServiceError> {
        session.pulse().beats().map_err(fault::ended)?;
        Ok(self
            .authority
            .decide::<A>(session, Target::Office, Some(purpose)))
    }

    /// Somebody who is no custodian asked for one of these routes: what was sent is not looked at.
    pub fn refuse_stranger<T: Send + 'static>(&self, session: &Session) -> Answer<T> {
        match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => self.fail(permit, ServiceError::NotFound),
            Err(denied) => Ok(self.hide_apart(session, denied, Purpose::Legal)),
        }
    }

    /// `GET /retained`: law and dates of every item, the next to end first; no content. With `due`
    /// only those whose end has come: what the daily look proposes to destroy.
    pub fn retained(
        &self,
        session: &Session,
        due: bool,
        page: PageRequest,
    ) -> Answer<Rows<ItemRow>> {
        let permit = match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let now = self.clock.now();
        let mut items: Vec<Item> = self
            .items
            .all()
            .map_err(fault::items)?
            .into_iter()
            .map(|stored| stored.item)
            .filter(|item| !due || item.is_due(now))
            .collect();
        items.sort_by_key(|item| (item.basis.until, item.id));
        let orders = self.orders.unfinished().map_err(fault::orders)?;
        let rows = self.page_of(&items, &page, |item| self.item_row(session, &orders, item))?;
        self.record_office(permit, if due { "due" } else { "items" }, rows)
    }

    fn item_row(&self, session: &Session, orders: &[Order], item: &Item) -> ItemRow {
        let waits =
            |order: &&Order| order.stage == Stage::Waiting && order.ground.item() == Some(item.id);
        let mut kinds: Vec<&str> = item.kinds().into_iter().map(kind_code).collect();
        kinds.sort_unstable();
        kinds.dedup();
        ItemRow {
            id: item.id.to_string(),
            law: item.basis.law.clone(),
            article: item.basis.article.clone(),
            items: item.basis.items.clone(),
            until: item.basis.until.rfc3339(),
            kinds: kinds.into_iter().map(str::to_owned).collect(),
            made_at: item.made_at.rfc3339(),
            requester: self.directory.login(item.requester),
            due: item.is_due(self.clock.now()),
            holds: item.holds.iter().map(|hold| hold.ground.clone()).collect(),
            appraisal: item.appraisal,
            ends_at: orders.iter().find(waits).map(|order| order.due.rfc3339()),
            opens: opens(session, item),
            entered: self.is_entered(item.id).unwrap_or(false),
        }
    }

    /// `POST /retained/{id}/open`: without an approval asks for a second person, with one opens.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an absent item; [`ServiceError::KeyMissing`] for one that was
    /// drawn before the asker had their key; what `spend` says of the approval;
    /// [`ServiceError::StepUpRequired`], which does not spend it.
    pub fn open_retained(
        &self,
        session: &Session,
        id: RetainedId,
        asked: Reasons,
    ) -> Answer<Consented<ItemView>> {
        let permit = match self.may_open_apart::<OpenRetained>(session, asked.purpose)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, asked.purpose)),
        };
        let wanted = Asked::OpenRetained {
            item: id,
            purpose: asked.purpose,
            reason: asked.reason.clone(),
        };
        let found = needed(&asked.reason).and_then(|()| self.openable(session, &[id]));
        let items = match found {
            Ok(items) => items,
            Err(error) => return self.fail(permit, error),
        };
        let Some(approval) = asked.approval else {
            return self.ask_second(permit, session, wanted, asked.reason);
        };
        let mut batch = Batch::default();
        let consent = match self.spend(&mut batch, approval, &wanted, session.account()) {
            Ok(consent) => consent,
            Err(error) => return self.fail(permit, error),
        };
        let aim = (Way::OpenRetained, asked.purpose);
        let reserved = match self.afford_apart(session, aim, &items, consent.by, &mut batch) {
            Ok(reserved) => reserved,
            Err(over) => return self.over_budget(permit, over, Shown::default()),
        };
        let disclosed = match self.disclose_apart(&permit, session, &items) {
            Ok(disclosed) => disclosed,
            Err(error) => return self.fail(permit, error),
        };
        let shown = opened_entry(&items, disclosed.bytes(), asked.reason, consent);
        let pulse = session.pulse();
        let recorded = self.log.record_with(permit, shown, batch);
        drop(reserved);
        Ok(recorded.map(move |recorded| {
            let (receipt, _) = recorded.map_err(fault::log)?;
            pulse.beats().map_err(fault::ended)?;
            let position = receipt.position();
            let parts = disclosed.reveal(receipt).map_err(fault::vault)?;
            let item = items.first().ok_or(ServiceError::NotFound)?;
            Ok(Consented::Done(view(item, parts), position))
        }))
    }

    /// `POST /retained/hand-over`: without an approval asks for a second person; with one gives the
    /// file, sealed to the archive. The items stay until their end.
    ///
    /// # Errors
    /// As [`Store::open_retained`]; [`ServiceError::Invalid`] for a key that nothing can be sealed
    /// to.
    pub fn hand_over(&self, session: &Session, asked: Transfer) -> Answer<Consented<Vec<u8>>> {
        let permit = match self.may_open_apart::<HandOver>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let found = needed(&asked.reason).and_then(|()| {
            let archive = self.archive_key(&asked.public_key)?;
            Ok((archive, self.openable(session, &asked.items)?))
        });
        let (archive, items) = match found {
            Ok(found) => found,
            Err(error) => return self.fail(permit, error),
        };
        let wanted = transfer(&items, &archive, &asked.reason);
        let Some(approval) = asked.approval else {
            return self.ask_second(permit, session, wanted, asked.reason);
        };
        let mut batch = Batch::default();
        let ids: Vec<RetainedId> = items.iter().map(|item| item.id).collect();
        let consent = match self.spend(&mut batch, approval, &wanted, session.account()) {
            Ok(consent) => consent,
            Err(error) => return self.fail(permit, error),
        };
        let to = handover::fingerprint(&archive);
        let event = HandedOver::new(&ids, to, session.account(), consent.by);
        if let Err(error) = self.append_ledger(&mut batch, ledger::Event::HandedOver(event)) {
            return self.fail(permit, error);
        }
        let aim = (Way::HandOver, Purpose::Legal);
        let reserved = match self.afford_apart(session, aim, &items, consent.by, &mut batch) {
            Ok(reserved) => reserved,
            Err(over) => return self.over_budget(permit, over, Shown::default()),
        };
        let disclosed = match self.disclose_apart(&permit, session, &items) {
            Ok(disclosed) => disclosed,
            Err(error) => return self.fail(permit, error),
        };
        let shown = opened_entry(&items, disclosed.bytes(), asked.reason, consent);
        let (pulse, random) = (session.pulse(), std::sync::Arc::clone(&self.random));
        let made_at = self.clock.now();
        let recorded = self.log.record_with(permit, shown, batch);
        drop(reserved);
        Ok(recorded.map(move |recorded| {
            let (receipt, _) = recorded.map_err(fault::log)?;
            pulse.beats().map_err(fault::ended)?;
            let position = receipt.position();
            let parts = disclosed.reveal(receipt).map_err(fault::vault)?;
            let handed = handed(&items, parts)?;
            let file = handover::write(&handed, &archive, made_at, random.as_ref());
            Ok(Consented::Done(file.map_err(fault::handover)?, position))
        }))
    }

    /// The items with these ids, each once, all of which the asker's key opens.
    pub(super) fn openable(
        &self,
        session: &Session,
        ids: &[RetainedId],
    ) -> Result<Vec<Item>, ServiceError> {
        if ids.is_empty() || ids.len() > HAND_OVER_MAX {
            return Err(Invalid::new("items", "are 1 to 100").into());
        }
        let mut items: Vec<Item> = Vec::with_capacity(ids.len());
        for id in ids {
            if items.iter().any(|item| item.id == *id) {
                continue;
            }
            let item = self.kept(*id)?.ok_or(ServiceError::NotFound)?.item;
            if !opens(session, &item) {
                return Err(ServiceError::KeyMissing);
            }
            items.push(item);
        }
        Ok(items)
    }

    fn disclose_apart<A: OpensApart>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        items: &[Item],
    ) -> Result<Disclosed<A, Extract>, ServiceError> {
        let kept = items
            .iter()
            .map(|item| {
                Ok(KeptApart {
                    item: item.id,
                    wraps: &item.wraps,
                    units: self.items.units(item).map_err(fault::items)?,
                })
            })
            .collect::<Result<Vec<_>, ServiceError>>()?;
        let kinds: Vec<UnitKind> = items.iter().flat_map(Item::kinds).collect();
        self.vault
            .open_apart(permit, session, &kept)
            .and_then(|plain| plain.decode::<Extract>(kinds))
            .map_err(fault::vault)
    }

    /// Holds items kept apart against the budget. The second person is there already: the password
    /// is asked for above the first threshold, and what goes over one is told.
    fn afford_apart(
        &self,
        session: &Session,
        (way, purpose): (Way, Purpose),
        items: &[Item],
        consent: AccountId,
        batch: &mut Batch,
    ) -> Result<Reserved, Over> {
        let people: Vec<UnitId> = items.iter().flat_map(people_of).collect();
        let disclosure = Disclosure {
            way,
            purpose,
            cases: &[],
            people: &people,
            consent: Some(consent),
        };
        self.afford(session, &disclosure, batch)
    }

    /// A key that something can be sealed to.
    fn archive_key(&self, hex: &str) -> Result<PublicKey, ServiceError> {
        let bad = || Invalid::new("public_key", "is no X25519 public key in hexadecimal");
        let key = handover::public_key(hex).ok_or_else(bad)?;
        handover::try_key(&key, self.random.as_ref()).map_err(fault::handover)?;
        Ok(key)
    }
}

pub(super) fn needed(reason: &str) -> Result<(), ServiceError> {
    reason_fits(reason)?;
    if reason.trim().is_empty() {
        return Err(Invalid::new("reason", "is needed").into());
    }
    Ok(())
}

/// Whether a wrap of the item is for the key that the session holds.
pub(super) fn opens(session: &Session, item: &Item) -> bool {
    item.wraps.iter().any(|wrap| {
        matches!(&wrap.recipient, Recipient::Retention { account, key }
            if *account == session.account() && session.key_fingerprint() == Some(*key))
    })
}

fn opened_entry(items: &[Item], bytes: u64, reason: String, consent: Consent) -> Shown {
    let units: Vec<UnitId> = items.iter().flat_map(Item::units).collect();
    Shown {
        units,
        people: items.iter().flat_map(people_of).collect(),
        bytes,
        reason: Some(reason),
        notes: consent.notes(),
        ..Shown::default()
    }
}

/// What the second person consents to: these items, to this archive, for this reason.
fn transfer(items: &[Item], archive: &PublicKey, reason: &str) -> Asked {
    let mut ids: Vec<RetainedId> = items.iter().map(|item| item.id).collect();
    ids.sort_unstable();
    let parts = ids.iter().map(|id| id.as_bytes().as_slice());
    let key = archive.as_bytes().as_slice();
    let items_hash = content_hash("hand-over", std::iter::once(key).chain(parts));
    Asked::HandOver {
        count: count(ids.len()),
        named: if ids.len() > NAMED_MAX {
            Vec::new()
        } else {
            ids
        },
        archive: handover::fingerprint(archive),
        reason: reason.to_owned(),
        items_hash,
    }
}

fn view(item: &Item, parts: Vec<ExtractPart>) -> ItemView {
    ItemView {
        id: item.id.to_string(),
        law: item.basis.law.clone(),
        article: item.basis.article.clone(),
        items: item.basis.items.clone(),
        until: item.basis.until.rfc3339(),
        made_at: item.made_at.rfc3339(),
        parts,
    }
}

/// Deals the parts out to their items, as JSON that needs no program of ours to be read.
fn handed(items: &[Item], parts: Vec<ExtractPart>) -> Result<Vec<Handed>, ServiceError> {
    let mut parts = parts.into_iter();
    items
        .iter()
        .map(|item| {
            let own = parts.by_ref().take(item.parts.len());
            let written = own.map(|part| {
                serde_json::to_vec(&part)
                    .map(|json| (part.kind(), Zeroizing::new(json)))
                    .map_err(|_| ServiceError::Internal("a part is not writable as JSON".into()))
            });
            Ok(Handed {
                id: item.id,
                label: Label {
                    item: item.id.to_string(),
                    law: item.basis.law.clone(),
                    article: item.basis.article.clone(),
                    items: item.basis.items.clone(),
                    until: item.basis.until.rfc3339(),
                    made_at: item.made_at.rfc3339(),
                },
                parts: written.collect::<Result<_, _>>()?,
            })
        })
        .collect()
}
