//! From a plan to evidence.

use avouch_pki::pem;
use avouch_wire::{EvidenceKind, base64url};
use serde::Serialize;

use super::breaks;
use super::certificates::{Certificate, SubjectKey};
use super::plan::{Part, Plan};
use crate::breaks::Recipe;
use crate::request::{self, Request};
use crate::{Expected, MintError, Minted, Options, Seed};

/// The `report` document of MAA's SEV-SNP route.
#[derive(Serialize)]
struct ReportDocument {
    #[serde(rename = "SnpReport")]
    snp_report: String,
    #[serde(rename = "VcekCertChain")]
    vcek_cert_chain: String,
    #[serde(rename = "Endorsements", skip_serializing_if = "Option::is_none")]
    endorsements: Option<String>,
}

#[derive(Serialize)]
struct EndorsementsDocument {
    #[serde(rename = "Uvm")]
    uvm: Vec<String>,
}

/// Mints SEV-SNP evidence.
pub(crate) fn mint(options: &Options) -> Result<Minted, MintError> {
    let mut options = options.clone();
    let found = match &options.break_name {
        None => None,
        Some(name) => Some(breaks::find(name).ok_or_else(|| MintError::UnknownBreak {
            kind: EvidenceKind::Snp,
            name: name.clone(),
        })?),
    };
    if let Some((_, Recipe { prepare, .. })) = &found {
        prepare(&mut options);
    }
    let mut plan = Plan::new(&options)?;
    if let Some((_, Recipe { apply: Some(apply), .. })) = &found {
        apply(&mut plan);
    }
    let expected = found.map_or(Expected::Accepted, |(named, _)| Expected::Refused {
        stage: named.stage,
        check: named.expected_check,
    });
    let what = found.map_or("nothing is wrong", |(named, _)| named.what);
    let description =
        format!("SEV-SNP evidence of {}, {:?}: {what}.", plan.product.name(), options.snp.key);
    build(&plan, &options.seed, description, expected)
}

fn build(
    plan: &Plan,
    seed: &Seed,
    description: String,
    expected: Expected,
) -> Result<Minted, MintError> {
    let report = plan.report.bytes(seed)?;
    let certificates = certificates_pem(plan, seed)?;
    let uvm = plan.uvm.as_ref().map(|uvm| uvm.bytes(seed)).transpose()?;
    let document = document(&report, &certificates, uvm.as_deref())?;
    let mut endorsements = certificates;
    for crl in &plan.crls {
        endorsements.push_str(&pem::encode("X509 CRL", &crl.der()?));
    }
    let (runtime_data, init_time_data) = (&plan.runtime_data, &plan.init_time_data);
    let request = request::body(&Request {
        kind: EvidenceKind::Snp,
        evidence: &document,
        runtime_data: runtime_data.as_ref(),
        init_time_data: init_time_data.as_ref(),
        event_log: None,
    })?;
    // A bare report has no place for what goes with it.
    let (evidence, evidence_name) =
        if uvm.is_some() { (document, "report.json") } else { (report, "report.bin") };
    Ok(Minted {
        kind: EvidenceKind::Snp,
        evidence,
        evidence_name,
        endorsements: endorsements.into_bytes(),
        endorsements_name: "endorsements.pem",
        root_pem: pem::encode("CERTIFICATE", &plan.trusted_root.der(seed)?),
        runtime_data: runtime_data.clone(),
        init_time_data: init_time_data.clone(),
        event_log: None,
        challenge: None,
        others: Vec::new(),
        request,
        at: plan.at,
        description,
        expected,
    })
}

fn certificates_pem(plan: &Plan, seed: &Seed) -> Result<String, MintError> {
    let mut text = String::new();
    for part in &plan.parts {
        let der = match part {
            Part::Vek => plan.vek.der(seed)?,
            Part::Intermediate => plan.intermediate.der(seed)?,
            Part::Root => plan.root.der(seed)?,
            Part::OtherVek => {
                let key = SubjectKey::P384("snp other endorsement key");
                Certificate { key, ..plan.vek.clone() }.der(seed)?
            }
            Part::Stranger => {
                let subject = "Avouch Mint Stranger".to_owned();
                Certificate { subject, ..plan.root.clone() }.der(seed)?
            }
        };
        text.push_str(&pem::encode("CERTIFICATE", &der));
    }
    Ok(text)
}

fn document(report: &[u8], chain: &str, uvm: Option<&[u8]>) -> Result<Vec<u8>, MintError> {
    let endorsements = match uvm {
        None => None,
        Some(cose) => {
            let inner = EndorsementsDocument { uvm: vec![base64url::encode(cose)] };
            Some(base64url::encode(serde_json::to_vec(&inner)?))
        }
    };
    Ok(serde_json::to_vec(&ReportDocument {
        snp_report: base64url::encode(report),
        vcek_cert_chain: base64url::encode(chain),
        endorsements,
    })?)
}
