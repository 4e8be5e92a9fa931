//! Endorsements for a site, over HTTP: what is at hand is served, what is not is fetched within bounds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use avouch_dcap::Collateral as Set;
use avouch_endorsements::{EndorsementName, Published};
use avouch_mint::{Options, mint};
use avouch_pki::pem;
use avouch_server::config::CollateralServerConfig;
use avouch_server::{Clock, Collateral, CollateralServer, NotFetched};
use avouch_wire::{EvidenceKind, UnixTime, encode_hex};
use futures_util::future::BoxFuture;
use reqwest::{Method, Response, StatusCode};

use crate::support::{Running, Setup};

const CHAIN: &str = "-----BEGIN CERTIFICATE-----\nQUJD+/=\n-----END CERTIFICATE-----\n";

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap()
}

/// What is at hand, and what its sources have.
#[derive(Default)]
struct Shelf {
    at_hand: Mutex<HashMap<EndorsementName, Arc<Published>>>,
    sources: Mutex<HashMap<EndorsementName, Arc<Published>>>,
    is_slow: bool,
    fetched: Mutex<Vec<EndorsementName>>,
}

impl Collateral for Shelf {
    fn at_hand(&self, name: &EndorsementName, _: UnixTime) -> Option<Arc<Published>> {
        self.at_hand.lock().unwrap().get(name).cloned()
    }

    fn fetch(&self, name: EndorsementName) -> BoxFuture<'_, Result<(), NotFetched>> {
        Box::pin(async move {
            self.fetched.lock().unwrap().push(name);
            if self.is_slow {
                return Err(NotFetched::Later);
            }
            let found = self.sources.lock().unwrap().get(&name).cloned();
            let found = found.ok_or(NotFetched::Absent)?;
            self.at_hand.lock().unwrap().insert(name, found);
            Ok(())
        })
    }
}

impl Shelf {
    fn asked(&self) -> Vec<String> {
        self.fetched.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

fn thing(name: &str, body: &[u8], chain: &str) -> (EndorsementName, Arc<Published>) {
    let name = name.parse().unwrap();
    let published = Published {
        name,
        body: body.into(),
        issuer_chain: chain.as_bytes().into(),
        source: "test".into(),
        fetched_at: at(),
        etag: None,
    };
    (name, Arc::new(published))
}

/// Everything of one minted SGX platform.
fn intel() -> (Set, HashMap<EndorsementName, Arc<Published>>) {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at())).unwrap();
    let set = Set::parse_json(&minted.endorsements).unwrap();
    let fmspc = set.untrusted_summary().unwrap().fmspc;
    let things = HashMap::from([
        thing(&format!("intel/sgx/tcb-info/{fmspc}/standard"), set.tcb_info().body(), CHAIN),
        thing("intel/sgx/qe-identity/standard", set.qe_identity().body(), CHAIN),
        thing("intel/pck-crl/platform", set.pck_crl_der(), CHAIN),
        thing("intel/root-ca-crl", set.root_ca_crl_der(), ""),
    ]);
    (set, things)
}

fn config(text: &str) -> CollateralServerConfig {
    toml::from_str(text).unwrap()
}

async fn serve(shelf: &Arc<Shelf>, text: &str) -> Running {
    let source: Arc<dyn Collateral> = Arc::clone(shelf) as _;
    let mut setup = Setup::new().await;
    setup.collateral = Some(CollateralServer::new(source, &config(text)));
    setup.clock = Clock::appraising_at(at());
    setup.serve().await
}

