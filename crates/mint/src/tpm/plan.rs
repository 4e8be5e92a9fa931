//! Everything that goes into the evidence, before any of it is signed: what breaks change.

use avouch_pki::digest::sha256_of_parts;

use super::certificate::{
    self as x509, AIK_USAGE, BASIC_CONSTRAINTS, CERTIFICATE_POLICIES, Certificate, EK_USAGE,
    EXTENDED_KEY_USAGE, Extension, KEY_USAGE, SUBJECT_ALT_NAME, Subject, usage,
};
use super::keys::{Encoding, RsaKey};
use super::options::{AkScheme, KeyBinding, RequestForm, TpmOptions};
use super::payload::jwk;
use super::structures::{
    Attest, Bank, CERTIFY, MAGIC, Public, QUOTE, RSAPSS, RSASSA, SHA256, name,
};
use crate::MintError;

/// The handle of the endorsement hierarchy, which is its qualified name.
const ENDORSEMENT: [u8; 4] = [0x40, 0, 0, 0x0b];
/// A policy of some manufacturer.
pub(super) const POLICY: &[u64] = &[1, 3, 6, 1, 4, 1, 99_999, 1];

const EK_ROOT: &str = "Mint TPM Root CA";
const EK_CA: &str = "Mint TPM Manufacturing CA";
const AIK_CA: &str = "Mint AIK CA";
const AIK_ISSUING_CA: &str = "Mint AIK Issuing CA";

/// `TPMT_SIGNATURE`: who signs how, and what is written about it.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) key: RsaKey,
    pub(super) encoding: Encoding,
    pub(super) algorithm: u16,
    pub(super) hash: u16,
    pub(super) flipped: bool,
    pub(super) trailing: Vec<u8>,
}

/// A value that is sent beside the quote.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) bank: u16,
    pub(super) index: u32,
    pub(super) digest: Vec<u8>,
}

/// The JWS around the request.
#[derive(Debug, Clone)]
pub(super) struct Jws {
    pub(super) header: String,
    pub(super) signer: RsaKey,
    pub(super) flipped: bool,
}

/// Windows' platform claim, of requests of the first version.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) magic: [u8; 4],
    pub(super) platform: u32,
    pub(super) header_length: u32,
    pub(super) trailing: Vec<u8>,
}

/// Everything that goes into the evidence.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) ek: Certificate,
    pub(super) ek_ca: Certificate,
    pub(super) ek_root: Certificate,
    pub(super) send_ek_ca: bool,
    pub(super) aik: Certificate,
    pub(super) aik_ca: Certificate,
    pub(super) ek_public: Public,
    pub(super) ak_public: Public,
    /// The certified key.
    pub(super) key_public: Public,
    pub(super) quote: Attest,
    pub(super) banks: Vec<Bank>,
    /// What the quote's digest is over, in the order of the selection.
    pub(super) quoted: Vec<Vec<u8>>,
    /// What is sent.
    pub(super) values: Vec<Value>,
    pub(super) signature: Signature,
    pub(super) certify: Attest,
    /// The Name that is certified, if it is not the key's.
    pub(super) certified_name: Option<Vec<u8>>,
    pub(super) certify_signature: Signature,
    pub(super) jws: Jws,
    pub(super) claim: Claim,
    /// The request's members, changed at the end.
    pub(super) change_request: Option<fn(&mut serde_json::Value) -> Option<()>>,
    pub(super) aik_jwk: RsaKey,
    pub(super) request_jwk: RsaKey,
}

impl Plan {
    /// Good evidence as `options` say.
    pub(super) fn new(options: &TpmOptions) -> Result<Self, MintError> {
        let ek_public = Public {
            attributes: 0x0003_00b2,
            auth_policy: vec![0x83; 32],
            cipher: true,
            scheme: None,
            ..public(RsaKey::Ek)
        };
        let (scheme, encoding) = match options.scheme {
            AkScheme::RsaSsa => (RSASSA, Encoding::Pkcs1),
            AkScheme::RsaPss => (RSAPSS, Encoding::Pss),
            AkScheme::RsaPssLongestSalt => (RSAPSS, Encoding::PssLongestSalt),
        };
        let ak_public = Public {
            attributes: 0x0005_0072,
            scheme: Some((scheme, SHA256)),
            ..public(RsaKey::Ak)
        };
        let ek_place = name(&[&ENDORSEMENT, &ek_public.name()?]);
        let signer = name(&[&ek_place, &ak_public.name()?]);
        let quote = Attest {
            magic: MAGIC,
            tag: QUOTE,
            signer,
            extra_data: options.challenge.to_vec(),
            safe: 1,
            trailing: Vec::new(),
        };
        let certify = Attest { tag: CERTIFY, ..quote.clone() };
        let quote = match options.binding {
            KeyBinding::Certified => quote,
            KeyBinding::Quoted => {
                let text = jwk(RsaKey::Request)?.to_string();
                let parts = [text.as_bytes(), &[0], &options.challenge];
                Attest { extra_data: sha256_of_parts(&parts).0.to_vec(), ..quote }
            }
        };
        let quoted: Vec<Vec<u8>> = (0..24).map(|pcr| pcr_value(options, pcr).to_vec()).collect();
        let signature = Signature {
            key: RsaKey::Ak,
            encoding,
            algorithm: scheme,
            hash: SHA256,
            flipped: false,
            trailing: Vec::new(),
        };
        Ok(Self {
            ek: ek_certificate(options),
            ek_ca: ek_ca(options),
            ek_root: root(options, EK_ROOT),
            send_ek_ca: true,
            aik: aik_certificate(options),
            aik_ca: aik_root(options),
            ek_public,
            ak_public,
            key_public: Public { scheme: None, ..public(RsaKey::Request) },
            quote,
            banks: vec![Bank { id: SHA256, bitmap: vec![0xff; 3] }],
            values: (0..)
                .zip(&quoted)
                .map(|(index, digest)| Value { bank: SHA256, index, digest: digest.clone() })
                .collect(),
            quoted,
            certify,
            certified_name: None,
            certify_signature: signature.clone(),
            signature,
            jws: Jws {
                header: format!(r#"{{"alg":"PS256","typ":"{}"}}"#, options.form.header_type()),
                signer: RsaKey::Request,
                flipped: false,
            },
            claim: match options.form {
                RequestForm::FirstWithBank => claim(*b"PAD2", 32),
                _ => claim(*b"PADS", 28),
            },
            change_request: None,
            aik_jwk: RsaKey::Ak,
            request_jwk: RsaKey::Request,
        })
    }

    /// Changes a value that is sent.
    pub(super) fn change_value(&mut self, pcr: usize, change: impl FnOnce(&mut Value)) {
        if let Some(value) = self.values.get_mut(pcr) {
            change(value);
        }
    }
}

impl RequestForm {
    const fn header_type(self) -> &'static str {
        match self {
            Self::Second | Self::SecondAfterSleep => "attReqV2",
            Self::First | Self::FirstWithBank => "attReq",
        }
    }
}

