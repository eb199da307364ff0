use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use axum::Extension;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

use super::super::tls::TlsError;
use super::super::{download, headers};
use super::*;
use crate::service::ServiceError;

const LONG: Duration = Duration::from_secs(30);
const LOCAL: &str = "127.0.0.1:0";

/// Answers with the peer's address; `/slow` answers when told, `/fast` at once.
fn router(entered: Arc<Notify>, leave: Arc<Notify>) -> Router {
    let slow = move || async move {
        entered.notify_one();
        leave.notified().await;
        "slow"
    };
    let peer = |Extension(peer): Extension<Peer>| async move { format!("{:?}", peer.address) };
    Router::new()
        .route("/", get(peer))
        .route("/slow", get(slow))
        .layer(from_fn(headers::secure))
}

/// Waits for everything.
fn patient() -> Bounds {
    Bounds {
        header_time: LONG,
        stall_time: LONG,
        ..Bounds::default()
    }
}

fn server() -> Server {
    Server::of(router(Arc::default(), Arc::default()), patient())
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without TLS's farewell still gave an answer.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn plain_http_is_served_on_loopback_and_refused_elsewhere() {
    let mut server = server();
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let refused = server
            .listen(open.parse().unwrap(), None)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, ServeError::PlainNotLoopback(_)),
            "{refused}"
        );
    }
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    let answer = ask(TcpStream::connect(address).await.unwrap(), GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("Some(127.0.0.1)"), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "{answer}");
    let taken = server.listen(address, None).await.unwrap_err();
    assert!(matches!(taken, ServeError::Bind { .. }), "{taken}");
}

#[tokio::test]
async fn tls_is_served_anywhere_and_speaks_only_1_3() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&chain, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Tls::load(&chain, &key).unwrap();

    let mut server = server();
    let bound = server
        .listen("0.0.0.0:0".parse().unwrap(), Some(tls))
        .await
        .unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], bound.port()));
    let connect = async |version: &'static rustls::SupportedProtocolVersion| {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from(made.cert.der().to_vec()))
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    };
    let answer = ask(connect(&rustls::version::TLS13).await.unwrap(), GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );
    assert!(connect(&rustls::version::TLS12).await.is_err());
    // Plain HTTP on the same port gets no HTTP answer.
    let plain = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    let (mut reader, mut writer) = plain.into_split();
    writer.write_all(GET.as_bytes()).await.unwrap();
    drop(reader.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP"));
}

#[test]
fn a_certificate_or_key_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let absent = Tls::load(&chain, &key).err().unwrap();
    assert!(matches!(absent, TlsError::Certificate { .. }), "{absent}");
    fs::write(&chain, "no certificate").unwrap();
    let empty = Tls::load(&chain, &key).err().unwrap();
    assert!(matches!(empty, TlsError::Certificate { .. }), "{empty}");
    let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&chain, one.cert.pem()).unwrap();
    fs::write(&key, "no key").unwrap();
    assert!(matches!(
        Tls::load(&chain, &key).err().unwrap(),
        TlsError::Key { .. }
    ));
    fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    assert!(matches!(
        Tls::load(&chain, &key).err().unwrap(),
        TlsError::Mismatch(_)
    ));
    fs::write(&key, one.signing_key.serialize_pem()).unwrap();
    assert!(Tls::load(&chain, &key).is_ok());
}

