//! SEV-SNP evidence of any form and of any size that a request can have: no panic, and an engine
//! that has seen it before and one that has not say the same.
//!
//! An input is evidence, or a recipe for more than a fuzzer writes: a zero, how often in two bytes
//! the text is repeated, the number in one byte of what it is put into, and the text. So large
//! evidence has small inputs; run it with `cargo xtask fuzz engine_snp SECONDS 1048576` for evidence
//! that is large as it is.
#![no_main]

use std::sync::{Arc, LazyLock};

use avouch_dcap::{Collateral, TeeType};
use avouch_engine::{
    AmdWanted, Anchors, AppraisalRequest, AppraisalSettings, EndorsementSource, Engine,
    IntelWanted, PolicyInForce, TcbBaseline, TokenForm,
};
use avouch_mint::{Options, mint};
use avouch_pki::Crl;
use avouch_snp::{Chain, ChainError, CrlRule, Endorsements};
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use libfuzzer_sys::fuzz_target;

/// The largest body of a request.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What an operator has at hand: nothing for Intel.
struct AtHand(Chain, Arc<Vec<Crl>>);

impl EndorsementSource for AtHand {
    fn intel(&self, _: &IntelWanted<'_>) -> Option<Arc<Collateral>> {
        None
    }

    fn tcb_baselines(&self, _: TeeType) -> Vec<TcbBaseline> {
        Vec::new()
    }

    fn amd(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError> {
        self.0.clone().for_report(wanted.report)
    }

    fn amd_crls(&self, _: &AmdWanted<'_>) -> Arc<Vec<Crl>> {
        Arc::clone(&self.1)
    }

    fn amd_crl_rule(&self, _: &AmdWanted<'_>) -> CrlRule {
        CrlRule::default()
    }

    fn summary(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

struct Known {
    engine: Engine,
    policy: PolicyInForce,
    report: Vec<u8>,
    certificates: Vec<u8>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut options = Options::new(at());
    options.snp.with_crl = false;
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    let Endorsements { chain, crls } = Endorsements::parse(&[&minted.endorsements]).unwrap();
    let at_hand = AtHand(chain, Arc::new(crls));
    let anchors = Anchors::built_in().with_pem(minted.root_pem.as_bytes()).unwrap();
    Known {
        engine: Engine::new(anchors, Arc::new(at_hand)),
        policy: PolicyInForce::default_for(EvidenceKind::Snp).unwrap(),
        report: minted.evidence,
        certificates: minted.endorsements,
    }
});

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

/// The evidence that an input stands for.
fn evidence(data: &[u8]) -> Vec<u8> {
    let Some((&[0, low, high, form], text)) = data.split_first_chunk() else {
        return data.to_vec();
    };
    let times = usize::from(u16::from_le_bytes([low, high]));
    let times = times.min(BODY_BYTES_MAX / text.len().max(1));
    let many = text.repeat(times);
    let document = |chain: &[u8], more: &str| {
        let (report, chain) = (base64url::encode(&KNOWN.report), base64url::encode(chain));
        format!(r#"{{"SnpReport":"{report}","VcekCertChain":"{chain}"{more}}}"#).into_bytes()
    };
    match form % 6 {
        0 => many,
        1 => [KNOWN.report.as_slice(), &many].concat(),
        2 => document(&many, ""),
        3 => document(&[many.as_slice(), &KNOWN.certificates].concat(), ""),
        4 => document(&KNOWN.certificates, &String::from_utf8_lossy(&many)),
        _ => {
            let inner =
                base64url::encode(format!(r#"{{"Uvm":[{}""]}}"#, String::from_utf8_lossy(&many)));
            document(&KNOWN.certificates, &format!(r#","Endorsements":"{inner}""#))
        }
    }
}

// Minting signs with RSA-4096: not to be counted as the time of an input.
fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let request = AppraisalRequest {
        kind: EvidenceKind::Snp,
        evidence: evidence(data),
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged: None,
        nonce: None,
        token_form: TokenForm::Current,
    };
    let settings = AppraisalSettings::default();
    let appraise = || {
        let outcome = KNOWN.engine.appraise(&request, &KNOWN.policy, &settings, at());
        outcome.map(|found| format!("{:?}", found.decision)).map_err(|error| {
            assert!(!error.check().is_empty());
            error.to_string()
        })
    };
    assert_eq!(appraise(), appraise());
});
