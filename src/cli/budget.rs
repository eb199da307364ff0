//! Commands about budgets and alerts: thin, JSON in and out.

use serde_json::{Value, json};

use super::args::budget::{AlertCommand, BudgetCommand};
use super::client::{Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};

const ALERTS: [&str; 9] = [
    "id",
    "kinds",
    "account",
    "at",
    "way",
    "people",
    "cases",
    "downloads",
    "entry",
];

/// `budget …`
pub async fn budget(host: &Host, command: &BudgetCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        BudgetCommand::Show(actor) => {
            let view = as_actor(host, actor, async |client: &mut Client| {
                client.get::<Value>("/budget", &[]).await
            })
            .await?;
            out.answer(&view, fields)
        }
        BudgetCommand::Raise {
            people,
            cases,
            reason,
            actor,
        } => {
            let body = json!({"people": people, "cases": cases, "reason": reason});
            let asked = as_actor(host, actor, async |client: &mut Client| {
                client.post::<Value>("/budget", &body).await
            })
            .await?;
            out.answer(&asked, fields)?;
            out.note(
                "다른 사람의 승인이 필요합니다 / A second person decides: bongham approval list, \
                 then approval decide.",
            );
            Ok(())
        }
    }
}

/// `alert …`
pub async fn alert(host: &Host, command: &AlertCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        AlertCommand::List { open, limit, actor } => {
            let query = [("open", if *open { "true" } else { "" })];
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/alerts", &query, *limit).await
            })
            .await?;
            out.rows(&ALERTS, &rows)
        }
        AlertCommand::Acknowledge { id, note, actor } => {
            let done = as_actor(host, actor, async |client: &mut Client| {
                let path = format!("/alerts/{id}/acknowledge");
                client.post::<Value>(&path, &json!({ "note": note })).await
            })
            .await?;
            out.answer(&done, fields)
        }
    }
}
