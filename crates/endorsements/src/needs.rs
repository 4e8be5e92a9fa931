//! Which endorsements machines need, and picking them out of what is at hand.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{CertificationData, PCK_EXTENSION_OID, PckExtension, Quote, TeeType};
use avouch_pki::{Certificate, pem};
use avouch_snp::ghcb::CertificateTable;
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::{Chain, Product, REPORT_LENGTH, Report, VekKind};
use avouch_wire::{EvidenceKind, Hex};
use thiserror::Error;

use crate::{EndorsementName, PckCa, Published, TcbEvaluation, VcekId};

/// Something that a machine's evidence cannot be verified without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// TCB info of a family of platforms; of SGX or TDX if it is not said of which.
    TcbInfo {
        /// SGX, TDX or either.
        tee: Option<TeeType>,
        /// Family of platforms.
        fmspc: Hex<6>,
    },
    /// Identity of the quoting enclave.
    QeIdentity(TeeType),
    /// CRL of a PCK CA.
    PckCrl(PckCa),
    /// CRL of Intel's root CA.
    RootCaCrl,
    /// A VCEK of a chip, at one TCB or at any.
    Vcek {
        /// Of which product, if that is known.
        product: Option<Product>,
        /// The chip.
        chip_id: Hex<64>,
        /// REPORTED_TCB, in memory order.
        tcb: Option<Hex<8>>,
    },
    /// ASK or ASVK of a product with the ARK above.
    VekChain(Product, VekKind),
    /// CRL of a product's ARK.
    AmdCrl(Product, VekKind),
}

/// Why evidence does not say what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct NeedError {
    reason: String,
}

impl Need {
    /// What the platforms of an FMSPC need. Which PCK CA certified a platform is not said by its FMSPC:
    /// CRLs of both are needed.
    #[must_use]
    pub fn of_fmspc(fmspc: Hex<6>) -> Vec<Self> {
        let mut needs = vec![Self::TcbInfo { tee: None, fmspc }];
        needs.extend(PckCa::ALL.map(Self::PckCrl));
        needs
    }

    /// What a piece of evidence needs, as it says itself: nothing of it is verified.
    ///
    /// # Errors
    /// [`NeedError`] if it does not read, or does not say whose endorsements it needs.
    pub fn of_evidence(kind: EvidenceKind, evidence: &[u8]) -> Result<Vec<Self>, NeedError> {
        match kind {
            EvidenceKind::Sgx | EvidenceKind::Tdx => {
                of_quote(&Quote::parse(evidence).map_err(NeedError::new)?)
            }
            EvidenceKind::OpenEnclave => {
                of_quote(OpenEnclave::parse(evidence).map_err(NeedError::new)?.quote())
            }
            EvidenceKind::Snp => of_snp(evidence),
            other => Err(NeedError::new(format!("{other} evidence is not known here"))),
        }
    }

    /// What the owner of a VCEK needs; none for names of other things.
    #[must_use]
    pub const fn of_vcek(name: &EndorsementName) -> Option<Self> {
        match name {
            EndorsementName::Vcek(product, id) => {
                Some(Self::Vcek { product: Some(*product), chip_id: id.chip_id, tcb: Some(id.tcb) })
            }
            _ => None,
        }
    }

    /// Under which names the needs of machines are published, each once, with all that goes with them:
    /// documents of each of `evaluations`. Where a need does not say of which TEE or product it is, the
    /// names of all are given, of which some may not exist.
    #[must_use]
    pub fn names(needs: &[Self], evaluations: &[TcbEvaluation]) -> Vec<EndorsementName> {
        let mut names: BTreeSet<EndorsementName> =
            needs.iter().flat_map(|need| need.own_names(evaluations)).collect();
        let beside: Vec<Self> = names.iter().flat_map(Self::beside).collect();
        names.extend(beside.iter().flat_map(|need| need.own_names(evaluations)));
        names.into_iter().collect()
    }

