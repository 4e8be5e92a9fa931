#![cfg(test)]

use avouch_engine::MachineState;
use avouch_tpm::protocol::ContextKey;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use serde_json::json;

use super::{MachineProof, PROOF_CLAIM, ProofError};

const NONCE: [u8; 12] = [7; 12];
const PROVIDER: u64 = 3;
/// As long as an attestation token counts.
const LIFE_SECONDS: i64 = 28_800;

fn at(seconds: i64) -> UnixTime {
    UnixTime::EPOCH.saturating_add_seconds(seconds)
}

fn key(byte: u8) -> ContextKey {
    ContextKey::new(&[byte; 32]).unwrap()
}

/// A token with the proof of a machine that attested at 1,000 s.
fn token(key: &ContextKey) -> String {
    let state = MachineState {
        machine: "aa".to_owned(),
        facts: [("pcr7".to_owned(), "00".to_owned())].into(),
    };
    let proof = MachineProof::new(PROVIDER, EvidenceKind::AzureGuest, at(1_000), state);
    let sealed = proof.seal(key, NONCE).unwrap();
    format!("e30.{}.e30", base64url::encode(json!({ PROOF_CLAIM: sealed }).to_string()))
}

#[test]
fn what_one_instance_sealed_another_opens_under_the_same_key_and_nobody_else() {
    let token = token(&key(1));
    let open = |keys: &[ContextKey]| MachineProof::open(&token, keys, PROVIDER, at(1_000));
    let opened = open(&[key(2), key(1)]).unwrap();
    assert_eq!((opened.machine(), opened.at()), ("aa", Some(at(1_000))));
    assert_eq!(open(&[key(2)]), Err(ProofError::Seal));
    assert_eq!(open(&[]), Err(ProofError::Seal));
}

#[test]
fn it_counts_at_its_provider_and_as_long_as_the_token() {
    let (token, keys) = (token(&key(1)), [key(1)]);
    let open = |provider, now| MachineProof::open(&token, &keys, provider, at(now)).map(|_| ());
    assert_eq!(open(PROVIDER, 1_000 + LIFE_SECONDS), Ok(()));
    assert_eq!(open(PROVIDER, 1_001 + LIFE_SECONDS), Err(ProofError::Expired));
    assert_eq!(open(PROVIDER, 1_000 - 60), Ok(()), "clocks may differ so far");
    assert_eq!(open(PROVIDER, 1_000 - 61), Err(ProofError::Expired));
    assert_eq!(open(PROVIDER + 1, 1_000), Err(ProofError::Provider));
}

#[test]
fn bytes_that_were_sealed_for_something_else_prove_nothing() {
    let contents = json!({
        "provider": PROVIDER, "kind": "azure-guest", "at": 1_000, "machine": "aa", "facts": {},
    });
    let token = |purpose: &[u8]| {
        let sealed = key(1).seal(purpose, NONCE, contents.to_string().into_bytes()).unwrap();
        format!("e30.{}.e30", base64url::encode(json!({ PROOF_CLAIM: sealed }).to_string()))
    };
    let open = |token: &str| MachineProof::open(token, &[key(1)], PROVIDER, at(1_000)).map(|_| ());
    assert_eq!(open(&token(b"avouch machine proof 1")), Ok(()));
    assert_eq!(open(&token(b"avouch TPM enrolment 1")), Err(ProofError::Seal));
}
