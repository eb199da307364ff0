//! The road end to end through the real server, beside a bare axum route that answers with the
//! same bytes: the ratio of the two is what audit, policy, cryptography and disk cost a reader.
//!
//! ```text
//! cargo bench --bench http
//! ```
//! Both listen on loopback, in one runtime; the client is hyper in the same process, on a runtime
//! of its own, one request at a time on each connection. CPU is told apart by thread: `server` is
//! the runtime of both servers, `client` that of the client, the others are the store's. The
//! store's trace line per request is written, to nowhere, as an operator's would be.
//!
//! `BONGHAM_BENCH_SECONDS` (default 2) is the length of one measurement, `BONGHAM_BENCH_ROUNDS`
//! (default 3) how often all take turns; figures are medians over rounds.

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/office.rs"]
mod office;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use bongham::cases::draft::Classification;
use bongham::config::limits::Limits;
use bongham::domain::id::CaseId;
use bongham::domain::time::SystemClock;
use bongham::http::Server;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use cpu::{cpu_by_thread, cpu_per_operation, listed};
use machine::{load, machine};
use measure::{Outcome, median, number_from_env, run_clients};
use office::Office;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Sender = SendRequest<Empty<Bytes>>;

const CASES: usize = 10_000;

fn runtime(name: &str) -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()?)
}

async fn connect(address: SocketAddr) -> Result<Mutex<Sender>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(Mutex::new(sender))
}

async fn ask(sender: &mut Sender, path: &str, token: &str) -> Result<Bytes, Failure> {
    let request = Request::get(path)
        .header(header::HOST, "localhost")
        .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) bench")
        .header(header::AUTHORIZATION, token)
        .body(Empty::new())?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status == 200 {
        Ok(body)
    } else {
        Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
    }
}

/// A server to ask, and the paths to ask for.
struct Target {
    name: String,
    address: SocketAddr,
    paths: Vec<String>,
    token: String,
}

impl Target {
    async fn measure(
        self: Arc<Self>,
        connections: u64,
        time: Duration,
    ) -> Result<Outcome, Failure> {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(connect(self.address).await?);
        }
        let open = Arc::new(open);
        run_clients(connections, time, move |n| {
            let (target, open) = (Arc::clone(&self), Arc::clone(&open));
            async move {
                let connection = usize::try_from(n % connections)?;
                let sender = open.get(connection).ok_or("no connection")?;
                let at = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % target.paths.len() as u64;
                let path = target.paths.get(usize::try_from(at)?).ok_or("no path")?;
                let body = ask(&mut *sender.lock().await, path, &target.token).await?;
                std::hint::black_box(body);
                Ok(())
            }
        })
        .await
    }
}

/// A route that answers with these bytes.
async fn bare(body: Bytes) -> Result<SocketAddr, Failure> {
    let handler = move || {
        let body = body.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], body) }
    };
    let router = Router::new().route("/api/v1/cases/{id}", get(handler));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let served = axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |stream| {
                drop(stream.set_nodelay(true));
            }),
            router,
        );
        drop(served.await);
    });
    Ok(address)
}

fn path(case: &CaseId) -> String {
    format!("/api/v1/cases/{case}?purpose=handling")
}

fn main() -> Result<(), Failure> {
    let seconds = Duration::from_secs(number_from_env("BONGHAM_BENCH_SECONDS", 2));
    let rounds = number_from_env("BONGHAM_BENCH_ROUNDS", 3);
    let dir = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    tracing_subscriber::fmt().with_writer(std::io::sink).init();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine()?)?;
    let (serving, asking) = (runtime("server")?, runtime("client")?);
    let office = Arc::new(Office::open(
        dir.path(),
        &serving,
        Arc::new(SystemClock::default()),
    )?);
    let mut server = Server::new(Arc::clone(&office.service), Limits::default());
    let address = serving.block_on(server.listen((Ipv4Addr::LOCALHOST, 0).into(), None))?;
    let mut targets = Vec::new();
    for (tier, letter) in [
        (Classification::Ordinary, "O"),
        (Classification::Sensitive, "S"),
    ] {
        let cases = serving.block_on(office.fill(tier, CASES))?;
        targets.push(Target {
            name: format!("bongham {letter}"),
            address,
            paths: cases.iter().map(path).collect(),
            token: format!("Bearer {}", office.holder(tier).reveal()),
        });
    }
    let first = targets.first().ok_or("no target")?;
    let path = first.paths.first().ok_or("no path")?.clone();
    let token = first.token.clone();
    let body = asking.block_on(async {
        let sender = connect(address).await?;
        ask(&mut *sender.lock().await, &path, &token).await
    })?;
    writeln!(
        out,
        "{CASES} cases of each tier; an answer has {} bytes",
        body.len()
    )?;
    targets.push(Target {
        name: "bare axum".to_owned(),
        address: serving.block_on(bare(body))?,
        paths: vec![path],
        token,
    });
    let targets: Vec<_> = targets.into_iter().map(Arc::new).collect();
    for connections in [1, 64, 256] {
        writeln!(out, "\n{connections} connections (load {})", load()?)?;
        let mut outcomes: Vec<Vec<(Outcome, f64)>> = targets.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            for (target, list) in targets.iter().zip(&mut outcomes) {
                let before = cpu_by_thread()?;
                let measured = Arc::clone(target).measure(connections, seconds);
                let outcome = asking.block_on(measured)?;
                let done = outcome.rate * seconds.as_secs_f64();
                let threads = cpu_per_operation(&before, done)?;
                if round + 1 == rounds {
                    writeln!(
                        out,
                        "  {:10} µs CPU by thread: {}",
                        target.name,
                        listed(&threads)
                    )?;
                }
                let serving = threads.iter().filter(|(name, _)| name != "client");
                list.push((outcome, serving.map(|(_, micros)| micros).sum()));
            }
        }
        report(&mut out, &targets, &outcomes)?;
    }
    asking.shutdown_timeout(Duration::from_secs(1));
    serving.block_on(server.stop(Duration::from_secs(1)));
    Ok(())
}

fn report(
    out: &mut impl Write,
    targets: &[Arc<Target>],
    outcomes: &[Vec<(Outcome, f64)>],
) -> Result<(), Failure> {
    let bare = outcomes.last().ok_or("nothing measured")?;
    for (target, list) in targets.iter().zip(outcomes) {
        let of = |what: fn(&(Outcome, f64)) -> f64| median(list.iter().map(what));
        let ratio = |what: fn(&(Outcome, f64)) -> f64| {
            median(list.iter().zip(bare).map(move |(a, b)| what(a) / what(b)))
        };
        writeln!(
            out,
            "  {:10} {:>7.0}/s ({:.2}x)  p50 {:>7.3} ms ({:.1}x)  p99 {:>7.3} ms ({:.1}x)  \
             {:>6.1} µs CPU, without the client's {:>6.1} ({:.1}x)",
            target.name,
            of(|(o, _)| o.rate),
            ratio(|(o, _)| o.rate),
            of(|(o, _)| o.p50_ms),
            ratio(|(o, _)| o.p50_ms),
            of(|(o, _)| o.p99_ms),
            ratio(|(o, _)| o.p99_ms),
            of(|(o, _)| o.cpu_us),
            of(|(_, micros)| *micros),
            ratio(|(_, micros)| *micros),
        )?;
    }
    Ok(())
}
