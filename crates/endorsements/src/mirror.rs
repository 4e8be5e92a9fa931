//! What clients of Intel's service, of caches of it (PCCS) and of AMD's service ask for, and the
//! answers that they understand, out of what is at hand. No network here, and no clock.

mod answer;
mod query;
mod scope;

use avouch_dcap::{TcbEvaluation, TeeType};
use avouch_snp::{Product, Tcb, VekKind};
use avouch_wire::{Hex, decode_hex};
use query::Query;
use thiserror::Error;

use crate::{EndorsementName, PckCa, VcekId};

pub use answer::MirrorAnswer;
pub use scope::{MirrorScope, NameRule, NameRuleError};

/// What a path of these services stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorPath {
    /// `tcb` of Intel's API version 4.
    TcbInfo(TeeType),
    /// `tcb` of Intel's API version 3: a document of a form of its own, which is not at hand.
    TcbInfoOfV3,
    /// `qe/identity`.
    QeIdentity(TeeType),
    /// `pckcrl`.
    PckCrl,
    /// `rootcacrl` of a PCCS.
    RootCaCrl,
    /// `crl` of a PCCS: a CRL by the address that a certificate gives for it.
    CrlOfAddress,
    /// AMD's chain above a kind of key.
    VekChain(Product, VekKind),
    /// AMD's CRL for a kind of key.
    AmdCrl(Product, VekKind),
    /// A VCEK by the hardware id of its chip, as the path has it.
    Vcek(Product, String),
}

/// A thing that is asked for, in one of its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirrorRequest {
    /// What.
    pub name: EndorsementName,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    CrlDer,
    CrlPem,
    /// As a PCCS does, whatever content type it says.
    CrlHex,
    CertificateDer,
    CertificatesPem,
}

/// Why a request stands for nothing that can be served.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MirrorRefusal {
    /// There is no such thing here: 404.
    #[error("{0}")]
    NotServed(&'static str),
    /// The query is not what it must be: 400.
    #[error("{0}")]
    Query(String),
}

impl MirrorRefusal {
    fn query(reason: impl Into<String>) -> Self {
        Self::Query(reason.into())
    }
}

impl MirrorPath {
    /// Reads the query: names of parameters in any case; of one that is there twice the first counts,
    /// and unknown ones are left alone, as at a PCCS.
    ///
    /// # Errors
    /// [`MirrorRefusal`].
    pub fn request(&self, query: Option<&str>) -> Result<MirrorRequest, MirrorRefusal> {
        let query = Query::new(query);
        let (name, form) = match self {
            Self::TcbInfo(tee) => {
                let (fmspc, evaluation) = (fmspc(&query)?, evaluation(&query)?);
                (EndorsementName::TcbInfo { tee: *tee, fmspc, evaluation }, Form::Json)
            }
            Self::TcbInfoOfV3 => {
                return Err(MirrorRefusal::NotServed(
                    "TCB info of API version 3 is a document that Intel signs by itself, and it is \
                     not kept here; ask for version 4.",
                ));
            }
            Self::QeIdentity(tee) => {
                let evaluation = evaluation(&query)?;
                (EndorsementName::QeIdentity { tee: *tee, evaluation }, Form::Json)
            }
            // As Azure's cache (THIM) is asked.
            Self::PckCrl if query.get("ca")?.is_none() && query.get("uri")?.is_some() => {
                (crl_of_uri(&query)?, Form::CrlDer)
            }
            Self::PckCrl => (EndorsementName::PckCrl(pck_ca(&query)?), crl_form(&query)?),
            Self::RootCaCrl => (EndorsementName::RootCaCrl, Form::CrlHex),
            Self::CrlOfAddress => (crl_of_uri(&query)?, Form::CrlDer),
            Self::VekChain(product, kind) => {
                (EndorsementName::VekChain(*product, *kind), Form::CertificatesPem)
            }
            Self::AmdCrl(product, kind) => (EndorsementName::AmdCrl(*product, *kind), Form::CrlDer),
            Self::Vcek(product, hardware_id) => {
                let chip_id = chip_id(*product, hardware_id)?;
                let tcb = Hex(tcb(&query, *product)?.raw(*product).0);
                let id = VcekId { chip_id, tcb };
                (EndorsementName::Vcek(*product, id), Form::CertificateDer)
            }
        };
        Ok(MirrorRequest { name, form })
    }
}

