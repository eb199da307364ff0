//! The certificate of a destruction (파기 증명서): one canonical JSON document that can be checked on
//! another machine with nothing but the office's public key.
//!
//! It carries the leaves of the ledger with their proofs. What it says in words is made again from
//! them and compared. The note in it is the ledger's checkpoint, signed for this document: a line
//! names the SHA-256 of everything else in it. So no byte of it can be changed unseen.

use data_encoding::BASE64;

use super::ledger::{
    Destroyed, Entry, Event, File, Holder, Intent, Kept, Reason, Scrubbed, Totals, sha256_hex,
};
use crate::merkle::checkpoint::{Checkpoint, CheckpointError, Verifier};
use crate::merkle::proof;
use crate::merkle::tree::{Hash, leaf_hash};

/// Format of a certificate.
const VERSION: u8 = 1;
/// What the document says it is.
pub const KIND: &str = "bongham destruction certificate";
/// How the origin of the ledger's checkpoints ends.
const LEDGER: &str = "/ledger";

/// How far the destruction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Begun: it will be finished.
    Begun,
    /// The keys are gone; the end of the index's key, overwriting, or copies of the keyring are
    /// pending.
    Pending,
    /// Keys, the index's key of that time, bytes and every copy of the keys are gone.
    Complete,
}

/// A leaf of the ledger and its place there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Proven {
    /// Index in the ledger.
    pub index: u64,
    /// The leaf as it is hashed, as text.
    pub leaf: String,
    /// Inclusion proof (RFC 6962), base64, from the leaf's sibling upwards.
    pub proof: Vec<String>,
}

/// A copy that no key destruction reaches: somebody has it on paper or in a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recall {
    /// Id of the export or print.
    pub export: String,
    /// Account id of who answers for the destruction of its copies (파기책임자).
    pub recipient: String,
    /// When it was made.
    pub made: String,
}

/// Everything but the signature.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Body {
    /// Format.
    pub version: u8,
    /// [`KIND`].
    pub kind: String,
    /// Id of the destruction.
    pub destruction: String,
    /// How far it has come.
    pub state: State,
    /// What file of personal data.
    pub file: File,
    /// Reason and legal basis.
    pub reason: Reason,
    /// How much.
    pub totals: Totals,
    /// Numbers of the units.
    pub units: Vec<String>,
    /// When the keys were destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destroyed: Option<String>,
    /// When the bytes were overwritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrubbed: Option<String>,
    /// What another law keeps, apart, and until when.
    pub kept: Vec<Kept>,
    /// Copies on paper or in files that have to be called back.
    pub recall: Vec<Recall>,
    /// Copies of the keyring as they stand when this is issued.
    pub holders: Vec<Holder>,
    /// When it was issued.
    pub issued: String,
    /// Intent, destroyed, scrubbed: as far as it has come.
    pub leaves: Vec<Proven>,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Certificate {
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
    /// The ledger's checkpoint, signed for this document (C2SP signed note).
    pub checkpoint: String,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not such a document, or changed in a way that keeps it from being one.
    #[error("this is no certificate in its canonical form: it was changed, or is something else")]
    Form,
    /// The signature.
    #[error("the checkpoint in the certificate: {0}")]
    Checkpoint(CheckpointError),
    /// The checkpoint that the auditor kept.
    #[error("the checkpoint you kept: {0}")]
    Kept(CheckpointError),
    /// Another log's checkpoint.
    #[error("the checkpoint is of {0}, not of this destruction ledger")]
    OtherLog(String),
    /// The words are not those that were signed.
    #[error("the text of the certificate was changed after it was signed")]
    Text,
    /// A leaf is not in the ledger.
    #[error("entry {0} is not in the ledger that was signed")]
    Leaf(u64),
    /// The leaves do not belong together.
    #[error("the entries of the ledger do not belong together: {0}")]
    Story(&'static str),
    /// The words do not follow from the leaves.
    #[error("what the certificate says of `{0}` is not what the ledger says")]
    Says(&'static str),
    /// The certificate is older than the checkpoint that the auditor kept.
    #[error(
        "the certificate is of a ledger with {size} entries, your checkpoint has {kept}: get it again"
    )]
    Older {
        /// Entries of the ledger of the certificate.
        size: u64,
        /// Entries that the kept checkpoint vouches for.
        kept: u64,
    },
    /// Same size, other history.
    #[error("history was rewritten: your checkpoint vouches for other entries")]
    Rewritten,
    /// What happened has no canonical form. A defect of the program.
    #[error("the certificate has no canonical form")]
    NotCanonical,
}

