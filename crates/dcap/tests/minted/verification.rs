//! Anchors, windows, remembered platforms, archived collateral.

use avouch_dcap::{
    CertificationData, Collateral, CollateralRequirements, PlatformCacheKey, Quote, QuoteVersion,
    TeeType, TrustAnchors, VerifyError, verify, verify_platform, verify_platform_beside,
    verify_quote,
};
use avouch_mint::{PckCa, Seed, TdQuoteFormat, breaks, mint};
use avouch_wire::{EvidenceKind, FailedCheck as _};
use serde_json::Value;

use crate::{anchors, at, collateral, judge, minted};

const DAY: i64 = 86_400;

#[test]
fn every_break_is_refused_by_its_check_or_by_a_later_step() {
    use avouch_mint::{Options, Stage};
    let kinds = [
        (EvidenceKind::Sgx, PckCa::Platform),
        (EvidenceKind::Sgx, PckCa::Processor),
        (EvidenceKind::Tdx, PckCa::Platform),
    ];
    for (kind, ca) in kinds {
        for one in breaks(kind).iter().filter(|one| one.stage == Stage::Verification) {
            let mut options = Options::new(at()).broken(one.name);
            options.platform.ca = ca;
            let broken = mint(kind, &options).expect(one.name);
            let quote = Quote::parse(&broken.evidence).map_err(VerifyError::from);
            let check = match (quote, Collateral::parse_json(&broken.endorsements)) {
                (Err(error), _) => error.check(),
                (_, Err(error)) => error.check(),
                (Ok(quote), Ok(collateral)) => {
                    verify(&quote, &collateral, &anchors(&broken), broken.at)
                        .expect_err(one.name)
                        .check()
                }
            };
            assert_eq!(check, one.expected_check, "{kind} {ca:?} {}", one.name);
        }
    }
}

#[test]
fn evidence_under_a_root_that_is_not_added_is_refused() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    for anchors in [TrustAnchors::intel(), TrustAnchors::none()] {
        let error = verify_platform(&quote, &anchors, at()).expect_err("no anchor");
        assert_eq!(error.check(), "trust-anchor");
        let error = collateral(&evidence).verify(&anchors, at()).expect_err("no anchor");
        assert_eq!(error.check(), "trust-anchor");
    }
}

#[test]
fn the_result_says_which_root_it_rests_on() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let verified = judge(&evidence).expect("verifies");
    assert!(!verified.root().is_built_in);
    assert!(verified.root().label.contains("Avouch Mint"), "{:?}", verified.root());
    let intel = TrustAnchors::intel();
    let listed: Vec<_> = intel.roots().collect();
    assert!(matches!(listed.as_slice(), [only] if only.is_built_in));
    assert_eq!(anchors(&evidence).roots().count(), 2);
}

#[test]
fn a_root_that_is_not_self_signed_is_no_anchor() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let json: Value = serde_json::from_slice(&evidence.endorsements).expect("json");
    let chain = json["pck_crl_issuer_chain"].as_str().expect("chain");
    let error = TrustAnchors::none().with_pem(chain.as_bytes()).expect_err("an intermediate");
    assert!(error.to_string().contains("self-signed"), "{error}");
    TrustAnchors::none().with_pem(b"").expect_err("nothing");
    TrustAnchors::none().with_pem(b"-----BEGIN CERTIFICATE-----").expect_err("half");
}

#[test]
fn collateral_of_one_root_says_nothing_about_a_platform_of_another() {
    let one = minted(EvidenceKind::Sgx, |_| {});
    let other = minted(EvidenceKind::Sgx, |options| options.seed = Seed::from_number(7));
    let both = anchors(&one).with_pem(other.root_pem.as_bytes()).expect("two roots");
    let quote = Quote::parse(&one.evidence).expect("quote");
    let foreign = collateral(&other).verify(&both, at()).expect("verifies");
    let platform = verify_platform_beside(&quote, &both, &foreign, at()).expect("verifies");
    let error = verify_quote(&quote, &platform, &foreign, at()).expect_err("mixed");
    assert_eq!(error.check(), "mixed-trust-anchors");
}

