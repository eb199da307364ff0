//! The root: every bucket's key, the server's own keys, and the floor, sealed as one file.
//!
//! ```text
//! header  "BHKR" | format 1 | suite 1 | version u64 | memory KiB u32 | passes u32 | salt 16
//!         | check 32 = HMAC(HKDF("", UK, "bongham/unseal-check/1"), all before)
//!         | digest 32 = SHA-256(all before)
//! body    AES-256-GCM(K_r(v) = HKDF(salt = E_v, ikm = UK, "bongham/root/1"), aad = header,
//!         postcard padded to a fixed size that doubles when full)
//! ```
//! Integers are big-endian. `digest` tells damage from a wrong passphrase, which only `check`
//! refuses. `E_v` stands in the effaceable slot.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::domain::id::DepartmentId;
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

use super::bucket::{Blob, Bucket, Class, whole_tree};
use super::formula::{TAG_BYTES, hkdf, mac, open_once, pad, seal_once, sha256, unpad};
use super::ggm::Tree;
use super::index_epochs::{IndexKeys, IndexRow};
use super::unseal::{Terms, Unseal, UnsealCost};
use super::{Floor, KeyringError};

/// Size of a root file until it is full: room for some 6,000 buckets, 6 million units.
pub(super) const ROOT_BYTES: usize = 512 << 10;

const MAGIC: &[u8; 4] = b"BHKR";
const FORMAT: u8 = 1;
const SUITE: u8 = 1;
const HEADER_BYTES: usize = 38 + 32 + 32;

/// A root in use. A change makes another with the next version; what did not change is shared.
#[derive(Clone)]
pub(super) struct Root {
    pub(super) version: u64,
    /// The least number that no bucket ever had.
    pub(super) next_bucket: u32,
    pub(super) buckets: BTreeMap<u32, Arc<Bucket>>,
    pub(super) server_secret: Arc<Secret<32>>,
    pub(super) log_seed: Arc<Secret<32>>,
    pub(super) departments: BTreeMap<(DepartmentId, u32), Arc<Secret<32>>>,
    pub(super) index: Arc<IndexKeys>,
    pub(super) floor: Floor,
}

impl Root {
    /// The first root of a new keyring.
    pub(super) fn first(random: &dyn Random, now: Timestamp) -> Result<Self, RandomError> {
        Ok(Self {
            version: 1,
            next_bucket: 0,
            buckets: BTreeMap::new(),
            server_secret: Arc::new(Secret::random(random)?),
            log_seed: Arc::new(Secret::random(random)?),
            departments: BTreeMap::new(),
            index: Arc::new(IndexKeys::first(random, now)?),
            floor: Floor::default(),
        })
    }

    /// The same root with the next version, to be changed and written.
    pub(super) fn next(&self) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next
    }

    /// The root file (layout above), `least` bytes or that doubled until it fits.
    pub(super) fn seal(
        &self,
        unseal: &Unseal,
        slot: &Secret<32>,
        least: usize,
    ) -> Result<Vec<u8>, KeyringError> {
        let header = Header::encode(self.version, unseal);
        let body = Body::of(self);
        let mut size = least;
        let mut sealed = loop {
            let room = size.saturating_sub(HEADER_BYTES + TAG_BYTES);
            let mut text = Zeroizing::new(vec![0; room]);
            match postcard::to_slice(&body, &mut text) {
                Ok(text) => {
                    if let Some(padded) = pad(text, room) {
                        break padded;
                    }
                }
                Err(postcard::Error::SerializeBufferFull) => {}
                Err(_) => return Err(KeyringError::Full),
            }
            size = size.checked_mul(2).ok_or(KeyringError::Full)?;
        };
        seal_once(&root_key(slot, unseal), &header, &mut sealed).map_err(|_| KeyringError::Full)?;
        Ok([&header[..], &sealed[..]].concat())
    }
}

/// `K_r(v) = HKDF(salt = E_v, ikm = UK, "bongham/root/1")`.
fn root_key(slot: &Secret<32>, unseal: &Unseal) -> Secret<32> {
    hkdf(slot.expose(), unseal.key.expose(), &[b"bongham/root/1"])
}

/// What stands in clear before a root.
pub(super) struct Header {
    pub(super) version: u64,
    pub(super) terms: Terms,
    bytes: [u8; HEADER_BYTES],
}

/// Why bytes are not the header of a root.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// Written by a newer program.
    Newer,
    /// Effaced, torn or damaged.
    Unreadable,
}

