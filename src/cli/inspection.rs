//! `inspection …` and `finding …`: thin, JSON in and out.

use serde_json::{Value, json};

use super::args::Actor;
use super::args::inspection::{FindingCommand, InspectionCommand};
use super::channel::Call;
use super::client::{API, Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields, safe_line};
use crate::inspection::pack::Verdict;
use crate::inspection::words;

const LIST: [&str; 7] = [
    "id",
    "month",
    "whole",
    "made_at",
    "findings",
    "signed_at",
    "superseded_by",
];
const FINDINGS: [&str; 6] = ["number", "rule", "person", "count", "state", "says"];
const OWN: [&str; 7] = ["id", "rule", "count", "first", "last", "state", "says"];

async fn post(host: &Host, actor: &Actor, path: &str, body: &Value) -> Result<Value, Failure> {
    as_actor(host, actor, async |client: &mut Client| {
        client.post::<Value>(path, body).await
    })
    .await
}

async fn get(host: &Host, actor: &Actor, path: &str) -> Result<Value, Failure> {
    as_actor(host, actor, async |client: &mut Client| {
        client.get::<Value>(path, &[]).await
    })
    .await
}

/// `inspection …`
pub async fn inspection(
    host: &Host,
    command: &InspectionCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    match command {
        InspectionCommand::Make { month, actor } => {
            let body = json!({"month": month});
            let view = post(host, actor, "/inspections", &body).await?;
            shown(&view, out)
        }
        InspectionCommand::List(actor) => {
            let list = get(host, actor, "/inspections").await?;
            if out.is_json() {
                return out.line(&list.to_string());
            }
            let part = |name: &str| list.get(name).and_then(Value::as_array).cloned();
            out.rows(&LIST, &part("rows").unwrap_or_default())?;
            let overdue = part("overdue").unwrap_or_default();
            let overdue: Vec<&str> = overdue.iter().filter_map(Value::as_str).collect();
            if !overdue.is_empty() {
                let months = overdue.join(", ");
                out.note(&format!(
                    "기한까지 서명되지 않은 점검 / Inspections that nobody made and signed in time: {months}"
                ));
            }
            Ok(())
        }
        InspectionCommand::Show { id, actor } => {
            let view = get(host, actor, &format!("/inspections/{id}")).await?;
            shown(&view, out)
        }
        InspectionCommand::Report {
            id,
            pdf,
            out: file,
            actor,
        } => {
            let form = if *pdf { "pdf" } else { "html" };
            let path = format!("{API}/inspections/{id}/report");
            let call = Call::get(&path, &[("form", form)]);
            let (reply, view) = as_actor(host, actor, async |client: &mut Client| {
                let reply = client.call(call).await?;
                let path = format!("/inspections/{id}");
                Ok((reply, client.get::<Value>(&path, &[]).await?))
            })
            .await?;
            super::trail::new_file(file, &reply.body)?;
            out.note(&format!("written to {}", file.display()));
            intact(&view)
        }
        InspectionCommand::Judge {
            id,
            number,
            accept,
            reopen,
            note,
            actor,
        } => {
            let accepted = (!reopen).then_some(*accept);
            let body = json!({"accepted": accepted, "reopen": reopen, "note": note});
            let path = format!("/inspections/{id}/findings/{number}/verdict");
            let view = post(host, actor, &path, &body).await?;
            shown(&view, out)
        }
        InspectionCommand::Sign {
            id,
            hash,
            statement,
            actor,
        } => {
            let body = json!({"hash": hash, "statement": statement});
            let view = post(host, actor, &format!("/inspections/{id}/sign"), &body).await?;
            shown(&view, out)
        }
    }
}

/// The findings as a table, then each with what is behind it, then what else there is to know.
fn shown(view: &Value, out: &mut Out) -> Result<(), Failure> {
    if out.is_json() {
        out.line(&view.to_string())?;
        return intact(view);
    }
    let sheet = view.get("sheet").cloned().unwrap_or_default();
    let findings = sheet.get("findings").and_then(Value::as_array);
    let findings: Vec<Value> = findings
        .into_iter()
        .flatten()
        .map(|finding| row(finding, view.get("people")))
        .collect();
    out.rows(&FINDINGS, &findings)?;
    for finding in &findings {
        behind(finding, view.get("people"), out)?;
    }
    let entries = |name: &str| sheet.get(name).and_then(Value::as_u64).unwrap_or_default();
    let rest = json!({
        "id": sheet.get("id"),
        "month": sheet.get("month"),
        "whole": sheet.get("whole"),
        "entries": entries("to") - entries("from"),
        "bodies_gone": sheet.get("unread"),
        "rules": sheet.get("rules"),
        "days_off": sheet.get("days_off"),
        "notes": sheet.get("notes"),
        "superseded_by": view.get("superseded_by"),
        "signed": view.get("signed"),
        "hash": view.get("hash"),
    });
    fields(&rest).iter().try_for_each(|line| out.line(line))?;
    intact(view)
}

/// Fails where what was signed is not what is there: a violation, in whatever form it was asked for.
fn intact(view: &Value) -> Result<(), Failure> {
    let intact = view.pointer("/signed/intact").and_then(Value::as_bool);
    if intact == Some(false) {
        return Err(Failure::failed(
            "the inspection was changed after it was signed, or the access log knows no such \
                 signature",
        )
        .korean("서명된 뒤에 점검 내용이 바뀌었거나 접속기록에 그 서명이 없습니다."));
    }
    Ok(())
}

