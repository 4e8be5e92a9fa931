//! Minted evidence: what is good is accepted, every break is refused by exactly its check.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

mod acceptance;

use std::collections::{BTreeSet, HashSet};

use avouch_mint::snp::{
    HardwareIdForm, SnpKey, SnpProduct, SnpTcb, UvmForm, UvmPublisher, UvmTop, uvm_publisher,
};
use avouch_mint::{Expected, Minted, Options, Stage, breaks, mint};
use avouch_pki::digest::sha256;
use avouch_pki::{Certificate, pem};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::uvm::{self, UntrustedUvmDocument, UvmError, UvmTrust, UvmTrustEntry};
use avouch_snp::{
    Acceptance, Chain, ChainCacheKey, ChipBinding, Crls, Endorsements, Product, RawTcb, Report,
    ReportVersions, Tcb, TcbFloor, TrustAnchors, VekKind, VerifiedEndorsementKey,
    VerifiedIntermediate, VerifiedReport, VerifyError, bind_init_time_data, bind_runtime_data,
    verify_chain, verify_report,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, Hex, UnixTime, base64url};

const AT: &str = "2026-01-31T12:00:00Z";
const KEYS: [SnpKey; 2] = [SnpKey::Vcek, SnpKey::Vlek];

fn options(product: SnpProduct, key: SnpKey) -> Options {
    let mut options = Options::new(UnixTime::from_rfc3339(AT).unwrap());
    options.snp.product = product;
    options.snp.key = key;
    options
}

/// Every product with every kind of key.
fn platforms() -> impl Iterator<Item = Options> {
    let pairs = SnpProduct::ALL.into_iter().flat_map(|product| KEYS.map(|key| (product, key)));
    pairs.map(|(product, key)| options(product, key))
}

fn root(minted: &Minted) -> Certificate {
    Certificate::parse(&pem::certificates(minted.root_pem.as_bytes(), 1).unwrap()[0]).unwrap()
}

fn anchors(minted: &Minted) -> TrustAnchors {
    TrustAnchors::amd().with_root(&root(minted)).unwrap()
}

fn trust(publisher: UvmPublisher) -> UvmTrust {
    let UvmPublisher { issuer, feed, minimum_svn } = publisher;
    let compliance_status = Some("minted-uvm".to_owned());
    UvmTrust { entries: vec![UvmTrustEntry { issuer, feed, minimum_svn, compliance_status }] }
}

/// The `report` document in a minted request.
fn document(minted: &Minted) -> Vec<u8> {
    let request: serde_json::Value = serde_json::from_str(&minted.request).unwrap();
    base64url::decode(request["report"].as_str().unwrap()).unwrap()
}

/// What each step says, by the name of its check.
struct Verdict {
    verification: Result<VerifiedReport, &'static str>,
    binding: Result<(), &'static str>,
    acceptance: Result<(), &'static str>,
}

/// Judges the request's evidence with the CRLs of the endorsements.
fn judge(minted: &Minted, trust: &UvmTrust, acceptance: &Acceptance) -> Verdict {
    let verification = verify(minted, trust);
    let Ok(report) = &verification else {
        return Verdict { verification, binding: Ok(()), acceptance: Ok(()) };
    };
    let runtime_data = minted.runtime_data.as_ref();
    let init_time_data = minted.init_time_data.as_ref();
    let binding = runtime_data
        .map_or(Ok(()), |data| bind_runtime_data(report, sha256(&data.bytes)))
        .and_then(|()| {
            init_time_data.map_or(Ok(()), |data| bind_init_time_data(report, sha256(&data.bytes)))
        })
        .map_err(|error| error.check());
    let acceptance = acceptance.check(report).map_err(|error| error.check());
    Verdict { verification, binding, acceptance }
}

fn verify(minted: &Minted, trust: &UvmTrust) -> Result<VerifiedReport, &'static str> {
    let (anchors, at) = (anchors(minted), minted.at);
    let evidence = SnpEvidence::parse(&document(minted)).map_err(|error| error.check())?;
    let endorsements =
        Endorsements::parse(&[&minted.endorsements]).map_err(|error| error.check())?;
    let crls = Crls::verify(&endorsements.crls, &anchors, at).map_err(|error| error.check())?;
    let chain = evidence.chain().map_err(|error| error.check())?;
    let key = verify_chain(&chain, &anchors, &crls, at).map_err(|error| error.check())?;
    let report =
        verify_report(evidence.report(), &key, &crls, at).map_err(|error| error.check())?;
    for cose in evidence.uvm_endorsements() {
        uvm::verify(cose, &report, trust, at).map_err(|error| error.check())?;
    }
    Ok(report)
}

fn strict() -> Acceptance {
    Acceptance { refuse_debuggable: true, refuse_migratable: true, ..Acceptance::default() }
}

fn assert_accepted(options: &Options) -> VerifiedReport {
    let minted = mint(EvidenceKind::Snp, options).unwrap();
    assert_eq!(minted.expected, Expected::Accepted);
    let verdict = judge(&minted, &trust(uvm_publisher(options).unwrap()), &strict());
    assert_eq!(verdict.binding, Ok(()), "{}", minted.description);
    assert_eq!(verdict.acceptance, Ok(()), "{}", minted.description);
    verdict.verification.unwrap_or_else(|check| panic!("{}: {check}", minted.description))
}

