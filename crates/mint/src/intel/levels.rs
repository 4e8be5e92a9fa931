//! TCB info and QE identity that land the minted platform on a chosen status.

use avouch_wire::{EvidenceKind, UnixTime, encode_hex};

use super::{
    hierarchy::{self, PCE_SVN},
    identity::EnclaveIdentity,
    options::{TEE_TCB_SVN, TcbInfoVersion, TcbStatus},
    tcb_info::{IsvSvn, SvnLevel, Tcb, TcbInfo, TcbLevel, TdxModule, TdxModuleIdentity},
};
use crate::Options;

/// ISVSVN of the minted quoting enclave.
pub(crate) const QE_ISV_SVN: u16 = 8;
/// SVN of the module level that is always out of date.
pub(crate) const OLD_MODULE_SVN: u32 = 5;
/// The advisory that every minted OutOfDate level carries.
const ADVISORY: &str = "INTEL-SA-00615";
/// 48 zero bytes in hex: MRSIGNERSEAM of Intel's modules.
const ZERO_MR_SIGNER_SEAM: [u8; 48] = [0; 48];

/// MRSIGNER of the minted quoting enclave; SGX and TDX have different ones.
pub(crate) fn qe_mr_signer(kind: EvidenceKind, options: &Options) -> [u8; 32] {
    options.seed.bytes(if kind == EvidenceKind::Tdx { "TD QE MRSIGNER" } else { "QE MRSIGNER" })
}

/// ISVPRODID of Intel's quoting enclaves: 1 for SGX, 2 for TDX.
pub(crate) const fn qe_prod_id(kind: EvidenceKind) -> u16 {
    match kind {
        EvidenceKind::Tdx => 2,
        _ => 1,
    }
}

/// TCB info on whose levels the platform lands on the chosen status.
pub(crate) fn tcb_info(kind: EvidenceKind, options: &Options) -> TcbInfo {
    let platform = &options.platform;
    let tdx = kind == EvidenceKind::Tdx;
    let v2 = platform.tcb_info_version == TcbInfoVersion::V2;
    TcbInfo {
        id: if v2 { None } else { Some(if tdx { "TDX" } else { "SGX" }) },
        version: if v2 { 2 } else { 3 },
        issue_date: options.days_from_at(-1),
        next_update: options.days_from_at(29),
        fmspc: encode_hex(&platform.fmspc),
        pce_id: encode_hex(&platform.pce_id),
        tcb_type: 0,
        tcb_evaluation_data_number: platform.evaluation_data_number,
        tdx_module: tdx.then(tdx_module),
        tdx_module_identities: tdx.then(|| module_identities(options)),
        tcb_levels: platform_levels(options, tdx, v2),
    }
}

/// Levels above, at and below the platform. The level above exists where it would help.
fn platform_levels(options: &Options, tdx: bool, flat: bool) -> Vec<TcbLevel> {
    let level = |raise: i32, days: i64, status: TcbStatus, advisory_ids: Vec<String>| TcbLevel {
        tcb: tcb(options, raise, tdx, flat),
        tcb_date: midnight(options.days_from_at(days)),
        tcb_status: status.name().to_owned(),
        advisory_ids: if flat { Vec::new() } else { advisory_ids },
    };
    let status = options.platform.tcb_status;
    let mut levels = Vec::new();
    if status != TcbStatus::UpToDate {
        levels.push(level(1, -30, TcbStatus::UpToDate, Vec::new()));
    }
    levels.push(level(0, -90, status, options.platform.advisory_ids.clone()));
    levels.push(level(-1, -800, TcbStatus::OutOfDate, vec![ADVISORY.to_owned()]));
    levels
}

