//! Commands about cases: thin, JSON in and out.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::Actor;
use super::args::records::CaseCommand;
use super::channel::Call;
use super::client::{API, Client, Page, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use super::secrets::{ask, first_line};
use crate::domain::id::CaseId;
use crate::domain::limit::{BODY_BYTES_MAX, PAGE_ROWS_MAX};
use crate::domain::purpose::Purpose;
use crate::domain::secret::SecretText;

const LIST: [&str; 8] = [
    "id",
    "number",
    "tier",
    "class",
    "state",
    "channel",
    "department",
    "registered_at",
];

/// `case …`
pub async fn case(host: &Host, command: &CaseCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        CaseCommand::Register { file, actor } => {
            let draft = read_json(file, "case")?;
            let made = as_actor(host, actor, async |client: &mut Client| {
                client.post::<Value>("/cases", &draft).await
            })
            .await?;
            out.answer(&made, fields)
        }
        CaseCommand::List {
            purpose,
            limit,
            reason,
            actor,
        } => {
            let actor = actor.because(reason.as_ref());
            let rows = as_actor(host, &actor, async |client: &mut Client| {
                client
                    .rows("/cases", &[("purpose", purpose.code())], *limit)
                    .await
            })
            .await?;
            out.rows(&LIST, &rows)
        }
        CaseCommand::Search {
            field,
            value_file,
            purpose,
            limit,
            reason,
            actor,
        } => {
            let value = read_value(value_file.as_deref())?;
            let actor = actor.because(reason.as_ref());
            let rows = as_actor(host, &actor, async |client: &mut Client| {
                search(client, field, &value, *purpose, *limit).await
            })
            .await?;
            out.rows(&LIST, &rows)
        }
        CaseCommand::Show {
            id,
            purpose,
            reason,
            actor,
        } => {
            let actor = actor.because(reason.as_ref());
            let (case, log) = as_actor(host, &actor, async |client: &mut Client| {
                let call = Call::get(&format!("{API}/cases/{id}"), &[("purpose", purpose.code())]);
                let reply = client.call(call).await?;
                Ok((reply.json::<Value>()?, reply.log))
            })
            .await?;
            out.answer(&case, fields)?;
            if let Some(log) = log {
                out.note(&format!("This reading is entry {log} of the access log."));
            }
            Ok(())
        }
        CaseCommand::Assign {
            id,
            assignees,
            purpose,
            reason,
            actor,
        } => {
            let mut body = json!({"purpose": purpose, "assignees": assignees});
            put_in(&mut body, "reason", reason.as_ref().map(|r| json!(r)));
            let done = as_actor(host, actor, async |client: &mut Client| {
                client
                    .put::<Value>(&format!("/cases/{id}/assignees"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)
        }
        CaseCommand::Amend {
            id,
            file,
            purpose,
            reason,
            actor,
        } => {
            let mut body = read_json(file, "amendment")?;
            put_in(&mut body, "purpose", Some(json!(purpose)));
            put_in(&mut body, "reason", reason.as_ref().map(|r| json!(r)));
            amend(host, actor, id, &body, out).await
        }
        CaseCommand::Close {
            id,
            reopen,
            purpose,
            reason,
            actor,
        } => {
            let work = if *reopen { "reopen" } else { "close" };
            let mut body = json!({"purpose": purpose, "work": work});
            put_in(&mut body, "reason", reason.as_ref().map(|r| json!(r)));
            amend(host, actor, id, &body, out).await
        }
        CaseCommand::Hold {
            id,
            ground,
            lift,
            reason,
            approval,
            purpose,
            actor,
        } => {
            let action = if *lift { "lift" } else { "set" };
            let mut body = json!({"purpose": purpose, "action": action, "ground": ground});
            put_in(&mut body, "reason", reason.as_ref().map(|r| json!(r)));
            put_in(&mut body, "approval", approval.as_ref().map(|id| json!(id)));
            let done = as_actor(host, actor, async |client: &mut Client| {
                client
                    .put::<Value>(&format!("/cases/{id}/hold"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)?;
            if done.get("approval").is_some() {
                out.note(
                    "A second person decides: bongham approval list, then approval decide. \
                     Then run this again with --approval ID and the same reason.",
                );
            }
            Ok(())
        }
        CaseCommand::Reclassify {
            id,
            tier,
            assignees,
            purpose,
            reason,
            actor,
        } => {
            let mut body = json!({"purpose": purpose, "tier": tier, "reason": reason});
            put_in(
                &mut body,
                "assignees",
                (!assignees.is_empty()).then(|| json!(assignees)),
            );
            let done = as_actor(host, actor, async |client: &mut Client| {
                client
                    .put::<Value>(&format!("/cases/{id}/classification"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)
        }
    }
}

async fn amend(
    host: &Host,
    actor: &Actor,
    id: &CaseId,
    body: &Value,
    out: &mut Out,
) -> Result<(), Failure> {
    let done = as_actor(host, actor, async |client: &mut Client| {
        let call = Call::patch(&format!("{API}/cases/{id}"), body)?;
        client.call(call).await?.json::<Value>()
    })
    .await?;
    out.answer(&done, fields)
}

/// The value to search for. It is personal, so it takes the way of a secret.
pub(super) fn read_value(file: Option<&Path>) -> Result<SecretText, Failure> {
    match file {
        Some(path) if path == Path::new("-") => first_line(Path::new("/dev/stdin")),
        Some(path) => first_line(path),
        None => ask("Search for: ", "--value-file"),
    }
}

/// Every page, up to `most` rows. Each page is a search of its own in the access log.
async fn search(
    client: &mut Client,
    field: &str,
    value: &SecretText,
    purpose: Purpose,
    most: usize,
) -> Result<Vec<Value>, Failure> {
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let asked = Search {
            field,
            value: value.expose(),
            purpose,
            limit: most.clamp(1, PAGE_ROWS_MAX),
            cursor: cursor.as_deref(),
        };
        let page: Page = client.post("/searches", &asked).await?;
        rows.extend(page.rows);
        match page.next {
            Some(next) if rows.len() < most => cursor = Some(next),
            _ => break,
        }
    }
    rows.truncate(most);
    Ok(rows)
}

/// The body of a search.
#[derive(serde::Serialize)]
struct Search<'a> {
    field: &'a str,
    value: &'a str,
    purpose: Purpose,
    limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

/// Adds a member to an object, where there is something to add.
pub(super) fn put_in(body: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (body.as_object_mut(), value) {
        map.insert(key.to_owned(), value);
    }
}

/// JSON from a file or standard input; `what` names it in complaints.
pub fn read_json(path: &Path, what: &str) -> Result<Value, Failure> {
    let unread = |error: std::io::Error| Failure::file("read", path, &error);
    let input: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(File::open(path).map_err(unread)?),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    input
        .take(BODY_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the {what} is longer than 1 MiB of JSON"
        )));
    }
    // Only the place of the error: the text of serde's message may quote the case.
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::usage(format!(
            "the {what} is not valid JSON at line {line}, column {column}"
        ))
    })
}
