//! A path from an anchor to a leaf, and everything that breaks it.
#![cfg(test)]
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

mod support;

use avouch_pki::{
    Certificate, CertificateError, OutsideWindow, PathErrorKind, Role, TrustAnchor,
    verify_anchor_copy, verify_issued, verify_issued_understanding, verify_pinned,
};
use avouch_wire::FailedCheck as _;
use rcgen::{BasicConstraints, CustomExtension, IsCa, KeyUsagePurpose};
use support::{AT, Authority, at, leaf_params};

fn parse(certificate: &rcgen::Certificate) -> Certificate {
    Certificate::parse(certificate.der()).unwrap()
}

#[test]
fn accepts_a_leaf_under_an_intermediate_under_the_anchor() {
    let (root, anchor) = Authority::root("Root");
    let intermediate = root.intermediate("Intermediate");
    let leaf = parse(&intermediate.sign(leaf_params("Leaf")));
    let above = verify_issued(&intermediate.parsed(), &anchor, Role::Ca, AT).unwrap();
    let verified = verify_issued(&leaf, &above, Role::Leaf, AT).unwrap();
    assert_eq!(verified.certificate().subject().common_name(), Some("Leaf"));
    assert_eq!(verified.window().not_after, leaf.not_after());
    verify_anchor_copy(&root.parsed(), &anchor).unwrap();
}

#[test]
fn rejects_every_flipped_bit_of_a_certificate() {
    let (root, anchor) = Authority::root("Root");
    let leaf = root.sign(leaf_params("Leaf"));
    let der = leaf.der();
    for index in 0..der.len() {
        let mut flipped = der.to_vec();
        flipped[index] ^= 1;
        let Ok(certificate) = Certificate::parse(&flipped) else { continue };
        assert!(
            verify_issued(&certificate, &anchor, Role::Leaf, AT).is_err(),
            "bit flipped in byte {index}"
        );
    }
}

#[test]
fn rejects_truncated_and_extended_certificates() {
    let (root, _) = Authority::root("Root");
    let der = root.parsed().der().to_vec();
    for length in 0..der.len() {
        assert!(Certificate::parse(&der[..length]).is_err());
    }
    let extended = [der.as_slice(), &[0]].concat();
    let error = Certificate::parse(&extended).unwrap_err().to_string();
    assert!(error.ends_with("1 unexpected bytes after the structure"), "{error}");
}

#[test]
fn rejects_other_encodings_of_the_parts_that_no_signature_covers() {
    let (root, _) = Authority::root("Root");
    let der = root.parsed().der().to_vec();
    assert_eq!(&der[..2], [0x30, 0x82]);
    let mut primitive = der.clone();
    primitive[0] = 0x10;
    let longer = [&[0x30, 0x83, 0x00], &der[2..]].concat();
    for other in [primitive, longer] {
        assert!(Certificate::parse(&other).is_err());
    }
}

#[test]
fn rejects_a_foreign_root_of_the_same_name() {
    let (_, anchor) = Authority::root("Root");
    let (foreign, _) = Authority::root("Root");
    let leaf = parse(&foreign.sign(leaf_params("Leaf")));
    let error = verify_issued(&leaf, &anchor, Role::Leaf, AT).unwrap_err();
    assert_eq!(error.check(), "certificate-signature");
    let error = verify_anchor_copy(&foreign.parsed(), &anchor).unwrap_err();
    assert_eq!(error.check(), "certificate-foreign-root");
}

/// The copy must have the name that issued certificates carry, and not the key alone.
#[test]
fn rejects_a_root_of_another_name_with_the_same_key() {
    let (root, anchor) = Authority::root("Root");
    let renamed = support::ca_params("Renamed").self_signed(root.issuer.key()).unwrap();
    let error = verify_anchor_copy(&parse(&renamed), &anchor).unwrap_err();
    assert_eq!(
        error.kind,
        PathErrorKind::AnchorMismatch { anchor: "Root".to_owned(), what: "name" }
    );
}

#[test]
fn rejects_an_issuer_of_another_name() {
    let (root, _) = Authority::root("Root");
    let anchor = TrustAnchor::new(
        "renamed",
        Authority::root("Other").0.parsed().subject().clone(),
        root.parsed().public_key().clone(),
    );
    let leaf = parse(&root.sign(leaf_params("Leaf")));
    let error = verify_issued(&leaf, &anchor, Role::Leaf, AT).unwrap_err();
    assert_eq!(error.check(), "certificate-issuer-name");
}

