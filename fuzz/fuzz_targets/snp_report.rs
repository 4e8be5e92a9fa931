//! SEV-SNP reports: no panic, and no report verifies that does not say what the mint signed.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::{Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_snp::{
    Chain, Crls, Endorsements, Report, ReportVersions, TrustAnchors, VerifiedEndorsementKey,
    verify_chain, verify_report,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

struct Known {
    key: VerifiedEndorsementKey,
    report: Report,
    at: UnixTime,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(EvidenceKind::Snp, &Options::new(at)).unwrap();
    let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
    let anchors = TrustAnchors::none().with_root(&Certificate::parse(&root[0]).unwrap()).unwrap();
    let chain: Chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let key = verify_chain(&chain, &anchors, &Crls::none(), at).unwrap();
    Known { key, report: Report::parse(&minted.evidence).unwrap(), at }
});

// Minting signs with RSA-4096: not to be counted as the time of an input.
fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    for versions in [ReportVersions::Known, ReportVersions::KnownAndSix] {
        let Ok(report) = Report::parse_versions(data, versions) else { continue };
        assert_eq!(report.bytes().as_slice(), data);
        let known = &*KNOWN;
        match verify_report(&report, &known.key, &Crls::none(), known.at) {
            Ok(verified) => {
                // The seeds hold reports of several versions under this key, of one guest.
                let (found, minted) = (verified.body(), known.report.untrusted_body());
                assert_eq!(found.measurement, minted.measurement);
                assert_eq!(found.report_data, minted.report_data);
                assert_eq!(found.chip_id, minted.chip_id);
                assert!(serde_json::to_string(&verified).is_ok());
            }
            Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
        }
    }
});
