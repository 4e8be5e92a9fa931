//! Shapes: truncations, lengths, wrappers.

use avouch_dcap::open_enclave::{
    ENDORSEMENTS_BYTES_MAX, Endorsements, Evidence, OPEN_ENCLAVE_BYTES_MAX, OpenEnclave, Report,
};
use avouch_dcap::{
    ATTESTATION_KEY_ECDSA_P256, QUOTE_BYTES_MAX, Quote, TrustAnchors, verify, verify_platform,
};
use avouch_mint::{OpenEnclaveFormat, Options, TdQuoteFormat, open_enclave_endorsements};
use avouch_wire::{EvidenceKind, FailedCheck as _};

use crate::{anchors, at, collateral, judge, minted};

#[test]
fn no_truncated_quote_parses() {
    for format in [None, Some(TdQuoteFormat::V4), Some(TdQuoteFormat::V5Td15Extended)] {
        let evidence = match format {
            None => minted(EvidenceKind::Sgx, |_| {}),
            Some(format) => minted(EvidenceKind::Tdx, |options| options.td.format = format),
        };
        Quote::parse(&evidence.evidence).expect("whole");
        for length in 0..evidence.evidence.len() {
            let error = Quote::parse(&evidence.evidence[..length]).expect_err("truncated");
            assert!(error.0.offset <= length, "{error}");
        }
    }
}

#[test]
fn no_length_field_can_be_changed_unnoticed() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        let evidence = minted(kind, |_| {});
        let bytes = &evidence.evidence;
        // Signature data, (outer certification data,) authentication data, certification data.
        let offsets: &[(usize, usize)] = match kind {
            EvidenceKind::Sgx => &[(432, 4), (1012, 2), (1048, 4)],
            _ => &[(632, 4), (766, 4), (1218, 2), (1254, 4)],
        };
        for (offset, width) in offsets {
            for byte in 0..*width {
                for bit in 0..8 {
                    let mut changed = bytes.clone();
                    changed[offset + byte] ^= 1 << bit;
                    let Ok(quote) = Quote::parse(&changed) else { continue };
                    verify_platform(&quote, &anchors(&evidence), at()).expect_err("a length");
                }
            }
        }
    }
}

#[test]
fn evidence_of_the_other_tee_is_told_by_its_header() {
    let mut bytes = minted(EvidenceKind::Sgx, |_| {}).evidence;
    bytes[4] = 0x81;
    let error = Quote::parse(&bytes).expect_err("TDX in version 3");
    assert_eq!(error.check(), "tee-type");
    let mut bytes = minted(EvidenceKind::Tdx, |_| {}).evidence;
    bytes[4] = 0;
    let error = Quote::parse(&bytes).expect_err("SGX in version 4");
    assert_eq!(error.check(), "tee-type");
    assert_eq!(error.0.offset, 4);
}

#[test]
fn an_open_enclave_report_is_unwrapped_and_its_siblings_are_refused() {
    let report = minted(EvidenceKind::OpenEnclave, |_| {});
    let parsed = Report::parse(&report.evidence).expect("report");
    verify(parsed.quote(), &collateral(&report), &anchors(&report), at()).expect("verifies");
    let change = |offset: usize, value: u8| {
        let mut bytes = report.evidence.clone();
        bytes[offset] = value;
        OpenEnclave::parse(&bytes).map(|_| ()).map_err(|error| error.check())
    };
    assert_eq!(change(0, 2), Err("open-enclave-version"));
    assert_eq!(change(0, 3), Err("open-enclave-format"));
    assert_eq!(change(4, 1), Err("open-enclave-type"));
    assert_eq!(change(15, 1), Err("open-enclave-size"));
    let size = report.evidence[8];
    assert_eq!(change(8, size.wrapping_add(1)), Err("open-enclave-size"));
    assert_eq!(change(8, size.wrapping_sub(1)), Err("open-enclave-size"));
    for length in 0..report.evidence.len() {
        OpenEnclave::parse(&report.evidence[..length]).expect_err("truncated");
    }
    let longer = [report.evidence.as_slice(), &[0]].concat();
    let error = OpenEnclave::parse(&longer).expect_err("longer than it says");
    assert_eq!(error.check(), "open-enclave-size");
    // The size may be right and the quote still not fill it.
    let mut padded = longer;
    let size = u64::try_from(padded.len() - 16).expect("size");
    padded[8..16].copy_from_slice(&size.to_le_bytes());
    let error = OpenEnclave::parse(&padded).expect_err("padding");
    assert_eq!(error.check(), "signature-data-length");
}

