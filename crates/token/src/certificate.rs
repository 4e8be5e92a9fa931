//! The self-signed certificate that a provider has for its token signing key.

use avouch_pki::der::write as der;
use avouch_pki::der::{GENERALIZED_TIME, SEQUENCE};
use avouch_pki::digest;

use crate::{Algorithm, SignError, Signer};

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
    let tbs = to_be_signed(signer, issuer_url, evidence);
    let signature = match signer.algorithm() {
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => ecdsa_der(&signer.sign(&tbs)?),
        _ => signer.sign(&tbs)?,
    };
    let algorithm = algorithm_identifier(signer.algorithm());
    Ok(der::sequence(&[&tbs, &algorithm, &der::bit_string(0, &signature)]))
}

fn to_be_signed(
    signer: &dyn Signer,
    issuer_url: &str,
    evidence: Option<&EvidenceExtension>,
) -> Vec<u8> {
    let common_name = der::sequence(&[&der::oid(&COMMON_NAME), &der::utf8_string(issuer_url)]);
    let name = der::sequence(&[&der::set_of_one(&common_name)]);
    let validity = der::sequence(&[
        &der::element(GENERALIZED_TIME, NOT_BEFORE.as_bytes()),
        &der::element(GENERALIZED_TIME, NOT_AFTER.as_bytes()),
    ]);
    der::sequence(&[
        &der::explicit(0, &der::integer(&[2])),
        &der::integer(&[1]),
        &algorithm_identifier(signer.algorithm()),
        &name,
        &validity,
        &name,
        &signer.public_key().spki_der().to_vec(),
        &der::explicit(3, &extensions(signer, evidence)),
    ])
}

fn extensions(signer: &dyn Signer, evidence: Option<&EvidenceExtension>) -> Vec<u8> {
    let key_identifier = digest::sha1(signer.public_key().raw());
    let subject_key = der::octet_string(key_identifier.as_bytes());
    let authority_key = der::sequence(&[&der::implicit(0, key_identifier.as_bytes())]);
    let mut all = vec![
        extension(&BASIC_CONSTRAINTS, &der::element(SEQUENCE, &[])),
        extension(&SUBJECT_KEY_IDENTIFIER, &subject_key),
        extension(&AUTHORITY_KEY_IDENTIFIER, &authority_key),
    ];
    match evidence {
        Some(EvidenceExtension::Raw(bytes)) => all.push(extension(&EVIDENCE_RAW, bytes)),
        Some(EvidenceExtension::Described { evidence_json, tee_kind }) => {
            all.push(extension(&EVIDENCE_JSON, &der::utf8_string(evidence_json)));
            all.push(extension(&EVIDENCE_TEE_KIND, &der::utf8_string(tee_kind)));
        }
        None => {}
    }
    der::sequence(&all)
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

/// `r || s` as the SEQUENCE of two integers that X.509 wants.
pub(crate) fn ecdsa_der(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    der::sequence(&[&der::integer(r), &der::integer(s)])
}
