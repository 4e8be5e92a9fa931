//! Every break is refused by exactly the step and check it names.
#![cfg(test)]

mod support;

use std::collections::BTreeSet;

use avouch_dcap::Acceptance;
use avouch_mint::{
    Break, Expected, MintError, OpenEnclaveFormat, Seed, Stage, TcbInfoVersion, breaks, mint,
};
use avouch_wire::EvidenceKind;
use support::{INTEL, judge, options, strict};

/// What is wrong with the breaks of every kind, one line each.
fn surprises() -> Vec<String> {
    let mut surprises = Vec::new();
    for kind in INTEL {
        for Break { name, expected_check, stage, .. } in breaks(kind) {
            let minted = mint(kind, &options().broken(*name)).unwrap();
            let seen = judge(&minted, OpenEnclaveFormat::Report, &strict()).err();
            let expected = Some((*stage, *expected_check));
            if seen != expected {
                surprises.push(format!("{kind} {name}: expected {expected:?}, seen {seen:?}"));
            }
        }
    }
    surprises
}

#[test]
fn each_break_is_refused_by_exactly_its_step_and_check() {
    let surprises = surprises();
    assert!(surprises.is_empty(), "{} wrong:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn the_unbroken_sibling_of_each_kind_is_accepted_by_the_same_judge() {
    for kind in INTEL {
        let minted = mint(kind, &options()).unwrap();
        assert_eq!(minted.expected, Expected::Accepted);
        judge(&minted, OpenEnclaveFormat::Report, &strict()).unwrap();
    }
}

#[test]
fn the_handbook_tells_how_many_breaks_each_kind_has() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/assurance.md");
    let handbook = std::fs::read_to_string(path).unwrap();
    let told = |kind: EvidenceKind| {
        let start = format!("| `{kind}`");
        let row = handbook.lines().find(|line| line.starts_with(&start))?;
        row.rsplit('|').nth(1)?.trim().parse().ok()
    };
    for kind in EvidenceKind::appraised() {
        assert_eq!(told(kind), Some(breaks(kind).len()), "{kind}");
    }
}

#[test]
fn each_kind_has_at_least_thirty_breaks_with_names_of_their_own() {
    for kind in INTEL {
        let breaks = breaks(kind);
        let names: BTreeSet<_> = breaks.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), breaks.len(), "{kind}: a name occurs twice");
        assert!(names.len() >= 30, "{kind}: {}", names.len());
        for Break { name, what, .. } in breaks {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(kebab), "{name}");
            assert!(!what.is_empty() && !what.ends_with('.'), "{name}: {what}");
        }
    }
}

#[test]
fn minted_evidence_says_which_step_and_check_will_refuse_it() {
    for kind in INTEL {
        for Break { name, expected_check, stage, what } in breaks(kind) {
            let minted = mint(kind, &options().broken(*name)).unwrap();
            let expected = Expected::Refused { stage: *stage, check: expected_check };
            assert_eq!(minted.expected, expected);
            assert!(minted.description.contains(what) && minted.readme().contains(expected_check));
        }
    }
}

#[test]
fn breaks_of_acceptance_pass_a_verifier_that_accepts_everything() {
    let lenient = Acceptance {
        tcb_statuses: avouch_dcap::AcceptedTcbStatuses::any(),
        refuse_migratable: false,
        refuse_service_td: false,
        ..Acceptance::default()
    };
    for kind in INTEL {
        for one in breaks(kind).iter().filter(|one| one.stage == Stage::Acceptance) {
            let minted = mint(kind, &options().broken(one.name)).unwrap();
            let seen = judge(&minted, OpenEnclaveFormat::Report, &lenient).err();
            assert_eq!(seen, None, "{kind} {}", one.name);
        }
    }
}

#[test]
fn a_break_is_the_same_under_another_seed_and_at_another_time() {
    for kind in INTEL {
        for Break { name, expected_check, stage, .. } in breaks(kind) {
            let mut options = options().broken(*name);
            options.seed = Seed::from_number(99);
            options.at = options.at.saturating_add_seconds(30 * 365 * 86_400);
            let minted = mint(kind, &options).unwrap();
            let seen = judge(&minted, OpenEnclaveFormat::Report, &strict()).err();
            assert_eq!(seen, Some((*stage, *expected_check)), "{kind} {name}");
        }
    }
}

#[test]
fn an_unknown_break_is_refused_by_name() {
    let error = mint(EvidenceKind::Sgx, &options().broken("no-such-break")).unwrap_err();
    assert!(matches!(error, MintError::UnknownBreak { kind: EvidenceKind::Sgx, .. }), "{error}");
    let error = mint(EvidenceKind::Sgx, &options().broken("body-type-9")).unwrap_err();
    assert!(matches!(error, MintError::UnknownBreak { .. }), "a break of TDX: {error}");
}

#[test]
fn a_break_that_finds_nothing_to_change_is_an_error_and_not_good_evidence() {
    let mut options = options().broken("tcb-info-duplicate-key");
    options.platform.tcb_info_version = TcbInfoVersion::V2;
    let error = mint(EvidenceKind::Sgx, &options).unwrap_err();
    assert!(matches!(error, MintError::NothingToBreak), "{error}");

    let mut options = support::options().broken("auth-data-changed");
    options.platform.qe_auth_data.clear();
    let error = mint(EvidenceKind::Sgx, &options).unwrap_err();
    assert!(matches!(error, MintError::NothingToBreak), "{error}");
}
