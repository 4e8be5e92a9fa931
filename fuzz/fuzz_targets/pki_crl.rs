//! Any bytes as a CRL: no panic, one reading only, and what is read an independent reader reads
//! too and sees the same in.
#![no_main]

use avouch_pki::Crl;
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

fuzz_target!(|bytes: &[u8]| {
    let read = match Crl::parse(bytes) {
        Ok(read) => read,
        Err(error) => return assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    };
    let longer = [bytes, &[0]].concat();
    assert!(Crl::parse(&longer).is_err());
    let shorter = bytes.split_last().map_or(bytes, |(_, rest)| rest);
    assert!(Crl::parse(shorter).is_err());

    let (rest, found) = CertificateRevocationList::from_der(bytes).unwrap();
    assert!(rest.is_empty());
    assert_eq!(found.issuer().as_raw(), read.issuer().as_der());
    assert_eq!(found.last_update().timestamp(), read.this_update().seconds());
    let next = found.next_update().map(|moment| moment.timestamp());
    assert_eq!(next, read.next_update().map(|moment| moment.seconds()));
    let mut serials: Vec<&[u8]> =
        found.iter_revoked_certificates().map(|entry| entry.raw_serial()).collect();
    serials.sort_unstable();
    let listed: Vec<&[u8]> = read.untrusted_revoked().iter().map(|one| one.as_bytes()).collect();
    assert_eq!(listed, serials);
});
