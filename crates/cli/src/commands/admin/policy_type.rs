//! Attestation types as arguments.

use avouch_store::AttestationType;

/// Short names beside those of MAA's routes.
const SHORT: [(&str, AttestationType); 7] = [
    ("sgx", AttestationType::SgxEnclave),
    ("open-enclave", AttestationType::OpenEnclave),
    ("tdx", AttestationType::TdxVm),
    ("snp", AttestationType::SevSnpVm),
    ("azure-guest", AttestationType::AzureGuest),
    ("tpm", AttestationType::Tpm),
    ("vbs", AttestationType::Tpm),
];

/// Reads the name of a type: one of the command's own, or as MAA's routes have it, in any case.
pub(super) fn policy_type(text: &str) -> Result<AttestationType, String> {
    let short = SHORT.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    short.map(|(_, found)| *found).or_else(|| AttestationType::parse(text)).ok_or_else(|| {
        let short = SHORT.map(|(name, _)| name).join(", ");
        let all = AttestationType::ALL.map(AttestationType::as_str).join(", ");
        format!("attestation types are: {short}; or as routes name them: {all}")
    })
}
