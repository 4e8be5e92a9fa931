//! What a shortfall says: which level is aimed at, and what is short of it.

use avouch_wire::{Hex, UnixTime};

use super::*;

fn date() -> UnixTime {
    "2024-03-13T00:00:00Z".parse().unwrap()
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A level that asks for SVNs of the first three SGX components and of the PCE.
fn level(sgx: [u8; 3], pce_svn: u16, status: TcbStatus, advisories: &[&str]) -> PlatformLevel {
    PlatformLevel {
        sgx_components: padded(sgx),
        pce_svn,
        tdx_components: None,
        sgx_component_names: strings(&["BIOS", "", "microcode"]),
        tdx_component_names: Vec::new(),
        tcb_date: date(),
        status,
        advisory_ids: strings(advisories),
    }
}

fn padded([a, b, c]: [u8; 3]) -> [u8; 16] {
    [a, b, c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

fn pck(sgx: [u8; 3], pce_svn: u16) -> PckTcb {
    PckTcb { components: padded(sgx), pce_svn, cpu_svn: Hex([0; 16]) }
}

fn said(list: &[MissingSvn]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn components_are_counted_from_one_and_named_where_intel_does() {
    let level = level([9, 9, 9], 13, TcbStatus::UpToDate, &[]);
    let of = |sgx, pce| said(&missing(&level, &pck(sgx, pce), None));
    assert_eq!(of([9, 9, 9], 13), strings(&[]), "nothing is short of it");
    assert_eq!(of([10, 255, 9], 14), strings(&[]), "more is no shortfall");
    assert_eq!(
        of([8, 1, 0], 11),
        strings(&[
            "SGX component 1 (BIOS) is 8, needs 9 (short by 1)",
            "SGX component 2 is 1, needs 9 (short by 8)",
            "SGX component 3 (microcode) is 0, needs 9 (short by 9)",
            "PCESVN is 11, needs 13 (short by 2)",
        ])
    );
}

#[test]
fn tdx_components_count_from_the_third_if_the_module_has_levels_of_its_own() {
    let mut level = level([0; 3], 0, TcbStatus::UpToDate, &[]);
    level.tdx_components = Some(padded([4, 5, 6]));
    level.tdx_component_names = strings(&["module", "", "loader"]);
    let of =
        |svn: [u8; 3]| said(&missing(&level, &pck([0; 3], 0), Some(&TeeTcbSvn(Hex(padded(svn))))));
    let loader = "TDX component 3 (loader) is 2, needs 6 (short by 4)";
    assert_eq!(of([1, 1, 2]), strings(&[loader]));
    assert_eq!(
        of([1, 0, 2]),
        strings(&[
            "TDX component 1 (module) is 1, needs 4 (short by 3)",
            "TDX component 2 is 0, needs 5 (short by 5)",
            loader,
        ])
    );
    assert_eq!(said(&missing(&level, &pck([0; 3], 0), None)), strings(&[]), "no TD, no TDX");
}

#[test]
fn a_platform_is_told_of_the_nearest_of_the_best_levels_above_its_own() {
    let levels = [
        level([9, 0, 0], 1, TcbStatus::UpToDate, &[]),
        level([8, 0, 0], 1, TcbStatus::UpToDate, &["SA-3"]),
        level([7, 0, 0], 1, TcbStatus::SWHardeningNeeded, &["SA-2"]),
        level([6, 0, 0], 1, TcbStatus::OutOfDate, &["SA-1", "SA-3"]),
        level([5, 0, 0], 1, TcbStatus::UpToDate, &["below"]),
    ];
    let of = |index: usize, has: u8| {
        let moment = TcbMoment::Current;
        let matched = levels.get(index)?;
        of_platform(moment, &levels, matched, &pck([has, 0, 0], 1), None)
    };
    let told = of(3, 6);
    assert_eq!(
        told.as_ref().map(ToString::to_string).unwrap_or_default(),
        "platform (current) is OutOfDate; for UpToDate: SGX component 1 (BIOS) is 6, needs 8 \
         (short by 2); clears SA-1"
    );
    assert_eq!(told.and_then(|told| told.better_status), Some(TcbStatus::UpToDate));
    let told = of(2, 7).map(|told| told.to_string());
    let expected = "platform (current) is SWHardeningNeeded; for UpToDate: SGX component 1 (BIOS) \
                    is 7, needs 8 (short by 1); clears SA-2";
    assert_eq!(told.as_deref(), Some(expected));
    for good in [0, 1, 4] {
        assert_eq!(of(good, 9), None, "{good} is up to date");
    }
}

#[test]
fn a_platform_that_no_level_is_better_for_is_told_so() {
    let same = [
        level([9, 0, 0], 1, TcbStatus::OutOfDate, &["SA-1"]),
        level([8, 0, 0], 1, TcbStatus::OutOfDate, &["SA-1", "SA-2"]),
        level([7, 0, 0], 1, TcbStatus::UpToDate, &[]),
    ];
    for matched in same.iter().take(2) {
        let told = of_platform(TcbMoment::Launch, &same, matched, &pck([8, 0, 0], 1), None);
        assert_eq!(
            told,
            Some(Shortfall {
                part: TcbPart::Platform,
                moment: TcbMoment::Launch,
                status: TcbStatus::OutOfDate,
                better_status: None,
                missing: Vec::new(),
                cleared_advisory_ids: Vec::new(),
            })
        );
        assert_eq!(
            told.map(|told| told.to_string()).unwrap_or_default(),
            "platform (launch) is OutOfDate; no level of this TCB info is better"
        );
    }
}

#[test]
fn what_clears_no_advisory_does_not_speak_of_any() {
    let levels = [
        level([9, 0, 0], 1, TcbStatus::UpToDate, &["SA-1"]),
        level([8, 0, 0], 1, TcbStatus::OutOfDate, &["SA-1"]),
    ];
    let told = levels.last().and_then(|matched| {
        of_platform(TcbMoment::Launch, &levels, matched, &pck([8, 0, 0], 1), None)
    });
    assert_eq!(
        told.map(|told| told.to_string()).unwrap_or_default(),
        "platform (launch) is OutOfDate; for UpToDate: SGX component 1 (BIOS) is 8, needs 9 (short \
         by 1)"
    );
}

#[test]
fn below_all_levels_the_lowest_is_the_nearest() {
    let levels = [
        level([9, 0, 0], 1, TcbStatus::UpToDate, &[]),
        level([8, 0, 0], 1, TcbStatus::OutOfDate, &[]),
    ];
    let told = below_all(&levels, &pck([7, 0, 0], 0), None);
    let expected = "SGX component 1 (BIOS) is 7, needs 8 (short by 1), PCESVN is 0, needs 1 (short \
                    by 1)";
    assert_eq!(told, expected);
}

#[test]
fn a_component_is_told_of_the_lowest_good_level_above_its_own() {
    let level = |isv_svn, status, advisories: &[&str]| ComponentLevel {
        isv_svn,
        tcb_date: date(),
        status,
        advisory_ids: strings(advisories),
    };
    let levels = [
        level(9, ComponentStatus::UpToDate, &[]),
        level(7, ComponentStatus::UpToDate, &["SA-2"]),
        level(6, ComponentStatus::OutOfDate, &["SA-3"]),
        level(5, ComponentStatus::OutOfDate, &["SA-1", "SA-2"]),
        level(4, ComponentStatus::UpToDate, &[]),
    ];
    let of = |part, index: usize, svn| {
        let moment = TcbMoment::Launch;
        let told = levels.get(index).and_then(|l| of_component(part, moment, &levels, l, svn));
        told.map(|told| told.to_string()).unwrap_or_default()
    };
    assert_eq!(
        of(TcbPart::QuotingEnclave, 3, 5),
        "quoting enclave (launch) is OutOfDate; for UpToDate: quoting enclave ISVSVN is 5, needs 7 \
         (short by 2); clears SA-1"
    );
    assert_eq!(
        of(TcbPart::TdxModule, 2, 6),
        "TDX module (launch) is OutOfDate; for UpToDate: TDX module SVN is 6, needs 7 (short by \
         1); clears SA-3"
    );
    for good in [0, 1, 4] {
        assert_eq!(of(TcbPart::TdxModule, good, 9), "", "{good} is up to date");
    }
    let old = [level(5, ComponentStatus::OutOfDate, &["SA-1"])];
    let told = old
        .first()
        .and_then(|matched| of_component(TcbPart::TdxModule, TcbMoment::Launch, &old, matched, 5));
    assert_eq!(
        told.map(|told| told.to_string()).unwrap_or_default(),
        "TDX module (launch) is OutOfDate; no level of this TCB info is better"
    );
}
