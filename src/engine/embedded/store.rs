//! The file `store`: the store's name, and whether the journal key is the right one.
//!
//! ```text
//! 0    "BONGHAMS" · version u16 · suite u8 · 0
//! 12   store [16]
//! 28   MAC [32]     HMAC-SHA-256("sto1" ‖ bytes 0..28)
//! ```

use super::bytes::{Reader, check_preamble, preamble};
use super::files::{self, Layout};
use super::seal::Keys;
use super::segment::{self, Segments, StoreName};
use crate::engine::EngineError;

const MAGIC: &[u8; 8] = b"BONGHAMS";
const DOMAIN: [u8; 4] = *b"sto1";

/// Writes the file.
pub(super) fn write(layout: &Layout, keys: &Keys, name: &StoreName) -> Result<(), EngineError> {
    let mut bytes = preamble(MAGIC).to_vec();
    bytes.extend_from_slice(name);
    let mac = keys.mac_of(&DOMAIN, &bytes);
    bytes.extend_from_slice(&mac);
    files::replace(&layout.store(), &bytes)
}

/// The store's name. A damaged file is written anew if a segment vouches for key and name, so
/// that a wrong key is never taken for damage nor damage for a wrong key.
pub(super) fn read(
    layout: &Layout,
    keys: &Keys,
    segments: &Segments,
) -> Result<StoreName, EngineError> {
    let bytes = files::read(&layout.store())?.unwrap_or_default();
    let intact = parse(keys, &bytes);
    if let Ok(Some(name)) = intact {
        return Ok(name);
    }
    let vouched = segments
        .get(1)
        .and_then(|first| segment::check(keys, &first, 1));
    if let Err(newer @ EngineError::Unusable(_)) = intact {
        return Err(newer);
    }
    let name = vouched.map_err(|error| match error {
        newer @ EngineError::Unusable(_) => newer,
        _ => EngineError::Unusable(
            "the journal key does not fit this store: give the keyring that belongs to it".into(),
        ),
    })?;
    write(layout, keys, &name)?;
    Ok(name)
}

fn parse(keys: &Keys, bytes: &[u8]) -> Result<Option<StoreName>, EngineError> {
    let mut reader = Reader::new(bytes);
    match check_preamble(&mut reader, MAGIC, "the store's header file") {
        Err(EngineError::Damaged(_)) => return Ok(None),
        other => other?,
    }
    let (Some(name), Some(mac)) = (reader.array(), reader.take(32)) else {
        return Ok(None);
    };
    let signed = bytes
        .get(..bytes.len() - reader.rest().len() - 32)
        .unwrap_or_default();
    Ok(keys.verifies(&DOMAIN, signed, mac).then_some(name))
}
