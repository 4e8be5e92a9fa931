//! Any bytes as a distinguished name: no panic, one reading only, and a text with all the parts
//! that an independent reader sees.
#![no_main]

use avouch_pki::Name;
use libfuzzer_sys::fuzz_target;
use x509_parser::prelude::{FromDer as _, X509Name};

fuzz_target!(|bytes: &[u8]| {
    let Some(name) = Name::from_der(bytes) else {
        return;
    };
    assert_eq!(name.as_der(), bytes);
    assert!(name.common_name().is_none_or(|common| common == name.label()));
    let longer = [bytes, &[0]].concat();
    assert!(Name::from_der(&longer).is_none());
    let shorter = bytes.split_last().map_or(bytes, |(_, rest)| rest);
    assert!(Name::from_der(shorter).is_none());

    let (rest, found) = X509Name::from_der(bytes).unwrap();
    assert!(rest.is_empty());
    assert_eq!(found.as_raw(), bytes);
    let parts = found.iter_attributes().count();
    let text = name.to_string();
    // A long name is shown by its beginning.
    assert!(text.ends_with('…') || text.matches('=').count() >= parts);
});
