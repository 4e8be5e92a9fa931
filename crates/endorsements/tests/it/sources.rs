//! Sources against services on loopback: what they ask, how they read answers, what they refuse.

use std::time::Duration;

use avouch_dcap::TeeType;
use avouch_endorsements::{
    Answer, EndorsementName, HttpSource, PckCa, Published, Source as _, SourceConfig,
    SourceConfigError, SourceError, SourceFailure, SourceKind, TcbEvaluation, prove,
};
use avouch_mint::Options;
use avouch_mint::snp::SnpProduct;
use avouch_snp::{Product, VekKind};
use avouch_wire::{Hex, UnixTime};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::fake::{Fake, Manner, Reply, Seen, intel_answer, intel_service, kds};
use crate::minted::{amd, anchors, at, intel, published, sgx};
use crate::proof::recorded;

fn config(kind: SourceKind, url: &str) -> SourceConfig {
    SourceConfig::new("fake", kind, url)
}

fn source(kind: SourceKind, url: &str) -> HttpSource {
    HttpSource::new(&config(kind, url)).unwrap()
}

async fn found(source: &HttpSource, name: EndorsementName) -> Published {
    match source.fetch(name, None, at()).await {
        Ok(Answer::Found(published, _)) => published,
        other => panic!("{name}: {other:?}"),
    }
}

async fn failure(source: &HttpSource, name: EndorsementName) -> SourceError {
    source.fetch(name, None, at()).await.expect_err("a failure")
}

/// What a source makes of one reply to a question for the TCB info of a platform.
async fn made_of(reply: Reply) -> Result<Answer, SourceFailure> {
    let fake = Fake::start(move |_| reply.clone()).await;
    let source = source(SourceKind::Pcs, &fake.url);
    source.fetch(sgx()[0].name, None, at()).await.map_err(|error| error.failure)
}

fn good() -> Reply {
    intel_answer(&sgx()[0], Manner::Pcs)
}

#[tokio::test]
async fn everything_of_intels_is_had_from_its_service_from_a_sites_and_from_azures_cache() {
    let number = Options::new(at()).platform.evaluation_data_number;
    let mut things = sgx();
    let tdx = intel(TeeType::Tdx, &Options::new(at()), TcbEvaluation::Standard);
    things.extend(tdx.into_iter().take(2));
    let numbered = intel(TeeType::Sgx, &Options::new(at()), TcbEvaluation::Number(number));
    things.extend(numbered.into_iter().take(2));
    let early = intel(TeeType::Tdx, &Options::new(at()), TcbEvaluation::Early);
    let anchors = anchors();
    for (kind, manner) in [
        (SourceKind::Pcs, Manner::Pcs),
        (SourceKind::Pccs, Manner::Pccs),
        (SourceKind::Thim, Manner::Thim),
    ] {
        let mut things = things.clone();
        if manner != Manner::Thim {
            things.extend(early.iter().take(2).cloned());
        }
        let root_crl = things[3].body.clone();
        let crl_server = Fake::start(move |_| Reply::ok(&root_crl)).await;
        let fake = Fake::start(intel_service(things.clone(), manner)).await;
        let mut config = config(kind, &fake.url);
        if kind == SourceKind::Pcs {
            config.root_ca_crl_url = Some(format!("{}/root.der", crl_server.url));
        }
        let source = HttpSource::new(&config).unwrap();
        for thing in &things {
            assert!(source.serves(&thing.name), "{kind:?} {}", thing.name);
            let got = found(&source, thing.name).await;
            assert_eq!(got.body, thing.body, "{kind:?} {}", thing.name);
            assert_eq!((&*got.source, got.fetched_at), ("fake", at()));
            prove(&got, &[], &anchors, at()).unwrap();
        }
        assert_eq!(crl_server.count() > 0, kind == SourceKind::Pcs);
    }
}

