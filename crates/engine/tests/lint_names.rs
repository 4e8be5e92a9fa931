//! The names that the policy lint knows are the names that policies are given.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;

use avouch_engine::{AppraisalSettings, PolicyInForce};
use avouch_mint::snp::{UvmForm, uvm_publisher};
use avouch_mint::{HeldData, Kind, Kss, Options, mint};
use avouch_pki::Certificate;
use avouch_policy::lint::AttestationType;
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_token::policy_jws::{JwsContent, PolicySigner, SignedForm, create_signed};
use avouch_token::{KeySpec, SigningKey, provider_certificate};
use support::{at, engine_for, kind_of, request};

const AT: &str = "2026-05-01T12:00:00Z";

/// A signed policy, so that its signer is told too.
fn signed_policy() -> PolicyInForce {
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let certificate = provider_certificate(&key, "https://signer.example", None).unwrap();
    let chain = [Certificate::parse(&certificate).unwrap()];
    let signer = PolicySigner::new(&key, &chain).unwrap();
    let text = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
    let jws = create_signed(JwsContent::Policy(text), SignedForm::Compact, signer).unwrap();
    PolicyInForce::from_jws(jws.as_bytes()).unwrap()
}

/// Evidence from which every claim of its kind is made, but for what the form of held data decides.
fn options(held: HeldData) -> Options {
    let mut options = Options::new(at(AT));
    options.runtime_data = Some(held);
    options.init_time_data = Some(HeldData::json("{}"));
    options.enclave.kss = Some(Kss::default());
    options.snp.uvm = Some(UvmForm::Json);
    options
}

fn names_that_policies_are_given(kind: Kind) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for held in [HeldData::json("{}"), HeldData::binary(*b"held")] {
        let options = options(held);
        let publisher = uvm_publisher(&options).unwrap();
        let settings = AppraisalSettings {
            uvm: UvmTrust {
                entries: vec![UvmTrustEntry {
                    issuer: publisher.issuer,
                    feed: publisher.feed,
                    minimum_svn: publisher.minimum_svn,
                    compliance_status: Some("minted".to_owned()),
                }],
            },
            ..AppraisalSettings::default()
        };
        let minted = mint(kind, &options).unwrap();
        let appraisal = engine_for(&minted)
            .appraise(&request(&minted), &signed_policy(), &settings, at(AT))
            .unwrap();
        names.extend(appraisal.incoming.iter().map(|claim| claim.claim_type.to_string()));
    }
    names
}

#[test]
fn the_lint_knows_exactly_the_names_that_policies_are_given() {
    for kind in Kind::ALL {
        let name = kind_of(kind).attestation_type();
        let known = AttestationType::from_name(name).unwrap().claims();
        let distinct: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), known.len(), "{name}: a name is listed twice");
        assert_eq!(distinct, names_that_policies_are_given(kind), "{name}");
    }
}
