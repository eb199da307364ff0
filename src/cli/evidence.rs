//! `evidence …`, and `log verify-evidence`: offline, with nothing but the document and a kept key.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::inspection::EvidenceCommand;
use super::client::{Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use super::trail::absent;
use super::verify::text;
use crate::inspection::evidence::{self, Kept, Verified};
use crate::merkle::checkpoint::Verifier;

/// Longest document, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

/// `evidence …`
pub async fn evidence(
    host: &Host,
    command: &EvidenceCommand,
    out: &mut Out,
) -> Result<(), Failure> {
    let EvidenceCommand::Give {
        receipt,
        case,
        identity,
        reason,
        since,
        out: file,
        page,
        actor,
    } = command;
    // That it was given stands in the case's history, whatever becomes of the files.
    let files: Vec<&Path> = [Some(file), page.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    places(&files)?;
    let case = case.map(|id| id.to_string());
    let since = since.as_deref().map(text).transpose()?;
    let body = json!({"receipt": receipt, "case": case, "identity": identity, "reason": reason,
        "since": since});
    let given = as_actor(host, actor, async |client: &mut Client| {
        client.post::<Value>("/evidence", &body).await
    })
    .await?;
    let part = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    super::trail::new_file(file, part("document").as_bytes())?;
    if let Some(page) = page {
        super::trail::new_file(page, part("page").as_bytes())?;
    }
    out.answer(&json!({"entries": given.get("entries")}), fields)?;
    out.note(&format!("written to {}", file.display()));
    Ok(())
}

/// Whether these files can be made, each of its own.
fn places(files: &[&Path]) -> Result<(), Failure> {
    for (number, file) in files.iter().enumerate() {
        absent(file)?;
        let twice = files.iter().take(number).any(|other| other == file);
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
        if twice || !dir.unwrap_or(Path::new(".")).is_dir() {
            let path = file.display();
            let refused = Failure::usage(format!("{path} cannot be made: name a file of its own"));
            return Err(refused.korean("만들 수 없는 파일입니다. 다른 이름을 지정하십시오."));
        }
    }
    Ok(())
}

/// `log verify-evidence`
pub fn verify(
    document: &Path,
    key: &Path,
    checkpoint: Option<&Path>,
    out: &mut Out,
) -> Result<(), Failure> {
    let verifier = Verifier::parse(text(key)?.trim())
        .map_err(|error| Failure::usage(format!("{}: {error}", key.display())))?;
    let kept = checkpoint.map(text).transpose()?;
    let unread = |error: std::io::Error| Failure::file("read", document, &error);
    let mut bytes = Vec::new();
    let file = File::open(document).map_err(unread)?;
    file.take(DOCUMENT_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    let Verified { body, kept } =
        evidence::verify(&bytes, &verifier, kept.as_deref()).map_err(|fault| {
            Failure::failed(format!("the evidence: {fault}"))
                .korean("열람 내역 문서가 온전하지 않습니다. 다시 발급받아 확인하십시오.")
        })?;
    let attempts = body.entries.iter().filter(|line| line.attempt).count();
    let shown = json!({
        "whole": true,
        "receipt": body.receipt,
        "issued": body.issued,
        "entries": body.entries.len(),
        "refused_attempts": attempts,
        "older": body.older,
        "kept_checkpoint": match kept {
            Kept::None => None,
            Kept::Compared => Some("compared"),
            Kept::NotCompared => Some("not compared"),
        },
    });
    out.answer(&shown, fields)?;
    if kept == Kept::NotCompared {
        out.note(
            "보관하신 체크포인트와 대조할 증명이 문서에 없어 대조하지 못했습니다.\n\
             Your checkpoint was not compared: the document holds no proof from it. Ask for one that \
             was made with --since your checkpoint.",
        );
    }
    out.note(&format!("{}\n{}", body.leaves_open.ko, body.leaves_open.en));
    Ok(())
}