#[test]
fn judges_validity_at_both_inclusive_ends() {
    let (root, anchor) = Authority::root("Root");
    let leaf = parse(&root.sign(leaf_params("Leaf")));
    for inside in [leaf.not_before(), leaf.not_after()] {
        verify_issued(&leaf, &anchor, Role::Leaf, inside).unwrap();
    }
    let before = leaf.not_before().saturating_add_seconds(-1);
    let error = verify_issued(&leaf, &anchor, Role::Leaf, before).unwrap_err();
    assert_eq!(
        error.kind,
        PathErrorKind::OutsideWindow(OutsideWindow::NotYetValid {
            at: before,
            not_before: leaf.not_before()
        })
    );
    let after = leaf.not_after().saturating_add_seconds(1);
    let error = verify_issued(&leaf, &anchor, Role::Leaf, after).unwrap_err();
    assert_eq!(error.check(), "certificate-expired");
}

#[test]
fn rejects_a_leaf_under_an_intermediate_that_has_expired() {
    let (root, anchor) = Authority::root("Root");
    let intermediate = root.intermediate("Intermediate");
    let above = verify_issued(&intermediate.parsed(), &anchor, Role::Ca, AT).unwrap();
    let mut params = leaf_params("Leaf");
    params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    let leaf = parse(&intermediate.sign(params));
    let error = verify_issued(&leaf, &above, Role::Leaf, at("2060-01-01T00:00:00Z")).unwrap_err();
    assert_eq!(error.check(), "certificate-expired");
}

#[test]
fn a_leaf_cannot_issue_and_a_ca_cannot_be_a_leaf() {
    let (root, anchor) = Authority::root("Root");
    let intermediate = root.intermediate("Intermediate");
    let error = verify_issued(&intermediate.parsed(), &anchor, Role::Leaf, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::CaAsLeaf);

    let leaf = root.leaf_authority("Leaf");
    let error = verify_issued(&leaf.parsed(), &anchor, Role::Ca, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::NotCa);

    let verified = verify_issued(&leaf.parsed(), &anchor, Role::Leaf, AT).unwrap();
    let below = parse(&leaf.sign(leaf_params("Below")));
    let error = verify_issued(&below, &verified, Role::Leaf, AT).unwrap_err();
    assert_eq!(error.check(), "certificate-issuer-not-ca");
}

#[test]
fn honours_the_path_length_of_a_ca_above() {
    let (root, anchor) = Authority::root("Root");
    let mut params = support::ca_params("Short");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = root.authority(params);
    let above = verify_issued(&short.parsed(), &anchor, Role::Ca, AT).unwrap();
    let below = short.intermediate("Below");
    let error = verify_issued(&below.parsed(), &above, Role::Ca, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::PathLength);
}

#[test]
fn four_authorities_may_stand_below_an_anchor_and_no_fifth() {
    let (root, anchor) = Authority::root("Root");
    let first = root.intermediate("1");
    let mut above = verify_issued(&first.parsed(), &anchor, Role::Ca, AT).unwrap();
    let mut lowest = first;
    for name in ["2", "3", "4"] {
        lowest = lowest.intermediate(name);
        above = verify_issued(&lowest.parsed(), &above, Role::Ca, AT).unwrap();
    }
    let leaf = parse(&lowest.sign(leaf_params("Leaf")));
    verify_issued(&leaf, &above, Role::Leaf, AT).unwrap();
    let fifth = lowest.intermediate("5");
    let error = verify_issued(&fifth.parsed(), &above, Role::Ca, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::PathLength);

    // As many below a CA that is pinned, whatever more it allows.
    for path_length in [4, 9] {
        let mut params = support::ca_params("Pinned");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
        let mut lowest = root.authority(params);
        let mut above = verify_pinned(&lowest.parsed(), AT).unwrap();
        for name in ["1", "2", "3", "4"] {
            lowest = lowest.intermediate(name);
            above = verify_issued(&lowest.parsed(), &above, Role::Ca, AT).unwrap();
        }
        assert!(verify_issued(&lowest.intermediate("5").parsed(), &above, Role::Ca, AT).is_err());
    }
}

#[test]
fn a_path_is_valid_where_all_its_certificates_are() {
    let (root, anchor) = Authority::root("Root");
    let mut params = support::ca_params("Intermediate");
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let intermediate = root.authority(params);
    let above = verify_issued(&intermediate.parsed(), &anchor, Role::Ca, AT).unwrap();
    let leaf = parse(&intermediate.sign(leaf_params("Leaf")));
    let verified = verify_issued(&leaf, &above, Role::Leaf, AT).unwrap();
    assert_eq!(verified.window(), intermediate.parsed().validity());
    let early = at("2024-12-31T23:59:59Z");
    leaf.validity().check(early).unwrap();
    let error = verify_issued(&leaf, &above, Role::Leaf, early).unwrap_err();
    assert_eq!(error.check(), "certificate-not-yet-valid");
}

