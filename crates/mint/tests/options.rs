//! Whatever the options ask for stands in the evidence, and good evidence of every option verifies.
#![cfg(test)]

mod support;

use avouch_dcap::{Acceptance, AcceptedTcbStatuses, TrustAnchors, VerifiedQuote, verify};
use avouch_mint::{
    ChainStyle, HeldData, Kss, MintError, OpenEnclaveFormat, Options, PckCa, Seed, Stage,
    TcbInfoVersion, TcbStatus, TdQuoteFormat, breaks, mint, open_enclave_endorsements,
    serialize_custom_claims,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, Hex, UnixTime, base64url};
use support::{INTEL, judge, options, strict};

fn any_status() -> Acceptance {
    Acceptance { tcb_statuses: AcceptedTcbStatuses::any(), ..Acceptance::default() }
}

/// Mints and judges with every TCB status accepted.
fn verified(kind: EvidenceKind, options: &Options) -> VerifiedQuote {
    let minted = mint(kind, options).unwrap();
    judge(&minted, options.open_enclave, &any_status()).unwrap()
}

/// A name and a change of the options.
type Variation = (&'static str, fn(&mut Options));

#[test]
fn accepts_each_kind_in_every_variation() {
    let variations: [Variation; 13] = [
        ("Processor CA", |options| options.platform.ca = PckCa::Processor),
        ("NUL", |options| options.platform.chain_style = ChainStyle::NulTerminated),
        ("no line feed", |options| options.platform.chain_style = ChainStyle::NoFinalLineFeed),
        ("root second", |options| options.platform.chain_style = ChainStyle::RootSecond),
        ("CR LF", |options| options.platform.chain_style = ChainStyle::CrLf),
        ("no authentication data", |options| options.platform.qe_auth_data.clear()),
        ("long authentication data", |options| options.platform.qe_auth_data = vec![7; 1000]),
        ("KSS", |options| options.enclave.kss = Some(Kss::default())),
        ("binary data", |options| options.runtime_data = Some(HeldData::binary([0, 1, 2, 255]))),
        ("no data", |options| options.runtime_data = None),
        ("init-time data", |options| options.init_time_data = Some(HeldData::json("{}"))),
        ("another seed", |options| options.seed = Seed::from_bytes([9; 32])),
        ("another FMSPC", |options| options.platform.fmspc = [0, 0x90, 0x6e, 0xd5, 0, 0]),
    ];
    for (name, vary) in variations {
        for kind in INTEL {
            let mut options = options();
            vary(&mut options);
            let minted = mint(kind, &options).unwrap();
            let seen = judge(&minted, options.open_enclave, &strict());
            assert!(seen.is_ok(), "{kind}, {name}: {seen:?}");
        }
    }
}

#[test]
fn accepts_padding_after_bare_quotes_and_no_other() {
    let mut options = options();
    options.platform.padding_bytes = 70;
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        assert!(judge(&mint(kind, &options).unwrap(), options.open_enclave, &strict()).is_ok());
    }
    let minted = mint(EvidenceKind::OpenEnclave, &options).unwrap();
    let refused = judge(&minted, options.open_enclave, &strict()).unwrap_err();
    assert_eq!(refused, (Stage::Verification, "signature-data-length"));
}

#[test]
fn accepts_every_open_enclave_format_and_td_quote_format() {
    for format in [
        OpenEnclaveFormat::Report,
        OpenEnclaveFormat::Evidence,
        OpenEnclaveFormat::EvidenceWithoutHeader,
    ] {
        for data in [None, Some(HeldData::json("{}"))] {
            let mut options = options();
            options.open_enclave = format;
            options.runtime_data = data;
            let seen =
                judge(&mint(EvidenceKind::OpenEnclave, &options).unwrap(), format, &strict());
            assert!(seen.is_ok(), "{format:?}: {seen:?}");
        }
    }
    for (format, version) in [
        (TdQuoteFormat::V4, 4),
        (TdQuoteFormat::V5Td10, 5),
        (TdQuoteFormat::V5Td15, 5),
        (TdQuoteFormat::V5Td15Extended, 5),
    ] {
        let mut options = options();
        options.td.format = format;
        let minted = mint(EvidenceKind::Tdx, &options).unwrap();
        assert_eq!(minted.evidence[0], version);
        assert!(judge(&minted, options.open_enclave, &strict()).is_ok(), "{format:?}");
    }
}

