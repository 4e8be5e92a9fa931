//! Made-up vocabularies; what the service really says of evidence is for the engine's tests.

use avouch_policy::lint::{KnownClaim, ValueForm, Vocabulary};

const fn claim(name: &'static str, form: Option<ValueForm>) -> KnownClaim {
    KnownClaim { name, form }
}

const CLAIMS: [KnownClaim; 6] = [
    claim("x-ms-ver", None),
    claim("x-ms-attestation-type", None),
    claim("x-ms-policy-hash", Some(ValueForm::Base64Url(43))),
    claim("x-ms-sgx-is-debuggable", None),
    claim("x-ms-sgx-mrsigner", Some(ValueForm::Hex(64))),
    claim("x-ms-sgx-report-data", Some(ValueForm::Hex(128))),
];

/// Of one kind of evidence.
pub(crate) fn sgx() -> Vocabulary {
    Vocabulary {
        attestation_types: vec!["sgx"],
        claims: CLAIMS.to_vec(),
        is_complete: true,
        has_client_claims: false,
        settings: Some(&["x-ms-sgx-tcbidentifier"]),
    }
}

/// Of another, with claims of clients and other settings.
pub(crate) fn tpm() -> Vocabulary {
    Vocabulary {
        attestation_types: vec!["tpm"],
        claims: vec![claim("secureBootEnabled", None)],
        is_complete: true,
        has_client_claims: true,
        settings: Some(&["required_pcr_mask"]),
    }
}

/// Of both.
pub(crate) fn of_any() -> Vocabulary {
    Vocabulary {
        attestation_types: vec!["sgx", "tpm"],
        claims: CLAIMS.to_vec(),
        ..Vocabulary::default()
    }
}
