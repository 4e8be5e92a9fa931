//! Any text as a release policy, its envelope or the URL of an authority: no panic; what is read prints and
//! reads back as the same; what is allowed at import is allowed when all operators are.
#![no_main]

use avouch_release::{Authority, Operators, PolicyEnvelope, ReleasePolicy};
use avouch_wire::json::parse_value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let all = ReleasePolicy::parse(bytes, Operators::All);
    let narrow = ReleasePolicy::parse(bytes, Operators::EqualsOnly);
    match (&all, &narrow) {
        (Ok(policy), narrow) => {
            assert!(narrow.as_ref().is_ok_and(|narrow| narrow == policy) || narrow.is_err());
            let printed = policy.to_json();
            let again = ReleasePolicy::parse(printed.as_bytes(), Operators::All);
            // What is printed is longer only where names and numbers were written shorter.
            if let Ok(again) = again {
                assert_eq!((&again, again.to_json()), (policy, printed));
            } else {
                assert!(printed.len() > bytes.len());
            }
            assert!(!policy.rules().is_empty());
            let _ = policy.lint();
        }
        (Err(errors), narrow) => {
            assert!(narrow.is_err() && !errors.all().is_empty());
            let _ = errors.to_string();
        }
    }
    if let Ok(value) = parse_value(bytes, 64 * 1024)
        && let Ok(envelope) = PolicyEnvelope::parse(&value, Operators::All)
    {
        let again = PolicyEnvelope::parse(&envelope.to_json(), Operators::All);
        assert_eq!(again.as_ref(), Ok(&envelope));
        assert_eq!(envelope.clone().replaced_by(envelope.clone()), Ok(envelope));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(authority) = Authority::parse(text)
    {
        assert!(authority.is_issuer(text) && authority.is_issuer(&format!("{authority}/")));
    }
});