#[test]
fn lands_on_the_chosen_status_advisories_and_evaluation_number() {
    for version in [TcbInfoVersion::V2, TcbInfoVersion::V3] {
        for status in TcbStatus::ALL {
            let mut options = options();
            options.platform.tcb_status = status;
            options.platform.tcb_info_version = version;
            options.platform.advisory_ids = vec!["INTEL-SA-00001".to_owned()];
            options.platform.evaluation_data_number = 17;
            let minted = mint(EvidenceKind::Sgx, &options).unwrap();
            let seen = judge(&minted, options.open_enclave, &any_status());
            if status == TcbStatus::Revoked {
                assert_eq!(seen.unwrap_err(), (Stage::Verification, "tcb-revoked"));
                continue;
            }
            let seen = seen.unwrap();
            assert_eq!(seen.tcb().status.to_string(), status.name());
            let advisories = usize::from(version == TcbInfoVersion::V3);
            assert_eq!(seen.tcb().advisory_ids.len(), advisories, "{version:?}");
            let facts = serde_json::to_value(&seen).unwrap();
            assert!(facts.to_string().contains(":17"), "{facts}");
        }
    }
}

#[test]
fn crl_and_evaluation_numbers_are_those_that_were_chosen() {
    let mut options = options();
    options.platform.evaluation_data_number = 20;
    options.platform.qe_evaluation_data_number = Some(18);
    options.platform.crl_number = 260;
    let minted = mint(EvidenceKind::Sgx, &options).unwrap();
    let collateral: serde_json::Value = serde_json::from_slice(&minted.endorsements).unwrap();
    assert!(collateral["tcb_info"].as_str().unwrap().contains(":20,"));
    assert!(collateral["qe_identity"].as_str().unwrap().contains(":18,"));
    // CRL number 260 as INTEGER inside of its OCTET STRING.
    for crl in ["root_ca_crl", "pck_crl"] {
        assert!(collateral[crl].as_str().unwrap().contains("040402020104"), "{crl}");
    }
    assert!(judge(&minted, options.open_enclave, &strict()).is_ok());
}

#[test]
fn a_module_updated_under_the_td_advises_a_relaunch() {
    let mut options = options();
    options.td.format = TdQuoteFormat::V5Td15Extended;
    options.td.tee_tcb_svn[0] = 6;
    assert_eq!(verified(EvidenceKind::Tdx, &options).tcb().status.to_string(), "TDRelaunchAdvised");
    options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
    let seen = verified(EvidenceKind::Tdx, &options).tcb().status.to_string();
    assert_eq!(seen, "TDRelaunchAdvisedConfigurationNeeded");
}

#[test]
fn enclave_fields_are_those_that_were_chosen() {
    let mut options = options();
    options.enclave.mr_enclave = Some([0x11; 32]);
    options.enclave.mr_signer = Some([0x22; 32]);
    options.enclave.isv_prod_id = 77;
    options.enclave.isv_svn = 88;
    options.enclave.misc_select = 1;
    options.enclave.debug = true;
    options.enclave.kss =
        Some(Kss { config_id: Some([0x33; 64]), config_svn: 99, ..Kss::default() });
    options.runtime_data = None;
    options.enclave.report_data = Some([0x44; 64]);
    let facts = serde_json::to_value(verified(EvidenceKind::Sgx, &options)).unwrap();
    assert_eq!(facts["mr_enclave"], "11".repeat(32));
    assert_eq!(facts["mr_signer"], "22".repeat(32));
    assert_eq!(facts["isv_prod_id"], 77);
    assert_eq!(facts["isv_svn"], 88);
    assert_eq!(facts["config_id"], "33".repeat(64));
    assert_eq!(facts["config_svn"], 99);
    assert_eq!(facts["report_data"], "44".repeat(64));
    assert_eq!(facts["debuggable"], true);
}

#[test]
fn td_fields_are_those_that_were_chosen() {
    let mut options = options();
    options.td.mr_td = Some([0x11; 48]);
    options.td.mr_seam = Some([0x22; 48]);
    options.td.mr_config_id = Some([0x33; 48]);
    options.td.mr_owner = [0x44; 48];
    options.td.mr_owner_config = [0x55; 48];
    options.td.rtmrs = Some([[0x66; 48], [0x67; 48], [0x68; 48], [0x69; 48]]);
    options.runtime_data = None;
    options.td.report_data = Some([0x77; 64]);
    let facts = serde_json::to_value(verified(EvidenceKind::Tdx, &options)).unwrap();
    let expected = [
        ("mr_td", "11"),
        ("mr_seam", "22"),
        ("mr_config_id", "33"),
        ("mr_owner", "44"),
        ("mr_owner_config", "55"),
        ("rtmr0", "66"),
        ("rtmr1", "67"),
        ("rtmr2", "68"),
        ("rtmr3", "69"),
    ];
    for (name, byte) in expected {
        assert_eq!(facts[name], byte.repeat(48), "{name}");
    }
    assert_eq!(facts["report_data"], "77".repeat(64));
}

