//! `print …` and `trace`: cases on paper, and the way back from paper.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::prints::{NewPrintArgs, PrintCommand, TraceArgs};
use super::client::{Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use super::spool::Spool;
use super::trail::absent;
use crate::domain::serial::Serial;

const COLUMNS: [&str; 9] = [
    "serial",
    "read_from",
    "entry",
    "form",
    "by",
    "requested_at",
    "purpose",
    "receiver",
    "state",
];

/// `print …`
pub async fn print(host: &Host, command: PrintCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        PrintCommand::New(args) => new(host, &args, out).await,
        PrintCommand::Show { serial, actor } => {
            let view: Value = as_actor(host, &actor, async |client: &mut Client| {
                client.get(&format!("/prints/{serial}"), &[]).await
            })
            .await?;
            out.answer(&view, fields)
        }
    }
}

/// What the API is asked for.
fn body(args: &NewPrintArgs) -> Value {
    let cases: Vec<String> = args.cases.iter().map(ToString::to_string).collect();
    json!({
        "purpose": args.purpose,
        "reason": args.reason,
        "cases": cases,
        "form": args.form,
        "template": args.template,
        "unmasked": args.unmasked,
        "identity": args.identity,
        "copies": args.copies,
        "receiver": args.receiver,
        "responsible": args.responsible,
        "destroy_by": args.destroy_by,
        "approval": args.approval.map(|id| id.to_string()),
    })
}

/// Where the document goes.
enum To<'a> {
    File(&'a Path),
    Printer(Spool),
}

impl<'a> To<'a> {
    fn of(args: &'a NewPrintArgs) -> Result<Self, Failure> {
        match (&args.out, &args.print) {
            (Some(out), _) => absent(out).map(|()| Self::File(out)),
            (None, Some(printer)) if args.form == "pdf" => Spool::begin(printer).map(Self::Printer),
            _ => Err(
                Failure::usage("--print takes a PDF; with --form html give --out")
                    .korean("--print는 PDF만 받습니다. --form html에는 --out을 지정하십시오."),
            ),
        }
    }
}

async fn new(host: &Host, args: &NewPrintArgs, out: &mut Out) -> Result<(), Failure> {
    let to = To::of(args)?;
    let body = body(args);
    let actor = args.actor.because(Some(&args.reason));
    let went = as_actor(host, &actor, async |client: &mut Client| {
        let made: Value = client.post("/prints", &body).await?;
        out.answer(&made, fields)?;
        let Some(serial) = made.get("serial").and_then(Value::as_str) else {
            return Ok(None);
        };
        // The document is there for this session alone.
        match to {
            To::File(path) => fetch(client, serial, path).await?,
            To::Printer(spool) => give(client, serial, spool).await?,
        }
        Ok(Some(serial.to_owned()))
    })
    .await?;
    let Some(serial) = went else {
        out.note(
            "A second person decides: bongham approval list, then approval decide. Then repeat \
             the command with --approval.",
        );
        return Ok(());
    };
    match &args.out {
        Some(path) => out.note(&format!(
            "{} holds the cases in the clear, readable by you alone: print it and delete it \
             (--print needs no file). When no copy is needed any more: bongham output close {serial}",
            path.display()
        )),
        None => out.note(&format!(
            "The printer has it, and no file was made here. When no copy is needed any more: \
             bongham output close {serial}"
        )),
    }
    Ok(())
}

/// Half a document is not printed: it is fetched whole first, into memory.
async fn give(client: &mut Client, serial: &str, spool: Spool) -> Result<(), Failure> {
    let mut document = Zeroizing::new(Vec::new());
    client
        .download(&format!("/prints/{serial}/document"), |piece| {
            document.extend_from_slice(piece);
            Ok(())
        })
        .await?;
    spool.send(&document)
}

async fn fetch(client: &mut Client, serial: &str, path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let fetched = client
        .download(&format!("/prints/{serial}/document"), |piece| {
            file.write_all(piece).map_err(failed)
        })
        .await;
    let whole = fetched.and_then(|_| file.sync_all().map_err(failed));
    if whole.is_err() {
        fs::remove_file(path).map_err(failed)?;
    }
    whole
}

/// A serial number with the fields of its record beside it.
fn flat(found: &Value) -> Value {
    let mut row = found.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(output)) = row.remove("output") {
        row.extend(output);
    }
    Value::Object(row)
}

/// `trace`
pub async fn trace(host: &Host, args: &TraceArgs, out: &mut Out) -> Result<(), Failure> {
    let path = Path::new(&args.what);
    let body = if path.is_file() {
        let bytes = fs::read(path).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| Failure::file("read", path, &error))?;
        json!({"file": BASE64.encode(&bytes)})
    } else if args.what.parse::<Serial>().is_ok() {
        json!({"serial": args.what})
    } else {
        return Err(Failure::usage(
            "expected a serial number, as in 7KQ4M-2XA0D, or a file that is there",
        )
        .korean("일련번호(예: 7KQ4M-2XA0D)나 있는 파일을 지정하십시오."));
    };
    let found: Value = as_actor(host, &args.actor, async |client: &mut Client| {
        client.post("/traces", &body).await
    })
    .await?;
    let rows = found.get("found").and_then(Value::as_array);
    let rows: Vec<Value> = rows.into_iter().flatten().map(flat).collect();
    let count = |key: &str| found.get(key).and_then(Value::as_u64).unwrap_or_default();
    if rows.is_empty() {
        out.note(
            "No mark was found. A sharper picture, or one of more of the page, may show one; of a \
             PDF, the page as PNG or JPEG (pdftoppm -r 300 -png).",
        );
    }
    if count("unread") > 0 {
        out.note(&format!(
            "{} pictures in the PDF could not be looked at: give those pages as PNG or JPEG.",
            count("unread")
        ));
    }
    if count("more") > 0 {
        out.note(&format!(
            "{} more numbers stand in the file: somebody wrote them there.",
            count("more")
        ));
    }
    out.rows(&COLUMNS, &rows)
}
