//! Bundles as files, with a signature beside them.

use std::path::{Path, PathBuf};

use avouch_endorsements::Bundle;
use avouch_pki::digest;
use avouch_token::BarePrivateKey;
use avouch_token::policy_jws::{PolicySigner, sign_detached};
use avouch_wire::UnixTime;
use clap::Args;
use serde_json::json;

use super::files::{refuse_bundle, write_whole};
use super::show::expires_first_of;
use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, note};
use crate::policy_signer::{SigningPair, bare_private_key};

/// Who signs a bundle.
#[derive(Debug, Args)]
pub(super) struct Signing {
    /// Sign the file with this private key, into FILE.sig: PEM, PKCS#8, RSA, P-256 or P-384; without a
    /// certificate Ed25519 too.
    #[arg(long, value_name = "PEM")]
    key: Option<PathBuf>,
    /// Certificate for the key, and its issuers if there are any: PEM. Without one, whoever imports the file
    /// has to know the key.
    #[arg(long, value_name = "PEM", requires = "key")]
    certificate: Option<PathBuf>,
}

/// A key, with its certificates or without any.
pub(super) enum BundleSigner {
    Certified(SigningPair),
    Bare(BarePrivateKey),
}

impl Signing {
    /// The key with its certificates, if it has any; none if nobody signs.
    pub(super) fn read(&self) -> Result<Option<BundleSigner>, Failure> {
        Ok(match (&self.key, &self.certificate) {
            (Some(key), Some(certificate)) => {
                Some(BundleSigner::Certified(SigningPair::read(key, certificate)?))
            }
            (Some(key), None) => Some(BundleSigner::Bare(bare_private_key(key)?)),
            (None, _) => None,
        })
    }
}

/// Where the signature of a file stands.
pub(super) fn signature_file(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sig");
    path.with_file_name(name)
}

/// Writes a bundle, and its signature if somebody signs; warns of what is not in force at a moment.
pub(super) fn write_bundle(
    out: &Path,
    bundle: &Bundle,
    signer: Option<&BundleSigner>,
    at: UnixTime,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let bytes = match bundle.write() {
        Ok(bytes) => bytes,
        Err(error) => return refuse_bundle(&error, output),
    };
    for thing in bundle.things() {
        if let Err(outside) = thing.stated.window.check(at) {
            note(&format!("warning: {} is {outside}", thing.published.name));
        }
    }
    let signature = signer.map(|signer| signature(&bytes, signer)).transpose()?;
    write_whole(out, &bytes)?;
    let file = signature_file(out);
    match &signature {
        Some(signature) => write_whole(&file, signature.as_bytes())?,
        None => remove_stale(&file)?,
    }
    answer(out, bundle, &bytes, signature.map(|_| file), at, output)
}

fn signature(bytes: &[u8], signer: &BundleSigner) -> Result<String, Failure> {
    let jws = match signer {
        BundleSigner::Certified(SigningPair { key, certificates }) => {
            let signer = PolicySigner::new(key, certificates).map_err(Failure::other)?;
            sign_detached(bytes, signer).map_err(Failure::other)?
        }
        BundleSigner::Bare(key) => key.sign(bytes).map_err(Failure::other)?,
    };
    Ok(jws + "\n")
}

/// A signature over what stood in the file before would only look like one.
fn remove_stale(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::Write { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn answer(
    out: &Path,
    bundle: &Bundle,
    bytes: &[u8],
    signature: Option<PathBuf>,
    at: UnixTime,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let first = expires_first_of(bundle, at);
    let answer = json!({
        "out": out,
        "sha256": digest::sha256(bytes),
        "bytes": bytes.len(),
        "endorsements": bundle.things().len(),
        "signature": signature,
        "expires_first": first.map(|thing| json!({
            "name": thing.published.name.to_string(),
            "at": thing.stated.window.not_after,
        })),
    });
    output.answer(&answer, || {
        let mut text = format!(
            "{} endorsements in {} ({} bytes, SHA-256 {})\n",
            bundle.things().len(),
            out.display(),
            bytes.len(),
            digest::sha256(bytes)
        );
        if let Some(signature) = &signature {
            text.push_str(&format!("signature in {}\n", signature.display()));
        }
        if let Some(first) = first {
            let (name, end) = (first.published.name, first.stated.window.not_after);
            text.push_str(&format!("expires first: {name}, at {end}\n"));
        }
        text
    })?;
    Ok(Verdict::Yes)
}
