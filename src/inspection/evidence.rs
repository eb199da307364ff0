//! The evidence for a petitioner (열람 내역): who opened a case, as roles, times, purposes and tasks,
//! in one canonical JSON document that can be checked on another machine with nothing but the
//! office's public key.
//!
//! # What is in it
//! Each entry comes with its leaf as it is hashed into the access log's tree, and its inclusion proof
//! (RFC 6962) against one signed checkpoint. What the document says of an entry in words is made again
//! from the leaf and compared: without the leaf, a role or a time would be the office's word alone.
//! The checkpoint is signed for this document: a line names the SHA-256 of everything else in it.
//! Who kept an earlier checkpoint gets a document with the proof (RFC 6962) that the log goes on from
//! there; without that proof an earlier checkpoint is not compared, and the verifier says so.
//!
//! A leaf holds, besides what is said in words, the opaque id of an account: 16 random bytes that
//! stand in no directory outside the store. It holds no name, no login, no address; those are sealed
//! in the body, of which the leaf has only the hash. That somebody who holds two documents sees the
//! same id in both is the price of a proof.
//!
//! # What it cannot prove
//! That the list is complete, and that these entries are about this case: the ids of cases are
//! sealed. Both are the office's signed word, and an auditor can check them. Openings of what another
//! law keeps apart are not in it: an item kept apart names no case, and neither does its entry. The
//! document says so.

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};

use crate::audit::Outcome;
use crate::audit::about::{About, Standing};
use crate::audit::entry::{Decision, Header};
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::task::Task;
use crate::merkle::checkpoint::{Checkpoint, CheckpointError, Verifier};
use crate::merkle::proof;
use crate::merkle::tree::{Hash, leaf_hash};

/// Format of a document. Version 1 said nothing of what is kept apart and held no proof to an earlier
/// checkpoint; it is verified as ever.
const VERSION: u8 = 2;
/// What the document says it is.
pub const KIND: &str = "bongham evidence of access";
/// How the origin of the access log's checkpoints ends.
const ACCESS: &str = "/access";

const PROVES: [&str; 2] = [
    "여기 적힌 각 기록이 접속기록에 그 번호, 시각, 역할, 업무, 목적, 허용·거부 그대로 들어 있고, 서명된 \
     시점 이후 바뀌지 않았다는 것.",
    "Each entry stands in the access log under its index with exactly this time, these roles, this task, \
     this purpose and this decision, and was not changed since the checkpoint was signed.",
];
const LEAVES_OPEN: [&str; 2] = [
    "기록이 빠짐없이 실렸는지, 그리고 이 기록들이 이 민원에 관한 것인지는 이 문서만으로 증명되지 않습니다. \
     민원의 식별자는 봉인되어 있기 때문입니다. 두 가지 모두 기관이 서명으로 확약한 것이며, 감사자가 확인할 \
     수 있습니다. 다른 법률에 따라 분리 보관된 부분의 열람은 민원을 표시하지 않고 기록되므로 이 문서에 \
     나오지 않습니다. 기록의 16바이트 식별자는 사람의 이름이나 계정이 아닙니다.",
    "That no entry is missing, and that these entries are about this case, cannot be proven by this \
     document alone, because ids of cases are sealed. Both are the office's signed word, and an auditor \
     can check them. Openings of parts that another law keeps apart are recorded without a case and are \
     not in this document. The 16-byte id inside a leaf is neither a name nor a login.",
];
/// What a document of version 1 says.
const LEFT_OPEN_1: [&str; 2] = [
    "기록이 빠짐없이 실렸는지, 그리고 이 기록들이 이 민원에 관한 것인지는 이 문서만으로 증명되지 않습니다. \
     민원의 식별자는 봉인되어 있기 때문입니다. 두 가지 모두 기관이 서명으로 확약한 것이며, 감사자가 확인할 \
     수 있습니다. 기록의 16바이트 식별자는 사람의 이름이나 계정이 아닙니다.",
    "That no entry is missing, and that these entries are about this case, cannot be proven by this \
     document alone, because ids of cases are sealed. Both are the office's signed word, and an auditor \
     can check them. The 16-byte id inside a leaf is neither a name nor a login.",
];

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Words {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

impl Words {
    fn of([ko, en]: [&str; 2]) -> Self {
        Self {
            ko: ko.to_owned(),
            en: en.to_owned(),
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// Index in the access log.
    pub index: u64,
    /// When, RFC 3339 in the office's zone.
    pub time: String,
    /// Roles of whoever did it, at that moment.
    pub roles: Vec<Role>,
    /// What was done.
    pub task: Task,
    /// For what.
    pub purpose: Option<Purpose>,
    /// Whether it was refused: an attempt, by which nothing was shown.
    pub attempt: bool,
    /// The leaf as it is hashed, hexadecimal.
    pub leaf: String,
    /// Inclusion proof (RFC 6962), base64, from the leaf's sibling upwards.
    pub proof: Vec<String>,
}

impl Line {
    /// What a leaf says, with its proof.
    pub fn of(entry: &Standing, proof: Vec<String>) -> Self {
        Self::said(entry.index, &entry.header, &entry.leaf, proof)
    }

    fn said(index: u64, header: &Header, leaf: &[u8], proof: Vec<String>) -> Self {
        Self {
            index,
            time: header.time.rfc3339(),
            roles: header.roles.iter().collect(),
            task: header.task,
            purpose: header.purpose,
            attempt: header.decision == Decision::Deny || header.outcome == Outcome::Refused,
            leaf: HEXLOWER.encode(leaf),
            proof,
        }
    }
}

/// A proof (RFC 6962 §2.1.2) that the log of the document goes on from that of an earlier checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Since {
    /// Entries that the earlier checkpoint vouches for.
    pub size: u64,
    /// The proof, base64.
    pub proof: Vec<String>,
}

/// What became of the checkpoint that somebody kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// There was none.
    None,
    /// The log of the document goes on from it.
    Compared,
    /// It is earlier, and the document holds no proof from there.
    NotCompared,
}

/// A document that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub body: Body,
    /// What became of the checkpoint that somebody kept.
    pub kept: Kept,
}