#[test]
fn accepts_good_evidence_of_every_product_kind_of_key_and_version() {
    for mut options in platforms() {
        for version in 2..=5 {
            if version < 3 && options.snp.product == SnpProduct::Turin {
                continue;
            }
            options.snp.report_version = version;
            let verified = assert_accepted(&options);
            assert_eq!(verified.body().version, version);
            assert_eq!(verified.product().name(), options.snp.product.name());
            assert!(!verified.endorsement_key().root.is_built_in);
            let binding = match options.snp.key {
                SnpKey::Vcek => ChipBinding::HardwareId,
                SnpKey::Vlek => ChipBinding::Provider,
            };
            assert_eq!(verified.chip_binding(), binding);
        }
    }
}

#[test]
fn accepts_both_forms_of_hardware_id_and_both_forms_of_endorsement() {
    for product in SnpProduct::ALL {
        let mut options = options(product, SnpKey::Vcek);
        options.snp.hardware_id_form = HardwareIdForm::OctetString;
        options.snp.with_crl = false;
        for form in [UvmForm::Json, UvmForm::Cwt] {
            options.snp.uvm = Some(form);
            assert_accepted(&options);
        }
    }
}

#[test]
fn accepts_an_endorsement_whose_chain_ends_at_the_ca_that_its_publisher_names() {
    for form in [UvmForm::Json, UvmForm::Cwt] {
        let mut options = options(SnpProduct::Milan, SnpKey::Vcek);
        options.snp.uvm = Some(form);
        options.snp.uvm_top = UvmTop::Ca;
        assert_accepted(&options);
    }
}

#[test]
fn carries_unknown_policy_and_platform_bits_through() {
    let mut options = options(SnpProduct::Turin, SnpKey::Vcek);
    options.snp.policy |= 1 << 26 | 1 << 63;
    options.snp.platform_info = 0x65 | 1 << 40;
    let verified = assert_accepted(&options);
    assert_eq!(verified.body().policy.0, options.snp.policy);
    assert_eq!(verified.body().policy.unknown_bits(), 1 << 26 | 1 << 63);
    assert_eq!(verified.body().platform_info.unknown_bits(), 1 << 6 | 1 << 40);
    let facts = serde_json::to_value(&verified).unwrap();
    assert_eq!(facts["policy"]["unknown_bits"], "0x8000000004000000");
    assert_eq!(facts["platform_info"]["unknown_bits"], "0x10000000040");
}

