//! Messages of MAA's TPM protocol: no panic, the same verdict twice, and nothing is verified that the
//! minted machine did not sign.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_pki::digest::sha256;
use avouch_tpm::protocol::{
    ClientMessage, Conditions, ContextKey, OpenContext, Received, ServiceContext, ServiceMessage,
    SignedRequest, VerifiedRequest,
};
use avouch_tpm::{AkRules, HashAlgorithm, PcrMask, Public, TrustAnchors};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use libfuzzer_sys::fuzz_target;

struct Known {
    minted: MintedTpm,
    context: ServiceContext,
    sealed: String,
    keys: [ContextKey; 1],
    roots: TrustAnchors,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let context = ServiceContext::new(minted.challenge, "contoso", at, None);
    let keys = [ContextKey::new(&[1; 32]).unwrap()];
    let sealed = context.seal(&keys[0], [2; 12]).unwrap();
    let roots = TrustAnchors::none().with_file(minted.aik_root_pem.as_bytes()).unwrap();
    Known { minted, context, sealed, keys, roots }
});

fn judge(request: &SignedRequest, known: &Known) -> Result<(), &'static str> {
    let conditions = Conditions {
        challenge: &known.context.challenge,
        aik: known.context.aik,
        enrolment: None,
        aik_anchors: &known.roots,
        aik_cas: &[],
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: PcrMask::NONE,
        at: known.minted.at,
    };
    let verified = request.clone().verify(conditions).map_err(|error| error.check())?;
    assert_is_the_machine(&verified, &known.minted);
    Ok(())
}

/// Whatever form it came in: the machine's keys, and the values of its PCRs.
fn assert_is_the_machine(verified: &VerifiedRequest, minted: &MintedTpm) {
    let ak = Public::parse_sized(&minted.ak_public).unwrap();
    assert_eq!(verified.aik.key_sha256, sha256(ak.key().spki_der()));
    let key = Public::parse(&minted.key_public).unwrap();
    assert_eq!(&verified.request_key.key, key.key());
    for (_, index, digest) in &minted.pcrs {
        let pcr = u8::try_from(*index).unwrap();
        let value = verified.current.quote.value(HashAlgorithm::Sha256, pcr);
        assert_eq!(value, Some(digest.as_slice()));
    }
}

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let known = &*KNOWN;
    let _ = ServiceMessage::read(&base64url::encode(data));
    match Received::read(&base64url::encode(data)).map(|received| received.message) {
        Ok(ClientMessage::Request(request)) => {
            let verdict = judge(&request, known);
            assert_eq!(verdict, judge(&request, known));
        }
        Ok(ClientMessage::Init(_) | ClientMessage::Enroll(_) | ClientMessage::Activate(_)) => {}
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(request) = SignedRequest::read(text) {
        let _ = judge(&request, known);
    }
    let at = known.minted.at;
    let expected = OpenContext { provider: "contoso", at, life_seconds: 300 };
    if let Ok(opened) = ServiceContext::open(text, &known.keys, expected) {
        assert_eq!(opened, known.context);
        assert_eq!(opened.seal(&known.keys[0], [2; 12]).as_ref(), Some(&known.sealed));
    }
});
