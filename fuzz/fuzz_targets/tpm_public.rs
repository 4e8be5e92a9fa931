//! Public areas: no panic, one reading only, and a Name that is of the bytes as they came.
#![no_main]

use avouch_tpm::{AcceptableKey, AkRules, EndorsementKey, HashAlgorithm, Public};
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let public = match Public::parse(data) {
        Ok(public) => public,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(public.bytes(), data);
    assert!(Public::parse(&[data, &[0]].concat()).is_err());
    let (algorithm, digest) = public.name().as_bytes().split_first_chunk::<2>().unwrap();
    let algorithm = HashAlgorithm::from_tpm_id(u16::from_be_bytes(*algorithm)).unwrap();
    assert_eq!(algorithm.hash(&[data]).unwrap().as_bytes(), digest);
    let signs = AcceptableKey::of(&public, AkRules { refuse_sha1: false }).is_ok();
    let decrypts = EndorsementKey::untrusted(&public).is_ok();
    assert!(!(signs && decrypts), "no key is both");
});