const fn claim(magic: [u8; 4], header_length: u32) -> Claim {
    Claim { magic, platform: 2, header_length, trailing: Vec::new() }
}

/// An ordinary signing key.
pub(super) fn public(key: RsaKey) -> Public {
    Public {
        kind: 0x0001,
        name_algorithm: SHA256,
        attributes: 0x0004_0072,
        auth_policy: Vec::new(),
        cipher: false,
        scheme: None,
        key_bits: 2048,
        key,
    }
}

fn pcr_value(options: &TpmOptions, pcr: u8) -> [u8; 32] {
    let given = options.pcrs.get(usize::from(pcr)).copied();
    given.unwrap_or_else(|| sha256_of_parts(&[&options.seed.bytes::<32>("tpm pcr"), &[pcr]]).0)
}

fn certificate(options: &TpmOptions, key: Subject, days: i64) -> Certificate {
    let day = |days: i64| options.at.saturating_add_seconds(days.saturating_mul(86_400));
    Certificate {
        subject: None,
        issuer: EK_ROOT,
        key,
        signer: EK_ROOT,
        not_before: day(-100),
        not_after: day(days),
        extensions: Vec::new(),
        broken_signature: false,
        fill: Vec::new(),
    }
}

fn critical(oid: &'static [u64], value: Vec<u8>) -> Extension {
    Extension { oid, critical: true, value }
}

fn ca(options: &TpmOptions, subject: &'static str, issuer: &'static str) -> Certificate {
    Certificate {
        subject: Some(subject),
        issuer,
        signer: issuer,
        extensions: vec![
            critical(BASIC_CONSTRAINTS, x509::constraints(true)),
            critical(KEY_USAGE, usage::ca()),
        ],
        ..certificate(options, Subject::P256(subject), 9000)
    }
}

/// The CA of attestation keys.
pub(super) fn aik_root(options: &TpmOptions) -> Certificate {
    root(options, AIK_CA)
}

/// A CA below it.
pub(super) fn aik_issuing_ca(options: &TpmOptions) -> Certificate {
    ca(options, AIK_ISSUING_CA, AIK_CA)
}

fn root(options: &TpmOptions, subject: &'static str) -> Certificate {
    ca(options, subject, subject)
}

/// As many manufacturers have it: with critical policies.
fn ek_ca(options: &TpmOptions) -> Certificate {
    let mut ca = ca(options, EK_CA, EK_ROOT);
    ca.extensions.push(critical(CERTIFICATE_POLICIES, x509::policies(&[POLICY])));
    ca
}

/// Without a subject and without an end, as endorsement keys have it, and with fill behind it.
fn ek_certificate(options: &TpmOptions) -> Certificate {
    let mut found = certificate(options, Subject::Rsa(RsaKey::Ek), 9000);
    (found.issuer, found.signer) = (EK_CA, EK_CA);
    found.extensions = vec![
        critical(BASIC_CONSTRAINTS, x509::constraints(false)),
        critical(KEY_USAGE, usage::encipherment()),
        critical(SUBJECT_ALT_NAME, x509::tpm_name("id:4D494E54")),
        Extension { oid: EXTENDED_KEY_USAGE, critical: false, value: x509::extended(EK_USAGE) },
    ];
    found.fill = vec![0xff; 32];
    found
}

pub(super) fn aik_certificate(options: &TpmOptions) -> Certificate {
    let mut found = certificate(options, Subject::Rsa(RsaKey::Ak), 300);
    (found.issuer, found.signer) = (AIK_CA, AIK_CA);
    found.extensions = vec![
        critical(BASIC_CONSTRAINTS, x509::constraints(false)),
        critical(KEY_USAGE, usage::signature()),
        critical(SUBJECT_ALT_NAME, x509::tpm_name("id:4D494E54")),
        Extension { oid: EXTENDED_KEY_USAGE, critical: false, value: x509::extended(AIK_USAGE) },
    ];
    found
}
