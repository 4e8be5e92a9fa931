//! Any bytes as a quote: no panic, every byte of the input accounted for, and no platform proven
//! without a trust anchor.

#![no_main]

use avouch_dcap::{Quote, TrustAnchors, verify_platform};
use avouch_wire::UnixTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(quote) = Quote::parse(bytes) else { return };
    let data = quote.signature_data();
    let signature_data = data.quote_signature.len() + data.after_quote_signature.len();
    let whole = quote.signed_bytes().len() + 4 + signature_data + quote.untrusted_trailing().len();
    assert_eq!(whole, bytes.len());
    let at = UnixTime::from_seconds(1_750_000_000).expect("in range");
    let _ = verify_platform(&quote, &TrustAnchors::intel(), at);
    assert!(verify_platform(&quote, &TrustAnchors::none(), at).is_err());
});
