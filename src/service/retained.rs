//! Draw from a case what another law keeps (분리 보관, 개인정보 보호법 제21조제3항): copy to the separate
//! store, verify, enter in the ledger. The original is destroyed later, by its order, so that a
//! crash leaves both and never neither.

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Retain;
use crate::cases::draft::Invalid;
use crate::cases::head::StoredHead;
use crate::crypto::sealed::Padding;
use crate::destruction::kept::Retained;
use crate::destruction::ledger::{self, Entry};
use crate::domain::id::{CaseId, RetainedId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::tier::UnitKind;
use crate::engine::{Batch, Key, Pending, Space, Value};
use crate::retained::basis::LegalBasis;
use crate::retained::item::{Item, Part, kind_code};
use crate::retained::rows::StoredItem;
use crate::vault::{Custodian, Retains, Standing, UnitRef};

/// What is to be drawn from a case.
pub struct Draw {
    /// Every part of these kinds.
    pub kinds: Vec<UnitKind>,
    /// And these units, by their ids.
    pub units: Vec<UnitId>,
    /// On what law.
    pub basis: LegalBasis,
}

/// An item of the separate store.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Drawn {
    /// Its id.
    pub item: String,
}

/// A copy that is verified and not yet in the ledger.
pub(super) struct Apart {
    pub(super) item: Item,
    /// What goes with the ledger event: units of a copy that a crash cut short.
    left: Vec<UnitId>,
    /// The ledger tells of it already.
    entered: bool,
}

impl Store {
    pub(super) fn items_turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.items_turn
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// `POST /cases/{id}/retained`: the holder's part. Locked cases are no obstacle: storing is the
    /// one thing that a lock leaves (개인정보 보호법 제37조).
    ///
    /// # Errors
    /// [`ServiceError::NoCustodian`] where nobody could ever open it;
    /// [`ServiceError::Invalid`] for a part that the case does not have.
    pub fn retain(
        &self,
        session: &Session,
        case: CaseId,
        purpose: Purpose,
        draw: &Draw,
    ) -> Answer<Drawn> {
        // Before the gate: who may not draw from the case does not feel who is in it.
        if let Err(denied) = self.decide_on::<Retain>(session, case, purpose)? {
            return Ok(self.deny(session, denied, Some(purpose)));
        }
        let _inside = self.gates.enter(case)?;
        let (permit, stored) = match self.decide_on::<Retain>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let _turn = self.items_turn();
        let planned = chosen(&stored, draw)
            .and_then(|units| self.copy_apart(&permit, session, &stored, &units, &draw.basis))
            .and_then(|apart| {
                let mut batch = Batch::default();
                let left = self.enter_apart(&mut batch, &apart)?;
                Ok((apart, batch, left))
            });
        let (apart, batch, left) = match planned {
            Ok(planned) => planned,
            Err(error) => return self.fail(permit, error),
        };
        let recorded = self
            .log
            .record_with(permit, shown(case, &apart.item), batch)
            .wait();
        recorded.map(|_| ()).map_err(fault::log)?;
        self.finish_apart(&apart, left);
        Ok(Pending::ready(Ok(Drawn {
            item: apart.item.id.to_string(),
        })))
    }

