//! Custodians come and go: a custodian who can open an item gives it to all who keep such items now.

use super::error::ServiceError;
use super::fault;
use super::retained_open::opens;
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::OpenRetained;
use crate::domain::purpose::Purpose;
use crate::engine::{Batch, Pending};
use crate::retained::item::Item;
use crate::retained::rows::StoredItem;
use crate::vault::Custodian;

/// What was given to others.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Shared {
    /// Items that other custodians can open now, or some former one no longer finds a wrap of.
    pub items: u64,
    /// Items that the asker cannot open and so cannot give to anybody.
    pub closed: u64,
}

impl Store {
    /// `POST /retained/share`: wraps the key of every item that the asker opens to every custodian
    /// of now, by the key they have now. Who they are was decided by two people when they got the
    /// role; no content is opened.
    pub fn share_retained(&self, session: &Session) -> Answer<Shared> {
        let permit = match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let _turn = self.items_turn();
        let (batches, closed) = match self.plan_share(&permit, session) {
            Ok(planned) => planned,
            Err(error) => return self.fail(permit, error),
        };
        let shown = Shown {
            query: Some("share"),
            ..Shown::default()
        };
        let recorded = self.log.record(permit, shown).wait();
        recorded.map(|_| ()).map_err(fault::log)?;
        let items = batches.len() as u64;
        for batch in batches {
            self.commit_apart(batch)?;
        }
        Ok(Pending::ready(Ok(Shared { items, closed })))
    }

    /// One batch an item whose wraps are not those of the custodians of now, and how many items
    /// stay closed to the asker.
    fn plan_share(
        &self,
        permit: &Permit<OpenRetained>,
        session: &Session,
    ) -> Result<(Vec<Batch>, u64), ServiceError> {
        let custodians = self.custodians();
        let mut batches = Vec::new();
        let mut closed = 0;
        for stored in self.items.all().map_err(fault::items)? {
            if !opens(session, &stored.item) {
                closed += 1;
            } else if !is_for(&stored.item, &custodians) {
                batches.push(self.shared(permit, session, &stored, &custodians)?);
            }
        }
        Ok((batches, closed))
    }

    fn shared(
        &self,
        permit: &Permit<OpenRetained>,
        session: &Session,
        stored: &StoredItem,
        custodians: &[Custodian],
    ) -> Result<Batch, ServiceError> {
        let item = &stored.item;
        let wraps = self
            .vault
            .share_apart(permit, session, item.id, &item.wraps, custodians)
            .map_err(fault::vault)?;
        let shared = Item {
            wraps,
            ..item.clone()
        };
        let mut batch = Batch::default();
        self.items
            .put_changed(&mut batch, stored, &shared)
            .map_err(fault::items)?;
        Ok(batch)
    }
}

/// Whether an item is wrapped to exactly these people, by the keys they have now.
fn is_for(item: &Item, custodians: &[Custodian]) -> bool {
    item.wraps.len() == custodians.len()
        && custodians.iter().all(|custodian| {
            let key = Some(custodian.key.fingerprint());
            item.wraps.iter().any(|wrap| wrap.recipient.key() == key)
        })
}
