//! Opening: which root is the one, and the end of whatever a crash cut short.

use std::sync::Arc;

use super::KeyringError;
use super::puncture::{Holder, not_kept};
use super::root::{BadHeader, Body, Header, Root};
use super::storage::{Side, failed};
use super::unseal::{Unseal, UnsealSecret, Unsealer};

/// What one side turned out to be.
enum Found {
    /// There is no root file.
    Nothing,
    /// Sealed with another secret.
    WrongSecret,
    /// Effaced, torn or damaged; says which file.
    Unreadable(String),
    Opens(Box<Root>, Arc<Unseal>),
}

/// The root that counts, every trace of the other one erased.
///
/// The highest version wins that opens and whose blobs all verify.
///
/// # Errors
/// With any error nothing has been erased but what no root needs.
pub(super) fn recover(
    holder: &Holder,
    secret: &UnsealSecret,
) -> Result<(Root, Arc<Unseal>), KeyringError> {
    let mut unsealer = Unsealer::new(secret);
    let mut winner: Option<(Box<Root>, Arc<Unseal>)> = None;
    let mut unreadable = Vec::new();
    let (mut nothing, mut refused) = (0, false);
    for side in Side::BOTH {
        match examine(holder, side, &mut unsealer)? {
            Found::Nothing => nothing += 1,
            Found::WrongSecret => refused = true,
            Found::Unreadable(why) => unreadable.push(why),
            Found::Opens(root, unseal) => {
                if winner
                    .as_ref()
                    .is_none_or(|(best, _)| best.version < root.version)
                {
                    winner = Some((root, unseal));
                }
            }
        }
    }
    let Some((root, unseal)) = winner else {
        return Err(if nothing == Side::BOTH.len() {
            KeyringError::Missing
        } else if refused {
            KeyringError::WrongSecret
        } else {
            KeyringError::Damaged(unreadable.join("; "))
        });
    };
    // A process that was killed before its last sync left this root in memory alone: the other one
    // goes when the disk has it, and not before.
    let side = Side::of(root.version);
    holder.keep(side)?;
    let kept = match examine(holder, side, &mut unsealer)? {
        Found::Opens(kept, _) => kept.version == root.version,
        _ => false,
    };
    if !kept {
        return Err(not_kept(side.root()));
    }
    holder.settle(&root)?;
    Ok((*root, unseal))
}

fn examine(
    holder: &Holder,
    side: Side,
    unsealer: &mut Unsealer<'_>,
) -> Result<Found, KeyringError> {
    let name = side.root();
    let Some(file) = holder.storage.read(name).map_err(failed(name))? else {
        return Ok(Found::Nothing);
    };
    let header = match Header::parse(&file) {
        Ok(header) => header,
        Err(BadHeader::Newer) => return Err(KeyringError::Newer(name.to_owned())),
        Err(BadHeader::Unreadable) => {
            return Ok(Found::Unreadable(format!("{name} is not a whole root")));
        }
    };
    let unseal = unsealer.under(header.terms)?;
    if !header.accepts(&unseal) {
        return Ok(Found::WrongSecret);
    }
    let Some(slot) = holder.slots.load(side)? else {
        let why = format!("the slot of {name} ({}) is effaced or damaged", side.slot());
        return Ok(Found::Unreadable(why));
    };
    let Some(body) = Body::open(&file, &header, &unseal, &slot) else {
        return Ok(Found::Unreadable(format!("{name} does not open")));
    };
    match body.into_root(header.version, |id, key, blob| holder.load(id, key, blob)) {
        Ok(root) => Ok(Found::Opens(Box::new(root), unseal)),
        Err(KeyringError::Damaged(what)) => Ok(Found::Unreadable(format!("{name} needs {what}"))),
        Err(error) => Err(error),
    }
}
