//! Certificates of the keys that sign reports of TPMs and enclaves.

use avouch_pki::der::write as der;
use avouch_pki::{PublicKey, digest};

use super::{BASIC_CONSTRAINTS, Certified, KeyIdentifiers, certificate, extension};
use crate::{SignError, Signer};

/// Extended key usage of certificates for keys that sign reports, as in MAA's.
pub const REPORT_SIGNING: &str = "1.3.6.1.4.1.311.76.50.3";

const REPORT_SIGNING_ARCS: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 76, 50, 3];
const KEY_USAGE: [u64; 4] = [2, 5, 29, 15];
const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];
/// Name of every CA of reports; its key identifier tells one from another.
const CA_NAME: &str = "Avouch report CA";
/// Bytes of a serial number.
const SERIAL_BYTES: usize = 16;

/// DER of the certificate of a CA of reports, self-signed: `CN=Avouch report CA`, serial 1, CA with no
/// CAs below it, key usage keyCertSign.
///
/// What it proves is only that the key signed its own name; who trusts reports by their chain pins its key.
///
/// # Errors
/// [`SignError`] if the key cannot be used.
///
/// # Source
/// `docs/maa/keys.md#report-keys`.
pub fn report_ca_certificate(ca: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let extensions = [
        critical(&BASIC_CONSTRAINTS, &der::sequence(&[der::boolean(true), der::integer(&[0])])),
        critical(&KEY_USAGE, &der::bit_string(2, &[0x04])),
    ];
    certificate(
        ca,
        &Certified {
            serial: &[1],
            subject: CA_NAME,
            issuer: CA_NAME,
            key: ca.public_key(),
            extensions: &extensions,
            identifiers: KeyIdentifiers::Last,
        },
    )
}

/// DER of a certificate for a key that signs reports of the provider at `issuer_url`, signed by a CA of
/// reports: `CN=<issuer_url>`, key usage digitalSignature, extended key usage [`REPORT_SIGNING`].
///
/// For one CA with an RSA key, one key and one provider it is the same bytes every time, on every
/// instance, so that its hash in `x5t` finds it in any instance's key set.
///
/// # Errors
/// [`SignError`] if the CA's key cannot be used.
///
/// # Source
/// `docs/maa/keys.md#report-keys`.
pub fn report_certificate(
    ca: &dyn Signer,
    key: &PublicKey,
    issuer_url: &str,
) -> Result<Vec<u8>, SignError> {
    let extensions = [
        critical(&KEY_USAGE, &der::bit_string(7, &[0x80])),
        extension(&EXTENDED_KEY_USAGE, &der::sequence(&[der::oid(&REPORT_SIGNING_ARCS)])),
    ];
    certificate(
        ca,
        &Certified {
            serial: &serial(key, issuer_url),
            subject: issuer_url,
            issuer: CA_NAME,
            key,
            extensions: &extensions,
            identifiers: KeyIdentifiers::Last,
        },
    )
}

/// One for each key and provider, positive.
fn serial(key: &PublicKey, issuer_url: &str) -> [u8; SERIAL_BYTES] {
    let named = [key.spki_der(), issuer_url.as_bytes()].concat();
    let mut serial = [0; SERIAL_BYTES];
    let hash = digest::sha256(&named);
    serial.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    serial
}

fn critical(identifier: &[u64], value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(identifier), &der::boolean(true), &der::octet_string(value)])
}
