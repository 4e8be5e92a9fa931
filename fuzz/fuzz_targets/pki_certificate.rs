//! Any bytes as a certificate: no panic, one reading only, and what is read an independent reader
//! reads too and sees the same in.
#![no_main]

use avouch_pki::Certificate;
use libfuzzer_sys::fuzz_target;
use x509_parser::prelude::{FromDer as _, X509Certificate};

fuzz_target!(|bytes: &[u8]| {
    let read = match Certificate::parse(bytes) {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let longer = [bytes, &[0]].concat();
    assert!(Certificate::parse(&longer).is_err());
    let shorter = bytes.split_last().map_or(bytes, |(_, rest)| rest);
    assert!(Certificate::parse(shorter).is_err());

    let (rest, found) = X509Certificate::from_der(bytes).unwrap();
    assert!(rest.is_empty());
    assert_eq!(found.raw_serial(), read.serial().as_bytes());
    assert_eq!(found.subject().as_raw(), read.subject().as_der());
    assert_eq!(found.issuer().as_raw(), read.issuer().as_der());
    assert_eq!(found.public_key().raw, read.public_key().spki_der());
    assert_eq!(found.validity().not_before.timestamp(), read.not_before().seconds());
    assert_eq!(found.validity().not_after.timestamp(), read.not_after().seconds());
    assert_eq!(found.is_ca(), read.is_ca());
    assert_eq!(found.extensions().len(), read.extensions().len());
    for (theirs, ours) in found.extensions().iter().zip(read.extensions()) {
        assert_eq!((theirs.value, theirs.critical), (ours.value.as_slice(), ours.critical));
    }
});
