//! The plan of one minting: every certificate, list, document and field, before anything is built.
//!
//! A break changes one thing here; then the plan is carried out as it stands. So whatever comes
//! after the broken point is built and signed over it, and nothing else is wrong.

use avouch_pki::digest::sha256;
use avouch_wire::{EvidenceKind, UnixTime};

use super::{
    document::Document,
    enclave_report::{
        EnclaveReport, FLAG_DEBUG, FLAG_INIT, FLAG_KSS, FLAG_MODE64BIT, FLAG_PROVISION_KEY,
    },
    hierarchy,
    identity::EnclaveIdentity,
    levels,
    open_enclave::{
        EVIDENCE_VERSION, FORMAT_SGX_ECDSA, REPORT_TYPE_REMOTE, REPORT_VERSION, Wrapper,
    },
    options::{ChainStyle, Kss, OpenEnclaveFormat, TcbInfoVersion, TdQuoteFormat},
    pck_extension::PckExtension,
    quote::{
        Body, CERTIFICATION_PCK_CHAIN, CERTIFICATION_QE_REPORT, Header, INTEL_QE_VENDOR_ID,
        KEY_TYPE_P256, Layout, Quote, TEE_SGX, TEE_TDX, padded,
    },
    tcb_info::{TcbInfo, TcbLevel, TdxModuleIdentity},
    td_report::{TdReport, TdReportForm},
};
use crate::{
    HeldData, MintError, Options, Seed,
    bootlog::{self, BootLog},
    x509::{Certificate, KeyLabel, RevocationList, SignatureFault},
};

/// Labels of the keys.
pub(crate) struct Keys;

impl Keys {
    pub(crate) const ROOT: KeyLabel = "root key";
    pub(crate) const PCK_CA: KeyLabel = "PCK CA key";
    pub(crate) const PCK: KeyLabel = "PCK key";
    pub(crate) const TCB_SIGNER: KeyLabel = "TCB signer key";
    pub(crate) const ATTESTATION: KeyLabel = "attestation key";
    /// A second root that nobody trusts.
    pub(crate) const FOREIGN_ROOT: KeyLabel = "foreign root key";
    /// A second PCK CA under the trusted root.
    pub(crate) const OTHER_CA: KeyLabel = "other PCK CA key";
    /// A key that has no place anywhere.
    pub(crate) const STRANGER: KeyLabel = "stranger key";
}

/// A certificate's place in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Root,
    /// A root of the same name with a key that nobody trusts.
    ForeignRoot,
    PckCa,
    /// The CA that did not issue the PCK certificate.
    OtherCa,
    /// The PCK CA under another serial number.
    ReissuedCa,
    Pck,
    TcbSigner,
    /// The TCB signer under another serial number.
    ReissuedSigner,
}

/// The plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: Seed,
    /// The moment that everything is valid around.
    pub(crate) at: UnixTime,
    /// Given to the verifier as trust anchor.
    pub(crate) trusted_root: Certificate,
    /// Stands in the chains and signs.
    pub(crate) root: Certificate,
    pub(crate) foreign_root: Certificate,
    pub(crate) pck_ca: Certificate,
    pub(crate) other_ca: Certificate,
    pub(crate) reissued_ca: Certificate,
    pub(crate) pck: Certificate,
    pub(crate) tcb_signer: Certificate,
    pub(crate) reissued_signer: Certificate,
    pub(crate) pck_extension: Option<PckExtension>,
    pub(crate) root_crl: Option<RevocationList>,
    pub(crate) pck_crl: Option<RevocationList>,
    /// Changes the bytes of the PCK CRL after it was signed.
    pub(crate) pck_crl_edit: fn(&mut Vec<u8>),
    /// Changes the bytes of the root CRL after it was signed.
    pub(crate) root_crl_edit: fn(&mut Vec<u8>),
    pub(crate) tcb_info: Document<TcbInfo>,
    pub(crate) qe_identity: Document<EnclaveIdentity>,
    pub(crate) pck_crl_chain: Vec<Link>,
    pub(crate) tcb_info_chain: Vec<Link>,
    pub(crate) qe_identity_chain: Vec<Link>,
    pub(crate) quote: Quote,
    /// The chain in the quote.
    pub(crate) quote_chain: Vec<Link>,
    pub(crate) chain_style: ChainStyle,
    /// Changes the PEM text of the chain in the quote.
    pub(crate) chain_edit: Option<fn(String) -> String>,
    pub(crate) wrapper: Wrapper,
    pub(crate) runtime_data: Option<HeldData>,
    pub(crate) init_time_data: Option<HeldData>,
    /// The event log of a trust domain.
    pub(crate) event_log: Option<BootLog>,
}