#[test]
fn a_remembered_platform_gives_the_same_facts_as_a_new_one() {
    for kind in [EvidenceKind::Sgx, EvidenceKind::Tdx] {
        let evidence = minted(kind, |_| {});
        let anchors = anchors(&evidence);
        let quote = Quote::parse(&evidence.evidence).expect("quote");
        let collateral = collateral(&evidence).verify(&anchors, at()).expect("collateral");
        let alone = verify_platform(&quote, &anchors, at()).expect("platform");
        let beside = verify_platform_beside(&quote, &anchors, &collateral, at()).expect("platform");
        let fresh = judge(&evidence).expect("verifies");
        for platform in [&alone, &beside] {
            assert_eq!(verify_quote(&quote, platform, &collateral, at()), Ok(fresh.clone()));
        }
    }
}

#[test]
fn a_remembered_platform_is_asked_for_its_dates_each_time() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let collateral = collateral(&evidence).verify(&anchors, at()).expect("collateral");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    for days in [-20_000, 20_000] {
        let moved = at().saturating_add_seconds(days * DAY);
        let error = verify_quote(&quote, &platform, &collateral, moved).expect_err("moved");
        let expected = if days < 0 { "certificate-not-yet-valid" } else { "certificate-expired" };
        assert!(error.check().ends_with(expected), "{}: {error}", error.check());
    }
}

#[test]
fn a_remembered_platform_whose_pck_certificate_ran_out_is_refused_under_collateral_of_today() {
    const YEAR: i64 = 365 * DAY;
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    // The CAs live on, and all collateral is new: the PCK certificate alone is of the past.
    let judged_at = |years: i64| {
        let later = at().saturating_add_seconds(years * YEAR);
        let new = minted(EvidenceKind::Sgx, |options| options.at = later);
        let new = collateral(&new).verify(&anchors, later).expect("in force");
        verify_quote(&quote, &platform, &new, later)
    };
    judged_at(5).expect("still valid");
    let error = judged_at(7).expect_err("a year over");
    assert_eq!(error.check(), "pck-certificate-expired");
}

#[test]
fn every_bound_of_every_window_is_inclusive() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let verified = collateral(&evidence).verify(&anchors, at()).expect("collateral");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    let window = verified.window().intersect(platform.window());
    for (moment, good) in [
        (window.not_before, true),
        (window.not_before.saturating_add_seconds(-1), false),
        (window.not_after, true),
        (window.not_after.saturating_add_seconds(1), false),
    ] {
        assert_eq!(verify_quote(&quote, &platform, &verified, moment).is_ok(), good, "{moment}");
        let fresh = verify(&quote, &collateral(&evidence), &anchors, moment);
        assert_eq!(fresh.is_ok(), good, "{moment}");
    }
}

#[test]
fn a_quote_is_not_judged_by_the_platform_of_another() {
    let one = minted(EvidenceKind::Sgx, |_| {});
    let other = minted(EvidenceKind::Sgx, |options| options.platform.qe_auth_data = vec![1; 20]);
    let anchors = anchors(&one);
    let collateral = collateral(&one).verify(&anchors, at()).expect("collateral");
    let quote = Quote::parse(&one.evidence).expect("quote");
    let other = Quote::parse(&other.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    assert!(platform.is_proven_by(&quote) && !platform.is_proven_by(&other));
    let error = verify_quote(&other, &platform, &collateral, at()).expect_err("another");
    assert_eq!(error.check(), "other-platform");
}

#[test]
fn a_platform_is_proven_by_all_but_the_quote_signature_and_padding() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    let is_proven_by =
        |bytes: &[u8]| Quote::parse(bytes).is_ok_and(|quote| platform.is_proven_by(&quote));
    let flipped = |offset: usize| {
        let mut bytes = evidence.evidence.clone();
        bytes[offset] ^= 1;
        is_proven_by(&bytes)
    };
    // Body and quote signature differ from quote to quote of one platform.
    for offset in [112, 400, 436, 499] {
        assert!(flipped(offset), "{offset}");
    }
    // Attestation key, QE report, its signature, authentication data, certification data.
    for offset in [500, 564, 700, 948, 1014, 1100, evidence.evidence.len() - 100] {
        assert!(!flipped(offset), "{offset}");
    }
    assert!(is_proven_by(&[evidence.evidence.as_slice(), &[1, 2, 3]].concat()));
    // The same signature data in a quote of version 4 prove nothing of this one.
    let tdx = minted(EvidenceKind::Tdx, |_| {});
    assert!(!is_proven_by(&tdx.evidence));
}