#[tokio::test]
async fn responses_of_intels_service_are_had_and_proven_at_their_time_under_intels_root() {
    let Some(folder) = recorded() else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let chain = read("tcb_signing_chain.pem");
    let (tee, evaluation) = (TeeType::Sgx, TcbEvaluation::Standard);
    let fmspc = Hex([0, 0x60, 0x6a, 0, 0, 0]);
    let info = read("sgx-tcbinfo-00606a000000-2025-08-15.json");
    let identity = read("sgx-qe-identity-2025-08-15.json");
    let things = vec![
        published(EndorsementName::TcbInfo { tee, fmspc, evaluation }, &info, &chain),
        published(EndorsementName::QeIdentity { tee, evaluation }, &identity, &chain),
    ];
    let intel = avouch_engine::Anchors {
        intel: avouch_dcap::TrustAnchors::intel(),
        amd: avouch_snp::TrustAnchors::none(),
        tpm: avouch_tpm::TrustAnchors::none(),
        ..avouch_engine::Anchors::built_in()
    };
    let moment = UnixTime::from_rfc3339("2025-08-30T05:00:00Z").unwrap();
    for (kind, manner) in [(SourceKind::Pcs, Manner::Pcs), (SourceKind::Thim, Manner::Thim)] {
        let fake = Fake::start(intel_service(things.clone(), manner)).await;
        for thing in &things {
            let got = found(&source(kind, &fake.url), thing.name).await;
            let proven = prove(&got, &[], &intel, moment).unwrap();
            assert_eq!(proven.evaluation_data_number(), Some(17));
            assert!(prove(&got, &[], &intel, at()).is_err(), "expired by now");
        }
    }
}

#[tokio::test]
async fn everything_of_amds_is_had_from_its_service_and_a_vcek_in_pem_too() {
    let anchors = anchors();
    for product in SnpProduct::ALL {
        let mut things = amd(product);
        let fake = Fake::start(kds(things.clone())).await;
        let source = source(SourceKind::Kds, &fake.url);
        for thing in &things {
            let got = found(&source, thing.name).await;
            assert_eq!(got.body, thing.body, "{}", thing.name);
            prove(&got, &[&things[0]], &anchors, at()).unwrap();
        }
        let pem = avouch_pki::pem::encode("CERTIFICATE", &things[2].body);
        let der = std::mem::replace(&mut things[2].body, pem.as_bytes().into());
        let mirror = Fake::start(kds(things.clone())).await;
        let got = found(&self::source(SourceKind::Kds, &mirror.url), things[2].name).await;
        assert_eq!(got.body, der);
    }
}

#[tokio::test]
async fn a_vcek_is_had_from_azures_cache_with_the_chain_above_it() {
    let anchors = anchors();
    for product in SnpProduct::ALL {
        let things = amd(product);
        let EndorsementName::Vcek(_, id) = things[2].name else { panic!() };
        let mut tcb = id.tcb.0;
        tcb.reverse();
        let path = format!("/SevSnpVM/certificates/{}/{}", id.chip_id, Hex(tcb));
        let pem = avouch_pki::pem::encode("CERTIFICATE", &things[2].body);
        let chain = String::from_utf8(things[0].body.to_vec()).unwrap();
        let answer = |body: String| {
            let path = path.clone();
            move |seen: &Seen| {
                assert_eq!(seen.query["api-version"], "2020-10-15-preview", "{seen:?}");
                if seen.path == path { Reply::ok(body.as_bytes()) } else { Reply::status(404) }
            }
        };
        for body in [format!("{pem}{chain}"), format!("{chain}{pem}"), pem.clone()] {
            let fake = Fake::start(answer(body)).await;
            let source = source(SourceKind::Thim, &fake.url);
            let got = found(&source, things[2].name).await;
            assert_eq!(got.body, things[2].body);
            prove(&got, &[&things[0]], &anchors, at()).unwrap();
        }
        // No VCEK, two of them, and one that is cut.
        for body in [chain.clone(), format!("{pem}{chain}{pem}"), pem.replace("-----END", "")] {
            let fake = Fake::start(answer(body)).await;
            let source = source(SourceKind::Thim, &fake.url);
            let outcome = source.fetch(things[2].name, None, at()).await;
            assert!(
                matches!(outcome.unwrap_err().failure, SourceFailure::Content(_)),
                "{product:?}"
            );
        }
    }
}