#[test]
fn only_the_bits_of_key_usage_that_are_needed_count() {
    let (root, anchor) = Authority::root("Root");
    use KeyUsagePurpose as Purpose;
    // Each bit beside the one that is needed, encipherOnly and decipherOnly at the ends included.
    let others = [
        Purpose::ContentCommitment,
        Purpose::KeyEncipherment,
        Purpose::DataEncipherment,
        Purpose::KeyAgreement,
        Purpose::CrlSign,
        Purpose::EncipherOnly,
        Purpose::DecipherOnly,
    ];
    let judged = |role: Role, usages: Vec<Purpose>| {
        let mut params = match role {
            Role::Ca => support::ca_params("Subject"),
            Role::Leaf | Role::Recipient => leaf_params("Subject"),
        };
        params.key_usages = usages;
        verify_issued(&parse(&root.sign(params)), &anchor, role, AT).map(drop)
    };
    for other in others {
        for (role, needed) in
            [(Role::Ca, Purpose::KeyCertSign), (Role::Leaf, Purpose::DigitalSignature)]
        {
            judged(role, vec![needed, other]).unwrap();
            let error = judged(role, vec![other]).unwrap_err();
            assert_eq!(error.check(), "certificate-key-usage", "{other:?}");
        }
    }
    judged(Role::Recipient, vec![Purpose::KeyAgreement, Purpose::CrlSign]).unwrap();
    for other in others.into_iter().filter(|other| *other != Purpose::KeyAgreement) {
        let error = judged(Role::Recipient, vec![other]).unwrap_err();
        assert_eq!(error.check(), "certificate-key-usage", "{other:?}");
    }
    assert!(judged(Role::Ca, vec![Purpose::DigitalSignature]).is_err());
    assert!(judged(Role::Leaf, vec![Purpose::KeyCertSign]).is_err());
}

#[test]
fn honours_key_usage() {
    let (root, anchor) = Authority::root("Root");
    let mut params = support::ca_params("Ca");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let ca = root.authority(params);
    let error = verify_issued(&ca.parsed(), &anchor, Role::Ca, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::KeyUsage { needed: "keyCertSign" });

    let mut params = leaf_params("Leaf");
    params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let leaf = parse(&root.sign(params));
    let error = verify_issued(&leaf, &anchor, Role::Leaf, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::KeyUsage { needed: "digitalSignature" });
}

#[test]
fn refuses_critical_extensions_that_it_does_not_understand() {
    let (root, anchor) = Authority::root("Root");
    for (critical, accepted) in [(false, true), (true, false)] {
        let mut params = leaf_params("Leaf");
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(critical);
        params.custom_extensions = vec![extension];
        let leaf = parse(&root.sign(params));
        assert_eq!(leaf.extension("1.2.3.4").unwrap().value, [5, 0]);
        let verdict = verify_issued(&leaf, &anchor, Role::Leaf, AT);
        assert_eq!(verdict.is_ok(), accepted);
    }
    // Those that it does: both key identifiers, alternative name, CRL distribution points, purposes.
    let purpose = vec![0x30, 4, 6, 2, 0x2b, 6];
    for (arc, value) in [
        (14, vec![4, 1, 9]),
        (35, vec![0x30, 0]),
        (17, vec![0x30, 0]),
        (31, vec![0x30, 0]),
        (37, purpose),
    ] {
        let mut params = leaf_params("Leaf");
        if arc == 14 {
            params.is_ca = IsCa::NoCa;
        }
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, arc], value);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
        let leaf = parse(&root.sign(params));
        assert!(leaf.extension(&format!("2.5.29.{arc}")).unwrap().critical);
        verify_issued(&leaf, &anchor, Role::Leaf, AT).unwrap();
    }
}

#[test]
fn a_caller_may_honour_more_critical_extensions_and_constraints_never() {
    let (root, anchor) = Authority::root("Root");
    for (arc, accepted) in [(32, true), (33, false), (36, false), (54, false), (30, false)] {
        let mut params = leaf_params("Leaf");
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, arc], vec![0x30, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
        let leaf = parse(&root.sign(params));
        let own = format!("2.5.29.{arc}");
        let understood = [own.as_str()];
        let verdict = verify_issued_understanding(&leaf, &anchor, Role::Leaf, &understood, AT);
        assert_eq!(verdict.is_ok(), accepted, "{own}");
        assert!(verify_issued(&leaf, &anchor, Role::Leaf, AT).is_err(), "{own}");
    }
}