/// The quote with another text in place of its PCK chain, lengths and all.
fn with_chain(quote: &[u8], change: impl FnOnce(&str) -> Vec<u8>) -> Vec<u8> {
    let parsed = Quote::parse(quote).expect("quote");
    let CertificationData::PckChain(chain) = parsed.signature_data().certification_data else {
        panic!("the mint writes chains")
    };
    let before = quote.len() - chain.len();
    let chain = change(std::str::from_utf8(chain).expect("text"));
    let mut changed = [&quote[..before], &chain].concat();
    for from in [436, before] {
        let length = u32::try_from(changed.len() - from).expect("short").to_le_bytes();
        changed[from - 4..from].copy_from_slice(&length);
    }
    changed
}

#[test]
fn what_stands_around_the_certificates_makes_no_other_platform() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let place = PlatformCacheKey::of(&quote, &anchors);
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    let collateral = collateral(&evidence).verify(&anchors, at()).expect("collateral");
    type Change = fn(&str) -> String;
    let same: [(&str, Change); 8] = [
        ("as it is", str::to_owned),
        ("more than is kept", |chain| format!("{chain}{}", "\n".repeat(8192))),
        ("text before", |chain| format!("subject=CN\n{chain}")),
        ("text after", |chain| format!("{chain}issuer - - -----")),
        ("text between", |chain| chain.replace("-----\n-----", "-----\nbetween\n-----")),
        ("CR LF", |chain| chain.replace('\n', "\r\n")),
        ("spaces in lines", |chain| chain.replace("\nM", "\n M ")),
        ("no line ends", |chain| chain.replace('\n', "")),
    ];
    for (what, change) in same {
        let bytes = with_chain(&evidence.evidence, |chain| change(chain).into_bytes());
        let quote = Quote::parse(&bytes).expect("quote");
        assert_eq!(PlatformCacheKey::of(&quote, &anchors), place, "{what}");
        assert!(platform.is_proven_by(&quote), "{what}");
        let otherwise = verify_platform(&quote, &anchors, at());
        let otherwise = otherwise.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(otherwise.is_proven_by(&quote), "{what}, itself");
        assert!(otherwise.bytes_held() <= platform.bytes_held() + 200, "{what}");
        verify_quote(&quote, &platform, &collateral, at()).expect(what);
    }
    // What is read otherwise, or not at all, is not taken for it.
    let other: [(&str, Change); 6] = [
        ("a character", |chain| chain.replacen("\nMI", "\nMJ", 1)),
        ("another character than base64", |chain| chain.replacen("\nMI", "\nM-", 1)),
        ("another label", |chain| chain.replacen("BEGIN CERTIFICATE", "BEGIN CERTIFICATION", 1)),
        ("a block more", |chain| format!("{chain}{chain}")),
        ("a block begun", |chain| format!("{chain}-----BEGIN CERTIFICATE-----")),
        ("padding", |chain| chain.replacen("\n-----END", "=\n-----END", 1)),
    ];
    for (what, change) in other {
        let bytes = with_chain(&evidence.evidence, |chain| change(chain).into_bytes());
        let quote = Quote::parse(&bytes).expect("quote");
        assert_eq!(PlatformCacheKey::of(&quote, &anchors), place, "{what}");
        assert!(!platform.is_proven_by(&quote), "{what}");
        verify_platform(&quote, &anchors, at()).expect_err(what);
        let error = verify_quote(&quote, &platform, &collateral, at()).expect_err(what);
        assert_eq!(error.check(), "other-platform", "{what}");
    }
    let not_utf8 = with_chain(&evidence.evidence, |chain| [chain.as_bytes(), &[0xff]].concat());
    let quote = Quote::parse(&not_utf8).expect("quote");
    assert!(!platform.is_proven_by(&quote));
    verify_platform(&quote, &anchors, at()).expect_err("not UTF-8");
}

