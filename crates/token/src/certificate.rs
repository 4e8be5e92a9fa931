//! The certificates of the keys that sign: a provider's own for tokens, and a CA's for reports.

mod report;

use avouch_pki::der::write as der;
use avouch_pki::der::{GENERALIZED_TIME, SEQUENCE};
use avouch_pki::{PublicKey, digest, ecdsa};

use crate::{Algorithm, SignError, Signer};

pub use report::{REPORT_SIGNING, report_ca_certificate, report_certificate};

/// Evidence about the service itself, to be carried in its signing certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceExtension {
    /// Extension 1.3.6.1.4.1.311.105.1 with these bytes raw (not wrapped in DER): an Open Enclave
    /// report, as MAA had it from 2021 on, or another quote.
    Raw(Vec<u8>),
    /// Extensions 1.3.6.1.4.1.311.105.1000.1 and .2, each a UTF8String, as MAA has them from 2025 on.
    Described {
        /// JSON with the evidence: `SnpReport`, `VcekCertChain`, `Endorsements`.
        evidence_json: String,
        /// The kind of TEE, such as `acisevsnp`.
        tee_kind: String,
    },
}

/// First moment of validity, as in every MAA certificate from 2020-12 on.
const NOT_BEFORE: &str = "20190501000000Z";
/// Last moment of validity.
const NOT_AFTER: &str = "20501231235959Z";

const COMMON_NAME: [u64; 4] = [2, 5, 4, 3];
const SUBJECT_KEY_IDENTIFIER: [u64; 4] = [2, 5, 29, 14];
const BASIC_CONSTRAINTS: [u64; 4] = [2, 5, 29, 19];
const AUTHORITY_KEY_IDENTIFIER: [u64; 4] = [2, 5, 29, 35];
const SHA256_WITH_RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 11];
const SHA384_WITH_RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 12];
const SHA512_WITH_RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 13];
const RSASSA_PSS: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 10];
const MGF1: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 8];
const SHA256: [u64; 9] = [2, 16, 840, 1, 101, 3, 4, 2, 1];
const ECDSA_WITH_SHA256: [u64; 7] = [1, 2, 840, 10045, 4, 3, 2];
const ECDSA_WITH_SHA384: [u64; 7] = [1, 2, 840, 10045, 4, 3, 3];
const ECDSA_WITH_SHA512: [u64; 7] = [1, 2, 840, 10_045, 4, 3, 4];
const EVIDENCE_RAW: [u64; 9] = [1, 3, 6, 1, 4, 1, 311, 105, 1];
const EVIDENCE_JSON: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 105, 1000, 1];
const EVIDENCE_TEE_KIND: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 105, 1000, 2];

/// DER of a certificate for `signer`'s key, made out to and signed by itself.
///
/// Subject and issuer are `CN=<issuer_url>`, serial 1, version 3, valid 2019-05-01 to 2050-12-31
/// (both as GeneralizedTime), basic constraints CA=false, subject and authority key identifier,
/// then the evidence. For one key and one evidence the signed part is the same bytes every time.
///
/// What it proves is only that the key signed its own name; the evidence inside is what a relying
/// party verifies, and binds to the key by [`crate::key_digest`].
///
/// # Errors
/// [`SignError`] if the key cannot be used.
///
/// # Source
/// `docs/maa/keys.md#signing-certificates`.
pub fn provider_certificate(
    signer: &dyn Signer,
    issuer_url: &str,
    evidence: Option<&EvidenceExtension>,
) -> Result<Vec<u8>, SignError> {
    certificate(
        signer,
        &Certified {
            serial: &[1],
            subject: issuer_url,
            issuer: issuer_url,
            key: signer.public_key(),
            extensions: &extensions(evidence),
            identifiers: KeyIdentifiers::AfterFirst,
        },
    )
}

/// What a certificate says.
struct Certified<'a> {
    /// Serial number, big-endian.
    serial: &'a [u8],
    /// Common name.
    subject: &'a str,
    /// Common name of who signs.
    issuer: &'a str,
    key: &'a PublicKey,
    extensions: &'a [Vec<u8>],
    identifiers: KeyIdentifiers,
}

/// Where the identifiers of both keys stand among the extensions.
enum KeyIdentifiers {
    /// After the first, as MAA has them.
    AfterFirst,
    Last,
}

