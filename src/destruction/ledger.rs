//! Leaves of the destruction ledger (파기 관리대장): one canonical JSON object each (RFC 8785), kept
//! for ever, without personal data, so that an auditor can check one with `jq` and `sha256sum`.
//!
//! People stand here by the opaque ids of their accounts; cases and units by theirs. The columns
//! are those of the official form (개인정보파일 파기 관리대장): file, kind of material, created,
//! destroyed, reason, handler, approver; and legal basis, method, count, witness, verification,
//! and the hash of the leaf before.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

use super::copies::{BackedUp, KeyCopy, Restored};
use super::ended::KeysEnded;
use super::kept::{HandedOver, Retained, TermSet};
use super::order::Ground;
use super::standing::{Held, Locked, Unlocked};
use crate::domain::id::{DestructionId, UnitId};
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;
use crate::engine::{Append, Batch, Log};

/// Format of a leaf.
const VERSION: u8 = 1;

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Format.
    pub version: u8,
    /// When, RFC 3339 with offset. The order is the leaf's index.
    pub time: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What the ledger tells.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A destruction begins, and will be finished.
    Intent(Intent),
    /// Every key it names is gone.
    Destroyed(Destroyed),
    /// The bytes are gone as well.
    Scrubbed(Scrubbed),
    /// A backup was begun.
    BackedUp(BackedUp),
    /// Data or keyring were brought back.
    Restored(Restored),
    /// A copy of the keyring was made or ended.
    KeyHolder(KeyCopy),
    /// Another law keeps something: it was copied apart.
    Retained(Retained),
    /// What was kept apart went to an archive.
    HandedOver(HandedOver),
    /// Keys ended by new ones, or with an account.
    KeysEnded(KeysEnded),
    /// A request locks cases.
    Locked(Locked),
    /// And does so no more.
    Unlocked(Unlocked),
    /// Holds of a case, as they stand.
    Held(Held),
    /// What is kept apart got a later end.
    TermSet(TermSet),
}

/// A file of personal data (개인정보파일), as the office registers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum File {
    /// 민원 처리 기록. One name for every tier: the ledger does not tell which cases were sensitive.
    Complaints,
    /// 분리 보관 기록.
    Retained,
    /// 삭제 요구 처리 기록.
    Requests,
}

/// Why something was destroyed (폐기사유).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// 정보주체의 삭제 요구.
    Request,
    /// 보존기간 경과.
    Expiry,
    /// 분리 보관 기한 도래.
    RetentionEnd,
    /// 삭제 요구 처리 종료.
    PetitionEnd,
}

/// Reason and legal basis (폐기사유, 근거).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reason {
    /// Why.
    pub why: Why,
    /// The law.
    pub law: String,
    /// Id of the request, appraisal decision or item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Id of the appraisal decision (기록물평가심의회: 폐기), where the reference names something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

/// One unit that dies.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Item {
    /// Id of the case; none for an item kept apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Number of the unit.
    pub unit: String,
    /// What it held (자료의 종류).
    pub material: UnitKind,
    /// SHA-256 of the stored ciphertext, hexadecimal; none where there was no row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<String>,
}

/// How much (건수).
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    /// Cases touched.
    pub cases: u64,
    /// Cases of which nothing is left.
    pub whole_cases: u64,
    /// Units.
    pub units: u64,
    /// Units by kind.
    pub materials: BTreeMap<UnitKind, u64>,
}

/// What another law keeps, copied apart before the original dies.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// Id of the item.
    pub item: String,
    /// The law that keeps it.
    pub law: String,
    /// Its article.
    pub article: String,
    /// Until when.
    pub until: String,
}

/// What is about to be destroyed, why, and on whose word.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Intent {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// Name of the file (개인정보파일명).
    pub file: File,
    /// Reason and legal basis.
    pub reason: Reason,
    /// When the oldest of it was made (생성일).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<String>,
    /// When the newest of it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_to: Option<String>,
    /// When it was approved (승인일).
    pub approved: String,
    /// Who filled in the request form (처리담당자).
    pub handler: String,
    /// Who approved it (처리부서장, 개인정보 보호책임자).
    pub approver: String,
    /// Who stood by (입회자).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// SHA-256 of the order, hexadecimal.
    pub order: String,
    /// The units.
    pub items: Vec<Item>,
    /// How much.
    pub totals: Totals,
    /// What is kept apart.
    pub kept: Vec<Kept>,
}

/// How something is destroyed (파기 방법).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// 암호키 파기 후 덮어쓰기: the keys are destroyed at once, the ciphertext overwritten after.
    KeyDestructionAndOverwriting,
}

/// Whether a copy of the keyring still has a key that died here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderState {
    /// The copy is destroyed, says its holder, or was made when no key of this was left.
    Acknowledged,
    /// Not yet.
    Pending,
}

/// A copy of the keyring, by its serial number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Serial number.
    pub id: String,
    /// How it stands.
    pub state: HolderState,
}

