//! Buckets: 1,024 slots of one class under one key `BK`, and their blobs once punctured.
//!
//! An unpunctured bucket is its key alone: the seed of its tree is
//! `HKDF(salt = "", ikm = BK, "bongham/bucket-seed/1" ‖ bucket)`. The first puncture gives it a
//! fresh key and a blob, the tree's remaining seeds sealed under that key. A blob may be copied
//! anywhere: it dies with its key, and its key with the root.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;
use crate::domain::tier::{Tier, UnitKind};

use super::KeyringError;
use super::formula::{TAG_BYTES, hkdf, open_once, pad, seal_once, sha256, unpad};
use super::ggm::{SeedRow, Tree};
use super::storage::BUCKETS;

/// Magic, format version, suite.
const HEAD: [u8; 6] = *b"BHKB\x01\x01";
/// Where the format version stands in [`HEAD`].
const FORMAT: u8 = 1;
/// Least size of a blob; above it sizes double, so that they tell little of how much is punctured.
const BLOB_BYTES: usize = 1024;

/// What the units of a bucket have in common: tier, kind and quarter of registration, as bytes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(super) struct Class {
    tier: u8,
    kind: u8,
    quarter: u16,
}

impl Class {
    pub(super) const fn new(tier: Tier, kind: UnitKind, quarter: u16) -> Self {
        Self {
            tier: tier.byte(),
            kind: kind.byte(),
            quarter,
        }
    }
    /// The quarter of registration.
    pub(super) const fn quarter(self) -> u16 {
        self.quarter
    }
}

/// Which blob holds a bucket's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Blob {
    /// The version of the root that first named it.
    pub(super) version: u64,
    /// SHA-256 of the whole file.
    pub(super) digest: [u8; 32],
}

/// One bucket, never changed: a puncture makes another with the same number.
pub(super) struct Bucket {
    pub(super) id: u32,
    pub(super) class: Class,
    pub(super) key: Secret<32>,
    /// `None` while no slot is punctured.
    pub(super) blob: Option<Blob>,
    pub(super) tree: Tree,
}

/// A blob that is to be written: its name and its bytes.
pub(super) struct SealedBlob {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Bucket {
    /// A bucket with every slot live, under a fresh key.
    pub(super) fn fresh(id: u32, class: Class, random: &dyn Random) -> Result<Self, RandomError> {
        let key = Secret::random(random)?;
        let tree = whole_tree(id, &key);
        Ok(Self {
            id,
            class,
            key,
            blob: None,
            tree,
        })
    }

    /// The bucket without `slots`, under a fresh key, and its blob.
    pub(super) fn without(
        &self,
        slots: &[u16],
        version: u64,
        random: &dyn Random,
    ) -> Result<(Self, SealedBlob), KeyringError> {
        let key = Secret::random(random)?;
        let tree = self.tree.without(slots);
        let bytes = seal_blob(self.id, version, &key, &tree)?;
        let sealed = SealedBlob {
            name: blob_name(&key),
            bytes,
        };
        let bucket = Self {
            id: self.id,
            class: self.class,
            key,
            blob: Some(Blob {
                version,
                digest: sha256(&sealed.bytes),
            }),
            tree,
        };
        Ok((bucket, sealed))
    }

