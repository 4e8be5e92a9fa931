//! What the engine remembers of SEV-SNP certificates changes no verdict: an engine that saw good
//! evidence before and one that saw nothing answer alike.
#![cfg(test)]

mod support;

use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{Anchors, AppraisalRequest, AppraisalSettings, Engine, PolicyInForce};
use avouch_mint::snp::{SnpKey, SnpProduct};
use avouch_mint::{Minted, Options, breaks, mint};
use avouch_pki::pem;
use avouch_snp::maa_request::SnpEvidence;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use serde_json::{Value, json};
use support::{at, engine, engine_for, minted_evidence, request};

const AT: &str = "2026-05-01T12:00:00Z";

/// VCEK, ASK and ARK as minted.
fn certificates(minted: &Minted) -> [Vec<u8>; 3] {
    let evidence = SnpEvidence::parse(&minted_evidence(minted)).unwrap();
    pem::certificates(evidence.certificates(), 3).unwrap().try_into().unwrap()
}

/// MAA's document with the minted report and these certificates.
fn with_chain(minted: &Minted, chain: &[&[u8]]) -> AppraisalRequest {
    let chain: String = chain.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    let document = json!({
        "SnpReport": base64url::encode(&minted.evidence),
        "VcekCertChain": base64url::encode(chain),
    });
    AppraisalRequest { evidence: document.to_string().into_bytes(), ..request(minted) }
}

/// A refusal's check and words, or the claims.
fn answer(engine: &Engine, request: &AppraisalRequest, at: UnixTime) -> Result<Value, String> {
    let policy = PolicyInForce::default_for(EvidenceKind::Snp).unwrap();
    let settings = AppraisalSettings::default();
    match engine.appraise(request, &policy, &settings, at) {
        Ok(appraisal) => Ok(serde_json::to_value(appraisal.permitted().unwrap().claims()).unwrap()),
        Err(error) => Err(format!("{}: {error}", error.check())),
    }
}

/// Trusts the minted root, has no endorsements, and knows nothing yet.
fn fresh(minted: &Minted) -> Engine {
    engine(Some(&minted.root_pem), &[]).unwrap()
}

fn flipped(der: &[u8], from_end: usize) -> Vec<u8> {
    let mut der = der.to_vec();
    *der.iter_mut().nth_back(from_end).unwrap() ^= 1;
    der
}

#[test]
fn a_warm_engine_and_a_cold_one_answer_alike() {
    for (product, key) in [
        (SnpProduct::Milan, SnpKey::Vcek),
        (SnpProduct::Genoa, SnpKey::Vlek),
        (SnpProduct::Turin, SnpKey::Vcek),
    ] {
        let mut options = Options::new(at(AT));
        (options.snp.product, options.snp.key) = (product, key);
        let good = mint(EvidenceKind::Snp, &options).unwrap();
        let foreign = mint(EvidenceKind::Snp, &options.clone().broken("root-foreign")).unwrap();
        let [vek, ask, ark] = &certificates(&good);
        let [_, other_ask, other_ark] = &certificates(&foreign);
        let stranger = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
        let stranger = &pem::certificates(stranger.root_pem.as_bytes(), 1).unwrap()[0];

        // Another chip's key under the same, now remembered, intermediate cannot be minted: so the
        // same key with the certificates in another order, which is another cache entry.
        let (bad_vek, worse_vek) = (flipped(vek, 9), flipped(vek, 8));
        let accepted: [&[&[u8]]; 6] = [
            &[ark, ask, vek],
            &[ask, vek],
            &[vek, ask, ask],
            &[vek, ask, ark, other_ask],
            // Of the certificates of one key any that holds serves, in whatever order they come.
            &[vek, &bad_vek, ask, ark],
            &[&bad_vek, vek, ask, ark],
        ];
        let (bad_ask, bad_ark) = (flipped(ask, 9), flipped(ark, 9));
        let refused: [(&str, &[&[u8]]); 9] = [
            ("vek-signature", &[&bad_vek, ask, ark]),
            ("intermediate-signature", &[vek, &bad_ask, ark]),
            ("root-foreign", &[vek, ask, &bad_ark]),
            ("root-foreign", &[vek, ask, other_ark]),
            ("intermediate-missing", &[vek, ark]),
            ("chain-foreign-certificate", &[vek, ask, ark, stranger]),
            ("chain-leaf-count", &[ask, ark]),
            ("vek-signature", &[&bad_vek, &worse_vek, ask, ark]),
            ("chain-certificate", &[vek, ask, &ark[..9]]),
        ];
        let warm = fresh(&good);
        let expected = answer(&fresh(&good), &request(&good), at(AT)).unwrap();
        assert_eq!(answer(&warm, &request(&good), at(AT)).unwrap(), expected);
        for round in 0..2 {
            for chain in accepted {
                let found = answer(&warm, &with_chain(&good, chain), at(AT)).unwrap();
                assert_eq!(found, expected, "round {round}");
            }
            for (check, chain) in refused {
                let request = with_chain(&good, chain);
                let found = answer(&warm, &request, at(AT)).unwrap_err();
                assert!(found.starts_with(check), "{product:?}: {found}, not {check}");
                assert_eq!(found, answer(&fresh(&good), &request, at(AT)).unwrap_err());
            }
        }
        // Time goes on, and back.
        for (moment, check) in [
            ("2036-05-01T12:00:00Z", "vek-expired"),
            ("2126-05-01T12:00:00Z", "intermediate-expired"),
            ("2016-05-01T12:00:00Z", "intermediate-not-yet-valid"),
        ] {
            let found = answer(&warm, &request(&good), at(moment)).unwrap_err();
            assert_eq!(found, answer(&fresh(&good), &request(&good), at(moment)).unwrap_err());
            assert!(found.starts_with(check), "{moment}: {found}, not {check}");
        }
        assert_eq!(answer(&warm, &request(&good), at(AT)).unwrap(), expected);
        // Who does not trust the root accepts nothing of it, whatever others remember.
        let found = answer(&engine(None, &[]).unwrap(), &request(&good), at(AT)).unwrap_err();
        assert!(found.starts_with("root-foreign"), "{found}");
    }
}

