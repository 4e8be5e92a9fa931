//! What the signature data of a quote prove about its platform: the part that may be remembered.

use std::sync::Arc;

use avouch_pki::{
    Certificate, KEY_READ_BYTES, PublicKey, Root, SignatureScheme, VerifiedCertificate, digest,
};
use avouch_wire::{Hex, UnixTime};

use crate::anchors::{Anchor, TrustAnchors};
use crate::certification_data::CertificationData;
use crate::chain::{Chain, verify_pck_ca, verify_pck_leaf};
use crate::collateral::VerifiedCollateral;
use crate::error::{CertificateRole, ChainName, Dated, VerifyError};
use crate::header::{QuoteVersion, TeeType};
use crate::pck_extension::{PCK_EXTENSION_OID, PckExtension};
use crate::quote::Quote;
use crate::report_body::EnclaveReport;
use crate::signature_data::SignatureData;

/// Where a [`VerifiedPlatform`] may be remembered: under the trust anchors' fingerprint, the quote version,
/// the TEE type and the PCK's signature over the QE report, 64 bytes.
///
/// A place, not a proof: quotes with other certificates beside that signature have the same. Whether
/// what stands there holds for a quote, [`VerifiedPlatform::is_proven_by`] says. Who puts another
/// proof there, the same certificates in another order, makes the next of the first be verified anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlatformCacheKey {
    anchors: Hex<32>,
    version: QuoteVersion,
    tee_type: TeeType,
    qe_report_signature: [u8; 64],
}

impl PlatformCacheKey {
    /// The key of a quote under a set of anchors.
    #[must_use]
    pub fn of(quote: &Quote<'_>, anchors: &TrustAnchors) -> Self {
        Self {
            anchors: anchors.fingerprint(),
            version: quote.header().version,
            tee_type: quote.tee_type(),
            qe_report_signature: *quote.signature_data().qe_report_signature,
        }
    }
}

/// Signature data, as bytes, that are kept with the platform they prove. Those of Intel's have some
/// 4,300; longer ones are filled up with what proves nothing.
const PROOF_BYTES_MAX: usize = 8192;

/// What proved a platform.
#[derive(Debug)]
struct Proof {
    /// See [`Quote::signature_data_digest`].
    digest: Hex<32>,
    version: QuoteVersion,
    tee_type: TeeType,
    /// All signature data after the quote signature, if they are not too long.
    bytes: Option<Box<[u8]>>,
}

impl Proof {
    fn of(quote: &Quote<'_>) -> Self {
        let bytes = quote.signature_data().after_quote_signature;
        let (version, tee_type) = (quote.header().version, quote.tee_type());
        let bytes = (bytes.len() <= PROOF_BYTES_MAX).then(|| bytes.into());
        Self { digest: quote.signature_data_digest(), version, tee_type, bytes }
    }

    /// Whether it is in the quote byte by byte, which is soon found out.
    fn is_as_it_stands_in(&self, quote: &Quote<'_>) -> bool {
        let (version, tee_type) = (quote.header().version, quote.tee_type());
        (self.version, self.tee_type) == (version, tee_type)
            && self.bytes.as_deref() == Some(quote.signature_data().after_quote_signature)
    }

    fn bytes_held(&self) -> usize {
        self.bytes.as_ref().map_or(0, |bytes| bytes.len())
    }
}

/// A platform as the signature data of a quote prove it.
///
/// Proven: the PCK certificate and its CA lead to a trust anchor and were valid at the moment
/// judged at; the PCK signed the QE report; the QE report vouches for the attestation key.
/// **Not** proven: that nothing of it is revoked, that the quoting enclave is Intel's and
/// up to date, that the quote was signed. [`crate::verify_quote`] asks these, and the validity
/// again, each time; so this value may be kept, for the quotes that it [is proven by](Self::is_proven_by).
///
/// Only [`verify_platform`] makes one.
#[derive(Debug)]
pub struct VerifiedPlatform {
    proof: Proof,
    anchor: Arc<Anchor>,
    ca: VerifiedCertificate,
    leaf: VerifiedCertificate,
    pck: PckExtension,
    qe_report: EnclaveReport,
    attestation_key: PublicKey,
}

