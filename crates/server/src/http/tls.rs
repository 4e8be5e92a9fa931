//! TLS for the listener: an operator's files, or a CA of our own for development.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use thiserror::Error;

use crate::signing_key::write_private;

/// Why the TLS key or certificate cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The CAs of clients cannot be used.
    #[error("cannot use {path} as CAs of clients: {reason}")]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key and certificates do not go together.
    #[error("the TLS key and certificates cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// A development certificate could not be made.
    #[error("cannot make a development certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// TLS for the connections to come: who stores another one changes nothing for those that are open.
pub type CurrentTls = Arc<ArcSwap<rustls::ServerConfig>>;

/// An operator's certificate chain and private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file, the server's certificate first.
    pub certificates: PathBuf,
    /// PEM, PKCS#8, PKCS#1 or SEC 1.
    pub private_key: PathBuf,
    /// PEM: CAs of the certificates that clients may present; none are asked for without it.
    pub client_ca: Option<PathBuf>,
}

/// TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1 offered.
///
/// # Errors
/// [`TlsError`] naming the file.
pub fn server_config(files: &TlsFiles) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let read = |path: &Path, reason: String| TlsError::Read { path: path.to_owned(), reason };
    let certificates_of = |path: &Path| {
        CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| read(path, error.to_string()))
    };
    let certificates = certificates_of(&files.certificates)?;
    let key = PrivateKeyDer::from_pem_file(&files.private_key)
        .map_err(|error| read(&files.private_key, error.to_string()))?;
    let clients = match &files.client_ca {
        Some(path) => client_verifier(path, certificates_of(path)?)?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    configure(certificates, key, clients)
}

/// Asks for a client's certificate, takes none for an answer, and refuses those of other CAs.
fn client_verifier(
    path: &Path,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |reason: String| TlsError::ClientCa { path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| unusable(error.to_string()))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn configure(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A CA made once per data directory, for `serve --dev`: clients are pointed at its certificate.
pub struct DevelopmentCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
    path: PathBuf,
}

impl DevelopmentCa {
    /// Loads the CA from `directory`, or makes one there: `ca.pem`, and `ca-key.pem` that only the
    /// owner can read.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub fn open(directory: &Path) -> Result<Self, TlsError> {
        let (path, key_path) = (directory.join("ca.pem"), directory.join("ca-key.pem"));
        let write = |path: &Path, source| TlsError::Write { path: path.to_owned(), source };
        fs::create_dir_all(directory).map_err(|source| write(directory, source))?;
        let key = match fs::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                write_private(&key_path, key.serialize_pem().as_bytes())
                    .map_err(|source| write(&key_path, source))?;
                key
            }
            Err(error) => {
                return Err(TlsError::Read { path: key_path, reason: error.to_string() });
            }
        };
        let issuer = CertifiedIssuer::self_signed(ca_params(), key)?;
        if !path.exists() {
            fs::write(&path, issuer.pem()).map_err(|source| write(&path, source))?;
        }
        Ok(Self { issuer, path })
    }

    /// The file that clients are to trust.
    #[must_use]
    pub fn certificate_path(&self) -> &Path {
        &self.path
    }

    /// Certificates in DER for a private key in PKCS#8, under a host name: its own, then that of this CA.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn certify(&self, pkcs8: &[u8], host: &str) -> Result<[Vec<u8>; 2], TlsError> {
        let key = PrivatePkcs8KeyDer::from(pkcs8);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_RSA_SHA256)?;
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, host);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok([certificate.der().to_vec(), self.issuer.der().to_vec()])
    }

    /// TLS with a fresh certificate for `localhost`, the loopback addresses and `names`.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server_config(&self, names: &[String]) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let key = KeyPair::generate()?;
        let mut all = vec!["localhost".to_owned(), "*.localhost".to_owned()];
        all.extend_from_slice(names);
        let mut params = CertificateParams::new(all)?;
        for address in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16])] {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
        params.distinguished_name.push(DnType::CommonName, "Avouch development server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|reason| rustls::Error::General(reason.to_owned()))?;
        let chain = vec![certificate.der().clone(), self.issuer.der().clone()];
        configure(chain, key, WebPkiClientVerifier::no_client_auth())
    }
}

/// The same bytes for the same key, so that a file written once stays valid: fixed dates, fixed
/// serial number.
fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Avouch development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2044, 1, 1);
    params.serial_number = Some(rcgen::SerialNumber::from(1));
    params
}
