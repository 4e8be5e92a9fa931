use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use avouch_dcap::open_enclave::OpenEnclave;
use avouch_tee::{EvidenceSource as _, Gramine, OwnEvidence, SealedTo, TeeError, sealed_key};
use avouch_token::{
    EvidenceExtension, Jwks, KeySpec, PublishedKey, SigningKey, jwks_document, provider_certificate,
};
use avouch_wire::EvidenceKind;

use crate::fake::{Platform, gramine, pipes};
use crate::{ASKED, at};

#[test]
fn a_quote_is_asked_for_by_the_files_of_gramine_and_carried_as_an_open_enclave_report() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(EvidenceKind::Sgx, at());
    let minted = platform.mint(&ASKED).evidence;
    let quote = minted.clone();
    let asked = gramine(folder.path(), move |report_data, before| match before {
        0 => [quote.as_slice(), &[0; 99]].concat(),
        _ => platform.mint(report_data).evidence,
    });
    let mut source = Gramine::open(folder.path()).unwrap();
    let evidence = source.evidence(&ASKED).unwrap();
    assert_eq!(asked.all(), [ASKED]);
    assert!(evidence == OwnEvidence::Sgx(minted.clone()));
    assert!(evidence.holds_until().unwrap() > at());
    let EvidenceExtension::Raw(report) = evidence.extension().unwrap() else {
        panic!("{evidence:?}")
    };
    assert_eq!(report.len(), 16 + minted.len());
    let parsed = OpenEnclave::parse(&report).unwrap();
    assert_eq!(parsed.quote().untrusted_trailing(), [0; 0]);
    // The other questions are answered too.
    assert!(source.evidence(&[3; 64]).is_ok());
    assert_eq!(asked.all(), [ASKED, [3; 64]]);
}

#[test]
fn a_quote_over_other_bytes_is_asked_for_again_and_never_taken() {
    for (wrong, times) in [(1, 2), (usize::MAX, 5)] {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::new(EvidenceKind::Sgx, at());
        let asked = gramine(folder.path(), move |report_data, before| {
            let mut other = *report_data;
            other[0] ^= u8::from(before < wrong);
            platform.mint(&other).evidence
        });
        let answer = Gramine::open(folder.path()).unwrap().evidence(&ASKED);
        assert_eq!(answer.is_ok(), times == 2, "{answer:?}");
        assert!(answer.is_ok() || matches!(answer, Err(TeeError::OtherReportData { .. })));
        assert_eq!(asked.all().len(), times);
    }
}

#[test]
fn only_dcap_gives_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Gramine::open(folder.path()).map(|_| ()).unwrap_err();
    assert!(matches!(open(), TeeError::Absent { source_name: "gramine", .. }));
    fs::write(folder.path().join("attestation_type"), "none\n").unwrap();
    let none = open();
    assert!(matches!(none, TeeError::Absent { .. }) && none.to_string().contains("manifest"));
    fs::write(folder.path().join("attestation_type"), "epid").unwrap();
    let epid = open();
    assert!(
        matches!(&epid, TeeError::Unexpected { found, .. } if found.contains("epid")),
        "{epid}"
    );
}

#[test]
fn a_sealed_key_is_of_its_name_and_of_its_length() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("keys/_sgx_mrenclave", &[1; 16]);
    put("keys/_sgx_mrsigner", &[2; 16]);
    let within = Duration::from_secs(10);
    let key = |sealed_to| sealed_key(folder.path(), sealed_to, within);
    assert_eq!(**key(SealedTo::MrEnclave).unwrap(), [1; 16]);
    assert_eq!(**key(SealedTo::MrSigner).unwrap(), [2; 16]);
    for bad in [&[1; 15][..], &[], &[0; 16]] {
        put("keys/_sgx_mrenclave", bad);
        let error = key(SealedTo::MrEnclave).unwrap_err();
        assert!(matches!(error, TeeError::Unexpected { .. }), "{error}");
    }
    put("keys/_sgx_mrenclave", &[1; 17]);
    assert!(matches!(key(SealedTo::MrEnclave), Err(TeeError::TooLarge { limit: 16, .. })));
    let absent = sealed_key(Path::new("/nonexistent"), SealedTo::MrSigner, within).unwrap_err();
    assert!(absent.to_string().contains("_sgx_mrsigner"), "{absent}");
}

#[test]
fn a_sealed_key_that_never_comes_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    // Nobody ever writes to it.
    pipes(&folder.path().join("keys"), &["_sgx_mrenclave"]);
    let began = Instant::now();
    let within = Duration::from_millis(100);
    let error = sealed_key(folder.path(), SealedTo::MrEnclave, within).unwrap_err();
    assert!(matches!(error, TeeError::Silent { milliseconds: 100 }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// Evidence of this many bytes in a certificate, and whether a key with that certificate can be used.
fn published(bytes: usize) -> Result<usize, TeeError> {
    // 16 bytes are Open Enclave's header.
    let extension = OwnEvidence::Sgx(vec![0x5a; bytes - 16]).extension()?;
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let certificate = provider_certificate(&key, "https://a.example", Some(&extension)).unwrap();
    let set = jwks_document([&PublishedKey::new(&key, &[certificate])]);
    Ok(Jwks::parse(set.as_bytes()).unwrap().keys().len())
}

#[test]
fn evidence_in_a_certificate_leaves_the_key_of_use() {
    assert_eq!(published(32 * 1024), Ok(1));
    let refused = TeeError::TooLargeToPublish { found: 32 * 1024 + 1, limit: 32 * 1024 };
    assert_eq!(published(32 * 1024 + 1), Err(refused));
    // As JSON it is larger than it is.
    let extension = |bytes: usize| OwnEvidence::Tdx(vec![0; bytes]).extension();
    assert!(extension(24_000).is_ok());
    let error = extension(25_000).unwrap_err();
    assert!(matches!(error, TeeError::TooLargeToPublish { found: 33_349, .. }), "{error}");
}