fn fmspc(query: &Query<'_>) -> Result<Hex<6>, MirrorRefusal> {
    let text = query.required("fmspc")?;
    Hex::from_hex(&text).map_err(|_| MirrorRefusal::query("fmspc has to be 12 hex digits."))
}

fn evaluation(query: &Query<'_>) -> Result<TcbEvaluation, MirrorRefusal> {
    match (query.get("update")?, query.get("tcbEvaluationDataNumber")?) {
        (Some(_), Some(_)) => {
            Err(MirrorRefusal::query("update and tcbEvaluationDataNumber exclude each other."))
        }
        (None, None) => Ok(TcbEvaluation::Standard),
        (Some(word), None) if word.eq_ignore_ascii_case("standard") => Ok(TcbEvaluation::Standard),
        (Some(word), None) if word.eq_ignore_ascii_case("early") => Ok(TcbEvaluation::Early),
        (Some(_), None) => Err(MirrorRefusal::query("update has to be standard or early.")),
        (None, Some(digits)) => number(&digits)
            .map(TcbEvaluation::Number)
            .ok_or_else(|| MirrorRefusal::query("tcbEvaluationDataNumber has to be a number.")),
    }
}

fn pck_ca(query: &Query<'_>) -> Result<PckCa, MirrorRefusal> {
    let name = query.required("ca")?.to_ascii_lowercase();
    PckCa::from_name(&name)
        .ok_or_else(|| MirrorRefusal::query("ca has to be processor or platform."))
}

/// Without a word for it a PCCS answers hex, which is what its clients take.
fn crl_form(query: &Query<'_>) -> Result<Form, MirrorRefusal> {
    match query.get("encoding")? {
        None => Ok(Form::CrlHex),
        Some(word) if word.eq_ignore_ascii_case("der") => Ok(Form::CrlDer),
        Some(word) if word.eq_ignore_ascii_case("pem") => Ok(Form::CrlPem),
        Some(_) => Err(MirrorRefusal::query("encoding has to be der or pem.")),
    }
}

fn crl_of_uri(query: &Query<'_>) -> Result<EndorsementName, MirrorRefusal> {
    let name = crl_of_address(&query.required("uri")?);
    name.ok_or_else(|| MirrorRefusal::query("uri is the address of no CRL of Intel's."))
}

/// Which CRL an address of Intel's stands for. Nothing is ever fetched from it.
fn crl_of_address(address: &str) -> Option<EndorsementName> {
    if let Some(file) =
        address.strip_prefix("https://certificates.trustedservices.intel.com/IntelSGXRootCA.")
    {
        return ["der", "crl"].contains(&file).then_some(EndorsementName::RootCaCrl);
    }
    let path = address.strip_prefix("https://api.trustedservices.intel.com/sgx/certification/")?;
    let (version, query) = path.split_once("/pckcrl?")?;
    let is_known = ["v3", "v4"].contains(&version);
    pck_ca(&Query::new(Some(query))).ok().filter(|_| is_known).map(EndorsementName::PckCrl)
}

fn chip_id(product: Product, hardware_id: &str) -> Result<Hex<64>, MirrorRefusal> {
    let length = product.hardware_id_length();
    let bytes = decode_hex(hardware_id).ok().filter(|bytes| bytes.len() == length);
    let bytes = bytes.ok_or_else(|| {
        let digits = length.saturating_mul(2);
        MirrorRefusal::Query(format!("A hardware id of {product} has {digits} hex digits."))
    })?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(MirrorRefusal::NotServed("No chip has a hardware id of zeros."));
    }
    let mut chip_id = Hex([0; 64]);
    chip_id.0.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    Ok(chip_id)
}

/// Every level of the product has to be there, and none that it has not.
fn tcb(query: &Query<'_>, product: Product) -> Result<Tcb, MirrorRefusal> {
    let level = |name: &str| {
        number(&query.required(name)?)
            .ok_or_else(|| MirrorRefusal::Query(format!("{name} has to be a number up to 255.")))
    };
    let fmc = match product {
        Product::Turin => Some(level("fmcSPL")?),
        Product::Milan | Product::Genoa if query.get("fmcSPL")?.is_some() => {
            return Err(MirrorRefusal::Query(format!("{product} has no fmcSPL.")));
        }
        Product::Milan | Product::Genoa => None,
    };
    let (boot_loader, tee) = (level("blSPL")?, level("teeSPL")?);
    Ok(Tcb { fmc, boot_loader, tee, snp: level("snpSPL")?, microcode: level("ucodeSPL")? })
}

/// A number in decimal digits alone.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests;
