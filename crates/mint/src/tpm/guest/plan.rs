//! Everything that goes into a document of guest attestation, before any of it is signed.

use avouch_pki::digest::sha256_of_parts;
use avouch_wire::base64url;
use serde_json::{Value as Json, json};

use super::{GuestClient, Isolation};
use crate::tpm::certificate::Certificate;
use crate::tpm::keys::{Encoding, RsaKey};
use crate::tpm::options::TpmOptions;
use crate::tpm::plan::{Signature, Value, aik_certificate, aik_issuing_ca, aik_root, public};
use crate::tpm::structures::{
    Attest, Bank, CERTIFY, MAGIC, Public, QUOTE, RSASSA, SHA256, name, selection,
};
use crate::{MintError, Options, Seed};

/// Handles of hierarchies, which are their qualified names.
pub(super) const ENDORSEMENT: [u8; 4] = [0x40, 0, 0, 0x0b];
pub(super) const NULL_HIERARCHY: [u8; 4] = [0x40, 0, 0, 0x07];
pub(super) const OWNER: [u8; 4] = [0x40, 0, 0, 0x01];
pub(super) const PLATFORM: [u8; 4] = [0x40, 0, 0, 0x0c];
/// `TPM_CC_PolicyPCR`.
const POLICY_PCR: u32 = 0x0000_017f;

/// What a machine on Windows quotes.
const PCRS: [u32; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14];

/// Everything that goes into the document.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: Seed,
    pub(super) client: GuestClient,
    /// The trusted CA.
    pub(super) ca: Certificate,
    /// A CA below it that issued the key's certificate; of a machine that nothing isolates.
    pub(super) issuing_ca: Option<Certificate>,
    pub(super) ak_certificate: Certificate,
    pub(super) send_certificate: bool,
    pub(super) ak_public: Public,
    pub(super) sealing_public: Public,
    /// The policy of the sealing key, if it is not that of the quote.
    pub(super) sealing_policy: Option<Vec<u8>>,
    pub(super) quote: Attest,
    pub(super) banks: Vec<Bank>,
    /// What the quote's digest is over.
    pub(super) quoted: Vec<Vec<u8>>,
    /// What is sent.
    pub(super) values: Vec<Value>,
    pub(super) pcr_set: Vec<u32>,
    pub(super) quote_signature: Signature,
    pub(super) certify: Attest,
    pub(super) certified_name: Option<Vec<u8>>,
    pub(super) hierarchy: [u8; 4],
    pub(super) certify_signature: Signature,
    pub(super) isolation: Isolation,
    /// A break of the hardware's own evidence.
    pub(super) hardware_break: Option<&'static str>,
    pub(super) vmpl: u32,
    /// Of a trust domain: what stands in the bytes behind the hash of the runtime data.
    pub(super) report_data_end: u8,
    /// What the hardware binds.
    pub(super) bound_runtime_data: Vec<u8>,
    /// What is sent.
    pub(super) runtime_data: Vec<u8>,
    pub(super) log: Vec<u8>,
    /// The document, changed at the end.
    pub(super) change: Option<fn(&mut Json) -> Option<()>>,
}