    fn own_names(&self, evaluations: &[TcbEvaluation]) -> Vec<EndorsementName> {
        let each = |name: &dyn Fn(TcbEvaluation) -> EndorsementName| {
            evaluations.iter().map(|evaluation| name(*evaluation)).collect::<Vec<_>>()
        };
        match *self {
            Self::TcbInfo { tee, fmspc } => {
                let tees = tee.map_or_else(|| vec![TeeType::Sgx, TeeType::Tdx], |tee| vec![tee]);
                let of_tee =
                    |tee| each(&|evaluation| EndorsementName::TcbInfo { tee, fmspc, evaluation });
                tees.into_iter().flat_map(of_tee).collect()
            }
            Self::QeIdentity(tee) => {
                each(&|evaluation| EndorsementName::QeIdentity { tee, evaluation })
            }
            Self::PckCrl(ca) => vec![EndorsementName::PckCrl(ca)],
            Self::RootCaCrl => vec![EndorsementName::RootCaCrl],
            Self::Vcek { product, chip_id, tcb: Some(tcb) } => {
                let id = VcekId { chip_id, tcb };
                let products = product.map_or_else(|| Product::ALL.to_vec(), |one| vec![one]);
                products.into_iter().map(|product| EndorsementName::Vcek(product, id)).collect()
            }
            // A VCEK is derived for one TCB: without it there is nothing to ask for.
            Self::Vcek { tcb: None, .. } => Vec::new(),
            Self::VekChain(product, kind) => vec![EndorsementName::VekChain(product, kind)],
            Self::AmdCrl(product, kind) => vec![EndorsementName::AmdCrl(product, kind)],
        }
    }

    /// Whether a thing of this name is what is needed.
    #[must_use]
    pub fn is_met_by(&self, name: &EndorsementName) -> bool {
        match (*self, *name) {
            (
                Self::TcbInfo { tee, fmspc },
                EndorsementName::TcbInfo { tee: of, fmspc: found, .. },
            ) => fmspc == found && tee.is_none_or(|tee| tee == of),
            (Self::QeIdentity(tee), EndorsementName::QeIdentity { tee: found, .. }) => tee == found,
            (Self::PckCrl(ca), EndorsementName::PckCrl(found)) => ca == found,
            (Self::RootCaCrl, EndorsementName::RootCaCrl) => true,
            (Self::Vcek { product, chip_id, tcb }, EndorsementName::Vcek(of, found)) => {
                product.is_none_or(|product| product == of)
                    && chip_id == found.chip_id
                    && tcb.is_none_or(|tcb| tcb == found.tcb)
            }
            (Self::VekChain(product, kind), EndorsementName::VekChain(of, found))
            | (Self::AmdCrl(product, kind), EndorsementName::AmdCrl(of, found)) => {
                product == of && kind == found
            }
            _ => false,
        }
    }

    /// What whoever needs the thing of this name needs as well.
    fn beside(name: &EndorsementName) -> Vec<Self> {
        match *name {
            EndorsementName::TcbInfo { tee, .. } => vec![Self::QeIdentity(tee), Self::RootCaCrl],
            EndorsementName::Vcek(product, _) => of_product(product, VekKind::Vcek).to_vec(),
            _ => Vec::new(),
        }
    }
}

/// Those of `things` that are needed, and what is needed and not among them. CAs of TPMs are always among
/// them: whose TPM a machine has shows only when it attests.
#[must_use]
pub fn select(
    things: &[Arc<Published>],
    needs: impl IntoIterator<Item = Need>,
) -> (Vec<Arc<Published>>, Vec<Need>) {
    let mut needs: BTreeSet<Need> = needs.into_iter().collect();
    let is_needed = |needs: &BTreeSet<Need>, thing: &Published| {
        needs.iter().any(|need| need.is_met_by(&thing.name))
    };
    let beside: Vec<Need> = things
        .iter()
        .filter(|thing| is_needed(&needs, thing))
        .flat_map(|thing| Need::beside(&thing.name))
        .collect();
    needs.extend(beside);
    let is_taken = |thing: &&Arc<Published>| {
        matches!(thing.name, EndorsementName::TpmCa(_)) || is_needed(&needs, thing)
    };
    let found: Vec<Arc<Published>> = things.iter().filter(is_taken).cloned().collect();
    let is_met = |need: &Need| found.iter().any(|thing| need.is_met_by(&thing.name));
    needs.retain(|need| !is_met(need));
    (found, needs.into_iter().collect())
}

fn of_product(product: Product, kind: VekKind) -> [Need; 2] {
    [Need::VekChain(product, kind), Need::AmdCrl(product, kind)]
}

/// Most certificates in a quote: PCK certificate, CA and root.
const PCK_CERTIFICATES_MAX: usize = 8;