/// A certificate of version 3, signed by the issuer's key.
fn certificate(issuer: &dyn Signer, certified: &Certified<'_>) -> Result<Vec<u8>, SignError> {
    let tbs = to_be_signed(issuer, certified);
    let signature = match issuer.algorithm() {
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => {
            ecdsa::to_der(&issuer.sign(&tbs)?)
        }
        _ => issuer.sign(&tbs)?,
    };
    let algorithm = algorithm_identifier(issuer.algorithm());
    Ok(der::sequence(&[&tbs, &algorithm, &der::bit_string(0, &signature)]))
}

fn to_be_signed(issuer: &dyn Signer, certified: &Certified<'_>) -> Vec<u8> {
    let validity = der::sequence(&[
        &der::element(GENERALIZED_TIME, NOT_BEFORE.as_bytes()),
        &der::element(GENERALIZED_TIME, NOT_AFTER.as_bytes()),
    ]);
    let mut extensions = certified.extensions.to_vec();
    let place = match certified.identifiers {
        KeyIdentifiers::AfterFirst => extensions.len().min(1),
        KeyIdentifiers::Last => extensions.len(),
    };
    let subject_key = der::octet_string(&key_identifier(certified.key));
    let authority_key = der::sequence(&[&der::implicit(0, &key_identifier(issuer.public_key()))]);
    let identifiers = [
        extension(&SUBJECT_KEY_IDENTIFIER, &subject_key),
        extension(&AUTHORITY_KEY_IDENTIFIER, &authority_key),
    ];
    extensions.splice(place..place, identifiers);
    der::sequence(&[
        &der::explicit(0, &der::integer(&[2])),
        &der::integer(certified.serial),
        &algorithm_identifier(issuer.algorithm()),
        &common_name(certified.issuer),
        &validity,
        &common_name(certified.subject),
        &certified.key.spki_der().to_vec(),
        &der::explicit(3, &der::sequence(&extensions)),
    ])
}

fn common_name(text: &str) -> Vec<u8> {
    let attribute = der::sequence(&[&der::oid(&COMMON_NAME), &der::utf8_string(text)]);
    der::sequence(&[&der::set_of_one(&attribute)])
}

/// SHA-1 of the key's bits (RFC 5280, section 4.2.1.2).
fn key_identifier(key: &PublicKey) -> Vec<u8> {
    digest::sha1(key.raw()).as_bytes().to_vec()
}

fn extensions(evidence: Option<&EvidenceExtension>) -> Vec<Vec<u8>> {
    let mut all = vec![extension(&BASIC_CONSTRAINTS, &der::element(SEQUENCE, &[]))];
    match evidence {
        Some(EvidenceExtension::Raw(bytes)) => all.push(extension(&EVIDENCE_RAW, bytes)),
        Some(EvidenceExtension::Described { evidence_json, tee_kind }) => {
            all.push(extension(&EVIDENCE_JSON, &der::utf8_string(evidence_json)));
            all.push(extension(&EVIDENCE_TEE_KIND, &der::utf8_string(tee_kind)));
        }
        None => {}
    }
    all
}

/// An extension that is not critical.
fn extension(identifier: &[u64], value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(identifier), &der::octet_string(value)])
}

fn algorithm_identifier(algorithm: Algorithm) -> Vec<u8> {
    let null = der::null();
    let sha256 = || der::sequence(&[&der::oid(&SHA256), &null]);
    let (identifier, parameters): (&[u64], Vec<u8>) = match algorithm {
        Algorithm::Rs256 => (&SHA256_WITH_RSA, null.clone()),
        Algorithm::Rs384 => (&SHA384_WITH_RSA, null.clone()),
        Algorithm::Rs512 => (&SHA512_WITH_RSA, null.clone()),
        Algorithm::Ps256 => {
            let mask = der::sequence(&[&der::oid(&MGF1), &sha256()]);
            let salt_bytes = der::integer(&[32]);
            let parameters = der::sequence(&[
                &der::explicit(0, &sha256()),
                &der::explicit(1, &mask),
                &der::explicit(2, &salt_bytes),
            ]);
            (&RSASSA_PSS, parameters)
        }
        Algorithm::Es256 => (&ECDSA_WITH_SHA256, Vec::new()),
        Algorithm::Es384 => (&ECDSA_WITH_SHA384, Vec::new()),
        Algorithm::Es512 => (&ECDSA_WITH_SHA512, Vec::new()),
    };
    der::sequence(&[&der::oid(identifier), &parameters])
}