    /// The name of its blob, if it has one.
    pub(super) fn blob_name(&self) -> Option<String> {
        self.blob.as_ref().map(|_| blob_name(&self.key))
    }
}

/// The tree of an unpunctured bucket (formula above).
pub(super) fn whole_tree(id: u32, key: &Secret<32>) -> Tree {
    let info: [&[u8]; 2] = [b"bongham/bucket-seed/1", &id.to_be_bytes()];
    Tree::whole(hkdf(&[], key.expose(), &info))
}

/// `"buckets/" ‖ base32(HKDF("", BK, "bongham/bucket-name/1")[..16])`: as every blob has a fresh
/// key, no name is ever used twice, and none tells what the bucket is for.
pub(super) fn blob_name(key: &Secret<32>) -> String {
    let name = hkdf(&[], key.expose(), &[b"bongham/bucket-name/1"]);
    let (short, _) = name.expose().split_at(16);
    format!(
        "{BUCKETS}/{}",
        BASE32_NOPAD.encode(short).to_ascii_lowercase()
    )
}

/// `HKDF("", BK, "bongham/bucket-blob/1")`.
fn blob_key(key: &Secret<32>) -> Secret<32> {
    hkdf(&[], key.expose(), &[b"bongham/bucket-blob/1"])
}

/// `HEAD ‖ bucket ‖ version`.
fn associated(id: u32, version: u64) -> Vec<u8> {
    [&HEAD[..], &id.to_be_bytes(), &version.to_be_bytes()].concat()
}

/// `HEAD ‖ AES-256-GCM(blob key, aad = HEAD ‖ bucket ‖ version, padded postcard of the seeds)`.
fn seal_blob(
    id: u32,
    version: u64,
    key: &Secret<32>,
    tree: &Tree,
) -> Result<Vec<u8>, KeyringError> {
    let rows = tree.rows();
    // One seed takes at most 36 bytes: level 1, index 3, seed 32. The list's length takes 2.
    let mut text = Zeroizing::new(vec![0; rows.len() * 36 + 2]);
    let text = postcard::to_slice(&rows, &mut text).map_err(|_| KeyringError::Full)?;
    let mut size = BLOB_BYTES;
    while size < text.len() + 4 {
        size *= 2;
    }
    let mut sealed = pad(text, size).ok_or(KeyringError::Full)?;
    seal_once(&blob_key(key), &associated(id, version), &mut sealed)
        .map_err(|_| KeyringError::Full)?;
    let mut bytes = Vec::with_capacity(HEAD.len() + size + TAG_BYTES);
    bytes.extend_from_slice(&HEAD);
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// Why a blob is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadBlob {
    /// Written by a newer program.
    Newer,
    /// Not the blob that the root names, or changed.
    Damaged,
}

/// The tree in `bytes`, if they are exactly the blob that the root names.
pub(super) fn open_blob(
    id: u32,
    key: &Secret<32>,
    blob: &Blob,
    bytes: &[u8],
) -> Result<Tree, BadBlob> {
    let (head, sealed) = bytes.split_first_chunk::<6>().ok_or(BadBlob::Damaged)?;
    if head.starts_with(b"BHKB") && head.get(4).is_some_and(|format| *format > FORMAT) {
        return Err(BadBlob::Newer);
    }
    if *head != HEAD || sha256(bytes) != blob.digest {
        return Err(BadBlob::Damaged);
    }
    let text = open_once(&blob_key(key), &associated(id, blob.version), sealed);
    let text = text.ok_or(BadBlob::Damaged)?;
    let rows = unpad(&text).and_then(|text| postcard::from_bytes::<Vec<SeedRow>>(text).ok());
    Tree::from_rows(&rows.ok_or(BadBlob::Damaged)?).ok_or(BadBlob::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SeededSource;

    fn bucket() -> Bucket {
        let class = Class::new(Tier::Sensitive, UnitKind::Narrative, 8104);
        Bucket::fresh(5, class, &SeededSource::new(1)).unwrap()
    }

    #[test]
    fn a_blob_opens_only_where_the_root_says_it_stands() {
        let (after, sealed) = bucket().without(&[9], 3, &SeededSource::new(2)).unwrap();
        let blob = after.blob.unwrap();
        let open = |id, key: &Secret<32>, blob: &Blob, bytes: &[u8]| {
            open_blob(id, key, blob, bytes).map(|tree| (tree.holds(8), tree.holds(9)))
        };
        assert_eq!(open(5, &after.key, &blob, &sealed.bytes), Ok((true, false)));
        assert_eq!(
            open(6, &after.key, &blob, &sealed.bytes),
            Err(BadBlob::Damaged)
        );
        assert_eq!(
            open(5, &bucket().key, &blob, &sealed.bytes),
            Err(BadBlob::Damaged)
        );
        let other = Blob { version: 4, ..blob };
        assert_eq!(
            open(5, &after.key, &other, &sealed.bytes),
            Err(BadBlob::Damaged)
        );
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            assert!(open(5, &after.key, &blob, &bytes).is_err(), "byte {at}");
        }
        let mut newer = sealed.bytes.clone();
        newer[4] = 2;
        assert_eq!(open(5, &after.key, &blob, &newer), Err(BadBlob::Newer));
    }

    #[test]
    fn blobs_are_padded_and_every_one_has_a_name_of_its_own() {
        let random = SeededSource::new(2);
        let (one, few) = bucket().without(&[9], 3, &random).unwrap();
        let (two, same) = one.without(&[700, 3], 4, &random).unwrap();
        assert_eq!((few.bytes.len(), same.bytes.len()), (1046, 1046));
        assert_ne!(few.name, same.name);
        assert_eq!(two.blob_name(), Some(same.name));
        let even: Vec<u16> = (0..1024).step_by(2).collect();
        let (_, most) = two.without(&even, 5, &random).unwrap();
        assert_eq!(most.bytes.len(), 32 * 1024 + 22);
    }

    #[test]
    fn a_puncture_keeps_the_keys_of_the_other_slots() {
        let before = bucket();
        let (after, _) = before.without(&[9], 3, &SeededSource::new(2)).unwrap();
        assert_eq!(
            before.tree.derive(8).map(|key| *key.expose()),
            after.tree.derive(8).map(|key| *key.expose())
        );
        assert!(before.tree.holds(9) && !after.tree.holds(9));
    }
}