#[test]
fn certificates_of_a_chain_may_stand_in_any_order() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let bytes = with_chain(&evidence.evidence, |chain| {
            let blocks: Vec<&str> = chain.split_inclusive("-----END CERTIFICATE-----\n").collect();
            assert!(blocks.len() >= 3, "{chain}");
            order.map(|index| blocks[index]).concat().into_bytes()
        });
        let quote = Quote::parse(&bytes).expect("quote");
        verify_platform(&quote, &anchors, at()).unwrap_or_else(|e| panic!("{order:?}: {e}"));
    }
}

#[test]
fn a_ca_that_is_known_under_one_root_is_not_known_under_another() {
    let one = minted(EvidenceKind::Sgx, |_| {});
    let other = minted(EvidenceKind::Sgx, |options| options.seed = Seed::from_number(7));
    let both = anchors(&one).with_pem(other.root_pem.as_bytes()).expect("two roots");
    let blocks = |chain: &str| -> Vec<String> {
        let blocks = chain.split_inclusive("-----END CERTIFICATE-----\n");
        blocks.map(str::to_owned).collect()
    };
    // The collateral knows the very certificate that is in the quote.
    let mut ca = String::new();
    with_chain(&one.evidence, |chain| {
        ca = blocks(chain)[1..3].concat();
        chain.into()
    });
    let mut set: Value = serde_json::from_slice(&one.endorsements).expect("json");
    set["pck_crl_issuer_chain"] = Value::from(ca);
    let set = Collateral::parse_json(set.to_string().as_bytes()).expect("collateral");
    let known = set.verify(&both, at()).expect("verifies");
    let quote = Quote::parse(&one.evidence).expect("quote");
    verify_platform_beside(&quote, &both, &known, at()).expect("under its own root");
    let bytes = with_chain(&one.evidence, |chain| {
        let blocks = blocks(chain);
        [&blocks[0], &blocks[1], &other.root_pem].map(String::as_str).concat().into_bytes()
    });
    let quote = Quote::parse(&bytes).expect("quote");
    let error = verify_platform_beside(&quote, &both, &known, at()).expect_err("another root");
    assert_eq!(error.check(), "pck-ca-certificate-signature");
}

#[test]
fn a_remembered_platform_says_how_much_memory_it_holds() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors(&evidence), at()).expect("platform");
    let CertificationData::PckChain(chain) = quote.signature_data().certification_data else {
        panic!("the mint writes chains")
    };
    let chain = avouch_pki::pem::certificates(chain, 3).expect("three");
    let held =
        |der: &Vec<u8>| avouch_pki::Certificate::parse(der).expect("certificate").bytes_held();
    let (all, root) = (chain.iter().map(held).sum::<usize>(), held(&chain[2]));
    let rest = size_of::<avouch_dcap::VerifiedPlatform>() + avouch_pki::KEY_READ_BYTES;
    let proof = quote.signature_data().after_quote_signature.len();
    assert_eq!(platform.bytes_held(), rest + all - root + proof);
}

#[test]
fn a_byte_moved_from_authentication_to_certification_data_is_another_platform() {
    // 436 + 576 is the length of the authentication data, after it type and length of the chain.
    let evidence = minted(EvidenceKind::Sgx, |options| options.platform.qe_auth_data = vec![5; 40]);
    let anchors = anchors(&evidence);
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let mut moved = evidence.evidence.clone();
    moved[1012] -= 1;
    let Ok(moved) = Quote::parse(&moved) else { return };
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    assert!(!platform.is_proven_by(&moved));
    verify_platform(&moved, &anchors, at()).expect_err("moved");
}

