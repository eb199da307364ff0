//! `export …` and `output …`: taking cases out, and the end of every copy.

use std::fs::{self, File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

use super::args::outputs::{ExportCommand, NewExportArgs, OutputCommand};
use super::case::read_value;
use super::channel::Call;
use super::client::{API, Client, as_actor};
use super::failure::Failure;
use super::host::Host;
use super::out::{Out, fields};
use super::trail::absent;
use super::verify::progress;
use crate::domain::purpose::Purpose;
use crate::domain::secret::SecretText;

const COLUMNS: [&str; 10] = [
    "serial",
    "form",
    "state",
    "by",
    "receiver",
    "cases",
    "people",
    "responsible",
    "destroy_by",
    "overdue",
];

/// How often a running export is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// `export …`
pub async fn export(host: &Host, command: ExportCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        ExportCommand::New(args) => new(host, &args, out).await,
        ExportCommand::Show { serial, actor } => {
            let view = as_actor(host, &actor, async |client: &mut Client| {
                look(client, &serial.to_string()).await
            })
            .await?;
            out.answer(&view, fields)
        }
        ExportCommand::Fetch {
            serial,
            out: file,
            actor,
        } => {
            absent(&file)?;
            let view = as_actor(host, &actor, async |client: &mut Client| {
                let serial = serial.to_string();
                let view = look(client, &serial).await?;
                fetch(client, &serial, &view, &file).await?;
                Ok(view)
            })
            .await?;
            out.answer(&view, fields)
        }
        ExportCommand::Cancel { serial, actor } => {
            as_actor(host, &actor, async |client: &mut Client| {
                let call = Call::delete(&format!("{API}/exports/{serial}"));
                client.call(call).await.map(|_| ())
            })
            .await?;
            out.note("Called off: nothing of it is left on the server.");
            Ok(())
        }
    }
}

/// `output …`
pub async fn output(host: &Host, command: &OutputCommand, out: &mut Out) -> Result<(), Failure> {
    match command {
        OutputCommand::List { open, actor } => {
            let query = [("open", if *open { "true" } else { "" })];
            let rows = as_actor(host, actor, async |client: &mut Client| {
                client.rows("/outputs", &query, usize::MAX).await
            })
            .await?;
            out.rows(&COLUMNS, &rows)
        }
        OutputCommand::Close {
            serial,
            method,
            reason,
            actor,
        } => {
            let body = json!({"method": method, "reason": reason});
            let view = as_actor(host, actor, async |client: &mut Client| {
                client
                    .post::<Value>(&format!("/outputs/{serial}/close"), &body)
                    .await
            })
            .await?;
            out.answer(&view, fields)
        }
    }
}

/// Which cases the API is asked for.
#[derive(serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Selection<'a> {
    Cases(Vec<String>),
    Filter(Filter<'a>),
    Search { field: &'a str, value: &'a str },
}

#[derive(serde::Serialize)]
struct Filter<'a> {
    class: &'a Option<String>,
    department: &'a Option<String>,
    state: &'a Option<String>,
    registered_from: &'a Option<String>,
    registered_to: &'a Option<String>,
}

/// What the API is asked for.
#[derive(serde::Serialize)]
struct Order<'a> {
    purpose: Purpose,
    reason: &'a str,
    selection: Selection<'a>,
    format: &'a str,
    template: &'a Option<String>,
    unmasked: bool,
    recipient: &'a Option<String>,
    receiver: &'a str,
    responsible: &'a Option<String>,
    destroy_by: &'a str,
    approval: Option<String>,
}

/// The order of a command, with the value of its search.
fn order<'a>(args: &'a NewExportArgs, value: Option<&'a SecretText>) -> Order<'a> {
    let selection = match (&args.search, value) {
        (Some(field), Some(value)) => Selection::Search {
            field,
            value: value.expose(),
        },
        _ if args.cases.is_empty() => Selection::Filter(Filter {
            class: &args.class,
            department: &args.department,
            state: &args.state,
            registered_from: &args.from,
            registered_to: &args.to,
        }),
        _ => Selection::Cases(args.cases.iter().map(ToString::to_string).collect()),
    };
    Order {
        purpose: args.purpose,
        reason: &args.reason,
        selection,
        format: &args.format,
        template: &args.template,
        unmasked: args.unmasked,
        recipient: &args.recipient,
        receiver: &args.receiver,
        responsible: &args.responsible,
        destroy_by: &args.destroy_by,
        approval: args.approval.map(|id| id.to_string()),
    }
}

