//! The pinned keys are what their fingerprints say, each once.

use std::collections::BTreeSet;

use avouch_mint::tpm::{TpmOptions, mint};
use avouch_pki::{Certificate, TrustAnchor, Window, digest, pem};
use avouch_tpm::TrustAnchors;
use avouch_wire::{FailedCheck as _, UnixTime};

use super::{Host, Pinned, VtpmAnchors, pinned};
use crate::ak::verify_vtpm_ak_certificate;
use crate::azure_keys::CAS;

#[test]
fn every_pinned_key_is_the_one_that_its_fingerprint_says() {
    for ca in &CAS {
        assert!(pinned(ca).is_some(), "{}", ca.common_name);
        assert_eq!(ca.certificate_sha256.len(), 64);
    }
    let names: BTreeSet<_> = CAS.iter().map(|ca| ca.common_name).collect();
    let fingerprints: BTreeSet<_> = CAS.iter().map(|ca| ca.certificate_sha256).collect();
    assert_eq!((names.len(), fingerprints.len()), (CAS.len(), CAS.len()));
    let anchors = VtpmAnchors::azure();
    assert_eq!(anchors.roots().count(), CAS.len());
    assert!(anchors.roots().all(|root| root.is_built_in && anchors.pinned(root).is_some()));
}

#[test]
fn a_pinned_key_with_another_fingerprint_is_none() {
    for ca in &CAS {
        let other = crate::azure_keys::PinnedCa {
            spki_sha256: "00",
            common_name: ca.common_name,
            names_microsoft: ca.names_microsoft,
            certificate_sha256: ca.certificate_sha256,
            not_before: ca.not_before,
            not_after: ca.not_after,
            links_max: ca.links_max,
            modulus: ca.modulus,
        };
        assert!(pinned(&other).is_none());
    }
}

/// What Microsoft publishes of each: name, the first bytes of its certificate's fingerprint and of its key's,
/// how many CAs may stand below it, and its validity.
#[test]
fn each_row_is_of_its_own_ca() {
    let rows = [
        (
            "Azure Virtual TPM Root Certificate Authority 2023",
            "e6c596b1",
            "5cbc5267",
            2,
            2023,
            2048,
        ),
        ("Azure Cloud Virtual TPM CA 2025", "41a1675d", "13565189", 1, 2025, 2031),
        ("Azure Cloud Virtual TPM CA - 24", "acad819d", "1bb6f557", 0, 2026, 2029),
        ("Global Virtual TPM CA - 01", "a2daccd1", "999d9fba", 0, 2023, 2025),
        ("Global Virtual TPM CA - 03", "fd7c92da", "e21f1caf", 0, 2025, 2027),
    ];
    let year = |seconds: i64| {
        let text = UnixTime::from_seconds(seconds).unwrap().to_string();
        text.get(..4).unwrap().parse::<i32>().unwrap()
    };
    for (ca, (name, certificate, key, links_max, from, until)) in CAS.iter().zip(rows) {
        assert_eq!((ca.common_name, ca.links_max), (name, links_max));
        let begins = ca.certificate_sha256.starts_with(certificate);
        assert!(
            begins && ca.spki_sha256.starts_with(key),
            "{name}: {} {}",
            ca.certificate_sha256,
            ca.spki_sha256
        );
        assert_eq!((year(ca.not_before), year(ca.not_after)), (from, until), "{name}");
    }
}

/// Anchors under which a minted key is Azure's, with bounds of the pinned CA's own.
fn pinning(root: &Certificate, window: Window, links_max: usize) -> VtpmAnchors {
    let (name, key) = (root.subject().clone(), root.public_key().clone());
    let key_sha256 = digest::sha256(key.spki_der());
    VtpmAnchors {
        anchors: TrustAnchors::none().with_anchor(TrustAnchor::built_in("pinned", name, key)),
        pinned: vec![Pinned { key_sha256, window, links_max }],
    }
}

#[test]
fn a_pinned_ca_counts_in_its_own_time_and_no_deeper_than_it_allows() {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let root = pem::certificates(minted.aik_root_pem.as_bytes(), 1).unwrap().remove(0);
    let root = Certificate::parse(&root).unwrap();
    let moment = |seconds: i64| UnixTime::from_seconds(at.seconds() + seconds).unwrap();
    let judged = |from: i64, until: i64, links_max: usize| {
        let window = Window { not_before: moment(from), not_after: moment(until) };
        let anchors = pinning(&root, window, links_max);
        let verified = verify_vtpm_ak_certificate(&minted.aik_certificate, &[], &anchors, at);
        verified.map(|ak| (ak.host(), ak.window().not_after)).map_err(|error| error.check())
    };
    assert_eq!(judged(-10, 10, 0), Ok((Host::Azure, moment(10))));
    assert_eq!(judged(-10, -1, 0), Err("tpm-ca-expired"));
    assert_eq!(judged(1, 10, 0), Err("tpm-ca-not-yet-valid"));
}
