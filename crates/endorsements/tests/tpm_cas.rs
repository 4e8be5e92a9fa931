//! CAs of TPMs in files, folders and bundles: found for the certificate of a key, and never trusted for
//! being there.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_endorsements::{
    Asked, Bundle, EndorsementName, EndorsementSet, LoadError, Published, prove, recognise,
};
use avouch_engine::{Anchors, EndorsementSource, TPM_CAS_MAX, TpmCasWanted, Vendor};
use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_mint::{Options, Seed};
use avouch_pki::{Certificate, pem};
use avouch_tpm::{TrustAnchors, trim_padding, verify_aik_certificate, verify_ek_certificate};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime};

const AT: &str = "2026-01-31T12:00:00Z";

fn moment(text: &str) -> UnixTime {
    UnixTime::from_rfc3339(text).unwrap()
}

fn at() -> UnixTime {
    moment(AT)
}

fn minted(seed: u64) -> MintedTpm {
    let options = TpmOptions { seed: Seed::from_number(seed), ..TpmOptions::new(at()) };
    mint(&options).unwrap()
}

fn set_of(files: &[&[u8]]) -> EndorsementSet {
    let mut set = EndorsementSet::default();
    for file in files {
        set.add(file).unwrap();
    }
    set
}

/// The CAs above the certificate of a key, which may have padding behind it.
fn above(source: &dyn EndorsementSource, der: &[u8], at: UnixTime) -> Vec<Certificate> {
    let certificate = Certificate::parse(trim_padding(der)).unwrap();
    source.tpm_cas(&TpmCasWanted { certificate: &certificate, at })
}

fn ders(cas: &[Certificate]) -> Vec<&[u8]> {
    cas.iter().map(Certificate::der).collect()
}

#[test]
fn a_key_is_verified_by_the_ca_that_is_at_hand_and_not_without_it() {
    let minted = minted(1);
    let ca = &minted.ek_intermediates[0];
    let roots = TrustAnchors::none().with_file(minted.ek_root_pem.as_bytes()).unwrap();
    let verify = |cas: &[Certificate], anchors: &TrustAnchors| {
        let outcome = verify_ek_certificate(&minted.ek_certificate, &ders(cas), anchors, at());
        outcome.map(|_| ()).map_err(|error| error.check())
    };
    let text = pem::encode("CERTIFICATE", ca);
    for file in [ca.as_slice(), text.as_bytes()] {
        let set = Arc::new(set_of(&[file]));
        let cas = above(&*set, &minted.ek_certificate, at());
        assert_eq!(ders(&cas), [ca.as_slice()]);
        verify(&cas, &roots).unwrap();
        // Being at hand makes nobody trusted.
        assert_eq!(verify(&cas, &TrustAnchors::none()), Err("tpm-no-roots"));
        // Whoever notes what is missing gives the same.
        let asked = Asked::new(Arc::clone(&set));
        assert_eq!(ders(&above(&asked, &minted.ek_certificate, at())), ders(&cas));
        assert_eq!(set.summary()["tpm_cas"], 1);
    }
    let none = above(&EndorsementSet::default(), &minted.ek_certificate, at());
    assert!(none.is_empty());
    assert_eq!(verify(&none, &roots), Err("ek-certificate-issuer-unknown"));
}

#[test]
fn of_several_cas_of_one_name_the_one_that_signed_is_given() {
    let (own, other) = (minted(1), minted(2));
    let (own_ca, other_ca) = (&own.ek_intermediates[0], &other.ek_intermediates[0]);
    assert_ne!(own_ca, other_ca);
    for order in [[own_ca, other_ca], [other_ca, own_ca]] {
        let set = set_of(&order.map(Vec::as_slice));
        assert_eq!(ders(&above(&set, &own.ek_certificate, at())), [own_ca.as_slice()]);
        assert_eq!(ders(&above(&set, &other.ek_certificate, at())), [other_ca.as_slice()]);
        assert!(above(&set, &own.aik_certificate, at()).is_empty());
    }
}

