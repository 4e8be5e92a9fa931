//! Carries a plan out.

use avouch_pki::pem;
use avouch_wire::EvidenceKind;

use super::{
    breaks,
    collateral::Collateral,
    document::edited,
    open_enclave,
    options::ChainStyle,
    plan::{Link, Plan},
};
use crate::{
    Expected, MintError, Minted, Options,
    bootlog::BootLog,
    request::{self, Request},
    x509::{Certificate, RevocationList},
};

/// Mints evidence of an Intel kind.
pub(crate) fn mint(kind: EvidenceKind, options: &Options) -> Result<Minted, MintError> {
    let (plan, expected, description) = broken_plan(kind, options)?;
    let collateral = plan.collateral()?;
    let evidence = plan.evidence()?;
    let event_log = plan.event_log.as_ref().map(BootLog::to_bytes).transpose()?;
    let request = request::body(&Request {
        kind,
        evidence: &evidence,
        runtime_data: plan.runtime_data.as_ref(),
        init_time_data: plan.init_time_data.as_ref(),
        event_log: event_log.as_deref(),
    })?;
    Ok(Minted {
        kind,
        evidence,
        evidence_name: match kind {
            EvidenceKind::OpenEnclave => "report.bin",
            _ => "quote.bin",
        },
        endorsements: collateral.to_json()?.into_bytes(),
        endorsements_name: "endorsements.json",
        root_pem: pem::encode("CERTIFICATE", &plan.trusted_root.der(&plan.seed)?),
        runtime_data: plan.runtime_data,
        init_time_data: plan.init_time_data,
        event_log,
        challenge: None,
        others: Vec::new(),
        request,
        at: options.at,
        description,
        expected,
    })
}

/// The collateral of SGX evidence with these options as Open Enclave's endorsements blob.
///
/// # Errors
/// As [`crate::mint`].
pub fn open_enclave_endorsements(options: &Options) -> Result<Vec<u8>, MintError> {
    let (plan, _, _) = broken_plan(EvidenceKind::OpenEnclave, options)?;
    open_enclave::endorsements(&plan.collateral()?, options.at)
}

/// The plan with its break, what a verifier must say, and a line that tells what it is.
fn broken_plan(
    kind: EvidenceKind,
    options: &Options,
) -> Result<(Plan, Expected, String), MintError> {
    let Some(name) = &options.break_name else {
        let plan = Plan::new(kind, options)?;
        return Ok((plan, Expected::Accepted, format!("Good {kind} evidence.")));
    };
    let (named, recipe) = breaks::find(kind, name)
        .ok_or_else(|| MintError::UnknownBreak { kind, name: name.clone() })?;
    let mut options = options.clone();
    (recipe.prepare)(&mut options);
    let mut plan = Plan::new(kind, &options)?;
    if let Some(apply) = recipe.apply {
        let before = format!("{plan:?}");
        apply(&mut plan);
        // A break that misses its target would hand out good evidence as broken.
        if before == format!("{plan:?}") {
            return Err(MintError::NothingToBreak);
        }
    }
    let expected = Expected::Refused { stage: named.stage, check: named.expected_check };
    let description = format!("Broken {kind} evidence, {name}: {}.", named.what);
    Ok((plan, expected, description))
}

impl Plan {
    fn evidence(&self) -> Result<Vec<u8>, MintError> {
        let chain = edited(self.chain(&self.quote_chain)?, self.chain_edit)?;
        let chain = match self.chain_style {
            ChainStyle::LeafToRoot | ChainStyle::RootSecond => chain,
            ChainStyle::NulTerminated => format!("{chain}\0"),
            ChainStyle::NoFinalLineFeed => chain.trim_end().to_owned(),
            ChainStyle::CrLf => chain.replace('\n', "\r\n"),
        };
        self.wrapper.wrap(self.quote.to_bytes(&self.seed, chain.as_bytes())?)
    }

    fn collateral(&self) -> Result<Collateral, MintError> {
        let crl_der = |crl: &Option<RevocationList>, edit: fn(&mut Vec<u8>)| {
            let Some(crl) = crl else { return Ok(None) };
            let mut der = crl.der(&self.seed)?;
            edit(&mut der);
            Ok::<_, MintError>(Some(der))
        };
        Ok(Collateral {
            pck_crl_issuer_chain: self.chain(&self.pck_crl_chain)?,
            root_ca_crl: crl_der(&self.root_crl, self.root_crl_edit)?,
            pck_crl: crl_der(&self.pck_crl, self.pck_crl_edit)?,
            tcb_info_issuer_chain: self.chain(&self.tcb_info_chain)?,
            tcb_info: self.tcb_info.sign(&self.seed)?,
            qe_identity_issuer_chain: self.chain(&self.qe_identity_chain)?,
            qe_identity: self.qe_identity.sign(&self.seed)?,
        })
    }

    /// Certificates in PEM, one after the other.
    fn chain(&self, links: &[Link]) -> Result<String, MintError> {
        links
            .iter()
            .map(|link| {
                let der = self.certificate(*link).der(&self.seed)?;
                Ok(pem::encode("CERTIFICATE", &der))
            })
            .collect()
    }

    fn certificate(&self, link: Link) -> Certificate {
        match link {
            Link::Root => self.root.clone(),
            Link::PckCa => self.pck_ca.clone(),
            Link::ForeignRoot => self.foreign_root.clone(),
            Link::OtherCa => self.other_ca.clone(),
            Link::ReissuedCa => self.reissued_ca.clone(),
            Link::TcbSigner => self.tcb_signer.clone(),
            Link::ReissuedSigner => self.reissued_signer.clone(),
            Link::Pck => {
                let mut pck = self.pck.clone();
                pck.extensions.extend(self.pck_extension.as_ref().map(|found| found.extension()));
                pck
            }
        }
    }
}
