//! Credentials: no panic, and none opens but the one that was made.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::tpm::{TpmOptions, mint};
use avouch_tpm::{
    Credential, EkPrivateKey, EndorsementKey, Name, Public, activate_credential, make_credential,
    trim_padding,
};
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

struct Known {
    ek: EndorsementKey,
    private: EkPrivateKey,
    ak: Name,
    made: Credential,
}

const SECRET: [u8; 32] = [7; 32];

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let ek = EndorsementKey::untrusted(&Public::parse_sized(&minted.ek_public).unwrap()).unwrap();
    let ak = Public::parse_sized(&minted.ak_public).unwrap().name().clone();
    let mut fill = |bytes: &mut [u8]| {
        bytes.fill(1);
        true
    };
    let made = make_credential(&ek, &ak, &SECRET, &mut fill).unwrap();
    Known { ek, private: EkPrivateKey::Rsa(minted.ek_private.to_vec()), ak, made }
});

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    // One frame is taken off, and what is in it is not looked into.
    assert!(trim_padding(data).len() <= data.len());
    let Known { ek, private, ak, made } = &*KNOWN;
    // The first byte says which half is foreign.
    let Some((first, rest)) = data.split_first() else { return };
    let mut credential = made.clone();
    let field =
        if first % 2 == 0 { &mut credential.id_object } else { &mut credential.encrypted_secret };
    *field = rest.to_vec();
    match activate_credential(ek, private, ak, &credential) {
        Ok(secret) => assert_eq!((&credential, secret.as_slice()), (made, SECRET.as_slice())),
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
});
