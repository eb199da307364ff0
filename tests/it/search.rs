//! Looking for values in bytes, in every form in which a program may have written them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bongham::destruction::ledger::sha256_hex;
use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use unicode_normalization::UnicodeNormalization;

use crate::world::walk;

/// Bytes looked at together, and those that two neighbours share: more than any needle has.
const PIECE: usize = 16 << 10;
const SHARED: usize = 512;

/// How a value may be written.
pub fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |swap: bool| {
        let units = value.encode_utf16();
        let bytes = units.flat_map(move |u| {
            if swap {
                u.to_be_bytes()
            } else {
                u.to_le_bytes()
            }
        });
        bytes.collect::<Vec<u8>>()
    };
    let mut forms = vec![
        ("UTF-8", value.as_bytes().to_vec()),
        ("NFD", value.nfd().collect::<String>().into_bytes()),
        ("UTF-16LE", wide(false)),
        ("UTF-16BE", wide(true)),
        ("CP949", encoding_rs::EUC_KR.encode(value).0.into_owned()),
        ("hex", HEXLOWER.encode(value.as_bytes()).into_bytes()),
        ("HEX", HEXUPPER.encode(value.as_bytes()).into_bytes()),
        ("JSON", escaped(value).into_bytes()),
        ("Debug", value.escape_unicode().to_string().into_bytes()),
        ("URL", percent(value).into_bytes()),
    ];
    // Base64 depends on what stands before: three ways, without the letters at either end that
    // neighbours share.
    for before in 0..3 {
        let shifted = [vec![b' '; before], value.as_bytes().to_vec()].concat();
        let whole = shifted.len() / 3 * 4;
        for (name, encoding) in [("base64", BASE64), ("base64url", BASE64URL)] {
            let text = encoding.encode(&shifted).into_bytes();
            let from = if before == 0 { 0 } else { 4 };
            forms.push((name, text[from..whole].to_vec()));
        }
    }
    forms
}

fn escaped(value: &str) -> String {
    let unit = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    value.encode_utf16().map(unit).collect()
}

pub fn percent(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Finds every form of every canary in one pass.
pub struct Search {
    /// By their first two bytes.
    needles: BTreeMap<[u8; 2], Vec<(String, Vec<u8>)>>,
    starts: Vec<bool>,
}

impl Search {
    pub fn new(values: &[(&str, &str)]) -> Self {
        let mut needles: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut starts = vec![false; 1 << 16];
        for (name, value) in values {
            for (form, bytes) in forms(value) {
                assert!(
                    bytes.len() >= 8,
                    "{name} as {form} is too short to tell anything"
                );
                starts[usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))] = true;
                let start = [bytes[0], bytes[1]];
                needles
                    .entry(start)
                    .or_default()
                    .push((format!("{name} as {form}"), bytes));
            }
        }
        Self { needles, starts }
    }
    /// Besides, bytes that are no text: as they are, and in hexadecimal.
    pub fn and_bytes(mut self, name: &str, bytes: &[u8]) -> Self {
        let hex = HEXLOWER.encode(bytes).into_bytes();
        for (form, bytes) in [("bytes", bytes.to_vec()), ("hex", hex)] {
            let start = [bytes[0], bytes[1]];
            self.starts[usize::from(u16::from_be_bytes(start))] = true;
            let needles = self.needles.entry(start).or_default();
            needles.push((format!("{name} as {form}"), bytes));
        }
        self
    }
    /// Hits in every file below all of these; of what many files share each piece is looked at
    /// once.
    pub fn below_each_once(&self, dirs: &[&Path]) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        dirs.iter().for_each(|dir| walk(dir, &mut files));
        assert!(!files.is_empty());
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for (path, bytes) in files {
            let name = path.as_os_str().as_encoded_bytes();
            let mut hits = self.hits(name);
            for at in (0..bytes.len()).step_by(PIECE) {
                // Pieces share their borders, so that nothing falls between two.
                let piece = &bytes[at..bytes.len().min(at + PIECE + SHARED)];
                if seen.insert(sha256_hex(piece)) {
                    hits.extend(self.hits(piece));
                }
            }
            found.extend(hits.into_iter().map(|hit| (path.clone(), hit.to_owned())));
        }
        found
    }
    pub fn hits(&self, bytes: &[u8]) -> Vec<&str> {
        let mut hits = Vec::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            if !self.starts[usize::from(u16::from_be_bytes([pair[0], pair[1]]))] {
                continue;
            }
            for (name, needle) in &self.needles[&[pair[0], pair[1]]] {
                if bytes[at..].starts_with(needle) {
                    hits.push(name.as_str());
                }
            }
        }
        hits
    }
    /// Hits in every file below, contents and names.
    pub fn below(&self, dir: &Path) -> Vec<(PathBuf, String)> {
        let mut files = Vec::new();
        walk(dir, &mut files);
        assert!(!files.is_empty());
        let mut found = Vec::new();
        for (path, bytes) in files {
            let name = path.as_os_str().as_encoded_bytes();
            let hits = self.hits(&bytes).into_iter().chain(self.hits(name));
            found.extend(hits.map(|hit| (path.clone(), hit.to_owned())));
        }
        found
    }
}
