//! Where entries go: a file that is set aside by size, or a syslog server over TLS.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::ForwardError;
use crate::config::forward::Forward;

/// How long a connection may take to be made, and to take a batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes batches of whole messages.
pub(super) trait Sink: Send {
    /// Sends a batch.
    fn send(&mut self, batch: &[u8]) -> io::Result<()>;
    /// Whether what was sent has surely arrived.
    fn is_sure(&self) -> bool;
    /// Ends in order; whether everything has surely arrived.
    fn close(&mut self) -> bool;
}

/// Opens what the configuration names.
pub(super) fn open(forward: &Forward) -> Result<Box<dyn Sink>, ForwardError> {
    match forward {
        Forward::File {
            path,
            max_bytes,
            keep,
            ..
        } => Ok(Box::new(FileSink::open(path, *max_bytes, *keep)?)),
        Forward::Syslog {
            address,
            name,
            ca,
            cert,
            key,
            ..
        } => {
            let name = Forward::server_name(address, name.as_deref());
            let own = cert.as_deref().zip(key.as_deref());
            Ok(Box::new(TlsSink::connect(address, name, ca, own)?))
        }
    }
}

struct FileSink {
    path: PathBuf,
    file: File,
    max_bytes: u64,
    keep: u32,
}

impl FileSink {
    fn open(path: &Path, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let mut how = OpenOptions::new();
        how.read(true).append(true).mode(0o600);
        let mut file = match how.clone().create_new(true).open(path) {
            Ok(file) => {
                // Its name is durable before anything in it counts as sent.
                let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
                File::open(dir.unwrap_or(Path::new(".")))?.sync_all()?;
                file
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                how.create(true).open(path)?
            }
            Err(error) => return Err(error),
        };
        whole_lines(&mut file)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            max_bytes,
            keep,
        })
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// Whether the path still names this file: others set it aside as well, or remove it.
    fn is_there(&self) -> io::Result<bool> {
        let own = self.file.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Begins a new file.
    fn begin(&mut self) -> io::Result<()> {
        *self = Self::open(&self.path, self.max_bytes, self.keep)?;
        Ok(())
    }

    /// Sets the file aside and begins a new one.
    fn turn(&mut self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            move_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        if self.keep == 0 {
            std::fs::remove_file(&self.path)?;
        } else {
            std::fs::rename(&self.path, self.aside(1))?;
        }
        self.begin()
    }
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Cuts off a line that a crash left without its end: its entry is sent again.
fn whole_lines(file: &mut File) -> io::Result<()> {
    const LOOK: u64 = 64 << 10;
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let from = end.saturating_sub(LOOK);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        Read::by_ref(file)
            .take(end - from)
            .read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            end = from + at as u64 + 1;
            break;
        }
        end = from;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(())
}

impl Sink for FileSink {
    fn send(&mut self, batch: &[u8]) -> io::Result<()> {
        if !self.is_there()? {
            self.begin()?;
        }
        // Whoever sets it aside may also copy it and cut it to nothing.
        let bytes = self.file.metadata()?.len();
        if bytes > 0 && bytes + batch.len() as u64 > self.max_bytes {
            self.turn()?;
        }
        self.file.write_all(batch)?;
        self.file.sync_data()
    }
    fn is_sure(&self) -> bool {
        true
    }
    fn close(&mut self) -> bool {
        true
    }
}

struct TlsSink(StreamOwned<ClientConnection, TcpStream>);

impl TlsSink {
    /// `own` are the files with this side's certificates and key.
    fn connect(
        address: &str,
        name: String,
        ca: &Path,
        own: Option<(&Path, &Path)>,
    ) -> Result<Self, ForwardError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(|e| tls(&e))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| tls(&e))?
            .with_root_certificates(roots);
        let config = match own {
            None => config.with_no_client_auth(),
            Some((cert, key)) => {
                let key = PrivateKeyDer::from_pem_file(key).map_err(|e| tls(&e))?;
                let chain = certificates(cert)?;
                config
                    .with_client_auth_cert(chain, key)
                    .map_err(|e| tls(&e))?
            }
        };
        let name = ServerName::try_from(name).map_err(|e| tls(&e))?;
        let session = ClientConnection::new(Arc::new(config), name).map_err(|e| tls(&e))?;
        let mut stream = StreamOwned::new(session, dial(address)?);
        // The handshake now: a certificate that is not vouched for is told as such.
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self(stream))
    }
}

fn tls(error: &dyn std::fmt::Display) -> ForwardError {
    ForwardError::Tls(error.to_string())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ForwardError> {
    let all = CertificateDer::pem_file_iter(file).map_err(|e| tls(&e))?;
    all.map(|certificate| certificate.map_err(|e| tls(&e)))
        .collect()
}

/// The first address of a name that answers.
fn dial(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Sink for TlsSink {
    fn send(&mut self, batch: &[u8]) -> io::Result<()> {
        self.0.write_all(batch)?;
        self.0.flush()
    }
    fn is_sure(&self) -> bool {
        false
    }
    /// RFC 5425 section 4.4: the end of a session is said, and the other side says its own when it
    /// has read everything.
    fn close(&mut self) -> bool {
        self.0.conn.send_close_notify();
        let said = self.0.conn.complete_io(&mut self.0.sock).is_ok();
        let ended = self.0.sock.shutdown(std::net::Shutdown::Write).is_ok();
        let mut rest = Vec::new();
        said && ended
            && Read::by_ref(&mut self.0)
                .take(1 << 16)
                .read_to_end(&mut rest)
                .is_ok()
    }
}