#[test]
fn roots_and_certificates_of_keys_are_no_endorsements_and_a_damaged_ca_is_named() {
    let minted = minted(1);
    let ca = &minted.ek_intermediates[0];
    let keys = [&minted.ek_certificate, &minted.aik_certificate].map(|der| trim_padding(der));
    for file in [minted.ek_root_pem.as_bytes(), keys[0], keys[1]] {
        let error = EndorsementSet::default().add(file).unwrap_err();
        assert_eq!(error.check(), "chain-foreign-certificate", "{error}");
    }
    // Beside a CA a root is told, and a key's certificate refuses the whole file.
    let text = pem::encode("CERTIFICATE", ca);
    let with_root = [minted.ek_root_pem.as_str(), &text].concat();
    let found = recognise(with_root.as_bytes(), &Arc::from("file")).unwrap();
    assert_eq!((found.published.len(), found.unused.len()), (1, 1));
    assert!(found.unused[0].contains("only trust_roots"), "{}", found.unused[0]);
    let with_key = [text.as_str(), &pem::encode("CERTIFICATE", keys[0])].concat();
    assert!(EndorsementSet::default().add(with_key.as_bytes()).is_err());
    // In a folder the same is in the warnings, and what is cut is an error with its name.
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    put("cas.pem", with_root.as_bytes());
    let set = load(folder.path()).unwrap();
    assert_eq!(set.iter().count(), 1);
    assert!(set.ignored().iter().any(|what| what.contains("cas.pem: ")), "{:?}", set.ignored());
    put("cut.crt", &ca[..ca.len() - 1]);
    let error = load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("cut.crt"), "{error}");
    let set = EndorsementSet::load_skipping_damaged(&[folder.path().to_owned()]).unwrap();
    assert_eq!((set.iter().count(), set.skipped().len()), (1, 1));
}

fn load(path: &Path) -> Result<EndorsementSet, LoadError> {
    EndorsementSet::load(&[path.to_owned()])
}

#[test]
fn a_bundle_carries_cas_and_is_the_same_whatever_the_order() {
    let (one, two) = (minted(1), minted(2));
    let cas = [&one.ek_intermediates[0], &two.ek_intermediates[0]];
    let bundle = |order: [&Vec<u8>; 2]| {
        let set = set_of(&order.map(Vec::as_slice));
        Bundle::new(set.iter().cloned()).unwrap().write().unwrap()
    };
    let file = bundle(cas);
    assert_eq!(bundle([cas[1], cas[0]]), file);
    let read = Bundle::read(&file, "bundle", at()).unwrap();
    for (thing, sha256) in read.things().iter().map(|thing| (thing, thing.sha256)) {
        assert_eq!(thing.published.name, EndorsementName::TpmCa(sha256));
        assert_eq!(thing.published.name.to_string(), format!("tpm/ca/{sha256}"));
    }
    let set = set_of(&[&file]);
    assert_eq!(ders(&above(&set, &one.ek_certificate, at())), [cas[0].as_slice()]);
    // A name that is another certificate's is refused.
    let names = read.things().iter().map(|thing| thing.published.name.to_string());
    let [first, second] = names.collect::<Vec<_>>().try_into().unwrap();
    let swapped = String::from_utf8(file).unwrap().replacen(&first, &second, 1);
    assert!(Bundle::read(swapped.as_bytes(), "bundle", at()).is_err());
}

fn thing(der: &[u8]) -> Published {
    let certificate = Certificate::parse(der).unwrap();
    Published {
        name: EndorsementName::TpmCa(certificate.fingerprint_sha256()),
        body: der.into(),
        issuer_chain: Arc::from([]),
        source: Arc::from("test"),
        fetched_at: at(),
        etag: None,
    }
}