#[test]
fn collateral_that_revokes_a_remembered_platform_acts_at_once() {
    let good = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&good);
    let quote = Quote::parse(&good.evidence).expect("quote");
    let platform = verify_platform(&quote, &anchors, at()).expect("platform");
    for (name, check) in [
        ("pck-revoked", "pck-certificate-revoked"),
        ("tcb-revoked", "tcb-revoked"),
        ("no-tcb-level", "tcb-level"),
    ] {
        let Some(one) = breaks(EvidenceKind::Sgx).iter().find(|one| one.name == name) else {
            continue;
        };
        assert_eq!(one.expected_check, check);
        let newer = minted(EvidenceKind::Sgx, |options| options.break_name = Some(name.to_owned()));
        let newer = collateral(&newer).verify(&anchors, at()).expect("collateral");
        let error = verify_quote(&quote, &platform, &newer, at()).expect_err(name);
        assert_eq!(error.check(), check);
    }
}

#[test]
fn a_platform_of_the_processor_ca_verifies_and_has_no_instance_id() {
    let evidence = minted(EvidenceKind::Sgx, |options| options.platform.ca = PckCa::Processor);
    let verified = judge(&evidence).expect("verifies");
    assert_eq!(verified.pck().platform_instance_id, None);
    let evidence = minted(EvidenceKind::Sgx, |options| options.platform.ca = PckCa::Platform);
    let verified = judge(&evidence).expect("verifies");
    assert!(verified.pck().platform_instance_id.is_some());
}

#[test]
fn a_list_of_one_pck_ca_does_not_serve_for_platforms_of_the_other() {
    let of = |ca| minted(EvidenceKind::Sgx, |options| options.platform.ca = ca);
    let (processor, platform) = (of(PckCa::Processor), of(PckCa::Platform));
    for (own, other) in [(&processor, &platform), (&platform, &processor)] {
        let quote = Quote::parse(&own.evidence).expect("quote");
        verify(&quote, &collateral(own), &anchors(own), at()).expect("its own list");
        let error = verify(&quote, &collateral(other), &anchors(own), at()).expect_err("of others");
        assert_eq!(error.check(), "pck-crl-of-other-ca");
    }
}

#[test]
fn an_archived_document_passes_after_its_next_update_only_if_it_is_pinned() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let anchors = anchors(&evidence);
    let collateral = collateral(&evidence);
    let verified = collateral.verify(&anchors, at()).expect("in force");
    // A moment at which only the documents have expired, if the minted CRLs live longer.
    let after = verified.tcb_info().window.not_after.saturating_add_seconds(1);
    let error = collateral.verify(&anchors, after).expect_err("expired");
    let pinned = CollateralRequirements {
        archived_sha256: vec![
            collateral.tcb_info().text_sha256(),
            collateral.qe_identity().text_sha256(),
        ],
        ..Default::default()
    };
    match collateral.verify_with(&anchors, after, &pinned) {
        Ok(archived) => {
            assert_eq!(error.check(), "tcb-info-expired");
            assert!(archived.window().not_after > after);
            let half = CollateralRequirements {
                archived_sha256: vec![collateral.tcb_info().text_sha256()],
                ..Default::default()
            };
            let error = collateral.verify_with(&anchors, after, &half).expect_err("half pinned");
            assert_eq!(error.check(), "qe-identity-expired");
        }
        // CRLs are never exempt.
        Err(pinned_error) => {
            assert!(pinned_error.check().ends_with("-crl-expired"), "{pinned_error}");
            assert_eq!(error.check(), pinned_error.check());
        }
    }
    let before = verified.tcb_info().window.not_before.saturating_add_seconds(-1);
    collateral.verify_with(&anchors, before, &pinned).expect_err("a pin moves no issue date");
}

