//! Twice the policy costs twice the instructions, whatever is in it.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::hint::black_box;

use avouch_linear::Shape;
use avouch_release::{
    AttestedToken, AuthorityKeys, Operators, POLICY_BYTES_MAX, ReleasePolicy, TARGET_BYTES_MAX,
    TokenRules, WrappingKey,
};
use avouch_token::TokenTimes;
use avouch_wire::UnixTime;
use serde_json::{Map, Value, json};
use support::{ISSUER, at, authority, claims_with_keys, token};

fn parse(text: &[u8]) {
    drop(black_box(ReleasePolicy::parse(text, Operators::All)));
}

/// As many parts as fit, in the conditions of a policy.
fn policy(bytes: usize, part: impl Fn(usize) -> String) -> Vec<u8> {
    let head = format!("{{\"anyOf\":[{{\"authority\":\"{ISSUER}\",\"allOf\":[");
    let mut text = head;
    let mut index = 0;
    loop {
        let next = part(index);
        if text.len() + next.len() + 4 > bytes {
            break;
        }
        text.push_str(if index > 0 { "," } else { "" });
        text.push_str(&next);
        index += 1;
    }
    (text + "]}]}").into_bytes()
}

fn nested(bytes: usize, open: &str, close: &str) -> Vec<u8> {
    let levels = bytes / (open.len() + close.len());
    (open.repeat(levels) + &close.repeat(levels)).into_bytes()
}

const POLICIES: &[Shape] = &[
    Shape {
        name: "conditions",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| {
            policy(bytes, |index| format!("{{\"claim\":\"c{index}\",\"equals\":{index}}}"))
        },
        read: parse,
    },
    Shape {
        name: "wrong-conditions",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| policy(bytes, |_| "{}".to_owned()),
        read: parse,
    },
    Shape {
        name: "unknown-members",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| policy(bytes, |index| format!("{{\"m{index}\":0,\"n{index}\":0}}")),
        read: parse,
    },
    Shape {
        name: "members-of-one-object",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| {
            let members: Vec<String> = (0..bytes / 12).map(|i| format!("\"m{i:05}\":0")).collect();
            format!("{{{}}}", members.join(",")).into_bytes()
        },
        read: parse,
    },
    Shape {
        name: "arrays-within-arrays",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| nested(bytes, "[", "]"),
        read: parse,
    },
    Shape {
        name: "groups-within-groups",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| nested(bytes, "{\"allOf\":[", "]}"),
        read: parse,
    },
    Shape {
        name: "groups-as-deep-as-allowed",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| {
            let open = "{\"anyOf\":[".repeat(7);
            let close = "]}".repeat(7);
            policy(bytes, |_| format!("{open}{{\"claim\":\"a\",\"equals\":1}}{close}"))
        },
        read: parse,
    },
    Shape {
        name: "names-of-a-claim",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| {
            let claim = "a.".repeat(bytes / 2 - 100) + "a";
            policy(bytes, |_| format!("{{\"claim\":\"{claim}\",\"equals\":1}}"))
        },
        read: parse,
    },
    Shape {
        name: "an-authority",
        bytes_max: POLICY_BYTES_MAX,
        make: |bytes| {
            let path = "/a".repeat(bytes / 2 - 100);
            format!("{{\"anyOf\":[{{\"authority\":\"https://a{path}\"}}]}}").into_bytes()
        },
        read: parse,
    },
];

#[test]
fn reading_a_policy_takes_time_in_proportion() {
    avouch_linear::check("reading_a_policy_takes_time_in_proportion", POLICIES);
}

/// A policy and a token in one input: the token, a line feed, the policy. The key set of the authority
/// cannot be made anew for each reading, so it stands between.
fn with_token(policy: &[u8], claims: &Map<String, Value>) -> Vec<u8> {
    use avouch_token::{PublishedKey, jwks_document};
    let none: [Vec<u8>; 0] = [];
    let keys = jwks_document([&PublishedKey::new(&**support::AUTHORITY, &none)]);
    let times = TokenTimes::attestation(at());
    let token = support::token_of(&support::AUTHORITY, ISSUER, claims, times);
    [token.as_bytes(), b"\n", keys.as_bytes(), b"\n", policy].concat()
}

fn attested(input: &[u8]) -> (AttestedToken, &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap();
    let (token, keys, rest) = (next(), next(), next());
    let keys = avouch_token::Jwks::parse(keys).unwrap();
    let authority = authority();
    let keys = AuthorityKeys::new(&authority, &keys);
    let moment: UnixTime = at();
    let token = std::str::from_utf8(token).unwrap();
    let rules = TokenRules::default();
    (AttestedToken::verify(token, keys, &rules, moment).unwrap(), rest)
}

fn judge(input: &[u8]) {
    let (token, policy) = attested(input);
    let policy = ReleasePolicy::parse(policy, Operators::All).unwrap();
    for _ in 0..20 {
        black_box(policy.is_met_by(&token));
        black_box(policy.explain(&token).to_string());
        black_box(policy.lint());
    }
}

fn choose(input: &[u8]) {
    let (token, _) = attested(input);
    for _ in 0..100 {
        drop(black_box(WrappingKey::choose(&token)));
    }
}

const JUDGEMENTS: &[Shape] = &[
    Shape {
        name: "conditions-that-fail-last",
        bytes_max: 7_000,
        make: |bytes| {
            let last = bytes / 45;
            let claims: Map<String, Value> =
                (0..last).map(|index| (format!("c{index:04}"), index.into())).collect();
            let policy =
                policy(bytes, |index| format!("{{\"claim\":\"c{index:04}\",\"equals\":{index}}}"));
            with_token(&policy, &claims)
        },
        read: judge,
    },
    Shape {
        name: "deep-claims-that-are-missing",
        bytes_max: 10_000,
        make: |bytes| {
            let path = "a.".repeat(20);
            let deep = (0..20).fold(json!({}), |inner, _| json!({"a": inner}));
            let claims = deep.as_object().unwrap().clone();
            let policy = policy(bytes, |_| format!("{{\"claim\":\"{path}b\",\"equals\":1}}"));
            with_token(&policy, &claims)
        },
        read: judge,
    },
    Shape {
        name: "groups-that-all-fail",
        bytes_max: 3_200,
        make: |bytes| {
            let open = "{\"anyOf\":[".repeat(7);
            let close = "]}".repeat(7);
            let one = format!("{open}{{\"claim\":\"a\",\"equals\":1}}{close}");
            with_token(&policy(bytes, |_| one.clone()), &Map::new())
        },
        read: judge,
    },
    Shape {
        name: "keys-that-may-not-encrypt",
        bytes_max: 4_000,
        make: |bytes| {
            let operations = vec!["sign"; bytes / 64 / 8];
            let keys = vec![json!({"kty": "RSA", "key_ops": operations}); 64];
            let token = token(&claims_with_keys(&keys));
            assert!(token.len() < TARGET_BYTES_MAX);
            with_token(b"", &claims_with_keys(&keys))
        },
        read: choose,
    },
];

#[test]
fn judging_a_token_takes_time_in_proportion() {
    avouch_linear::check("judging_a_token_takes_time_in_proportion", JUDGEMENTS);
}
