//! Whose signature an answer has: the vault's own, under a root that this machine trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_release::SignedAnswer;
use reqwest::Url;
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
    let name = name_of(vault).map_err(refused)?;
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

/// The host in a URL: a name, or an address.
fn name_of(vault: &str) -> Result<ServerName<'static>, String> {
    let url = Url::parse(vault).map_err(|error| format!("{vault} is no URL: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let name = ServerName::try_from(address.unwrap_or(host).to_owned());
    name.map_err(|error| format!("{vault}: {error}"))
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

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::name_of;

    #[test]
    fn the_host_of_a_vault_is_a_name_or_an_address_with_a_port_or_without() {
        for (url, host) in [
            ("https://vault.example", "vault.example"),
            ("https://Vault.example:8443/x", "vault.example"),
            ("https://192.0.2.1:8443", "192.0.2.1"),
            ("https://[2001:db8::1]", "2001:db8::1"),
            ("https://[2001:db8::1]:8443/", "2001:db8::1"),
        ] {
            assert_eq!(name_of(url), Ok(ServerName::try_from(host).unwrap()), "{url}");
        }
        for url in ["https://", "https://[::1", "vault.example", "file:///vault", ""] {
            assert!(name_of(url).is_err(), "{url}");
        }
    }
}