fn anchors(root: &[u8]) -> Anchors {
    Anchors::built_in().with_roots(Some(Vendor::Tpm), root).unwrap()
}

#[test]
fn a_ca_is_proven_by_its_root_and_by_nothing_else() {
    let (own, other) = (minted(1), minted(2));
    let (ca, root) = (thing(&own.ek_intermediates[0]), own.ek_root_pem.as_bytes());
    let trusting = anchors(root);
    let check = |one: &Published, anchors: &Anchors, at| {
        prove(one, &[], anchors, at).map(|_| ()).map_err(|error| error.check())
    };
    assert_eq!(check(&ca, &trusting, at()), Ok(()));
    let others_root = anchors(other.ek_root_pem.as_bytes());
    // It has the name of the own root, and another key.
    assert_eq!(check(&ca, &others_root, at()), Err("tpm-ca-signature"));
    assert_eq!(check(&ca, &Anchors::built_in(), at()), Err("tpm-no-roots"));
    let late = ca.window().unwrap().not_after.saturating_add_seconds(1);
    assert_eq!(check(&ca, &trusting, late), Err("tpm-ca-expired"));
    let renamed = Published { name: thing(&other.ek_intermediates[0]).name, ..ca.clone() };
    assert_eq!(check(&renamed, &trusting, at()), Err("published-name"));
    // Neither a key's certificate nor a root is a CA below a root.
    let root_der = pem::certificates(root, 1).unwrap().remove(0);
    for der in [trim_padding(&own.ek_certificate), &root_der] {
        assert!(prove(&thing(der), &[], &trusting, at()).is_err());
    }
    for index in 0..ca.body.len() {
        let mut body = ca.body.to_vec();
        body[index] ^= 1;
        let flipped = Published { body: body.into(), ..ca.clone() };
        assert!(prove(&flipped, &[], &trusting, at()).is_err(), "byte {index}");
    }
}

#[test]
fn a_bundle_whose_ca_nobody_vouches_for_says_so_when_it_expires() {
    let minted = minted(1);
    let set = set_of(&[&minted.ek_intermediates[0]]);
    let name = thing(&minted.ek_intermediates[0]).name;
    assert!(!set.lacks(&name, at()) && set.stale(at()).is_empty());
    let late = set.published(&name).unwrap().window().unwrap().not_after.saturating_add_seconds(1);
    assert!(set.lacks(&name, late));
    assert!(set.stale(late)[0].starts_with("tpm/ca/"), "{:?}", set.stale(late));
    assert!(set.to_serve(&name, at()).is_some() && set.to_serve(&name, late).is_none());
}

/// The folder with recorded evidence of TPMs, unless there is none and none is demanded.
fn recorded(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    let found = root.join("tpm").join(path);
    assert!(
        found.exists() || std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "{} is missing",
        found.display()
    );
    found.exists().then_some(found)
}

#[test]
fn azures_keys_are_verified_by_the_cas_of_one_folder_and_the_root_alone() {
    let Some(certs) = recorded("certs") else { return };
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&certs).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("azure-") {
            std::fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    let set = load(folder.path()).unwrap();
    let root = std::fs::read(certs.join("azure-virtual-tpm-root-2023.pem")).unwrap();
    let roots = TrustAnchors::none().with_file(&root).unwrap();
    // One step.
    let aik = recorded("azure/trusted-launch-windows/aik.cert.der").unwrap();
    let aik = std::fs::read(aik).unwrap();
    let at = moment("2025-01-01T00:00:00Z");
    let cas = above(&set, &aik, at);
    assert_eq!(cas.len(), 1);
    assert_eq!(cas[0].subject().common_name(), Some("Global Virtual TPM CA - 01"));
    verify_aik_certificate(&aik, &ders(&cas), &roots, at).unwrap();
    assert!(verify_aik_certificate(&aik, &[], &roots, at).is_err());
    // Two steps: what is above a CA is found as what is above a key.
    let file = std::fs::read(certs.join("azure-cloud-virtual-tpm-ca-24.pem")).unwrap();
    let issuing = pem::certificates(&file, 1).unwrap().remove(0);
    let at = moment("2026-04-01T00:00:00Z");
    let cas = above(&set, &issuing, at);
    let names: Vec<_> = cas.iter().filter_map(|ca| ca.subject().common_name()).collect();
    assert_eq!(names, ["Azure Cloud Virtual TPM CA 2025"]);
    let above = set.above(&thing(&issuing), at);
    let above: Vec<&Published> = above.iter().map(|one| &**one).collect();
    let trusting = anchors(&root);
    prove(&thing(&issuing), &above, &trusting, at).unwrap();
    let error = prove(&thing(&issuing), &[], &trusting, at).unwrap_err();
    assert_eq!(error.check(), "tpm-ca-issuer-unknown");
}