#[test]
fn a_certificate_can_be_read_for_its_key_whatever_algorithm_signed_it() {
    let (root, _) = Authority::root("Root");
    let der = root.sign(leaf_params("Leaf")).der().to_vec();
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA1, in both places.
    let (sha256, sha1) = (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x01\x00");
    let places: Vec<_> = (0..der.len() - 8).filter(|at| der[*at..].starts_with(sha256)).collect();
    assert_eq!(places.len(), 2);
    let mut old = der.clone();
    for place in places {
        old[place..place + 8].copy_from_slice(sha1);
    }
    let error = Certificate::parse(&old).unwrap_err();
    assert!(matches!(error, CertificateError::UnsupportedAlgorithm(_)), "{error}");
    let read = Certificate::parse_for_its_key(&old).unwrap();
    let sound = Certificate::parse(&der).unwrap();
    assert_eq!(read.public_key(), sound.public_key());
    assert!(!read.is_signed_by(root.parsed().public_key()));
    assert!(sound.is_signed_by(root.parsed().public_key()));
    assert!(Certificate::parse_for_its_key(&old[..old.len() - 1]).is_err());
}

#[test]
fn a_copy_of_a_root_has_its_key_though_it_signed_another_of_its_name() {
    let (root, anchor) = Authority::root("Root");
    verify_anchor_copy(&root.parsed(), &anchor).unwrap();
    let namesake = parse(&root.sign(support::ca_params("Root")));
    assert!(namesake.is_signed_by(anchor.key()));
    let error = verify_anchor_copy(&namesake, &anchor).unwrap_err();
    assert!(matches!(error.kind, PathErrorKind::AnchorMismatch { what: "key", .. }), "{error}");
}

#[test]
fn refuses_an_extension_that_appears_twice() {
    let (root, _) = Authority::root("Root");
    let mut params = leaf_params("Leaf");
    let extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    params.custom_extensions = vec![extension.clone(), extension];
    let leaf = root.sign(params);
    assert!(Certificate::parse(leaf.der()).is_err());
}

#[test]
fn refuses_an_extension_whose_identifier_is_none() {
    let (root, _) = Authority::root("Root");
    let mut params = leaf_params("Leaf");
    params.custom_extensions =
        vec![CustomExtension::from_oid_content(&[1, 2, 3, 0x80, 0x80], vec![5, 0])];
    let leaf = root.sign(params);
    let identifier = [0x06, 6, 0x2a, 3, 0x81, 0, 0x81, 0];
    let place = leaf.der().windows(8).position(|bytes| bytes == identifier).unwrap();
    assert!(parse(&leaf).extension("1.2.3.128.128").is_some());
    // An arc that begins with zeros, and a last arc without end.
    for (index, byte) in [(4, 0x80), (7, 0x80)] {
        let mut other = leaf.der().to_vec();
        other[place + index] = byte;
        let error = Certificate::parse(&other).unwrap_err();
        assert!(matches!(error, CertificateError::Malformed(_)), "{error}");
    }
}

#[test]
fn a_clone_is_the_same_certificate() {
    let (root, anchor) = Authority::root("Root");
    let leaf = parse(&root.sign(leaf_params("Leaf")));
    let clone = leaf.clone();
    assert_eq!(clone.der(), leaf.der());
    assert_eq!(clone.fingerprint_sha256(), leaf.fingerprint_sha256());
    verify_issued(&clone, &anchor, Role::Leaf, AT).unwrap();
}

/// What constrains the names and policies below a CA, each with a content that is well-formed.
const CONSTRAINTS: [(&[u64], &[u8]); 4] = [
    // permittedSubtrees: DNS name "a".
    (&[2, 5, 29, 30], &[0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01, b'a']),
    (&[2, 5, 29, 33], &[0x30, 0x08, 0x30, 0x06, 0x06, 0x01, 0x2a, 0x06, 0x01, 0x2b]),
    (&[2, 5, 29, 36], &[0x30, 0x03, 0x80, 0x01, 0x00]),
    (&[2, 5, 29, 54], &[0x02, 0x01, 0x00]),
];

#[test]
fn refuses_constraints_that_it_does_not_implement_whatever_their_criticality() {
    let (root, anchor) = Authority::root("Root");
    for (oid, value) in CONSTRAINTS {
        for critical in [true, false] {
            let mut params = support::ca_params("Ca");
            let mut extension = CustomExtension::from_oid_content(oid, value.to_vec());
            extension.set_criticality(critical);
            params.custom_extensions = vec![extension];
            let ca = parse(&root.sign(params));
            let issued = verify_issued(&ca, &anchor, Role::Ca, AT).unwrap_err();
            assert_eq!(issued.check(), "certificate-unsupported-constraint", "{oid:?}");
            assert_eq!(verify_pinned(&ca, AT).unwrap_err(), issued);
        }
    }
}

#[test]
fn a_pinned_ca_serves_without_its_issuer() {
    let (root, _) = Authority::root("Root");
    let pinned = root.intermediate("Pinned");
    let above = verify_pinned(&pinned.parsed(), AT).unwrap();
    assert_eq!((above.role(), above.window()), (Role::Ca, pinned.parsed().validity()));
    let leaf = parse(&pinned.sign(leaf_params("Leaf")));
    verify_issued(&leaf, &above, Role::Leaf, AT).unwrap();
    let stranger = parse(&root.sign(leaf_params("Stranger")));
    assert!(verify_issued(&stranger, &above, Role::Leaf, AT).is_err());
}

#[test]
fn a_pinned_ca_is_judged_like_one_that_was_issued() {
    let (root, _) = Authority::root("Root");
    let judged = |change: &dyn Fn(&mut rcgen::CertificateParams)| {
        let mut params = support::ca_params("Pinned");
        change(&mut params);
        verify_pinned(&root.authority(params).parsed(), AT).map(drop).map_err(|error| error.check())
    };
    assert_eq!(judged(&|_| {}), Ok(()));
    assert_eq!(
        judged(&|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]),
        Err("certificate-key-usage")
    );
    assert_eq!(judged(&|params| params.is_ca = IsCa::ExplicitNoCa), Err("certificate-not-ca"));
    assert_eq!(judged(&|params| params.is_ca = IsCa::NoCa), Err("certificate-not-ca"));
    assert_eq!(
        judged(&|params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(true);
            params.custom_extensions = vec![extension];
        }),
        Err("certificate-critical-extension")
    );
    let pinned = root.intermediate("Pinned").parsed();
    let late = pinned.not_after().saturating_add_seconds(1);
    assert_eq!(verify_pinned(&pinned, late).unwrap_err().check(), "certificate-expired");
    let early = pinned.not_before().saturating_add_seconds(-1);
    assert_eq!(verify_pinned(&pinned, early).unwrap_err().check(), "certificate-not-yet-valid");
}

