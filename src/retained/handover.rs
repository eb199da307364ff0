//! The file with which items go to an archive (기록관 이관): the list of what is encrypted, the law
//! and the dates of each, the content sealed to the archive's public key, and all that is needed
//! to decrypt it (공공기록물법 시행령 제31조의2).
//!
//! ```text
//! {"format":"bongham retained hand-over","version":1,"made_at":…,"archive":…,"items":2,"sealing":…}
//! {"item":…,"law":…,"article":…,"items":…,"until":…,"made_at":…,"key":base64,"parts":[{"of":…,"sealed":base64}]}
//! {"sha256":…}                                   over all lines before it, with their ends
//! ```
//! One JSON object a line. `key` and `sealed` are those of [`crate::crypto::archive`]: a part's
//! number counts from 0, and its plaintext is JSON in UTF-8.

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::archive::{ArchiveKey, digest};
use crate::crypto::envelope::SealError;
use crate::crypto::wrap::{PrivateKey, PublicKey, WrapError, generate};
use crate::domain::id::RetainedId;
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::{Secret, SecretBytes};
use crate::domain::time::Timestamp;

const FORMAT: &str = "bongham retained hand-over";
const VERSION: u32 = 1;
/// What an archive's own program needs to know; the bytes are laid out in the manual.
const SEALING: &str = "key: HPKE base mode (RFC 9180) DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, \
    AES-256-GCM, enc 32 | ct 32 | tag 16, info = \"bongham/archive/1\" 01 item(16 bytes of base32); \
    sealed: AES-256-GCM, zero nonce, key = HKDF-Expand(key, aad, 32), 01 01 salt(16) ct tag(16), \
    aad = \"bongham/row/1\" 01 01 12 salt item number(u32 big-endian)";

/// A hand-over could not be written or read. Names lines, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// Not such a file, or one of a newer program.
    #[error("not a hand-over file of this program's version")]
    Format,
    /// Cut short or changed on the way.
    #[error("the file is not whole: its end or its SHA-256 is not right")]
    NotWhole,
    /// Sealed to another key.
    #[error("the file is sealed to another public key, with the fingerprint {0}")]
    OtherKey(String),
    /// A line that does not open.
    #[error("line {0} does not open")]
    Damaged(usize),
    /// The public key is no point that HPKE accepts.
    #[error("not a usable public key")]
    BadKey,
    /// A private key file that is none.
    #[error("a private key file holds 64 hexadecimal digits")]
    BadKeyFile,
    /// No randomness, or content too long.
    #[error("it could not be sealed")]
    NotSealed,
}

impl From<RandomError> for HandoverError {
    fn from(_: RandomError) -> Self {
        Self::NotSealed
    }
}
impl From<SealError> for HandoverError {
    fn from(_: SealError) -> Self {
        Self::NotSealed
    }
}
impl From<WrapError> for HandoverError {
    fn from(error: WrapError) -> Self {
        match error {
            WrapError::BadKey => Self::BadKey,
            _ => Self::NotSealed,
        }
    }
}

/// What stands of an item in clear: the list that the law asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Id of the item.
    pub item: String,
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
}