impl VerifiedPlatform {
    /// What the PCK certificate says of the platform.
    #[must_use]
    pub const fn pck(&self) -> &PckExtension {
        &self.pck
    }

    /// Common name of the CA that issued the PCK certificate: Processor or Platform CA. It says
    /// which PCK CRL is needed.
    #[must_use]
    pub fn pck_ca_name(&self) -> &str {
        self.ca.certificate().subject().label()
    }

    /// The span in which the PCK certificate and its CA are valid.
    #[must_use]
    pub const fn window(&self) -> avouch_pki::Window {
        self.leaf.window()
    }

    /// The report of the quoting enclave.
    #[must_use]
    pub const fn qe_report(&self) -> &EnclaveReport {
        &self.qe_report
    }

    /// The anchor that the PCK chain rests on.
    #[must_use]
    pub fn root(&self) -> &Root {
        self.anchor.trust.root()
    }

    /// About how many bytes of memory it holds: for those who remember many.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let certificates = self.leaf().bytes_held().saturating_add(self.ca().bytes_held());
        size_of::<Self>()
            .saturating_add(certificates)
            .saturating_add(KEY_READ_BYTES)
            .saturating_add(self.proof.bytes_held())
    }

    pub(crate) const fn trust_anchor(&self) -> &Arc<Anchor> {
        &self.anchor
    }

    pub(crate) const fn leaf(&self) -> &Certificate {
        self.leaf.certificate()
    }

    pub(crate) const fn ca(&self) -> &Certificate {
        self.ca.certificate()
    }

    pub(crate) const fn attestation_key(&self) -> &PublicKey {
        &self.attestation_key
    }

    /// Whether `quote` rests on the very signature data that this platform was verified from: the quote
    /// version, the TEE type, and all of them after the quote signature that a verdict rests on.
    ///
    /// Not compared are bytes after the quote, and what stands around the blocks of the PCK chain
    /// and between their lines: that proves nothing. Whoever asks for data that came otherwise pays
    /// one SHA-256 over them.
    #[must_use]
    pub fn is_proven_by(&self, quote: &Quote<'_>) -> bool {
        self.proof.is_as_it_stands_in(quote) || self.proof.digest == quote.signature_data_digest()
    }

    pub(crate) fn check_quote(&self, quote: &Quote<'_>) -> Result<(), VerifyError> {
        if self.is_proven_by(quote) {
            return Ok(());
        }
        let (expected, found) = (self.proof.digest, quote.signature_data_digest());
        Err(VerifyError::OtherPlatform { expected, found })
    }

    /// That the certificates are valid at `at`, which may be long after they were verified.
    pub(crate) fn check_windows(&self, at: UnixTime) -> Result<(), VerifyError> {
        let parts = [(CertificateRole::PckCa, &self.ca), (CertificateRole::PckLeaf, &self.leaf)];
        parts.into_iter().try_for_each(|(role, certificate)| {
            certificate.window().check(at).map_err(|source| VerifyError::OutsideWindow {
                what: Dated::Certificate(role),
                source,
            })
        })
    }
}

/// Verifies the platform of a quote; see [`VerifiedPlatform`] for what that means.
///
/// Costs three P-256 verifications: PCK CA, PCK certificate, QE report.
///
/// # Errors
/// [`VerifyError`] naming the check: certification data without a chain, a chain that is malformed
/// or not validly issued under an anchor, a bad PCK extension, a QE report that the PCK did not
/// sign or that does not vouch for the attestation key.
///
/// # Source
/// Intel SGX ECDSA QuoteLibReference, "Verifying a quote".
pub fn verify_platform(
    quote: &Quote<'_>,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedPlatform, VerifyError> {
    verify(quote, anchors, None, at)
}

