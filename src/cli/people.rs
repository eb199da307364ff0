//! Commands about people: accounts, enrolment, approvals, departments.

use serde::Serialize;
use serde_json::{Value, json};

use super::args::EnrolArgs;
use super::args::people::{AccountCommand, ApprovalCommand, DepartmentCommand};
use super::case::put_in;
use super::client::{Client, as_actor, as_nobody};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use super::secrets::{ask, first_line};
use crate::domain::secret::SecretText;

const ALL: usize = usize::MAX;

#[derive(Serialize)]
struct Enrolment<'a> {
    account: &'a str,
    code: &'a str,
    password: &'a str,
}

/// Sets the password of `account` with its one-time code.
pub async fn enrol_with(
    client: &mut Client,
    account: &str,
    code: &SecretText,
    password: &SecretText,
) -> Result<Value, Failure> {
    let body = Enrolment {
        account,
        code: code.expose().trim(),
        password: password.expose(),
    };
    client.post("/enrolments", &body).await
}

/// `enrol`
pub async fn enrol(host: &Host, args: &EnrolArgs, out: &mut Out) -> Result<(), Failure> {
    let code = match &args.code_file {
        Some(path) => first_line(path)?,
        None => ask("One-time code: ", "--code-file")?,
    };
    let password = args.password.read_new("New password: ")?;
    let done = as_nobody(
        host,
        &args.store,
        &args.unlock,
        async |client: &mut Client| enrol_with(client, &args.login, &code, &password).await,
    )
    .await?;
    out.answer(&done, fields)
}

/// `account …`
pub async fn account(host: &Host, command: &AccountCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        AccountCommand::Add {
            login,
            roles,
            department,
            actor,
        } => {
            let body = json!({"account": login, "roles": roles, "department": department});
            let made = as_actor(host, actor, async |client: &mut Client| {
                client.post::<Value>("/accounts", &body).await
            })
            .await?;
            out.answer(&made, fields)?;
            out.note("Hand the enrolment code to its owner by another way; it is shown only once.");
            Ok(())
        }
        AccountCommand::List(actor) => {
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/accounts", &[], ALL).await
            })
            .await?;
            out.rows(
                &[
                    "account",
                    "roles",
                    "department",
                    "state",
                    "fingerprint",
                    "id",
                ],
                &rows,
            )
        }
        AccountCommand::Disable { login, actor } => {
            let done = as_actor(host, actor, async |client: &mut Client| {
                let id = id_of(client, login).await?;
                client
                    .post::<Value>(&format!("/accounts/{id}/disable"), &json!({}))
                    .await
            })
            .await?;
            out.answer(&done, fields)
        }
        AccountCommand::Reset {
            login,
            approval,
            actor,
        } => {
            let done = as_actor(host, actor, async |client: &mut Client| {
                let id = id_of(client, login).await?;
                let mut body = json!({});
                put_in(&mut body, "approval", approval.as_ref().map(|id| json!(id)));
                client
                    .post::<Value>(&format!("/accounts/{id}/reset"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)?;
            if done.get("approvals").is_some() {
                out.note(
                    "A second person decides: bongham approval list, then approval decide. \
                     Then run this again with --approval ID.",
                );
            }
            Ok(())
        }
        AccountCommand::Roles {
            login,
            roles,
            actor,
        } => {
            let done = as_actor(host, actor, async |client: &mut Client| {
                let id = id_of(client, login).await?;
                let body = json!({ "roles": roles });
                client
                    .put::<Value>(&format!("/accounts/{id}/roles"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)
        }
    }
}

async fn id_of(client: &mut Client, login: &str) -> Result<String, Failure> {
    let rows = client.rows("/accounts", &[], ALL).await?;
    rows.iter()
        .find(|row| row.get("account").and_then(Value::as_str) == Some(login))
        .and_then(|row| row.get("id").and_then(Value::as_str))
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::failed("there is no account of that name; see: bongham account list")
                .korean("그런 이름의 계정이 없습니다.")
        })
}

/// `approval …`
pub async fn approval(
    host: &Host,
    command: &ApprovalCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    match command {
        ApprovalCommand::List(actor) => {
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/approvals", &[], ALL).await
            })
            .await?;
            let columns = [
                "id",
                "hash",
                "kind",
                "requester",
                "concerned",
                "asked",
                "expires_at",
                "state",
            ];
            out.rows(&columns, &rows)
        }
        ApprovalCommand::Decide {
            id,
            decision,
            hash,
            actor,
        } => {
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(Failure::usage(
                    "not the id of a request; see: bongham approval list",
                ));
            }
            let done = as_actor(host, actor, async |client: &mut Client| {
                let mut body = json!({"decision": decision.code()});
                put_in(&mut body, "hash", hash.as_ref().map(|hash| json!(hash)));
                client
                    .post::<Value>(&format!("/approvals/{id}"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)
        }
    }
}

/// `department …`
pub async fn department(
    host: &Host,
    command: &DepartmentCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    match command {
        DepartmentCommand::Add { code, name, actor } => {
            let body = json!({"code": code, "name": name});
            let made = as_actor(host, actor, async |client: &mut Client| {
                client.post::<Value>("/departments", &body).await
            })
            .await?;
            out.answer(&made, fields)
        }
        DepartmentCommand::List(actor) => {
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/departments", &[], ALL).await
            })
            .await?;
            out.rows(&["code", "name", "desk"], &rows)
        }
        DepartmentCommand::Desk {
            code,
            members,
            actor,
        } => {
            if code.is_empty()
                || !code
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            {
                return Err(Failure::usage("not the code of a department"));
            }
            let done = as_actor(host, actor, async |client: &mut Client| {
                let body = json!({ "members": members });
                client
                    .put::<Value>(&format!("/departments/{code}/desk"), &body)
                    .await
            })
            .await?;
            out.answer(&done, fields)?;
            out.note("A second person decides: bongham approval list, then approval decide.");
            Ok(())
        }
    }
}