impl Plan {
    /// The plan of good evidence of this kind.
    pub(crate) fn new(kind: EvidenceKind, options: &Options) -> Result<Self, MintError> {
        if kind == EvidenceKind::Tdx && options.platform.tcb_info_version == TcbInfoVersion::V2 {
            return Err(MintError::Contradiction("TDX has no TCB info version 2"));
        }
        let quote_chain = match options.platform.chain_style {
            ChainStyle::RootSecond => vec![Link::Pck, Link::Root, Link::PckCa],
            _ => vec![Link::Pck, Link::PckCa, Link::Root],
        };
        let root = hierarchy::root(options, Keys::ROOT);
        let boot = options.td.boot.as_ref().filter(|_| kind == EvidenceKind::Tdx);
        let event_log = boot.map(bootlog::td).transpose()?;
        Ok(Self {
            seed: options.seed,
            at: options.at,
            trusted_root: root.clone(),
            root,
            foreign_root: hierarchy::root(options, Keys::FOREIGN_ROOT),
            pck_ca: hierarchy::pck_ca(options),
            other_ca: hierarchy::other_ca(options),
            reissued_ca: hierarchy::reissued_ca(options),
            pck: hierarchy::pck(options),
            tcb_signer: hierarchy::tcb_signer(options),
            reissued_signer: hierarchy::reissued_signer(options),
            pck_extension: Some(hierarchy::pck_extension(options)),
            root_crl: Some(hierarchy::root_crl(options)),
            pck_crl: Some(hierarchy::pck_crl(options)),
            pck_crl_edit: |_| {},
            root_crl_edit: |_| {},
            tcb_info: Document::new(levels::tcb_info(kind, options), Keys::TCB_SIGNER),
            qe_identity: Document::new(levels::qe_identity(kind, options), Keys::TCB_SIGNER),
            pck_crl_chain: vec![Link::PckCa, Link::Root],
            tcb_info_chain: vec![Link::TcbSigner, Link::Root],
            qe_identity_chain: vec![Link::TcbSigner, Link::Root],
            quote: quote(kind, options, event_log.as_ref())?,
            quote_chain,
            chain_style: options.platform.chain_style,
            chain_edit: None,
            wrapper: wrapper(kind, options),
            runtime_data: options.runtime_data.clone(),
            init_time_data: options.init_time_data.clone(),
            event_log,
        })
    }
}

impl Plan {
    /// Changes the report of the attested enclave; does nothing to a trust domain.
    pub(crate) fn change_enclave(&mut self, change: impl FnOnce(&mut EnclaveReport)) {
        if let Body::Enclave(report) = &mut self.quote.body {
            change(report);
        }
    }

    /// Changes the report of the trust domain; does nothing to an enclave.
    pub(crate) fn change_td(&mut self, change: impl FnOnce(&mut TdReport)) {
        if let Body::Td(report, _) = &mut self.quote.body {
            change(report);
        }
    }

    /// Changes the SGX extension of the PCK certificate.
    pub(crate) fn change_extension(&mut self, change: impl FnOnce(&mut PckExtension)) {
        if let Some(extension) = &mut self.pck_extension {
            change(extension);
        }
    }

    /// Changes the CRL of the root.
    pub(crate) fn change_root_crl(&mut self, change: impl FnOnce(&mut RevocationList)) {
        if let Some(crl) = &mut self.root_crl {
            change(crl);
        }
    }

    /// Changes the CRL of the PCK CA.
    pub(crate) fn change_pck_crl(&mut self, change: impl FnOnce(&mut RevocationList)) {
        if let Some(crl) = &mut self.pck_crl {
            change(crl);
        }
    }

    /// Changes every platform level of the TCB info.
    pub(crate) fn change_levels(&mut self, change: impl FnMut(&mut TcbLevel)) {
        self.tcb_info.content.tcb_levels.iter_mut().for_each(change);
    }

    /// Changes every identity of a TDX module.
    pub(crate) fn change_modules(&mut self, change: impl FnMut(&mut TdxModuleIdentity)) {
        self.tcb_info.content.tdx_module_identities.iter_mut().flatten().for_each(change);
    }
}

