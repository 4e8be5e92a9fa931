//! Another implementation, `dcap-qvl`, judges good minted evidence under the minted root.
#![cfg(test)]

use std::collections::BTreeSet;

use avouch_mint::{
    ChainStyle, EnclaveOptions, HeldData, Kss, Minted, Options, PckCa, Seed, Stage, TD_DEBUG,
    TcbStatus, TdQuoteFormat, breaks, mint,
};
use avouch_wire::{EvidenceKind, UnixTime};
use dcap_qvl::{QuoteCollateralV3, verify::QuoteVerifier};

fn options() -> Options {
    Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap())
}

/// The status that dcap-qvl gives, and its advisories.
fn judge(minted: &Minted) -> Result<(String, Vec<String>), String> {
    let collateral: QuoteCollateralV3 =
        serde_json::from_slice(&minted.endorsements).map_err(|error| error.to_string())?;
    let roots = avouch_pki::pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
    let quote = match minted.kind {
        EvidenceKind::OpenEnclave => &minted.evidence[16..],
        _ => &minted.evidence,
    };
    let at = u64::try_from(minted.at.seconds()).unwrap();
    QuoteVerifier::new(roots[0].clone())
        .allow_debug(true)
        .allow_service_td(true)
        .verify(quote, &collateral, at)
        .map(|report| (report.status, report.advisory_ids))
        .map_err(|error| format!("{error:#}"))
}

fn status(kind: EvidenceKind, options: &Options) -> Result<String, String> {
    judge(&mint(kind, options).unwrap()).map(|(status, _)| status)
}

#[test]
fn accepts_good_evidence_of_each_intel_kind() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::OpenEnclave, EvidenceKind::Tdx] {
        assert_eq!(status(kind, &options()).as_deref(), Ok("UpToDate"), "{kind}");
    }
}

#[test]
fn accepts_every_td_quote_format() {
    for format in [
        TdQuoteFormat::V4,
        TdQuoteFormat::V5Td10,
        TdQuoteFormat::V5Td15,
        TdQuoteFormat::V5Td15Extended,
    ] {
        let mut options = options();
        options.td.format = format;
        assert_eq!(status(EvidenceKind::Tdx, &options).as_deref(), Ok("UpToDate"), "{format:?}");
    }
}

#[test]
fn lands_on_the_chosen_platform_status_with_its_advisories() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        for chosen in TcbStatus::ALL {
            let mut options = options();
            options.platform.tcb_status = chosen;
            options.platform.advisory_ids = vec!["INTEL-SA-00001".to_owned()];
            let judged = judge(&mint(kind, &options).unwrap());
            if chosen == TcbStatus::Revoked {
                assert!(judged.unwrap_err().to_lowercase().contains("revoked"), "{kind}");
            } else {
                let expected = (chosen.name().to_owned(), vec!["INTEL-SA-00001".to_owned()]);
                assert_eq!(judged, Ok(expected), "{kind}");
            }
        }
    }
}

#[test]
fn converges_with_the_chosen_statuses_of_quoting_enclave_and_module() {
    let mut options = options();
    options.platform.qe_status = TcbStatus::OutOfDate;
    assert_eq!(status(EvidenceKind::Sgx, &options).as_deref(), Ok("OutOfDate"));
    options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
    assert_eq!(status(EvidenceKind::Tdx, &options).as_deref(), Ok("OutOfDateConfigurationNeeded"));

    let mut options = self::options();
    options.td.module_status = TcbStatus::OutOfDate;
    assert_eq!(status(EvidenceKind::Tdx, &options).as_deref(), Ok("OutOfDate"));
}

#[test]
fn advises_a_relaunch_where_the_module_was_updated_under_the_td() {
    let mut options = options();
    options.td.format = TdQuoteFormat::V5Td15;
    options.td.tee_tcb_svn[0] = 6;
    assert_eq!(status(EvidenceKind::Tdx, &options).as_deref(), Ok("TDRelaunchAdvised"));
    options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
    let expected = Ok("TDRelaunchAdvisedConfigurationNeeded");
    assert_eq!(status(EvidenceKind::Tdx, &options).as_deref(), expected);
}

