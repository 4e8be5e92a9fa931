//! The keys of this machine: the attestation key and how the service knows it, and the request's key.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use avouch_attester::{
    AttestationKeyFile, Enrolment, HeldKey, KeySource, RequestKey, Standing, write_private,
};
use avouch_pki::pem;
use avouch_token::SigningKey;
use avouch_wire::UnixTime;
use clap::Args;

use crate::failure::{Failure, read, read_text};

/// Most certificates between an endorsement key's and a root that are read.
const CHAIN_MAX: usize = 8;
/// Label of a PEM block with an unencrypted PKCS#8 key (RFC 7468, section 10).
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// The keys of this machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Keys")]
pub(super) struct KeyArgs {
    /// Enrol the attestation key where the service does not know it, or not any more. Without it this
    /// machine must be enrolled already.
    #[arg(long)]
    enrol: bool,
    /// Directory in which the attestation key is kept, for its owner only; it is encrypted by the TPM.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/avouch-attest")]
    state: PathBuf,
    /// Certificate of the endorsement key (DER or PEM), if the TPM does not hold it.
    #[arg(long, value_name = "FILE", requires = "enrol")]
    ek_certificate: Option<PathBuf>,
    /// Certificates between that of the endorsement key and the manufacturer's root (PEM), if the service
    /// does not have them.
    #[arg(long, value_name = "FILE", requires = "enrol")]
    ek_chain: Option<PathBuf>,
    /// Persistent handle of an attestation key that a CA certified, such as 0x81000003.
    #[arg(long, value_name = "HANDLE", value_parser = handle, requires = "aik_certificate",
        conflicts_with = "enrol")]
    ak_handle: Option<u32>,
    /// Its certificate (DER or PEM).
    #[arg(long, value_name = "FILE", requires = "ak_handle")]
    aik_certificate: Option<PathBuf>,
    /// The RSA key that the token is for: unencrypted PKCS#8 in PEM, made where it is absent. Without it the
    /// key is made for this token alone and thrown away.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// What makes the service take the attestation key for a TPM's.
pub(super) enum Prepared {
    /// A CA certified it.
    Certified(HeldKey),
    /// It is enrolled, or will be.
    Enrolled(Enrolled),
}

/// How the key enrols.
pub(super) struct Enrolled {
    file: AttestationKeyFile,
    ek_certificate: Option<Vec<u8>>,
    ek_chain: Vec<Vec<u8>>,
    is_allowed: bool,
}

impl KeyArgs {
    /// Reads the files that are named; `url` is that of the provider.
    pub(super) fn prepare(&self, url: &str) -> Result<Prepared, Failure> {
        if let (Some(handle), Some(path)) = (self.ak_handle, &self.aik_certificate) {
            let standing = Standing::Certified(certificate(path)?);
            return Ok(Prepared::Certified(HeldKey {
                source: KeySource::Persistent(handle),
                standing,
            }));
        }
        let ek_chain = match &self.ek_chain {
            Some(path) => pem::certificates(&read(path)?, CHAIN_MAX)
                .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?,
            None => Vec::new(),
        };
        Ok(Prepared::Enrolled(Enrolled {
            file: AttestationKeyFile::new(&self.state, url),
            ek_certificate: self.ek_certificate.as_deref().map(certificate).transpose()?,
            ek_chain,
            is_allowed: self.enrol,
        }))
    }

    /// The key that the token is for.
    pub(super) fn request_key(&self) -> Result<RequestKey, Failure> {
        let Some(path) = &self.key else { return RequestKey::generate().map_err(Failure::other) };
        let refused = |reason: &dyn std::fmt::Display| {
            Failure::Other(format!("{}: {reason}", path.display()))
        };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = RequestKey::generate().map_err(Failure::other)?;
                let der = key.to_pkcs8_der().map_err(Failure::other)?;
                let text = zeroize::Zeroizing::new(pem::encode(PRIVATE_KEY, &der));
                write_private(path, text.as_bytes())
                    .map_err(|source| Failure::Write { path: path.clone(), source })?;
                Ok(key)
            }
            _ => {
                let key = SigningKey::from_pkcs8_pem(&read_text(path)?);
                let der = key.and_then(|key| key.to_pkcs8_der()).map_err(|it| refused(&it))?;
                RequestKey::from_pkcs8_der(&der).map_err(|error| refused(&error))
            }
        }
    }
}

impl Enrolled {
    /// The same at this moment.
    pub(super) fn enrolment(&self, at: UnixTime) -> Enrolment<'_> {
        Enrolment {
            file: &self.file,
            ek_certificate: self.ek_certificate.as_deref(),
            ek_chain: &self.ek_chain,
            is_allowed: self.is_allowed,
            at,
        }
    }
}

/// A certificate in DER, from a file that has it in DER or PEM.
fn certificate(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read(path)?;
    if !bytes.trim_ascii_start().starts_with(b"-----") {
        return Ok(bytes);
    }
    let found = pem::certificates(&bytes, 1);
    let found = found.map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// A persistent handle in hex: 0x81000000 to 0x81ffffff.
pub(super) fn handle(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let handle = u32::from_str_radix(digits, 16).ok().filter(|handle| handle >> 24 == 0x81);
    handle.ok_or_else(|| format!("{text:?} is no persistent handle, such as 0x81010005"))
}
