//! `keyring …`: copies of the keyring, and a keyring out of a copy.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::Actor;
use super::args::Store;
use super::args::copies::{CapsuleSecret, KeyringCommand, Proofs};
use super::backup;
use super::client::{Client, as_actor};
use super::failure::Failure;
use super::host::{Host, Unlock, UnpackRequest};
use super::out::{Out, fields};
use super::secrets::{ask, first_line};
use crate::domain::secret::SecretText;

/// Longest capsule, in bytes.
const CAPSULE_BYTES_MAX: u64 = 1 << 30;

#[derive(Serialize)]
struct NewCopy<'a> {
    holder: &'a str,
    passphrase: &'a str,
}

#[derive(Deserialize)]
struct Made {
    serial: String,
    capsule: String,
}

impl CapsuleSecret {
    fn read(&self) -> Result<SecretText, Failure> {
        match &self.capsule_passphrase_file {
            Some(path) => first_line(path),
            None => ask("Passphrase of the copy: ", "--capsule-passphrase-file"),
        }
    }
    /// For a new copy: a passphrase from a person is asked twice.
    fn read_new(&self) -> Result<SecretText, Failure> {
        let first = self.read()?;
        if self.capsule_passphrase_file.is_none() {
            let again = ask("The same again: ", "--capsule-passphrase-file")?;
            if first.expose() != again.expose() {
                return Err(Failure::usage(
                    "the two entries differ; nothing was changed",
                ));
            }
        }
        Ok(first)
    }
}

/// `keyring …`
pub async fn keyring(host: &Host, command: KeyringCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        KeyringCommand::Escrow {
            out: file,
            holder,
            secret,
            actor,
        } => escrow(host, &file, &holder, &secret, &actor, out).await,
        KeyringCommand::Holders(actor) => {
            let rows: Vec<Value> = as_actor(host, &actor, async |client: &mut Client| {
                let page: Value = client.get("/keyring/copies", &[]).await?;
                let rows = page.get("rows").and_then(Value::as_array).cloned();
                Ok(rows.unwrap_or_default())
            })
            .await?;
            let columns = ["serial", "holder", "state", "made_at", "acknowledged_at"];
            out.rows(&columns, &rows)
        }
        KeyringCommand::Acknowledge { serial, actor } => {
            let path = format!("/keyring/copies/{serial}/acknowledge");
            let row: Value = as_actor(host, &actor, async |client: &mut Client| {
                client.post(&path, &json!({})).await
            })
            .await?;
            out.answer(&row, fields)
        }
        KeyringCommand::Restore {
            capsule,
            store,
            secret,
            unlock,
            proofs,
        } => {
            let (secret, unlock) = (secret.read()?, unlock.read()?);
            restore(host, &capsule, &store, secret, unlock, &proofs, out).await
        }
    }
}

async fn escrow(
    host: &Host,
    path: &Path,
    holder: &str,
    secret: &CapsuleSecret,
    actor: &Actor,
    out: &mut Out,
) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| Failure::file("write", path, &error);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(unwritten)?;
    let passphrase = secret.read_new();
    let made = match passphrase {
        Ok(passphrase) => {
            as_actor(host, actor, async |client: &mut Client| {
                let body = NewCopy {
                    holder,
                    passphrase: passphrase.expose(),
                };
                client.post::<Made>("/keyring/copies", &body).await
            })
            .await
        }
        Err(failure) => Err(failure),
    };
    let made = made.inspect_err(|_| {
        let _kept_if_stubborn = std::fs::remove_file(path);
    })?;
    let bytes = data_encoding::BASE64
        .decode(made.capsule.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| Failure::failed("the server's copy cannot be read"))?;
    file.write_all(&bytes).map_err(unwritten)?;
    file.sync_all().map_err(unwritten)?;
    let shown = json!({"serial": made.serial, "holder": holder, "file": path});
    out.answer(&shown, fields)?;
    out.note(
        "It opens with its passphrase and the store's. Keep it apart from data, backups and \
         passphrases.\nOnce something was destroyed it is stale: make a new one, destroy this one, \
         and enter that with\n  bongham keyring acknowledge SERIAL",
    );
    Ok(())
}

async fn restore(
    host: &Host,
    capsule: &Path,
    store: &Store,
    secret: SecretText,
    unlock: Unlock,
    proofs: &Proofs,
    out: &mut Out,
) -> Result<(), Failure> {
    if proofs.checkpoints.is_empty() {
        return Err(Failure::usage(
            "give a checkpoint that an auditor kept (--checkpoint): without one a cut ledger would \
             bring back what was destroyed",
        ));
    }
    let mut request = backup::request(None, proofs, false)?;
    let place = store.place();
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(capsule)
        .and_then(|file| file.take(CAPSULE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| Failure::file("read", capsule, &error))?;
    let unpack = UnpackRequest {
        capsule: bytes,
        passphrase: secret,
    };
    let serial = (host.unpack_keyring)(place.clone(), unpack).await?;
    if !place.data.join("store").exists() {
        let shown = json!({"serial": serial, "keyring": place.keyring, "state": "restoring"});
        out.answer(&shown, fields)?;
        out.note(
            "There is no store at --data. The keyring opens nothing until a backup was restored \
             with it:\n  bongham backup restore DIR --data NEW --keyring DIR --key FILE",
        );
        return Ok(());
    }
    request.capsule = Some(serial);
    let done = (host.restore)(place.clone(), unlock, request).await?;
    backup::tell(done, &place.data, out)
}