/// Everything but the signature.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Body {
    /// Format.
    pub version: u8,
    /// [`KIND`].
    pub kind: String,
    /// Number on the petitioner's receipt (접수증).
    pub receipt: String,
    /// Opaque id of the case: under it an auditor finds the same entries.
    pub case: String,
    /// When it was issued.
    pub issued: String,
    /// The entries, in their order.
    pub entries: Vec<Line>,
    /// How many older entries are not in the document.
    pub older: u64,
    /// That the log goes on from a checkpoint that somebody kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// What it proves.
    pub proves: Words,
    /// What it does not.
    pub leaves_open: Words,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
    /// The access log's checkpoint, signed for this document (C2SP signed note).
    pub checkpoint: String,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not such a document, or changed in a way that keeps it from being one.
    #[error("this is no such evidence in its canonical form: it was changed, or is something else")]
    Form,
    /// The signature.
    #[error("the checkpoint in the document: {0}")]
    Checkpoint(CheckpointError),
    /// The checkpoint that somebody kept.
    #[error("the checkpoint you kept: {0}")]
    Kept(CheckpointError),
    /// Another log's checkpoint.
    #[error("the checkpoint is of {0}, not of this access log")]
    OtherLog(String),
    /// The text is not the one that was signed: something was added, removed or changed.
    #[error("the document was changed after it was signed: an entry was removed, added or altered")]
    Text,
    /// A leaf is not in the log.
    #[error("entry {0} is not in the access log that was signed")]
    Leaf(u64),
    /// The words do not follow from the leaf.
    #[error("what the document says of entry {0} is not what the access log says")]
    Says(u64),
    /// The entries are not in their order.
    #[error("entry {0} is out of order")]
    Order(u64),
    /// The document is older than the checkpoint that somebody kept.
    #[error("the document is of a log with {size} entries, your checkpoint has {kept}: ask again")]
    Older {
        /// Entries of the log of the document.
        size: u64,
        /// Entries that the kept checkpoint vouches for.
        kept: u64,
    },
    /// Same size, other history.
    #[error("history was rewritten: your checkpoint vouches for other entries")]
    Rewritten,
    /// It has no canonical form. A defect of the program.
    #[error("the document has no canonical form")]
    NotCanonical,
}

impl Body {
    /// What is told of one case; `proofs` are those of its entries, in their order.
    pub fn of(
        receipt: String,
        case: String,
        issued: String,
        about: &About,
        proofs: Vec<Vec<String>>,
        since: Option<Since>,
    ) -> Self {
        let entries = about.entries.iter().zip(proofs);
        Self {
            version: VERSION,
            kind: KIND.to_owned(),
            receipt,
            case,
            issued,
            entries: entries
                .map(|(entry, proof)| Line::of(entry, proof))
                .collect(),
            older: about.older,
            since,
            proves: Words::of(PROVES),
            leaves_open: Words::of(LEAVES_OPEN),
        }
    }