#[test]
fn every_break_is_refused_by_exactly_its_check_on_every_platform() {
    let mut wrong = BTreeSet::new();
    let mut judged = 0;
    for options in platforms() {
        for listed in breaks(EvidenceKind::Snp) {
            let mut options = options.clone().broken(listed.name);
            options.init_time_data = options.runtime_data.clone();
            let minted = mint(EvidenceKind::Snp, &options).unwrap();
            let publisher = uvm_publisher(&options).unwrap();
            let verdict = judge(&minted, &trust(publisher), &strict());
            let verification = verdict.verification.map(|_| ());
            let seen = [verification, verdict.binding, verdict.acceptance];
            let refused = Err(listed.expected_check);
            let expected = match listed.stage {
                Stage::Verification => [refused, Ok(()), Ok(())],
                Stage::Binding => [Ok(()), refused, Ok(())],
                Stage::Acceptance => [Ok(()), Ok(()), refused],
                Stage::Enrolment => panic!("only TPMs enrol"),
            };
            judged += 1;
            if seen != expected {
                let platform = (options.snp.product, options.snp.key);
                wrong.insert(format!("{} on {platform:?}: {seen:?}", listed.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} wrong: {wrong:#?}", wrong.len());
    assert!(breaks(EvidenceKind::Snp).len() >= 40);
}

#[test]
fn names_of_breaks_are_unique() {
    let names: BTreeSet<&str> =
        breaks(EvidenceKind::Snp).iter().map(|listed| listed.name).collect();
    assert_eq!(names.len(), breaks(EvidenceKind::Snp).len());
}

#[test]
fn refuses_a_minted_chain_where_only_amds_roots_are_trusted() {
    for options in platforms() {
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
        let error =
            verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), minted.at).unwrap_err();
        assert_eq!(error.check(), "root-foreign");
    }
}

#[test]
fn requires_a_list_of_the_root_where_revocation_must_be_checked() {
    let mut options = options(SnpProduct::Genoa, SnpKey::Vcek);
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    let anchors = anchors(&minted);
    let endorsements = Endorsements::parse(&[&minted.endorsements]).unwrap();
    let crls = Crls::verify(&endorsements.crls, &anchors, minted.at).unwrap().required();
    verify_chain(&endorsements.chain, &anchors, &crls, minted.at).unwrap();
    let none = Crls::none().required();
    let error = verify_chain(&endorsements.chain, &anchors, &none, minted.at).unwrap_err();
    assert_eq!(error.check(), "crl-missing");
    // A list of another product's root does not serve.
    options.snp.product = SnpProduct::Milan;
    let other = mint(EvidenceKind::Snp, &options).unwrap();
    let anchors = anchors.with_root(&root(&other)).unwrap();
    let other = Endorsements::parse(&[&other.endorsements]).unwrap();
    let crls = Crls::verify(&other.crls, &anchors, minted.at).unwrap().required();
    let error = verify_chain(&endorsements.chain, &anchors, &crls, minted.at).unwrap_err();
    assert_eq!(error.check(), "crl-missing");
}

#[test]
fn judges_a_kept_key_by_lists_and_moments_that_came_later() {
    let options = options(SnpProduct::Milan, SnpKey::Vlek);
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    let anchors = anchors(&minted);
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let key = verify_chain(&chain, &anchors, &Crls::none(), minted.at).unwrap();
    let report = Report::parse(&minted.evidence).unwrap();
    verify_report(&report, &key, &Crls::none(), minted.at).unwrap();

    let revoked = mint(EvidenceKind::Snp, &options.clone().broken("intermediate-revoked")).unwrap();
    let revoked = Endorsements::parse(&[&revoked.endorsements]).unwrap();
    let crls = Crls::verify(&revoked.crls, &anchors, minted.at).unwrap();
    let error = verify_report(&report, &key, &crls, minted.at).unwrap_err();
    assert_eq!(error.check(), "intermediate-revoked");
    let (name, serial) = ("SEV-VLEK-Milan", key.intermediate().serial());
    let label = &key.facts().root.label;
    let text = format!("{name:?} with serial number {serial} is revoked by {label:?}");
    assert_eq!(error.to_string(), text);

    let day = |days: i64| minted.at.saturating_add_seconds(days * 86_400);
    let fresh = Crls::verify(
        &Endorsements::parse(&[&minted.endorsements]).unwrap().crls,
        &anchors,
        minted.at,
    )
    .unwrap();
    for (at, check) in [
        (day(-31), "vek-not-yet-valid"),
        (day(301), "vek-expired"),
        (day(-11), "crl-not-yet-valid"),
    ] {
        let error = verify_report(&report, &key, &fresh, at).unwrap_err();
        assert_eq!(error.check(), check);
    }
}

#[test]
fn remembers_an_intermediate_but_not_its_altered_copy() {
    let options = options(SnpProduct::Turin, SnpKey::Vcek);
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    let mut anchors = anchors(&minted);
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let verified =
        avouch_snp::verify_intermediate(chain.intermediates()[0], &anchors, minted.at).unwrap();
    let (fresh, before) = (anchors.clone(), anchors.intermediates().count());
    anchors.remember(verified.clone());
    anchors.remember(verified);
    assert_eq!(anchors.intermediates().count(), before + 1);
    verify_chain(&chain, &anchors, &Crls::none(), minted.at).unwrap();
    let later = minted.at.saturating_add_seconds(9000 * 86_400);
    let error = verify_chain(&chain, &anchors, &Crls::none(), later).unwrap_err();
    assert_eq!(error.check(), "intermediate-expired");
    // Read beside the anchors, the same chain has only its key left to read, and verifies.
    let beside = |minted: &Minted| {
        let evidence = SnpEvidence::parse(&document(minted)).unwrap();
        Chain::parse_sent(&[evidence.certificates()], &anchors).unwrap()
    };
    let chain = beside(&minted);
    assert!(chain.intermediates().is_empty() && chain.roots().is_empty());
    verify_chain(&chain, &anchors, &Crls::none(), minted.at).unwrap();
    let error = verify_chain(&chain, &anchors, &Crls::none(), later).unwrap_err();
    assert_eq!(error.check(), "intermediate-expired");
    // Under other anchors what was recognised counts for nothing.
    for others in [TrustAnchors::amd(), TrustAnchors::none()] {
        let error = verify_chain(&chain, &others, &Crls::none(), minted.at).unwrap_err();
        assert_eq!(error.check(), "root-missing");
    }
    // What was remembered does not serve a chain that comes without it.
    let text = pem_text(&[chain.leaf().unwrap().1.der()]);
    for anchors in [&anchors, &fresh] {
        let alone = Chain::parse_beside(&[&text], 16, anchors).unwrap();
        let error = verify_chain(&alone, anchors, &Crls::none(), minted.at).unwrap_err();
        assert_eq!(error.check(), "intermediate-missing");
    }
    for (name, check) in [
        ("intermediate-signature", "intermediate-signature"),
        ("intermediate-expired", "intermediate-expired"),
        ("intermediate-not-ca", "intermediate-not-ca"),
    ] {
        let broken = mint(EvidenceKind::Snp, &options.clone().broken(name)).unwrap();
        let read = Endorsements::parse(&[&broken.endorsements]).unwrap().chain;
        for chain in [read, beside(&broken)] {
            let error = verify_chain(&chain, &anchors, &Crls::none(), minted.at).unwrap_err();
            assert_eq!(error.check(), check);
        }
    }
}

fn pem_text(certificates: &[&[u8]]) -> String {
    certificates.iter().map(|der| avouch_pki::pem::encode("CERTIFICATE", der)).collect()
}

#[test]
fn counts_what_it_recognises_like_what_it_reads() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Genoa, SnpKey::Vcek)).unwrap();
    let mut anchors = anchors(&minted);
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let intermediate = chain.intermediates()[0];
    let (leaf, root) = (chain.leaf().unwrap().1.der(), chain.roots()[0].der());
    anchors.remember(avouch_snp::verify_intermediate(intermediate, &anchors, minted.at).unwrap());
    // Each certificate twice, then one that cannot be read: the error names its place among
    // different ones.
    let sent = [root, root, intermediate.der(), intermediate.der(), leaf, leaf, &[0x30, 0]];
    let text = pem_text(&sent);
    let read = Chain::parse_at_most(&[&text], 16).unwrap_err();
    let beside = Chain::parse_beside(&[&text], 16, &anchors).unwrap_err();
    assert_eq!(read, beside);
    assert!(read.to_string().starts_with("certificate 3:"), "{read}");
    for most in [2, 3] {
        let parts = [root, intermediate.der(), leaf];
        let read = Chain::parse_at_most(&parts, most);
        let beside = Chain::parse_beside(&parts, most, &anchors);
        assert_eq!(read.is_ok(), most == 3);
        assert_eq!(read.err(), beside.err());
    }
    // Twice the same, once recognised and once read, is one.
    let mut both = Chain::parse_beside(&[intermediate.der()], 16, &anchors).unwrap();
    assert!(both.intermediates().is_empty());
    both.extend(Chain::parse(&[intermediate.der(), leaf]).unwrap());
    assert!(both.intermediates().is_empty());
    verify_chain(&both, &anchors, &Crls::none(), minted.at).unwrap();
}

