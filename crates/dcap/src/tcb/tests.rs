//! Which level is reached, and what the verdict of several parts says.

use avouch_pki::Window;
use avouch_wire::{Cursor, FailedCheck as _, Hex};

use super::*;
use crate::collateral::{ComponentLevel, EnclaveId};
use crate::header::TeeType;
use crate::report_body::ENCLAVE_REPORT_BYTES;
use crate::td_report::TdReportKind;

fn day(day: u8) -> UnixTime {
    format!("2024-03-{day:02}T00:00:00Z").parse().unwrap()
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn component(svn: u16, date: u8, status: ComponentStatus, advisory: &str) -> ComponentLevel {
    ComponentLevel {
        isv_svn: svn,
        tcb_date: day(date),
        status,
        advisory_ids: strings(&[advisory, "SA-everywhere"]),
    }
}

fn platform(sgx: u8, tdx: [u8; 3], date: u8, status: TcbStatus, advisory: &str) -> PlatformLevel {
    let [a, b, c] = tdx;
    let mut tdx_components = [0; 16];
    tdx_components[..3].copy_from_slice(&[a, b, c]);
    PlatformLevel {
        sgx_components: [sgx; 16],
        pce_svn: 13,
        tdx_components: Some(tdx_components),
        sgx_component_names: Vec::new(),
        tdx_component_names: Vec::new(),
        tcb_date: day(date),
        status,
        advisory_ids: strings(&[advisory, "SA-everywhere"]),
    }
}

fn window() -> Window {
    Window { not_before: day(1), not_after: day(31) }
}

/// Platforms by the third TDX component, a module of major version 1.
fn info() -> TcbInfo {
    let none = || TdxModule {
        mr_signer: Hex([0; 48]),
        attributes: Hex([0; 8]),
        attributes_mask: Hex([0xff; 8]),
    };
    TcbInfo {
        version: 3,
        tee: TeeType::Tdx,
        window: window(),
        fmspc: Hex([0; 6]),
        pce_id: Hex([0; 2]),
        evaluation_data_number: 17,
        levels: vec![
            platform(5, [3, 0, 9], 20, TcbStatus::UpToDate, "SA-new"),
            platform(5, [3, 0, 7], 12, TcbStatus::OutOfDate, "SA-old"),
            platform(5, [3, 0, 5], 10, TcbStatus::Revoked, "SA-gone"),
        ],
        tdx_module: Some(none()),
        tdx_module_identities: vec![TdxModuleIdentity {
            major_version: 1,
            module: none(),
            levels: vec![
                component(9, 18, ComponentStatus::UpToDate, "SA-module"),
                component(7, 8, ComponentStatus::OutOfDate, "SA-module-old"),
                component(5, 6, ComponentStatus::OutOfDate, "SA-module-older"),
                component(3, 5, ComponentStatus::Revoked, "SA-module-gone"),
            ],
        }],
    }
}

fn identity() -> EnclaveIdentity {
    EnclaveIdentity {
        id: EnclaveId::TdQe,
        window: window(),
        evaluation_data_number: 16,
        misc_select: Hex([0; 4]),
        misc_select_mask: Hex([0; 4]),
        attributes: Hex([0; 16]),
        attributes_mask: Hex([0; 16]),
        mr_signer: Hex([0; 32]),
        isv_prod_id: 0,
        levels: vec![
            component(8, 25, ComponentStatus::UpToDate, "SA-qe"),
            component(6, 3, ComponentStatus::OutOfDate, "SA-qe-old"),
            component(4, 2, ComponentStatus::Revoked, "SA-qe-gone"),
        ],
    }
}

fn pck() -> PckTcb {
    PckTcb { components: [5; 16], pce_svn: 13, cpu_svn: Hex([0; 16]) }
}

fn qe(isv_svn: u16) -> EnclaveReport {
    let bytes = [0; ENCLAVE_REPORT_BYTES];
    let report = EnclaveReport::parse(&mut Cursor::new("Test", &bytes)).unwrap();
    EnclaveReport { isv_svn, ..report }
}

/// SVN and major version of the module, third TDX component.
fn svn([module, major, third]: [u8; 3]) -> TeeTcbSvn {
    let mut bytes = [0; 16];
    bytes[..3].copy_from_slice(&[module, major, third]);
    TeeTcbSvn(Hex(bytes))
}

fn td(launch: [u8; 3], current: Option<[u8; 3]>) -> TdReport {
    let kind = if current.is_some() { TdReportKind::Td15 } else { TdReportKind::Td10 };
    let bytes = vec![0; kind.bytes()];
    let mut report = TdReport::parse(&mut Cursor::new("Test", &bytes), kind).unwrap();
    report.tee_tcb_svn = svn(launch);
    if let (Some(v15), Some(current)) = (&mut report.v15, current) {
        v15.tee_tcb_svn2 = svn(current);
    }
    report
}

fn judge(
    launch: [u8; 3],
    current: Option<[u8; 3]>,
    qe_svn: u16,
) -> Result<TcbVerdict, VerifyError> {
    judge_td(&info(), &identity(), &pck(), &qe(qe_svn), &td(launch, current)).and_then(listed)
}

/// The verdict if a level fits the platform.
fn listed(verdict: TcbVerdict) -> Result<TcbVerdict, VerifyError> {
    match verdict.below_levels {
        None => Ok(verdict),
        Some(BelowLevels { moment, short }) => {
            Err(VerifyError::TcbLevel { moment, short, exceptions: Vec::new() })
        }
    }
}

/// Part, moment and status of each shortfall.
fn short(verdict: &TcbVerdict) -> Vec<(TcbPart, TcbMoment, TcbStatus)> {
    verdict.shortfalls.iter().map(|one| (one.part, one.moment, one.status)).collect()
}

#[test]
fn a_good_td_shows_each_part_by_itself_and_the_oldest_date_of_all() {
    let verdict = judge([9, 1, 9], None, 8).unwrap();
    let part = |date, advisory| PartVerdict {
        status: TcbStatus::UpToDate,
        tcb_date: day(date),
        advisory_ids: strings(&[advisory, "SA-everywhere"]),
    };
    assert_eq!(
        verdict,
        TcbVerdict {
            status: TcbStatus::UpToDate,
            listed_status: None,
            advisory_ids: strings(&["SA-new", "SA-everywhere", "SA-module", "SA-qe"]),
            tcb_date: day(18),
            platform: Some(part(20, "SA-new")),
            tdx_module: Some(part(18, "SA-module")),
            quoting_enclave: part(25, "SA-qe"),
            current_status: None,
            evaluation_data_numbers: EvaluationDataNumbers { tcb_info: 17, qe_identity: 16 },
            shortfalls: Vec::new(),
            below_levels: None,
        }
    );
}

#[test]
fn what_runs_now_counts_only_if_it_makes_the_verdict_worse() {
    let launch = (TcbPart::TdxModule, TcbMoment::Launch, TcbStatus::OutOfDate);
    let current = (TcbPart::TdxModule, TcbMoment::Current, TcbStatus::OutOfDate);
    let platform = (TcbPart::Platform, TcbMoment::Current, TcbStatus::OutOfDate);
    let qe = (TcbPart::QuotingEnclave, TcbMoment::Launch, TcbStatus::OutOfDate);
    // Old at launch, good now.
    let verdict = judge([7, 1, 9], Some([9, 1, 9]), 8).unwrap();
    assert_eq!(verdict.status, TcbStatus::TDRelaunchAdvised);
    assert_eq!(verdict.current_status, Some(TcbStatus::UpToDate));
    let ids = ["SA-new", "SA-everywhere", "SA-module-old", "SA-qe"];
    assert_eq!(verdict.advisory_ids, strings(&ids));
    assert_eq!((verdict.tcb_date, short(&verdict)), (day(8), vec![launch]));
    // Worse now than at launch, in the platform too, and an old quoting enclave.
    let verdict = judge([9, 1, 9], Some([5, 1, 7]), 8).unwrap();
    assert_eq!(verdict.status, TcbStatus::OutOfDate);
    let ids = ["SA-new", "SA-everywhere", "SA-module", "SA-old", "SA-module-older", "SA-qe"];
    assert_eq!(verdict.advisory_ids, strings(&ids));
    assert_eq!((verdict.tcb_date, short(&verdict)), (day(6), vec![platform, current]));
    assert_eq!(verdict.tdx_module.unwrap().status, TcbStatus::UpToDate, "as launched");
    // As bad now as at launch, for another reason.
    let verdict = judge([7, 1, 9], Some([5, 1, 9]), 6).unwrap();
    let ids = ["SA-new", "SA-everywhere", "SA-module-old", "SA-qe-old"];
    assert_eq!(verdict.advisory_ids, strings(&ids));
    assert_eq!((verdict.tcb_date, short(&verdict)), (day(3), vec![launch, qe]));
}

#[test]
fn a_part_below_its_levels_or_revoked_is_refused_by_its_name() {
    let gone = |moment, part, advisory| VerifyError::TcbRevoked {
        moment,
        part,
        advisory_ids: strings(&[advisory, "SA-everywhere"]),
    };
    let (launch, current) = (TcbMoment::Launch, TcbMoment::Current);
    for (svns, now, qe_svn, expected) in [
        ([9, 1, 9], None, 3, VerifyError::QeTcbLevel { found: 3, lowest: 4 }),
        ([9, 1, 9], None, 4, gone(launch, TcbPart::QuotingEnclave, "SA-qe-gone")),
        ([9, 1, 5], None, 8, gone(launch, TcbPart::Platform, "SA-gone")),
        ([3, 1, 9], None, 8, gone(launch, TcbPart::TdxModule, "SA-module-gone")),
        ([9, 1, 9], Some([3, 1, 9]), 8, gone(current, TcbPart::TdxModule, "SA-module-gone")),
        ([9, 1, 9], Some([9, 1, 5]), 8, gone(current, TcbPart::Platform, "SA-gone")),
        (
            [2, 1, 9],
            None,
            8,
            VerifyError::TdxModuleTcbLevel { moment: launch, found: 2, lowest: 3 },
        ),
        (
            [9, 1, 9],
            Some([2, 1, 9]),
            8,
            VerifyError::TdxModuleTcbLevel { moment: current, found: 2, lowest: 3 },
        ),
        (
            [9, 1, 4],
            None,
            8,
            VerifyError::TcbLevel {
                moment: launch,
                short: "TDX component 3 is 4, needs 5 (short by 1)".to_owned(),
                exceptions: Vec::new(),
            },
        ),
        (
            [9, 2, 9],
            None,
            8,
            VerifyError::TdxModuleIdentity {
                moment: launch,
                found: 2,
                listed: strings(&["TDX_01"]),
            },
        ),
        (
            [9, 1, 9],
            Some([9, 2, 9]),
            8,
            VerifyError::TdxModuleIdentity {
                moment: current,
                found: 2,
                listed: strings(&["TDX_01"]),
            },
        ),
    ] {
        assert_eq!(judge(svns, now, qe_svn), Err(expected));
    }
}

#[test]
fn of_a_platform_without_a_level_all_else_is_judged_and_the_first_tcb_below_is_told() {
    let judge = |launch, current, qe_svn| {
        judge_td(&info(), &identity(), &pck(), &qe(qe_svn), &td(launch, current))
    };
    for (launch, current, qe_svn, moment, of_listed) in [
        ([9, 1, 4], None, 8, TcbMoment::Launch, TcbStatus::UpToDate),
        ([9, 1, 4], Some([9, 1, 9]), 8, TcbMoment::Launch, TcbStatus::UpToDate),
        ([9, 1, 9], Some([9, 1, 4]), 8, TcbMoment::Current, TcbStatus::UpToDate),
        ([7, 1, 4], None, 8, TcbMoment::Launch, TcbStatus::OutOfDate),
        ([7, 1, 4], Some([9, 1, 4]), 8, TcbMoment::Launch, TcbStatus::TDRelaunchAdvised),
        ([9, 1, 4], None, 6, TcbMoment::Launch, TcbStatus::OutOfDate),
    ] {
        let verdict = judge(launch, current, qe_svn).unwrap();
        assert_eq!(verdict.status, TcbStatus::NotSupported);
        assert_eq!(verdict.listed_status, Some(of_listed), "{launch:?} {current:?} {qe_svn}");
        assert_eq!(verdict.below_levels.as_ref().unwrap().moment, moment);
        assert_eq!(verdict.platform.is_some(), moment == TcbMoment::Current);
        assert_eq!(listed(verdict).unwrap_err().check(), "tcb-level");
    }
    for (launch, current, qe_svn, check) in [
        ([3, 1, 4], None, 8, "tcb-revoked"),
        ([9, 1, 4], Some([3, 1, 9]), 8, "tcb-revoked"),
        ([9, 1, 4], Some([9, 1, 5]), 8, "tcb-revoked"),
        ([9, 1, 4], None, 4, "tcb-revoked"),
        ([9, 1, 4], None, 3, "qe-tcb-level"),
        ([2, 1, 4], None, 8, "tdx-module-tcb-level"),
        ([9, 2, 4], None, 8, "tdx-module-identity"),
    ] {
        assert_eq!(judge(launch, current, qe_svn).unwrap_err().check(), check, "{launch:?}");
    }
}

#[test]
fn a_module_of_version_0_is_judged_by_the_platform_alone() {
    let verdict = judge([3, 0, 9], None, 8).unwrap();
    assert_eq!((verdict.status, verdict.tdx_module), (TcbStatus::UpToDate, None));
    assert_eq!(judge([2, 0, 9], None, 8).unwrap_err().check(), "tcb-level", "its SVN counts");
    let mut without = info();
    without.tdx_module = None;
    let error = judge_td(&without, &identity(), &pck(), &qe(8), &td([3, 0, 9], None));
    let (moment, listed) = (TcbMoment::Launch, Vec::new());
    assert_eq!(error, Err(VerifyError::TdxModuleIdentity { moment, found: 0, listed }));
}

#[test]
fn a_level_is_reached_if_every_component_is() {
    let level = platform(5, [3, 1, 9], 20, TcbStatus::UpToDate, "SA");
    let enclaves = PlatformLevel { tdx_components: None, ..level.clone() };
    assert!(!level_fits(&level, &pck(), Some(&svn([3, 0, 9]))), "0 and 1 are compared");
    assert!(level_fits(&level, &pck(), Some(&svn([2, 1, 9]))), "0 and 1 name a module");
    assert!(!level_fits(&level, &pck(), Some(&svn([3, 1, 8]))));
    assert!(level_fits(&enclaves, &pck(), None));
    assert!(!level_fits(&level, &pck(), None), "a level of TDs");
    assert!(!level_fits(&enclaves, &pck(), Some(&svn([3, 1, 9]))), "a level of enclaves");
    assert!(!level_fits(&enclaves, &PckTcb { pce_svn: 12, ..pck() }, None));
    assert!(level_fits(&enclaves, &PckTcb { pce_svn: 14, ..pck() }, None));
    for index in 0..16 {
        let mut components = [5; 16];
        components[index] = 6;
        assert!(level_fits(&enclaves, &PckTcb { components, ..pck() }, None), "{index}");
        components[index] = 4;
        assert!(!level_fits(&enclaves, &PckTcb { components, ..pck() }, None), "{index}");
    }
}

#[test]
fn an_enclave_is_judged_without_any_module() {
    let mut info = info();
    info.levels.iter_mut().for_each(|level| level.tdx_components = None);
    let verdict = judge_enclave(&info, &identity(), &pck(), &qe(6)).unwrap();
    assert_eq!((verdict.status, verdict.tdx_module.is_none()), (TcbStatus::OutOfDate, true));
    assert_eq!(verdict.advisory_ids, strings(&["SA-new", "SA-everywhere", "SA-qe-old"]));
    assert_eq!(verdict.tcb_date, day(3));
}

#[test]
fn a_module_is_the_one_that_is_listed_and_none_has_attributes() {
    let refusal = |change: &dyn Fn(&mut TdxModule, &mut TdReport)| {
        let (mut info, mut td) = (info(), td([9, 1, 9], None));
        let module = info.tdx_module_identities.first_mut().map(|one| &mut one.module);
        change(module.unwrap(), &mut td);
        check_module(&info, &td).err().map(|error| error.check())
    };
    assert_eq!(refusal(&|_, _| {}), None);
    assert_eq!(refusal(&|_, td| td.mr_signer_seam.0[47] = 1), Some("tdx-module-mr-signer"));
    assert_eq!(refusal(&|module, _| module.mr_signer.0[0] = 1), Some("tdx-module-mr-signer"));
    let both = |module: &mut TdxModule, td: &mut TdReport| {
        module.mr_signer.0[0] = 1;
        td.mr_signer_seam.0[0] = 1;
    };
    assert_eq!(refusal(&both), None, "another signer, and listed");
    let refused = Some("tdx-module-attributes");
    assert_eq!(refusal(&|_, td| td.seam_attributes.0[7] = 1), refused);
    assert_eq!(refusal(&|module, _| module.attributes.0[0] = 1), refused);
    let both = |module: &mut TdxModule, td: &mut TdReport| {
        module.attributes.0[0] = 1;
        td.seam_attributes.0[0] = 1;
    };
    assert_eq!(refusal(&both), refused, "listed, and yet not for production");
}