#[tokio::test]
async fn the_control_socket_is_its_owners_alone_and_goes_with_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let mut first = server();
    first.listen_control(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let answer = ask(UnixStream::connect(&path).await.unwrap(), GET).await;
    assert!(answer.ends_with("None"), "{answer}");
    let in_use = server().listen_control(&path).unwrap_err();
    assert!(matches!(in_use, ServeError::SocketInUse(_)), "{in_use}");
    assert_eq!(first.stop(LONG).await, Drained::All);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_any_other_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    // The listener goes, its file stays: what a killed server leaves.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut server = server();
    server.listen_control(&path).unwrap();
    let answer = ask(UnixStream::connect(&path).await.unwrap(), GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let file = dir.path().join("notes.txt");
    fs::write(&file, "kept").unwrap();
    let occupied = server.listen_control(&file).unwrap_err();
    assert!(
        matches!(occupied, ServeError::SocketOccupied(_)),
        "{occupied}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[tokio::test]
async fn stopping_lets_requests_in_work_end_and_takes_no_more() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut server = Server::of(router(entered.clone(), leave.clone()), patient());
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let asking = tokio::spawn(ask(stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"));
    entered.notified().await;
    let stopping = tokio::spawn(server.stop(LONG));
    // The listener goes first.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    leave.notify_one();
    let answer = asking.await.unwrap();
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(stopping.await.unwrap(), Drained::All);
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_after_the_limit() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut server = Server::of(router(entered.clone(), leave), patient());
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let asking = tokio::spawn(ask(stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"));
    entered.notified().await;
    assert_eq!(
        server.stop(Duration::from_millis(20)).await,
        Drained::Cut(1)
    );
    assert_eq!(asking.await.unwrap(), "");
}

#[tokio::test]
async fn a_client_that_never_ends_its_header_is_cut() {
    let bounds = Bounds {
        header_time: Duration::from_millis(50),
        ..patient()
    };
    let mut server = Server::of(router(Arc::default(), Arc::default()), bounds);
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    for part in ["", "GET / HTTP/1.1\r\nhost:"] {
        // Reads to the end of the connection: that it comes is the test.
        let answer = ask(TcpStream::connect(address).await.unwrap(), part).await;
        assert!(!answer.contains("200"), "{answer}");
    }
    let whole = ask(TcpStream::connect(address).await.unwrap(), GET).await;
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
}

#[tokio::test]
async fn a_head_of_more_than_sixteen_kib_is_refused() {
    let mut server = server();
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    for (bytes, status) in [(12 << 10, "200"), (17 << 10, "431")] {
        let padding = "a".repeat(bytes);
        let request =
            format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-pad: {padding}\r\n\r\n");
        let answer = ask(TcpStream::connect(address).await.unwrap(), &request).await;
        assert_eq!(answer.get(9..12), Some(status), "{bytes}");
    }
}

#[tokio::test]
async fn a_stream_inside_the_process_is_served_to_its_end() {
    let server = server();
    let (here, there) = tokio::io::duplex(1024);
    let serving = tokio::spawn(server.door.clone().converse(there, INSIDE));
    let answer = ask(here, GET).await;
    assert!(answer.ends_with("None"), "{answer}");
    serving.await.unwrap();
}

#[tokio::test]
async fn a_download_that_fails_midway_never_looks_whole() {
    async fn export(whole: bool) -> Response {
        let (mut out, body) = download::pipe();
        let work = async move {
            let writing = tokio::task::spawn_blocking(move || {
                out.write_all(&[b'x'; 200_000]).unwrap();
                out.flush().unwrap();
            });
            writing.await.unwrap();
            if whole {
                Ok(())
            } else {
                Err(ServiceError::DiskFull)
            }
        };
        body.after(work).await.unwrap().into_response()
    }
    let router = Router::new()
        .route("/whole", get(|| export(true)))
        .route("/cut", get(|| export(false)));
    let mut server = Server::of(router, patient());
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    for (path, ended) in [("/whole", true), ("/cut", false)] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = ask(TcpStream::connect(address).await.unwrap(), &request).await;
        assert!(!answer.contains("content-length"), "{path}");
        assert_eq!(answer.ends_with("\r\n0\r\n\r\n"), ended, "{path}");
    }
}

/// An answer that no kernel holds for its reader.
const LONG_ANSWER: usize = 16 << 20;
const GET_LONG: &str = "GET /long HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server that has room for two connections and an answer for each that is too long to be held.
async fn narrow(stall_time: Duration) -> (Server, SocketAddr) {
    let router = Router::new()
        .route("/", get(|| async {}))
        .route("/long", get(|| async { vec![b'x'; LONG_ANSWER] }));
    let bounds = Bounds {
        connections: 2,
        stall_time,
        ..patient()
    };
    let mut server = Server::of(router, bounds);
    let address = server.listen(LOCAL.parse().unwrap(), None).await.unwrap();
    (server, address)
}

async fn shut_out(address: SocketAddr, patience: Duration) -> bool {
    let asking = async { ask(TcpStream::connect(address).await.unwrap(), GET).await };
    match timeout(patience, asking).await {
        Ok(answer) => !answer.starts_with("HTTP/1.1 200"),
        Err(_) => true,
    }
}

#[tokio::test]
async fn clients_that_never_read_do_not_shut_others_out() {
    for (stall_time, patience, expected) in [
        (Duration::from_millis(200), LONG, false),
        // The control: without the limit they do.
        (LONG, Duration::from_millis(600), true),
    ] {
        let (_server, address) = narrow(stall_time).await;
        let mut silent = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // What is asked for behind it is not even looked at.
            stream
                .write_all(GET_LONG.repeat(20).as_bytes())
                .await
                .unwrap();
            silent.push(stream);
        }
        assert_eq!(shut_out(address, patience).await, expected);
    }
}

#[tokio::test]
async fn a_slow_reader_is_served_to_the_end() {
    let stall_time = Duration::from_millis(700);
    let (_server, address) = narrow(stall_time).await;
    let began = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GET_LONG.as_bytes()).await.unwrap();
    let mut piece = vec![0; 256 << 10];
    let mut read = 0;
    while read < LONG_ANSWER {
        sleep(Duration::from_millis(20)).await;
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "cut after {read} bytes");
        read += count;
    }
    assert!(began.elapsed() > stall_time, "too fast to show anything");
}

#[tokio::test]
async fn one_address_takes_its_own_places_only_and_gets_them_back() {
    let bounds = Bounds {
        connections_per_address: 2,
        ..patient()
    };
    let server = Server::of(router(Arc::default(), Arc::default()), bounds);
    let door = server.door.clone();
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let address = listener.local_addr().unwrap();
    // A connection that says it comes from `from`, and what becomes of it.
    let connect = async |from: &str| {
        let client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let from: SocketAddr = from.parse().unwrap();
        tokio::spawn(door.clone().connect(stream, from, None));
        client
    };
    let held = [
        connect("192.0.2.1:1").await,
        connect("192.0.2.1:2").await,
        connect("127.0.0.1:1").await,
        connect("127.0.0.1:2").await,
    ];
    let served = async |from: &str| {
        ask(connect(from).await, GET)
            .await
            .starts_with("HTTP/1.1 200")
    };
    assert!(!served("192.0.2.1:3").await, "its places are taken");
    assert!(served("192.0.2.2:1").await, "another's are not");
    assert!(served("127.0.0.1:3").await, "a proxy's are not counted");
    drop(held);
    let again = async {
        while !served("192.0.2.1:4").await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, again).await.unwrap();
}
