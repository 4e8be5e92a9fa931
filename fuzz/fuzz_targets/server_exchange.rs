//! Forms that ask for short tokens, and subjects made of claims: no panic, one reading only, and no value that pretends to
//! be the text beside it.
//!
//! By the first byte a form; or a template, a NUL, and the claims in JSON.
#![no_main]

use avouch_server::{ExchangeRequest, ExchangeSubject, SubjectTemplate};
use avouch_wire::json::parse_object;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, form)) => self::form(form),
        Some((_, rest)) => {
            let mut parts = rest.splitn(2, |byte| *byte == 0);
            if let (Some(template), Some(claims)) = (parts.next(), parts.next()) {
                subject(template, claims);
            }
        }
        None => {}
    }
});

fn form(bytes: &[u8]) {
    let Ok(read) = ExchangeRequest::parse(bytes) else { return };
    assert_eq!(ExchangeRequest::parse(bytes).as_ref(), Ok(&read));
    assert!(!read.audience().is_empty() && read.audience().len() <= bytes.len());
    let (ExchangeSubject::Token(text) | ExchangeSubject::Evidence { body: text, .. }) =
        read.subject();
    assert!(!text.is_empty() && text.len() <= bytes.len());
    // A parameter that is there twice says two things.
    let twice = [bytes, b"&audience=other"].concat();
    assert!(ExchangeRequest::parse(&twice).is_err());
}

fn subject(template: &[u8], claims: &[u8]) {
    let Ok(text) = std::str::from_utf8(template) else { return };
    let Ok(template) = SubjectTemplate::parse(text) else { return };
    let Ok(claims) = parse_object(claims, 64 * 1024) else { return };
    let Ok(subject) = template.of(&claims) else { return };
    assert!(!subject.is_empty() && subject.len() <= 255);
    assert!(subject.bytes().all(|byte| byte.is_ascii_graphic()));
    // What values bring has none of the characters that separate them.
    let of_values = |text: &str| text.matches(['/', ':', '@', ',', '+', '=']).count();
    let (mut outside, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('{') {
        outside.push_str(before);
        rest = behind.split_once('}').map_or("", |(_, after)| after);
    }
    outside.push_str(rest);
    assert_eq!(of_values(&subject), of_values(&outside), "{text} {subject}");
}