#[test]
fn the_path_length_of_a_pinned_ca_counts_below_it() {
    let (root, _) = Authority::root("Root");
    let mut params = support::ca_params("Short");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = root.authority(params);
    let above = verify_pinned(&short.parsed(), AT).unwrap();
    let leaf = parse(&short.sign(leaf_params("Leaf")));
    verify_issued(&leaf, &above, Role::Leaf, AT).unwrap();
    let below = short.intermediate("Below");
    let error = verify_issued(&below.parsed(), &above, Role::Ca, AT).unwrap_err();
    assert_eq!(error.kind, PathErrorKind::PathLength);
}

/// A certificate that names itself as its issuer, signed by another key of that name, says what
/// nobody signed.
#[test]
fn a_pinned_root_must_have_signed_itself() {
    let (root, _) = Authority::root("Root");
    verify_pinned(&root.parsed(), AT).unwrap();
    let namesake = parse(&root.sign(support::ca_params("Root")));
    assert!(namesake.is_self_issued());
    assert_eq!(verify_pinned(&namesake, AT).unwrap_err().check(), "certificate-signature");
}

#[test]
fn accepts_a_path_of_p521_keys() {
    let params = support::ca_params("Root");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let root = parse(&params.self_signed(&key).unwrap());
    let issuer = rcgen::Issuer::new(params, key);
    let above = verify_pinned(&root, AT).unwrap();
    let leaf_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let leaf = leaf_params("Leaf").signed_by(&leaf_key, &issuer).unwrap();
    verify_issued(&parse(&leaf), &above, Role::Leaf, AT).unwrap();
    let mut flipped = leaf.der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let flipped = Certificate::parse(&flipped).unwrap();
    let error = verify_issued(&flipped, &above, Role::Leaf, AT).unwrap_err();
    assert_eq!(error.check(), "certificate-signature");
}