async fn ask(service: &Running, path: &str) -> Response {
    service.request(Method::GET, path).send().await.unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

const FMSPC: &str = "fmspc=A0C06D000000";

#[tokio::test]
async fn what_is_at_hand_is_served_with_the_headers_that_clients_of_intel_look_for() {
    let (set, things) = intel();
    let shelf = Arc::new(Shelf { at_hand: Mutex::new(things), ..Shelf::default() });
    let service = serve(&shelf, "").await;
    let sgx = "/sgx/certification/v4";
    for (path, chain, content_type, body) in [
        (
            format!("{sgx}/tcb?{FMSPC}"),
            "tcb-info-issuer-chain",
            "application/json",
            set.tcb_info().body().to_vec(),
        ),
        (
            format!("{sgx}/qe/identity?update=standard"),
            "sgx-enclave-identity-issuer-chain",
            "application/json",
            set.qe_identity().body().to_vec(),
        ),
        (
            "/sgx/certification/v3/qe/identity".to_owned(),
            "sgx-enclave-identity-issuer-chain",
            "application/json",
            set.qe_identity().body().to_vec(),
        ),
        (
            format!("{sgx}/pckcrl?ca=platform&encoding=der"),
            "sgx-pck-crl-issuer-chain",
            "application/pkix-crl",
            set.pck_crl_der().to_vec(),
        ),
        (
            format!("{sgx}/pckcrl?ca=platform&encoding=pem"),
            "sgx-pck-crl-issuer-chain",
            "application/x-pem-file",
            pem::encode("X509 CRL", set.pck_crl_der()).into_bytes(),
        ),
        (
            format!("{sgx}/rootcacrl"),
            "",
            "text/plain; charset=utf-8",
            encode_hex(set.root_ca_crl_der()).into_bytes(),
        ),
        (
            format!(
                "{sgx}/crl?uri=https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
            ),
            "",
            "application/pkix-crl",
            set.root_ca_crl_der().to_vec(),
        ),
    ] {
        let answer = ask(&service, &path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&answer, "content-type"), content_type, "{path}");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=3600", "{path}");
        assert_eq!(header(&answer, "request-id"), header(&answer, "x-ms-request-id"), "{path}");
        assert!(!header(&answer, "request-id").is_empty(), "{path}");
        if !chain.is_empty() {
            let expected = "-----BEGIN%20CERTIFICATE-----%0AQUJD%2B%2F%3D%0A\
                            -----END%20CERTIFICATE-----%0A";
            assert_eq!(header(&answer, chain), expected, "{path}");
        }
        let tag = header(&answer, "etag");
        assert_eq!(*answer.bytes().await.unwrap(), body, "{path}");

        let again = service.request(Method::GET, &path).header("if-none-match", &tag);
        let again = again.send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(header(&again, "etag"), tag, "{path}");
        assert!(again.bytes().await.unwrap().is_empty(), "{path}");
        let other = service.request(Method::GET, &path).header("if-none-match", "\"other\"");
        assert_eq!(other.send().await.unwrap().status(), StatusCode::OK, "{path}");
        let head = service.request(Method::HEAD, &path).send().await.unwrap();
        assert_eq!((head.status(), header(&head, "etag")), (StatusCode::OK, tag), "{path}");
    }
    assert_eq!(shelf.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_service_whose_server_is_not_enabled_has_no_such_routes() {
    let service = Running::start().await;
    for path in ["/sgx/certification/v4/rootcacrl", "/vcek/v1/Milan/crl"] {
        let answer = ask(&service, path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().await.unwrap().contains("There is no route"), "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_400_and_what_there_is_not_404_and_nothing_is_fetched() {
    let shelf = Arc::new(Shelf::default());
    let service = serve(&shelf, "fetch = [\"intel/\", \"amd/\"]").await;
    for (path, status) in [
        ("/sgx/certification/v4/tcb", 400),
        ("/sgx/certification/v4/tcb?fmspc=00&update=standard", 400),
        ("/sgx/certification/v4/qe/identity?update=early&tcbEvaluationDataNumber=17", 400),
        ("/sgx/certification/v4/crl?uri=https://example.com/IntelSGXRootCA.der", 400),
        ("/vcek/v1/Milan/ab?blSPL=1&teeSPL=0&snpSPL=8&ucodeSPL=1", 400),
        ("/sgx/certification/v3/tcb?fmspc=A0C06D000000", 404),
        ("/sgx/certification/v2/rootcacrl", 404),
        ("/sgx/certification/v4/qve/identity", 404),
        ("/tdx/certification/v4/pckcrl?ca=platform", 404),
        ("/vcek/v1/Rome/cert_chain", 404),
        ("/vlek/v1/Milan/cert", 404),
        ("/providers/contoso/sgx/certification/v4/rootcacrl", 404),
    ] {
        let answer = ask(&service, path).await;
        assert_eq!(answer.status(), status, "{path}");
    }
    let put = service.request(Method::PUT, "/sgx/certification/v4/rootcacrl").send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(shelf.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stranger_has_nothing_fetched_that_the_operator_did_not_name() {
    let (_, things) = intel();
    let shelf = Arc::new(Shelf { sources: Mutex::new(things), ..Shelf::default() });
    let service = serve(&shelf, "fetch = [\"intel/sgx/tcb-info/a0c06d000000/\"]").await;
    let tcb = |fmspc: &str, rest: &str| format!("/sgx/certification/v4/tcb?fmspc={fmspc}{rest}");

    // Of another platform, of another TEE, and a chip: as often as one likes.
    for number in 0..8 {
        let answer = ask(&service, &tcb(&format!("A0C06D00000{}", number + 1), "")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(answer.text().await.unwrap().contains("endorsements.server.fetch"));
        let path = format!("/tdx/certification/v4/tcb?{FMSPC}&tcbEvaluationDataNumber={number}");
        assert_eq!(ask(&service, &path).await.status(), StatusCode::NOT_FOUND);
        let chip = format!("{number}{}", "a".repeat(127));
        let path = format!("/vcek/v1/Milan/{chip}?blSPL=1&teeSPL=0&snpSPL=8&ucodeSPL=1");
        assert_eq!(ask(&service, &path).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(shelf.asked(), Vec::<String>::new());

    // What is named is fetched once, and what no source has is 404.
    let fmspc = "A0C06D000000";
    for _ in 0..3 {
        assert_eq!(ask(&service, &tcb(fmspc, "")).await.status(), StatusCode::OK);
    }
    assert_eq!(shelf.asked(), ["intel/sgx/tcb-info/a0c06d000000/standard"]);
    let early = ask(&service, &tcb(fmspc, "&update=early")).await;
    assert_eq!(early.status(), StatusCode::NOT_FOUND);
    assert_eq!(ask(&service, "/sgx/certification/v4/rootcacrl").await.status(), StatusCode::OK);
    assert_eq!(shelf.asked().len(), 3);
}

#[tokio::test]
async fn what_is_on_its_way_is_503_and_says_when_to_ask_again() {
    let shelf = Arc::new(Shelf { is_slow: true, ..Shelf::default() });
    let service = serve(&shelf, "").await;
    let answer = ask(&service, "/vcek/v1/milan/cert_chain").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&answer, "retry-after"), "5");
    assert_eq!(shelf.asked(), ["amd/milan/vcek-chain"]);

    let none = serve(&shelf, "fetches_per_minute_max = 0").await;
    assert_eq!(ask(&none, "/vcek/v1/milan/cert_chain").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(shelf.asked().len(), 1);
}

#[tokio::test]
async fn what_has_expired_is_not_served_but_fetched_again() {
    let (_, old) = intel();
    let shelf = Arc::new(Shelf { at_hand: Mutex::new(old), is_slow: true, ..Shelf::default() });
    let source: Arc<dyn Collateral> = Arc::clone(&shelf) as _;
    let mut setup = Setup::new().await;
    setup.collateral = Some(CollateralServer::new(source, &config("")));
    setup.clock = Clock::appraising_at(UnixTime::from_rfc3339("2030-01-01T00:00:00Z").unwrap());
    let service = setup.serve().await;
    let answer = ask(&service, "/sgx/certification/v4/rootcacrl").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shelf.asked(), ["intel/root-ca-crl"]);
}