impl Plan {
    /// Good evidence as `options` say.
    pub(super) fn new(options: &Options) -> Result<Self, MintError> {
        let measured = match &options.guest.measured {
            Some(measured) => measured.clone(),
            None => options.tpm.measurements()?,
        };
        let mut of_tpm = TpmOptions::new(options.at);
        (of_tpm.seed, of_tpm.pcrs) = (options.seed, measured.pcrs.clone());
        let ak_public = Public {
            attributes: 0x0005_0472,
            scheme: Some((RSASSA, SHA256)),
            ..public(RsaKey::Ak)
        };
        let quote = Attest {
            magic: MAGIC,
            tag: QUOTE,
            signer: name(&[&ENDORSEMENT, &ak_public.name()?]),
            extra_data: Vec::new(),
            safe: 1,
            trailing: Vec::new(),
        };
        let quoted: Vec<Vec<u8>> = (0_u32..)
            .zip(&measured.pcrs)
            .filter(|(index, _)| PCRS.contains(index))
            .map(|(_, value)| value.to_vec())
            .collect();
        let signature = Signature {
            key: RsaKey::Ak,
            encoding: Encoding::Pkcs1,
            algorithm: RSASSA,
            hash: SHA256,
            flipped: false,
            trailing: Vec::new(),
        };
        let issuing_ca = match options.guest.isolation {
            Isolation::TrustedLaunch => Some(aik_issuing_ca(&of_tpm)),
            Isolation::Snp | Isolation::Tdx => None,
        };
        let mut ak_certificate = Certificate { fill: vec![0; 64], ..aik_certificate(&of_tpm) };
        if let Some(Certificate { subject: Some(name), .. }) = issuing_ca {
            (ak_certificate.issuer, ak_certificate.signer) = (name, name);
        }
        let runtime = serde_json::to_vec(&runtime_claims(RsaKey::Ak)?)?;
        Ok(Self {
            seed: options.seed,
            client: options.guest.client,
            ca: aik_root(&of_tpm),
            issuing_ca,
            ak_certificate,
            send_certificate: true,
            certify: Attest { tag: CERTIFY, ..quote.clone() },
            sealing_public: Public {
                attributes: 0x0002_0432,
                scheme: None,
                ..public(RsaKey::Request)
            },
            sealing_policy: None,
            ak_public,
            quote,
            banks: vec![Bank { id: SHA256, bitmap: vec![0xff, 0x78, 0x00] }],
            values: PCRS
                .into_iter()
                .zip(&quoted)
                .map(|(index, digest)| Value { bank: SHA256, index, digest: digest.clone() })
                .collect(),
            quoted,
            pcr_set: PCRS.to_vec(),
            quote_signature: signature.clone(),
            certified_name: None,
            hierarchy: NULL_HIERARCHY,
            certify_signature: signature,
            isolation: options.guest.isolation,
            hardware_break: None,
            vmpl: 0,
            report_data_end: 0,
            bound_runtime_data: runtime.clone(),
            runtime_data: runtime,
            log: measured.log,
            change: None,
        })
    }

    /// Changes the runtime data, and what binds them.
    pub(super) fn change_runtime(&mut self, change: impl FnOnce(&mut Json)) {
        let Ok(mut claims) = serde_json::from_slice(&self.runtime_data) else { return };
        change(&mut claims);
        self.runtime_data = claims.to_string().into_bytes();
        self.bound_runtime_data.clone_from(&self.runtime_data);
    }

    /// Leaves a PCR out of everything that is said of it.
    pub(super) fn forget_pcr(&mut self, pcr: u32) {
        if let Some(place) = self.values.iter().position(|value| value.index == pcr) {
            self.values.remove(place);
            self.quoted.remove(place);
        }
        self.pcr_set.retain(|one| *one != pcr);
        for bank in &mut self.banks {
            let byte = usize::try_from(pcr / 8).ok().and_then(|byte| bank.bitmap.get_mut(byte));
            if let Some(byte) = byte {
                *byte &= !(1 << (pcr % 8));
            }
        }
    }

    /// The policy by which a key works while the PCRs are as quoted.
    pub(super) fn quoted_policy(&self) -> Result<Vec<u8>, MintError> {
        let quoted: Vec<&[u8]> = self.quoted.iter().map(Vec::as_slice).collect();
        let values = sha256_of_parts(&quoted);
        let (command, selected) = (POLICY_PCR.to_be_bytes(), selection(&self.banks)?);
        let parts = [&[0; 32], command.as_slice(), &selected, values.as_bytes()];
        Ok(sha256_of_parts(&parts).0.to_vec())
    }
}

/// What a paravisor says, of a virtual TPM with this attestation key.
pub(super) fn runtime_claims(ak: RsaKey) -> Result<Json, MintError> {
    Ok(json!({
        "keys": [key("HCLAkPub", "sign", ak)?, key("HCLEkPub", "encrypt", RsaKey::Ek)?],
        "vm-configuration": {
            "console-enabled": true,
            "secure-boot": true,
            "tpm-enabled": true,
            "vmUniqueId": "6D696E74-0000-4000-8000-000000000001",
        },
        "user-data": "00".repeat(64),
    }))
}

pub(super) fn key(kid: &str, operation: &str, key: RsaKey) -> Result<Json, MintError> {
    let modulus = base64url::encode(key.modulus()?);
    Ok(json!({"kid": kid, "key_ops": [operation], "kty": "RSA", "e": "AQAB", "n": modulus}))
}