#[test]
fn every_manufacturers_certificate_is_taken_or_named() {
    let Some(folder) = recorded("certs/manufacturers") else { return };
    let set = load(&folder).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_named = |what: &String| what.contains(name);
        let is_taken = set.iter().any(|one| one.source.ends_with(name));
        assert!(is_taken || set.ignored().iter().any(is_named), "{name}");
        files += 1;
    }
    assert_eq!(files, 51);
    let taken = set.iter().count();
    assert!(taken >= 14, "{taken} of {files}: {:?}", set.ignored());
    assert!(set.iter().all(|one| matches!(one.name, EndorsementName::TpmCa(_))));
}

#[test]
fn a_crowd_of_cas_of_one_name_gives_no_more_than_may_be_handed_on() {
    let minted: Vec<MintedTpm> = (0..20).map(minted).collect();
    let files: Vec<&[u8]> = minted.iter().map(|one| one.ek_intermediates[0].as_slice()).collect();
    let set = set_of(&files);
    for one in &minted {
        assert!(above(&set, &one.ek_certificate, at()).len() <= TPM_CAS_MAX);
    }
}

/// The CRL of minted SEV-SNP evidence, in the name of another issuer.
fn list_of(issuer: &[u8; 9]) -> Vec<u8> {
    let snp = avouch_mint::mint(EvidenceKind::Snp, &Options::new(at())).unwrap();
    let list = "-----BEGIN X509 CRL-----";
    let at = snp.endorsements.windows(list.len()).position(|text| text == list.as_bytes());
    let blocks = pem::blocks(&snp.endorsements[at.unwrap()..], &["X509 CRL"], 8).unwrap();
    let mut der = blocks.first().unwrap().der().unwrap();
    let place = der.windows(9).position(|window| window == b"ARK-Milan").unwrap();
    der[place..place + 9].copy_from_slice(issuer);
    der
}

#[test]
fn a_crl_of_a_manufacturer_is_told_to_have_no_effect_and_those_of_amd_are_not() {
    let folder = tempfile::tempdir().unwrap();
    for (issuer, is_told) in [(b"TPM-Maker", true), (b"ARK-Milan", false)] {
        let der = list_of(issuer);
        let text = pem::encode("X509 CRL", &der);
        let with_ca =
            format!("{text}{}", pem::encode("CERTIFICATE", &minted(1).ek_intermediates[0]));
        for file in [der.as_slice(), text.as_bytes(), with_ca.as_bytes()] {
            std::fs::write(folder.path().join("list.crl"), file).unwrap();
            let set = EndorsementSet::load(&[folder.path().to_owned()]).unwrap();
            let told = set.ignored();
            assert_eq!(told.len(), usize::from(is_told), "{told:?}");
            assert_eq!(set.summary()["without_effect"], told.len());
            for note in told {
                assert!(note.contains("list.crl") && note.contains("TPM-Maker"), "{note}");
                assert!(note.contains("not checked for revocation"), "{note}");
            }
        }
    }
}