#[test]
fn the_platform_stands_in_the_pck_certificate() {
    let facts = serde_json::to_value(verified(EvidenceKind::Sgx, &options())).unwrap();
    assert_eq!(facts["fmspc"], "a0c06d000000");
    assert_eq!(facts["pce_id"], "0000");
    assert!(facts["platform_instance_id"].is_string());
    let mut processor = options();
    processor.platform.ca = PckCa::Processor;
    let facts = serde_json::to_value(verified(EvidenceKind::Sgx, &processor)).unwrap();
    assert!(facts["platform_instance_id"].is_null());
}

#[test]
fn equal_seeds_give_equal_evidence_but_for_signatures_and_others_do_not() {
    let body = |seed| {
        let mut options = options();
        options.seed = Seed::from_number(seed);
        let minted = mint(EvidenceKind::Sgx, &options).unwrap();
        // Header and body, then the attestation key and the QE report.
        (minted.evidence[..432].to_vec(), minted.evidence[500..948].to_vec(), minted.root_pem)
    };
    let (first, second, other) = (body(1), body(1), body(2));
    assert_eq!((&first.0, &first.1), (&second.0, &second.1));
    assert_ne!(first.0, other.0);
    assert_ne!(first.1, other.1);
    // Minted apart, and yet the one's root is the anchor of the other's evidence.
    let minted = mint(EvidenceKind::Sgx, &options()).unwrap();
    let apart = mint(EvidenceKind::Sgx, &options()).unwrap();
    let mixed = avouch_mint::Minted { root_pem: apart.root_pem, ..minted };
    assert!(judge(&mixed, OpenEnclaveFormat::Report, &strict()).is_ok());
}

#[test]
fn evidence_of_one_seed_is_refused_under_the_root_of_another() {
    let mut other = options();
    other.seed = Seed::from_number(2);
    let root_pem = mint(EvidenceKind::Sgx, &other).unwrap().root_pem;
    let minted = mint(EvidenceKind::Sgx, &options()).unwrap();
    let mixed = avouch_mint::Minted { root_pem, ..minted };
    let refused = judge(&mixed, OpenEnclaveFormat::Report, &strict()).unwrap_err();
    assert_eq!(refused, (Stage::Verification, "trust-anchor"));
}

#[test]
fn minted_roots_are_none_that_is_trusted_by_default() {
    let minted = mint(EvidenceKind::Sgx, &options()).unwrap();
    let quote = avouch_dcap::Quote::parse(&minted.evidence).unwrap();
    let collateral = avouch_dcap::Collateral::parse_json(&minted.endorsements).unwrap();
    let refused = verify(&quote, &collateral, &TrustAnchors::intel(), minted.at).unwrap_err();
    assert_eq!(refused.check(), "trust-anchor");
}

#[test]
fn open_enclave_endorsements_hold_the_same_collateral() {
    let options = options();
    let blob = open_enclave_endorsements(&options).unwrap();
    let parsed = avouch_dcap::open_enclave::Endorsements::parse(&blob).unwrap();
    let minted = mint(EvidenceKind::Sgx, &options).unwrap();
    let quote = avouch_dcap::Quote::parse(&minted.evidence).unwrap();
    let anchors = TrustAnchors::none().with_pem(minted.root_pem.as_bytes()).unwrap();
    let seen = verify(&quote, &parsed.collateral().unwrap(), &anchors, minted.at).unwrap();
    assert_eq!(seen.tcb().status.to_string(), "UpToDate");
    assert_eq!(parsed.untrusted_creation_time(), b"2026-01-31T12:00:00Z\0");
}

#[test]
fn custom_claims_are_serialised_as_open_enclave_does() {
    let bytes = serialize_custom_claims(&[("name", b"value")]);
    let mut expected = Vec::new();
    for number in [1_u64, 1, 5, 5] {
        expected.extend(number.to_le_bytes());
    }
    expected.extend(b"name\0value");
    assert_eq!(bytes, expected);

    let mut options = options();
    options.open_enclave = OpenEnclaveFormat::Evidence;
    options.runtime_data = Some(HeldData::binary(bytes));
    let minted = mint(EvidenceKind::OpenEnclave, &options).unwrap();
    assert!(judge(&minted, options.open_enclave, &strict()).is_ok());
}