fn wrapper(kind: EvidenceKind, options: &Options) -> Wrapper {
    let claims =
        || options.runtime_data.as_ref().map(|data| data.bytes.clone()).unwrap_or_default();
    match (kind, options.open_enclave) {
        (EvidenceKind::OpenEnclave, OpenEnclaveFormat::Report) => Wrapper::Report {
            version: REPORT_VERSION,
            report_type: REPORT_TYPE_REMOTE,
            size_skew: 0,
        },
        (EvidenceKind::OpenEnclave, OpenEnclaveFormat::Evidence) => Wrapper::Evidence {
            version: EVIDENCE_VERSION,
            format: FORMAT_SGX_ECDSA,
            size_skew: 0,
            claims: claims(),
        },
        (EvidenceKind::OpenEnclave, OpenEnclaveFormat::EvidenceWithoutHeader) => {
            Wrapper::Claims(claims())
        }
        _ => Wrapper::Bare,
    }
}

fn quote(kind: EvidenceKind, options: &Options, log: Option<&BootLog>) -> Result<Quote, MintError> {
    let (layout, version, body, body_type) = match kind {
        EvidenceKind::Tdx => td(options, log)?,
        _ => (Layout::V3, 3, Body::Enclave(Box::new(enclave(options)?)), 1),
    };
    let tdx = kind == EvidenceKind::Tdx;
    let qe_id: [u8; 16] = options.seed.bytes(&hierarchy::of_machine(options, "QEID"));
    let mut user_data = [0; 20];
    for (to, from) in user_data.iter_mut().zip(qe_id) {
        *to = from;
    }
    let auth_data = options.platform.qe_auth_data.clone();
    Ok(Quote {
        layout,
        header: Header {
            version,
            key_type: KEY_TYPE_P256,
            tee_type: if tdx { TEE_TDX } else { TEE_SGX },
            qe_svn: if tdx { 0 } else { levels::QE_ISV_SVN },
            pce_svn: if tdx { 0 } else { hierarchy::PCE_SVN },
            vendor_id: INTEL_QE_VENDOR_ID,
            user_data,
        },
        body,
        body_type,
        body_size_skew: 0,
        attestation_key: Keys::ATTESTATION,
        quote_signer: Keys::ATTESTATION,
        quote_signature: SignatureFault::None,
        qe_report: quoting_enclave(kind, options),
        bound_key: Keys::ATTESTATION,
        bound_auth_data: auth_data.clone(),
        qe_report_signer: Keys::PCK,
        qe_report_signature: SignatureFault::None,
        auth_data,
        auth_length_skew: 0,
        outer_type: CERTIFICATION_QE_REPORT,
        outer_length_skew: 0,
        certification_type: CERTIFICATION_PCK_CHAIN,
        certification_length_skew: 0,
        leftover: Vec::new(),
        signature_data_length_skew: 0,
        padding: vec![0; options.platform.padding_bytes],
        truncated_to: None,
    })
}

/// Report data: what the options say, or the hash of the runtime data and zeros.
///
/// Open Enclave evidence hashes an empty buffer where there is no runtime data.
fn report_data(chosen: Option<[u8; 64]>, data: Option<&HeldData>, hash_nothing: bool) -> [u8; 64] {
    match (chosen, data) {
        (Some(chosen), _) => chosen,
        (None, Some(data)) => padded(&sha256(&data.bytes)),
        (None, None) if hash_nothing => padded(&sha256(&[])),
        (None, None) => [0; 64],
    }
}

