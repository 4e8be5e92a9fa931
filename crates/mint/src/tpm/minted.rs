//! TPM evidence in the form that all kinds are minted in.

use avouch_pki::pem;
use avouch_wire::{EvidenceKind, base64url};
use serde_json::json;

use super::options::TpmOptions;
use super::{breaks, build};
use crate::{Expected, MintError, Minted, Options};

/// A policy, because MAA has no default one for TPMs.
const POLICY: &str = "version= 1.2;\n\
    authorizationrules { [type==\"aikValidated\", value==true] => permit(); };\n\
    issuancerules { c:[type==\"secureBootEnabled\", issuer==\"AttestationService\"] => issue(claim=c); };\n";

/// Mints a request of MAA's protocol. Nobody gave its challenge: whoever judges it must say that it is the
/// one that was asked for.
pub(crate) fn mint(options: &Options) -> Result<Minted, MintError> {
    let measured = options.tpm.measurements()?;
    let mut own = TpmOptions::new(options.at);
    own.seed = options.seed;
    own.break_name.clone_from(&options.break_name);
    (own.log, own.ima, own.pcrs) = (measured.log, measured.ima, measured.pcrs);
    let minted = build::mint(&own)?;
    let named = breaks().iter().find(|one| Some(one.name) == options.break_name.as_deref());
    let expected = named.map_or(Expected::Accepted, |one| Expected::Refused {
        stage: one.stage,
        check: one.expected_check,
    });
    let what = named.map_or("nothing is wrong", |one| one.what);
    let message = json!({"payload": {"request": minted.request}}).to_string();
    let intermediates = minted.ek_intermediates.iter();
    let cas: String = intermediates.map(|der| pem::encode("CERTIFICATE", der)).collect();
    Ok(Minted {
        kind: EvidenceKind::Tpm,
        evidence: minted.request.into_bytes(),
        evidence_name: "request.jws",
        endorsements: cas.into_bytes(),
        endorsements_name: "tpm-cas.pem",
        root_pem: format!("{}{}", minted.aik_root_pem, minted.ek_root_pem),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenge: Some(minted.challenge.to_vec()),
        others: vec![
            ("policy.txt", POLICY.as_bytes().to_vec()),
            ("ek-certificate.der", without_fill(minted.ek_certificate)),
            ("ek-public.bin", minted.ek_public),
            ("ak-certificate.der", minted.aik_certificate),
            ("ak-public.bin", minted.ak_public),
            ("quote.bin", minted.quote),
            ("quote-signature.bin", minted.signature),
        ],
        request: json!({"data": base64url::encode(message)}).to_string(),
        at: options.at,
        description: format!("TPM evidence, {:?}: {what}.", options.tpm.boot),
        expected,
    })
}

/// The certificate without the fill that the TPM's index has behind it; as it is where that is no fill.
fn without_fill(mut index: Vec<u8>) -> Vec<u8> {
    if let [0x30, 0x82, high, low, ..] = *index.as_slice() {
        let length = usize::from(u16::from_be_bytes([high, low])).saturating_add(4);
        if index.iter().skip(length).all(|byte| *byte == 0xff) {
            index.truncate(length);
        }
    }
    index
}