#[test]
fn request_bodies_have_the_properties_of_their_routes() {
    let mut options = options();
    options.init_time_data = Some(HeldData::binary(*b"init"));
    for (kind, property) in [
        (EvidenceKind::Sgx, "quote"),
        (EvidenceKind::OpenEnclave, "report"),
        (EvidenceKind::Tdx, "quote"),
    ] {
        let minted = mint(kind, &options).unwrap();
        let body: serde_json::Value = serde_json::from_str(&minted.request).unwrap();
        let sent = base64url::decode(body[property].as_str().unwrap()).unwrap();
        assert_eq!(sent, minted.evidence);
        assert_eq!(body["runtimeData"]["dataType"], "JSON");
        assert_eq!(body["initTimeData"]["dataType"], "Binary");
        assert_eq!(body["initTimeData"]["data"], base64url::encode(b"init"));
        assert_eq!(body.as_object().unwrap().len(), 3);
    }
}

#[test]
fn evidence_is_good_at_any_time_at_which_it_is_minted() {
    for at in ["1995-06-01T00:00:00Z", "2049-12-31T23:59:59Z", "2099-03-01T00:00:00Z"] {
        let at = UnixTime::from_rfc3339(at).unwrap();
        for kind in INTEL {
            let minted = mint(kind, &Options::new(at)).unwrap();
            let seen = judge(&minted, OpenEnclaveFormat::Report, &strict());
            assert!(seen.is_ok(), "{kind} at {at}: {seen:?}");
        }
    }
}

#[test]
fn options_that_contradict_each_other_are_an_error() {
    let mut options = options();
    options.platform.tcb_info_version = TcbInfoVersion::V2;
    let error = mint(EvidenceKind::Tdx, &options).unwrap_err();
    assert!(matches!(error, MintError::Contradiction(_)), "{error}");

    let mut options = support::options();
    options.init_time_data = Some(HeldData::json("{}"));
    options.enclave.kss = Some(Kss { config_id: Some([1; 64]), ..Kss::default() });
    let error = mint(EvidenceKind::Sgx, &options).unwrap_err();
    assert!(matches!(error, MintError::Contradiction(_)), "{error}");

    let mut options = support::options();
    options.platform.qe_auth_data = vec![0; 65_536];
    let error = mint(EvidenceKind::Sgx, &options).unwrap_err();
    assert!(matches!(error, MintError::TooLong { length: 65_536, .. }), "{error}");
}

#[test]
fn whatever_is_appraised_can_be_minted_and_nothing_else() {
    let options = Options::new(UnixTime::from_seconds(1_769_860_800).unwrap());
    for kind in EvidenceKind::all() {
        let minted = mint(kind, &options);
        assert_eq!(minted.is_ok(), kind.is_appraised(), "{kind}");
        assert_eq!(breaks(kind).is_empty(), !kind.is_appraised(), "{kind}");
        if let Err(error) = minted {
            assert!(matches!(error, MintError::NotMinted(named) if named == kind), "{error}");
        }
    }
}

#[test]
fn a_directory_holds_everything_that_appraising_takes() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new").join("deeper");
    let mut options = options();
    options.init_time_data = Some(HeldData::binary(*b"init"));
    let minted = mint(EvidenceKind::Tdx, &options).unwrap();
    minted.write_to(&out).unwrap();
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    assert_eq!(read("quote.bin"), minted.evidence);
    assert_eq!(read("endorsements.json"), minted.endorsements);
    assert_eq!(read("root.pem"), minted.root_pem.as_bytes());
    assert_eq!(read("runtime-data.json"), minted.runtime_data.as_ref().unwrap().bytes);
    assert_eq!(read("init-time-data.bin"), b"init");
    assert_eq!(read("request.json"), minted.request.as_bytes());
    let readme = String::from_utf8(read("README.txt")).unwrap();
    assert!(readme.contains(
        "avouch appraise tdx quote.bin --endorsements endorsements.json --trust-root root.pem \
         --at 2026-01-31T12:00:00Z --runtime-data runtime-data.json --runtime-data-type json \
         --init-time-data init-time-data.bin --init-time-data-type binary"
    ));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 7);

    let error = minted.write_to(&out.join("quote.bin")).unwrap_err();
    assert!(matches!(error, MintError::Write { .. }), "{error}");
}

#[test]
fn hashes_of_runtime_data_fill_the_first_half_of_the_report_data() {
    let seen = verified(EvidenceKind::Sgx, &options());
    let Hex(bytes) = seen.report_data();
    assert!(bytes[..32].iter().any(|byte| *byte != 0));
    assert_eq!(bytes[32..], [0; 32]);
}
