//! Each row of the tables in `docs/ear.md`: one that is swapped with its neighbour fails here.

use avouch_dcap::TcbStatus;
use avouch_pki::Root;
use avouch_tpm::Standing;
use avouch_wire::Hex;
use serde_json::json;

use super::tpm::Boot;
use super::{Recognition, Tier, TrustClaim, TrustVector, quote, report, tpm, vbs};

/// `instance-identity`, `configuration`, `executables`, `file-system`, `hardware`, `runtime-opaque`.
fn values(vector: TrustVector) -> [u8; 6] {
    let [instance, configuration, executables, files, hardware, runtime, storage, sourced] =
        vector.claims().map(|(_, TrustClaim(value))| value);
    assert_eq!([storage, sourced], [0, 0]);
    [instance, configuration, executables, files, hardware, runtime]
}

const QUOTE: quote::Facts = quote::Facts {
    status: TcbStatus::UpToDate,
    is_debuggable: false,
    others_hold_it: false,
    secure_boot: None,
    recognition: Recognition::NotAsked,
};

#[test]
fn each_status_of_intels_has_its_row() {
    let rows = [
        (TcbStatus::UpToDate, [2, 3, 0, 0, 2, 2], Tier::Affirming),
        (TcbStatus::SWHardeningNeeded, [2, 0, 0, 0, 32, 2], Tier::Warning),
        (TcbStatus::ConfigurationNeeded, [2, 32, 0, 0, 2, 2], Tier::Warning),
        (TcbStatus::ConfigurationAndSWHardeningNeeded, [2, 32, 0, 0, 32, 2], Tier::Warning),
        (TcbStatus::TDRelaunchAdvised, [2, 0, 0, 0, 32, 2], Tier::Warning),
        (TcbStatus::TDRelaunchAdvisedConfigurationNeeded, [2, 32, 0, 0, 32, 2], Tier::Warning),
        (TcbStatus::OutOfDate, [2, 0, 0, 0, 32, 2], Tier::Warning),
        (TcbStatus::OutOfDateConfigurationNeeded, [2, 32, 0, 0, 32, 2], Tier::Warning),
        (TcbStatus::NotSupported, [2, 0, 0, 0, 96, 2], Tier::Contraindicated),
        (TcbStatus::Revoked, [96, 0, 0, 0, 96, 2], Tier::Contraindicated),
    ];
    for pair in rows.windows(2) {
        assert_ne!(pair[0].1, pair[1].1, "swapped rows would pass");
    }
    for status in TcbStatus::ALL {
        assert!(rows.iter().any(|row| row.0 == status), "{status}");
    }
    let page = include_str!("../../../../docs/ear.md");
    for (status, expected, tier) in rows {
        let vector = quote::Facts { status, ..QUOTE }.vector();
        assert_eq!((values(vector), vector.tier()), (expected, tier), "{status}");
        let [instance, configuration, _, _, hardware, _] = expected;
        let row = format!("| `{status}` | {instance} | {configuration} | {hardware} |");
        assert!(page.contains(&row), "the page lacks {row}");
    }
}

#[test]
fn what_can_be_said_of_a_quote_beside_its_status_has_its_row() {
    let rows = [
        (quote::Facts { is_debuggable: true, ..QUOTE }, [2, 96, 0, 0, 2, 96]),
        (quote::Facts { others_hold_it: true, ..QUOTE }, [2, 36, 0, 0, 2, 2]),
        (quote::Facts { secure_boot: Some(false), ..QUOTE }, [2, 32, 0, 0, 2, 2]),
        (quote::Facts { secure_boot: Some(true), ..QUOTE }, [2, 3, 0, 0, 2, 2]),
        (quote::Facts { recognition: Recognition::Recognized, ..QUOTE }, [2, 3, 3, 0, 2, 2]),
        (quote::Facts { recognition: Recognition::Unrecognized, ..QUOTE }, [2, 3, 33, 0, 2, 2]),
    ];
    for (index, (facts, expected)) in rows.into_iter().enumerate() {
        assert_eq!(values(facts.vector()), expected, "row {index}");
    }
    // The worst counts: a good status hides no debugger, and a debugger is no known code.
    let worst = quote::Facts {
        status: TcbStatus::ConfigurationNeeded,
        is_debuggable: true,
        secure_boot: Some(false),
        recognition: Recognition::Recognized,
        ..QUOTE
    };
    assert_eq!(values(worst.vector()), [2, 96, 0, 0, 2, 96]);
}

const REPORT: report::Facts = report::Facts {
    is_debuggable: false,
    is_migratable: false,
    is_of_host: false,
    has_least_tcb: false,
    recognition: Recognition::NotAsked,
};

#[test]
fn what_can_be_said_of_a_report_has_its_row() {
    let rows = [
        (REPORT, [2, 0, 0, 0, 0, 2]),
        (report::Facts { has_least_tcb: true, ..REPORT }, [2, 0, 0, 0, 2, 2]),
        (report::Facts { is_debuggable: true, ..REPORT }, [2, 96, 0, 0, 0, 96]),
        (report::Facts { is_migratable: true, ..REPORT }, [2, 36, 0, 0, 0, 2]),
        (report::Facts { is_of_host: true, ..REPORT }, [0, 0, 0, 0, 0, 0]),
        (report::Facts { recognition: Recognition::Recognized, ..REPORT }, [2, 0, 3, 0, 0, 2]),
        (report::Facts { recognition: Recognition::Unrecognized, ..REPORT }, [2, 0, 33, 0, 0, 2]),
        (
            report::Facts {
                is_debuggable: true,
                is_migratable: true,
                recognition: Recognition::Recognized,
                ..REPORT
            },
            [2, 96, 0, 0, 0, 96],
        ),
        (
            report::Facts { is_debuggable: true, is_of_host: true, has_least_tcb: true, ..REPORT },
            [0, 96, 0, 0, 0, 96],
        ),
    ];
    for (index, (facts, expected)) in rows.into_iter().enumerate() {
        assert_eq!(values(facts.vector()), expected, "row {index}");
    }
}