/// An item to hand over: label, and each part's kind and JSON.
pub struct Handed {
    /// Its id.
    pub id: RetainedId,
    /// Its label.
    pub label: Label,
    /// Kind and content of each part.
    pub parts: Vec<(&'static str, Zeroizing<Vec<u8>>)>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    made_at: String,
    archive: String,
    items: usize,
    sealing: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    label: Label,
    key: String,
    parts: Vec<SealedPart>,
}

#[derive(Serialize, Deserialize)]
struct SealedPart {
    of: String,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct End {
    sha256: String,
}

/// The public key that stands in hexadecimal.
pub fn public_key(hex: &str) -> Option<PublicKey> {
    let bytes = HEXLOWER.decode(hex.trim().to_ascii_lowercase().as_bytes());
    Some(PublicKey::from_bytes(bytes.ok()?.try_into().ok()?))
}

/// Whether something can be sealed to this key at all.
pub fn try_key(key: &PublicKey, random: &dyn Random) -> Result<(), HandoverError> {
    let probe = RetainedId::from_bytes([0; 16]);
    ArchiveKey::random(random)?.wrap_to(probe, key, random)?;
    Ok(())
}

/// A key's fingerprint in hexadecimal, as ledger and file name the archive.
pub fn fingerprint(key: &PublicKey) -> String {
    HEXLOWER.encode(key.fingerprint().as_bytes())
}

/// A key pair for an archive: the private key as its file holds it, the public one in hexadecimal.
pub fn new_key_pair(random: &dyn Random) -> Result<(SecretBytes, String), HandoverError> {
    let (private, public) = generate(random)?;
    let text = HEXLOWER.encode(private.secret().expose()) + "\n";
    let public = HEXLOWER.encode(public.as_bytes());
    Ok((SecretBytes::new(text.into_bytes()), public))
}

fn private_key(file: &SecretBytes) -> Result<PrivateKey, HandoverError> {
    let text = Zeroizing::new(file.expose().trim_ascii().to_ascii_lowercase());
    let bytes = HEXLOWER.decode(&text).map(Zeroizing::new);
    let secret = bytes.ok().and_then(|bytes| Secret::from_slice(&bytes));
    secret.map(PrivateKey::new).ok_or(HandoverError::BadKeyFile)
}

fn add_line(file: &mut Vec<u8>, line: &impl Serialize) -> Result<(), HandoverError> {
    serde_json::to_writer(&mut *file, line).map_err(|_| HandoverError::NotSealed)?;
    file.push(b'\n');
    Ok(())
}

/// The file.
pub fn write(
    items: &[Handed],
    archive: &PublicKey,
    made_at: Timestamp,
    random: &dyn Random,
) -> Result<Vec<u8>, HandoverError> {
    let mut file = Vec::new();
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        made_at: made_at.rfc3339(),
        archive: fingerprint(archive),
        items: items.len(),
        sealing: SEALING.to_owned(),
    };
    add_line(&mut file, &head)?;
    for item in items {
        let key = ArchiveKey::random(random)?;
        let sealed = (0_u32..)
            .zip(&item.parts)
            .map(|(number, (of, content))| {
                Ok(SealedPart {
                    of: (*of).to_owned(),
                    sealed: BASE64.encode(&key.seal(item.id, number, content, random)?),
                })
            })
            .collect::<Result<_, HandoverError>>()?;
        let line = Line {
            label: item.label.clone(),
            key: BASE64.encode(&key.wrap_to(item.id, archive, random)?),
            parts: sealed,
        };
        add_line(&mut file, &line)?;
    }
    let sha256 = HEXLOWER.encode(&digest(&file));
    add_line(&mut file, &End { sha256 })?;
    Ok(file)
}

/// An item as an archive reads it.
#[derive(Serialize)]
pub struct Received {
    /// Its label.
    #[serde(flatten)]
    pub label: Label,
    /// Its parts.
    pub parts: Vec<ReceivedPart>,
}

/// One part of it.
#[derive(Serialize)]
pub struct ReceivedPart {
    /// What it is.
    pub of: String,
    /// Its content.
    pub content: serde_json::Value,
}

/// Opens a file with the archive's private key file. Needs no store.
///
/// # Errors
/// [`HandoverError`], which names the line at fault. Nothing is given of a file that is not whole.
pub fn read(file: &[u8], key_file: &SecretBytes) -> Result<Vec<Received>, HandoverError> {
    let key = private_key(key_file)?;
    let body = file.strip_suffix(b"\n").ok_or(HandoverError::NotWhole)?;
    let last = body.iter().rposition(|byte| *byte == b'\n');
    let (before, end) = last
        .and_then(|at| file.split_at_checked(at + 1))
        .ok_or(HandoverError::Format)?;
    let mut lines = before.split(|byte| *byte == b'\n');
    let head = lines
        .next()
        .and_then(|line| serde_json::from_slice(line).ok());
    let head: Head = head.ok_or(HandoverError::Format)?;
    if head.format != FORMAT || head.version != VERSION {
        return Err(HandoverError::Format);
    }
    let end: End = serde_json::from_slice(end).map_err(|_| HandoverError::NotWhole)?;
    if end.sha256 != HEXLOWER.encode(&digest(before)) {
        return Err(HandoverError::NotWhole);
    }
    if head.archive != fingerprint(&key.public()) {
        return Err(HandoverError::OtherKey(head.archive));
    }
    let received = lines
        .filter(|line| !line.is_empty())
        .enumerate()
        .map(|(number, line)| open(line, &key).ok_or(HandoverError::Damaged(number + 2)))
        .collect::<Result<Vec<_>, _>>()?;
    if received.len() == head.items {
        Ok(received)
    } else {
        Err(HandoverError::NotWhole)
    }
}

fn open(line: &[u8], archive: &PrivateKey) -> Option<Received> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let item: RetainedId = line.label.item.parse().ok()?;
    let message = BASE64.decode(line.key.as_bytes()).ok()?;
    let key = ArchiveKey::unwrap_with(item, &message, archive).ok()?;
    let part = |(number, part): (u32, SealedPart)| {
        let sealed = BASE64.decode(part.sealed.as_bytes()).ok()?;
        let plain = key.open(item, number, &sealed).ok()?;
        Some(ReceivedPart {
            of: part.of,
            content: serde_json::from_slice(plain.expose()).ok()?,
        })
    };
    Some(Received {
        label: line.label,
        parts: (0..).zip(line.parts).map(part).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemSource;

    fn handed(byte: u8) -> Handed {
        let id = RetainedId::from_bytes([byte; 16]);
        let text = |text: &str| text.to_owned();
        Handed {
            id,
            label: Label {
                item: id.to_string(),
                law: text("법"),
                article: text("제1조"),
                items: text("성명"),
                until: text("2030-01-01T00:00:00+09:00"),
                made_at: text("2026-01-01T00:00:00+09:00"),
            },
            parts: vec![
                ("narrative", Zeroizing::new(br#"{"title":"t"}"#.to_vec())),
                ("person", Zeroizing::new(br#"{"name":"n"}"#.to_vec())),
            ],
        }
    }

    #[test]
    fn an_archive_opens_what_was_sealed_to_it_and_nothing_that_was_touched() {
        let random = SystemSource::default();
        let (file_of_key, public) = new_key_pair(&random).unwrap();
        let (other_key, _) = new_key_pair(&random).unwrap();
        let public = public_key(&public).unwrap();
        let now = Timestamp::from_millis(0);
        let file = write(&[handed(1), handed(2)], &public, now, &random).unwrap();
        let received = read(&file, &file_of_key).unwrap();
        assert_eq!(received.len(), 2);
        assert_eq!(received[1].label, handed(2).label);
        assert_eq!(received[1].parts[1].content["name"], "n");
        assert!(!String::from_utf8_lossy(&file).contains("title"));

        let failed = |file: &[u8], key| read(file, key).err().unwrap();
        let other = HandoverError::OtherKey(fingerprint(&public));
        assert_eq!(failed(&file, &other_key), other);
        let lines: Vec<&[u8]> = file.split_inclusive(|b| *b == b'\n').collect();
        let without_item = [lines[0], lines[1], lines[3]].concat();
        assert_eq!(failed(&without_item, &file_of_key), HandoverError::NotWhole);
        assert_eq!(
            failed(&file[..file.len() - 9], &file_of_key),
            HandoverError::NotWhole
        );
        let mut flipped = file.clone();
        flipped[lines[0].len() + 40] ^= 1;
        assert_eq!(failed(&flipped, &file_of_key), HandoverError::NotWhole);
        // Someone who mends the digest as well still cannot move a part.
        let text = String::from_utf8(file.clone()).unwrap();
        let (first, second) = (handed(1).label.item, handed(2).label.item);
        let swapped = text
            .replace(&first, "#")
            .replace(&second, &first)
            .replace('#', &second);
        let at = swapped.trim_end().rfind('\n').unwrap() + 1;
        let sha256 = HEXLOWER.encode(&digest(&swapped.as_bytes()[..at]));
        let mended = format!("{}{{\"sha256\":\"{sha256}\"}}\n", &swapped[..at]);
        assert_eq!(
            failed(mended.as_bytes(), &file_of_key),
            HandoverError::Damaged(2)
        );
        assert_eq!(failed(b"{}\n{}\n", &file_of_key), HandoverError::Format);
        let bad = SecretBytes::new(b"zz".to_vec());
        assert_eq!(failed(&file, &bad), HandoverError::BadKeyFile);
    }
}
