//! Commands about people: accounts, enrolment, approvals, departments.

use serde::Serialize;
use serde_json::{Value, json};

use super::args::people::{AccountCommand, ApprovalCommand, DepartmentCommand};
use super::args::{Actor, EnrolArgs};
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
            waits(&made, GIVEN, out);
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
        AccountCommand::Disable {
            login,
            approval,
            actor,
        } => end(host, actor, (login, "disable"), approval.as_deref(), out).await,
        AccountCommand::Reset {
            login,
            approval,
            actor,
        } => end(host, actor, (login, "reset"), approval.as_deref(), out).await,
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
            out.answer(&done, fields)?;
            waits(&done, GIVEN, out);
            Ok(())
        }
    }
}

/// What follows on a role that was asked for.
const GIVEN: &str = "A role is given by two: once its owner has enrolled, it waits for the consent of \
    a privacy officer (bongham approval list, then approval decide), for 30 minutes. Later, ask \
    again: bongham account roles.";
/// What follows on a reset or a disabling that was asked for.
const COME_BACK: &str = "It waits for the consent of a privacy officer (bongham approval list, then \
    approval decide). Then run this again with --approval ID.";

/// Says what happens next, where something waits for a second person.
fn waits(answer: &Value, next: &str, out: &mut Out) {
    let asked = answer.get("approvals").and_then(Value::as_array);
    if asked.is_some_and(|ids| !ids.is_empty()) {
        out.note(next);
    }
}

/// Resets or disables somebody; asks for a second person first, where one is needed.
async fn end(
    host: &Host,
    actor: &Actor,
    (login, what): (&str, &str),
    approval: Option<&str>,
    out: &mut Out,
) -> Result<(), Failure> {
    let done = as_actor(host, actor, async |client: &mut Client| {
        let id = id_of(client, login).await?;
        let mut body = json!({});
        put_in(&mut body, "approval", approval.map(|id| json!(id)));
        let path = format!("/accounts/{id}/{what}");
        client.post::<Value>(&path, &body).await
    })
    .await?;
    out.answer(&done, fields)?;
    waits(&done, COME_BACK, out);
    Ok(())
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
                "decided_by",
                "decided_at",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::Tape;

    #[test]
    fn what_waits_for_a_second_person_says_what_comes_next() {
        let said = |answer: &Value| {
            let notes = Tape::default();
            let mut out = Out::new(false, Box::new(Tape::default()), Box::new(notes.clone()));
            waits(answer, GIVEN, &mut out);
            notes.text()
        };
        let told = said(&json!({"approvals": ["a"]}));
        for word in ["privacy officer", "bongham approval list", "account roles"] {
            assert!(told.contains(word), "{told}");
        }
        for nothing in [json!({"approvals": []}), json!({"state": "disabled"})] {
            assert_eq!(said(&nothing), "", "{nothing}");
        }
    }
}
