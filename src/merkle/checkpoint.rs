//! Signed checkpoints: C2SP tlog-checkpoint inside a C2SP signed note, Ed25519 (RFC 8032).
//!
//! ```text
//! bongham/<store>/access                         origin
//! 20852163                                       size
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root
//! other bongham/<store>/ledger 41 <base64 root>  the other log, vouched for by the same signature
//!
//! — <key name> <base64 of key id ‖ signature>
//! ```

use data_encoding::BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use signed_note::{Note, Signature, VerificationError};

use super::tree::Hash;
use crate::domain::secret::Secret;

/// C2SP signature type of Ed25519.
const TYPE_ED25519: u8 = 1;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Origin line, e.g. `bongham/3f…/access`.
    pub origin: String,
    /// Leaves in the log.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
    /// Extension lines: `other <origin> <size> <base64 root>` of the other log.
    pub extensions: Vec<String>,
}

/// What an extension line says of the other log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its origin line.
    pub origin: String,
    /// Its leaves.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
}

/// Why a checkpoint cannot be made or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not in the one form that this program writes.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// Signed by nobody, by another key, or for another text.
    #[error("the checkpoint is not signed by this key")]
    Signature,
    /// A key or key name that cannot be used.
    #[error("not a usable key: {0}")]
    BadKey(&'static str),
}

impl Other {
    /// The extension line.
    pub fn line(&self) -> String {
        format!("other {} {} {}", self.origin, self.size, self.root)
    }
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        if words.next() != Some("other") {
            return None;
        }
        let other = Self {
            origin: words.next()?.to_owned(),
            size: words.next()?.parse().ok()?,
            root: Hash::from_base64(words.next()?)?,
        };
        (other.line() == line).then_some(other)
    }
}

impl Checkpoint {
    /// What it says of the other log, if it has such a line.
    pub fn other(&self) -> Option<Other> {
        self.extensions.iter().find_map(|line| Other::parse(line))
    }

    fn text(&self) -> Result<Vec<u8>, CheckpointError> {
        let single = |line: &String| !line.is_empty() && !line.chars().any(char::is_control);
        if !single(&self.origin) || !self.extensions.iter().all(single) {
            return Err(CheckpointError::Malformed("an empty or broken line"));
        }
        let extension: String = self
            .extensions
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        let root = tlog_tiles::Hash(self.root.0);
        tlog_tiles::Checkpoint::new(&self.origin, self.size, root, &extension)
            .map(|checkpoint| checkpoint.to_bytes())
            .map_err(|_| CheckpointError::Malformed("an empty or broken line"))
    }

    /// Reads the text of a note, in canonical form only.
    fn parse(text: &[u8]) -> Result<Self, CheckpointError> {
        let parsed = tlog_tiles::Checkpoint::from_bytes(text)
            .map_err(|_| CheckpointError::Malformed("its lines are not origin, size and root"))?;
        let checkpoint = Self {
            origin: parsed.origin().to_owned(),
            size: parsed.size(),
            root: Hash(parsed.hash().0),
            extensions: parsed.extension().lines().map(str::to_owned).collect(),
        };
        if checkpoint.text()? == text {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Malformed("not in canonical form"))
        }
    }

    /// What a note says, unverified: for a writer that signed it itself.
    pub(super) fn of_note(note: &str) -> Result<Self, CheckpointError> {
        Self::parse(note_of(note)?.text())
    }
}

fn note_of(note: &str) -> Result<Note, CheckpointError> {
    Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Malformed("not a signed note"))
}

fn check_name(name: &str) -> Result<(), CheckpointError> {
    if signed_note::is_key_name_valid(name) && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(CheckpointError::BadKey(
            "the name is empty or has spaces or a plus sign",
        ))
    }
}

/// Signature type and public key, as they enter the key id and the vkey.
fn typed(public: &[u8]) -> Vec<u8> {
    [&[TYPE_ED25519], public].concat()
}

