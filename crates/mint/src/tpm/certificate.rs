//! Certificates of the software TPM's keys and of their CAs, which are on P-256.

use avouch_wire::UnixTime;

use super::keys::RsaKey;
use crate::p256::{OID_ECDSA_SHA256, P256Key, signature_der};
use crate::{MintError, Seed, der};

pub(super) const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
pub(super) const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
pub(super) const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
pub(super) const NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];
pub(super) const CERTIFICATE_POLICIES: &[u64] = &[2, 5, 29, 32];
pub(super) const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
pub(super) const EK_USAGE: &[u64] = &[2, 23, 133, 8, 1];
pub(super) const PLATFORM_USAGE: &[u64] = &[2, 23, 133, 8, 2];
pub(super) const AIK_USAGE: &[u64] = &[2, 23, 133, 8, 3];

const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const ORGANIZATION: &[u64] = &[2, 5, 4, 10];
const MANUFACTURER: &[u64] = &[2, 23, 133, 2, 1];
const MODEL: &[u64] = &[2, 23, 133, 2, 2];
const VERSION: &[u64] = &[2, 23, 133, 2, 3];

/// Key usages as the BIT STRING that they are.
pub(super) mod usage {
    use crate::der;

    /// keyCertSign and cRLSign.
    pub(crate) fn ca() -> Vec<u8> {
        der::bit_string(1, &[0x06])
    }

    /// digitalSignature.
    pub(crate) fn signature() -> Vec<u8> {
        der::bit_string(7, &[0x80])
    }

    /// keyEncipherment.
    pub(crate) fn encipherment() -> Vec<u8> {
        der::bit_string(5, &[0x20])
    }
}

/// An extension: OID, critical, DER of the value.
#[derive(Debug, Clone)]
pub(super) struct Extension {
    pub(super) oid: &'static [u64],
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

/// The key of a certificate's subject.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    Rsa(RsaKey),
    /// A CA's, by its label in the seed.
    P256(&'static str),
}

/// What stands in a certificate.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    /// `None` for an empty name.
    pub(super) subject: Option<&'static str>,
    pub(super) issuer: &'static str,
    pub(super) key: Subject,
    /// Label of the CA's key in the seed.
    pub(super) signer: &'static str,
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
    pub(super) extensions: Vec<Extension>,
    pub(super) broken_signature: bool,
    /// What follows it in the TPM's memory.
    pub(super) fill: Vec<u8>,
}

impl Certificate {
    /// DER of the signed certificate, and what follows it.
    pub(super) fn der(&self, seed: &Seed) -> Result<Vec<u8>, MintError> {
        let spki = match self.key {
            Subject::Rsa(key) => key.spki()?,
            Subject::P256(label) => P256Key::derive(seed, label)?.spki(),
        };
        let algorithm = der::sequence(&[der::oid(OID_ECDSA_SHA256)]);
        let extensions: Vec<_> = self.extensions.iter().map(Extension::der).collect();
        let tbs = der::sequence(&[
            der::explicit(0, &der::integer_u64(2)),
            der::integer(&seed.bytes::<8>(self.subject.unwrap_or(self.issuer))),
            algorithm.clone(),
            name(Some(self.issuer)),
            der::sequence(&[der::time(self.not_before), der::time(self.not_after)]),
            name(self.subject),
            spki,
            der::explicit(3, &der::sequence(&extensions)),
        ]);
        let mut signature = P256Key::derive(seed, self.signer)?.sign(&tbs)?;
        if self.broken_signature {
            let [.., last] = &mut signature;
            *last ^= 1;
        }
        let signature = der::bit_string(0, &signature_der(&signature));
        let whole = der::sequence(&[tbs, algorithm, signature]);
        Ok([whole.as_slice(), &self.fill].concat())
    }

    /// Replaces the value of an extension, or takes it out.
    pub(super) fn set(&mut self, oid: &'static [u64], value: Option<Vec<u8>>) {
        let Some(value) = value else {
            self.extensions.retain(|extension| extension.oid != oid);
            return;
        };
        match self.extensions.iter_mut().find(|extension| extension.oid == oid) {
            Some(extension) => extension.value = value,
            None => self.extensions.push(Extension { oid, critical: true, value }),
        }
    }
}

impl Extension {
    fn der(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(self.oid)];
        if self.critical {
            parts.push(der::boolean(true));
        }
        parts.push(der::octet_string(&self.value));
        der::sequence(&parts)
    }
}

fn name(common_name: Option<&str>) -> Vec<u8> {
    let Some(common_name) = common_name else { return der::sequence::<Vec<u8>>(&[]) };
    let part =
        |oid, text| der::set_of_one(&der::sequence(&[der::oid(oid), der::utf8_string(text)]));
    der::sequence(&[part(ORGANIZATION, "Avouch Mint"), part(COMMON_NAME, common_name)])
}

/// Basic constraints.
pub(super) fn constraints(ca: bool) -> Vec<u8> {
    let parts = if ca { vec![der::boolean(true)] } else { Vec::new() };
    der::sequence(&parts)
}

/// One extended key usage.
pub(super) fn extended(usage: &[u64]) -> Vec<u8> {
    der::sequence(&[der::oid(usage)])
}

/// Policies, one `PolicyInformation` for each.
pub(super) fn policies(policies: &[&[u64]]) -> Vec<u8> {
    let policies: Vec<_> =
        policies.iter().map(|policy| der::sequence(&[der::oid(policy)])).collect();
    der::sequence(&policies)
}

/// `directoryName` with the TPM's attributes.
pub(super) fn tpm_name(manufacturer: &str) -> Vec<u8> {
    let part =
        |oid, text| der::set_of_one(&der::sequence(&[der::oid(oid), der::utf8_string(text)]));
    let parts =
        [part(MANUFACTURER, manufacturer), part(MODEL, "minted"), part(VERSION, "id:00010000")];
    der::sequence(&[der::explicit(4, &der::sequence(&parts))])
}
