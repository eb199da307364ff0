//! `import`: read once to check and count, then send in numbered chunks. The server says which row
//! it wants next, so an import that was stopped goes on there when it is started again.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::body::Bytes;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use super::decode;
use super::draft::{Drafted, Drafts};
use super::map::ImportMap;
use super::progress::Progress;
use super::reject::{Bad, Reject, Rejects};
use super::rows::Rows;
use crate::cli::args::records::ImportArgs;
use crate::cli::channel::{Call, json_bytes};
use crate::cli::client::{API, Client, as_actor};
use crate::cli::failure::Failure;
use crate::cli::host::Host;
use crate::cli::out::{Out, fields};

/// Most rows in one chunk.
const CHUNK_ROWS: usize = 200;
/// Weight of a chunk, in bytes, at which it is sent although it has fewer rows.
const CHUNK_BYTES: usize = 6 << 20;
/// Most rejects that wait to be written down.
const REJECTS: usize = 1000;
/// Chunks read ahead while one is at the server. Rows are numbered in order and the server takes
/// them in order only, so what overlaps is reading, decoding and writing JSON.
const AHEAD: usize = 1;

/// A file and its map, known by what is in them.
struct Job {
    path: PathBuf,
    map: ImportMap,
    fingerprint: String,
}

/// What a first reading found.
#[derive(Default)]
struct Count {
    rows: u64,
    rejects: u64,
}

#[derive(Serialize)]
struct Begin<'a> {
    fingerprint: &'a str,
    rows_total: u64,
    dry_run: bool,
    rejects_from: u64,
}

/// Where the server stands, and the rejects of the chunks from the row that was asked for.
#[derive(Deserialize)]
struct Begun {
    id: String,
    next_row: u64,
    accepted: u64,
    rejected_rows: Vec<Reject>,
    rejects_next: Option<u64>,
}

#[derive(Serialize)]
struct RowsBody<'a> {
    from_row: u64,
    last: bool,
    rows: &'a [Drafted],
}

#[derive(Deserialize)]
struct Taken {
    next_row: u64,
    accepted: u64,
    rejected: Vec<Reject>,
}

impl From<Begun> for Taken {
    fn from(begun: Begun) -> Self {
        Self {
            next_row: begun.next_row,
            accepted: begun.accepted,
            rejected: begun.rejected_rows,
        }
    }
}

/// What was read next: a request of some rows (or of none), and the lines before it that are none.
struct Chunk {
    rows: u64,
    from_row: u64,
    body: Option<Bytes>,
    rejects: Vec<Reject>,
}

/// `import`
pub async fn import(host: &Host, args: &ImportArgs, out: &mut Out) -> Result<(), Failure> {
    let job = Arc::new(Job::open(&args.file, &args.map, args.dry_run)?);
    let counting = Arc::clone(&job);
    let count = blocking(move || counting.count()).await?;
    if count.rows == 0 {
        return Err(Failure::failed(format!(
            "{} has no row that could become a case ({} rejected)",
            args.file.display(),
            count.rejects
        )));
    }
    let done = as_actor(host, &args.actor, async |client: &mut Client| {
        send(client, &job, &count, args, out).await
    })
    .await?;
    let (rejected, summary) = (done.rejects.total(), done.rejects.summary());
    let shown = json!({
        "import": done.id,
        "dry_run": args.dry_run,
        "rows": count.rows + count.rejects,
        "accepted": done.accepted,
        "rejected": rejected,
        "seconds": done.seconds,
        "rows_per_second": done.rate,
    });
    out.answer(&shown, fields)?;
    for line in summary {
        out.note(&line);
    }
    match (&args.rejects, rejected) {
        (_, 0) => {}
        (Some(path), _) => out.note(&format!("Rejected lines are in {}.", path.display())),
        (None, _) => out.note("Give --rejects FILE to have the line numbers written down."),
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::failed("reading the file failed")))
}

