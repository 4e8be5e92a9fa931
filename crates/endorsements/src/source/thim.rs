//! Azure's cache of Intel's service and of AMD's VCEKs (THIM).

use avouch_snp::Product;
use avouch_wire::base64url;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Question, kds, pcs};
use crate::{EndorsementName, TcbEvaluation, VcekId};

/// Version of the cache's API for what is Intel's.
const API_VERSION: &str = "api-version=2018-10-01-preview";
/// Version for VCEKs.
const VCEK_API_VERSION: &str = "api-version=2020-10-15-preview";

/// What to ask for a thing; `None` if it has no such things. It has no early evaluations.
pub(super) fn question(name: &EndorsementName) -> Option<Question> {
    let sgx = pcs::root(avouch_dcap::TeeType::Sgx);
    let path = match name {
        EndorsementName::TcbInfo { tee, fmspc, evaluation } => {
            let baseline = baseline(*evaluation)?;
            format!("{}/tcb?fmspc={fmspc}&{baseline}{API_VERSION}", pcs::root(*tee))
        }
        EndorsementName::QeIdentity { tee, evaluation } => {
            let baseline = baseline(*evaluation)?;
            format!("{}/qe/identity?{baseline}{API_VERSION}", pcs::root(*tee))
        }
        EndorsementName::PckCrl(ca) => {
            let address = format!(
                "https://api.trustedservices.intel.com{sgx}/pckcrl?ca={}&encoding=der",
                ca.name()
            );
            format!("{sgx}/pckcrl?uri={}&{API_VERSION}", escaped(&address))
        }
        EndorsementName::RootCaCrl => {
            let address = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
            format!("{sgx}/pckcrl?uri={}&{API_VERSION}", escaped(address))
        }
        EndorsementName::Vcek(product, id) => vcek(*product, *id)?,
        _ => return None,
    };
    Some(Question::service(path))
}

/// A VCEK with what is above it, by the whole CHIP_ID and by the TCB as one number.
fn vcek(product: Product, VcekId { chip_id, tcb }: VcekId) -> Option<String> {
    kds::hardware_id(product, &chip_id, tcb)?;
    let tcb = u64::from_le_bytes(tcb.0);
    Some(format!("/SevSnpVM/certificates/{chip_id}/{tcb:016x}?{VCEK_API_VERSION}"))
}

/// A baseline is asked for by a text in base64.
fn baseline(evaluation: TcbEvaluation) -> Option<String> {
    match evaluation {
        TcbEvaluation::Standard => Some(String::new()),
        TcbEvaluation::Early => None,
        TcbEvaluation::Number(number) => {
            let text = format!("tcbevaluationdatanumber={number}");
            Some(format!("customParam={}&", escaped(&base64url::encode_standard(text))))
        }
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
