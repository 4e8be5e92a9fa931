//! What the table of kinds must hold.

use std::collections::BTreeSet;

use super::{DefaultPolicy, EvidenceKind};

#[test]
fn each_kind_has_one_name_and_answers_to_the_others_that_people_use() {
    for (kind, names) in [
        (EvidenceKind::Sgx, &["sgx", "SgxEnclave", "SGX"][..]),
        (EvidenceKind::OpenEnclave, &["open-enclave", "OpenEnclave", "open_enclave", "oe"]),
        (EvidenceKind::Tdx, &["tdx", "TdxVm", "tdxvm", "intel-tdx"]),
        (EvidenceKind::Snp, &["snp", "sev-snp", "sevsnpvm", "SevSnpVm", "SEV_SNP"]),
        (EvidenceKind::Tpm, &["tpm", "Tpm", "vbs", "VbsEnclave"]),
        (EvidenceKind::AzureGuest, &["azure-guest", "AzureGuest", "azurevm"]),
    ] {
        for name in names {
            assert_eq!(name.parse(), Ok(kind), "{name}");
        }
        assert_eq!(kind.to_string(), names[0]);
    }
    for stranger in ["", "-", "sev", "sgx2", "azure", "tpm2"] {
        let error = stranger.parse::<EvidenceKind>().unwrap_err();
        assert!(error.contains("sgx, open-enclave, tdx, snp, tpm, azure-guest"), "{error}");
    }
}

#[test]
fn kinds_that_are_not_appraised_have_names_too() {
    for (kind, names) in [
        (EvidenceKind::Pluton, &["pluton"][..]),
        (EvidenceKind::KeyGuard, &["key-guard", "KeyGuard"]),
        (EvidenceKind::MdepTz, &["mdep-tz", "MdepTz"]),
        (EvidenceKind::AiHsm, &["ai-hsm", "AiHsm"]),
    ] {
        for name in names {
            assert_eq!(EvidenceKind::called(name), Some(kind), "{name}");
        }
    }
}

/// Every row against the values that MAA's contract has for it: a row that is swapped with its
/// neighbour, or a cell of it, fails here.
#[test]
fn the_table_says_what_the_contract_says() {
    let rows = [
        "sgx SgxEnclave route sgx quote sgx appraised anonymous - preview - - - - - tcb",
        "open-enclave OpenEnclave route sgx report sgx appraised anonymous - preview - - - - - tcb",
        "tdx TdxVm route tdxvm quote permissive appraised anonymous - - - log - - - tcb",
        "snp SevSnpVm route sevsnpvm report permissive appraised anonymous - - - - - - - -",
        "tpm Tpm route tpm data absent appraised token switch - client - challenge nested tpm aik,pcrs,validity,x5c",
        "azure-guest AzureGuest route azurevm AttestationInfo guest appraised anonymous - - - - - nested tpm -",
        "pluton Pluton route pluton data absent - token - - client - challenge nested - -",
        "key-guard KeyGuard route keyguard attestationInfo absent - anonymous - - client - - - - -",
        "mdep-tz MdepTz route mdeptz report absent - anonymous - - client - - - - -",
        "ai-hsm AiHsm - aihsm report absent - token - - client - - - - -",
    ];
    let told = EvidenceKind::all().map(|kind| {
        let settings: Vec<&str> = kind.policy_settings().iter().map(short).collect();
        let settings = if settings.is_empty() { "-".to_owned() } else { settings.join(",") };
        let word = |is_so: bool, word| if is_so { word } else { "-" };
        [
            kind.name(),
            kind.policy_name(),
            word(kind.has_route(), "route"),
            kind.attestation_type(),
            kind.evidence_member(),
            match kind.default_policy() {
                DefaultPolicy::Sgx => "sgx",
                DefaultPolicy::Permissive => "permissive",
                DefaultPolicy::Guest => "guest",
                DefaultPolicy::Absent => "absent",
            },
            word(kind.is_appraised(), "appraised"),
            if kind.is_anonymous() { "anonymous" } else { "token" },
            word(kind.has_anonymity_switch(), "switch"),
            word(kind.has_preview_form(), "preview"),
            word(kind.has_client_claims(), "client"),
            word(kind.takes_event_log(), "log"),
            word(kind.answers_challenge(), "challenge"),
            word(kind.has_nested_evidence(), "nested"),
            kind.root_word().unwrap_or("-"),
            &settings,
        ]
        .join(" ")
    });
    assert_eq!(told.collect::<Vec<_>>(), rows);
}

/// A setting in one word.
fn short(setting: &&'static str) -> &'static str {
    match *setting {
        "x-ms-sgx-tcbidentifier" => "tcb",
        "require_valid_aik_cert" => "aik",
        "required_pcr_mask" => "pcrs",
        "report_validity_in_minutes" => "validity",
        "omit_x5c" => "x5c",
        other => other,
    }
}

#[test]
fn names_are_found_in_any_case_and_are_one_kinds_only() {
    let mut names = BTreeSet::new();
    for kind in EvidenceKind::all() {
        assert!(names.insert(kind.policy_name().to_ascii_lowercase()), "{kind}");
        for name in [kind.policy_name().to_uppercase(), kind.policy_name().to_lowercase()] {
            assert_eq!(EvidenceKind::from_policy_name(&name), Some(kind));
        }
        assert_eq!(EvidenceKind::called(kind.name()), Some(kind));
        assert_eq!(EvidenceKind::called(kind.policy_name()), Some(kind));
        assert!(!kind.title().is_empty());
    }
    for stranger in ["", "SgxEnclave2", "Sgx", "policies"] {
        assert_eq!(EvidenceKind::from_policy_name(stranger), None, "{stranger}");
    }
}
