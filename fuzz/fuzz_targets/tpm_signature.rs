//! Signatures: no panic, and none holds but that of the minted TPM.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestationKey, Expected, HashAlgorithm, PcrMask, PcrValue,
    Public, Signature, verify_quote,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

struct Known {
    minted: MintedTpm,
    key: AttestationKey,
    quote: Attest,
    values: Vec<PcrValue>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let public = Public::parse_sized(&minted.ak_public).unwrap();
    let key = AcceptableKey::of(&public, AkRules::default()).unwrap().self_asserted();
    let quote = Attest::parse(&minted.quote).unwrap();
    let value = |(bank, index, digest): &(u16, u32, Vec<u8>)| PcrValue {
        bank: HashAlgorithm::from_tpm_id(*bank).unwrap(),
        index: *index,
        digest: digest.clone(),
    };
    let values = minted.pcrs.iter().map(value).collect();
    Known { minted, key, quote, values }
});

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let signature = match Signature::parse(data) {
        Ok(signature) => signature,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    let Known { minted, key, quote, values } = &*KNOWN;
    let expected = Expected { qualifying_data: &minted.challenge, required: PcrMask::NONE };
    // RSASSA is deterministic: of one key and message there is one signature.
    let holds = verify_quote(quote, &signature, key, expected, values).is_ok();
    assert_eq!(holds, data == minted.signature);
});