struct Done {
    id: String,
    accepted: u64,
    seconds: f64,
    rate: f64,
    rejects: Rejects,
}

async fn send(
    client: &mut Client,
    job: &Arc<Job>,
    count: &Count,
    args: &ImportArgs,
    out: &mut Out,
) -> Result<Done, Failure> {
    let begin = |rejects_from| Begin {
        fingerprint: &job.fingerprint,
        rows_total: count.rows,
        dry_run: args.dry_run,
        rejects_from,
    };
    let begun: Begun = client.post("/imports", &begin(0)).await?;
    let mut rejects = Rejects::open(args.rejects.as_deref())?;
    let (mut earlier, mut next) = (begun.rejected_rows, begun.rejects_next);
    loop {
        for reject in earlier {
            rejects.add(reject)?;
        }
        let Some(from) = next else { break };
        let more: Begun = client.post("/imports", &begin(from)).await?;
        (earlier, next) = (more.rejected_rows, more.rejects_next);
    }
    if begun.next_row > 0 {
        out.note(&format!(
            "Going on at row {} of {}.",
            begun.next_row, count.rows
        ));
    }
    let mut accepted = begun.accepted;
    let mut progress = Progress::new(begun.next_row, count.rows);
    let mut chunks = job.chunks(begun.next_row, count.rows);
    let path = format!("{API}/imports/{}/rows", begun.id);
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let chunk = tokio::select! {
            biased;
            _ = &mut stop => return Err(stopped()),
            chunk = chunks.recv() => chunk,
        };
        let Some(chunk) = chunk else { break };
        // A request that was begun is not dropped half-way: its answer names the rejects.
        let Chunk {
            rows,
            from_row,
            body,
            rejects: unread,
        } = chunk?;
        for reject in unread {
            rejects.add(reject)?;
        }
        let Some(body) = body else { continue };
        let taken = match hand_over(client, &path, body, from_row + rows).await? {
            Some(taken) => taken,
            // Nothing came behind this chunk: its rejects are all there are from its first row on.
            None => {
                let begun: Begun = client.post("/imports", &begin(from_row)).await?;
                begun.into()
            }
        };
        // A rehearsal leaves the server nothing to count by.
        accepted = match args.dry_run {
            true => accepted + rows - taken.rejected.len() as u64,
            false => taken.accepted,
        };
        for reject in taken.rejected {
            rejects.add(reject)?;
        }
        progress.at(taken.next_row, rejects.total());
    }
    let (seconds, rate) = progress.finish();
    Ok(Done {
        id: begun.id,
        accepted,
        seconds,
        rate,
        rejects,
    })
}

fn stopped() -> Failure {
    Failure::failed("stopped; the same command again goes on where this one stopped")
        .korean("중단했습니다. 같은 명령을 다시 실행하면 이어서 등록합니다.")
}