/// What the leaves of one destruction say.
pub struct Story {
    /// The intent.
    pub intent: Intent,
    /// When and that the keys were destroyed.
    pub destroyed: Option<(String, Destroyed)>,
    /// When and that the bytes were overwritten.
    pub scrubbed: Option<(String, Scrubbed)>,
}

fn hex(leaf: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&leaf_hash(leaf).0)
}

impl Story {
    /// Reads the leaves of one destruction in their order; each must name the one before it.
    pub fn read(leaves: &[&[u8]]) -> Result<Self, Fault> {
        let mut entries = leaves.iter().map(|leaf| (*leaf, Entry::read(leaf)));
        let Some((
            first,
            Some(Entry {
                event: Event::Intent(intent),
                ..
            }),
        )) = entries.next()
        else {
            return Err(Fault::Story("the first is no intent"));
        };
        let mut story = Self {
            intent,
            destroyed: None,
            scrubbed: None,
        };
        let Some((second, entry)) = entries.next() else {
            return Ok(story);
        };
        match entry {
            Some(Entry {
                time,
                event: Event::Destroyed(said),
                ..
            }) if said.destruction == story.intent.destruction && said.intent == hex(first) => {
                story.destroyed = Some((time, said));
            }
            _ => return Err(Fault::Story("the second does not follow from the intent")),
        }
        match entries.next() {
            None => return Ok(story),
            Some((
                _,
                Some(Entry {
                    time,
                    event: Event::Scrubbed(said),
                    ..
                }),
            )) if said.destruction == story.intent.destruction && said.destroyed == hex(second) => {
                story.scrubbed = Some((time, said));
            }
            Some(_) => return Err(Fault::Story("the third does not follow from the second")),
        }
        if entries.next().is_some() {
            return Err(Fault::Story("there are too many"));
        }
        Ok(story)
    }

    /// How far it has come, given the copies of the keyring.
    fn state(&self, holders: &[Holder]) -> State {
        use super::ledger::HolderState::Pending;
        match (&self.destroyed, &self.scrubbed) {
            (None, _) => State::Begun,
            (Some(_), Some(_)) if holders.iter().all(|h| h.state != Pending) => State::Complete,
            (Some(_), _) => State::Pending,
        }
    }
}

impl Body {
    /// What follows from these leaves; the rest is what is known when it is issued.
    pub fn of(
        leaves: Vec<Proven>,
        recall: Vec<Recall>,
        holders: Vec<Holder>,
        issued: String,
    ) -> Result<Self, Fault> {
        let bytes: Vec<&[u8]> = leaves.iter().map(|l| l.leaf.as_bytes()).collect();
        let story = Story::read(&bytes)?;
        let state = story.state(&holders);
        let intent = story.intent;
        Ok(Self {
            version: VERSION,
            kind: KIND.to_owned(),
            destruction: intent.destruction,
            state,
            file: intent.file,
            reason: intent.reason,
            totals: intent.totals,
            units: intent.items.into_iter().map(|item| item.unit).collect(),
            destroyed: story.destroyed.map(|(time, _)| time),
            scrubbed: story.scrubbed.map(|(time, _)| time),
            kept: intent.kept,
            recall,
            holders,
            issued,
            leaves,
        })
    }