#[test]
fn a_td_quote_in_an_open_enclave_wrapper_is_refused() {
    let quote = minted(EvidenceKind::Tdx, |_| {}).evidence;
    let size = u64::try_from(quote.len()).expect("size").to_le_bytes();
    let report = [&[1, 0, 0, 0, 2, 0, 0, 0], size.as_slice(), &quote].concat();
    let error = Report::parse(&report).expect_err("TDX");
    assert_eq!(error.check(), "quote-version");
}

#[test]
fn custom_claims_are_bound_by_the_report_data() {
    for format in [OpenEnclaveFormat::Evidence, OpenEnclaveFormat::EvidenceWithoutHeader] {
        let minted = minted(EvidenceKind::OpenEnclave, |options| options.open_enclave = format);
        let parsed = match format {
            OpenEnclaveFormat::Evidence => Evidence::parse(&minted.evidence),
            _ => Evidence::parse_without_header(&minted.evidence),
        };
        let evidence = parsed.expect("evidence");
        let verified = verify(evidence.quote(), &collateral(&minted), &anchors(&minted), at())
            .expect("verifies");
        let claims = evidence.bind_custom_claims(&verified).expect("bound");
        let data = minted.runtime_data.clone().expect("data").bytes;
        assert_eq!(claims.as_bytes(), data);

        let mut altered = minted.evidence.clone();
        *altered.last_mut().expect("claims") ^= 1;
        let parsed = match format {
            OpenEnclaveFormat::Evidence => Evidence::parse(&altered),
            _ => Evidence::parse_without_header(&altered),
        };
        let error = parsed.expect("evidence").bind_custom_claims(&verified).expect_err("altered");
        assert_eq!(error.check(), "custom-claims");
    }
}

#[test]
fn evidence_in_a_format_that_is_not_verified_is_refused_by_name() {
    let minted = minted(EvidenceKind::OpenEnclave, |options| {
        options.open_enclave = OpenEnclaveFormat::Evidence;
    });
    for (format, name) in [
        ("c8303454d9234c2ca691df7def460a76", "LEGACY_REPORT_REMOTE ("),
        ("1923d91e12d24c72b22025cd8dace871", "RAW_SGX_QUOTE_ECDSA ("),
        ("09268c336e0b45e58a2715644d0ef89a", "SGX_LOCAL_ATTESTATION ("),
        ("f228aa3fde4d49d3884cb2aa87a50da6", "SGX_EPID_LINKABLE ("),
        ("5c35d290a2c24c559e135ad732746c88", "SGX_EPID_UNLINKABLE ("),
        ("8ba70286c1cf11edafa10242ac120002", "TDX_QUOTE_ECDSA ("),
        ("000102030405060708090a0b0c0d0e0f", "000102"),
    ] {
        let mut bytes = minted.evidence.clone();
        bytes[4..20].copy_from_slice(&avouch_wire::decode_hex(format).expect("hex"));
        let error = Evidence::parse(&bytes).expect_err(name);
        assert_eq!(error.check(), "open-enclave-format");
        let words = format!("expected SGX_ECDSA, found {name}");
        assert!(error.to_string().contains(&words), "{error}");
    }
}

/// The words of a refusal.
fn refused<T>(read: Result<T, impl std::fmt::Display>) -> String {
    read.err().expect("refused").to_string()
}

/// The bytes with zeros behind them, so many in all.
fn padded(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(length, 0);
    padded
}

