//! TLS 1.3 with ring, from a certificate chain and a key in PEM.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not a chain of certificates in PEM.
    #[error("{path}: not a readable PEM certificate chain: {why}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Not a private key in PEM.
    #[error("{path}: not a readable PEM private key: {why}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// They do not belong together, or the kind of key is unknown.
    #[error("certificate and key cannot be used together: {0}")]
    Mismatch(#[from] rustls::Error),
}

/// What a listener needs to speak TLS.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads the certificate chain, leaf first, and its private key.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let certificate = |why: String| TlsError::Certificate {
            path: chain.into(),
            why,
        };
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| certificate(error.to_string()))?;
        if certificates.is_empty() {
            return Err(certificate("it holds no certificate".into()));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key {
            path: key.into(),
            why: error.to_string(),
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
    /// For the handshake.
    pub(super) const fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}
