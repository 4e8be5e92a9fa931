//! Messages of MAA's TPM protocol: no panic, the same verdict twice, and nothing is verified that the
//! minted machine did not sign.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::tpm::{MintedTpm, TpmOptions, mint};
use avouch_tpm::protocol::{
    ClientMessage, Conditions, ContextKey, OpenContext, Received, ServiceContext, ServiceMessage,
    SignedRequest,
};
use avouch_tpm::{AkRules, PcrMask, Roots};
use avouch_wire::{FailedCheck as _, UnixTime, base64url};
use libfuzzer_sys::fuzz_target;

struct Known {
    minted: MintedTpm,
    context: ServiceContext,
    sealed: String,
    keys: [ContextKey; 1],
    roots: Roots,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(&TpmOptions::new(at)).unwrap();
    let context = ServiceContext::new(minted.challenge, "contoso", at, None);
    let keys = [ContextKey::new(&[1; 32]).unwrap()];
    let sealed = context.seal(&keys[0], [2; 12]).unwrap();
    let roots = Roots::none().with_trusted(minted.aik_root_pem.as_bytes()).unwrap();
    Known { minted, context, sealed, keys, roots }
});

fn judge(request: &SignedRequest, known: &Known) -> Result<(), &'static str> {
    let conditions = Conditions {
        context: &known.context,
        aik_roots: &known.roots,
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: PcrMask::NONE,
        at: known.minted.at,
    };
    request.verify(conditions).map(drop).map_err(|error| error.check())
}

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let known = &*KNOWN;
    let _ = ServiceMessage::read(&base64url::encode(data));
    match Received::read(&base64url::encode(data)).map(|received| received.message) {
        Ok(ClientMessage::Request(request)) => {
            let verdict = judge(&request, known);
            assert_eq!(verdict, judge(&request, known));
        }
        Ok(ClientMessage::Init(_)) => {}
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(request) = SignedRequest::read(text) {
        let signed = text.rsplit_once('.').map(|(signed, _)| signed);
        let minted = known.minted.request.rsplit_once('.').map(|(signed, _)| signed);
        assert!(judge(&request, known).is_err() || signed == minted);
    }
    let at = known.minted.at;
    let expected = OpenContext { provider: "contoso", at, life_seconds: 300 };
    if let Ok(opened) = ServiceContext::open(text, &known.keys, expected) {
        assert_eq!(opened, known.context);
        assert_eq!(opened.seal(&known.keys[0], [2; 12]).as_ref(), Some(&known.sealed));
    }
});