#[test]
fn what_can_be_said_of_a_machine_with_a_tpm_has_its_row() {
    use Recognition::{NotAsked, Recognized, Unrecognized};
    let unknown = Boot::default();
    let sound = Boot { is_sound_windows: true, ..unknown };
    let weak = Boot { is_weak: true, ..unknown };
    let debugged = Boot { is_debuggable: true, ..weak };
    let rows = [
        (Standing::Certified, unknown, NotAsked, [2, 0, 0, 0, 0, 0]),
        (Standing::Activated, unknown, NotAsked, [2, 0, 0, 0, 0, 0]),
        (Standing::Reported, unknown, NotAsked, [2, 0, 0, 0, 0, 0]),
        (Standing::SelfAsserted, unknown, NotAsked, [0, 0, 0, 0, 0, 0]),
        (Standing::Certified, sound, NotAsked, [2, 3, 3, 0, 0, 0]),
        (Standing::SelfAsserted, sound, NotAsked, [0, 0, 0, 0, 0, 0]),
        (Standing::Certified, weak, NotAsked, [2, 32, 0, 0, 0, 0]),
        (Standing::SelfAsserted, weak, NotAsked, [0, 32, 0, 0, 0, 0]),
        (Standing::Certified, debugged, NotAsked, [2, 96, 0, 0, 0, 0]),
        (Standing::Certified, unknown, Recognized, [2, 0, 0, 0, 0, 0]),
        (Standing::Certified, unknown, Unrecognized, [2, 0, 33, 32, 0, 0]),
        (Standing::Certified, sound, Unrecognized, [2, 3, 33, 32, 0, 0]),
    ];
    for (index, (standing, boot, files, expected)) in rows.into_iter().enumerate() {
        let vector = tpm::Facts { standing, boot, files }.vector();
        assert_eq!(values(vector), expected, "row {index}");
    }
}

#[test]
fn what_can_be_said_of_an_enclave_of_vbs_has_its_row() {
    use Recognition::{NotAsked, Recognized, Unrecognized};
    let rows = [
        (false, Standing::Certified, NotAsked, [2, 0, 0, 0, 0, 32]),
        (true, Standing::Certified, NotAsked, [2, 96, 0, 0, 0, 96]),
        (false, Standing::SelfAsserted, NotAsked, [0, 0, 0, 0, 0, 32]),
        (false, Standing::Activated, Recognized, [2, 0, 3, 0, 0, 32]),
        (true, Standing::Activated, Recognized, [2, 96, 0, 0, 0, 96]),
        (false, Standing::SelfAsserted, Recognized, [0, 0, 0, 0, 0, 32]),
        (false, Standing::Certified, Unrecognized, [2, 0, 33, 0, 0, 32]),
    ];
    for (index, (is_debuggable, standing, recognition, expected)) in rows.into_iter().enumerate() {
        let vector = vbs::Facts { is_debuggable, standing, recognition }.vector();
        assert_eq!(values(vector), expected, "row {index}");
    }
}

#[test]
fn under_a_root_that_is_not_the_vendors_nothing_speaks_for_an_attester() {
    let root =
        |is_built_in| Root { label: "root".to_owned(), is_built_in, key_sha256: Hex([0; 32]) };
    let good = quote::Facts { recognition: Recognition::Recognized, ..QUOTE }.vector();
    assert_eq!(values(good.under(&root(true))), [2, 3, 3, 0, 2, 2]);
    let foreign = good.under(&root(false));
    assert_eq!((values(foreign), foreign.tier()), ([0; 6], Tier::None));
    let bad = quote::Facts {
        status: TcbStatus::OutOfDate,
        is_debuggable: true,
        recognition: Recognition::Unrecognized,
        ..QUOTE
    };
    assert_eq!(values(bad.vector().under(&root(false))), [0, 96, 33, 0, 32, 96]);
}

#[test]
fn tiers_begin_where_ar4si_says() {
    let rows = [
        (0, Tier::None),
        (1, Tier::None),
        (2, Tier::Affirming),
        (31, Tier::Affirming),
        (32, Tier::Warning),
        (95, Tier::Warning),
        (96, Tier::Contraindicated),
        (127, Tier::Contraindicated),
    ];
    for (value, tier) in rows {
        assert_eq!(TrustClaim(value).tier(), tier, "{value}");
    }
    let names = [Tier::None, Tier::Affirming, Tier::Warning, Tier::Contraindicated].map(Tier::name);
    assert_eq!(names, ["none", "affirming", "warning", "contraindicated"]);
}

#[test]
fn the_vector_has_all_claims_under_their_names() {
    let claims = |values: [u8; 6]| {
        let [instance, configuration, executables, files, hardware, runtime] =
            values.map(TrustClaim);
        TrustVector {
            instance_identity: instance,
            configuration,
            executables,
            file_system: files,
            hardware,
            runtime_opaque: runtime,
        }
    };
    let expected = json!({
        "instance-identity": 2,
        "configuration": 3,
        "executables": 33,
        "file-system": 32,
        "hardware": 4,
        "runtime-opaque": 96,
        "storage-opaque": 0,
        "sourced-data": 0,
    });
    assert_eq!(claims([2, 3, 33, 32, 4, 96]).to_json(), expected);
    assert_eq!(claims([2, 3, 33, 32, 4, 96]).tier(), Tier::Contraindicated);
    assert_eq!(TrustVector::default().tier(), Tier::None);
}
