//! Guest attestation: a virtual machine with a virtual TPM, confidential or not, and the document by which
//! it attests.

mod breaks;
mod document;
mod plan;

use avouch_pki::{digest, pem};
use avouch_wire::{EvidenceKind, base64url};
use serde_json::json;

pub(crate) use breaks::breaks;

use self::plan::Plan;
use super::keys::RsaKey;
use super::machine::Measurements;
use crate::{Expected, HeldData, MintError, Minted, Options};

/// What isolates a virtual machine from its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Nothing: Trusted Launch.
    #[default]
    TrustedLaunch,
    /// SEV-SNP.
    Snp,
    /// TDX.
    Tdx,
}

impl Isolation {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TrustedLaunch, Self::Snp, Self::Tdx];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrustedLaunch => "none",
            Self::Snp => "snp",
            Self::Tdx => "tdx",
        }
    }

    /// The name in the document.
    const fn document_name(self) -> &'static str {
        match self {
            Self::TrustedLaunch => "TrustedLaunch",
            Self::Snp => "SevSnp",
            Self::Tdx => "Tdx",
        }
    }
}

/// Which client's way of writing the document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuestClient {
    /// Numbers are numbers, public areas stand alone, isolation evidence of TDX is standard base64.
    #[default]
    Library,
    /// Numbers are texts, the attestation key's public area has its names behind it, the client's payload is
    /// an object of any form.
    Tool,
}

/// The virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GuestOptions {
    /// What isolates it from its host.
    pub isolation: Isolation,
    /// Whose way of writing its document has.
    pub client: GuestClient,
    /// What it measured, where that is not what [`Options::tpm`](crate::Options::tpm) boots.
    pub measured: Option<Measurements>,
}

/// The name of the root of hardware evidence among a minting's further files.
pub(crate) const HARDWARE_ROOT: &str = "hardware-root.pem";

/// A policy, because the default one wants Microsoft's keys in the firmware.
const POLICY: &str = "version= 1.0;\n\
    authorizationrules { c:[type==\"secureboot\", value==true] => permit(); };\n\
    issuancerules {};\n";

/// Mints a document of guest attestation.
pub(crate) fn mint(options: &Options) -> Result<Minted, MintError> {
    let mut options = options.clone();
    let found = options.break_name.take().map(|name| {
        let unknown =
            MintError::UnknownBreak { kind: EvidenceKind::AzureGuest, name: name.clone() };
        breaks::find(&name).ok_or(unknown)
    });
    let found = found.transpose()?;
    if let Some((_, recipe)) = &found {
        (recipe.prepare)(&mut options);
    }
    let mut plan = Plan::new(&options)?;
    if let Some((_, recipe)) = &found {
        (recipe.apply)(&mut plan);
    }
    let hardware = hardware(&plan, &options)?;
    let document = document::write(&plan, hardware.as_ref())?;
    let expected = found.as_ref().map_or(Expected::Accepted, |(named, _)| Expected::Refused {
        stage: named.stage,
        check: named.expected_check,
    });
    let what = found.as_ref().map_or("nothing is wrong", |(named, _)| named.what);
    let mut others = vec![
        ("policy.txt", POLICY.as_bytes().to_vec()),
        ("sealing-key.pk8", RsaKey::Request.pkcs8().to_vec()),
    ];
    let (endorsements, endorsements_name) = match hardware {
        Some(hardware) => {
            others.push((HARDWARE_ROOT, hardware.root_pem.into_bytes()));
            (hardware.endorsements, hardware.endorsements_name)
        }
        None => (plan.issuing_ca_pem()?.into_bytes(), "tpm-cas.pem"),
    };
    let info = serde_json::to_vec(&document)?;
    let request = json!({"AttestationInfo": base64url::encode(&info)}).to_string();
    let isolation = plan.isolation.document_name();
    Ok(Minted {
        kind: EvidenceKind::AzureGuest,
        evidence: info,
        evidence_name: "attestation-info.json",
        endorsements,
        endorsements_name,
        root_pem: plan.root_pem()?,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenge: None,
        others,
        request,
        at: options.at,
        description: format!("Guest attestation, {isolation}, {:?}: {what}.", options.tpm.boot),
        expected,
    })
}

/// The hardware's evidence, which binds the planned runtime data.
fn hardware(plan: &Plan, options: &Options) -> Result<Option<Minted>, MintError> {
    let mut own = options.clone();
    own.break_name = plan.hardware_break.map(str::to_owned);
    own.runtime_data = Some(HeldData::binary(plan.bound_runtime_data.clone()));
    own.init_time_data = None;
    let (minted, expected) = match plan.isolation {
        Isolation::TrustedLaunch => return Ok(None),
        Isolation::Snp => {
            own.snp.vmpl = plan.vmpl;
            (crate::snp::mint(&own)?, EvidenceKind::Snp)
        }
        Isolation::Tdx => {
            if plan.report_data_end != 0 {
                let mut bound = [plan.report_data_end; 64];
                let hash = digest::sha256(&plan.bound_runtime_data);
                let head = bound.iter_mut().zip(hash.as_bytes());
                head.for_each(|(byte, of_hash)| *byte = *of_hash);
                (own.runtime_data, own.td.report_data) = (None, Some(bound));
            }
            (crate::intel::mint(EvidenceKind::Tdx, &own)?, EvidenceKind::Tdx)
        }
    };
    debug_assert_eq!(minted.kind, expected);
    Ok(Some(minted))
}

impl Plan {
    fn root_pem(&self) -> Result<String, MintError> {
        Ok(pem::encode("CERTIFICATE", &self.ca.der(&self.seed)?))
    }

    fn issuing_ca_pem(&self) -> Result<String, MintError> {
        let der = self.issuing_ca.as_ref().map(|ca| ca.der(&self.seed)).transpose()?;
        Ok(der.map_or_else(String::new, |der| pem::encode("CERTIFICATE", &der)))
    }
}