#[test]
fn forgets_the_oldest_of_too_many_intermediates_and_no_pinned_one() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Genoa, SnpKey::Vcek)).unwrap();
    let mut anchors = anchors(&minted);
    let pinned = anchors.intermediates().count();
    let first = verified_intermediate(&minted, &anchors);
    anchors.remember(first.clone());
    for index in 1..=64 {
        // Minted at another moment, the same key has another certificate.
        let at = minted.at.saturating_add_seconds(index);
        let options = Options { at, ..options(SnpProduct::Genoa, SnpKey::Vcek) };
        let other = verified_intermediate(&mint(EvidenceKind::Snp, &options).unwrap(), &anchors);
        anchors.remember(other);
    }
    assert_eq!(anchors.intermediates().count(), pinned + 64);
    assert!(anchors.intermediate(first.fingerprint_sha256()).is_none());
    for known in TrustAnchors::amd().intermediates() {
        assert!(anchors.intermediate(known.fingerprint_sha256()).is_some());
    }
}

fn verified_intermediate(minted: &Minted, anchors: &TrustAnchors) -> VerifiedIntermediate {
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    avouch_snp::verify_intermediate(chain.intermediates()[0], anchors, minted.at).unwrap()
}

#[test]
fn does_not_remember_an_intermediate_of_a_root_that_is_not_trusted() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Turin, SnpKey::Vcek)).unwrap();
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let intermediate = chain.intermediates()[0];
    let verified =
        avouch_snp::verify_intermediate(intermediate, &anchors(&minted), minted.at).unwrap();
    let mut amd = TrustAnchors::amd();
    amd.remember(verified);
    assert_eq!(amd.intermediates().count(), TrustAnchors::amd().intermediates().count());
}

#[test]
fn refuses_roots_that_are_not_named_or_signed_like_one() {
    let good = options(SnpProduct::Milan, SnpKey::Vcek);
    let minted = mint(EvidenceKind::Snp, &good).unwrap();
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let twice = anchors(&minted).with_root(&root(&minted)).unwrap();
    assert_eq!(twice.roots().count(), TrustAnchors::amd().roots().count() + 1);
    let error = TrustAnchors::none().with_root(chain.intermediates()[0]).unwrap_err();
    assert!(error.to_string().contains("SEV-Milan"), "{error}");
    let broken = mint(EvidenceKind::Snp, &good.broken("root-self-signature")).unwrap();
    let chain = Endorsements::parse(&[&broken.endorsements]).unwrap().chain;
    assert!(TrustAnchors::none().with_root(&chain.roots()[0]).is_err());
}

#[test]
fn of_two_roots_refusals_the_one_that_is_not_about_a_name_is_given() {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_RSA_SHA384};
    let expired = options(SnpProduct::Milan, SnpKey::Vcek).broken("intermediate-expired");
    let minted = mint(EvidenceKind::Snp, &expired).unwrap();
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    // A root of the same product, but of another name as a whole.
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "ARK-Milan");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = include_bytes!("../../../mint/src/snp/test_keys/foreign.der").as_slice();
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key.into(), &PKCS_RSA_SHA384).unwrap();
    let other = params.self_signed(&key).unwrap();
    let (own, other) = (root(&minted), Certificate::parse(other.der()).unwrap());
    for [first, second] in [[&own, &other], [&other, &own]] {
        let anchors = TrustAnchors::none().with_root(first).unwrap().with_root(second).unwrap();
        let error = verify_chain(&chain, &anchors, &Crls::none(), minted.at).unwrap_err();
        assert_eq!(error.check(), "intermediate-expired");
    }
}