impl Header {
    fn encode(version: u64, unseal: &Unseal) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[FORMAT, SUITE]);
        bytes.extend_from_slice(&version.to_be_bytes());
        bytes.extend_from_slice(&unseal.terms.cost.memory_kib.to_be_bytes());
        bytes.extend_from_slice(&unseal.terms.cost.passes.to_be_bytes());
        bytes.extend_from_slice(&unseal.terms.salt);
        let check = check_value(unseal, &bytes);
        bytes.extend_from_slice(check.expose());
        let digest = sha256(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Reads the header of a root file, believing nothing that its digest does not cover.
    pub(super) fn parse(file: &[u8]) -> Result<Self, BadHeader> {
        let unreadable = BadHeader::Unreadable;
        let bytes = *file.first_chunk::<HEADER_BYTES>().ok_or(unreadable)?;
        let (magic, rest) = split::<4>(&bytes)?;
        let ([format, suite], rest) = split::<2>(rest)?;
        if magic == *MAGIC && (format > FORMAT || suite > SUITE) {
            return Err(BadHeader::Newer);
        }
        let (version, rest) = split::<8>(rest)?;
        let (memory, rest) = split::<4>(rest)?;
        let (passes, rest) = split::<4>(rest)?;
        let (salt, _) = split::<16>(rest)?;
        let (covered, digest) = bytes.split_at(HEADER_BYTES - 32);
        if magic != *MAGIC || (format, suite) != (FORMAT, SUITE) || digest != sha256(covered) {
            return Err(BadHeader::Unreadable);
        }
        Ok(Self {
            version: u64::from_be_bytes(version),
            terms: Terms {
                cost: UnsealCost {
                    memory_kib: u32::from_be_bytes(memory),
                    passes: u32::from_be_bytes(passes),
                },
                salt,
            },
            bytes,
        })
    }

    /// Whether the secret is the one that this root was sealed with.
    pub(super) fn accepts(&self, unseal: &Unseal) -> bool {
        let (covered, _) = self.bytes.split_at(HEADER_BYTES - 64);
        let (_, check) = self.bytes.split_at(HEADER_BYTES - 64);
        check.starts_with(check_value(unseal, covered).expose())
    }
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), BadHeader> {
    let (first, rest) = bytes.split_first_chunk().ok_or(BadHeader::Unreadable)?;
    Ok((*first, rest))
}

/// `HMAC(HKDF("", UK, "bongham/unseal-check/1"), header)`. Gives a guesser nothing that the
/// sealed body would not give as well.
fn check_value(unseal: &Unseal, header: &[u8]) -> Secret<32> {
    let key = hkdf(&[], unseal.key.expose(), &[b"bongham/unseal-check/1"]);
    mac(key.expose(), &[header])
}

/// A root as it stands in its file.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Body {
    next_bucket: u32,
    pub(super) buckets: Vec<BucketRow>,
    server_secret: [u8; 32],
    log_seed: [u8; 32],
    departments: Vec<DepartmentRow>,
    index: IndexRow,
    older_index: Option<IndexRow>,
    #[zeroize(skip)]
    floor: Floor,
}

/// One row of the bucket table.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct BucketRow {
    pub(super) id: u32,
    #[zeroize(skip)]
    class: Class,
    pub(super) key: [u8; 32],
    #[zeroize(skip)]
    pub(super) blob: Option<Blob>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct DepartmentRow {
    #[zeroize(skip)]
    id: DepartmentId,
    version: u32,
    key: [u8; 32],
}

impl Body {
    fn of(root: &Root) -> Self {
        let bucket = |bucket: &Arc<Bucket>| BucketRow {
            id: bucket.id,
            class: bucket.class,
            key: *bucket.key.expose(),
            blob: bucket.blob,
        };
        let department =
            |((id, version), key): (&(DepartmentId, u32), &Arc<Secret<32>>)| DepartmentRow {
                id: *id,
                version: *version,
                key: *key.expose(),
            };
        Self {
            next_bucket: root.next_bucket,
            buckets: root.buckets.values().map(bucket).collect(),
            server_secret: *root.server_secret.expose(),
            log_seed: *root.log_seed.expose(),
            departments: root.departments.iter().map(department).collect(),
            index: root.index.newest.row(),
            older_index: root.index.older.as_ref().map(|epoch| epoch.row()),
            floor: root.floor,
        }
    }

    /// Opens a root file under the secret of its slot; `None` if it is not whole.
    pub(super) fn open(
        file: &[u8],
        header: &Header,
        unseal: &Unseal,
        slot: &Secret<32>,
    ) -> Option<Self> {
        let (_, sealed) = file.split_at_checked(HEADER_BYTES)?;
        let text = open_once(&root_key(slot, unseal), &header.bytes, sealed)?;
        postcard::from_bytes(unpad(&text)?).ok()
    }

