//! Whose evidence a root is trusted for: what is said of it, or the name that it bears.
#![cfg(test)]

use avouch_engine::{AnchorError, Anchors, Vendor};
use avouch_mint::{Options, mint};
use avouch_pki::pem;
use avouch_token::{KeySpec, SigningKey, provider_certificate};
use avouch_wire::{EvidenceKind, UnixTime};

fn root_of(kind: EvidenceKind) -> String {
    mint(kind, &Options::new(UnixTime::from_seconds(1_769_860_800).unwrap())).unwrap().root_pem
}

/// How many roots of each vendor there are besides its own.
fn added(vendor: Option<Vendor>, file: impl AsRef<[u8]>) -> Result<(usize, usize), AnchorError> {
    let anchors = Anchors::built_in().with_roots(vendor, file.as_ref())?;
    let intel = anchors.intel.roots().filter(|anchor| !anchor.is_built_in).count();
    let built_in = Anchors::built_in().amd.roots().count();
    Ok((intel, anchors.amd.roots().count().saturating_sub(built_in)))
}

#[test]
fn a_root_that_is_named_like_a_vendors_is_one_for_that_vendor_unless_another_is_said() {
    let (intel, amd) = (root_of(EvidenceKind::Tdx), root_of(EvidenceKind::Snp));
    assert_eq!(added(None, &intel).unwrap(), (1, 0));
    assert_eq!(added(None, &amd).unwrap(), (0, 1));
    assert_eq!(added(None, [intel.clone(), amd.clone()].concat()).unwrap(), (1, 1));
    assert_eq!(added(Some(Vendor::Intel), &intel).unwrap(), (1, 0));
    assert_eq!(added(Some(Vendor::Amd), &amd).unwrap(), (0, 1));
    let [der] = &pem::certificates(intel.as_bytes(), 1).unwrap()[..] else { panic!("{intel}") };
    assert_eq!(added(None, der).unwrap(), (1, 0));
    let two = added(None, [der.as_slice(), der].concat()).unwrap_err();
    assert!(matches!(two, AnchorError::Certificate(_)), "{two}");
    let refused = added(Some(Vendor::Intel), &amd).unwrap_err();
    assert!(matches!(refused, AnchorError::Intel(_)), "{refused}");
    let refused = added(Some(Vendor::Amd), &intel).unwrap_err();
    assert!(matches!(refused, AnchorError::Amd(_)), "{refused}");
}

/// A root with a name that is not a vendor's.
fn root_of_its_own(key: KeySpec) -> String {
    let key = SigningKey::generate(key).unwrap();
    pem::encode("CERTIFICATE", &provider_certificate(&key, "https://a.example", None).unwrap())
}

#[test]
fn a_root_with_a_name_of_its_own_needs_a_vendor_whatever_its_key() {
    for key in [KeySpec::Rsa2048, KeySpec::P256] {
        let refused = added(None, root_of_its_own(key)).unwrap_err();
        assert!(matches!(refused, AnchorError::WhoseRoot { .. }), "{refused}");
        assert!(
            refused.to_string().contains("intel=FILE, amd=FILE, tpm=FILE or windows=FILE"),
            "{refused}"
        );
    }
}

#[test]
fn a_root_has_the_kind_of_key_that_its_vendors_evidence_can_rest_on() {
    let (good, bad) = (root_of_its_own(KeySpec::P256), root_of_its_own(KeySpec::Rsa2048));
    assert_eq!(added(Some(Vendor::Intel), &good).unwrap(), (1, 0));
    let refused = added(Some(Vendor::Intel), &bad).unwrap_err().to_string();
    assert!(refused.contains("is RSA-2048;") && refused.contains("P-256 only"), "{refused}");
    // One root among others that is of no use is not passed over.
    let among = added(Some(Vendor::Intel), [good, bad].concat()).unwrap_err();
    assert!(matches!(among, AnchorError::Intel(_)), "{among}");
}

#[test]
fn a_certificate_of_windows_is_one_whatever_it_is_named_and_only_where_that_is_said() {
    let pem = root_of_its_own(KeySpec::Rsa2048);
    let of = |vendor| Anchors::built_in().with_roots(Some(vendor), pem.as_bytes());
    let windows = of(Vendor::Windows).unwrap().windows;
    let roots: Vec<_> = windows.roots().collect();
    assert_eq!(roots.len(), 1);
    assert!(!roots[0].is_built_in && roots[0].label.contains("a.example"), "{roots:?}");
    assert_eq!(of(Vendor::Tpm).map(|anchors| anchors.windows.roots().count()).unwrap_or(0), 0);
    // Named like a vendor's, it is that vendor's.
    let intel = root_of(EvidenceKind::Tdx);
    let anchors = Anchors::built_in().with_pem(intel.as_bytes()).unwrap();
    assert_eq!(anchors.windows.roots().count(), 0);
    let anchors = Anchors::built_in().with_roots(Some(Vendor::Windows), intel.as_bytes()).unwrap();
    assert_eq!((anchors.windows.roots().count(), anchors.intel.roots().count()), (1, 1));
}
