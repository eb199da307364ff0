//! Commands about the two logs: entries, export, key and checkpoint.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::Value;

use super::args::Actor;
use super::args::records::{EntriesArgs, LedgerCommand, TrailCommand};
use super::channel::Call;
use super::client::{API, Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::Out;
use super::verify;

/// Which of the two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    /// The access log (접속기록).
    Log,
    /// The destruction ledger (파기대장).
    Ledger,
}

impl Trail {
    /// Its folder in the API.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Log => "/log",
            Self::Ledger => "/ledger",
        }
    }
    /// How the origin of its checkpoints ends.
    pub const fn origin_end(self) -> &'static str {
        match self {
            Self::Log => "/access",
            Self::Ledger => "/ledger",
        }
    }
    /// Its name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "access log",
            Self::Ledger => "destruction ledger",
        }
    }
}

/// `log …` and `ledger …`, but for the entries.
pub async fn trail(
    host: &Host,
    trail: Trail,
    command: &TrailCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    match command {
        TrailCommand::Export { out: file, actor } => export(host, trail, file, actor, out).await,
        TrailCommand::Verify {
            bundle,
            key,
            checkpoint,
        } => verify::verify(trail, bundle, key, checkpoint.as_deref(), out),
        TrailCommand::Checkpoint(actor) => text(host, trail, "checkpoint", actor, out).await,
        TrailCommand::Key(actor) => text(host, trail, "key", actor, out).await,
    }
}

/// `ledger …`
pub async fn ledger(host: &Host, command: &LedgerCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        LedgerCommand::Entries { limit, actor } => {
            let rows: Vec<Value> = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/ledger/entries", &[], *limit).await
            })
            .await?;
            out.rows(&["index", "time", "kind", "destruction"], &rows)
        }
        LedgerCommand::Certificate {
            id,
            out: file,
            actor,
        } => {
            document(
                host,
                &format!("/ledger/certificates/{id}"),
                file,
                actor,
                out,
            )
            .await
        }
        LedgerCommand::Form { out: file, actor } => {
            document(host, "/ledger/form", file, actor, out).await
        }
        LedgerCommand::Trail(command) => trail(host, Trail::Ledger, command, out).await,
    }
}

/// Writes one document of the API into a new file.
async fn document(
    host: &Host,
    path: &str,
    file: &Path,
    actor: &Actor,
    out: &mut Out,
) -> Result<(), Failure> {
    let call = Call::get(&format!("{API}{path}"), &[]);
    let reply = as_actor(host, actor, async |client: &mut Client| {
        client.call(call).await
    })
    .await?;
    new_file(file, &reply.body)?;
    out.note(&format!("written to {}", file.display()));
    Ok(())
}

/// Refuses a file that is there already, before anything is asked for that would go into it.
pub(super) fn absent(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(
            Failure::usage(format!("{} exists and is not overwritten", path.display()))
                .korean("이미 있는 파일입니다. 다른 이름을 지정하십시오."),
        );
    }
    Ok(())
}

/// Writes a file that was not there before.
pub(super) fn new_file(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let unwritten = |error: std::io::Error| Failure::file("write", file, &error);
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(unwritten)?;
    made.write_all(bytes).map_err(unwritten)?;
    made.sync_all().map_err(unwritten)
}

async fn text(
    host: &Host,
    trail: Trail,
    leaf: &str,
    actor: &Actor,
    out: &mut Out,
) -> Result<(), Failure> {
    let call = Call::get(&format!("{API}{}/{leaf}", trail.path()), &[]);
    let reply = as_actor(host, actor, async |client: &mut Client| {
        client.call(call).await
    })
    .await?;
    out.bytes(&reply.body)?;
    if !reply.body.ends_with(b"\n") {
        out.bytes(b"\n")?;
    }
    Ok(())
}

async fn export(
    host: &Host,
    trail: Trail,
    path: &Path,
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
    let exported = as_actor(host, actor, async |client: &mut Client| {
        let path = format!("{}/bundle", trail.path());
        client
            .download(&path, |piece| file.write_all(piece).map_err(unwritten))
            .await
    })
    .await
    .and_then(|bytes| file.sync_all().map(|()| bytes).map_err(unwritten));
    match exported {
        Ok(bytes) => {
            out.note(&format!(
                "{bytes} bytes of the {} in {}. Verify them anywhere with the key kept since the \
                 store was made:\n  bongham {} verify {1} --key FILE --checkpoint FILE",
                trail.name(),
                path.display(),
                trail.path().trim_start_matches('/'),
            ));
            Ok(())
        }
        Err(failure) => {
            // Half a bundle would look like a log that was cut back.
            let _kept_if_stubborn = std::fs::remove_file(path);
            Err(failure)
        }
    }
}

/// `log entries`
pub async fn entries(host: &Host, args: &EntriesArgs, out: &mut Out) -> Result<(), Failure> {
    let case = args.case.map(|id| id.to_string()).unwrap_or_default();
    let of = args.of.map(|id| id.to_string()).unwrap_or_default();
    let index = args.index.map(|index| index.to_string());
    let query = [
        ("index", index.as_deref().unwrap_or_default()),
        ("from", args.from.as_str()),
        ("to", args.to.as_str()),
        ("account", of.as_str()),
        ("case", case.as_str()),
        ("task", args.task.as_str()),
    ];
    let rows: Vec<Value> = as_actor(host, &args.actor, async |client: &mut Client| {
        client.rows("/log/entries", &query, args.limit).await
    })
    .await?;
    let columns = [
        "index", "time", "login", "task", "purpose", "decision", "result", "cases", "reason",
    ];
    out.rows(&columns, &rows)
}