#[test]
fn a_refused_report_is_told_what_it_says_and_what_its_key_is_for() {
    let good = options(SnpProduct::Milan, SnpKey::Vcek);
    let minted = mint(EvidenceKind::Snp, &good).unwrap();
    let key_of = |options: &Options| {
        let minted = mint(EvidenceKind::Snp, options).unwrap();
        let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
        verify_chain(&chain, &anchors(&minted), &Crls::none(), minted.at).unwrap()
    };
    let refusal = |key: &VerifiedEndorsementKey, evidence: &[u8]| {
        let report = Report::parse(evidence).unwrap();
        verify_report(&report, key, &Crls::none(), minted.at).unwrap_err()
    };
    let of_provider = key_of(&options(SnpProduct::Milan, SnpKey::Vlek));
    let (report, certificate) = (VekKind::Vcek, VekKind::Vlek);
    let kinds = VerifyError::SigningKeyKind { report, certificate };
    assert_eq!(refusal(&of_provider, &minted.evidence), kinds);
    let of_genoa = key_of(&options(SnpProduct::Genoa, SnpKey::Vcek));
    let (report, certificate) = (Product::Milan, Product::Genoa);
    let products = VerifyError::ProductMismatch { report, certificate };
    assert_eq!(refusal(&of_genoa, &minted.evidence), products);
    let broken = good.broken("tcb-microcode");
    let (key, broken) = (key_of(&broken), mint(EvidenceKind::Snp, &broken).unwrap().evidence);
    let reported = Report::parse(&broken).unwrap().untrusted_body().reported_tcb.0[7];
    let certified = key.extensions().certified_tcb().0[7];
    assert_ne!(reported, certified);
    let levels = VerifyError::TcbMismatch { component: "microcode", reported, certified };
    assert_eq!(refusal(&key, &broken), levels);
}

#[test]
fn a_refused_endorsement_is_told_its_measurement_and_its_floor() {
    for form in [UvmForm::Json, UvmForm::Cwt] {
        let mut good = options(SnpProduct::Milan, SnpKey::Vcek);
        good.snp.uvm = Some(form);
        let report = assert_accepted(&good);
        let publisher = uvm_publisher(&good).unwrap();
        let other = mint(EvidenceKind::Snp, &good.broken("uvm-measurement")).unwrap();
        let evidence = SnpEvidence::parse(&document(&other)).unwrap();
        let cose = evidence.uvm_endorsements().next().unwrap();
        let says = UntrustedUvmDocument::parse(cose).unwrap();
        let with_floor = |floor: u64| UvmTrust {
            entries: trust(publisher.clone())
                .entries
                .into_iter()
                .map(|entry| UvmTrustEntry { minimum_svn: floor, ..entry })
                .collect(),
        };
        let (endorsed, of_report) = (says.measurement, report.body().measurement);
        let error = uvm::verify(cose, &report, &with_floor(says.svn), other.at).unwrap_err();
        assert_eq!(error, UvmError::Measurement { endorsed, report: of_report });
        assert!(!error.is_not_counted());
        let floor = says.svn + 1;
        let error = uvm::verify_document(cose, &with_floor(floor), other.at).unwrap_err();
        let (feed, found) = (publisher.feed.clone(), says.svn);
        assert_eq!(error, UvmError::Svn { feed, found, minimum: floor });
        assert!(error.is_not_counted());
    }
}

#[test]
fn accepts_version_6_only_where_the_operator_allows_it() {
    let mut options = options(SnpProduct::Turin, SnpKey::Vcek);
    options.snp.report_version = 6;
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    assert_eq!(Report::parse(&minted.evidence).unwrap_err().check(), "report-version");
    let versions = ReportVersions::KnownAndSix;
    let report = Report::parse_versions(&minted.evidence, versions).unwrap();
    let chain = Chain::parse(&pem_only(&minted)).unwrap();
    let key = verify_chain(&chain, &anchors(&minted), &Crls::none(), minted.at).unwrap();
    verify_report(&report, &key, &Crls::none(), minted.at).unwrap();
    SnpEvidence::parse_versions(&document(&minted), versions).unwrap();

    // Only the new fields are free; what stands around them is reserved as in version 5.
    for (offset, free) in
        [(0x21f, false), (0x220, true), (0x27f, true), (0x280, false), (0x29f, false)]
    {
        let mut bytes = minted.evidence.clone();
        bytes[offset] ^= 1;
        let parsed = Report::parse_versions(&bytes, versions);
        assert_eq!(parsed.is_ok(), free, "{offset:#x}");
    }
    let mut seven = minted.evidence;
    seven[0] = 7;
    let error = Report::parse_versions(&seven, versions).unwrap_err();
    assert_eq!(error.check(), "report-version");
}

