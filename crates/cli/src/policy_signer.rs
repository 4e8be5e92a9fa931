//! Keys and certificates that sign policies, from files.

use std::path::{Path, PathBuf};

use avouch_pki::{Certificate, pem};
use avouch_token::policy_jws::{JwsContent, PolicySigner, SignedForm, create_signed};
use avouch_token::{BarePrivateKey, BarePublicKey, SigningKey};
use clap::Args;

use crate::failure::{Failure, read, read_text};

/// Certificates read from one file.
const CERTIFICATES_MAX: usize = 16;

/// Who signs what is sent.
#[derive(Debug, Args)]
pub(crate) struct SignerFiles {
    /// Sign with this private key: PEM, PKCS#8, RSA, P-256 or P-384.
    #[arg(long, value_name = "PEM", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Certificate for the key, and its issuers if there are any: PEM.
    #[arg(long, value_name = "PEM", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    #[command(flatten)]
    id: SignedId,
}

/// What makes a signed request differ from all others.
#[derive(Debug, Args)]
pub(crate) struct SignedId {
    /// Put this into the signed header, for services that take a signed request only once
    /// (`auth.signed_requests_once`).
    #[arg(long, value_name = "TEXT", requires = "key", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    jti: Option<String>,
}

impl SignerFiles {
    /// What is said, signed; none if nobody signs.
    pub(crate) fn sign(&self, content: JwsContent<'_>) -> Result<Option<String>, Failure> {
        match (&self.key, &self.certificate) {
            (Some(key), Some(certificate)) => {
                signed(content, SignedForm::Compact, key, certificate, &self.id).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// A key with the certificates for it, the key's own first.
pub(crate) struct SigningPair {
    pub(crate) key: SigningKey,
    pub(crate) certificates: Vec<Certificate>,
}

impl SigningPair {
    /// Reads both from files; the first certificate must be for the key.
    pub(crate) fn read(key: &Path, certificate: &Path) -> Result<Self, Failure> {
        let named = |path: &Path, reason: &dyn std::fmt::Display| {
            Failure::Other(format!("{}: {reason}", path.display()))
        };
        let signing_key =
            SigningKey::from_pkcs8_pem(&read_text(key)?).map_err(|error| named(key, &error))?;
        let certificates = certificates(certificate)?;
        PolicySigner::new(&signing_key, &certificates)
            .map_err(|error| named(certificate, &error))?;
        Ok(Self { key: signing_key, certificates })
    }
}

/// A JWS signed by the key in one file and with the certificates in another.
pub(crate) fn signed(
    content: JwsContent<'_>,
    form: SignedForm,
    key: &Path,
    certificate: &Path,
    id: &SignedId,
) -> Result<String, Failure> {
    let pair = SigningPair::read(key, certificate)?;
    let signer = PolicySigner::new(&pair.key, &pair.certificates).map_err(Failure::other)?;
    let signer = id.jti.as_deref().map_or(signer, |id| signer.with_id(id));
    create_signed(content, form, signer).map_err(Failure::other)
}

/// A key that signs files without a certificate.
pub(crate) fn bare_private_key(path: &Path) -> Result<BarePrivateKey, Failure> {
    BarePrivateKey::from_pkcs8_pem(&read_text(path)?)
        .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}

/// A key that is trusted by itself.
pub(crate) fn public_key(path: &Path) -> Result<BarePublicKey, Failure> {
    BarePublicKey::from_pem(&read_text(path)?)
        .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}

/// The certificates in a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let named = |reason: String| Failure::Other(format!("{}: {reason}", path.display()));
    let found = pem::certificates(&read(path)?, CERTIFICATES_MAX)
        .map_err(|error| named(error.to_string()))?
        .iter()
        .map(|der| Certificate::parse(der))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| named(error.to_string()))?;
    if found.is_empty() {
        return Err(named("no certificate in PEM".to_owned()));
    }
    Ok(found)
}