async fn new(host: &Host, args: &NewExportArgs, out: &mut Out) -> Result<(), Failure> {
    absent(&args.out)?;
    let value = match args.search {
        Some(_) => Some(read_value(args.value_file.as_deref())?),
        None => None,
    };
    let order = order(args, value.as_ref());
    let actor = args.actor.because(Some(&args.reason));
    let waits = as_actor(host, &actor, async |client: &mut Client| {
        let begun: Value = client.post("/exports", &order).await?;
        out.answer(&begun, fields)?;
        let Some(serial) = begun.get("serial").and_then(Value::as_str) else {
            return Ok(true);
        };
        // The session stays until the file is here: with it an export would end.
        let view = finish(client, serial).await?;
        fetch(client, serial, &view, &args.out).await?;
        Ok(false)
    })
    .await?;
    if waits {
        out.note(
            "A second person decides: bongham approval list, then approval decide. Then repeat \
             the command with --approval.",
        );
    } else {
        out.note(&format!(
            "{} holds the cases, locked. When no copy is needed any more: bongham output close",
            args.out.display()
        ));
    }
    Ok(())
}

async fn look(client: &mut Client, serial: &str) -> Result<Value, Failure> {
    client.get(&format!("/exports/{serial}"), &[]).await
}

fn number(view: &Value, name: &str) -> u64 {
    view.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn word<'a>(view: &'a Value, name: &str) -> &'a str {
    view.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn bar(cases: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(cases);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} cases {per_sec} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Waits until the file is written.
async fn finish(client: &mut Client, serial: &str) -> Result<Value, Failure> {
    let mut shown: Option<ProgressBar> = None;
    loop {
        let view = look(client, serial).await?;
        let bar = shown.get_or_insert_with(|| bar(number(&view, "cases")));
        bar.set_position(number(&view, "opened"));
        match word(&view, "state") {
            "running" => tokio::time::sleep(LOOK).await,
            "ready" => {
                bar.finish_and_clear();
                return Ok(view);
            }
            state => {
                bar.abandon();
                let why = match word(&view, "problem") {
                    "" => state,
                    problem => problem,
                };
                let opened = number(&view, "opened");
                return Err(Failure::failed(format!(
                    "the export did not come to its end: {why}; {opened} cases had been opened"
                ))
                .korean("반출이 끝까지 이루어지지 않았습니다. 서버에 남은 파일은 없습니다."));
            }
        }
    }
}

/// Where a download that is not whole lies.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Fetches what is not there yet; the file gets its name when it is whole and what was written.
async fn fetch(
    client: &mut Client,
    serial: &str,
    view: &Value,
    path: &Path,
) -> Result<(), Failure> {
    let part = part_of(path);
    let failed = |error: std::io::Error| Failure::file("write", &part, &error);
    let (bytes, sha256) = (number(view, "bytes"), word(view, "sha256"));
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&part)
        .map_err(failed)?;
    let mut have = file.metadata().map_err(failed)?.len();
    if have >= bytes {
        file.set_len(0).map_err(failed)?;
        have = 0;
    }
    let bar = progress(bytes);
    bar.inc(have);
    let content = format!("/exports/{serial}/content");
    client
        .resume(&content, have, sha256, |piece| {
            bar.inc(piece.len() as u64);
            file.write_all(piece).map_err(failed)
        })
        .await?;
    bar.finish_and_clear();
    file.sync_all().map_err(failed)?;
    if digest(&part).map_err(failed)? != sha256 {
        fs::remove_file(&part).map_err(failed)?;
        return Err(Failure::failed(
            "what came is not what the server wrote; run the same command again",
        )
        .korean("받은 파일이 서버의 파일과 다릅니다. 같은 명령을 다시 실행하십시오."));
    }
    fs::hard_link(&part, path).map_err(|error| Failure::file("write", path, &error))?;
    fs::remove_file(&part).map_err(failed)
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut context = Context::new(&SHA256);
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(data_encoding::HEXLOWER.encode(context.finish().as_ref()));
        }
        context.update(buffer.get(..count).unwrap_or_default());
    }
}
