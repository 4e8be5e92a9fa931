//! Another implementation, `dcap-qvl`, judges good minted evidence under the minted root.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop the process; its numbers are its own"
)]

use avouch_mint::{
    ChainStyle, EnclaveOptions, HeldData, Kind, Kss, Minted, Options, PckCa, Seed, TD_DEBUG,
    TcbStatus, TdQuoteFormat, mint,
};
use avouch_wire::UnixTime;
use dcap_qvl::{QuoteCollateralV3, verify::QuoteVerifier};

fn options() -> Options {
    Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap())
}

/// The status that dcap-qvl gives, and its advisories.
fn judge(minted: &Minted) -> Result<(String, Vec<String>), String> {
    let collateral: QuoteCollateralV3 = serde_json::from_slice(&minted.endorsements).unwrap();
    let roots = avouch_pki::pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
    let quote = match minted.kind {
        Kind::OpenEnclave => &minted.evidence[16..],
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

fn status(kind: Kind, options: &Options) -> Result<String, String> {
    judge(&mint(kind, options).unwrap()).map(|(status, _)| status)
}

#[test]
fn accepts_good_evidence_of_each_intel_kind() {
    for kind in [Kind::Sgx, Kind::OpenEnclave, Kind::Tdx] {
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
        assert_eq!(status(Kind::Tdx, &options).as_deref(), Ok("UpToDate"), "{format:?}");
    }
}

#[test]
fn lands_on_the_chosen_platform_status_with_its_advisories() {
    for kind in [Kind::Sgx, Kind::Tdx] {
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
    assert_eq!(status(Kind::Sgx, &options).as_deref(), Ok("OutOfDate"));
    options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
    assert_eq!(status(Kind::Tdx, &options).as_deref(), Ok("OutOfDateConfigurationNeeded"));

    let mut options = self::options();
    options.td.module_status = TcbStatus::OutOfDate;
    assert_eq!(status(Kind::Tdx, &options).as_deref(), Ok("OutOfDate"));
}

#[test]
fn advises_a_relaunch_where_the_module_was_updated_under_the_td() {
    let mut options = options();
    options.td.format = TdQuoteFormat::V5Td15;
    options.td.tee_tcb_svn[0] = 6;
    assert_eq!(status(Kind::Tdx, &options).as_deref(), Ok("TDRelaunchAdvised"));
    options.platform.tcb_status = TcbStatus::ConfigurationNeeded;
    let expected = Ok("TDRelaunchAdvisedConfigurationNeeded");
    assert_eq!(status(Kind::Tdx, &options).as_deref(), expected);
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
        for kind in [Kind::Sgx, Kind::Tdx] {
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
        assert_eq!(status(Kind::Sgx, &Options::new(at)).as_deref(), Ok("UpToDate"), "{at}");
    }
}
