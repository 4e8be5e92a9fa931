#![cfg(test)]

use std::sync::{Arc, Mutex};

use avouch_endorsements::{EndorsementName, Published};
use avouch_wire::UnixTime;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::{Collateral, CollateralServer, NotFetched};
use crate::config::CollateralServerConfig;

/// Has nothing, and notes what it is asked for.
#[derive(Default)]
struct Nothing {
    fetched: Mutex<Vec<EndorsementName>>,
}

impl Collateral for Nothing {
    fn at_hand(&self, _: &EndorsementName, _: UnixTime) -> Option<Arc<Published>> {
        None
    }

    fn fetch(&self, name: EndorsementName) -> BoxFuture<'_, Result<(), NotFetched>> {
        self.fetched.lock().unwrap().push(name);
        ready(Err(NotFetched::Absent)).boxed()
    }
}

fn retry_after(fault: crate::Fault) -> Option<u32> {
    let response = crate::ApiError::from(fault).into_response();
    let value = response.headers().get("retry-after")?;
    Some(value.to_str().unwrap().parse().unwrap())
}

#[test]
fn in_a_minute_so_many_different_things_are_fetched_and_in_the_next_one_others() {
    let source = Arc::new(Nothing::default());
    let config = CollateralServerConfig {
        fetch: vec!["intel/".parse().unwrap()],
        fetches_per_minute_max: 3,
        ..CollateralServerConfig::default()
    };
    let server = CollateralServer::new(Arc::clone(&source) as _, &config);
    let noon = UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap();
    let ask = |number: u32, second: i64| {
        let name = format!("intel/sgx/qe-identity/{number}").parse().unwrap();
        let at = noon.saturating_add_seconds(second);
        let fault = server.fetch(name, at).now_or_never().unwrap().unwrap_err();
        (fault.status().as_u16(), retry_after(fault))
    };
    for number in 0..3 {
        assert_eq!(ask(number, 0), (404, None));
    }
    for number in 3..1000 {
        assert_eq!(ask(number, 40), (503, Some(20)));
    }
    // Who asks for one of them again waits with the others.
    assert_eq!(ask(0, 59), (404, None));
    assert_eq!(source.fetched.lock().unwrap().len(), 4);
    assert_eq!(ask(999, 60), (404, None));
    assert_eq!(source.fetched.lock().unwrap().len(), 5);
}
