//! An enclave's evidence in the form that all kinds are minted in.

use avouch_pki::pem;
use avouch_wire::{EvidenceKind, base64url};
use serde_json::json;

use super::{VbsOptions, breaks, build};
use crate::tpm::RequestForm;
use crate::{Expected, MintError, Minted, Options};

/// A policy, because MAA has no default one for TPMs.
const POLICY: &str = "version= 1.0;\n\
    authorizationrules { [type==\"aikValidated\", value==true] && [type==\"vbsReportPresent\", value==true] => permit(); };\n\
    issuancerules {\n\
      c:[type==\"enclaveAuthorId\", issuer==\"AttestationService\"] => issue(claim=c);\n\
      c:[type==\"enclaveSvn\", issuer==\"AttestationService\"] => issue(claim=c);\n\
      c:[type==\"enclaveFlags\", issuer==\"AttestationService\"] => issue(claim=c);\n\
    };\n";

/// Mints a request of MAA's protocol that attests an enclave, debuggable if that is asked for. Nobody gave
/// its challenge: whoever judges it must say that it is the one that was asked for.
///
/// # Errors
/// As [`super::mint`].
pub fn mint_request(options: &Options) -> Result<Minted, MintError> {
    let mut own = VbsOptions::new(options.at).of_seed(options.seed);
    own.break_name.clone_from(&options.break_name);
    own.report.flags = u32::from(options.enclave.debug);
    let minted = build::mint(&own.in_form(RequestForm::Second))?;
    let named = breaks().iter().find(|one| Some(one.name) == options.break_name.as_deref());
    let expected = named.map_or(Expected::Accepted, |one| Expected::Refused {
        stage: one.stage,
        check: one.expected_check,
    });
    let what = named.map_or("nothing is wrong", |one| one.what);
    let message = json!({"payload": {"request": minted.tpm.request}}).to_string();
    let intermediates = minted.tpm.ek_intermediates.iter();
    let cas: String = intermediates.map(|der| pem::encode("CERTIFICATE", der)).collect();
    Ok(Minted {
        kind: EvidenceKind::Tpm,
        evidence: minted.tpm.request.into_bytes(),
        evidence_name: "request.jws",
        endorsements: cas.into_bytes(),
        endorsements_name: "tpm-cas.pem",
        root_pem: minted.tpm.aik_root_pem,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenge: Some(minted.tpm.challenge.to_vec()),
        others: vec![
            ("policy.txt", POLICY.as_bytes().to_vec()),
            ("windows.pem", minted.windows_ca_pem.into_bytes()),
            ("report.bin", minted.report),
            ("report-signed.json", minted.report_signed.into_bytes()),
            ("boot.bin", minted.log),
        ],
        request: json!({"data": base64url::encode(message)}).to_string(),
        at: options.at,
        description: format!("Evidence of a VBS enclave: {what}."),
        expected,
    })
}
