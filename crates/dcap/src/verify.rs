//! The recipe: from a quote, its platform, collateral and a moment to verified facts.

mod facts;
mod unlisted;

use avouch_pki::{Root, SignatureScheme, Window};
use avouch_wire::{Hex, UnixTime};
use serde::Serialize;

pub use unlisted::{JudgedQuote, UnlistedQuote};

use crate::anchors::TrustAnchors;
use crate::collateral::{Collateral, CollateralHashes, EnclaveId, VerifiedCollateral};
use crate::collateral::{EnclaveIdentity, check_not_revoked};
use crate::error::{CertificateRole, VerifyError};
use crate::exception::AcceptedException;
use crate::header::{QuoteVersion, TeeType};
use crate::pck_extension::PckExtension;
use crate::platform::{VerifiedPlatform, verify_platform_beside};
use crate::quote::{Body, Quote};
use crate::report_body::EnclaveReport;
use crate::tcb::{TcbVerdict, judge_enclave, judge_td};

/// Which collateral a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CollateralFacts {
    /// Hashes of its parts.
    pub hashes: CollateralHashes,
    /// The span in which all of it is in force.
    pub window: Window,
}

/// A quote that verified: what it says is what a genuine platform said.
///
/// Proven, at [`Self::judged_at`]: the body was signed by an attestation key that Intel's quoting
/// enclave vouches for, on a platform whose PCK certificate is unrevoked and leads to
/// [`Self::root`]; Intel's collateral in force at that moment gives the TCB the status in
/// [`Self::tcb`], which is not `Revoked`. Where Intel's collateral knows no such TCB, an operator's
/// exception accepts it: [`Self::platform_exception`], never without a mark.
///
/// Not proven: that the status is one the operator accepts ([`crate::Acceptance`]), that the report
/// data mean anything ([`crate::bind_runtime_data`]), that the evidence is fresh.
///
/// Only [`verify_quote`] makes one, and [`UnlistedQuote::accept`]. It serialises to flat facts with lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedQuote {
    tee: TeeType,
    quote_version: QuoteVersion,
    debuggable: bool,
    #[serde(flatten)]
    body: Body,
    #[serde(flatten)]
    tcb: TcbVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_exception: Option<AcceptedException>,
    #[serde(flatten)]
    pck: PckExtension,
    collateral: CollateralFacts,
    root: Root,
    judged_at: UnixTime,
}

/// Verifies a quote of a verified platform against verified collateral, at `at`.
///
/// Costs one P-256 verification (the quote signature); all else is comparison. Everything that may
/// change after `platform` and `collateral` were verified is asked again: dates, CRLs, TCB.
///
/// # Errors
/// [`VerifyError`] naming the check that failed, with both sides of it.
///
/// # Source
/// Intel SGX ECDSA QuoteLibReference and TDX DCAP Quoting Library API; order and strictness of
/// Intel's quote verification library.
pub fn verify_quote(
    quote: &Quote<'_>,
    platform: &VerifiedPlatform,
    collateral: &VerifiedCollateral,
    at: UnixTime,
) -> Result<VerifiedQuote, VerifyError> {
    match judge_quote(quote, platform, collateral, at)? {
        JudgedQuote::Listed(verified) => Ok(verified),
        JudgedQuote::Unlisted(unlisted) => Err(unlisted.into_error(Vec::new())),
    }
}

/// As [`verify_quote`], but a quote that fails for nothing but its platform's TCB, which no level of
/// Intel's fits, is given as what it is: a value that nothing but an operator's exception makes a
/// [`VerifiedQuote`].
///
/// # Errors
/// As [`verify_quote`], but for [`VerifyError::TcbLevel`].
pub fn judge_quote(
    quote: &Quote<'_>,
    platform: &VerifiedPlatform,
    collateral: &VerifiedCollateral,
    at: UnixTime,
) -> Result<JudgedQuote, VerifyError> {
    // 1. The quote is of this platform, and all is in force.
    platform.check_quote(quote)?;
    platform.check_windows(at)?;
    collateral.check_windows(at)?;

    // 2. Platform and collateral rest on one root; the PCK CRL is that of the platform's CA;
    //    neither its certificate nor its CA is revoked.
    check_same_root(platform, collateral)?;
    check_crl_covers(platform, collateral)?;
    check_not_revoked(CertificateRole::PckCa, platform.ca(), &collateral.root_ca_crl)?;
    check_not_revoked(CertificateRole::PckLeaf, platform.leaf(), &collateral.pck_crl)?;

    // 3. The collateral is for this kind of platform and this quoting enclave.
    check_collateral_is_for(quote.tee_type(), platform.pck(), collateral)?;
    check_quoting_enclave(&collateral.qe_identity, platform.qe_report())?;

    // 4. The attestation key signed the quote.
    let scheme = SignatureScheme::EcdsaP256Sha256Fixed;
    let signature = quote.signature_data().quote_signature;
    platform
        .attestation_key()
        .verify(scheme, quote.signed_bytes(), signature)
        .map_err(|_| VerifyError::QuoteSignature)?;

    // 5. What Intel says of this TCB; revoked parts, and modules and quoting enclaves below all
    //    levels, fail here.
    let (info, identity) = (&collateral.tcb_info, &collateral.qe_identity);
    let (pck, qe_report) = (&platform.pck().tcb, platform.qe_report());
    let tcb = match quote.body() {
        Body::Enclave(_) => judge_enclave(info, identity, pck, qe_report)?,
        Body::Td(td) => judge_td(info, identity, pck, qe_report, td)?,
    };

    let below_levels = tcb.below_levels.clone();
    let verified = VerifiedQuote {
        tee: quote.tee_type(),
        quote_version: quote.header().version,
        debuggable: match quote.body() {
            Body::Enclave(report) => report.attributes.is_debuggable(),
            Body::Td(report) => report.td_attributes.is_untrusted(),
        },
        body: quote.body().clone(),
        tcb,
        platform_exception: None,
        pck: platform.pck().clone(),
        collateral: CollateralFacts { hashes: *collateral.hashes(), window: collateral.window() },
        root: platform.root().clone(),
        judged_at: at,
    };
    Ok(match below_levels {
        None => JudgedQuote::Listed(verified),
        Some(below) => JudgedQuote::Unlisted(UnlistedQuote::new(verified, below)),
    })
}