    /// The line that the checkpoint is signed with.
    pub fn line(&self) -> Result<String, Fault> {
        let bytes = serde_json_canonicalizer::to_vec(self).map_err(|_| Fault::NotCanonical)?;
        Ok(format!("certificate {}", sha256_hex(&bytes)))
    }
}

impl Certificate {
    /// The document's bytes: canonical JSON.
    pub fn bytes(&self) -> Result<Vec<u8>, Fault> {
        serde_json_canonicalizer::to_vec(self).map_err(|_| Fault::NotCanonical)
    }
}

/// Checks a certificate with the office's public key and, where the auditor kept one, a checkpoint
/// of the ledger; names what is wrong.
pub fn verify(bytes: &[u8], verifier: &Verifier, kept: Option<&str>) -> Result<Body, Fault> {
    let certificate: Certificate = serde_json::from_slice(bytes).map_err(|_| Fault::Form)?;
    if certificate.bytes()? != bytes {
        return Err(Fault::Form);
    }
    let note = &certificate.checkpoint;
    let body = certificate.body;
    let checkpoint = verifier.open_exact(note).map_err(Fault::Checkpoint)?;
    if !checkpoint.origin.ends_with(LEDGER) {
        return Err(Fault::OtherLog(checkpoint.origin));
    }
    for leaf in &body.leaves {
        included(leaf, &checkpoint)?;
    }
    let (recall, holders) = (body.recall.clone(), body.holders.clone());
    let told = Body::of(body.leaves.clone(), recall, holders, body.issued.clone())?;
    if let Some(field) = difference(&body, &told) {
        return Err(Fault::Says(field));
    }
    if !checkpoint.extensions.contains(&body.line()?) {
        return Err(Fault::Text);
    }
    if let Some(kept) = kept {
        compare(kept, verifier, &checkpoint)?;
    }
    Ok(body)
}

fn included(leaf: &Proven, checkpoint: &Checkpoint) -> Result<(), Fault> {
    let bad = || Fault::Leaf(leaf.index);
    let hash = |text: &String| {
        let bytes = BASE64.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Hash)
    };
    let path: Option<Vec<Hash>> = leaf.proof.iter().map(hash).collect();
    let path = path.ok_or_else(bad)?;
    if leaf.index >= checkpoint.size {
        return Err(bad());
    }
    let (size, root) = (checkpoint.size, checkpoint.root);
    let hash = leaf_hash(leaf.leaf.as_bytes());
    proof::verify_inclusion(&path, leaf.index, size, hash, root).map_err(|_| bad())
}

fn difference(body: &Body, told: &Body) -> Option<&'static str> {
    let pairs = [
        ("version", body.version == told.version),
        ("kind", body.kind == told.kind),
        ("destruction", body.destruction == told.destruction),
        ("state", body.state == told.state),
        ("file", body.file == told.file),
        ("reason", body.reason == told.reason),
        ("totals", body.totals == told.totals),
        ("units", body.units == told.units),
        ("destroyed", body.destroyed == told.destroyed),
        ("scrubbed", body.scrubbed == told.scrubbed),
        ("kept", body.kept == told.kept),
    ];
    pairs
        .into_iter()
        .find(|(_, same)| !same)
        .map(|(name, _)| name)
}

fn compare(kept: &str, verifier: &Verifier, checkpoint: &Checkpoint) -> Result<(), Fault> {
    let kept = verifier.open(kept).map_err(Fault::Kept)?;
    if kept.origin != checkpoint.origin {
        return Err(Fault::OtherLog(kept.origin));
    }
    if kept.size > checkpoint.size {
        return Err(Fault::Older {
            size: checkpoint.size,
            kept: kept.size,
        });
    }
    if kept.size == checkpoint.size && kept.root != checkpoint.root {
        return Err(Fault::Rewritten);
    }
    Ok(())
}
