//! One of Intel's answers, read as far as it must be to be put into a set.

use std::sync::Arc;

use avouch_dcap::{
    Collateral, EnclaveId, EnclaveIdentity, SignedDocument, TcbEvaluation, TcbInfo, TeeType,
};
use avouch_pki::{Certificate, Crl, digest, pem};
use avouch_wire::Hex;

use crate::by_name::{Age, Mismatch};
use crate::{EndorsementName, PckCa, Published};

/// A chain of Intel's has two certificates.
const CHAIN_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Part {
    pub(super) content: Content,
    pub(super) body: Arc<[u8]>,
    pub(super) issuer_chain: Arc<[u8]>,
    /// Where its chain ends; none without a chain.
    pub(super) root: Option<Root>,
}

#[derive(Debug)]
pub(super) enum Content {
    TcbInfo { document: Arc<SignedDocument>, number: u32 },
    QeIdentity { document: Arc<SignedDocument>, number: u32 },
    PckCrl,
    RootCaCrl { issuer: Vec<u8> },
}

impl Content {
    pub(super) const fn document(&self) -> Option<&Arc<SignedDocument>> {
        match self {
            Self::TcbInfo { document, .. } | Self::QeIdentity { document, .. } => Some(document),
            Self::PckCrl | Self::RootCaCrl { .. } => None,
        }
    }
}

/// A root by what its copies have in common.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Root {
    /// DER of its name.
    pub(super) name: Vec<u8>,
    key_sha256: Hex<32>,
}

impl Root {
    fn of_chain(text: &[u8]) -> Option<Self> {
        let certificates = pem::certificates(text, CHAIN_MAX).ok()?;
        let mut parsed = certificates.iter().filter_map(|der| Certificate::parse(der).ok());
        let root = parsed.find(Certificate::is_self_issued)?;
        let key_sha256 = digest::sha256(root.public_key().spki_der());
        Some(Self { name: root.subject().as_der().to_vec(), key_sha256 })
    }
}

impl Part {
    /// Reads a part, which must be for what its name says.
    pub(super) fn read(published: &Published) -> Result<(Self, Age), Mismatch> {
        let (content, age) = content(published)?;
        let part = Self {
            content,
            body: Arc::clone(&published.body),
            issuer_chain: Arc::clone(&published.issuer_chain),
            root: Root::of_chain(&published.issuer_chain),
        };
        Ok((part, age))
    }

    /// Of documents.
    pub(super) const fn document(&self) -> Option<&Arc<SignedDocument>> {
        self.content.document()
    }
}

fn content(published: &Published) -> Result<(Content, Age), Mismatch> {
    let body = &published.body;
    let named = |name: Option<EndorsementName>| {
        // Which recovery is the default is not written in a document.
        let as_asked = name.map(|name| with_evaluation_of(name, &published.name));
        if as_asked == Some(published.name) { Ok(()) } else { Err(Mismatch::other()) }
    };
    match published.name {
        EndorsementName::TcbInfo { .. } => {
            let document = SignedDocument::from_tcb_info_body(body).map_err(Mismatch::new)?;
            let info = TcbInfo::parse(document.text()).map_err(Mismatch::new)?;
            named(Some(tcb_info_name(&info)))?;
            let number = info.evaluation_data_number;
            let document = Arc::new(document);
            Ok((Content::TcbInfo { document, number }, Age::of(info.window)))
        }
        EndorsementName::QeIdentity { .. } => {
            let document = SignedDocument::from_identity_body(body).map_err(Mismatch::new)?;
            let identity = EnclaveIdentity::parse(document.text()).map_err(Mismatch::new)?;
            named(qe_identity_name(&identity))?;
            let number = identity.evaluation_data_number;
            let document = Arc::new(document);
            Ok((Content::QeIdentity { document, number }, Age::of(identity.window)))
        }
        EndorsementName::PckCrl(_) | EndorsementName::RootCaCrl => {
            let crl = Crl::parse(body).map_err(Mismatch::new)?;
            named(crl_name(&crl))?;
            let content = match published.name {
                EndorsementName::PckCrl(_) => Content::PckCrl,
                _ => Content::RootCaCrl { issuer: crl.issuer().as_der().to_vec() },
            };
            Ok((content, Age::of_crl(&crl)))
        }
        _ => Err(Mismatch::other()),
    }
}