fn of_quote(quote: &Quote<'_>) -> Result<Vec<Need>, NeedError> {
    let data = &quote.signature_data().certification_data;
    let CertificationData::PckChain(chain) = data else {
        return Err(NeedError::new(format!("the quote needs {}", data.needs())));
    };
    let certificates = pem::certificates(chain, PCK_CERTIFICATES_MAX).map_err(NeedError::new)?;
    for der in &certificates {
        let certificate = Certificate::parse(der).map_err(NeedError::new)?;
        let Some(extension) = certificate.extension(PCK_EXTENSION_OID) else { continue };
        let fmspc = PckExtension::parse(&extension.value).map_err(NeedError::new)?.fmspc;
        let issuer = certificate.issuer().label();
        let ca = PckCa::from_common_name(issuer).ok_or_else(|| {
            NeedError::new(format!("its PCK certificate was issued by {issuer:?}"))
        })?;
        let tee = quote.tee_type();
        return Ok(vec![
            Need::TcbInfo { tee: Some(tee), fmspc },
            Need::QeIdentity(tee),
            Need::PckCrl(ca),
            Need::RootCaCrl,
        ]);
    }
    Err(NeedError::new("there is no PCK certificate in the quote"))
}

fn of_snp(evidence: &[u8]) -> Result<Vec<Need>, NeedError> {
    if evidence.trim_ascii_start().first() == Some(&b'{') {
        let document = SnpEvidence::parse(evidence).map_err(NeedError::new)?;
        let chain = document.chain().map_err(NeedError::new)?;
        return of_report(document.report(), &chain);
    }
    let (report, table) = evidence.split_at_checked(REPORT_LENGTH).unwrap_or((evidence, &[]));
    let report = Report::parse(report).map_err(NeedError::new)?;
    let table = if table.is_empty() { None } else { CertificateTable::parse(table).ok() };
    let sent = table.map(|table| table.certificates()).unwrap_or_default();
    of_report(&report, &Chain::parse(&sent).map_err(NeedError::new)?)
}

/// What a report needs beside the key's certificate, if that came along.
fn of_report(report: &Report, sent: &Chain) -> Result<Vec<Need>, NeedError> {
    let kind = report.signing_key();
    let body = report.untrusted_body();
    let key = sent.leaves().find(|(of, _)| *of == kind).map(|(_, certificate)| certificate);
    let of_issuer = |certificate: &Certificate| {
        let name = certificate.issuer().label();
        Product::ALL.into_iter().find(|product| name.ends_with(&format!("-{product}")))
    };
    let product = key.and_then(of_issuer).or_else(|| body.cpuid.and_then(Product::from_cpuid));
    let mut needs = product.map(|product| of_product(product, kind).to_vec()).unwrap_or_default();
    match (key, kind) {
        (Some(_), _) => {}
        (None, VekKind::Vcek) if body.chip_id.is_zero() => {
            return Err(NeedError::new("its chip is masked and no VCEK came with it"));
        }
        (None, VekKind::Vcek) => {
            let tcb = Some(Hex(body.reported_tcb.0));
            needs.push(Need::Vcek { product, chip_id: body.chip_id, tcb });
        }
        (None, VekKind::Vlek) => {
            return Err(NeedError::new("no VLEK came with it, and AMD's service has none"));
        }
    }
    Ok(needs)
}

impl NeedError {
    fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TcbInfo { tee: Some(tee), fmspc } => write!(f, "TCB info of {tee} {fmspc}"),
            Self::TcbInfo { tee: None, fmspc } => write!(f, "TCB info of {fmspc}"),
            Self::QeIdentity(tee) => write!(f, "QE identity of {tee}"),
            Self::PckCrl(ca) => write!(f, "CRL of {:?}", ca.common_name()),
            Self::RootCaCrl => f.write_str("CRL of Intel's root CA"),
            Self::Vcek { chip_id, tcb: Some(tcb), .. } => {
                write!(f, "VCEK of chip {chip_id} at TCB {tcb}")
            }
            Self::Vcek { chip_id, tcb: None, .. } => write!(f, "VCEK of chip {chip_id}"),
            Self::VekChain(product, kind) => write!(f, "chain above the {kind} of {product}"),
            Self::AmdCrl(product, kind) => write!(f, "CRL for the {kind} of {product}"),
        }
    }
}

#[cfg(test)]
mod tests;