fn enclave(options: &Options) -> Result<EnclaveReport, MintError> {
    let chosen = &options.enclave;
    let seed = &options.seed;
    let kss = match (&chosen.kss, &options.init_time_data) {
        (Some(kss), _) => Some(kss.clone()),
        (None, Some(_)) => Some(Kss::default()),
        (None, None) => None,
    };
    let mut flags = FLAG_INIT | FLAG_MODE64BIT;
    if chosen.debug {
        flags |= FLAG_DEBUG;
    }
    if kss.is_some() {
        flags |= FLAG_KSS;
    }
    let config_id = kss.as_ref().and_then(|kss| kss.config_id);
    let init_hash = options.init_time_data.as_ref().map(|data| padded(&sha256(&data.bytes)));
    Ok(EnclaveReport {
        cpu_svn: hierarchy::components(options),
        misc_select: chosen.misc_select,
        isv_ext_prod_id: kss.as_ref().map_or([0; 16], |kss| kss.isv_ext_prod_id),
        flags,
        xfrm: 0xe7,
        mr_enclave: chosen.mr_enclave.unwrap_or_else(|| seed.bytes("MRENCLAVE")),
        mr_signer: chosen.mr_signer.unwrap_or_else(|| seed.bytes("MRSIGNER")),
        config_id: merge("CONFIGID and init-time data", config_id, init_hash)?.unwrap_or([0; 64]),
        isv_prod_id: chosen.isv_prod_id,
        isv_svn: chosen.isv_svn,
        config_svn: kss.as_ref().map_or(0, |kss| kss.config_svn),
        isv_family_id: kss.as_ref().map_or([0; 16], |kss| kss.isv_family_id),
        report_data: report_data(
            chosen.report_data,
            options.runtime_data.as_ref(),
            options.open_enclave != OpenEnclaveFormat::Report,
        ),
    })
}

/// The chosen value or the derived one, which must not contradict each other.
fn merge<const N: usize>(
    what: &'static str,
    chosen: Option<[u8; N]>,
    derived: Option<[u8; N]>,
) -> Result<Option<[u8; N]>, MintError> {
    match (chosen, derived) {
        (Some(chosen), Some(derived)) if chosen != derived => Err(MintError::Contradiction(what)),
        (chosen, derived) => Ok(chosen.or(derived)),
    }
}

fn td(options: &Options, log: Option<&BootLog>) -> Result<(Layout, u16, Body, u16), MintError> {
    let chosen = &options.td;
    let seed = &options.seed;
    let init_hash = options.init_time_data.as_ref().map(|data| padded(&sha256(&data.bytes)));
    let rtmr = |label| seed.bytes(label);
    let report = TdReport {
        tee_tcb_svn: chosen.tee_tcb_svn,
        mr_seam: chosen.mr_seam.unwrap_or_else(|| seed.bytes("MRSEAM")),
        mr_signer_seam: [0; 48],
        seam_attributes: 0,
        attributes: chosen.attributes,
        xfam: chosen.xfam,
        mr_td: chosen.mr_td.unwrap_or_else(|| seed.bytes("MRTD")),
        mr_config_id: merge("MRCONFIGID and init-time data", chosen.mr_config_id, init_hash)?
            .unwrap_or([0; 48]),
        mr_owner: chosen.mr_owner,
        mr_owner_config: chosen.mr_owner_config,
        rtmrs: chosen
            .rtmrs
            .or_else(|| log.map(|log| log.registers().rtmrs()))
            .unwrap_or_else(|| [rtmr("RTMR0"), rtmr("RTMR1"), rtmr("RTMR2"), rtmr("RTMR3")]),
        report_data: report_data(chosen.report_data, options.runtime_data.as_ref(), false),
        tee_tcb_svn2: chosen.tee_tcb_svn2,
        mr_service_td: chosen.mr_service_td,
    };
    let (layout, version, form, body_type) = match chosen.format {
        TdQuoteFormat::V4 => (Layout::V4, 4, TdReportForm::Td10, 2),
        TdQuoteFormat::V5Td10 => (Layout::V5, 5, TdReportForm::Td10, 2),
        TdQuoteFormat::V5Td15 => (Layout::V5, 5, TdReportForm::Td15, 3),
        TdQuoteFormat::V5Td15Extended => (Layout::V5, 5, TdReportForm::Td15Extended, 4),
    };
    Ok((layout, version, Body::Td(Box::new(report), form), body_type))
}

fn quoting_enclave(kind: EvidenceKind, options: &Options) -> EnclaveReport {
    EnclaveReport {
        cpu_svn: hierarchy::components(options),
        misc_select: 0,
        isv_ext_prod_id: [0; 16],
        flags: FLAG_INIT | FLAG_MODE64BIT | FLAG_PROVISION_KEY,
        xfrm: 0xe7,
        mr_enclave: options.seed.bytes("QE MRENCLAVE"),
        mr_signer: levels::qe_mr_signer(kind, options),
        config_id: [0; 64],
        isv_prod_id: levels::qe_prod_id(kind),
        isv_svn: levels::QE_ISV_SVN,
        config_svn: 0,
        isv_family_id: [0; 16],
        report_data: [0; 64],
    }
}