#[test]
fn td_reports_of_every_form_verify_with_all_their_fields() {
    for format in [
        TdQuoteFormat::V4,
        TdQuoteFormat::V5Td10,
        TdQuoteFormat::V5Td15,
        TdQuoteFormat::V5Td15Extended,
    ] {
        let evidence = minted(EvidenceKind::Tdx, |options| options.td.format = format);
        let verified = judge(&evidence).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        let facts = serde_json::to_value(&verified).expect("json");
        let newer = matches!(format, TdQuoteFormat::V5Td15 | TdQuoteFormat::V5Td15Extended);
        assert_eq!(facts.get("tee_tcb_svn2").is_some(), newer);
        assert_eq!(facts.get("td_id").is_some(), format == TdQuoteFormat::V5Td15Extended);
        assert_eq!(facts.get("current_tcb_status").is_some(), newer);
        assert_eq!(facts["tee"], "tdx");
    }
}

#[test]
fn facts_of_an_enclave_have_the_names_that_checks_rely_on() {
    let evidence = minted(EvidenceKind::Sgx, |options| {
        options.enclave.mr_enclave = Some([0xab; 32]);
        options.enclave.mr_signer = Some([0xcd; 32]);
        options.enclave.isv_prod_id = 300;
    });
    let facts = serde_json::to_value(judge(&evidence).expect("verifies")).expect("json");
    assert_eq!(facts["mr_enclave"], "ab".repeat(32));
    assert_eq!(facts["mr_signer"], "cd".repeat(32));
    assert_eq!(facts["isv_prod_id"], 300);
    assert_eq!(facts["tcb_status"], "UpToDate");
    assert_eq!(facts["advisory_ids"], serde_json::json!([]));
    assert_eq!(facts["report_data"].as_str().map(str::len), Some(128));
    assert_eq!(facts["root"]["is_built_in"], false);
}

#[test]
fn each_fact_is_told_by_itself() {
    for (kind, tee, version) in [
        (EvidenceKind::Sgx, TeeType::Sgx, QuoteVersion::V3),
        (EvidenceKind::Tdx, TeeType::Tdx, QuoteVersion::V4),
    ] {
        let evidence = minted(kind, |_| {});
        let anchors = anchors(&evidence);
        let quote = Quote::parse(&evidence.evidence).expect("quote");
        let platform = verify_platform(&quote, &anchors, at()).expect("platform");
        let collateral = collateral(&evidence).verify(&anchors, at()).expect("collateral");
        let verified = verify_quote(&quote, &platform, &collateral, at()).expect("verifies");
        assert_eq!((verified.tee(), verified.quote_version()), (tee, version));
        assert_eq!(
            (tee.code(), version.code()),
            if tee == TeeType::Sgx { (0, 3) } else { (0x81, 4) }
        );
        assert_eq!(verified.enclave().is_some(), tee == TeeType::Sgx);
        assert_eq!(verified.td().is_some(), tee == TeeType::Tdx);
        assert_eq!(verified.body(), quote.body());
        assert_eq!(verified.judged_at(), at());
        assert_eq!(verified.collateral().window, collateral.window());
        assert_eq!(verified.collateral().hashes, *collateral.hashes());
        assert_eq!(verified.pck(), platform.pck());
        assert_eq!(verified.root(), platform.root());
        assert!(!verified.is_debuggable());
        assert_eq!(platform.qe_report(), &quote.signature_data().qe_report);
        assert_eq!(platform.pck_ca_name(), "Intel SGX PCK Platform CA");
        let words = format!("{tee} {}", serde_json::to_value(version).expect("json"));
        assert_eq!(words, if tee == TeeType::Sgx { "SGX 3" } else { "TDX 4" });
    }
}

#[test]
fn a_cache_key_is_of_anchors_and_the_signature_of_the_qe_report() {
    let evidence = minted(EvidenceKind::Sgx, |_| {});
    let (one, none) = (anchors(&evidence), TrustAnchors::none());
    let quote = Quote::parse(&evidence.evidence).expect("quote");
    let other = minted(EvidenceKind::Sgx, |options| options.seed = Seed::from_number(9));
    let other = Quote::parse(&other.evidence).expect("quote");
    let key = |anchors: &TrustAnchors| PlatformCacheKey::of(&quote, anchors);
    assert_eq!(key(&one), key(&one));
    assert_ne!(key(&one), key(&none));
    assert_ne!(key(&one), PlatformCacheKey::of(&other, &one));
}