/// Sends the rows before row `end`; `None` where the server had it already, because an answer was lost.
async fn hand_over(
    client: &mut Client,
    path: &str,
    body: Bytes,
    end: u64,
) -> Result<Option<Taken>, Failure> {
    match client.call(Call::post_bytes(path, body)).await {
        Ok(reply) => {
            let taken: Taken = reply.json()?;
            match taken.next_row == end {
                true => Ok(Some(taken)),
                false => Err(Failure::failed(format!(
                    "the server took rows up to {} instead of {end}; start the import again",
                    taken.next_row
                ))),
            }
        }
        Err(failure) if failure.problem().and_then(|p| p.next_row) == Some(end) => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Job {
    fn open(path: &Path, map: &str, dry_run: bool) -> Result<Self, Failure> {
        let text = ImportMap::text(map)?;
        Ok(Self {
            path: path.to_owned(),
            map: ImportMap::parse(&text)?,
            fingerprint: fingerprint(path, &text, dry_run)?,
        })
    }

    fn drafts(&self) -> Result<Drafts<'_>, Failure> {
        let rows = Rows::new(decode::open(&self.path)?, &self.map.source)?;
        Drafts::new(rows, &self.map)
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let hint = match error.kind() {
            io::ErrorKind::UnexpectedEof => " (the file ends early: was it copied completely?)",
            _ => "",
        };
        let path = self.path.display();
        Failure::failed(format!(
            "cannot read {path}: {error}{hint}; nothing was imported from it"
        ))
    }

    /// Reads the whole file before a row is sent, so that nothing comes in from a damaged one.
    fn count(&self) -> Result<Count, Failure> {
        let mut count = Count::default();
        for drafted in self.drafts()? {
            match drafted {
                Ok(_) => count.rows += 1,
                Err(Bad::Row(_)) => count.rejects += 1,
                Err(Bad::File(error)) => return Err(self.unreadable(&error)),
            }
        }
        Ok(count)
    }

    /// The chunks from row `from` on, made on a thread of their own.
    fn chunks(self: &Arc<Self>, from: u64, total: u64) -> mpsc::Receiver<Result<Chunk, Failure>> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let job = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let ended =
                job.each_chunk(from, total, |chunk| sender.blocking_send(Ok(chunk)).is_ok());
            if let Err(failure) = ended {
                let _unheard = sender.blocking_send(Err(failure));
            }
        });
        receiver
    }

    fn each_chunk(
        &self,
        from: u64,
        total: u64,
        mut give: impl FnMut(Chunk) -> bool,
    ) -> Result<(), Failure> {
        let mut rows: Vec<Drafted> = Vec::with_capacity(CHUNK_ROWS);
        let mut rejects = Vec::new();
        let (mut weight, mut number) = (0, 0);
        for drafted in self.drafts()? {
            match drafted {
                Err(Bad::File(error)) => return Err(self.unreadable(&error)),
                Err(Bad::Row(reject)) => rejects.push(reject),
                Ok(drafted) => {
                    number += 1;
                    if number > from {
                        weight += drafted.case.weight();
                        rows.push(drafted);
                    }
                }
            }
            let full =
                rows.len() == CHUNK_ROWS || rejects.len() == REJECTS || weight >= CHUNK_BYTES;
            if full || (number == total && !rows.is_empty()) {
                if !give(chunk(&rows, std::mem::take(&mut rejects), number, total)?) {
                    return Ok(());
                }
                rows.clear();
                weight = 0;
            }
        }
        if number != total {
            return Err(Failure::failed("the file changed while it was imported"));
        }
        give(chunk(&[], rejects, number, total)?);
        Ok(())
    }
}

fn chunk(rows: &[Drafted], rejects: Vec<Reject>, end: u64, total: u64) -> Result<Chunk, Failure> {
    let count = rows.len() as u64;
    let from_row = end.saturating_sub(count);
    let last = end == total;
    let body = RowsBody {
        from_row,
        last,
        rows,
    };
    Ok(Chunk {
        rows: count,
        from_row,
        body: (count > 0).then(|| json_bytes(&body)).transpose()?,
        rejects,
    })
}

/// `hex(SHA-256(file ‖ SHA-256(map) ‖ dry run? 1 : nothing))`: another file or another map is
/// another import, and a rehearsal must not be taken for a beginning.
fn fingerprint(path: &Path, map: &str, dry_run: bool) -> Result<String, Failure> {
    let unread = |error: io::Error| Failure::file("read", path, &error);
    let mut file = File::open(path).map_err(unread)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer).map_err(unread)?;
        if read == 0 {
            break;
        }
        context.update(buffer.get(..read).unwrap_or_default());
    }
    context.update(digest::digest(&digest::SHA256, map.as_bytes()).as_ref());
    if dry_run {
        context.update(&[1]);
    }
    Ok(data_encoding::HEXLOWER.encode(context.finish().as_ref()))
}

#[cfg(test)]
mod tests;
