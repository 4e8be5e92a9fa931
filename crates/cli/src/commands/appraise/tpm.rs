//! TPM evidence from the files that a machine makes.

use std::path::PathBuf;

use avouch_tpm::HashAlgorithm;
use avouch_wire::{base64url, decode_hex};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::{Failure, read, read_text};

/// TPM: files beside a quote, as tpm2-tools write them. With --quote-signature the evidence is a
/// TPMS_ATTEST, and not a request.
#[derive(Debug, Args)]
#[command(next_help_heading = "TPM evidence in files")]
pub(super) struct TpmFiles {
    /// TPM: the quote's signature (TPMT_SIGNATURE).
    #[arg(long, value_name = "FILE", requires_all = ["ak_public", "pcrs"])]
    quote_signature: Option<PathBuf>,
    /// TPM: public area of the attestation key (TPM2B_PUBLIC).
    #[arg(long, value_name = "FILE", requires = "quote_signature")]
    ak_public: Option<PathBuf>,
    /// TPM: certificate of the attestation key (DER).
    #[arg(long, value_name = "FILE", requires = "quote_signature")]
    ak_certificate: Option<PathBuf>,
    /// TPM: the quoted values, as tpm2_pcrread prints them.
    #[arg(long, value_name = "FILE", requires = "quote_signature")]
    pcrs: Option<PathBuf>,
    /// TPM: the kernel's measurement list (IMA): binary, ascii, or either by gzip.
    #[arg(long, value_name = "FILE", requires = "quote_signature")]
    ima: Option<PathBuf>,
    /// TPM: what the quote must answer, in hex [default: what the request says of itself, which proves
    /// nothing of when it was made].
    #[arg(long, value_name = "HEX", value_parser = decode_hex_argument)]
    pub(super) challenge: Option<Challenge>,
}

/// Bytes of a challenge.
#[derive(Debug, Clone)]
pub(super) struct Challenge(pub(super) Vec<u8>);

fn decode_hex_argument(text: &str) -> Result<Challenge, String> {
    decode_hex(text).map(Challenge).map_err(|error| error.to_string())
}

impl TpmFiles {
    /// Whether anything of them is given.
    pub(super) const fn is_given(&self) -> bool {
        self.quote_signature.is_some() || self.challenge.is_some()
    }

    /// The attestation that a quote and the files make; nothing if there is no signature beside it.
    pub(super) fn attestation(
        &self,
        quote: &[u8],
        event_log: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let (Some(signature), Some(ak_public), Some(pcrs)) =
            (&self.quote_signature, &self.ak_public, &self.pcrs)
        else {
            return Ok(None);
        };
        let mut logs = Vec::new();
        let mut log = |kind: &str, bytes: &[u8]| {
            logs.push(json!({"type": kind, "log": base64url::encode(bytes)}));
        };
        if let Some(bytes) = event_log {
            log("TCG", bytes);
        }
        if let Some(path) = &self.ima {
            log("IMA", &read(path)?);
        }
        let mut attestation = json!({
            "ak_public": base64url::encode(read(ak_public)?),
            "pcrs": values(&read_text(pcrs)?)
                .map_err(|what| Failure::Other(format!("{}: {what}", pcrs.display())))?,
            "quote": base64url::encode(quote),
            "signature": base64url::encode(read(signature)?),
            "logs": logs,
        });
        if let (Some(path), Some(members)) = (&self.ak_certificate, attestation.as_object_mut()) {
            members.insert("aik_cert".to_owned(), base64url::encode(read(path)?).into());
        }
        Ok(Some(attestation.to_string().into_bytes()))
    }
}

/// Values as `tpm2_pcrread` prints them: the name of a bank, then `index: 0x…` for each of its PCRs.
fn values(text: &str) -> Result<Vec<Value>, String> {
    const BANKS: [HashAlgorithm; 4] =
        [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];
    let mut banks: Vec<(u16, Vec<Value>)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("{line:?} has no colon"))?;
        let (name, value) = (name.trim(), value.trim());
        if value.is_empty() {
            let bank = BANKS.into_iter().find(|bank| bank.name() == name);
            let bank = bank.ok_or_else(|| format!("{name:?} is no bank that is read"))?;
            banks.push((bank.tpm_id(), Vec::new()));
            continue;
        }
        let (_, values) = banks.last_mut().ok_or("a value stands before the name of its bank")?;
        let index: u32 = name.parse().map_err(|_| format!("{name:?} is no PCR"))?;
        let digest = decode_hex(value.strip_prefix("0x").unwrap_or(value))
            .map_err(|error| format!("PCR {index}: {error}"))?;
        values.push(json!({"index": index, "digest": base64url::encode(digest)}));
    }
    // A bank that was not read has no values.
    banks.retain(|(_, values)| !values.is_empty());
    let bank = |(id, values)| json!({"algorithm": id, "values": Value::Array(values)});
    Ok(banks.into_iter().map(bank).collect())
}