/// The log's signing key.
pub struct Signer {
    name: String,
    id: u32,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// From the 32-byte Ed25519 seed; `name` is the key name in the note (the store's origin).
    pub fn new(name: &str, seed: &Secret<32>) -> Result<Self, CheckpointError> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .map_err(|_| CheckpointError::BadKey("not an Ed25519 seed"))?;
        Ok(Self {
            id: signed_note::key_id(name, &typed(pair.public_key().as_ref())),
            name: name.to_owned(),
            pair,
        })
    }
    /// The note's text form, ready to publish.
    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<String, CheckpointError> {
        let malformed = |_| CheckpointError::Malformed("not the text of a note");
        let text = checkpoint.text()?;
        let bytes = self.pair.sign(&text).as_ref().to_vec();
        let signature = Signature::new(self.name.clone(), self.id, bytes).map_err(malformed)?;
        let note = Note::new(&text, &[signature]).map_err(malformed)?;
        String::from_utf8(note.to_bytes())
            .map_err(|_| CheckpointError::Malformed("not the text of a note"))
    }
    /// The public key in C2SP vkey form `name+hash+base64`, one line: what an auditor keeps.
    pub fn verifier_key(&self) -> String {
        let key = BASE64.encode(&typed(self.pair.public_key().as_ref()));
        format!("{}+{:08x}+{key}", self.name, self.id)
    }
}

/// The public half.
pub struct Verifier {
    name: String,
    id: u32,
    public: [u8; 32],
}

impl signed_note::Verifier for Verifier {
    fn name(&self) -> &str {
        &self.name
    }
    fn key_id(&self) -> u32 {
        self.id
    }
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl signed_note::Verifiers for Verifier {
    fn verifier(
        &self,
        name: &str,
        id: u32,
    ) -> Result<&dyn signed_note::Verifier, VerificationError> {
        if name == self.name && id == self.id {
            Ok(self)
        } else {
            let name = name.to_owned();
            Err(VerificationError::UnknownKey { name, id })
        }
    }
}

impl Verifier {
    /// From a vkey line, as [`Signer::verifier_key`] writes it.
    pub fn parse(vkey: &str) -> Result<Self, CheckpointError> {
        const FORM: CheckpointError = CheckpointError::BadKey("expected name+hash+base64");
        let mut parts = vkey.trim_end_matches('\n').splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(FORM);
        };
        check_name(name)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| FORM)?;
        let expected = signed_note::key_id(name, &key);
        if id != format!("{expected:08x}") {
            return Err(CheckpointError::BadKey(
                "the hash does not fit name and key",
            ));
        }
        let public = key.strip_prefix(&[TYPE_ED25519]).ok_or(FORM)?;
        Ok(Self {
            name: name.to_owned(),
            id: expected,
            public: public.try_into().map_err(|_| FORM)?,
        })
    }

    /// What a note says, if this key signed it. Signatures of other keys (witnesses) may stand
    /// beside; they are not looked at.
    pub fn open(&self, note: &str) -> Result<Checkpoint, CheckpointError> {
        let note = note_of(note)?;
        note.verify(self).map_err(|_| CheckpointError::Signature)?;
        Checkpoint::parse(note.text())
    }

    /// As [`Verifier::open`], but the note must be exactly what the signer wrote: this key's one
    /// signature and nothing else.
    pub fn open_exact(&self, text: &str) -> Result<Checkpoint, CheckpointError> {
        let note = note_of(text)?;
        let (signatures, _) = note.verify(self).map_err(|_| CheckpointError::Signature)?;
        let exact = Note::new(note.text(), &signatures).map(|note| note.to_bytes());
        if signatures.len() == 1 && exact.is_ok_and(|bytes| bytes == text.as_bytes()) {
            Checkpoint::parse(note.text())
        } else {
            Err(CheckpointError::Malformed(
                "more than the log's own signature",
            ))
        }
    }
}
