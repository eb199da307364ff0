//! `backup …`: copying a store, checking the copy, bringing it back.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::{Value, json};

use super::args::Actor;
use super::args::copies::{BackupCommand, Proofs};
use super::channel::Call;
use super::client::{API, Client, as_actor};
use super::failure::Failure;
use super::host::{Host, RestoreDone, RestoreRequest};
use super::out::{Out, fields};
use super::verify::{progress, text};
use crate::merkle::checkpoint::Verifier;
use crate::merkle::manifest::{self, Listed, MANIFEST, Manifest, NOTE};

/// How often files that are not as listed are fetched anew.
const TRIES: u32 = 3;

#[derive(Deserialize)]
struct Plan {
    id: String,
    files: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    bytes: u64,
}

#[derive(Deserialize)]
struct Signed {
    manifest: String,
    note: String,
}

/// `backup …`
pub async fn backup(host: &Host, command: BackupCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        BackupCommand::Create {
            dir,
            retained,
            actor,
        } => create(host, &dir, retained, &actor, out).await,
        BackupCommand::Verify { dir, key } => verify(&dir, &key, out),
        BackupCommand::Restore {
            dir,
            store,
            unlock,
            retained,
            proofs,
            ledger_lost,
        } => {
            let mut request = request(Some(dir), &proofs, ledger_lost)?;
            request.retained = Some(retained);
            let done = (host.restore)(store.place(), unlock.read()?, request).await?;
            tell(done, &store.place().data, out)
        }
    }
}

/// What a restore is asked for.
pub(super) fn request(
    backup: Option<PathBuf>,
    proofs: &Proofs,
    ledger_lost: bool,
) -> Result<RestoreRequest, Failure> {
    Ok(RestoreRequest {
        backup,
        retained: None,
        capsule: None,
        key: text(&proofs.key)?,
        checkpoints: proofs
            .checkpoints
            .iter()
            .map(|path| text(path))
            .collect::<Result<_, _>>()?,
        ledger: proofs.ledger.clone(),
        log: proofs.log.clone(),
        ledger_lost,
    })
}

/// What a restore did, and whom it let in again.
pub(super) fn tell(done: RestoreDone, data: &Path, out: &mut Out) -> Result<(), Failure> {
    let codes: serde_json::Map<String, Value> = done
        .codes
        .iter()
        .map(|(account, code)| (account.clone(), json!(code.expose())))
        .collect();
    let shown = json!({"lines": done.lines, "enrolment_codes": codes});
    out.answer(&shown, |shown| {
        let mut lines = done.lines.clone();
        if !codes.is_empty() {
            lines.push("enrolment codes, shown only once:".to_owned());
            lines.extend(fields(shown.get("enrolment_codes").unwrap_or(&Value::Null)));
        }
        lines
    })?;
    out.note(&format!(
        "Restored. Serve it with:  bongham serve --data {}",
        data.display()
    ));
    Ok(())
}

async fn create(
    host: &Host,
    dir: &Path,
    retained: bool,
    actor: &Actor,
    out: &mut Out,
) -> Result<(), Failure> {
    if dir.join(MANIFEST).exists() {
        return Err(Failure::usage(format!(
            "{} holds a finished backup; name another directory",
            dir.display()
        ))
        .korean("이미 완료된 백업이 있는 디렉터리입니다. 다른 디렉터리를 지정하십시오."));
    }
    let done = as_actor(host, actor, async |client: &mut Client| {
        let set = if retained { "retained" } else { "live" };
        let plan: Plan = client.post("/backups", &json!({ "set": set })).await?;
        let fetched = fetch(client, dir, &plan).await;
        let path = format!("{API}/backups/{}", plan.id);
        // What was fetched is what counts: a backup that is not ended is given up by itself.
        let _ended = client.call(Call::delete(&path)).await;
        fetched
    })
    .await?;
    let bytes: u64 = done.files.iter().map(|file| file.bytes).sum();
    let shown = json!({
        "backup": done.backup,
        "directory": dir,
        "files": done.files.len(),
        "bytes": bytes,
        "access_log_entries": done.sizes[0],
        "ledger_entries": done.sizes[1],
    });
    out.answer(&shown, fields)?;
    out.note(&format!(
        "Check it anywhere with the key kept since the store was made:\n  \
         bongham backup verify {} --key FILE\nKeep a ledger bundle with it, newer each time: \
         bongham ledger export",
        dir.display()
    ));
    Ok(())
}

