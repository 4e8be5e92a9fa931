//! Certificates and CRLs part by part, each of which a test may replace. Signatures are bytes.

use super::der::{
    BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, common_name, element, extension, sequence,
};

/// ecdsa-with-SHA256 and -SHA384.
pub(crate) fn ecdsa_sha256() -> Vec<u8> {
    element(SEQUENCE, &element(6, b"\x2a\x86\x48\xce\x3d\x04\x03\x02"))
}
pub(crate) fn ecdsa_sha384() -> Vec<u8> {
    element(SEQUENCE, &element(6, b"\x2a\x86\x48\xce\x3d\x04\x03\x03"))
}

pub(crate) fn utc(text: &str) -> Vec<u8> {
    element(0x17, text.as_bytes())
}

/// The parts of a certificate, each with its tag and length.
#[derive(Clone)]
pub(crate) struct RawCertificate {
    pub(crate) version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) inner_algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) validity: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    /// Between key and extensions.
    pub(crate) identifiers: Vec<u8>,
    /// Extensions, without the list around them.
    pub(crate) extensions: Vec<Vec<u8>>,
    /// After the extensions.
    pub(crate) more: Vec<u8>,
    pub(crate) outer_algorithm: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

pub(crate) fn p256_key() -> Vec<u8> {
    avouch_pki::PublicKey::p256(&[7; 64]).spki_der().to_vec()
}

impl RawCertificate {
    pub(crate) fn good() -> Self {
        let basic = sequence(&[&element(1, &[0xff]), &element(INTEGER, &[1])]);
        Self {
            version: element(0xa0, &element(INTEGER, &[2])),
            serial: element(INTEGER, &[5]),
            inner_algorithm: ecdsa_sha256(),
            issuer: common_name("Root"),
            validity: sequence(&[&utc("200101000000Z"), &utc("491231235959Z")]),
            subject: common_name("Leaf"),
            public_key: p256_key(),
            identifiers: Vec::new(),
            extensions: vec![
                extension(&[0x55, 29, 19], true, &basic),
                extension(&[0x55, 29, 15], true, &element(BIT_STRING, &[1, 6])),
                extension(
                    &[0x55, 29, 37],
                    false,
                    &element(SEQUENCE, &element(6, b"\x2b\x06\x01\x05\x05\x07\x03\x02")),
                ),
                extension(&[0x55, 29, 14], false, &element(OCTET_STRING, &[9; 20])),
            ],
            more: Vec::new(),
            outer_algorithm: ecdsa_sha256(),
            signature: element(BIT_STRING, &[&[0], [3; 70].as_slice()].concat()),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let list = element(0xa3, &element(SEQUENCE, &self.extensions.concat()));
        let tbs = sequence(&[
            &self.version,
            &self.serial,
            &self.inner_algorithm,
            &self.issuer,
            &self.validity,
            &self.subject,
            &self.public_key,
            &self.identifiers,
            if self.extensions.is_empty() { &[] } else { &list },
            &self.more,
        ]);
        sequence(&[&tbs, &self.outer_algorithm, &self.signature])
    }
}

/// The parts of a CRL.
#[derive(Clone)]
pub(crate) struct RawCrl {
    pub(crate) version: Vec<u8>,
    pub(crate) inner_algorithm: Vec<u8>,
    pub(crate) this_update: Vec<u8>,
    pub(crate) next_update: Vec<u8>,
    /// Entries, without the list around them.
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) more: Vec<u8>,
    pub(crate) outer_algorithm: Vec<u8>,
}

/// An entry with these extensions; none if there are none.
pub(crate) fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let list = element(SEQUENCE, &extensions.concat());
    sequence(&[
        &element(INTEGER, serial),
        &utc("260101000000Z"),
        if extensions.is_empty() { &[] } else { &list },
    ])
}

impl RawCrl {
    pub(crate) fn good() -> Self {
        let reason = extension(&[0x55, 29, 21], false, &element(0x0a, &[1]));
        Self {
            version: element(INTEGER, &[1]),
            inner_algorithm: ecdsa_sha256(),
            this_update: utc("270101000000Z"),
            next_update: utc("270201000000Z"),
            entries: vec![entry(&[5], &[reason]), entry(&[3], &[])],
            extensions: vec![extension(&[0x55, 29, 20], false, &element(INTEGER, &[7]))],
            more: Vec::new(),
            outer_algorithm: ecdsa_sha256(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let entries = element(SEQUENCE, &self.entries.concat());
        let list = element(0xa0, &element(SEQUENCE, &self.extensions.concat()));
        let tbs = sequence(&[
            &self.version,
            &self.inner_algorithm,
            &common_name("Root"),
            &self.this_update,
            &self.next_update,
            if self.entries.is_empty() { &[] } else { &entries },
            if self.extensions.is_empty() { &[] } else { &list },
            &self.more,
        ]);
        let signature = element(BIT_STRING, &[&[0], [3; 70].as_slice()].concat());
        sequence(&[&tbs, &self.outer_algorithm, &signature])
    }
}
