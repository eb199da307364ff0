//! `log verify` and `ledger verify`: offline, with nothing but the bundle and a kept key.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::failure::Failure;
use super::out::{Out, fields};
use super::trail::Trail;
use crate::merkle::bundle::{self, Violation};
use crate::merkle::checkpoint::Verifier;

/// Longest key or checkpoint file, in bytes.
const TEXT_BYTES_MAX: u64 = 64 << 10;
/// Longest certificate, in bytes.
const CERTIFICATE_BYTES_MAX: u64 = 8 << 20;

/// Verifies `bundle` with the key in `key` and, where given, the checkpoint the auditor kept.
pub fn verify(
    trail: Trail,
    bundle: &Path,
    key: &Path,
    checkpoint: Option<&Path>,
    out: &mut Out,
) -> Result<(), Failure> {
    let verifier = Verifier::parse(text(key)?.trim())
        .map_err(|error| Failure::usage(format!("{}: {error}", key.display())))?;
    let kept = checkpoint.map(text).transpose()?;
    if trail == Trail::Ledger && is_document(bundle)? {
        return certificate(bundle, &verifier, kept.as_deref(), out);
    }
    let file = File::open(bundle).map_err(|error| Failure::file("read", bundle, &error))?;
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let bar = progress(bytes);
    let found = bundle::verify(
        bar.wrap_read(file),
        &verifier,
        kept.as_deref(),
        |_: u64, _: &[u8]| Ok(()),
    );
    bar.finish_and_clear();
    let verified = found.map_err(|violation| refuse(trail, &violation))?;
    let origin = &verified.checkpoint.origin;
    // Both logs are signed by one store's key, so only the origin tells them apart.
    if !origin.ends_with(trail.origin_end()) {
        return Err(Failure::failed(format!(
            "this is a bundle of {origin}, not of the {}",
            trail.name()
        )));
    }
    let root = data_encoding::BASE64.encode(&verified.checkpoint.root.0);
    let shown = json!({
        "whole": true,
        "origin": origin,
        "entries": verified.leaves,
        "root": root,
        "kept_checkpoint": kept.is_some(),
    });
    out.answer(&shown, fields)?;
    if kept.is_none() {
        out.note(
            "Without a checkpoint of your own, a log cut back to an older signed state would also \
             pass: keep one today (bongham log checkpoint) and give it next time.",
        );
    }
    Ok(())
}

/// Whether a file is a certificate rather than a bundle: it begins as JSON does.
fn is_document(path: &Path) -> Result<bool, Failure> {
    let unread = |error: std::io::Error| Failure::file("read", path, &error);
    let mut first = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(1).read_to_end(&mut first).map_err(unread)?;
    Ok(first == b"{")
}

fn certificate(
    path: &Path,
    verifier: &Verifier,
    kept: Option<&str>,
    out: &mut Out,
) -> Result<(), Failure> {
    let unread = |error: std::io::Error| Failure::file("read", path, &error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(CERTIFICATE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    let body =
        crate::destruction::certificate::verify(&bytes, verifier, kept).map_err(|fault| {
            Failure::failed(format!("the certificate: {fault}"))
                .korean("증명서가 온전하지 않습니다. 다시 발급받아 확인하십시오.")
        })?;
    let shown = json!({
        "whole": true,
        "destruction": body.destruction,
        "state": body.state,
        "cases": body.totals.cases,
        "units": body.totals.units,
        "destroyed": body.destroyed,
        "scrubbed": body.scrubbed,
        "kept_checkpoint": kept.is_some(),
    });
    out.answer(&shown, fields)
}

fn refuse(trail: Trail, violation: &Violation) -> Failure {
    let failure = Failure::failed(format!("the {}: {violation}", trail.name()));
    match violation {
        Violation::Read(_) => failure,
        _ => failure.korean("기록이 온전하지 않습니다. 위의 항목 번호를 확인하십시오."),
    }
}

pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let unread = |error: std::io::Error| Failure::file("read", path, &error);
    let mut text = String::new();
    File::open(path)
        .map_err(unread)?
        .take(TEXT_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(unread)?;
    Ok(text)
}

pub(super) fn progress(bytes: u64) -> ProgressBar {
    let style = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests;
