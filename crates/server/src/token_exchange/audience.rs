//! What says that an attestation token was made to be exchanged for one audience, and when.

use avouch_wire::UnixTime;
use serde_json::{Map, Value};

use super::{ExchangeRefused, request_key};
use crate::config::{AudienceBinding, AudienceRule, ProviderExchange};

/// The member of JSON runtime data that says what the evidence may be exchanged for.
const MEMBER: &str = "token-exchange";
/// What stands before the audience where relying parties usually choose the text: one that does not tell them from
/// a workload's own wish would have what it was shown exchanged.
const PREFIX: &str = "token-exchange:";
/// How far a workload's clock may be ahead, in seconds.
const AHEAD_SECONDS_MAX: i64 = 60;

/// Refuses a token that was not made for the rule's audience, as the rule has it. What came as evidence was
/// given its nonce by whoever sent it, so there only evidence counts.
pub(super) fn check(
    claims: &Map<String, Value>,
    exchange: &ProviderExchange,
    rule: &AudienceRule,
    (is_evidence, now): (bool, UnixTime),
) -> Result<(), ExchangeRefused> {
    match rule.audience_bound_by {
        AudienceBinding::Nothing => Ok(()),
        AudienceBinding::Nonce if !is_evidence => {
            if names(claims.get("nonce"), &rule.audience) {
                return Ok(());
            }
            Err(ExchangeRefused::request(format!(
                "the nonce of the subject token is not {PREFIX} and the audience: it was made for another \
                 purpose"
            )))
        }
        AudienceBinding::Nonce | AudienceBinding::Evidence => {
            let most = i64::from(exchange.evidence_age_seconds_max);
            by_evidence(claims, &rule.audience, most, now).map_err(ExchangeRefused::request)
        }
    }
}

/// Whether a text is the prefix and the audience.
fn names(found: Option<&Value>, audience: &str) -> bool {
    let found = found.and_then(Value::as_str).and_then(|found| found.strip_prefix(PREFIX));
    found == Some(audience)
}

/// `token-exchange` in runtime data, which evidence binds by its hash; or what a TPM's machine was to give back,
/// signed by a key that the TPM bound when it answered the service's challenge.
fn by_evidence(
    claims: &Map<String, Value>,
    audience: &str,
    age_seconds_max: i64,
    now: UnixTime,
) -> Result<(), String> {
    if request_key::is_bound(claims) {
        return match names(claims.get("rp_data"), audience) {
            true => Ok(()),
            false => Err(format!(
                "rp_data is not {PREFIX} and the audience: the report was made for another purpose"
            )),
        };
    }
    let purpose = claims.get("x-ms-runtime").and_then(|runtime| runtime.get(MEMBER));
    let purpose = purpose.ok_or_else(|| {
        format!(
            "the evidence binds no audience: its runtime data is no JSON with \"{MEMBER}\": \
             {{\"audience\", \"issued_at\"}}"
        )
    })?;
    if purpose.get("audience").and_then(Value::as_str) != Some(audience) {
        return Err(format!(
            "{MEMBER}.audience in the runtime data is another audience, or no text"
        ));
    }
    let issued_at = purpose.get("issued_at").and_then(Value::as_i64);
    let issued_at = issued_at.ok_or_else(|| {
        format!("{MEMBER}.issued_at in the runtime data is no integer: seconds since 1970")
    })?;
    let age = now.seconds().saturating_sub(issued_at);
    if (AHEAD_SECONDS_MAX.saturating_neg()..=age_seconds_max).contains(&age) {
        return Ok(());
    }
    Err(format!(
        "the evidence binds a moment that is {age} s ago, from -{AHEAD_SECONDS_MAX} to \
         {age_seconds_max} are accepted: make new evidence"
    ))
}