#[test]
fn a_quote_is_at_most_16_kib_long() {
    assert_eq!(QUOTE_BYTES_MAX, 16_384);
    let quote = minted(EvidenceKind::Sgx, |_| {}).evidence;
    let read = Quote::parse(&quote).expect("quote");
    assert_eq!(read.header().attestation_key_type, ATTESTATION_KEY_ECDSA_P256);
    assert_eq!(ATTESTATION_KEY_ECDSA_P256, 2);
    let largest = padded(&quote, 16_384);
    let read = Quote::parse(&largest).expect("the largest");
    assert_eq!(read.untrusted_trailing().len(), 16_384 - quote.len());
    assert_eq!(
        refused(Quote::parse(&padded(&quote, 16_385))),
        "Quote.length at byte 0x0: 16385 is over the limit of 16384"
    );
}

#[test]
fn the_body_of_a_quote_of_version_5_has_the_size_of_its_type() {
    let quote =
        minted(EvidenceKind::Tdx, |options| options.td.format = TdQuoteFormat::V5Td15).evidence;
    let mut other = quote.clone();
    other[50] ^= 1;
    let words = refused(Quote::parse(&other));
    assert!(words.ends_with("expected 648, found 649"), "{words}");
}

#[test]
fn what_open_enclave_wraps_is_at_most_64_kib_long() {
    assert_eq!(OPEN_ENCLAVE_BYTES_MAX, 65_536);
    let over = |structure: &str| {
        format!("{structure}.length at byte 0x0: 65537 is over the limit of 65536")
    };
    // The declared size stands behind version and type, or behind version and format.
    let sized = |bytes: &[u8], length: usize, header: usize| {
        let mut padded = padded(bytes, length);
        let size = u64::try_from(length - header).expect("size").to_le_bytes();
        padded[header - 8..header].copy_from_slice(&size);
        padded
    };
    let report = minted(EvidenceKind::OpenEnclave, |_| {}).evidence;
    let words = refused(Report::parse(&sized(&report, 65_536, 16)));
    assert!(words.contains("unexpected bytes after the structure"), "read, and longer: {words}");
    let words = refused(Report::parse(&sized(&report, 65_537, 16)));
    assert_eq!(words, over("OpenEnclaveReportHeader"));

    let format = OpenEnclaveFormat::Evidence;
    let evidence =
        minted(EvidenceKind::OpenEnclave, |options| options.open_enclave = format).evidence;
    let largest = sized(&evidence, 65_536, 28);
    let read = Evidence::parse(&largest).expect("the largest");
    assert!(read.untrusted_custom_claims().ends_with(&[0; 40_000]));
    let words = refused(Evidence::parse(&sized(&evidence, 65_537, 28)));
    assert_eq!(words, over("OpenEnclaveEvidenceHeader"));

    let bare = &evidence[28..];
    Evidence::parse_without_header(&padded(bare, 65_536)).expect("the largest");
    let words = refused(Evidence::parse_without_header(&padded(bare, 65_537)));
    assert_eq!(words, over("OpenEnclaveEvidence"));
}

#[test]
fn a_refused_wrapper_says_what_it_should_have_been() {
    let report = minted(EvidenceKind::OpenEnclave, |_| {}).evidence;
    let mut other = report.clone();
    other[4] = 1;
    let words = refused(Report::parse(&other));
    assert!(words.ends_with("expected 2, found 1"), "{words}");
    let (size, longer) = (report.len() - 16, [report.as_slice(), &[0]].concat());
    let words = refused(Report::parse(&longer));
    assert!(words.ends_with(&format!("expected {}, found {size}", size + 1)), "{words}");
}

