//! A syslog server that can be told what to do wrong.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// A collector that speaks TLS, takes messages and can be told to hang up.
struct Collector {
    address: SocketAddr,
    ca: PathBuf,
    config: Arc<ServerConfig>,
    /// So many bytes of each connection it reads and loses before it breaks off, as buffers do.
    loses: usize,
    got: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    fn new(dir: &Path) -> (Self, TcpListener) {
        Self::that_asks(dir, false)
    }

    /// One that lets in whoever shows the certificate of `ca.pem`, whose key is `key.pem`.
    fn that_asks(dir: &Path, asks: bool) -> (Self, TcpListener) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca = dir.join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if asks {
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let config = config
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            ca,
            config: Arc::new(config),
            loses: 0,
            got: Arc::default(),
        };
        (collector, listener)
    }

    /// Takes connections until told; each is cut off without a word after `most` messages.
    fn serve(&self, listener: TcpListener, most: usize, end: Arc<AtomicBool>) {
        let (config, got) = (Arc::clone(&self.config), Arc::clone(&self.got));
        let loses = self.loses;
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            while !end.load(Ordering::Acquire) {
                let Ok((socket, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                socket.set_nonblocking(false).unwrap();
                let wait = Some(Duration::from_millis(200));
                socket.set_read_timeout(wait).unwrap();
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(session, socket);
                if take(&mut stream, most, &got, &end) {
                    // RFC 5425 section 4.4: who has read everything says so.
                    stream.conn.send_close_notify();
                    drop(stream.conn.complete_io(&mut stream.sock));
                } else {
                    lose(&mut stream, loses);
                }
            }
        });
    }

    fn indexes(&self) -> BTreeSet<u64> {
        let index = |message: &String| {
            let (_, rest) = message.split_once("index=\"").unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        self.got.lock().unwrap().iter().map(index).collect()
    }
}

/// Reads octet-counted messages until the other side ends, or `most` have come; whether it ended.
fn take(stream: &mut impl Read, most: usize, got: &Mutex<Vec<String>>, end: &AtomicBool) -> bool {
    let (mut bytes, mut taken) = (Vec::new(), 0);
    while taken < most && !end.load(Ordering::Acquire) {
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(0) => return true,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
        while let Some(space) = bytes.iter().position(|b| *b == b' ') {
            let count: usize = std::str::from_utf8(&bytes[..space])
                .unwrap()
                .parse()
                .unwrap();
            if bytes.len() < space + 1 + count {
                break;
            }
            let message = bytes[space + 1..space + 1 + count].to_vec();
            got.lock()
                .unwrap()
                .push(String::from_utf8(message).unwrap());
            bytes.drain(..space + 1 + count);
            taken += 1;
        }
    }
    false
}

fn lose(stream: &mut impl Read, bytes: usize) {
    let mut lost = 0;
    while lost < bytes {
        match stream.read(&mut [0; 1 << 14]) {
            Ok(0) | Err(_) => return,
            Ok(n) => lost += n,
        }
    }
}

#[test]
fn what_the_buffers_between_lost_is_sent_again_and_more_than_that_is_not() {
    let lost = |resend: usize| {
        let data = tempfile::tempdir().unwrap();
        let (mut breaking, listener) = Collector::new(data.path());
        breaking.loses = 8 << 20;
        let end = Arc::new(AtomicBool::new(false));
        breaking.serve(listener, 100, Arc::clone(&end));
        let engine = engine(30_000);
        let size = engine.log_size(Log::Access);
        let to = |collector: &Collector| {
            let ca = collector.ca.clone();
            let mut forward = syslog(collector.address, ca, SyslogForm::Rfc5424);
            if let Forward::Syslog { resend_bytes, .. } = &mut forward {
                *resend_bytes = resend;
            }
            Forwarder::start(engine.clone(), &forward, data.path()).unwrap()
        };
        let forwarder = to(&breaking);
        wait_until("it breaks off", || forwarder.status().failures() > 0);
        drop(forwarder);
        end.store(true, Ordering::Release);
        let elsewhere = tempfile::tempdir().unwrap();
        let (patient, listener) = Collector::new(elsewhere.path());
        let end = Arc::new(AtomicBool::new(false));
        patient.serve(listener, usize::MAX, Arc::clone(&end));
        let forwarder = to(&patient);
        wait_until("the last came", || patient.indexes().contains(&(size - 1)));
        drop(forwarder);
        end.store(true, Ordering::Release);
        size - (&breaking.indexes() | &patient.indexes()).len() as u64
    };
    assert_eq!(lost(64 << 20), 0);
    assert!(lost(1 << 20) > 0, "the control: a smaller one loses");
}

