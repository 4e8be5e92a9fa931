//! Quotes: no panic, one reading only, and none verifies that the minted TPM did not sign.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestationKey, Expected, HashAlgorithm, PcrMask, PcrValue,
    Public, Signature, verify_certify, verify_quote,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

struct Known {
    minted: MintedTpm,
    key: AttestationKey,
    values: Vec<PcrValue>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let public = Public::parse_sized(&minted.ak_public).unwrap();
    let key = AcceptableKey::of(&public, AkRules::default()).unwrap().self_asserted();
    let value = |(bank, index, digest): &(u16, u32, Vec<u8>)| PcrValue {
        bank: HashAlgorithm::from_tpm_id(*bank).unwrap(),
        index: *index,
        digest: digest.clone(),
    };
    let values = minted.pcrs.iter().map(value).collect();
    Known { minted, key, values }
});

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let Ok(attest) = Attest::parse(data) else { return };
    assert_eq!(attest.bytes(), data);
    assert!(Attest::parse(&[data, &[0]].concat()).is_err());
    let Known { minted, key, values } = &*KNOWN;
    let expected = Expected { qualifying_data: &minted.challenge, required: PcrMask::NONE };
    let signature = Signature::parse(&minted.signature).unwrap();
    match verify_quote(&attest, &signature, key, expected, values) {
        Ok(verified) => {
            assert_eq!(data, minted.quote);
            assert!(serde_json::to_string(&verified).is_ok());
        }
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
    let signature = Signature::parse(&minted.certification_signature).unwrap();
    let public = Public::parse(&minted.key_public).unwrap();
    let certified =
        verify_certify(&attest, &signature, key, &minted.challenge, &public, None);
    assert!(certified.is_err() || data == minted.certification);
});
