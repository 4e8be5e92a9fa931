//! Certificates and CRLs as plans: what stands in them, right or wrong, and who signs.

use avouch_wire::UnixTime;

use super::extensions::Extension;
use super::keys::{P384Key, RsaKey, RsaScheme};
use crate::{MintError, Seed, der, p256::P256Key};

const OID_COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const OID_ORGANIZATION: &[u64] = &[2, 5, 4, 10];
const OID_KEY_USAGE: &[u64] = &[2, 5, 29, 15];
const OID_BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
const OID_EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
const OID_CRL_NUMBER: &[u64] = &[2, 5, 29, 20];

/// The organisation in every minted name: nobody shall take it for a vendor's.
const ORGANIZATION: &str = "Avouch Mint";

/// The key that a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubjectKey {
    Rsa(RsaKey),
    /// P-384, from the seed under this label.
    P384(&'static str),
    /// P-256, from the seed under this label.
    P256(&'static str),
}

/// What stands in a certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) key: SubjectKey,
    pub(crate) signer: RsaKey,
    pub(crate) scheme: RsaScheme,
    pub(crate) serial: u64,
    pub(crate) not_before: UnixTime,
    pub(crate) not_after: UnixTime,
    /// Basic constraints and key usage stand in CA certificates, as AMD has them.
    pub(crate) is_ca: bool,
    /// How many CAs may follow below; without one, any number.
    pub(crate) path_length: Option<u8>,
    pub(crate) may_sign_certificates: bool,
    pub(crate) extended_key_usages: Vec<&'static [u64]>,
    pub(crate) extensions: Vec<Extension>,
    /// Turns a bit of the signature over.
    pub(crate) broken_signature: bool,
}

impl Certificate {
    /// DER of the signed certificate.
    pub(crate) fn der(&self, seed: &Seed) -> Result<Vec<u8>, MintError> {
        let key = match self.key {
            SubjectKey::Rsa(key) => key.spki()?,
            SubjectKey::P384(label) => P384Key::derive(seed, label)?.spki(),
            SubjectKey::P256(label) => P256Key::derive(seed, label)?.spki(),
        };
        let validity = der::sequence(&[der::time(self.not_before), der::time(self.not_after)]);
        let extensions: Vec<Vec<u8>> =
            self.standard_extensions().iter().chain(&self.extensions).map(Extension::der).collect();
        let tbs = der::sequence(&[
            der::explicit(0, &der::integer_u64(2)),
            der::integer_u64(self.serial),
            self.scheme.algorithm(),
            name(&self.issuer),
            validity,
            name(&self.subject),
            key,
            // A list of none is no list (RFC 5280, section 4.1).
            if extensions.is_empty() {
                Vec::new()
            } else {
                der::explicit(3, &der::sequence(&extensions))
            },
        ]);
        signed(tbs, self.signer, self.scheme, self.broken_signature)
    }

    fn standard_extensions(&self) -> Vec<Extension> {
        let standard =
            |arcs: &[u64], critical, value| Extension { arcs: arcs.to_vec(), critical, value };
        let mut found = Vec::new();
        if self.is_ca {
            let mut constraints = vec![der::boolean(true)];
            constraints.extend(self.path_length.map(|length| der::integer_u64(length.into())));
            found.push(standard(OID_BASIC_CONSTRAINTS, true, der::sequence(&constraints)));
            // keyCertSign and cRLSign, or cRLSign alone.
            let usage = if self.may_sign_certificates { 0x06 } else { 0x02 };
            found.push(standard(OID_KEY_USAGE, true, der::bit_string(1, &[usage])));
        }
        if !self.extended_key_usages.is_empty() {
            let usages: Vec<Vec<u8>> =
                self.extended_key_usages.iter().map(|arcs| der::oid(arcs)).collect();
            found.push(standard(OID_EXTENDED_KEY_USAGE, false, der::sequence(&usages)));
        }
        found
    }
}

/// What stands in a certificate revocation list.
#[derive(Debug, Clone)]
pub(crate) struct RevocationList {
    pub(crate) issuer: String,
    pub(crate) signer: RsaKey,
    pub(crate) scheme: RsaScheme,
    pub(crate) this_update: UnixTime,
    pub(crate) next_update: Option<UnixTime>,
    pub(crate) revoked_serials: Vec<u64>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) broken_signature: bool,
}

impl RevocationList {
    /// DER of the signed list.
    pub(crate) fn der(&self) -> Result<Vec<u8>, MintError> {
        let mut parts = vec![
            der::integer_u64(1),
            self.scheme.algorithm(),
            name(&self.issuer),
            der::time(self.this_update),
        ];
        parts.extend(self.next_update.map(der::time));
        if !self.revoked_serials.is_empty() {
            let entries: Vec<Vec<u8>> = self
                .revoked_serials
                .iter()
                .map(|serial| {
                    der::sequence(&[der::integer_u64(*serial), der::time(self.this_update)])
                })
                .collect();
            parts.push(der::sequence(&entries));
        }
        let number = Extension {
            arcs: OID_CRL_NUMBER.to_vec(),
            critical: false,
            value: der::integer_u64(1),
        };
        let extensions: Vec<Vec<u8>> =
            std::iter::once(&number).chain(&self.extensions).map(Extension::der).collect();
        parts.push(der::explicit(0, &der::sequence(&extensions)));
        signed(der::sequence(&parts), self.signer, self.scheme, self.broken_signature)
    }
}

fn signed(
    to_be_signed: Vec<u8>,
    signer: RsaKey,
    scheme: RsaScheme,
    broken: bool,
) -> Result<Vec<u8>, MintError> {
    let mut signature = signer.sign(scheme, &to_be_signed)?;
    if broken && let Some(last) = signature.last_mut() {
        *last ^= 1;
    }
    Ok(der::sequence(&[to_be_signed, scheme.algorithm(), der::bit_string(0, &signature)]))
}

fn name(common_name: &str) -> Vec<u8> {
    let part =
        |oid, text| der::set_of_one(&der::sequence(&[der::oid(oid), der::utf8_string(text)]));
    der::sequence(&[part(OID_ORGANIZATION, ORGANIZATION), part(OID_COMMON_NAME, common_name)])
}