#[test]
fn a_collector_that_asks_who_it_is_gets_the_certificate() {
    let data = tempfile::tempdir().unwrap();
    let (collector, listener) = Collector::that_asks(data.path(), true);
    let end = Arc::new(AtomicBool::new(false));
    collector.serve(listener, usize::MAX, Arc::clone(&end));
    let engine = engine(3);
    let mut forward = syslog(collector.address, collector.ca.clone(), SyslogForm::Cef);
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    wait_until("without one it is turned away", || {
        grow(&engine, 1);
        forwarder.status().failures() > 0
    });
    drop(forwarder);
    assert!(collector.got.lock().unwrap().is_empty());
    if let Forward::Syslog { cert, key, .. } = &mut forward {
        *cert = Some(collector.ca.clone());
        *key = Some(data.path().join("key.pem"));
    }
    let size = engine.log_size(Log::Access) as usize;
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    wait_until("all came", || collector.got.lock().unwrap().len() == size);
    drop(forwarder);
    end.store(true, Ordering::Release);
}

#[test]
fn a_collector_that_breaks_off_and_a_restart_leave_no_gap() {
    let data = tempfile::tempdir().unwrap();
    let (collector, listener) = Collector::new(data.path());
    let end = Arc::new(AtomicBool::new(false));
    // Every connection is cut in the middle of a batch: what was on its way is lost.
    collector.serve(listener, 300, Arc::clone(&end));
    let engine = engine(500);
    let forward = syslog(collector.address, collector.ca.clone(), SyslogForm::Rfc5424);
    let start = || Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    let forwarder = start();
    wait_until("something came", || !collector.indexes().is_empty());
    drop(forwarder);
    grow(&engine, 100);
    let forwarder = start();
    let all: BTreeSet<u64> = (0..600).collect();
    // Each connection takes 300 at the most, so that the last ones only come over another one.
    wait_until("all came", || {
        grow(&engine, 1);
        collector.indexes().is_superset(&(0..300).collect())
    });
    drop(forwarder);
    end.store(true, Ordering::Release);
    // A collector that stays takes everything, what was unsure a second time.
    let (patient, listener) = Collector::new(data.path());
    let end = Arc::new(AtomicBool::new(false));
    patient.serve(listener, usize::MAX, Arc::clone(&end));
    let forward = syslog(patient.address, patient.ca.clone(), SyslogForm::Rfc5424);
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    let size = engine.log_size(Log::Access);
    let both = || &collector.indexes() | &patient.indexes();
    wait_until("nothing is left out", || both().len() as u64 == size);
    assert!(both().is_superset(&all));
    // An orderly end is confirmed by the other side: nothing is sent again afterwards.
    drop(forwarder);
    let mut position = Position::new(&data.path().join("forward"));
    position.read().unwrap();
    assert_eq!(position.index(), size);
    end.store(true, Ordering::Release);
}

#[test]
fn a_stranger_s_certificate_and_another_name_are_refused_and_a_dead_collector_moves_nothing_but_a_counter()
 {
    let data = tempfile::tempdir().unwrap();
    let (collector, listener) = Collector::new(data.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let (stranger, _unused) = Collector::new(elsewhere.path());
    let end = Arc::new(AtomicBool::new(false));
    collector.serve(listener, usize::MAX, Arc::clone(&end));
    let engine = engine(3);
    let to = |address, ca: &Path| syslog(address, ca.to_owned(), SyslogForm::Cef);
    let dead = {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap()
    };
    let mut misnamed = to(collector.address, &collector.ca);
    if let Forward::Syslog { name, .. } = &mut misnamed {
        *name = Some("elsewhere.example".into());
    }
    for forward in [
        to(collector.address, &stranger.ca),
        misnamed,
        to(dead, &collector.ca),
    ] {
        let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
        wait_until("it fails", || forwarder.status().failures() > 0);
        // The log goes on all the same.
        let before = engine.log_size(Log::Access);
        grow(&engine, 5);
        assert_eq!(engine.log_size(Log::Access), before + 5);
        assert_eq!(forwarder.status().position(), 0);
    }
    assert!(collector.got.lock().unwrap().is_empty());
    let forward = to(collector.address, &collector.ca);
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    wait_until("the control", || collector.got.lock().unwrap().len() == 18);
    drop(forwarder);
    end.store(true, Ordering::Release);
}

/// Who looks meanwhile is not told that nothing has been sent yet.
#[test]
fn how_far_it_has_come_is_told_while_a_collector_does_not_answer() {
    let [data, out] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let log = engine(9);
    let before = file(out.path().join("access.jsonl"), u64::MAX);
    sent(log.clone(), &before, data.path());
    grow(&log, 3);
    let (collector, listener) = Collector::new(out.path());
    let forward = syslog(collector.address, collector.ca.clone(), SyslogForm::Rfc5424);
    let forwarder = Forwarder::start(log, &forward, data.path()).unwrap();
    // It is there, and says nothing.
    let held = listener.accept().unwrap();
    let told = forwarder.progress();
    drop((held, listener));
    let expected = Progress {
        position: 9,
        failures: 0,
        lag: 3,
    };
    assert_eq!(told, expected);
}