    /// The line that the checkpoint is signed with.
    ///
    /// # Errors
    /// [`Fault::NotCanonical`], a defect of the program.
    pub fn line(&self) -> Result<String, Fault> {
        let bytes = serde_json_canonicalizer::to_vec(self).map_err(|_| Fault::NotCanonical)?;
        let hash = HEXLOWER.encode(digest(&SHA256, &bytes).as_ref());
        Ok(format!("evidence {hash}"))
    }
}

impl Evidence {
    /// The document's bytes: canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// [`Fault::NotCanonical`], a defect of the program.
    pub fn bytes(&self) -> Result<Vec<u8>, Fault> {
        serde_json_canonicalizer::to_vec(self).map_err(|_| Fault::NotCanonical)
    }
}

/// Checks a document with the office's public key and, where somebody kept one, a checkpoint of the
/// access log; names what is wrong.
///
/// # Errors
/// [`Fault`], the first thing found.
pub fn verify(bytes: &[u8], verifier: &Verifier, kept: Option<&str>) -> Result<Verified, Fault> {
    let evidence: Evidence = serde_json::from_slice(bytes).map_err(|_| Fault::Form)?;
    if evidence.bytes()? != bytes {
        return Err(Fault::Form);
    }
    let body = evidence.body;
    let leaves_open = match body.version {
        1 if body.since.is_none() => LEFT_OPEN_1,
        VERSION => LEAVES_OPEN,
        _ => return Err(Fault::Form),
    };
    let words = (Words::of(PROVES), Words::of(leaves_open));
    let same = (&body.proves, &body.leaves_open) == (&words.0, &words.1);
    if body.kind != KIND || !same {
        return Err(Fault::Form);
    }
    let checkpoint = verifier
        .open_exact(&evidence.checkpoint)
        .map_err(Fault::Checkpoint)?;
    if !checkpoint.origin.ends_with(ACCESS) {
        return Err(Fault::OtherLog(checkpoint.origin));
    }
    let mut before = None;
    for line in &body.entries {
        if before.is_some_and(|before| before >= line.index) {
            return Err(Fault::Order(line.index));
        }
        before = Some(line.index);
        check(line, &checkpoint)?;
    }
    if !checkpoint.extensions.contains(&body.line()?) {
        return Err(Fault::Text);
    }
    let kept = match kept {
        None => Kept::None,
        Some(kept) => {
            let kept = verifier.open(kept).map_err(Fault::Kept)?;
            goes_on(&kept, &checkpoint, body.since.as_ref())?
        }
    };
    Ok(Verified { body, kept })
}

fn hash(text: &String) -> Option<Hash> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok().map(Hash)
}

/// Whether the leaf is in the log, and the words are the leaf's.
fn check(line: &Line, checkpoint: &Checkpoint) -> Result<(), Fault> {
    let absent = || Fault::Leaf(line.index);
    let leaf = HEXLOWER.decode(line.leaf.as_bytes());
    let leaf = leaf.map_err(|_| absent())?;
    let path: Option<Vec<Hash>> = line.proof.iter().map(hash).collect();
    let path = path.ok_or_else(absent)?;
    if line.index >= checkpoint.size {
        return Err(absent());
    }
    let (size, root) = (checkpoint.size, checkpoint.root);
    proof::verify_inclusion(&path, line.index, size, leaf_hash(&leaf), root)
        .map_err(|_| absent())?;
    let header = Header::decode(&leaf).map_err(|_| Fault::Says(line.index))?;
    if Line::said(line.index, &header, &leaf, line.proof.clone()) == *line {
        Ok(())
    } else {
        Err(Fault::Says(line.index))
    }
}

/// Whether the log of the document goes on from that of the checkpoint that somebody kept.
fn goes_on(
    kept: &Checkpoint,
    checkpoint: &Checkpoint,
    since: Option<&Since>,
) -> Result<Kept, Fault> {
    if kept.origin != checkpoint.origin {
        return Err(Fault::OtherLog(kept.origin.clone()));
    }
    let (size, root) = (checkpoint.size, checkpoint.root);
    if kept.size > size {
        return Err(Fault::Older {
            size,
            kept: kept.size,
        });
    }
    if kept.size == size {
        return if kept.root == root {
            Ok(Kept::Compared)
        } else {
            Err(Fault::Rewritten)
        };
    }
    let Some(since) = since.filter(|since| since.size == kept.size) else {
        return Ok(Kept::NotCompared);
    };
    let path: Option<Vec<Hash>> = since.proof.iter().map(hash).collect();
    let path = path.ok_or(Fault::Rewritten)?;
    proof::verify_consistency(&path, kept.size, kept.root, size, root)
        .map(|()| Kept::Compared)
        .map_err(|_| Fault::Rewritten)
}

#[cfg(test)]
mod tests;