/// As [`verify_platform`], and spares the check of the PCK CA's signature if `collateral` was
/// verified with the very same CA certificate under the same anchor.
///
/// # Errors
/// As [`verify_platform`].
pub fn verify_platform_beside(
    quote: &Quote<'_>,
    anchors: &TrustAnchors,
    collateral: &VerifiedCollateral,
    at: UnixTime,
) -> Result<VerifiedPlatform, VerifyError> {
    verify(quote, anchors, Some(collateral), at)
}

fn verify(
    quote: &Quote<'_>,
    anchors: &TrustAnchors,
    collateral: Option<&VerifiedCollateral>,
    at: UnixTime,
) -> Result<VerifiedPlatform, VerifyError> {
    let data = quote.signature_data();

    // 1. The PCK chain, from a pinned root key down.
    let CertificationData::PckChain(text) = data.certification_data else {
        let (found, needs) = (data.certification_data.code(), data.certification_data.needs());
        return Err(VerifyError::CertificationData { found, needs });
    };
    let known =
        collateral.map(|known| [known.pck_ca.certificate.certificate(), &known.pck_ca.root]);
    let chain = Chain::read(ChainName::Pck, text, known.as_ref().map_or(&[], |known| known))?;
    let (leaf, ca) = chain.leaf_and_ca()?;
    let anchor = anchors.find(&chain.root)?;
    let ca = match collateral.and_then(|known| known_ca(known, ca, anchor)) {
        Some(known) => known,
        None => verify_pck_ca(ca, anchor, at)?,
    };
    let leaf = verify_pck_leaf(leaf, &ca, at)?;

    // 2. Which platform the PCK certificate is for.
    let extension = leaf
        .certificate()
        .extension(PCK_EXTENSION_OID)
        .ok_or(VerifyError::PckExtensionMissing(PCK_EXTENSION_OID))?;
    let pck = PckExtension::parse(&extension.value).map_err(VerifyError::PckExtension)?;

    // 3. The QE report, signed by the PCK, vouches for the attestation key.
    check_qe_report_signature(data, leaf.certificate().public_key())?;
    check_qe_report_binding(data)?;

    Ok(VerifiedPlatform {
        proof: Proof::of(quote),
        anchor: Arc::clone(anchor),
        ca,
        leaf,
        pck,
        qe_report: data.qe_report.clone(),
        attestation_key: PublicKey::p256(data.attestation_key).serving_again(),
    })
}

fn known_ca(
    collateral: &VerifiedCollateral,
    ca: &Certificate,
    anchor: &Anchor,
) -> Option<VerifiedCertificate> {
    let known = &collateral.pck_ca;
    let same = known.anchor.trust.is_same_as(&anchor.trust)
        && known.certificate.certificate().der() == ca.der();
    same.then(|| known.certificate.clone())
}

fn check_qe_report_signature(
    data: &SignatureData<'_>,
    pck_key: &PublicKey,
) -> Result<(), VerifyError> {
    let scheme = SignatureScheme::EcdsaP256Sha256Fixed;
    pck_key
        .verify(scheme, data.qe_report_bytes, data.qe_report_signature)
        .map_err(|_| VerifyError::QeReportSignature)
}

/// Only the first half of the report data is compared; Intel's quoting enclave leaves the second
/// zero, and so do its own verifiers.
fn check_qe_report_binding(data: &SignatureData<'_>) -> Result<(), VerifyError> {
    let expected = digest::sha256_of_parts(&[data.attestation_key, data.qe_authentication_data]);
    let (first_half, _) =
        data.qe_report.report_data.0.split_first_chunk().unwrap_or((&[0; 32], &[]));
    let found = Hex(*first_half);
    if expected == found {
        return Ok(());
    }
    Err(VerifyError::QeReportBinding { expected, found })
}
