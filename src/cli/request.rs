//! Commands about requests of data subjects and retention: thin, JSON in and out.

use serde_json::{Value, json};

use super::args::Actor;
use super::args::end::{RequestCommand, RetentionCommand, code};
use super::case::read_json;
use super::client::{Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use crate::domain::id::RequestId;

const LIST: [&str; 7] = [
    "id",
    "kind",
    "state",
    "received_at",
    "due_at",
    "days_left",
    "overdue",
];

async fn post(host: &Host, actor: &Actor, path: &str, body: &Value) -> Result<Value, Failure> {
    as_actor(host, actor, async |client: &mut Client| {
        client.post::<Value>(path, body).await
    })
    .await
}

/// Takes a step and shows where the request stands.
async fn step(
    host: &Host,
    actor: &Actor,
    id: &RequestId,
    name: &str,
    body: &Value,
    out: &mut Out,
) -> Result<(), Failure> {
    let path = format!("/deletion-requests/{id}/{name}");
    let view = post(host, actor, &path, body).await?;
    told(&view, out)
}

/// The request, and a line on what comes next.
fn told(view: &Value, out: &mut Out) -> Result<(), Failure> {
    out.answer(view, fields)?;
    let steps = view.get("next").and_then(Value::as_array);
    let steps: Vec<&str> = steps
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !steps.is_empty() {
        out.note(&format!(
            "다음 단계 / What may follow: {}",
            steps.join(", ")
        ));
    }
    Ok(())
}

/// `request …`
pub async fn request(host: &Host, command: &RequestCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        RequestCommand::Add { file, actor } => {
            let draft = read_json(file, "request")?;
            let view = post(host, actor, "/deletion-requests", &draft).await?;
            told(&view, out)
        }
        RequestCommand::List { limit, actor } => {
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/deletion-requests", &[], *limit).await
            })
            .await?;
            out.rows(&LIST, &rows)
        }
        RequestCommand::Show { id, actor } => {
            let view = as_actor(host, actor, async |client: &mut Client| {
                let path = format!("/deletion-requests/{id}");
                client.get::<Value>(&path, &[]).await
            })
            .await?;
            told(&view, out)
        }
        RequestCommand::Identify { id, method, actor } => {
            let body = json!({"method": code(method)});
            step(host, actor, id, "identity", &body, out).await
        }
        RequestCommand::Review { id, file, actor } => {
            let body = read_json(file, "review")?;
            step(host, actor, id, "review", &body, out).await
        }
        RequestCommand::Form { id, file, actor } => {
            let body = read_json(file, "form")?;
            step(host, actor, id, "form", &body, out).await
        }
        RequestCommand::Approve {
            id,
            form_hash,
            actor,
        } => {
            let body = json!({"form_hash": form_hash});
            step(host, actor, id, "approve", &body, out).await
        }
        RequestCommand::Refuse { id, file, actor } => {
            let body = read_json(file, "refusal")?;
            step(host, actor, id, "refuse", &body, out).await
        }
        RequestCommand::Cancel { id, reason, actor } => {
            let body = json!({"reason": reason});
            step(host, actor, id, "cancel", &body, out).await
        }
        RequestCommand::Notice {
            id,
            html,
            delivered_by,
            actor,
        } => match delivered_by {
            Some(how) => {
                let body = json!({"delivered_by": code(how)});
                step(host, actor, id, "notice", &body, out).await
            }
            None => notice(host, actor, id, *html, out).await,
        },
    }
}

async fn notice(
    host: &Host,
    actor: &Actor,
    id: &RequestId,
    html: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let notice = as_actor(host, actor, async |client: &mut Client| {
        let path = format!("/deletion-requests/{id}/notice");
        client.get::<Value>(&path, &[]).await
    })
    .await?;
    let part = |name: &str| {
        let text = notice.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    if html && !out.is_json() {
        return out.bytes(part("html").as_bytes());
    }
    out.answer(&notice, |_| {
        let text = part("text");
        text.lines().map(super::out::safe_line).collect()
    })
}

/// `retention …`
pub async fn retention(
    host: &Host,
    command: &RetentionCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    match command {
        RetentionCommand::Rules { set, actor } => {
            let asked = set
                .as_deref()
                .map(|file| read_json(file, "rules"))
                .transpose()?;
            let rules = as_actor(host, actor, async |client: &mut Client| match &asked {
                Some(rules) => client.put::<Value>("/retention/rules", rules).await,
                None => client.get::<Value>("/retention/rules", &[]).await,
            })
            .await?;
            let rows = rules.get("rules").and_then(Value::as_array);
            let rows = rows.cloned().unwrap_or_default();
            if rows.is_empty() {
                out.note(
                    "보존기간 규칙이 없어 아무것도 만료되지 않습니다 / No rule: nothing expires.",
                );
            }
            out.rows(&["class", "years", "appraisal"], &rows)
        }
        RetentionCommand::Sweep {
            confirm_clock,
            actor,
        } => {
            let body = json!({"confirm_clock": confirm_clock});
            let found = post(host, actor, "/retention/sweeps", &body).await?;
            out.answer(&found, fields)?;
            out.note(
                "아무것도 파기하지 않았습니다. 제안은 request list에서 검토합니다 / Nothing was \
                 destroyed: review what is proposed with request list.",
            );
            Ok(())
        }
    }
}