#[test]
fn sources_are_asked_for_what_is_theirs_only() {
    let all = [
        (SourceKind::Pcs, [true, true, true, false, false, false, false]),
        (SourceKind::Pccs, [true, true, true, true, false, false, false]),
        (SourceKind::Thim, [true, false, true, true, false, true, false]),
        (SourceKind::Kds, [false, false, false, false, true, true, false]),
    ];
    let EndorsementName::Vcek(product, mut masked) = amd(SnpProduct::Milan)[2].name else {
        panic!()
    };
    masked.chip_id = Hex([0; 64]);
    let fmspc = Hex([0; 6]);
    let names = [
        EndorsementName::TcbInfo { tee: TeeType::Sgx, fmspc, evaluation: TcbEvaluation::Number(3) },
        EndorsementName::QeIdentity { tee: TeeType::Tdx, evaluation: TcbEvaluation::Early },
        EndorsementName::PckCrl(PckCa::Processor),
        EndorsementName::RootCaCrl,
        EndorsementName::VekChain(Product::Turin, VekKind::Vlek),
        amd(SnpProduct::Turin)[2].name,
        EndorsementName::Vcek(product, masked),
    ];
    for (kind, expected) in all {
        let source = source(kind, "http://127.0.0.1:1");
        let serves = names.each_ref().map(|name| source.serves(name));
        assert_eq!(serves, expected, "{kind:?}");
    }
}

#[test]
fn impossible_chips_and_tcbs_are_not_asked_for() {
    let sources = [SourceKind::Kds, SourceKind::Thim];
    for (kind, product) in
        sources.into_iter().flat_map(|kind| SnpProduct::ALL.map(|product| (kind, product)))
    {
        let source = source(kind, "http://127.0.0.1:1");
        let EndorsementName::Vcek(product, id) = amd(product)[2].name else { panic!() };
        assert!(source.serves(&EndorsementName::Vcek(product, id)));
        let mut reserved = id;
        reserved.tcb.0[4] = 1;
        assert!(!source.serves(&EndorsementName::Vcek(product, reserved)));
        let mut long = id;
        long.chip_id.0[63] = 1;
        let is_short = product == Product::Turin;
        assert_eq!(source.serves(&EndorsementName::Vcek(product, long)), !is_short);
    }
}

#[tokio::test]
async fn an_issuer_chain_is_read_in_every_encoding_and_kept_as_pem() {
    let thing = &sgx()[0];
    let chain = std::str::from_utf8(&thing.issuer_chain).unwrap().to_owned();
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let lines_only = chain.replace('\n', "%0A");
    assert!(lines_only.contains('+'), "the plus sign is what this is about");
    for header in [
        escaped(&chain),
        lines_only,
        escaped(&chain.replace('\n', "\r\n")),
        escaped(&format!("{chain}\0")),
        chain.replace('\n', " "),
        chain.replace('\n', ""),
    ] {
        let reply = Reply::ok(&thing.body).with("SGX-TCB-Info-Issuer-Chain", &header);
        let Ok(Answer::Found(got, _)) = made_of(reply).await else { panic!("{header}") };
        prove(&got, &[], &anchors(), at()).unwrap();
        assert!(got.issuer_chain.starts_with(b"-----BEGIN CERTIFICATE-----\n"));
    }
    for header in ["", "none", &escaped(&chain).replace("BEGIN", "BEGAN")] {
        let reply = Reply::ok(&thing.body).with("TCB-Info-Issuer-Chain", header);
        assert!(matches!(made_of(reply).await, Err(SourceFailure::Content(_))), "{header}");
    }
    let without = made_of(Reply::ok(&thing.body)).await;
    assert!(matches!(without, Err(SourceFailure::Content(reason)) if reason.contains("header")));
}

