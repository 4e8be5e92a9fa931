//! What a request says of its TPM: AIK, quote, values and logs, of both versions.

use avouch_pki::PublicKey;

use super::claim_blob::ClaimBlob;
use super::envelope::ENROLMENT;
use super::members::Members;
use super::{Log, LogKind, ProtocolError, jwk};
use crate::{HashAlgorithm, PcrValue};

/// An attestation as the request says it is; the TPM's structures are not read yet.
#[derive(Debug, Clone)]
pub(super) struct Attestation {
    pub(super) aik: PublicKey,
    pub(super) aik_certificate: Option<Vec<u8>>,
    /// A sealed enrolment in its place.
    pub(super) enrolment: Option<String>,
    pub(super) evidence: Evidence,
    pub(super) logs: Vec<Log>,
}

/// The quote with what belongs to it.
#[derive(Debug, Clone)]
pub(super) enum Evidence {
    /// Version 2: structures of the TPM.
    Structures { quote: Vec<u8>, signature: Vec<u8>, values: Vec<PcrValue> },
    /// Version 1: a blob of Windows.
    Blob(Vec<u8>),
}

/// The current attestation, and that of the boot.
pub(super) type Attestations = (Attestation, Option<Attestation>);

/// `tpm_att_data` of version 1.
pub(super) fn first_version(data: Members<'_>) -> Result<Attestations, ProtocolError> {
    let aik = jwk::rsa("aik_pub", data.value("aik_pub"))?;
    let aik_certificate = data.optional_bytes("aik_cert")?;
    let boot = logs_of(
        data,
        [("srtm_boot_log", LogKind::SrtmBoot), ("drtm_boot_log", LogKind::DrtmBoot)],
    )?;
    let resume = logs_of(
        data,
        [("srtm_resume_log", LogKind::SrtmResume), ("drtm_resume_log", LogKind::DrtmResume)],
    )?;
    let of = |blob: Vec<u8>, logs: Vec<Log>| Attestation {
        aik: aik.clone(),
        aik_certificate: aik_certificate.clone(),
        enrolment: None,
        evidence: Evidence::Blob(blob),
        logs,
    };
    // Without a resume the machine is as it booted.
    let current = data.bytes("current_claim")?;
    Ok(match data.optional_bytes("boot_claim")? {
        Some(claim) => (of(current, resume), Some(of(claim, boot))),
        None => (of(current, [boot, resume].concat()), None),
    })
}

fn logs_of(data: Members<'_>, names: [(&str, LogKind); 2]) -> Result<Vec<Log>, ProtocolError> {
    let mut logs = Vec::new();
    for (name, kind) in names {
        let found = data.optional_bytes(name)?.filter(|bytes| !bytes.is_empty());
        logs.extend(found.map(|bytes| Log { kind, bytes }));
    }
    Ok(logs)
}

/// `tpm_att_data` of version 2.
pub(super) fn second_version(data: Members<'_>) -> Result<Attestations, ProtocolError> {
    let current = structures(data.object("current_attestation")?)?;
    let boot = data.optional_object("boot_attestation")?.map(structures).transpose()?;
    Ok((current, boot))
}

fn structures(data: Members<'_>) -> Result<Attestation, ProtocolError> {
    let aik = jwk::rsa("aik_pub", data.value("aik_pub"))?;
    of_key(aik, data)
}

/// An attestation by this key, whatever it is called.
pub(super) fn of_key(aik: PublicKey, data: Members<'_>) -> Result<Attestation, ProtocolError> {
    let evidence = Evidence::Structures {
        quote: data.bytes("quote")?,
        signature: data.bytes("signature")?,
        values: values(data)?,
    };
    let mut logs = Vec::new();
    for value in data.optional_array("logs")? {
        let log = Members::of_value("logs", value)?;
        let kind = match log.text("type")? {
            "TCG" => LogKind::Tcg,
            "IMA" => LogKind::Ima,
            _ => return log.refuse("type", "expected TCG or IMA"),
        };
        logs.push(Log { kind, bytes: log.bytes("log")? });
    }
    let aik_certificate = data.optional_bytes("aik_cert")?;
    let enrolment = data.optional_text(ENROLMENT)?.map(str::to_owned);
    if aik_certificate.is_some() && enrolment.is_some() {
        return data.refuse(ENROLMENT, "it stands beside aik_cert");
    }
    Ok(Attestation { aik, aik_certificate, enrolment, evidence, logs })
}

/// `pcrs`: by bank, each with index and digest. Whether they are those of the quote is judged with it.
fn values(data: Members<'_>) -> Result<Vec<PcrValue>, ProtocolError> {
    let mut found = Vec::new();
    for bank in data.array("pcrs")? {
        let members = Members::of_value("pcrs", bank)?;
        let Some(bank) = HashAlgorithm::from_tpm_id(members.number("algorithm")?) else {
            return members.refuse("algorithm", "not a known hash algorithm");
        };
        for value in members.array("values")? {
            let value = Members::of_value("pcrs.values", value)?;
            let (index, digest) = (value.number("index")?, value.bytes("digest")?);
            found.push(PcrValue { bank, index, digest });
        }
    }
    Ok(found)
}

impl Evidence {
    pub(super) fn blob(bytes: &[u8]) -> Result<ClaimBlob, ProtocolError> {
        Ok(ClaimBlob::read(bytes)?)
    }
}
