//! Forms that ask for short tokens, and subjects made of claims: no panic, one reading only, and no value that pretends
//! to be the text beside it, nor two that pretend to be two others.
//!
//! By the first byte a form; or, after any other, a template, a NUL, claims in JSON, a NUL, and other claims.
#![no_main]

use avouch_server::{ExchangeRequest, ExchangeSubject, SubjectTemplate};
use avouch_wire::json::parse_object;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

const CLAIMS_BYTES_MAX: usize = 64 * 1024;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'f', form)) => self::form(form),
        Some((_, rest)) => {
            let mut parts = rest.splitn(3, |byte| *byte == 0);
            let (Some(template), Some(claims)) = (parts.next(), parts.next()) else { return };
            subjects(template, claims, parts.next());
        }
        None => {}
    }
});

fn form(bytes: &[u8]) {
    let Ok(read) = ExchangeRequest::parse(bytes) else { return };
    assert!(!read.audience().is_empty() && read.audience().len() <= bytes.len());
    let (ExchangeSubject::Token(text) | ExchangeSubject::Evidence { body: text, .. }) =
        read.subject();
    assert!(!text.is_empty() && text.len() <= bytes.len());
    assert_eq!(ExchangeRequest::parse(&written(&read)), Ok(read));
    // A parameter that is there twice says two things.
    let twice = [bytes, b"&audience=other"].concat();
    assert!(ExchangeRequest::parse(&twice).is_err());
}

/// A form that asks for the same, each character of a value encoded.
fn written(request: &ExchangeRequest) -> Vec<u8> {
    let (kind, text) = match request.subject() {
        ExchangeSubject::Token(token) => ("urn:ietf:params:oauth:token-type:jwt".to_owned(), token),
        ExchangeSubject::Evidence { kind, body } => {
            let kind = encoded(kind.policy_name());
            let kind = format!("urn:avouch:params:oauth:token-type:evidence&evidence_type={kind}");
            (kind, body)
        }
    };
    let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    let (text, audience) = (encoded(text), encoded(request.audience()));
    format!("grant_type={grant}&subject_token_type={kind}&subject_token={text}&audience={audience}")
        .into_bytes()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn subjects(template: &[u8], claims: &[u8], others: Option<&[u8]>) {
    let Ok(text) = std::str::from_utf8(template) else { return };
    let Ok(template) = SubjectTemplate::parse(text) else { return };
    let Some((subject, values)) = subject(&template, text, claims) else { return };
    let Some((other, others)) = others.and_then(|claims| self::subject(&template, text, claims))
    else {
        return;
    };
    assert_eq!(subject == other, values == others, "{text} {subject} {other}");
}

/// The subject that claims give, and what they say where the template names them.
fn subject(template: &SubjectTemplate, text: &str, claims: &[u8]) -> Option<(String, Vec<String>)> {
    let claims = parse_object(claims, CLAIMS_BYTES_MAX).ok()?;
    let subject = template.of(&claims).ok()?;
    assert!(!subject.is_empty() && subject.len() <= 255);
    assert!(subject.bytes().all(|byte| byte.is_ascii_graphic()));
    let (mut outside, mut values, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').unwrap();
        values.push(value(&claims, name));
        outside.push_str(before);
        rest = after;
    }
    outside.push_str(rest);
    // What values bring has none of the characters that separate them.
    let separators = |text: &str| text.matches(['/', ':', '@', ',', '+', '=']).count();
    assert_eq!(separators(&subject), separators(&outside), "{text} {subject}");
    Some((subject, values))
}

/// A claim, or a claim within a claim, as text.
fn value(claims: &Map<String, Value>, name: &str) -> String {
    let mut names = name.split('/');
    let first = &claims[names.next().unwrap()];
    match names.fold(first, |value, name| &value[name]) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
