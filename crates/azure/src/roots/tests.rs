//! The pinned keys are what their fingerprints say, each once.

use std::collections::BTreeSet;

use super::{VtpmAnchors, pinned};
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