fn pem_only(minted: &Minted) -> Vec<Vec<u8>> {
    let evidence = SnpEvidence::parse_versions(&document(minted), ReportVersions::KnownAndSix);
    vec![evidence.unwrap().certificates().to_vec()]
}

#[test]
fn accepts_certificates_in_any_order_and_encoding() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Genoa, SnpKey::Vcek)).unwrap();
    let pem_text = pem_only(&minted).remove(0);
    let mut parts = pem::certificates(&pem_text, 8).unwrap();
    parts.reverse();
    let at = minted.at;
    let with_noise = String::from_utf8(pem_text.clone()).unwrap().replace('\n', "\r\n");
    let with_noise = format!("subject=SEV-VCEK\r\n{with_noise}\r\n\0\0");
    for parts in [parts, vec![pem_text.clone()], vec![with_noise.into_bytes()]] {
        let chain = Chain::parse(&parts).unwrap();
        verify_chain(&chain, &anchors(&minted), &Crls::none(), at).unwrap();
    }
    // Twice the same bytes are one certificate.
    let chain = Chain::parse(&[&pem_text, &pem_text]).unwrap();
    verify_chain(&chain, &anchors(&minted), &Crls::none(), at).unwrap();
}

#[test]
fn the_key_of_a_cache_depends_on_every_part_and_where_it_ends() {
    let keys: HashSet<ChainCacheKey> = [
        ChainCacheKey::of(&[b"ab".as_slice(), b"c"]),
        ChainCacheKey::of(&[b"a".as_slice(), b"bc"]),
        ChainCacheKey::of(&[b"abc".as_slice()]),
        ChainCacheKey::of(&[b"abc".as_slice(), b""]),
    ]
    .into();
    assert_eq!(keys.len(), 4);
    assert_eq!(ChainCacheKey::of(&[b"abc"]), ChainCacheKey::of(&[b"abc".to_vec()]));
    // One part that holds what leads another.
    assert_ne!(
        ChainCacheKey::of(&[b"a".as_slice(), b"b"]),
        ChainCacheKey::of(&[b"a\0b".as_slice()])
    );
    let der = [0x30; 36];
    let text = pem::encode("CERTIFICATE", &der);
    let of_text = ChainCacheKey::of(&[text.as_bytes()]);
    assert_ne!(of_text, ChainCacheKey::of(&[der]));
    // What is read of a text is a text with the same certificates.
    let content = pem::content(text.as_bytes(), 1).unwrap();
    assert_eq!(of_text, ChainCacheKey::of(&[&content]));
    assert_eq!(of_text, ChainCacheKey::of(&[format!("subject=x\n{text}").as_bytes()]));
}

#[test]
fn chains_from_several_inputs_make_one_and_count_what_came() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Milan, SnpKey::Vcek)).unwrap();
    let foreign = mint(EvidenceKind::Snp, &options(SnpProduct::Genoa, SnpKey::Vlek)).unwrap();
    let parts = |minted: &Minted| pem::certificates(&pem_only(minted)[0], 3).unwrap();
    let [vek, ask, ark] = <[Vec<u8>; 3]>::try_from(parts(&minted)).unwrap();
    for anchors in [TrustAnchors::none(), anchors(&minted)] {
        let parse = |sent: &[&Vec<u8>]| Chain::parse_beside(sent, 16, &anchors).unwrap();
        let counts = |chain: &Chain| {
            (chain.leaves().count(), chain.intermediates().len(), chain.roots().len())
        };
        let roots = usize::from(anchors.roots().count() == 0);
        let mut chain = parse(&[&vek]);
        chain.extend(parse(&[&ask]));
        chain.extend(parse(&[&ark]));
        assert_eq!(counts(&chain), (1, 1, roots));
        assert!(chain.is_plain());
        verify_chain(&chain, &self::anchors(&minted), &Crls::none(), minted.at).unwrap();
        for again in [&vek, &ask, &ark] {
            let mut twice = chain.clone();
            twice.extend(parse(&[again]));
            assert_eq!(counts(&twice), counts(&chain));
            assert!(!twice.is_plain(), "it came twice");
        }
        chain.extend(Chain::parse(&parts(&foreign)).unwrap());
        assert_eq!(counts(&chain), (2, 2, roots + 1));
        assert!(chain.leaf().is_err());
    }
}

