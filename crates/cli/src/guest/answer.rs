//! Whose signature an answer has: the vault's own, under a root that this machine trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_release::SignedAnswer;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::client::{Refusal, Stop};
use crate::failure::{Failure, read};

/// Where distributions keep the CAs that the system trusts.
const SYSTEM_CAS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Demands that the first certificate is for the vault's host and leads to a trusted root, as a
/// certificate of a server would.
pub(super) fn check_signer(
    signed: &SignedAnswer,
    vault: &str,
    ca: Option<&Path>,
) -> Result<(), Stop> {
    let refused =
        |message: String| Stop::from(Refusal::invalid_answer("release-answer-signer", message));
    let host = vault.strip_prefix("https://").unwrap_or(vault);
    let host = host.split(['/', ':']).next().unwrap_or_default().to_owned();
    let name = ServerName::try_from(host).map_err(|error| refused(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(ca)?), provider)
        .build()
        .map_err(Failure::other)?;
    let chain: Vec<CertificateDer<'_>> =
        signed.certificates().iter().map(|one| CertificateDer::from(one.der())).collect();
    let Some((leaf, above)) = chain.split_first() else {
        return Err(refused("the answer has no certificate".to_owned()));
    };
    verifier
        .verify_server_cert(leaf, above, &name, &[], UnixTime::now())
        .map(|_| ())
        .map_err(|error| refused(format!("the answer is not signed by the vault: {error}")))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, Failure> {
    let path = match ca {
        Some(path) => path.to_owned(),
        None => system_cas()?,
    };
    let text = read(&path)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate =
            certificate.map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
        // One that cannot be a root makes none of the others useless.
        let _ = roots.add(certificate);
    }
    Ok(roots)
}

fn system_cas() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let usual = SYSTEM_CAS.iter().map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.is_file()).ok_or_else(|| {
        Failure::Other("no file of the system's CAs is found; name one with --ca".to_owned())
    })
}
