//! What was published, proven to be genuine and to be what its name says.

use avouch_dcap::{EnclaveId, SignedDocument, TeeType, VerifyError as IntelError};
use avouch_engine::Anchors;
use avouch_pki::{Certificate, Crl, VerifiedCrl, Window};
use avouch_snp::{
    Chain, ChainError, Crls, Product, RawTcb, VekKind, VerifyError as AmdError, verify_chain,
};
use avouch_tpm::TpmCertificateError;
use avouch_wire::{UnixTime, failed_check};
use thiserror::Error;

use crate::{EndorsementName, PckCa, Published, TcbEvaluation, VcekId, tpm};

/// What is proven of something published: it is genuine, it was in force at the moment it was judged at,
/// and it is what its name says. Only [`prove`] makes one.
///
/// Not proven, and asked by the evidence crates whenever it is used: that no certificate above it is
/// revoked. CRLs for VCEKs and for VLEKs have one signer and look alike; a source that swaps those two is
/// not found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    window: Window,
    version: Version,
}

/// Which edition something is, so that no older one takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Version {
    Document {
        evaluation_data_number: u32,
        issued: UnixTime,
    },
    /// The number big-endian, without leading zeros, as it is read.
    Crl {
        number: Option<Vec<u8>>,
        issued: UnixTime,
    },
    /// Of certificates none is older than another: AMD certifies a key anew at each fetch.
    Certificates,
}

/// Why something published is not to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// What Intel should have signed does not verify.
    #[error(transparent)]
    Intel(Box<IntelError>),
    /// What AMD should have signed does not verify.
    #[error(transparent)]
    Amd(Box<AmdError>),
    /// A CA of TPMs is below no root that is trusted, or is no CA.
    #[error(transparent)]
    Tpm(Box<TpmCertificateError>),
    /// It is genuine, but something else than was asked for.
    #[error("{name} was asked for, this is {found}")]
    Other {
        /// What was asked for.
        name: EndorsementName,
        /// What it is.
        found: String,
    },
}

failed_check!(ProofError {
    Self::Intel(error) => (error.check(), IntelError::checks()),
    Self::Amd(error) => (error.check(), AmdError::checks()),
    Self::Tpm(error) => (error.check(), TpmCertificateError::checks()),
    Self::Other { .. } => "published-name",
});

impl From<IntelError> for ProofError {
    fn from(error: IntelError) -> Self {
        Self::Intel(Box::new(error))
    }
}

impl From<AmdError> for ProofError {
    fn from(error: AmdError) -> Self {
        Self::Amd(Box::new(error))
    }
}

impl From<TpmCertificateError> for ProofError {
    fn from(error: TpmCertificateError) -> Self {
        Self::Tpm(Box::new(error))
    }
}

impl From<ChainError> for ProofError {
    fn from(error: ChainError) -> Self {
        AmdError::from(error).into()
    }
}

impl ProofError {
    /// Whether only the certificate above a VCEK is missing, which is published under a name of its own.
    pub(crate) fn lacks_issuer(&self) -> bool {
        matches!(self, Self::Amd(error) if matches!(**error, AmdError::IntermediateMissing { .. }))
    }
}

impl Proven {
    /// The span in which it and the certificates above it are in force.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Intel's evaluation data number, of documents.
    #[must_use]
    pub const fn evaluation_data_number(&self) -> Option<u32> {
        match self.version {
            Version::Document { evaluation_data_number, .. } => Some(evaluation_data_number),
            Version::Crl { .. } | Version::Certificates => None,
        }
    }

    /// Whether it may take the place of `kept` at a moment: never a CRL of a lower number, nor an older one
    /// of the same number, which all of Intel's have, and no older document while the newer one is in
    /// force. What is as old is the same again.
    #[must_use]
    pub fn may_replace(&self, kept: &Self, at: UnixTime) -> bool {
        match (&self.version, &kept.version) {
            (
                Version::Document { evaluation_data_number: new, issued },
                Version::Document { evaluation_data_number: old, issued: old_issued },
            ) => (new, issued) >= (old, old_issued) || kept.window.check(at).is_err(),
            (
                Version::Crl { number: Some(new), issued },
                Version::Crl { number: Some(old), issued: old_issued },
            ) => (new.len(), new, issued) >= (old.len(), old, old_issued),
            (Version::Crl { issued, .. }, Version::Crl { issued: old, .. }) => issued >= old,
            _ => true,
        }
    }
}