#[test]
fn of_several_keys_the_one_of_the_report_is_kept() {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
    let good = options(SnpProduct::Milan, SnpKey::Vcek);
    let mint_of = |options: &Options| mint(EvidenceKind::Snp, options).unwrap();
    let leaf = |options: &Options| {
        pem::certificates(&pem_only(&mint_of(options))[0], 3).unwrap().remove(0)
    };
    let evidence = mint_of(&good);
    let report = Report::parse(&evidence.evidence).unwrap();
    let own = leaf(&good);
    let changed = |change: fn(&mut Options)| {
        let mut other = good.clone();
        change(&mut other);
        leaf(&other)
    };
    // One of another TCB, chip, kind and product, and one whose issuer is none of AMD's.
    let strange = {
        let params = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.remove(DnType::CommonName);
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let issuer = Issuer::new(params("any"), KeyPair::generate().unwrap());
        let key = KeyPair::generate().unwrap();
        params("SEV-VCEK").signed_by(&key, &issuer).unwrap().der().to_vec()
    };
    for other in [
        changed(|other| other.snp.tcb.microcode += 1),
        changed(|other| other.snp.tcb.boot_loader += 1),
        changed(|other| other.seed = avouch_mint::Seed::from_number(7)),
        changed(|other| other.snp.key = SnpKey::Vlek),
        changed(|other| other.snp.product = SnpProduct::Turin),
        strange,
    ] {
        assert_ne!(other, own);
        for pair in [[&own, &other], [&other, &own]] {
            let chain = Chain::parse(&pair).unwrap();
            assert!(chain.leaf().is_err());
            let kept = chain.for_report(&report).unwrap();
            assert_eq!(kept.leaf().unwrap().1.der(), own);
        }
        // A single one is kept, so that verification can say what does not fit.
        let alone = Chain::parse(&[&other]).unwrap().for_report(&report).unwrap();
        assert_eq!(alone.leaf().unwrap().1.der(), other);
    }
}

#[test]
fn a_chain_is_worth_remembering_if_all_of_it_was_judged() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Milan, SnpKey::Vcek)).unwrap();
    let foreign = mint(EvidenceKind::Snp, &options(SnpProduct::Genoa, SnpKey::Vcek)).unwrap();
    let parts = |minted: &Minted| pem::certificates(&pem_only(minted)[0], 3).unwrap();
    let [vek, ask, ark] = <[Vec<u8>; 3]>::try_from(parts(&minted)).unwrap();
    let [_, other_ask, other_ark] = <[Vec<u8>; 3]>::try_from(parts(&foreign)).unwrap();
    // Of the same names, made at another moment.
    let mut namesake = options(SnpProduct::Milan, SnpKey::Vcek);
    namesake.at = namesake.at.saturating_add_seconds(1);
    let namesake = mint(EvidenceKind::Snp, &namesake).unwrap();
    let [_, same_ask, same_ark] = <[Vec<u8>; 3]>::try_from(parts(&namesake)).unwrap();
    assert!(ask != same_ask && ark != same_ark);
    let mut remembering = anchors(&minted);
    let intermediate = Certificate::parse(&ask).unwrap();
    let intermediate =
        avouch_snp::verify_intermediate(&intermediate, &remembering, minted.at).unwrap();
    remembering.remember(intermediate);
    for anchors in [TrustAnchors::none(), anchors(&minted), remembering] {
        let is_plain =
            |sent: &[&Vec<u8>]| Chain::parse_beside(sent, 16, &anchors).unwrap().is_plain();
        for sent in [[&vek, &ask, &ark].as_slice(), &[&ark, &vek, &ask], &[&vek, &ask], &[&vek]] {
            assert!(is_plain(sent));
        }
        for sent in [
            [&vek, &ask, &ark, &ask].as_slice(),
            &[&vek, &vek, &ask, &ark],
            &[&vek, &ask, &ark, &ark],
            &[&vek, &ask, &other_ask],
            &[&vek, &other_ask],
            &[&vek, &ask, &other_ark],
            &[&vek, &ask, &ark, &other_ark],
            &[&vek, &ask, &same_ask],
            &[&vek, &ask, &ark, &same_ark],
            &[&vek, &ask, &ark, &same_ask, &same_ark],
            &[&ask, &ark],
        ] {
            assert!(!is_plain(sent));
        }
    }
}

#[test]
fn the_key_of_a_cache_does_not_depend_on_what_stands_between_certificates() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Milan, SnpKey::Vcek)).unwrap();
    let text = String::from_utf8(pem_only(&minted).remove(0)).unwrap();
    let key = |text: &str| ChainCacheKey::of(&[text]);
    for same in [
        format!("subject=SEV-VCEK\n{text}"),
        format!("{text}\0\0"),
        text.replace('\n', "\r\n"),
        text.replace("\nM", "\n M "),
        text.replace("-----\n-----", "-----\n between - \n-----"),
    ] {
        assert_eq!(key(&same), key(&text));
        Chain::parse(&[same]).unwrap();
    }
    for other in [
        text.replacen("\nMI", "\nMJ", 1),
        text.replacen("BEGIN CERTIFICATE", "BEGIN CERTIFICATION", 1),
        format!("{text}-----BEGIN CERTIFICATE-----"),
        format!("0{text}"),
        text.repeat(6),
    ] {
        assert_ne!(key(&other), key(&text));
        Chain::parse_at_most(&[other], 16).unwrap_err();
    }
}

#[test]
fn no_report_with_a_flipped_bit_verifies() {
    for key in KEYS {
        let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Turin, key)).unwrap();
        let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
        let key = verify_chain(&chain, &anchors(&minted), &Crls::none(), minted.at).unwrap();
        for index in 0..minted.evidence.len() {
            let mut report = minted.evidence.clone();
            report[index] ^= 1 << (index % 8);
            let Ok(report) = Report::parse(&report) else { continue };
            let outcome = verify_report(&report, &key, &Crls::none(), minted.at);
            assert!(outcome.is_err(), "bit flipped in byte {index:#x}");
        }
    }
}