/// What is behind a finding: when, which entries and outputs, what was said of it.
fn behind(finding: &Value, people: Option<&Value>, out: &mut Out) -> Result<(), Failure> {
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => safe_line(text),
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    };
    let get = |name: &str| text(finding.get(name));
    let person = get("person");
    out.line(&format!("\n#{} {} {person}", get("number"), get("rule")))?;
    out.line(&format!(
        "  기간 / when: {} ~ {}",
        get("first"),
        get("last")
    ))?;
    let entries = finding.get("entries").and_then(Value::as_array);
    let entries = entries.into_iter().flatten().map(ToString::to_string);
    let mut entries: Vec<String> = entries.collect();
    let more = finding.get("more_entries").and_then(Value::as_u64);
    if let Some(more) = more.filter(|more| *more > 0) {
        entries.push(format!("… +{more}"));
    }
    out.line(&format!("  근거 기록 / entries: {}", entries.join(", ")))?;
    outputs(finding, out)?;
    for (said, words) in [
        ("explanation", "소명 / explanation"),
        ("verdict", "판단 / verdict"),
    ] {
        let remark = finding.get(said);
        let of = |name: &str| text(remark.and_then(|remark| remark.get(name)));
        let by = remark.and_then(|remark| remark.get("by")?.as_str());
        let by = by.and_then(|id| people?.get(id)?.as_str());
        let by = by.map_or_else(String::new, |by| format!(" {}", safe_line(by)));
        let outcome = remark.and_then(|remark| remark.get("outcome")?.as_str());
        let outcome = outcome.and_then(outcome_words);
        let outcome = outcome.map_or_else(String::new, |outcome| format!("{outcome}: "));
        if remark.is_some_and(Value::is_object) {
            let said = of("text");
            out.line(&format!("  {words}: {outcome}{said} ({}{by})", of("at")))?;
        }
    }
    Ok(())
}

/// What a judgement comes to, as people read it.
fn outcome_words(code: &str) -> Option<&'static str> {
    let all = [Verdict::Accepted, Verdict::Rejected, Verdict::Reopened];
    let verdict = all.into_iter().find(|verdict| verdict.code() == code);
    verdict.map(words::verdict)
}

/// Outputs whose reason is to be confirmed, one a line.
fn outputs(finding: &Value, out: &mut Out) -> Result<(), Failure> {
    let outputs = finding.get("outputs").and_then(Value::as_array);
    for output in outputs.into_iter().flatten() {
        let get = |name: &str| output.get(name).map(ToString::to_string);
        let get = |name: &str| get(name).unwrap_or_default().replace('"', "");
        let doubtful = output.get("doubtful").and_then(Value::as_bool) == Some(true);
        let doubt = if doubtful {
            "  사유 부실 / hardly a reason"
        } else {
            ""
        };
        let (task, serial) = (get("task"), get("serial"));
        let (entry, at, purpose) = (get("entry"), get("at"), get("purpose"));
        let line = format!("  {task} {serial}  기록 / entry {entry}  {at}  {purpose}{doubt}");
        out.line(&safe_line(&line))?;
    }
    Ok(())
}

/// A finding with the name of its person, and its words in one line.
fn row(finding: &Value, people: Option<&Value>) -> Value {
    let mut row = finding.clone();
    let person = finding.get("person").and_then(Value::as_str);
    let name = person.and_then(|id| people?.get(id)).cloned();
    let says = |language: &str| finding.get("says").and_then(|says| says.get(language));
    let words = [says("ko"), says("en")];
    let words: Vec<&str> = words
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if let Some(row) = row.as_object_mut() {
        row.insert("person".to_owned(), name.unwrap_or(Value::Null));
        row.insert("says".to_owned(), safe_line(&words.join(" / ")).into());
    }
    row
}

/// `finding …`
pub async fn finding(host: &Host, command: &FindingCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        FindingCommand::List(actor) => {
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.get::<Value>("/findings", &[]).await
            })
            .await?;
            let rows = rows.get("rows").and_then(Value::as_array).cloned();
            let rows = rows.unwrap_or_default();
            if out.is_json() {
                return out.rows(&OWN, &rows);
            }
            let rows: Vec<Value> = rows.iter().map(|finding| row(finding, None)).collect();
            out.rows(&OWN, &rows)?;
            rows.iter().try_for_each(|finding| outputs(finding, out))
        }
        FindingCommand::Explain { id, text, actor } => {
            if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                return Err(Failure::usage("a finding's id looks like ID-3"));
            }
            let path = format!("/findings/{id}/explanation");
            let view = post(host, actor, &path, &json!({"text": text})).await?;
            out.answer(&view, fields)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Exit;
    use super::super::testing::Tape;
    use super::*;

    #[test]
    fn a_broken_signature_is_printed_and_then_a_failure_in_both_forms() {
        let of = |json: bool, signed: Value| {
            let result = Tape::default();
            let notes = Box::new(Tape::default());
            let mut out = Out::new(json, Box::new(result.clone()), notes);
            let done = shown(
                &json!({"sheet": {}, "hash": "h", "signed": signed}),
                &mut out,
            );
            assert!(result.text().contains("hash"), "{}", result.text());
            done.map_err(|failure| failure.exit())
        };
        for json in [false, true] {
            let broken = of(json, json!({"intact": false}));
            assert_eq!(broken, Err(Exit::Failed), "{json}");
            assert_eq!(of(json, json!({"intact": true})), Ok(()), "{json}");
            assert_eq!(of(json, Value::Null), Ok(()), "{json}");
        }
    }
}