/// What has been destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Destroyed {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// Leaf hash of the intent, hexadecimal.
    pub intent: String,
    /// How much.
    pub totals: Totals,
    /// How.
    pub method: Method,
    /// Version of the keyring's root that no longer holds the keys.
    pub root_version: u64,
    /// Keys that were asked for afterwards and not found (폐기 확인): all of them.
    pub verified: u64,
    /// Copies of the keyring at that moment.
    pub holders: Vec<Holder>,
}

/// What has been overwritten.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scrubbed {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// Leaf hash of the entry that says it was destroyed, hexadecimal.
    pub destroyed: String,
    /// Version of the keyring's root that no longer holds the keys which the search index had when
    /// the units died: nobody tries guessed values on what is left of them. None where no case
    /// was touched, and in entries from before this was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_version: Option<u64>,
    /// Values overwritten by this pass over the store, of this destruction and others.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Every number or numeral called `unit`, or in a list called `units`, wherever it stands.
fn gather(value: &serde_json::Value, units: &mut Vec<UnitId>) {
    let number = |item: &serde_json::Value| {
        let text = item.as_str().and_then(|text| text.parse().ok());
        item.as_u64().or(text).map(UnitId::from_u64)
    };
    match value {
        serde_json::Value::Object(fields) => {
            for (name, inner) in fields {
                match (name.as_str(), inner.as_array()) {
                    ("unit", None) => units.extend(number(inner)),
                    ("units", Some(items)) => {
                        units.extend(items.iter().filter_map(number));
                        gather(inner, units);
                    }
                    _ => gather(inner, units),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, units)),
        _ => {}
    }
}

/// An entry that has no canonical form: a number out of range. A defect of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ledger entry has no canonical form")]
pub struct NotCanonical;

impl Entry {
    /// Of something that happens now.
    pub fn now(time: Timestamp, event: Event) -> Self {
        Self {
            version: VERSION,
            time: time.rfc3339(),
            event,
        }
    }

    /// The leaf's bytes: canonical JSON.
    pub fn leaf(&self) -> Result<Vec<u8>, NotCanonical> {
        serde_json_canonicalizer::to_vec(self).map_err(|_| NotCanonical)
    }

    /// Reads a leaf; `None` if it is none, or not in its canonical form.
    pub fn read(leaf: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(leaf).ok()?;
        (entry.leaf().ok()? == leaf).then_some(entry)
    }

    /// The destruction that an entry belongs to and the units it names, so far as it names any:
    /// what a restore must find dead.
    pub fn named(leaf: &[u8]) -> Option<(DestructionId, Vec<UnitId>)> {
        let entry: serde_json::Value = serde_json::from_slice(leaf).ok()?;
        let id = entry.get("destruction")?.as_str()?.parse().ok()?;
        let mut units = Vec::new();
        gather(&entry, &mut units);
        Some((id, units))
    }

    /// Adds the leaf to a batch, which the access log then commits together with its own entry.
    pub fn append(&self, batch: &mut Batch) -> Result<(), NotCanonical> {
        batch.append.push(Append {
            log: Log::Ledger,
            leaf: self.leaf()?,
            stamp_at: None,
            body: Vec::new(),
        });
        Ok(())
    }
}

impl Reason {
    /// What the ledger says of a ground.
    pub fn of(ground: &Ground) -> Self {
        let (why, law, reference) = match ground {
            Ground::Request(request) => (
                Why::Request,
                "개인정보 보호법 제36조",
                Some(request.to_string()),
            ),
            Ground::Expiry { decision: None } => (Why::Expiry, "개인정보 보호법 제21조제1항", None),
            Ground::Expiry {
                decision: Some(decision),
            } => (
                Why::Expiry,
                "개인정보 보호법 제21조제1항, 공공기록물 관리에 관한 법률 시행령 제43조",
                Some(decision.clone()),
            ),
            Ground::RetentionEnd(item) => (
                Why::RetentionEnd,
                "개인정보 보호법 제21조제1항",
                Some(item.to_string()),
            ),
            Ground::AppraisedRequest { request, .. } => (
                Why::Request,
                "개인정보 보호법 제36조, 공공기록물 관리에 관한 법률 시행령 제43조",
                Some(request.to_string()),
            ),
            Ground::AppraisedEnd { item, .. } => (
                Why::RetentionEnd,
                "개인정보 보호법 제21조제1항, 공공기록물 관리에 관한 법률 시행령 제43조",
                Some(item.to_string()),
            ),
            Ground::Petition(request) => (
                Why::PetitionEnd,
                "개인정보 보호법 제21조제1항",
                Some(request.to_string()),
            ),
        };
        let decision = match ground {
            Ground::AppraisedRequest { decision, .. } | Ground::AppraisedEnd { decision, .. } => {
                Some(decision.clone())
            }
            _ => None,
        };
        Self {
            why,
            law: law.to_owned(),
            reference,
            decision,
        }
    }
}

impl File {
    /// The file that a ground empties.
    pub const fn of(ground: &Ground) -> Self {
        match ground {
            Ground::Request(_) | Ground::Expiry { .. } | Ground::AppraisedRequest { .. } => {
                Self::Complaints
            }
            Ground::RetentionEnd(_) | Ground::AppraisedEnd { .. } => Self::Retained,
            Ground::Petition(_) => Self::Requests,
        }
    }
    /// What its units hold that belong to no case.
    pub const fn material(self) -> UnitKind {
        match self {
            Self::Complaints | Self::Retained => UnitKind::Extract,
            Self::Requests => UnitKind::Petition,
        }
    }
}

impl Totals {
    /// Of these items; `whole_cases` of their cases end with them.
    pub fn of(items: &[Item], whole_cases: usize) -> Self {
        let mut cases: Vec<&str> = items.iter().filter_map(|i| i.case.as_deref()).collect();
        cases.sort_unstable();
        cases.dedup();
        let mut materials = BTreeMap::new();
        for item in items {
            *materials.entry(item.material).or_default() += 1;
        }
        Self {
            cases: count(cases.len()),
            whole_cases: count(whole_cases),
            units: count(items.len()),
            materials,
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// SHA-256, hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Entry {
        let id = |letter: &str| letter.repeat(26);
        let items = vec![Item {
            case: Some(id("c")),
            unit: "1025".into(),
            material: UnitKind::Person,
            ciphertext: Some(sha256_hex(b"x")),
        }];
        let time = Timestamp::from_millis(1_800_000_000_000);
        let event = Event::Intent(Intent {
            destruction: id("d"),
            file: File::Complaints,
            reason: Reason::of(&Ground::Expiry { decision: None }),
            created_from: Some("2019-03-02".into()),
            created_to: Some("2021-11-30".into()),
            approved: time.rfc3339(),
            handler: id("h"),
            approver: id("a"),
            witness: None,
            order: sha256_hex(b"order"),
            totals: Totals::of(&items, 0),
            items,
            kept: Vec::new(),
        });
        Entry::now(time, event)
    }

    /// What an auditor's `jq` and `sha256sum` make of it, for ever: the text, and SHA-256 of a
    /// zero byte and the text. A change of either is another format.
    const GOLDEN: [&str; 11] = [
        r#"{"approved":"2027-01-15T17:00:00.000+09:00","#,
        r#""approver":"aaaaaaaaaaaaaaaaaaaaaaaaaa","created_from":"2019-03-02","#,
        r#""created_to":"2021-11-30","destruction":"dddddddddddddddddddddddddd","#,
        r#""file":"complaints","handler":"hhhhhhhhhhhhhhhhhhhhhhhhhh","#,
        r#""items":[{"case":"cccccccccccccccccccccccccc","#,
        r#""ciphertext":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","#,
        r#""material":"person","unit":"1025"}],"kept":[],"kind":"intent","#,
        r#""order":"3eeb7e96e59ce40f9cb1a089daba079fd699f6867a30f6634af8570967b2375a","#,
        r#""reason":{"law":"개인정보 보호법 제21조제1항","why":"expiry"},"#,
        r#""time":"2027-01-15T17:00:00.000+09:00","totals":{"cases":1,"#,
        r#""materials":{"person":1},"units":1,"whole_cases":0},"version":1}"#,
    ];
    const GOLDEN_HASH: &str = "ce30e8d40f3c9c42aea6cf2f09dc2635cd78eb179c13ed1b3f47aeec41f07402";

    #[test]
    fn a_leaf_and_its_hash_are_those_that_others_compute() {
        let leaf = intent().leaf().unwrap();
        assert_eq!(String::from_utf8(leaf.clone()).unwrap(), GOLDEN.concat());
        assert_eq!(sha256_hex(&[&[0], leaf.as_slice()].concat()), GOLDEN_HASH);
        let ours = crate::merkle::tree::leaf_hash(&leaf);
        assert_eq!(data_encoding::HEXLOWER.encode(&ours.0), GOLDEN_HASH);
        // The control: no other text has it.
        let other = GOLDEN.concat().replace("1025", "1026");
        let other = crate::merkle::tree::leaf_hash(other.as_bytes());
        assert_ne!(data_encoding::HEXLOWER.encode(&other.0), GOLDEN_HASH);
    }

    #[test]
    fn a_leaf_reads_back_and_only_in_its_canonical_form() {
        let entry = intent();
        let leaf = entry.leaf().unwrap();
        assert_eq!(Entry::read(&leaf), Some(entry));
        let spaced = String::from_utf8(leaf).unwrap().replace("\":", "\": ");
        assert!(serde_json::from_str::<Entry>(&spaced).is_ok());
        assert_eq!(Entry::read(spaced.as_bytes()), None);
    }
}