    /// The root in use; `load` fetches the trees that stand in blobs.
    pub(super) fn into_root<E>(
        self,
        version: u64,
        load: impl Fn(u32, &Secret<32>, &Blob) -> Result<Tree, E>,
    ) -> Result<Root, E> {
        let mut buckets = BTreeMap::new();
        for row in &self.buckets {
            let key = Secret::new(row.key);
            let tree = match &row.blob {
                Some(blob) => load(row.id, &key, blob)?,
                None => whole_tree(row.id, &key),
            };
            let bucket = Bucket {
                id: row.id,
                class: row.class,
                key,
                blob: row.blob,
                tree,
            };
            buckets.insert(row.id, Arc::new(bucket));
        }
        let departments = self.departments.iter();
        Ok(Root {
            version,
            next_bucket: self.next_bucket,
            buckets,
            server_secret: Arc::new(Secret::new(self.server_secret)),
            log_seed: Arc::new(Secret::new(self.log_seed)),
            departments: departments
                .map(|row| ((row.id, row.version), Arc::new(Secret::new(row.key))))
                .collect(),
            index: Arc::new(IndexKeys::of_rows(&self.index, self.older_index.as_ref())),
            floor: self.floor,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SeededSource;
    use crate::domain::tier::{Tier, UnitKind};

    const SLOT: Secret<32> = Secret::new([5; 32]);

    fn unseal() -> Unseal {
        Unseal {
            terms: Terms {
                cost: UnsealCost::DEFAULT,
                salt: [1; 16],
            },
            key: Secret::new([2; 32]),
        }
    }

    fn root_of(buckets: u32) -> Root {
        let random = SeededSource::new(1);
        let class = Class::new(Tier::Ordinary, UnitKind::Person, 8104);
        let mut root = Root::first(&random, Timestamp::from_millis(0)).unwrap();
        for id in 0..buckets {
            root.buckets
                .insert(id, Arc::new(Bucket::fresh(id, class, &random).unwrap()));
        }
        root.next_bucket = buckets;
        root
    }

    #[test]
    fn the_file_has_one_size_until_it_is_full_and_then_twice_that() {
        let size = |buckets| {
            root_of(buckets)
                .seal(&unseal(), &SLOT, 16 << 10)
                .unwrap()
                .len()
        };
        assert_eq!(
            (size(0), size(1), size(300)),
            (16 << 10, 16 << 10, 16 << 10)
        );
        assert_eq!((size(500), size(1500)), (32 << 10, 64 << 10));
    }

    #[test]
    fn a_root_opens_only_with_all_of_secret_slot_and_header() {
        let root = root_of(3);
        let file = root.seal(&unseal(), &SLOT, 2048).unwrap();
        let header = Header::parse(&file).unwrap();
        assert!(header.accepts(&unseal()) && header.version == 1);
        let body = Body::open(&file, &header, &unseal(), &SLOT).unwrap();
        let same = body
            .into_root(header.version, |_, _, _| Err::<Tree, ()>(()))
            .unwrap();
        let keys = |root: &Root| -> Vec<[u8; 32]> {
            root.buckets
                .values()
                .map(|bucket| *bucket.key.expose())
                .collect()
        };
        assert_eq!((keys(&same), same.next_bucket), (keys(&root), 3));

        let other = Unseal {
            key: Secret::new([3; 32]),
            ..unseal()
        };
        assert!(!header.accepts(&other));
        assert!(Body::open(&file, &header, &other, &SLOT).is_none());
        assert!(Body::open(&file, &header, &unseal(), &Secret::new([6; 32])).is_none());
        let next = root.next().seal(&unseal(), &SLOT, 2048).unwrap();
        let next = Header::parse(&next).unwrap();
        assert!(Body::open(&file, &next, &unseal(), &SLOT).is_none());
    }

    #[test]
    fn a_header_is_believed_whole_or_not_at_all() {
        let file = root_of(0).seal(&unseal(), &SLOT, 2048).unwrap();
        for at in 0..HEADER_BYTES {
            let mut bytes = file.clone();
            bytes[at] ^= 2;
            let newer = at == 4 || at == 5;
            let wanted = if newer {
                BadHeader::Newer
            } else {
                BadHeader::Unreadable
            };
            assert_eq!(Header::parse(&bytes).err(), Some(wanted), "byte {at}");
        }
        assert_eq!(
            Header::parse(&file[..90]).err(),
            Some(BadHeader::Unreadable)
        );
    }
}
