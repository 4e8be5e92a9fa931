//! Certificates and CRLs as plans: what stands in them, right or wrong, and who signs.

use avouch_wire::UnixTime;

use crate::{
    MintError, der,
    p256::{OID_ECDSA_SHA256, P256Key, signature_der},
    seed::Seed,
    snp::keys::P384Key,
};

const OID_COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const OID_ORGANIZATION: &[u64] = &[2, 5, 4, 10];
const OID_SUBJECT_KEY_ID: &[u64] = &[2, 5, 29, 14];
const OID_KEY_USAGE: &[u64] = &[2, 5, 29, 15];
const OID_BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
const OID_CRL_NUMBER: &[u64] = &[2, 5, 29, 20];
const OID_REASON_CODE: &[u64] = &[2, 5, 29, 21];
const OID_AUTHORITY_KEY_ID: &[u64] = &[2, 5, 29, 35];

/// The organisation in every minted name: nobody shall take it for a vendor's.
const ORGANIZATION: &str = "Avouch Mint";
/// Reason code keyCompromise (RFC 5280 section 5.3.1).
const REASON_KEY_COMPROMISE: u8 = 1;

/// The label under which a key is derived from the seed.
pub(crate) type KeyLabel = &'static str;

/// What is done to a signature after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    /// Nothing: it holds.
    None,
    /// One bit of `s` is another.
    FlippedBit,
    /// `r` and `s` are zero.
    Zero,
}

impl SignatureFault {
    /// Signs, then does what the plan says.
    pub(crate) fn sign(self, key: &P256Key, message: &[u8]) -> Result<[u8; 64], MintError> {
        let mut signature = key.sign(message)?;
        match self {
            Self::None => {}
            Self::FlippedBit => {
                let [.., last] = &mut signature;
                *last ^= 1;
            }
            Self::Zero => signature = [0; 64],
        }
        Ok(signature)
    }
}

/// Key usage bits as the first byte of the BIT STRING, and how many low bits do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyUsage {
    /// keyCertSign and cRLSign.
    Ca,
    /// digitalSignature and nonRepudiation.
    Signature,
}

impl KeyUsage {
    fn der(self) -> Vec<u8> {
        match self {
            Self::Ca => der::bit_string(1, &[0x06]),
            Self::Signature => der::bit_string(6, &[0xc0]),
        }
    }
}

/// An extension: OID, critical, DER of the value.
#[derive(Debug, Clone)]
pub(crate) struct Extension {
    pub(crate) oid: &'static [u64],
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
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

/// The curve of a certificate's key. What signs is always on P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    /// Another key than the one of the same label on P-256.
    P384,
}

/// What stands in a certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) subject: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) key: KeyLabel,
    pub(crate) curve: Curve,
    pub(crate) signer: KeyLabel,
    pub(crate) serial: Vec<u8>,
    pub(crate) not_before: UnixTime,
    pub(crate) not_after: UnixTime,
    pub(crate) is_ca: bool,
    pub(crate) path_length: Option<u8>,
    pub(crate) key_usage: KeyUsage,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) signature: SignatureFault,
}

impl Certificate {
    /// DER of the signed certificate.
    pub(crate) fn der(&self, seed: &Seed) -> Result<Vec<u8>, MintError> {
        let key = P256Key::derive(seed, self.key)?;
        let signer = P256Key::derive(seed, self.signer)?;
        let spki = match self.curve {
            Curve::P256 => key.spki(),
            Curve::P384 => P384Key::derive(seed, self.key)?.spki(),
        };
        let validity = der::sequence(&[der::time(self.not_before), der::time(self.not_after)]);
        let tbs = der::sequence(&[
            der::explicit(0, &der::integer_u64(2)),
            der::integer(&self.serial),
            signature_algorithm(),
            name(self.issuer),
            validity,
            name(self.subject),
            spki,
            der::explicit(3, &der::sequence(&self.extension_parts(&key, &signer))),
        ]);
        signed(tbs, &signer, self.signature)
    }

