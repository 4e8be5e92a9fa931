#![cfg(test)]

use serde_json::json;

use super::{METRICS, text};

/// Every number of the report another one.
#[test]
fn each_metric_is_the_number_that_its_name_says() {
    let report = json!({
        "may_attest": true,
        "may_administer": false,
        "stopping": false,
        "signing_keys": [
            {"purpose": "token", "published": 31, "active": 32, "retired": 33},
            {"purpose": "report", "published": 34, "active": 35, "retired": 36},
        ],
        "providers": 1,
        "providers_ready": 2,
        "providers_current_seconds_ago": 3,
        "providers_followed": true,
        "signing_keys_usable": false,
        "log_lines_lost": 4,
        "work_waiting": 5,
        "evidence_kept": 6,
        "evidence_lost": 7,
        "exchanges_refused": 45,
        "exchanges_put_off": 46,
        "tee": {
            "source": "gramine", "kind": "sgx", "keys_with_evidence": 37,
            "keys_without_evidence": 38, "failures": 39, "made_at": "1970-01-01T00:00:40Z",
            "holds_until": "1970-01-01T00:00:41Z",
        },
        "evidence_remembered": 8,
        "evidence_remembered_bytes": 9,
        "endorsements": {
            "bytes": 10,
            "published": 11,
            "damaged_files": 12,
            "intel_collateral": [
                {
                    "tee": "sgx", "fmspc": "00906ed50000", "pce_id": "0000",
                    "evaluation_data_number": 17,
                    "window": {"not_after": "1970-01-01T00:00:13Z"},
                },
                {
                    "tee": "tdx", "fmspc": "50806f000000", "pce_id": "0000",
                    "evaluation_data_number": 18,
                    "window": {"not_after": "1970-01-01T00:00:14Z"},
                },
            ],
        },
        "endorsements_fetched": {
            "at_hand": 15,
            "bytes": 16,
            "under_way": 17,
            "failures": 18,
            "refused_at_start": 19,
            "store_works": false,
            "refreshes": true,
            "refresher_ends": 20,
            "alerts": 21,
            "alerts_expire": ["1970-01-01T00:00:22Z", "1970-01-01T00:00:23Z"],
            "sources": [
                {"asked": 24, "failed": 25, "rests_seconds": 26},
                {"asked": 27, "failed": 28, "rests_seconds": 29},
            ],
        },
    });
    let text = text(report).unwrap();
    let numbers: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let expected = [
        "avouch_may_attest 1",
        "avouch_may_administer 0",
        "avouch_stopping 0",
        "avouch_providers 1",
        "avouch_providers_ready 2",
        "avouch_providers_age_seconds 3",
        "avouch_providers_followed 1",
        "avouch_signing_keys_usable 0",
        "avouch_log_lines_lost_total 4",
        "avouch_work_waiting 5",
        "avouch_evidence_kept_total 6",
        "avouch_evidence_lost_total 7",
        "avouch_exchanges_refused_total 45",
        "avouch_exchanges_put_off_total 46",
        "avouch_tee_keys_with_evidence 37",
        "avouch_tee_keys_without_evidence 38",
        "avouch_tee_failures_total 39",
        "avouch_tee_evidence_made_timestamp_seconds 40",
        "avouch_tee_evidence_end_timestamp_seconds 41",
        "avouch_evidence_remembered 8",
        "avouch_evidence_remembered_bytes 9",
        "avouch_endorsements_bytes 10",
        "avouch_endorsements_published 11",
        "avouch_endorsements_damaged_files 12",
        "avouch_endorsements_fetched 15",
        "avouch_endorsements_fetched_bytes 16",
        "avouch_endorsements_under_way 17",
        "avouch_endorsements_failing 18",
        "avouch_endorsements_refused_at_start 19",
        "avouch_endorsements_store_works 0",
        "avouch_endorsements_refreshed 1",
        "avouch_endorsements_refresher_ends_total 20",
        "avouch_endorsements_alerts 21",
        "avouch_endorsements_first_expiry_timestamp_seconds 22",
        r#"avouch_endorsement_source_asked_total{source="0"} 24"#,
        r#"avouch_endorsement_source_asked_total{source="1"} 27"#,
        r#"avouch_endorsement_source_failed_total{source="0"} 25"#,
        r#"avouch_endorsement_source_failed_total{source="1"} 28"#,
        r#"avouch_endorsement_source_rests_seconds{source="0"} 26"#,
        r#"avouch_endorsement_source_rests_seconds{source="1"} 29"#,
        r#"avouch_signing_keys_published{purpose="token"} 31"#,
        r#"avouch_signing_keys_published{purpose="report"} 34"#,
        r#"avouch_signing_keys_active{purpose="token"} 32"#,
        r#"avouch_signing_keys_active{purpose="report"} 35"#,
        r#"avouch_signing_keys_retired{purpose="token"} 33"#,
        r#"avouch_signing_keys_retired{purpose="report"} 36"#,
        r#"avouch_intel_collateral_expiry_timestamp_seconds{tee="sgx",fmspc="00906ed50000",pce_id="0000",evaluation_data_number="17"} 13"#,
        r#"avouch_intel_collateral_expiry_timestamp_seconds{tee="tdx",fmspc="50806f000000",pce_id="0000",evaluation_data_number="18"} 14"#,
    ];
    assert_eq!(numbers, expected);
    assert_eq!(text.lines().last(), Some("# EOF"));
}

#[test]
fn what_the_report_does_not_have_is_no_metric() {
    let text = text(json!({"work_waiting": 5, "endorsements": {}})).unwrap();
    let numbers: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(numbers, ["avouch_work_waiting 5"]);
}

#[test]
fn the_handbook_has_a_row_for_each_metric() {
    let page = include_str!("../../../../docs/schemas/service.md");
    for metric in METRICS.iter().chain(&super::OF_SOURCES).chain(&super::OF_COLLATERAL) {
        let total = if matches!(metric.kind, super::Kind::Count) { "_total" } else { "" };
        let row = format!("| `avouch_{}{total}`", metric.name);
        let rows = page.lines().filter(|line| line.starts_with(&row));
        assert_eq!(rows.count(), 1, "{row}");
    }
}