/// A name as documents say it, with the choice in another name of the same; a number must be the
/// document's own.
fn with_evaluation_of(name: EndorsementName, asked: &EndorsementName) -> EndorsementName {
    use EndorsementName::{QeIdentity, TcbInfo};
    let chosen = |own, asked| match asked {
        TcbEvaluation::Number(_) => own,
        TcbEvaluation::Standard | TcbEvaluation::Early => asked,
    };
    match (name, *asked) {
        (TcbInfo { tee, fmspc, evaluation: own }, TcbInfo { evaluation, .. }) => {
            TcbInfo { tee, fmspc, evaluation: chosen(own, evaluation) }
        }
        (QeIdentity { tee, evaluation: own }, QeIdentity { evaluation, .. }) => {
            QeIdentity { tee, evaluation: chosen(own, evaluation) }
        }
        (name, _) => name,
    }
}

/// The name of a TCB info by its own number.
pub(crate) const fn tcb_info_name(info: &TcbInfo) -> EndorsementName {
    let evaluation = TcbEvaluation::Number(info.evaluation_data_number);
    EndorsementName::TcbInfo { tee: info.tee, fmspc: info.fmspc, evaluation }
}

/// The name of a QE identity by its own number; none of other enclaves.
pub(crate) const fn qe_identity_name(identity: &EnclaveIdentity) -> Option<EndorsementName> {
    let tee = match identity.id {
        EnclaveId::Qe => TeeType::Sgx,
        EnclaveId::TdQe => TeeType::Tdx,
        EnclaveId::Qve | EnclaveId::Qae => return None,
    };
    let evaluation = TcbEvaluation::Number(identity.evaluation_data_number);
    Some(EndorsementName::QeIdentity { tee, evaluation })
}

/// The name of a CRL of Intel's, by who is said to have issued it.
pub(crate) fn crl_name(crl: &Crl) -> Option<EndorsementName> {
    const ROOT: &str = avouch_dcap::INTEL_SGX_ROOT_LABEL;
    let issuer = crl.issuer().common_name()?;
    if issuer == ROOT {
        return Some(EndorsementName::RootCaCrl);
    }
    PckCa::from_common_name(issuer).map(EndorsementName::PckCrl)
}

pub(super) const fn tee(name: &EndorsementName) -> Option<TeeType> {
    match name {
        EndorsementName::TcbInfo { tee, .. } | EndorsementName::QeIdentity { tee, .. } => {
            Some(*tee)
        }
        _ => None,
    }
}

/// The parts of a whole set, as far as they can be read.
pub(super) fn of_set(collateral: &Collateral, source: &Arc<str>) -> Vec<Published> {
    let parts = collateral.parts();
    let thing = |name, body: Arc<[u8]>, issuer_chain: &Arc<[u8]>, fetched_at| Published {
        name,
        body,
        issuer_chain: Arc::clone(issuer_chain),
        source: Arc::clone(source),
        fetched_at,
        etag: None,
    };
    let mut found = Vec::new();
    if let Ok(info) = TcbInfo::parse(parts.tcb_info.text()) {
        let (name, body) = (tcb_info_name(&info), parts.tcb_info.shared_body());
        found.push(thing(name, body, &parts.tcb_info_issuer_chain, info.window.not_before));
    }
    if let Ok(identity) = EnclaveIdentity::parse(parts.qe_identity.text())
        && let Some(name) = qe_identity_name(&identity)
    {
        let (body, issued) = (parts.qe_identity.shared_body(), identity.window.not_before);
        found.push(thing(name, body, &parts.qe_identity_issuer_chain, issued));
    }
    let none: Arc<[u8]> = Arc::from([]);
    for (der, chain) in [(&parts.pck_crl, &parts.pck_crl_issuer_chain), (&parts.root_ca_crl, &none)]
    {
        if let Ok(crl) = Crl::parse(der)
            && let Some(name) = crl_name(&crl)
        {
            found.push(thing(name, Arc::clone(der), chain, crl.this_update()));
        }
    }
    found
}
