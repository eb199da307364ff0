//! Where the server listens. Without TLS it listens on loopback only.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The address of a server that was told none.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:8460";

/// The `[listen]` table as written.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenFile {
    /// `host:port` in numbers; port 0 takes a free one.
    pub address: String,
    /// PEM file with the certificate chain.
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the private key.
    pub tls_key: Option<PathBuf>,
}

impl Default for ListenFile {
    fn default() -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            tls_cert: None,
            tls_key: None,
        }
    }
}

/// The two files of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM certificate chain.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// A listener that may be opened: loopback, or with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    address: SocketAddr,
    tls: Option<Tls>,
}

/// Why a listener is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Not an address.
    #[error("listen: {0:?} is not an address; write for example 127.0.0.1:8460 or [::1]:8460")]
    Address(String),
    /// One TLS file without the other.
    #[error("listen: a certificate and a key belong together; give tls_cert and tls_key")]
    HalfTls,
    /// Plain HTTP to the world.
    #[error("listen: {0} is not loopback, so it needs TLS; give tls_cert and tls_key")]
    PlainOutside(SocketAddr),
}

impl Listen {
    /// Settles what was written into a listener, or says why not.
    pub fn settle(file: ListenFile) -> Result<Self, ListenError> {
        let address: SocketAddr = file
            .address
            .parse()
            .map_err(|_| ListenError::Address(file.address.clone()))?;
        let tls = match (file.tls_cert, file.tls_key) {
            (Some(cert), Some(key)) => Some(Tls { cert, key }),
            (None, None) => None,
            _ => return Err(ListenError::HalfTls),
        };
        if tls.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(ListenError::PlainOutside(address));
        }
        Ok(Self { address, tls })
    }
    /// The address to bind.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
    /// The TLS files, where TLS is spoken.
    pub const fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }
    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(address: &str, cert: bool, key: bool) -> Result<Listen, ListenError> {
        Listen::settle(ListenFile {
            address: address.to_owned(),
            tls_cert: cert.then(|| "c.pem".into()),
            tls_key: key.then(|| "k.pem".into()),
        })
    }

    #[test]
    fn plain_http_stays_on_loopback() {
        for inside in [
            "127.0.0.1:0",
            "127.9.9.9:1",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(settle(inside, false, false).is_ok(), "{inside}");
        }
        for outside in [
            "0.0.0.0:80",
            "[::]:80",
            "192.0.2.1:80",
            "[::ffff:10.0.0.1]:80",
        ] {
            let refused = settle(outside, false, false);
            assert!(
                matches!(refused, Err(ListenError::PlainOutside(_))),
                "{outside}"
            );
            assert!(settle(outside, true, true).is_ok(), "{outside} with TLS");
        }
    }

    #[test]
    fn half_of_tls_and_names_are_refused() {
        assert_eq!(
            settle("127.0.0.1:0", true, false),
            Err(ListenError::HalfTls)
        );
        assert_eq!(
            settle("127.0.0.1:0", false, true),
            Err(ListenError::HalfTls)
        );
        let name = settle("localhost:80", false, false);
        assert!(matches!(name, Err(ListenError::Address(_))));
    }
}
