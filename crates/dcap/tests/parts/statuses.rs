//! Convergence, relaunch and acceptance lists, as tables.

use avouch_dcap::ComponentStatus::{self, OutOfDate as Old, Revoked as Gone, UpToDate as Good};
use avouch_dcap::TcbStatus::{
    ConfigurationAndSWHardeningNeeded, ConfigurationNeeded, OutOfDate,
    OutOfDateConfigurationNeeded, Revoked, SWHardeningNeeded, TDRelaunchAdvised,
    TDRelaunchAdvisedConfigurationNeeded, UpToDate,
};
use avouch_dcap::{AcceptedTcbStatuses, AcceptedTcbStatusesError, TcbStatus, converge, relaunch};

const PLATFORM: [TcbStatus; 7] = [
    UpToDate,
    SWHardeningNeeded,
    ConfigurationNeeded,
    ConfigurationAndSWHardeningNeeded,
    OutOfDate,
    OutOfDateConfigurationNeeded,
    Revoked,
];

#[test]
fn an_out_of_date_component_drags_the_platform_down() {
    let expected = [
        OutOfDate,
        OutOfDate,
        OutOfDateConfigurationNeeded,
        OutOfDateConfigurationNeeded,
        OutOfDate,
        OutOfDateConfigurationNeeded,
        Revoked,
    ];
    for (platform, expected) in PLATFORM.into_iter().zip(expected) {
        assert_eq!(converge(platform, Old), expected);
        assert_eq!(converge(platform, Good), platform);
        assert_eq!(converge(platform, Gone), Revoked);
    }
}

#[test]
fn the_order_of_components_does_not_matter() {
    let components: [ComponentStatus; 3] = [Good, Old, Gone];
    for platform in PLATFORM {
        for module in components {
            for qe in components {
                let one = converge(converge(platform, module), qe);
                let other = converge(converge(platform, qe), module);
                assert_eq!(one, other, "{platform} {module:?} {qe:?}");
            }
        }
    }
}

#[test]
fn an_old_launch_under_a_module_that_is_good_now_is_a_relaunch() {
    for (launch, current, expected) in [
        (OutOfDate, UpToDate, TDRelaunchAdvised),
        (OutOfDate, SWHardeningNeeded, TDRelaunchAdvised),
        (OutOfDate, ConfigurationNeeded, TDRelaunchAdvisedConfigurationNeeded),
        (OutOfDate, ConfigurationAndSWHardeningNeeded, TDRelaunchAdvisedConfigurationNeeded),
        (OutOfDateConfigurationNeeded, UpToDate, TDRelaunchAdvisedConfigurationNeeded),
        (OutOfDateConfigurationNeeded, SWHardeningNeeded, TDRelaunchAdvisedConfigurationNeeded),
        (OutOfDate, OutOfDate, OutOfDate),
        (OutOfDateConfigurationNeeded, OutOfDate, OutOfDateConfigurationNeeded),
        (UpToDate, UpToDate, UpToDate),
        (SWHardeningNeeded, UpToDate, SWHardeningNeeded),
        (ConfigurationNeeded, UpToDate, ConfigurationNeeded),
        // Worse now than at launch: the worse one.
        (UpToDate, OutOfDate, OutOfDate),
        (UpToDate, SWHardeningNeeded, SWHardeningNeeded),
        (OutOfDate, OutOfDateConfigurationNeeded, OutOfDateConfigurationNeeded),
        (UpToDate, Revoked, Revoked),
        (OutOfDate, Revoked, Revoked),
    ] {
        assert_eq!(relaunch(launch, current), expected, "{launch} {current}");
    }
}

#[test]
fn spelling_is_intels_both_ways() {
    for status in TcbStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(status));
        assert_eq!(serde_json::to_value(status).expect("json"), status.as_str());
    }
    let error = "uptodate".parse::<TcbStatus>().expect_err("case matters");
    assert!(error.to_string().contains("UpToDate"), "{error}");
}

#[test]
fn accepted_statuses_are_read_from_a_list_or_any() {
    let default = AcceptedTcbStatuses::default();
    assert_eq!("UpToDate,SWHardeningNeeded".parse(), Ok(default.clone()));
    assert_eq!(" UpToDate , SWHardeningNeeded ,UpToDate,".parse(), Ok(default.clone()));
    assert_eq!(default.to_string().replace(' ', "").parse(), Ok(default.clone()));
    for status in TcbStatus::ALL {
        let expected = [UpToDate, SWHardeningNeeded].contains(&status);
        assert_eq!(default.contains(status), expected, "{status}");
        let any: AcceptedTcbStatuses = "any".parse().expect("any");
        assert_eq!(any.contains(status), status != Revoked, "{status}");
        let is_named = any.to_string().split(", ").any(|name| name == status.as_str());
        assert_eq!(is_named, status != Revoked, "{any}");
    }
}

#[test]
fn lists_that_cannot_be_meant_are_refused() {
    let parse = |text: &str| text.parse::<AcceptedTcbStatuses>();
    assert_eq!(parse("UpToDate,Revoked"), Err(AcceptedTcbStatusesError::Revoked));
    for empty in ["", " ", ","] {
        assert_eq!(parse(empty), Err(AcceptedTcbStatusesError::Empty));
    }
    for unknown in ["Any", "UpToDate,any", "UpToDate;OutOfDate", "outofdate"] {
        assert!(matches!(parse(unknown), Err(AcceptedTcbStatusesError::Unknown(_))), "{unknown}");
    }
}

#[test]
fn what_a_status_calls_for_is_in_its_name() {
    for (status, name) in [
        (UpToDate, "UpToDate"),
        (SWHardeningNeeded, "SWHardeningNeeded"),
        (ConfigurationNeeded, "ConfigurationNeeded"),
        (ConfigurationAndSWHardeningNeeded, "ConfigurationAndSWHardeningNeeded"),
        (TDRelaunchAdvised, "TDRelaunchAdvised"),
        (TDRelaunchAdvisedConfigurationNeeded, "TDRelaunchAdvisedConfigurationNeeded"),
        (OutOfDate, "OutOfDate"),
        (OutOfDateConfigurationNeeded, "OutOfDateConfigurationNeeded"),
        (Revoked, "Revoked"),
    ] {
        assert_eq!(status.as_str(), name);
    }
    for status in TcbStatus::ALL {
        let name = status.as_str();
        assert_eq!(status.needs_configuration(), name.contains("Configuration"), "{name}");
        assert_eq!(status.is_out_of_date(), name.starts_with("OutOfDate"), "{name}");
        assert_eq!(status.to_string(), name);
    }
    for (component, status) in [(Good, UpToDate), (Old, OutOfDate), (Gone, Revoked)] {
        assert_eq!(TcbStatus::from(component), status);
    }
}
