//! What the tests of sets of endorsements share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_endorsements::{Asked, EndorsementName, EndorsementSet, PckCa, Published, VcekId};
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, EndorsementSource, Engine, PolicyInForce,
    TokenForm,
};
use avouch_mint::{Minted, Options, mint};
use avouch_pki::pem;
use avouch_snp::{Product, VekKind};
use avouch_wire::{EvidenceKind, Hex, UnixTime};

pub(crate) const AT: &str = "2026-05-01T12:00:00Z";
pub(crate) const STANDARD: TcbEvaluation = TcbEvaluation::Standard;
/// FMSPC of minted platforms.
pub(crate) const FMSPC: Hex<6> = Hex([0xa0, 0xc0, 0x6d, 0, 0, 0]);

pub(crate) fn at() -> UnixTime {
    UnixTime::from_rfc3339(AT).unwrap()
}

pub(crate) fn minted(kind: EvidenceKind, change: impl FnOnce(&mut Options)) -> Minted {
    let mut options = Options::new(at());
    change(&mut options);
    mint(kind, &options).unwrap()
}

pub(crate) fn thing(name: EndorsementName, body: &[u8], issuer_chain: &[u8]) -> Published {
    Published {
        name,
        body: body.into(),
        issuer_chain: issuer_chain.into(),
        source: "test".into(),
        fetched_at: at(),
        etag: None,
    }
}

/// The four answers that minted SGX or TDX collateral is made of, as fetched by a choice.
pub(crate) fn intel_parts(minted: &Minted, evaluation: TcbEvaluation) -> [Published; 4] {
    let set = Collateral::parse_json(&minted.endorsements).unwrap();
    let tee = match minted.kind {
        EvidenceKind::Tdx => TeeType::Tdx,
        _ => TeeType::Sgx,
    };
    let parts = set.parts();
    let fmspc = set.untrusted_summary().unwrap().fmspc;
    let ca = avouch_pki::Crl::parse(&parts.pck_crl).unwrap();
    let ca = PckCa::from_common_name(ca.issuer().label()).unwrap();
    let tcb_info = EndorsementName::TcbInfo { tee, fmspc, evaluation };
    let qe_identity = EndorsementName::QeIdentity { tee, evaluation };
    [
        thing(tcb_info, parts.tcb_info.body(), &parts.tcb_info_issuer_chain),
        thing(qe_identity, parts.qe_identity.body(), &parts.qe_identity_issuer_chain),
        thing(EndorsementName::PckCrl(ca), &parts.pck_crl, &parts.pck_crl_issuer_chain),
        thing(EndorsementName::RootCaCrl, &parts.root_ca_crl, b""),
    ]
}

/// VCEK, chain and CRL of minted SEV-SNP evidence of Milan.
pub(crate) fn amd_parts(minted: &Minted) -> [Published; 3] {
    let text = String::from_utf8(minted.endorsements.clone()).unwrap();
    let (certificates, crl) = text.split_at(text.find("-----BEGIN X509 CRL").unwrap());
    let certificates = pem::certificates(certificates.as_bytes(), 8).unwrap();
    let [leaf, above @ ..] = certificates.as_slice() else { panic!("no certificates") };
    let chain: String = above.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    let crl = pem::only_block(crl.trim(), "X509 CRL").unwrap().der().unwrap();
    [
        thing(EndorsementName::Vcek(Product::Milan, vcek_id(minted)), leaf, b""),
        thing(EndorsementName::VekChain(Product::Milan, VekKind::Vcek), chain.as_bytes(), b""),
        thing(EndorsementName::AmdCrl(Product::Milan, VekKind::Vcek), &crl, b""),
    ]
}

/// What a minted report says that its key is of.
pub(crate) fn vcek_id(minted: &Minted) -> VcekId {
    let report = avouch_snp::Report::parse(&minted.evidence).unwrap();
    let body = report.untrusted_body();
    VcekId { chip_id: body.chip_id, tcb: Hex(body.reported_tcb.0) }
}

/// The check that refuses minted evidence by a set, or nothing; and what was asked of it in vain.
pub(crate) fn judge(set: &EndorsementSet, minted: &Minted) -> (Option<&'static str>, Arc<Asked>) {
    judge_at(set, minted, at())
}

pub(crate) fn judge_at(
    set: &EndorsementSet,
    minted: &Minted,
    at: UnixTime,
) -> (Option<&'static str>, Arc<Asked>) {
    judge_by(set, minted, &AppraisalSettings::default(), at)
}

/// The policy that was minted beside evidence, or the default one.
fn policy(minted: &Minted) -> PolicyInForce {
    let own = minted.others.iter().find(|(name, _)| *name == "policy.txt");
    own.map_or_else(
        || PolicyInForce::default_for(minted.kind).unwrap(),
        |(_, text)| PolicyInForce::from_text(std::str::from_utf8(text).unwrap()).unwrap(),
    )
}

pub(crate) fn judge_by(
    set: &EndorsementSet,
    minted: &Minted,
    settings: &AppraisalSettings,
    at: UnixTime,
) -> (Option<&'static str>, Arc<Asked>) {
    let vendor = minted.root_vendor().map(|name| name.parse().unwrap());
    let anchors = Anchors::built_in().with_roots(vendor, minted.root_pem.as_bytes()).unwrap();
    let engine = Engine::new(anchors, Arc::new(EndorsementSet::default()));
    let request = AppraisalRequest {
        kind: minted.kind,
        evidence: minted.evidence.clone(),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    };
    let policy = policy(minted);
    let asked = Arc::new(Asked::new(Arc::new(set.clone())));
    let source: Arc<dyn EndorsementSource> = asked.clone();
    let outcome = engine.appraise_by(&request, &policy, settings, &source, at);
    let check = match outcome {
        Ok(appraisal) => appraisal.permitted().err().map(|refused| refused.check()),
        Err(error) => Some(error.check()),
    };
    (check, asked)
}