    /// Copies to the separate store and checks what was stored against the original. Call with
    /// the items' turn.
    fn copy_apart<A: Retains>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        stored: &StoredHead,
        units: &[UnitRef],
        basis: &LegalBasis,
    ) -> Result<Apart, ServiceError> {
        let head = &stored.head;
        let origin = self.origin(stored, units, basis);
        let before = self.items.drawn_from(origin).map_err(fault::items)?;
        if let Some(before) = &before
            && self.is_entered(before.item.id)?
        {
            return Ok(Apart {
                item: before.item.clone(),
                left: Vec::new(),
                entered: true,
            });
        }
        basis.check(self.clock.now()).map_err(fault::basis)?;
        let custodians = self.custodians();
        if custodians.is_empty() {
            return Err(ServiceError::NoCustodian);
        }
        let rows = self
            .cases
            .units(head.case, units.iter().copied())
            .map_err(fault::cases)?;
        let standing = Standing {
            tier: head.tier,
            key_version: head.key_version,
            wraps: &head.wraps,
            units: &rows,
        };
        let id = RetainedId::random(self.random.as_ref()).map_err(fault::random)?;
        let copied = self
            .vault
            .copy_apart(permit, session, &standing, id, &custodians)
            .map_err(fault::vault)?;
        let parts = copied.units.iter().zip(units);
        let item = Item {
            id,
            basis: basis.clone(),
            made_at: self.clock.now(),
            requester: session.account(),
            approver: None,
            due_since: None,
            parts: parts
                .map(|((unit, _), of)| Part {
                    unit: *unit,
                    of: of.kind,
                })
                .collect(),
            wraps: copied.wraps.clone(),
            origin,
            appraisal: self.appraised(&head.class)?,
            holds: Vec::new(),
        };
        let mut batch = Batch::default();
        self.items
            .put_new(&mut batch, &item, copied.units.clone(), before.as_ref())
            .map_err(fault::items)?;
        self.commit_apart(batch)?;
        self.verify_apart(&item, &copied)?;
        Ok(Apart {
            item,
            left: before.map(|b| b.item.units()).unwrap_or_default(),
            entered: false,
        })
    }

    /// Whether the rule of a class demands a decision of the records appraisal.
    fn appraised(&self, class: &str) -> Result<bool, ServiceError> {
        let rules = self.records.rules().map_err(fault::records)?.row;
        Ok(rules.of(class).is_some_and(|rule| rule.appraisal))
    }

    /// Reads the item back: row, wraps and every unit must be what was copied.
    fn verify_apart(&self, item: &Item, copied: &crate::vault::Copied) -> Result<(), ServiceError> {
        let differs = || ServiceError::Damaged("a copy kept apart is not what was written".into());
        let read = self.items.item(item.id).map_err(fault::items)?;
        let read = read.ok_or_else(differs)?.item;
        if read != *item {
            return Err(differs());
        }
        let units = self.items.units(&read).map_err(fault::items)?;
        self.vault
            .verify_copy(item.id, copied, &units)
            .map_err(fault::vault)
    }

    pub(super) fn commit_apart(&self, batch: Batch) -> Result<(), ServiceError> {
        let committed = self.items.engine().commit(batch).wait();
        committed.map(|_| ()).map_err(fault::commit)
    }

    /// Adds to a batch of the live store what makes a copy known: the ledger's event and the row
    /// that says so. Nothing, where both are there.
    fn enter_apart(&self, batch: &mut Batch, apart: &Apart) -> Result<Option<Key>, ServiceError> {
        if apart.entered {
            return Ok(None);
        }
        let item = &apart.item;
        let mut kinds: Vec<String> = item.kinds().into_iter().map(code).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let event = Retained {
            item: item.id.to_string(),
            law: item.basis.law.clone(),
            article: item.basis.article.clone(),
            items: item.basis.items.clone(),
            until: item.basis.until.rfc3339(),
            kinds,
            count: item.parts.len() as u64,
            requester: item.requester.to_string(),
        };
        self.append_ledger(batch, ledger::Event::Retained(event))?;
        let row = self.mark(item.id, &item.units())?;
        batch.put.push(row);
        self.end_keys(batch, &apart.left, Vec::new())
    }

    /// What a crash had left of the same copy dies, once the new one is in the ledger.
    fn finish_apart(&self, apart: &Apart, left: Option<Key>) {
        if let Some(row) = left {
            self.puncture(row, &apart.left);
        }
    }

    pub(super) fn append_ledger(
        &self,
        batch: &mut Batch,
        event: ledger::Event,
    ) -> Result<(), ServiceError> {
        Entry::now(self.clock.now(), event)
            .append(batch)
            .map_err(|error| ServiceError::Internal(error.to_string()))
    }

    /// Everybody who can be given something to keep.
    pub(super) fn custodians(&self) -> Vec<Custodian> {
        let accounts = self.directory.accounts().into_iter();
        accounts
            .filter(|account| account.roles.has(Role::RetentionCustodian))
            .filter_map(|account| {
                Some(Custodian {
                    account: account.id,
                    key: account.receives()?,
                })
            })
            .collect()
    }

    /// The place that an item drawn of these units on this basis has.
    pub(super) fn origin(
        &self,
        stored: &StoredHead,
        units: &[UnitRef],
        basis: &LegalBasis,
    ) -> [u8; 16] {
        let head = &stored.head;
        let until = basis.until.as_millis().to_be_bytes();
        let mut ids: Vec<[u8; 8]> = units
            .iter()
            .map(|unit| unit.unit.as_u64().to_be_bytes())
            .collect();
        ids.sort_unstable();
        let count = ids.len().to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![
            head.case.as_bytes(),
            basis.law.as_bytes(),
            basis.article.as_bytes(),
            basis.items.as_bytes(),
            &until,
            &count,
        ];
        parts.extend(ids.iter().map(<[u8; 8]>::as_slice));
        parts.extend(head.locks.iter().map(|lock| lock.as_bytes().as_slice()));
        self.items.origin(&parts)
    }

    fn mark_key(&self, item: RetainedId) -> Key {
        Key::from(self.locator.place("kept-apart", &[item.as_bytes()]))
    }

    /// The live store's row of an item that the ledger tells of: its units, so that an item that
    /// is missing can be told from one that was destroyed.
    fn mark(
        &self,
        item: RetainedId,
        units: &[UnitId],
    ) -> Result<(Space, Key, Value), ServiceError> {
        let key = self.mark_key(item);
        let internal = |why: &str| ServiceError::Internal(why.to_owned());
        let plain = postcard::to_stdvec(&(item, units))
            .map_err(|_| internal("the mark of an item does not encode"))?;
        let sealed = self
            .row_key
            .seal(
                Space::Retained,
                key.as_bytes(),
                &plain,
                Padding::Steps,
                self.random.as_ref(),
            )
            .map_err(fault::seal)?;
        let value = Value::new(sealed).map_err(|_| internal("the mark of an item is too long"))?;
        Ok((Space::Retained, key, value))
    }

    /// What the mark of an item says.
    pub(super) fn read_mark(
        &self,
        key: &Key,
        row: &Value,
    ) -> Result<(RetainedId, Vec<UnitId>), ServiceError> {
        let damaged = || ServiceError::Damaged("the mark of an item kept apart".to_owned());
        let plain = self
            .row_key
            .open(Space::Retained, key.as_bytes(), row.as_bytes())
            .map_err(|_| damaged())?;
        postcard::from_bytes(plain.expose()).map_err(|_| damaged())
    }

    /// Whether the ledger tells of this item.
    pub(super) fn is_entered(&self, item: RetainedId) -> Result<bool, ServiceError> {
        let found = self.engine.get(Space::Retained, &self.mark_key(item));
        Ok(found.map_err(fault::engine)?.is_some())
    }

    pub(super) fn kept(&self, item: RetainedId) -> Result<Option<StoredItem>, ServiceError> {
        self.items.item(item).map_err(fault::items)
    }

    /// Removes the rows of an item whose units are destroyed: from the live store first, then from
    /// the separate one. An item that is gone already is no error, so that an executor that was
    /// cut short calls it again.
    pub(super) fn drop_retained(&self, item: RetainedId) -> Result<(), ServiceError> {
        let _turn = self.items_turn();
        let marked = Batch {
            delete: vec![(Space::Retained, self.mark_key(item))],
            ..Batch::default()
        };
        let unmarked = self.engine.commit(marked).wait();
        unmarked.map_err(fault::commit)?;
        let Some(stored) = self.kept(item)? else {
            return Ok(());
        };
        let mut batch = Batch::default();
        self.items.remove(&mut batch, &stored);
        self.commit_apart(batch)
    }
}