/// Proves that `published` is what its name says, under `anchors` and at `at`. `above` is what is
/// published above it and at hand: the chain above a VCEK, where it is not of AMD's own keys, which are
/// known; the CAs above a CA of TPMs. Other things have their issuers with them.
///
/// # Errors
/// [`ProofError`].
pub fn prove(
    published: &Published,
    above: &[&Published],
    anchors: &Anchors,
    at: UnixTime,
) -> Result<Proven, ProofError> {
    let (body, chain) = (&published.body, &published.issuer_chain);
    let other = |found: String| ProofError::Other { name: published.name, found };
    match published.name {
        EndorsementName::TcbInfo { tee, fmspc, evaluation } => {
            let document = SignedDocument::from_tcb_info_body(body)
                .map_err(|source| malformed(avouch_dcap::DocumentName::TcbInfo, source))?;
            let info = avouch_dcap::verify_tcb_info(&document, chain, &anchors.intel, at)?;
            let (found, number) = (info.content(), info.content().evaluation_data_number);
            if (found.tee, found.fmspc) != (tee, fmspc) || !fits(evaluation, number) {
                let (tee, fmspc) = (found.tee, found.fmspc);
                return Err(other(format!("TCB info of {tee} {fmspc} with number {number}")));
            }
            Ok(document_proven(number, found.window, info.window()))
        }
        EndorsementName::QeIdentity { tee, evaluation } => {
            let document = SignedDocument::from_identity_body(body)
                .map_err(|source| malformed(avouch_dcap::DocumentName::QeIdentity, source))?;
            let identity = avouch_dcap::verify_qe_identity(&document, chain, &anchors.intel, at)?;
            let (found, number) = (identity.content(), identity.content().evaluation_data_number);
            if found.id != quoting_enclave(tee) || !fits(evaluation, number) {
                let id = found.id.as_str();
                return Err(other(format!("the identity of {id} with number {number}")));
            }
            Ok(document_proven(number, found.window, identity.window()))
        }
        EndorsementName::PckCrl(ca) => {
            let crl = avouch_dcap::verify_pck_crl(body, chain, &anchors.intel, at)?;
            let issuer = crl.issuer().label();
            if PckCa::from_common_name(issuer) != Some(ca) {
                return Err(other(format!("the CRL of {issuer:?}")));
            }
            Ok(crl_proven(&crl))
        }
        EndorsementName::RootCaCrl => {
            Ok(crl_proven(&avouch_dcap::verify_root_ca_crl(body, &anchors.intel, at)?))
        }
        EndorsementName::VekChain(product, kind) => {
            let chain = Chain::parse(&[body])?;
            let found = avouch_snp::verify_issuer_chain(&chain, &anchors.amd, at)?;
            if (found.product(), found.issues()) != (product, kind) {
                let (product, kind) = (found.product(), found.issues());
                return Err(other(format!("what issues {kind} certificates of {product}")));
            }
            Ok(Proven { window: found.window(), version: Version::Certificates })
        }
        EndorsementName::AmdCrl(product, _) => {
            let crl = Crl::parse(body).map_err(AmdError::Crl)?;
            let (root, crl) = avouch_snp::verify_root_crl(&crl, &anchors.amd, at)?;
            if root.product() != product {
                return Err(other(format!("the CRL of {}", root.product())));
            }
            Ok(crl_proven(&crl))
        }
        EndorsementName::Vcek(product, id) => vcek(published, above, product, id, anchors, at),
        EndorsementName::TpmCa(_) => tpm_ca(published, above, anchors, at),
    }
}

fn tpm_ca(
    published: &Published,
    above: &[&Published],
    anchors: &Anchors,
    at: UnixTime,
) -> Result<Proven, ProofError> {
    let cas = above.iter().filter(|one| matches!(one.name, EndorsementName::TpmCa(_)));
    let cas: Vec<&[u8]> = cas.map(|one| &*one.body).collect();
    let ca = avouch_tpm::verify_ca_certificate(&published.body, &cas, &anchors.tpm, at)?;
    let found = tpm::ca_name(ca.certificate());
    if found != Some(published.name) {
        let found = ca.certificate().subject().label().to_owned();
        return Err(ProofError::Other { name: published.name, found });
    }
    Ok(Proven { window: ca.window(), version: Version::Certificates })
}

fn vcek(
    published: &Published,
    above: &[&Published],
    product: Product,
    VcekId { chip_id, tcb }: VcekId,
    anchors: &Anchors,
    at: UnixTime,
) -> Result<Proven, ProofError> {
    let chain = EndorsementName::VekChain(product, VekKind::Vcek);
    let chains = above.iter().filter(|above| above.name == chain).map(|above| &*above.body);
    let parts: Vec<&[u8]> = std::iter::once(&*published.body).chain(chains).collect();
    let key = verify_chain(&Chain::parse(&parts)?, &anchors.amd, &Crls::none(), at)?;
    if !key.is_vcek_of(product, &chip_id, RawTcb(tcb.0)) {
        let (facts, tcb) = (key.facts(), key.extensions().certified_tcb());
        let (kind, product) = (facts.kind, facts.product);
        let chip = facts.hardware_id.as_deref().unwrap_or("no chip");
        let found = format!("a {kind} of {product}, {chip}, TCB {tcb}");
        return Err(ProofError::Other { name: published.name, found });
    }
    Ok(Proven { window: key.window(), version: Version::Certificates })
}

/// The one certificate that a service answers for a VCEK, in DER: DER or PEM.
pub(crate) fn one_certificate(bytes: &[u8]) -> Option<Vec<u8>> {
    let der = match Certificate::parse(bytes) {
        Ok(_) => bytes.to_vec(),
        Err(_) => avouch_pki::pem::certificates(bytes, 1).ok()?.pop()?,
    };
    Certificate::parse(&der).ok().map(|_| der)
}

fn malformed(
    document: avouch_dcap::DocumentName,
    source: avouch_dcap::DocumentError,
) -> IntelError {
    IntelError::Document { document, source }
}

/// Which number stands for the standard and the early evaluation is Intel's to say.
fn fits(evaluation: TcbEvaluation, number: u32) -> bool {
    match evaluation {
        TcbEvaluation::Standard | TcbEvaluation::Early => true,
        TcbEvaluation::Number(wanted) => wanted == number,
    }
}

const fn quoting_enclave(tee: TeeType) -> EnclaveId {
    match tee {
        TeeType::Sgx => EnclaveId::Qe,
        TeeType::Tdx => EnclaveId::TdQe,
    }
}

const fn document_proven(number: u32, own: Window, window: Window) -> Proven {
    let issued = own.not_before;
    Proven { window, version: Version::Document { evaluation_data_number: number, issued } }
}

fn crl_proven(crl: &VerifiedCrl) -> Proven {
    let number = crl.number().map(<[u8]>::to_vec);
    let window = crl.window();
    Proven { window, version: Version::Crl { number, issued: window.not_before } }
}