#[test]
fn reads_the_same_from_equal_seeds_and_other_things_from_others() {
    let good = options(SnpProduct::Milan, SnpKey::Vcek);
    let facts = |options: &Options| {
        let verified = assert_accepted(options);
        serde_json::to_value(verified.facts()).unwrap()
    };
    let first = facts(&good);
    assert_eq!(first["chip_id"], facts(&good)["chip_id"]);
    let mut other = good;
    other.seed = avouch_mint::Seed::from_number(7);
    let second = facts(&other);
    for name in ["chip_id", "measurement", "report_id", "id_key_digest"] {
        assert_ne!(first[name], second[name], "{name}");
    }
}

#[test]
fn two_certificates_of_one_key_serve_and_the_newest_in_force_counts() {
    for options in platforms() {
        let minted = mint(EvidenceKind::Snp, &options).unwrap();
        let mut later = options.clone();
        later.at = minted.at.saturating_add_seconds(86_400);
        let later = mint(EvidenceKind::Snp, &later).unwrap();
        let both = [&minted.endorsements, &later.endorsements];
        let chain = Endorsements::parse(&both).unwrap().chain;
        assert_eq!(chain.leaves().count(), 2);
        let anchors = anchors(&minted);
        let report = SnpEvidence::parse(&document(&minted)).unwrap().report().clone();
        let chain = chain.for_report(&report).unwrap();
        for at in [minted.at, minted.at.saturating_add_seconds(86_400)] {
            let key = verify_chain(&chain, &anchors, &Crls::none(), at).unwrap();
            verify_report(&report, &key, &Crls::none(), at).unwrap();
            let in_force = chain.leaves().filter(|(_, leaf)| leaf.validity().check(at).is_ok());
            let newest = in_force.max_by_key(|(_, leaf)| leaf.not_before()).unwrap().1;
            assert_eq!(key.facts().certificate_sha256, newest.fingerprint_sha256());
        }
        let never = minted.at.saturating_add_seconds(9000 * 86_400);
        verify_chain(&chain, &anchors, &Crls::none(), never).unwrap_err();
        // Two keys are still one too many.
        let two = mint(EvidenceKind::Snp, &options.clone().broken("chain-two-keys")).unwrap();
        let two = SnpEvidence::parse(&document(&two)).unwrap().chain().unwrap();
        let error = verify_chain(&two, &anchors, &Crls::none(), minted.at).unwrap_err();
        assert_eq!(error.check(), "chain-leaf-count");
    }
}

#[test]
fn of_several_keys_of_which_none_fits_the_nearest_is_judged_or_none() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Milan, SnpKey::Vcek)).unwrap();
    let report = SnpEvidence::parse(&document(&minted)).unwrap().report().clone();
    let vcek = |change: &dyn Fn(&mut Options)| {
        let mut other = options(SnpProduct::Milan, SnpKey::Vcek);
        change(&mut other);
        let evidence =
            SnpEvidence::parse(&document(&mint(EvidenceKind::Snp, &other).unwrap())).unwrap();
        evidence.chain().unwrap().leaf().unwrap().1.der().to_vec()
    };
    let other_tcb = vcek(&|other| other.snp.tcb.microcode += 1);
    let seeded = |number| {
        vcek(&move |other: &mut Options| other.seed = avouch_mint::Seed::from_number(number))
    };
    let others = [seeded(7), seeded(8)];
    let near = Chain::parse(&[&others[0], &other_tcb, &others[1]]).unwrap();
    let near = near.for_report(&report).unwrap();
    assert_eq!(near.leaf().unwrap().1.der(), other_tcb);
    let error = Chain::parse(&others).unwrap().for_report(&report).unwrap_err();
    assert_eq!(error.check(), "chain-leaf-count");
    let chip_id = avouch_wire::encode_hex(&report.bytes()[0x1a0..0x1e0]);
    assert!(error.to_string().ends_with(&format!("CHIP_ID is {chip_id}")), "{error}");
}

#[test]
fn a_report_that_asks_for_another_key_is_refused_with_what_differs() {
    let minted = mint(EvidenceKind::Snp, &options(SnpProduct::Milan, SnpKey::Vcek)).unwrap();
    let evidence = SnpEvidence::parse(&document(&minted)).unwrap();
    let anchors = anchors(&minted);
    let key = verify_chain(&evidence.chain().unwrap(), &anchors, &Crls::none(), minted.at).unwrap();
    for (offset, words) in [
        (0x1a0, "another chip: CHIP_ID is "),
        (0x187, "another TCB: microcode of REPORTED_TCB is "),
        (0x90, "report signature does not verify under the VCEK of Milan"),
    ] {
        let mut bytes = evidence.report().bytes().to_vec();
        bytes[offset] ^= 1;
        let report = Report::parse(&bytes).unwrap();
        let error = verify_report(&report, &key, &Crls::none(), minted.at).unwrap_err();
        assert_eq!(error.check(), "report-signature");
        assert!(error.to_string().contains(words), "{error}");
    }
}