    fn extension_parts(&self, key: &P256Key, signer: &P256Key) -> Vec<Vec<u8>> {
        let mut constraints = Vec::new();
        if self.is_ca {
            constraints.push(der::boolean(true));
            constraints.extend(self.path_length.map(|length| der::integer_u64(length.into())));
        }
        let standard = [
            Extension {
                oid: OID_AUTHORITY_KEY_ID,
                critical: false,
                value: authority_key_id(signer),
            },
            Extension {
                oid: OID_SUBJECT_KEY_ID,
                critical: false,
                value: der::octet_string(&key_id(key)),
            },
            Extension { oid: OID_KEY_USAGE, critical: true, value: self.key_usage.der() },
            Extension {
                oid: OID_BASIC_CONSTRAINTS,
                critical: true,
                value: der::sequence(&constraints),
            },
        ];
        standard.iter().chain(&self.extensions).map(Extension::der).collect()
    }
}

/// What stands in a certificate revocation list.
#[derive(Debug, Clone)]
pub(crate) struct RevocationList {
    pub(crate) issuer: &'static str,
    pub(crate) signer: KeyLabel,
    pub(crate) this_update: UnixTime,
    pub(crate) next_update: Option<UnixTime>,
    pub(crate) number: u64,
    pub(crate) revoked_serials: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) signature: SignatureFault,
}

impl RevocationList {
    /// DER of the signed list.
    pub(crate) fn der(&self, seed: &Seed) -> Result<Vec<u8>, MintError> {
        let signer = P256Key::derive(seed, self.signer)?;
        let mut parts = vec![
            der::integer_u64(1),
            signature_algorithm(),
            name(self.issuer),
            der::time(self.this_update),
        ];
        parts.extend(self.next_update.map(der::time));
        if !self.revoked_serials.is_empty() {
            let entries: Vec<_> =
                self.revoked_serials.iter().map(|serial| self.entry(serial)).collect();
            parts.push(der::sequence(&entries));
        }
        let number = Extension {
            oid: OID_CRL_NUMBER,
            critical: false,
            value: der::integer_u64(self.number),
        };
        let authority = Extension {
            oid: OID_AUTHORITY_KEY_ID,
            critical: false,
            value: authority_key_id(&signer),
        };
        let extensions: Vec<_> =
            [number, authority].iter().chain(&self.extensions).map(Extension::der).collect();
        parts.push(der::explicit(0, &der::sequence(&extensions)));
        signed(der::sequence(&parts), &signer, self.signature)
    }

    fn entry(&self, serial: &[u8]) -> Vec<u8> {
        let reason = Extension {
            oid: OID_REASON_CODE,
            critical: false,
            value: der::enumerated(REASON_KEY_COMPROMISE),
        };
        der::sequence(&[
            der::integer(serial),
            der::time(self.this_update),
            der::sequence(&[reason.der()]),
        ])
    }
}

fn signed(
    to_be_signed: Vec<u8>,
    signer: &P256Key,
    fault: SignatureFault,
) -> Result<Vec<u8>, MintError> {
    let signature = fault.sign(signer, &to_be_signed)?;
    let signature = der::bit_string(0, &signature_der(&signature));
    Ok(der::sequence(&[to_be_signed, signature_algorithm(), signature]))
}

fn signature_algorithm() -> Vec<u8> {
    der::sequence(&[der::oid(OID_ECDSA_SHA256)])
}

fn name(common_name: &str) -> Vec<u8> {
    let part =
        |oid, text| der::set_of_one(&der::sequence(&[der::oid(oid), der::utf8_string(text)]));
    der::sequence(&[part(OID_COMMON_NAME, common_name), part(OID_ORGANIZATION, ORGANIZATION)])
}

/// Key identifier: the leftmost 160 bits of SHA-256 of the point (RFC 7093 section 2, method 1).
fn key_id(key: &P256Key) -> Vec<u8> {
    let digest = avouch_pki::digest::sha256(&key.point());
    digest.as_bytes().iter().copied().take(20).collect()
}

fn authority_key_id(signer: &P256Key) -> Vec<u8> {
    der::sequence(&[der::implicit(0, &key_id(signer))])
}