fn code(kind: UnitKind) -> String {
    kind_code(kind).to_owned()
}

/// The units of a case that are asked for, each once, in the order of the case.
fn chosen(stored: &StoredHead, draw: &Draw) -> Result<Vec<UnitRef>, ServiceError> {
    let all = &stored.head.units;
    if let Some(unknown) = draw
        .units
        .iter()
        .find(|unit| !all.iter().any(|u| u.unit == **unit))
    {
        let at = draw.units.iter().position(|unit| unit == unknown);
        let field = format!("units.{}", at.unwrap_or_default());
        return Err(Invalid::new(field, "is no part of this case").into());
    }
    let units: Vec<UnitRef> = all
        .iter()
        .copied()
        .filter(|u| draw.kinds.contains(&u.kind) || draw.units.contains(&u.unit))
        .collect();
    if units.is_empty() {
        return Err(Invalid::new("parts", "name nothing that this case has").into());
    }
    Ok(units)
}

/// Whose data an item holds, by the units of the people in it. A narrative alone is somebody's too:
/// it counts as one person.
pub(super) fn people_of(item: &Item) -> Vec<UnitId> {
    let person = |part: &&Part| part.of == UnitKind::Person;
    let people = item.parts.iter().filter(person);
    let people: Vec<UnitId> = people.map(|part| part.unit.unit).collect();
    let one = || item.parts.iter().map(|part| part.unit.unit).take(1);
    if people.is_empty() {
        one().collect()
    } else {
        people
    }
}

fn shown(case: CaseId, item: &Item) -> Shown {
    Shown {
        cases: vec![case],
        units: item.units(),
        people: people_of(item),
        reason: Some(item.id.to_string()),
        ..Shown::default()
    }
}

#[cfg(test)]
mod tests;
