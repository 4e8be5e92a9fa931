//! `x-ms-request-id`: the caller's `traceparent` unchanged, else a fresh one of its form.

use avouch_wire::encode_hex;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The value of `x-ms-request-id` for a request (`docs/maa/service.md#headers`).
///
/// `random` gives the trace id where the caller sent none that has the W3C form.
#[must_use]
pub fn request_id(headers: &HeaderMap, random: impl FnOnce() -> [u8; 16]) -> HeaderValue {
    headers
        .get(&TRACE_PARENT)
        .filter(|value| is_traceparent(value.as_bytes()))
        .cloned()
        .unwrap_or_else(|| {
            let text = ["00-", &encode_hex(&random()), "-0000000000000000-00"].concat();
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("00"))
        })
}

/// `00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context, section 3.2).
fn is_traceparent(value: &[u8]) -> bool {
    let lengths = [2, 32, 16, 2];
    let mut parts = value.split(|byte| *byte == b'-');
    lengths.iter().all(|length| {
        parts
            .next()
            .is_some_and(|part| part.len() == *length && part.iter().all(u8::is_ascii_hexdigit))
    }) && parts.next().is_none()
}
