//! An endorsement can be shown without being judged.
#![cfg(test)]

use avouch_mint::snp::{UvmForm, uvm_publisher};
use avouch_mint::{Options, mint};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::uvm::{Form, UntrustedUvmDocument, UvmTrust, verify_document};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, base64url};

/// An endorsement of a publisher that nobody trusts, and what it was made of.
fn endorsement(form: UvmForm) -> (Vec<u8>, Options, String) {
    let mut options = Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap());
    options.snp.uvm = Some(form);
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    let request: serde_json::Value = serde_json::from_str(&minted.request).unwrap();
    let document = base64url::decode(request["report"].as_str().unwrap()).unwrap();
    let evidence = SnpEvidence::parse(&document).unwrap();
    let measurement = evidence.report().untrusted_body().measurement.to_string();
    (evidence.uvm_endorsements().next().unwrap().to_vec(), options, measurement)
}

#[test]
fn an_endorsement_of_either_generation_shows_what_it_says_although_nobody_trusts_it() {
    for (minted, form) in [(UvmForm::Json, Form::Json), (UvmForm::Cwt, Form::Cwt)] {
        let (cose, options, measurement) = endorsement(minted);
        let shown = UntrustedUvmDocument::parse(&cose).unwrap();
        let publisher = uvm_publisher(&options).unwrap();
        assert_eq!((shown.form, shown.issuer), (form, publisher.issuer));
        assert_eq!((shown.feed, shown.measurement.to_string()), (publisher.feed, measurement));
        assert!(shown.svn >= publisher.minimum_svn);
        assert!(shown.certificates.len() > 1 && shown.signature_bytes > 0);
        let nobody = UvmTrust { entries: Vec::new() };
        assert!(verify_document(&cose, &nobody, options.at).unwrap_err().is_not_counted());
    }
}

#[test]
fn a_truncated_envelope_is_not_shown() {
    let (mut cose, _, _) = endorsement(UvmForm::Json);
    cose.pop();
    assert_eq!(UntrustedUvmDocument::parse(&cose).unwrap_err().check(), "uvm-cose");
}