async fn fetch(client: &mut Client, dir: &Path, plan: &Plan) -> Result<Manifest, Failure> {
    for file in &plan.files {
        if !manifest::is_inside(&file.name) {
            return Err(Failure::failed(
                "the server names a file outside the backup",
            ));
        }
    }
    private(dir)?;
    let bar = progress(plan.files.iter().map(|file| file.bytes).sum());
    for n in 0..plan.files.len() {
        fetch_one(client, dir, plan, n, &bar).await?;
    }
    bar.finish_and_clear();
    for _ in 0..TRIES {
        let path = format!("/backups/{}/manifest", plan.id);
        let signed: Signed = client.post(&path, &json!({})).await?;
        let list: Manifest = serde_json::from_str(&signed.manifest)
            .map_err(|_| Failure::failed("the server's list of the backup cannot be read"))?;
        let other = others(dir, &list);
        if other.is_empty() {
            put(&dir.join(NOTE), signed.note.as_bytes())?;
            put(&dir.join(MANIFEST), signed.manifest.as_bytes())?;
            return Ok(list);
        }
        // Of an earlier try, from before something was erased: fetched anew, whole.
        for name in other {
            let place = plan.files.iter().position(|file| file.name == name);
            let n = place.ok_or_else(|| Failure::failed("the server's list has changed"))?;
            let path = dir.join(&name);
            fs::remove_file(&path).map_err(|e| Failure::file("remove", &path, &e))?;
            fetch_one(client, dir, plan, n, &ProgressBar::hidden()).await?;
        }
    }
    Err(Failure::failed(
        "the files do not stay as they are listed; run the same command again",
    ))
}

/// Names of files that are not as they are listed.
fn others(dir: &Path, list: &Manifest) -> Vec<String> {
    let bar = progress(list.files.iter().map(|file| file.bytes).sum());
    let differs = |file: &&Listed| manifest::check(dir, file, |bytes| bar.inc(bytes)).is_err();
    let found = list.files.iter().filter(differs).map(|f| f.name.clone());
    let found = found.collect();
    bar.finish_and_clear();
    found
}

async fn fetch_one(
    client: &mut Client,
    dir: &Path,
    plan: &Plan,
    n: usize,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let Some(file) = plan.files.get(n) else {
        return Ok(());
    };
    let path = dir.join(&file.name);
    let failed = |error: std::io::Error| Failure::file("write", &path, &error);
    private(path.parent().unwrap_or(dir))?;
    let mut target = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let mut have = target.metadata().map_err(failed)?.len();
    if have > file.bytes {
        target.set_len(0).map_err(failed)?;
        have = 0;
    }
    bar.inc(have);
    if have < file.bytes {
        let from = format!("/backups/{}/files/{n}?offset={have}", plan.id);
        client
            .download(&from, |piece| {
                bar.inc(piece.len() as u64);
                target.write_all(piece).map_err(failed)
            })
            .await?;
    }
    target.sync_all().map_err(failed)?;
    let found = target.metadata().map_err(failed)?.len();
    if found == file.bytes {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "{} came with {found} of {} bytes; run the same command again",
            file.name, file.bytes
        )))
    }
}

fn private(dir: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Failure::file("make", dir, &error))
}

/// Writes a small file whole.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    let above = path.parent().unwrap_or(Path::new("."));
    File::open(above)
        .and_then(|dir| dir.sync_all())
        .map_err(failed)
}

fn verify(dir: &Path, key: &Path, out: &mut Out) -> Result<(), Failure> {
    let verifier = Verifier::parse(text(key)?.trim())
        .map_err(|error| Failure::usage(format!("{}: {error}", key.display())))?;
    let bar = progress(size(dir));
    let found = manifest::verify(dir, &verifier, |bytes| bar.inc(bytes));
    bar.finish_and_clear();
    let sound = found.map_err(|bad| {
        Failure::failed(format!("the backup: {bad}"))
            .korean("백업이 온전하지 않습니다. 위의 파일을 확인하십시오.")
    })?;
    let shown = json!({
        "whole": true,
        "backup": sound.manifest.backup,
        "set": sound.manifest.set,
        "made_at": sound.manifest.made_at,
        "files": sound.manifest.files.len(),
        "access_log_entries": sound.access.size,
        "ledger_entries": sound.ledger.size,
    });
    out.answer(&shown, fields)
}

/// Bytes that the list names, for the bar alone.
fn size(dir: &Path) -> u64 {
    let mut list = String::new();
    let read = File::open(dir.join(MANIFEST)).and_then(|mut f| f.read_to_string(&mut list));
    let list: Option<Manifest> = read.ok().and_then(|_| serde_json::from_str(&list).ok());
    list.map_or(0, |list| list.files.iter().map(|file| file.bytes).sum())
}