#[test]
fn an_endorsements_blob_is_cut_where_it_says_and_is_at_most_1_mib_long() {
    assert_eq!(ENDORSEMENTS_BYTES_MAX, 1_048_576);
    let blob = open_enclave_endorsements(&Options::new(at())).expect("blob");
    // The last element, the time of creation, may have any length.
    let sized = |length: usize| {
        let mut padded = padded(&blob, length);
        let size = u32::try_from(length - 16).expect("size").to_le_bytes();
        padded[8..12].copy_from_slice(&size);
        padded
    };
    let largest = sized(1_048_576);
    let read = Endorsements::parse(&largest).expect("the largest");
    assert!(read.untrusted_creation_time().ends_with(&[0; 1_000_000]));
    assert_eq!(
        refused(Endorsements::parse(&sized(1_048_577))),
        "OpenEnclaveEndorsements.length at byte 0x0: 1048577 is over the limit of 1048576"
    );
    let changed = |offset: usize, value: u8| {
        let mut changed = blob.clone();
        changed[offset] = value;
        refused(Endorsements::parse(&changed))
    };
    let words = changed(0, 2);
    assert!(words.ends_with("version at byte 0x0: expected 1, found 2"), "{words}");
    let size = blob.len() - 16;
    let other = blob[8] ^ 1;
    let words = changed(8, other);
    assert!(words.contains(&format!("expected {size}, found ")), "{words}");
    let words = changed(16, 1);
    assert!(words.contains("do not rise from 0 to "), "{words}");
    let words = changed(52, 2);
    assert!(words.ends_with("expected 01000000, found 02000000"), "{words}");
}

#[test]
fn an_endorsements_blob_holds_the_same_collateral() {
    let minted = minted(EvidenceKind::OpenEnclave, |_| {});
    let blob = open_enclave_endorsements(&Options::new(at())).expect("blob");
    let endorsements = Endorsements::parse(&blob).expect("parses");
    let from_blob = endorsements.collateral().expect("collateral");
    // Keys come from the seed and signatures do not, so the blob judges the same evidence.
    let report = Report::parse(&minted.evidence).expect("report");
    verify(report.quote(), &from_blob, &anchors(&minted), at()).expect("verifies");
    let chain = endorsements.parts().tcb_info_issuer_chain;
    let verified = from_blob.verify(&anchors(&minted), at()).expect("verifies");
    assert_eq!(verified.hashes().tcb_info_certs, avouch_pki::digest::sha256(chain));
    for length in 0..blob.len() {
        Endorsements::parse(&blob[..length]).expect_err("truncated");
    }
    for (offset, what) in [(0, "version"), (4, "type"), (8, "size"), (12, "count"), (16, "first")] {
        let mut changed = blob.clone();
        changed[offset] ^= 1;
        Endorsements::parse(&changed).expect_err(what);
    }
    let mut falling = blob.clone();
    falling.copy_within(20..24, 24);
    falling[20] = falling[20].wrapping_add(200);
    let error = Endorsements::parse(&falling).expect_err("offsets fall");
    assert!(error.to_string().contains("offset"), "{error}");
}

#[test]
fn nothing_is_judged_without_anchors() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    judge(&evidence).expect("with them");
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    verify_platform(&quote, &TrustAnchors::none(), at()).expect_err("without");
}

#[test]
fn certification_data_are_told_by_their_type_and_length() {
    use avouch_dcap::CertificationData;
    use avouch_wire::Cursor;
    let parse = |code: u16, length: usize| {
        let head = [&code.to_le_bytes()[..], &u32::try_from(length).expect("short").to_le_bytes()];
        let bytes = [&head.concat()[..], &vec![7; length]].concat();
        let mut cursor = Cursor::new("Test", &bytes);
        let read = CertificationData::parse(&mut cursor).ok()?;
        Some((read.code(), read.needs().to_owned()))
    };
    for (code, length, needs) in [
        (1, 16 + 18, "the PCK certificate chain of this PPID"),
        (2, 256 + 18, "the PCK certificate chain of this encrypted PPID"),
        (3, 384 + 18, "the PCK certificate chain of this encrypted PPID"),
        (4, 5, "the issuer chain of the PCK certificate"),
        (5, 5, "nothing"),
        (7, 5, "a quote made after registration"),
    ] {
        let (found, words) = parse(code, length).expect("parses");
        assert_eq!(found, code);
        assert!(words.starts_with(needs), "{code}: {words}");
        if code < 4 {
            // PCEID may be absent, and nothing may follow it.
            assert!(parse(code, length + 2).is_some());
            for wrong in [length - 1, length + 1, length + 3] {
                assert_eq!(parse(code, wrong), None, "{code}: {wrong}");
            }
        }
    }
    for code in [0, 6, 8, 0x0105] {
        assert_eq!(parse(code, 5), None, "{code}");
    }
}