/// Verifies a quote from nothing: collateral, platform and quote.
///
/// # Errors
/// [`VerifyError`] naming the check that failed.
pub fn verify(
    quote: &Quote<'_>,
    collateral: &Collateral,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedQuote, VerifyError> {
    let collateral = collateral.verify(anchors, at)?;
    let platform = verify_platform_beside(quote, anchors, &collateral, at)?;
    verify_quote(quote, &platform, &collateral, at)
}

fn check_same_root(
    platform: &VerifiedPlatform,
    collateral: &VerifiedCollateral,
) -> Result<(), VerifyError> {
    if platform.trust_anchor().trust.is_same_as(&collateral.pck_ca.anchor.trust) {
        return Ok(());
    }
    Err(VerifyError::MixedRoots {
        what: "collateral",
        expected: platform.root().label.clone(),
        found: collateral.root().label.clone(),
    })
}

/// The CA exists in several issues with one key, so name and key are compared, not bytes.
fn check_crl_covers(
    platform: &VerifiedPlatform,
    collateral: &VerifiedCollateral,
) -> Result<(), VerifyError> {
    let (issuer, signer) = (platform.ca(), collateral.pck_ca.certificate.certificate());
    if issuer.subject() == signer.subject() && issuer.public_key() == signer.public_key() {
        return Ok(());
    }
    Err(VerifyError::PckCrlOfOtherCa {
        expected: issuer.subject().to_string(),
        found: signer.subject().to_string(),
    })
}

fn check_collateral_is_for(
    tee: TeeType,
    pck: &PckExtension,
    collateral: &VerifiedCollateral,
) -> Result<(), VerifyError> {
    let (info, identity) = (&collateral.tcb_info, &collateral.qe_identity);
    if info.tee != tee {
        return Err(VerifyError::TcbInfoTee { expected: tee, found: info.tee });
    }
    if info.fmspc != pck.fmspc {
        return Err(VerifyError::Fmspc { expected: pck.fmspc, found: info.fmspc });
    }
    if info.pce_id != pck.pce_id {
        return Err(VerifyError::PceId { expected: pck.pce_id, found: info.pce_id });
    }
    let expected = match tee {
        TeeType::Sgx => EnclaveId::Qe,
        TeeType::Tdx => EnclaveId::TdQe,
    };
    if identity.id != expected {
        let (expected, found) = (expected.as_str(), identity.id.as_str());
        return Err(VerifyError::QeIdentityId { expected, found });
    }
    Ok(())
}

/// That the quoting enclave is the one of the identity. A debuggable one is refused even if the
/// identity's mask were to let it pass: its keys are anyone's.
fn check_quoting_enclave(
    identity: &EnclaveIdentity,
    report: &EnclaveReport,
) -> Result<(), VerifyError> {
    if report.mr_signer != identity.mr_signer {
        let (expected, found) = (identity.mr_signer, report.mr_signer);
        return Err(VerifyError::QeMrSigner { expected, found });
    }
    if report.isv_prod_id != identity.isv_prod_id {
        let (expected, found) = (identity.isv_prod_id, report.isv_prod_id);
        return Err(VerifyError::QeIsvProdId { expected, found });
    }
    let (expected, mask) = (identity.misc_select, identity.misc_select_mask);
    if masked(report.misc_select, mask) != expected {
        return Err(VerifyError::QeMiscSelect { expected, found: report.misc_select, mask });
    }
    if report.attributes.is_debuggable() {
        return Err(VerifyError::QeDebuggable { attributes: report.attributes.0 });
    }
    let (expected, mask) = (identity.attributes, identity.attributes_mask);
    if masked(report.attributes.0, mask) != expected {
        return Err(VerifyError::QeAttributes { expected, found: report.attributes.0, mask });
    }
    Ok(())
}

fn masked<const N: usize>(mut value: Hex<N>, mask: Hex<N>) -> Hex<N> {
    for (byte, mask) in value.0.iter_mut().zip(mask.0) {
        *byte &= mask;
    }
    value
}

#[cfg(test)]
mod tests;