#[tokio::test]
async fn each_status_is_told_for_what_it_is() {
    let busy = |status, seconds: Option<u64>| SourceFailure::Busy {
        status,
        retry_after: seconds.map(Duration::from_secs),
    };
    let date = "Fri, 01 May 2026 12:00:00 GMT";
    let in_a_minute = "Fri, 01 May 2026 12:01:00 GMT";
    for (reply, expected) in [
        (Reply::status(301), SourceFailure::Redirect { status: 301 }),
        (Reply::status(400), SourceFailure::Absent { status: 400 }),
        (Reply::status(404), SourceFailure::Absent { status: 404 }),
        (Reply::status(410), SourceFailure::Absent { status: 410 }),
        (Reply::status(401), SourceFailure::Status { status: 401 }),
        (Reply::status(500), SourceFailure::Status { status: 500 }),
        (Reply::status(204), SourceFailure::Status { status: 204 }),
        (Reply::status(429), busy(429, None)),
        (Reply::status(429).with("Retry-After", "7"), busy(429, Some(7))),
        (Reply::status(503).with("Retry-After", in_a_minute), busy(503, Some(60))),
        (
            // The source's own clock counts.
            Reply::status(503).with("Retry-After", in_a_minute).with("Date", in_a_minute),
            busy(503, Some(0)),
        ),
        (Reply::status(429).with("Retry-After", date), busy(429, Some(0))),
        (Reply::status(429).with("Retry-After", "99999999999"), busy(429, Some(86_400))),
        (Reply::status(429).with("Retry-After", "-1"), busy(429, None)),
        (Reply::status(429).with("Retry-After", "soon"), busy(429, None)),
    ] {
        assert_eq!(made_of(reply).await, Err(expected));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Fake::start(|_| good()).await;
    let target = elsewhere.url.clone();
    let fake = Fake::start(move |_| Reply::status(302).with("Location", &target)).await;
    let error = failure(&source(SourceKind::Pcs, &fake.url), sgx()[0].name).await;
    assert_eq!(error.failure, SourceFailure::Redirect { status: 302 });
    assert_eq!((fake.count(), elsewhere.count()), (1, 0));
}

#[tokio::test]
async fn an_error_names_the_source_the_path_and_the_reason() {
    let fake = Fake::start(|_| Reply::status(404)).await;
    let source = source(SourceKind::Pcs, &format!("{}/cache/", fake.url));
    let error = failure(&source, sgx()[0].name).await;
    let fmspc = Hex(Options::new(at()).platform.fmspc);
    let path = format!("/cache/sgx/certification/v4/tcb?fmspc={fmspc}&update=standard");
    assert_eq!(error.to_string(), format!("fake, {path}: it answers 404: it has none"));
    assert_eq!(fake.seen()[0].path, "/cache/sgx/certification/v4/tcb");
}

#[tokio::test]
async fn bodies_that_are_too_long_cut_or_something_else_are_refused() {
    let long = vec![b' '; avouch_dcap::DOCUMENT_BYTES_MAX + 1];
    let limit = avouch_dcap::DOCUMENT_BYTES_MAX;
    assert_eq!(made_of(Reply::ok(&long)).await, Err(SourceFailure::TooLong { limit }));
    let cut = made_of(good().truncated()).await;
    assert!(matches!(cut, Err(SourceFailure::BrokeOff(_))), "{cut:?}");
    for body in ["", "{}", "<html>", r#"{"enclaveIdentity":{},"signature":""}"#] {
        let outcome = made_of(Reply::ok(body.as_bytes())).await;
        assert!(matches!(outcome, Err(SourceFailure::Content(_))), "{body}");
    }
    let page = Reply::ok(b"<html>").with("Content-Type", "text/html");
    let Err(SourceFailure::Content(reason)) = made_of(page).await else { panic!() };
    assert!(reason.contains("text/html"), "{reason}");
    let packed = made_of(good().with("Content-Encoding", "gzip")).await;
    assert!(matches!(packed, Err(SourceFailure::Content(reason)) if reason.contains("gzip")));
}

#[tokio::test]
async fn who_hangs_up_or_is_silent_or_not_there_is_told_apart() {
    let hangup = made_of(Reply::Hangup).await;
    assert!(matches!(hangup, Err(SourceFailure::Connection(_))), "{hangup:?}");
    let gone = Fake::start(|_| Reply::Hangup).await.url.clone();
    let error = failure(&source(SourceKind::Pcs, &gone), sgx()[0].name).await;
    assert!(matches!(error.failure, SourceFailure::Connection(_)), "{error}");
    let silent = Fake::start(|_| Reply::Silence).await;
    let config =
        SourceConfig { timeout: Duration::from_millis(50), ..config(SourceKind::Pcs, &silent.url) };
    let error = failure(&HttpSource::new(&config).unwrap(), sgx()[0].name).await;
    assert!(matches!(error.failure, SourceFailure::TimedOut(_)), "{error}");
}

#[tokio::test]
async fn a_tag_is_sent_back_to_the_source_it_came_from_only() {
    let fake = Fake::start(|seen| match seen.headers.get("if-none-match") {
        Some(tag) if tag == "\"v1\"" => Reply::status(304).with("Cache-Control", "max-age=60"),
        _ => good().with("ETag", "\"v1\""),
    })
    .await;
    let (source, name) = (source(SourceKind::Pcs, &fake.url), sgx()[0].name);
    let first = found(&source, name).await;
    assert_eq!(first.etag.as_deref(), Some("\"v1\""));
    let again = source.fetch(name, Some(&first), at()).await.unwrap();
    assert_eq!(again, Answer::Unchanged(Some(Duration::from_secs(60))));
    let of_another = Published { source: "another".into(), ..first };
    let again = source.fetch(name, Some(&of_another), at()).await.unwrap();
    assert!(matches!(again, Answer::Found(..)));
}

#[tokio::test]
async fn how_long_an_answer_is_fresh_is_read_from_each_header_and_heeded_for_a_day() {
    for (header, value, seconds) in [
        ("Cache-Control", "max-age=3600", Some(3600)),
        ("Cache-Control", "public, max-age=\"60\"", Some(60)),
        ("Cache-Control", "max-age=99999999", Some(86_400)),
        ("Cache-Control", "max-age=0", None),
        ("Cache-Control", "max-age=-5", None),
        ("Cache-Control", "no-store, max-age=60", None),
        ("cache-max-age", "120", Some(120)),
        ("Expires", "Fri, 01 May 2026 13:00:00 GMT", Some(3600)),
        ("Expires", "Fri, 01 May 2026 11:00:00 GMT", None),
        ("Expires", "0", None),
    ] {
        let Ok(Answer::Found(_, fresh)) = made_of(good().with(header, value)).await else {
            panic!("{header}")
        };
        assert_eq!(fresh, seconds.map(Duration::from_secs), "{header}: {value}");
    }
}

#[test]
fn what_is_no_address_or_no_ca_is_refused_with_the_sources_name() {
    for url in [
        "",
        "fake",
        "ftp://127.0.0.1",
        "https://user@127.0.0.1",
        "https://127.0.0.1/?x=1",
        "https://127.0.0.1/#x",
    ] {
        let error = HttpSource::new(&config(SourceKind::Pcs, url)).expect_err(url);
        assert!(matches!(error, SourceConfigError::Url { .. }), "{error}");
        assert!(error.to_string().contains("\"fake\""), "{error}");
    }
    let good = config(SourceKind::Pcs, "https://127.0.0.1");
    assert!(HttpSource::new(&good).is_ok());
    for bad in [
        SourceConfig { ca_pem: Some(b"nothing".to_vec()), ..good.clone() },
        SourceConfig { proxy: Some("no proxy".to_owned()), ..good.clone() },
        SourceConfig { root_ca_crl_url: Some("nowhere".to_owned()), ..good },
    ] {
        assert!(HttpSource::new(&bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_configured_proxy_gets_the_request() {
    let proxy = Fake::start(|_| good()).await;
    let config = SourceConfig {
        proxy: Some(proxy.url.clone()),
        ..config(SourceKind::Pcs, "http://pcs.invalid")
    };
    let got = found(&HttpSource::new(&config).unwrap(), sgx()[0].name).await;
    assert_eq!(got.body, sgx()[0].body);
    assert!(proxy.seen()[0].path.starts_with("http://pcs.invalid/sgx/"));
}

#[test]
fn the_vendors_own_services_can_be_asked() {
    for config in [SourceConfig::intel(), SourceConfig::amd()] {
        assert!(config.url.starts_with("https://"));
        HttpSource::new(&config).unwrap();
    }
    let intel = HttpSource::new(&SourceConfig::intel()).unwrap();
    assert!(intel.serves(&EndorsementName::RootCaCrl));
}
