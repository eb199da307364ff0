//! Commands about what another law keeps apart.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::args::retained::{Consent, DrawArgs, RetainedCommand};
use super::channel::{Call, Reply};
use super::client::{API, Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use crate::domain::secret::SecretBytes;

const COLUMNS: [&str; 8] = [
    "id", "law", "article", "items", "until", "kinds", "due", "opens",
];

/// Longest hand-over that is opened in one go, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// `retained …`
pub async fn retained(
    host: &Host,
    command: &RetainedCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    match command {
        RetainedCommand::Draw(args) => draw(host, args, out).await,
        RetainedCommand::List { due, actor } => {
            let query = [("due", if *due { "true" } else { "" })];
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/retained", &query, usize::MAX).await
            })
            .await?;
            out.rows(&COLUMNS, &rows)
        }
        RetainedCommand::Open {
            id,
            purpose,
            consent,
        } => {
            let body = with_consent(json!({"purpose": purpose}), consent);
            let reply = post(host, consent, &format!("/retained/{id}/open"), &body).await?;
            told(&reply, out)?;
            if let Some(log) = &reply.log {
                out.note(&format!("This reading is entry {log} of the access log."));
            }
            Ok(())
        }
        RetainedCommand::Share(actor) => {
            let done = as_actor(host, actor, async |client: &mut Client| {
                client.post::<Value>("/retained/share", &json!({})).await
            })
            .await?;
            out.answer(&done, fields)
        }
        RetainedCommand::HandOver {
            ids,
            archive,
            out: file,
            consent,
        } => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let body = with_consent(json!({"items": ids, "public_key": archive}), consent);
            hand_over(host, consent, &body, file.as_deref(), out).await
        }
        RetainedCommand::End {
            id,
            decision,
            consent,
        } => {
            let body = with_consent(with_decision(json!({}), decision.as_deref()), consent);
            let path = format!("/retained/{id}/destruction");
            told(&post(host, consent, &path, &body).await?, out)
        }
        RetainedCommand::CancelEnd { id, reason, actor } => {
            let (path, body) = (
                format!("/retained/{id}/destruction/cancel"),
                json!({"reason": reason}),
            );
            let done = as_actor(host, actor, async |client: &mut Client| {
                client.post::<Value>(&path, &body).await
            })
            .await?;
            out.answer(&done, fields)
        }
        RetainedCommand::Hold {
            id,
            ground,
            lift,
            consent,
        } => {
            let action = if *lift { "lift" } else { "set" };
            let body = with_consent(json!({"action": action, "ground": ground}), consent);
            let path = format!("/retained/{id}/hold");
            let done = as_actor(host, &consent.actor, async |client: &mut Client| {
                client.put::<Value>(&path, &body).await
            })
            .await?;
            answered(&done, out)
        }
        RetainedCommand::Term {
            id,
            until,
            decision,
            consent,
        } => {
            let body = with_decision(json!({"until": until}), decision.as_deref());
            let body = with_consent(body, consent);
            let path = format!("/retained/{id}/term");
            told(&post(host, consent, &path, &body).await?, out)
        }
        RetainedCommand::KeyPair { out: file } => {
            let pair = (host.archive_key)().await?;
            new_file(file, pair.private.expose())?;
            out.line(&pair.public)?;
            out.note(
                "Keep the private key where the archive keeps its keys: without it nothing that \
                 is handed over can be opened. Give the public key to the office.",
            );
            out.note(&format!(
                "Its fingerprint, by which approvers and the ledger name it: {}",
                pair.fingerprint
            ));
            Ok(())
        }
        RetainedCommand::Unseal { file, key } => {
            let unread = |path: &Path| {
                let path = path.to_owned();
                move |error: std::io::Error| Failure::file("read", &path, &error)
            };
            let length = std::fs::metadata(file).map_err(unread(file))?.len();
            if length > FILE_BYTES_MAX {
                return Err(Failure::usage("the file is longer than 1 GiB"));
            }
            let sealed = std::fs::read(file).map_err(unread(file))?;
            let key = SecretBytes::new(std::fs::read(key).map_err(unread(key))?);
            for line in (host.unseal)(sealed, key).await? {
                out.bytes(line.expose())?;
            }
            Ok(())
        }
    }
}

async fn draw(host: &Host, args: &DrawArgs, out: &mut Out) -> Result<(), Failure> {
    let DrawArgs {
        case,
        parts,
        units,
        law,
        article,
        items,
        until,
        purpose,
        actor,
    } = args;
    let body = json!({"purpose": purpose, "parts": parts, "units": units, "law": law,
        "article": article, "items": items, "until": until});
    let made = as_actor(host, actor, async |client: &mut Client| {
        client
            .post::<Value>(&format!("/cases/{case}/retained"), &body)
            .await
    })
    .await?;
    out.answer(&made, fields)
}

fn with_consent(mut body: Value, consent: &Consent) -> Value {
    if let Some(map) = body.as_object_mut() {
        map.insert("reason".to_owned(), json!(consent.reason));
        if let Some(approval) = consent.approval {
            map.insert("approval".to_owned(), json!(approval.to_string()));
        }
    }
    body
}

fn with_decision(mut body: Value, decision: Option<&str>) -> Value {
    if let (Some(map), Some(decision)) = (body.as_object_mut(), decision) {
        map.insert("decision".to_owned(), json!(decision));
    }
    body
}

async fn post(host: &Host, consent: &Consent, path: &str, body: &Value) -> Result<Reply, Failure> {
    as_actor(host, &consent.actor, async |client: &mut Client| {
        client
            .call(Call::post(&format!("{API}{path}"), body)?)
            .await
    })
    .await
}

/// The answer; where it is a request for a second person, also what to do next.
fn told(reply: &Reply, out: &mut Out) -> Result<(), Failure> {
    answered(&reply.json()?, out)
}

fn answered(value: &Value, out: &mut Out) -> Result<(), Failure> {
    out.answer(value, fields)?;
    if waits(value) {
        out.note(
            "A privacy officer decides: bongham approval list, then approval decide. Then repeat \
             the command with --approval and the same reason.",
        );
    }
    Ok(())
}

fn waits(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|map| map.len() == 1 && map.contains_key("approval"))
}

async fn hand_over(
    host: &Host,
    consent: &Consent,
    body: &Value,
    file: Option<&Path>,
    out: &mut Out,
) -> Result<(), Failure> {
    if consent.approval.is_some() && file.is_none() {
        return Err(Failure::usage("name the file to make with --out"));
    }
    // Made before the approval is spent.
    let made = match (&consent.approval, file) {
        (Some(_), Some(path)) => Some((path, new_file(path, &[])?)),
        _ => None,
    };
    let replied = post(host, consent, "/retained/hand-over", body).await;
    let Some((path, mut file)) = made else {
        return told(&replied?, out);
    };
    let written = replied.and_then(|reply| {
        file.write_all(&reply.body)
            .and_then(|()| file.sync_all())
            .map_err(|error| Failure::file("write", path, &error))
    });
    if written.is_err() {
        let _kept_if_stubborn = std::fs::remove_file(path);
    } else {
        out.note(&format!(
            "Handed over to {}. The items stay here until their end.",
            path.display()
        ));
    }
    written
}

fn new_file(path: &Path, content: &[u8]) -> Result<std::fs::File, Failure> {
    let unwritten = |error: std::io::Error| Failure::file("write", path, &error);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(unwritten)?;
    file.write_all(content).map_err(unwritten)?;
    file.sync_all().map_err(unwritten)?;
    Ok(file)
}
