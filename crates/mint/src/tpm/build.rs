//! From a plan to bytes.

use avouch_pki::digest::sha256_of_parts;
use avouch_pki::pem;
use avouch_wire::{EvidenceKind, UnixTime, base64url};

use super::breaks::find;
use super::keys::{Encoding, RsaKey};
use super::options::TpmOptions;
use super::payload::payload;
use super::plan::{Plan, Signature};
use super::structures::{selection, sized};
use crate::MintError;

/// An enclave's report, and what it vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintedEnclave {
    /// The text of `report_signed`.
    pub report_signed: String,
    /// The report (`VBS_ENCLAVE_REPORT_PKG_HEADER` and what follows it).
    pub report: Vec<u8>,
}

/// A software TPM's evidence, with everything needed to judge it.
#[derive(Debug, Clone)]
pub struct MintedTpm {
    /// DER of the endorsement key's certificate, with fill behind it.
    pub ek_certificate: Vec<u8>,
    /// DER of the certificates between it and the manufacturer's root.
    pub ek_intermediates: Vec<Vec<u8>>,
    /// The manufacturer's root, PEM.
    pub ek_root_pem: String,
    /// `TPM2B_PUBLIC` of the endorsement key.
    pub ek_public: Vec<u8>,
    /// The endorsement key itself, PKCS#8 DER.
    pub ek_private: &'static [u8],
    /// `TPM2B_PUBLIC` of the attestation key.
    pub ak_public: Vec<u8>,
    /// DER of its certificate.
    pub aik_certificate: Vec<u8>,
    /// The CA that issued that, PEM.
    pub aik_root_pem: String,
    /// What the quote and the certification answer.
    pub challenge: [u8; 16],
    /// `TPMS_ATTEST`.
    pub quote: Vec<u8>,
    /// `TPMT_SIGNATURE` over it.
    pub signature: Vec<u8>,
    /// Values: `TPM_ALG_ID` of the bank, PCR, value.
    pub pcrs: Vec<(u16, u32, Vec<u8>)>,
    /// `TPMT_PUBLIC` of a key in the TPM.
    pub key_public: Vec<u8>,
    /// `TPMS_ATTEST` that certifies it.
    pub certification: Vec<u8>,
    /// `TPMT_SIGNATURE` over that.
    pub certification_signature: Vec<u8>,
    /// The second message of MAA's protocol: a compact JWS with all this, by that key.
    pub request: String,
    /// The enclave that the request attests, if it does.
    pub enclave: Option<MintedEnclave>,
    /// The moment around which everything is valid.
    pub at: UnixTime,
    /// The check that must refuse it, if it is broken.
    pub refused_by: Option<&'static str>,
}

/// Mints TPM evidence as `options` say.
///
/// # Errors
/// [`MintError::UnknownBreak`] if there is no break of that name; [`MintError::Crypto`] if the crypto
/// library refuses.
pub fn mint(options: &TpmOptions) -> Result<MintedTpm, MintError> {
    let Some(name) = &options.break_name else {
        return build(&Plan::new(options)?, options, None);
    };
    let unknown = || MintError::UnknownBreak { kind: EvidenceKind::Tpm, name: name.clone() };
    let (named, recipe) = find(name).ok_or_else(unknown)?;
    let mut options = options.clone();
    (recipe.prepare)(&mut options);
    let mut plan = Plan::new(&options)?;
    (recipe.apply)(&mut plan);
    build(&plan, &options, Some(named.expected_check))
}

fn build(
    plan: &Plan,
    options: &TpmOptions,
    refused_by: Option<&'static str>,
) -> Result<MintedTpm, MintError> {
    let seed = &options.seed;
    let quote = quote(plan)?;
    let certification = certification(plan)?;
    let mut minted = MintedTpm {
        ek_certificate: plan.ek.der(seed)?,
        ek_intermediates: if plan.send_ek_ca { vec![plan.ek_ca.der(seed)?] } else { Vec::new() },
        ek_root_pem: pem::encode("CERTIFICATE", &plan.ek_root.der(seed)?),
        ek_public: sized(&plan.ek_public.bytes()?)?,
        ek_private: RsaKey::Ek.pkcs8(),
        ak_public: sized(&plan.ak_public.bytes()?)?,
        aik_certificate: plan.aik.der(seed)?,
        aik_root_pem: pem::encode("CERTIFICATE", &plan.aik_ca.der(seed)?),
        challenge: options.challenge,
        signature: plan.signature.bytes(&quote)?,
        quote,
        pcrs: plan
            .values
            .iter()
            .map(|value| (value.bank, value.index, value.digest.clone()))
            .collect(),
        key_public: plan.key_public.bytes()?,
        certification_signature: plan.certify_signature.bytes(&certification)?,
        certification,
        request: String::new(),
        enclave: None,
        at: options.at,
        refused_by,
    };
    (minted.request, minted.enclave) = request(plan, options, &minted)?;
    Ok(minted)
}

fn quote(plan: &Plan) -> Result<Vec<u8>, MintError> {
    let quoted: Vec<&[u8]> = plan.quoted.iter().map(Vec::as_slice).collect();
    let digest = sized(sha256_of_parts(&quoted).as_bytes())?;
    plan.quote.bytes(&[selection(&plan.banks)?, digest].concat())
}

fn certification(plan: &Plan) -> Result<Vec<u8>, MintError> {
    let name = match &plan.certified_name {
        Some(name) => name.clone(),
        None => plan.key_public.name()?,
    };
    let place = super::structures::name(&[&[0x40, 0, 0, 0x01], &name]);
    plan.certify.bytes(&[sized(&name)?, sized(&place)?].concat())
}

impl Signature {
    fn bytes(&self, message: &[u8]) -> Result<Vec<u8>, MintError> {
        let mut signature = self.key.sign(self.encoding, message)?;
        if let (true, Some(last)) = (self.flipped, signature.last_mut()) {
            *last ^= 1;
        }
        let mut out = [self.algorithm.to_be_bytes(), self.hash.to_be_bytes()].concat();
        out.extend(sized(&signature)?);
        out.extend(&self.trailing);
        Ok(out)
    }
}

/// The compact JWS, and the enclave in it.
fn request(
    plan: &Plan,
    options: &TpmOptions,
    minted: &MintedTpm,
) -> Result<(String, Option<MintedEnclave>), MintError> {
    let (mut payload, enclave) = payload(plan, options, minted)?;
    if let Some(change) = plan.change_request {
        change(&mut payload).ok_or(MintError::NothingToBreak)?;
    }
    let header = base64url::encode(&plan.jws.header);
    let signed = format!("{header}.{}", base64url::encode(serde_json::to_vec(&payload)?));
    let mut signature = plan.jws.signer.sign(Encoding::Pss, signed.as_bytes())?;
    if let (true, Some(last)) = (plan.jws.flipped, signature.last_mut()) {
        *last ^= 1;
    }
    Ok((format!("{signed}.{}", base64url::encode(&signature)), enclave))
}