/// The platform's own SVNs, the first component that of the level, raised or lowered.
fn tcb(options: &Options, raise: i32, tdx: bool, flat: bool) -> Tcb {
    let own = hierarchy::components(options);
    let mut sgx: Vec<u32> = own.into_iter().map(u32::from).collect();
    if let Some(first) = sgx.first_mut() {
        let of_level = options.platform.level_svn.unwrap_or(options.platform.svn);
        *first = u32::from(of_level).saturating_add_signed(raise);
    }
    let tdx = tdx.then(|| {
        // Real levels leave the module's major version at 0 in the second component.
        TEE_TCB_SVN.into_iter().enumerate().map(|(at, svn)| if at == 1 { 0 } else { svn.into() })
    });
    Tcb { flat, sgx, pce_svn: PCE_SVN.into(), tdx: tdx.map(Iterator::collect) }
}

/// `tdxModule` of Intel's production modules.
pub(crate) fn tdx_module() -> TdxModule {
    TdxModule {
        mrsigner: encode_hex(&ZERO_MR_SIGNER_SEAM),
        attributes: "0000000000000000".to_owned(),
        attributes_mask: "FFFFFFFFFFFFFFFF".to_owned(),
    }
}

fn module_identities(options: &Options) -> Vec<TdxModuleIdentity> {
    let TdxModule { mrsigner, attributes, attributes_mask } = tdx_module();
    let identity = |id: &str, tcb_levels| TdxModuleIdentity {
        id: id.to_owned(),
        mrsigner: mrsigner.clone(),
        attributes: attributes.clone(),
        attributes_mask: attributes_mask.clone(),
        tcb_levels,
    };
    let [current, ..] = TEE_TCB_SVN;
    let status = options.td.module_status;
    let old = svn_level(options, OLD_MODULE_SVN, -700, TcbStatus::OutOfDate);
    let mut own = vec![svn_level(options, current.into(), -90, status), old.clone()];
    if status != TcbStatus::UpToDate {
        let better = u32::from(current).saturating_add(1);
        own.insert(0, svn_level(options, better, -30, TcbStatus::UpToDate));
    }
    let other = vec![svn_level(options, 7, -90, TcbStatus::UpToDate), old];
    vec![identity("TDX_03", other), identity("TDX_01", own)]
}

/// A level with one SVN; advisories stand on all but UpToDate ones.
pub(crate) fn svn_level(options: &Options, isvsvn: u32, days: i64, status: TcbStatus) -> SvnLevel {
    SvnLevel {
        tcb: IsvSvn { isvsvn },
        tcb_date: midnight(options.days_from_at(days)),
        tcb_status: status.name().to_owned(),
        advisory_ids: match status {
            TcbStatus::UpToDate => Vec::new(),
            _ => vec![ADVISORY.to_owned()],
        },
    }
}

/// QE identity on whose levels the quoting enclave lands on the chosen status.
pub(crate) fn qe_identity(kind: EvidenceKind, options: &Options) -> EnclaveIdentity {
    let status = options.platform.qe_status;
    let own = u32::from(QE_ISV_SVN);
    let mut tcb_levels = vec![
        svn_level(options, own, -90, status),
        svn_level(options, own.saturating_sub(2), -800, TcbStatus::OutOfDate),
    ];
    if status != TcbStatus::UpToDate {
        let better = svn_level(options, own.saturating_add(1), -30, TcbStatus::UpToDate);
        tcb_levels.insert(0, better);
    }
    EnclaveIdentity {
        id: if kind == EvidenceKind::Tdx { "TD_QE" } else { "QE" },
        version: 2,
        issue_date: options.days_from_at(-1),
        next_update: options.days_from_at(29),
        tcb_evaluation_data_number: options
            .platform
            .qe_evaluation_data_number
            .unwrap_or(options.platform.evaluation_data_number),
        miscselect: "00000000".to_owned(),
        miscselect_mask: "FFFFFFFF".to_owned(),
        attributes: "11000000000000000000000000000000".to_owned(),
        attributes_mask: "FBFFFFFFFFFFFFFF0000000000000000".to_owned(),
        mrsigner: encode_hex(&qe_mr_signer(kind, options)),
        isvprodid: qe_prod_id(kind).into(),
        tcb_levels,
    }
}

/// The start of the day, as Intel writes TCB dates.
fn midnight(moment: UnixTime) -> UnixTime {
    let into_day = moment.seconds().rem_euclid(86_400);
    moment.saturating_add_seconds(into_day.saturating_neg())
}