#[test]
fn every_break_is_refused_alike_when_it_comes_again() {
    for one in breaks(EvidenceKind::Snp) {
        let minted = mint(EvidenceKind::Snp, &Options::new(at(AT)).broken(one.name)).unwrap();
        let warm = fresh(&minted);
        let policy = PolicyInForce::default_for(EvidenceKind::Snp).unwrap();
        let settings = AppraisalSettings::default();
        let answer = |engine: &Engine| {
            let outcome = engine.appraise(&request(&minted), &policy, &settings, at(AT));
            let found = outcome.map(|found| format!("{:?}", found.decision));
            found.map_err(|error| format!("{}: {error}", error.check()))
        };
        let first = answer(&warm);
        assert_eq!(answer(&warm), first, "{}", one.name);
        assert_eq!(answer(&fresh(&minted)), first, "{}", one.name);
    }
}

#[test]
fn an_intermediate_that_is_revoked_meanwhile_is_refused_although_it_is_remembered() {
    let good = mint(EvidenceKind::Snp, &Options::new(at(AT))).unwrap();
    let revoked =
        mint(EvidenceKind::Snp, &Options::new(at(AT)).broken("intermediate-revoked")).unwrap();
    let anchors = Anchors::built_in().with_pem(good.root_pem.as_bytes()).unwrap();
    let endorsements = |bytes: &[u8]| {
        let mut set = EndorsementSet::default();
        set.add(bytes).unwrap();
        Arc::new(set)
    };
    let engine = Engine::new(anchors, endorsements(&good.endorsements));
    let [vek, ask, ark] = &certificates(&good);
    let other_order = with_chain(&good, &[ark, ask, vek]);
    // The remembered key, and a chain that only its intermediate is remembered of.
    let requests = [&request(&good), &other_order];
    // Often, so that new endorsements come to lie where old ones have lain.
    for _ in 0..16 {
        for request in requests {
            answer(&engine, request, at(AT)).unwrap();
        }
        engine.replace_endorsements(endorsements(&revoked.endorsements));
        for request in requests {
            let found = answer(&engine, request, at(AT)).unwrap_err();
            assert!(found.starts_with("intermediate-revoked"), "{found}");
        }
        engine.replace_endorsements(endorsements(&good.endorsements));
    }
}

#[test]
fn collateral_that_is_taken_away_is_not_at_hand_any_more_and_comes_back() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at(AT))).unwrap();
    let engine = engine_for(&minted);
    let policy = PolicyInForce::default_for(EvidenceKind::Sgx).unwrap();
    let settings = AppraisalSettings::default();
    let verdict = || {
        let outcome = engine.appraise(&request(&minted), &policy, &settings, at(AT));
        outcome.map(|found| found.permitted().is_ok()).map_err(|error| error.check())
    };
    assert_eq!(verdict(), Ok(true));
    engine.replace_endorsements(Arc::new(EndorsementSet::default()));
    assert_eq!(verdict(), Err("endorsements-missing"));
    let mut set = EndorsementSet::default();
    set.add(&minted.endorsements).unwrap();
    engine.replace_endorsements(Arc::new(set));
    assert_eq!(verdict(), Ok(true));
}
