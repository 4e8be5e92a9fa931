//! Intel's provisioning certification service, API version 4, and caches of it on sites (PCCS).

use avouch_dcap::TeeType;

use super::{Address, Question, SourceKind};
use crate::{EndorsementName, TcbEvaluation};

/// What to ask for a thing; `None` if it has no such things.
pub(super) fn question(
    kind: SourceKind,
    has_root_ca_crl_url: bool,
    name: &EndorsementName,
) -> Option<Question> {
    let path = match name {
        EndorsementName::TcbInfo { tee, fmspc, evaluation } => {
            let evaluation = query(*evaluation);
            format!("{}/tcb?fmspc={fmspc}&{evaluation}", root(*tee))
        }
        EndorsementName::QeIdentity { tee, evaluation } => {
            format!("{}/qe/identity?{}", root(*tee), query(*evaluation))
        }
        EndorsementName::PckCrl(ca) => {
            format!("{}/pckcrl?ca={}&encoding=der", root(TeeType::Sgx), ca.name())
        }
        EndorsementName::RootCaCrl if has_root_ca_crl_url => {
            return Some(Question { at: Address::RootCaCrl, path: String::new() });
        }
        EndorsementName::RootCaCrl if kind == SourceKind::Pccs => {
            format!("{}/rootcacrl", root(TeeType::Sgx))
        }
        _ => return None,
    };
    Some(Question::service(path))
}

pub(super) const fn root(tee: TeeType) -> &'static str {
    match tee {
        TeeType::Sgx => "/sgx/certification/v4",
        TeeType::Tdx => "/tdx/certification/v4",
    }
}

fn query(evaluation: TcbEvaluation) -> String {
    match evaluation {
        TcbEvaluation::Standard => "update=standard".to_owned(),
        TcbEvaluation::Early => "update=early".to_owned(),
        TcbEvaluation::Number(number) => format!("tcbEvaluationDataNumber={number}"),
    }
}
