//! What an approval is bound to.

use ring::digest::{Context, SHA256};

use super::{Asked, Person, Standing};
use crate::crypto::wrap::Fingerprint;
use crate::domain::id::{AccountId, RetainedId};

impl Asked {
    /// What an approval is bound to: SHA-256 over a canonical encoding of kind, content and
    /// requester. Each part stands after its length, so that no two requests share an encoding.
    pub fn hash(&self, requester: AccountId) -> [u8; 32] {
        let mut content = Parts::default();
        match self {
            Self::GrantRole { to: person, role } | Self::TakeRole { of: person, role } => {
                content.person(person).part(role.code().as_bytes())
            }
            Self::SeatDesk {
                department,
                members,
            } => members
                .iter()
                .fold(content.part(department.as_bytes()), Parts::person),
            Self::ResetAccount { of } | Self::DisableAccount { of } => content.person(of),
            Self::OpenRetained {
                item,
                purpose,
                reason,
            } => content
                .part(item.as_bytes())
                .part(purpose.code().as_bytes())
                .part(reason.as_bytes()),
            Self::HandOver {
                count,
                named,
                archive,
                reason,
                items_hash,
            } => {
                let content = content
                    .part(&count.to_be_bytes())
                    .part(archive.as_bytes())
                    .part(reason.as_bytes())
                    .part(items_hash);
                let one = |content, item: &RetainedId| Parts::part(content, item.as_bytes());
                named.iter().fold(content, one)
            }
            Self::Destroy {
                item,
                units,
                basis: (law, article),
                decision,
                reason,
                order_hash,
            } => content
                .part(item.as_bytes())
                .part(&units.to_be_bytes())
                .part(law.as_bytes())
                .part(article.as_bytes())
                .part(decision.as_deref().unwrap_or_default().as_bytes())
                .part(reason.as_bytes())
                .part(order_hash),
            Self::LiftItemHold {
                item,
                ground,
                reason,
                standing,
            } => content
                .part(item.as_bytes())
                .part(ground.as_bytes())
                .part(reason.as_bytes())
                .standing(standing),
            Self::RenewTerm {
                item,
                until,
                decision,
                reason,
            } => content
                .part(item.as_bytes())
                .part(&until.as_millis().to_be_bytes())
                .part(decision.as_deref().unwrap_or_default().as_bytes())
                .part(reason.as_bytes()),
            Self::LiftHold {
                case,
                ground,
                reason,
                standing,
            } => content
                .part(case.as_bytes())
                .part(ground.as_bytes())
                .part(reason.as_bytes())
                .standing(standing),
            Self::TakeOut(taken) => {
                taken.parts(&mut content);
                &mut content
            }
            Self::RaiseBudget {
                people,
                cases,
                reason,
            } => content
                .part(&people.to_be_bytes())
                .part(&cases.to_be_bytes())
                .part(reason.as_bytes()),
        };
        Parts::default()
            .part(b"bongham approval request v1")
            .part(self.kind().as_bytes())
            .part(&content.0)
            .part(requester.as_bytes())
            .sha256()
    }
}

/// Parts, each after its length in eight bytes, big-endian.
#[derive(Default)]
pub(super) struct Parts(Vec<u8>);

impl Parts {
    pub(super) fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
        self
    }
    fn person(&mut self, person: &Person) -> &mut Self {
        let Person { account, key } = person;
        let fingerprint = key.fingerprint.as_ref().map(Fingerprint::as_bytes);
        self.part(account.as_bytes())
            .part(&key.version.to_be_bytes())
            .part(fingerprint.map_or(&[], |bytes| bytes.as_slice()))
    }
    fn standing(&mut self, holds: &[Standing]) -> &mut Self {
        let one = |parts: &mut Self, hold: &Standing| {
            let at = hold.at.as_millis().to_be_bytes();
            parts.part(hold.by.as_bytes()).part(&at);
        };
        holds.iter().for_each(|hold| one(self, hold));
        self
    }
    fn sha256(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        hash
    }
}

/// Hash of something too long to stand in a request: an order, a list of items. `label` names what
/// it is, so that a hash of one thing is never that of another.
pub fn content_hash<'a>(label: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut all = Parts::default();
    all.part(b"bongham approval content v1")
        .part(label.as_bytes());
    for part in parts {
        all.part(part);
    }
    all.sha256()
}
