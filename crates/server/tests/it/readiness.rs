//! What `/readyz` tells apart, and how long memory is served without a database.

use std::time::Duration;

use avouch_mint::{Options, mint};
use avouch_wire::EvidenceKind;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Running, Setup, now};

const ATTEST: &str = "/attest/SgxEnclave?api-version=2020-10-01";

/// A service whose database is gone, and what it said before.
async fn without_database(served_without_seconds_max: u64) -> Running {
    let mut setup = Setup::new().await;
    setup.config.database.served_without_seconds_max = served_without_seconds_max;
    let store = setup.store.clone();
    let service = setup.serve().await;
    assert_eq!(service.status("/readyz").await, 200);
    assert_eq!(service.status("/readyz?for=administer").await, 200);
    store.close().await;
    service
}

async fn until(service: &Running, member: &str, wanted: bool) -> Value {
    for _ in 0..600 {
        let report = service.get("/readyz").await;
        if report[member] == wanted {
            return report;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("{member} does not become {wanted}: {}", service.get("/readyz").await)
}

#[tokio::test]
async fn without_its_database_a_service_may_attest_and_not_administer() {
    let service = without_database(3600).await;
    let report = until(&service, "may_administer", false).await;
    assert_eq!(report["may_attest"], true, "{report}");
    assert_eq!(report["ready"], false, "{report}");
    assert_eq!(service.status("/readyz").await, 503);
    assert_eq!(service.status("/readyz?for=administer").await, 503);
    assert_eq!(service.status("/readyz?for=attest").await, 200);
    assert_eq!(service.status("/readyz?for=lunch").await, 400);
    // 400 is for the missing evidence: it was judged.
    assert_eq!(service.post(ATTEST, "{}".to_owned()).await.0, 400);
}

#[tokio::test]
async fn memory_is_not_judged_by_for_longer_than_configured() {
    let service = without_database(1).await;
    until(&service, "may_attest", false).await;
    assert_eq!(service.status("/readyz?for=attest").await, 503);
    let (status, body) = service.post(ATTEST, "{}".to_owned()).await;
    assert_eq!(status, 503, "{body}");
    // Tokens that were issued before are still verified by these.
    assert_eq!(service.status("/certs").await, 200);
    assert_eq!(service.status("/healthz").await, 200);
}

#[tokio::test]
async fn metrics_are_the_numbers_of_readiness() {
    let minted = mint(EvidenceKind::Sgx, &Options::new(now())).unwrap();
    let service = Running::start_for(&minted).await;
    let asked = service.request(Method::GET, "/metrics").send().await.unwrap();
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(asked.headers()["content-type"], form);
    let text = asked.text().await.unwrap();
    let report = service.get("/readyz").await;
    for line in
        ["avouch_may_attest 1".to_owned(), format!("avouch_providers {}", report["providers"])]
    {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(
        text.contains("avouch_intel_collateral_expiry_timestamp_seconds{tee=\"sgx\","),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
}