#[test]
fn accepts_every_variation_that_changes_no_verdict() {
    let variations: [fn(&mut Options); 9] = [
        |options| options.platform.ca = PckCa::Processor,
        |options| options.platform.chain_style = ChainStyle::NulTerminated,
        |options| options.platform.chain_style = ChainStyle::NoFinalLineFeed,
        |options| options.platform.padding_bytes = 70,
        |options| options.enclave = EnclaveOptions { debug: true, ..Default::default() },
        |options| options.enclave.kss = Some(Kss::default()),
        |options| options.td.attributes |= TD_DEBUG,
        |options| options.init_time_data = Some(HeldData::binary(*b"init")),
        |options| options.seed = Seed::from_number(7),
    ];
    for (number, vary) in variations.into_iter().enumerate() {
        for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
            let mut options = options();
            vary(&mut options);
            let judged = status(kind, &options);
            assert_eq!(judged.as_deref(), Ok("UpToDate"), "variation {number} of {kind}");
        }
    }
}

#[test]
fn accepts_evidence_minted_for_any_time() {
    for at in [
        "1995-06-01T00:00:00Z",
        "2026-11-21T00:00:00Z",
        "2049-12-31T23:59:59Z",
        "2099-03-01T00:00:00Z",
    ] {
        let at = UnixTime::from_rfc3339(at).unwrap();
        assert_eq!(status(EvidenceKind::Sgx, &Options::new(at)).as_deref(), Ok("UpToDate"), "{at}");
    }
}

/// Breaks that dcap-qvl 0.7.1 lets pass, and why Avouch does not.
const LET_PASS: [(&str, &str); 29] = [
    ("root-signature", "it takes the anchor it was given and does not look at the copy"),
    ("foreign-root-behind-tcb-info", "the same; the signer itself is under the anchor"),
    ("foreign-root-behind-qe-identity", "the same; the signer itself is under the anchor"),
    ("root-omitted", "the same; the root in the chain is of no use to it"),
    ("pck-repeated", "it takes any number of intermediates"),
    ("chain-of-other-label", "it does not look at PEM labels"),
    ("pck-key-usage", "it does not look at key usage"),
    ("pck-renamed", "it does not look at subjects"),
    ("pck-ca-renamed", "it does not look at subjects"),
    ("tcb-signer-renamed", "it does not look at subjects"),
    ("extension-fmspc-twice", "it takes the first entry of an identifier"),
    ("extension-leftover", "it looks for entries and ignores the rest"),
    ("extension-15-components", "it compares CPUSVN instead of the components"),
    ("extension-component-256", "it compares CPUSVN instead of the components"),
    ("component-below", "it compares CPUSVN instead of the components"),
    ("root-crl-not-yet-valid", "it does not look at thisUpdate"),
    ("pck-crl-not-yet-valid", "it does not look at thisUpdate"),
    ("signature-data-leftover", "it ignores leftover bytes"),
    ("certification-length-short", "it ignores leftover bytes; PEM does not miss a line feed"),
    ("pce-id", "it does not compare the PCEID"),
    ("tcb-type-1", "it does not look at tcbType"),
    ("tcb-info-version-4", "it takes any version above the oldest"),
    ("tcb-levels-equal", "it takes the first of equal levels"),
    ("tcb-info-deep", "it skips members that it does not know, however deep"),
    ("qe-status-unknown", "it gives a QE level any status"),
    ("tdx-module-in-sgx", "it ignores the module of an SGX document"),
    ("outer-type-5", "it does not look at the outer type"),
    ("module-attributes-agreed", "it takes any attributes that the identity has too"),
    ("module-levels-equal", "it takes the first of equal levels"),
];

#[test]
fn refuses_the_same_breaks_but_for_the_listed_ones() {
    let mut surprises = Vec::new();
    let mut passed = BTreeSet::new();
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        for one in breaks(kind).iter().filter(|one| one.stage == Stage::Verification) {
            let listed = LET_PASS.iter().any(|(name, _)| *name == one.name);
            let refused = status(kind, &options().broken(one.name)).is_err();
            if !refused {
                passed.insert(one.name);
            }
            if refused == listed {
                surprises.push(format!("{kind} {}: refused {refused}", one.name));
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
    assert_eq!(passed.len(), LET_PASS.len(), "a listed difference is gone: {passed:?}");
}
