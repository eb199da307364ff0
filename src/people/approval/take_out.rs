//! What leaves the store, as its approver sees it.

use super::hash::Parts;
use crate::domain::id::AccountId;
use crate::domain::purpose::Purpose;
use crate::domain::time::Timestamp;

/// Who can open what has left.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Lock {
    /// Everybody: it is on paper.
    Paper,
    /// Whoever hears the passphrase, which the requester alone is shown.
    Passphrase,
    /// The holder of this public key.
    Key(String),
}

impl Lock {
    /// No public key is one of the other words.
    fn text(&self) -> &str {
        match self {
            Self::Paper => "paper",
            Self::Passphrase => "passphrase",
            Self::Key(key) => key,
        }
    }
}

/// Cases that leave the store in a file or on paper.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TakeOut {
    /// SHA-256 over exactly these cases as they stand, fields and terms.
    pub manifest_hash: [u8; 32],
    /// File or paper, by the form's code.
    pub form: String,
    /// What for.
    pub purpose: Purpose,
    /// Why, in the requester's words.
    pub reason: String,
    /// Which fields, by the template's code.
    pub template: String,
    /// Copies on paper; 1 for a file.
    pub copies: u16,
    /// How many cases.
    pub cases: u32,
    /// How many of them are sensitive.
    pub sensitive: u32,
    /// How many people in them.
    pub people: u32,
    /// Whether nothing is masked.
    pub unmasked: bool,
    /// Who gets it.
    pub receiver: String,
    /// Who can open it once it is out.
    pub lock: Lock,
    /// Who answers for its destruction, and so does not consent to it.
    pub responsible: AccountId,
    /// When its copies are to be destroyed; 30 days after they were made, where nobody said.
    pub destroy_by: Option<Timestamp>,
    /// The cases by their numbers, where they are few.
    pub named: Vec<String>,
}

impl TakeOut {
    pub(super) fn parts(&self, content: &mut Parts) {
        let Self {
            manifest_hash,
            form,
            purpose,
            reason,
            template,
            copies,
            cases,
            sensitive,
            people,
            unmasked,
            receiver,
            lock,
            responsible,
            destroy_by,
            named,
        } = self;
        let until = destroy_by.map(|at| at.as_millis().to_be_bytes());
        content
            .part(manifest_hash)
            .part(form.as_bytes())
            .part(purpose.code().as_bytes())
            .part(reason.as_bytes())
            .part(template.as_bytes())
            .part(&copies.to_be_bytes())
            .part(&cases.to_be_bytes())
            .part(&sensitive.to_be_bytes())
            .part(&people.to_be_bytes())
            .part(&[u8::from(*unmasked)])
            .part(receiver.as_bytes())
            .part(lock.text().as_bytes())
            .part(responsible.as_bytes())
            .part(until.as_ref().map_or(&[], |at| at.as_slice()));
        for case in named {
            content.part(case.as_bytes());
        }
    }
}
