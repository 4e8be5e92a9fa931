#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests over known data; a failed one may stop anywhere"
)]
//! Of one content there is one bundle, and nothing else is read as one.

use avouch_dcap::{SignedDocument, TeeType};
use avouch_mint::{Options, mint};
use avouch_pki::{Certificate, pem};
use avouch_snp::{Product, VekExtensions, VekKind};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, decode_hex};

use super::*;
use crate::{EndorsementName, PckCa, TcbEvaluation, VcekId};

pub(crate) fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

pub(crate) fn published(name: EndorsementName, body: &[u8], chain: &str) -> Arc<Published> {
    Arc::new(Published {
        name,
        body: body.into(),
        issuer_chain: chain.as_bytes().into(),
        source: "minted".into(),
        fetched_at: at(),
        etag: None,
    })
}

/// The things of a minted platform of Intel's.
pub(crate) fn intel(change: impl FnOnce(&mut Options)) -> Vec<Arc<Published>> {
    let mut options = Options::new(at());
    change(&mut options);
    let minted = mint(EvidenceKind::Sgx, &options).unwrap();
    let set: serde_json::Value = serde_json::from_slice(&minted.endorsements).unwrap();
    let text = |member: &str| set[member].as_str().unwrap();
    let crl = |member: &str| decode_hex(text(member)).unwrap();
    let signature = |member: &str| Hex::from_hex(text(member)).unwrap();
    let (tee, evaluation) = (TeeType::Sgx, TcbEvaluation::Standard);
    let fmspc = Hex(options.platform.fmspc);
    let info =
        SignedDocument::from_tcb_info_parts(text("tcb_info"), signature("tcb_info_signature"))
            .unwrap();
    let identity = SignedDocument::from_identity_parts(
        text("qe_identity"),
        signature("qe_identity_signature"),
    )
    .unwrap();
    vec![
        published(
            EndorsementName::TcbInfo { tee, fmspc, evaluation },
            info.body(),
            text("tcb_info_issuer_chain"),
        ),
        published(
            EndorsementName::QeIdentity { tee, evaluation },
            identity.body(),
            text("qe_identity_issuer_chain"),
        ),
        published(
            EndorsementName::PckCrl(PckCa::Platform),
            &crl("pck_crl"),
            text("pck_crl_issuer_chain"),
        ),
        published(EndorsementName::RootCaCrl, &crl("root_ca_crl"), ""),
    ]
}

/// The things of a minted chip of AMD's: VCEK, chain, CRL.
pub(crate) fn amd() -> Vec<Arc<Published>> {
    let minted = mint(EvidenceKind::Snp, &Options::new(at())).unwrap();
    let product = Product::Milan;
    let blocks = pem::blocks_of_any_label(&minted.endorsements, 16).unwrap();
    let (mut chain, mut found) = (String::new(), Vec::new());
    for block in blocks {
        let der = block.der().unwrap();
        if block.label() == "X509 CRL" {
            found.push(published(EndorsementName::AmdCrl(product, VekKind::Vcek), &der, ""));
            continue;
        }
        let certificate = Certificate::parse(&der).unwrap();
        if certificate.subject().label() != VekKind::Vcek.common_name() {
            chain.push_str(&pem::encode("CERTIFICATE", &der));
            continue;
        }
        let extensions = VekExtensions::read(&certificate, VekKind::Vcek, product).unwrap();
        let chip_id = Hex(extensions.hardware_id().unwrap().try_into().unwrap());
        let id = VcekId { chip_id, tcb: Hex(extensions.certified_tcb().0) };
        found.push(published(EndorsementName::Vcek(product, id), &der, ""));
    }
    let name = EndorsementName::VekChain(product, VekKind::Vcek);
    found.push(published(name, chain.as_bytes(), ""));
    found
}

fn all() -> Vec<Arc<Published>> {
    [intel(|_| {}), amd()].concat()
}

fn file(things: Vec<Arc<Published>>) -> String {
    String::from_utf8(Bundle::new(things).unwrap().write().unwrap()).unwrap()
}

fn read(text: &str) -> Result<Bundle, BundleError> {
    Bundle::read(text.as_bytes(), "bundle.json", at())
}

#[test]
fn a_bundle_has_the_same_bytes_whatever_the_order_source_and_time_of_what_goes_in() {
    let mut things = all();
    let expected = file(things.clone());
    for _ in 0..things.len() {
        things.rotate_left(1);
        assert!(file(things.clone()) == expected);
    }
    things.reverse();
    things.extend(things.clone());
    let elsewhere = |thing: &Arc<Published>| {
        let later = at().saturating_add_seconds(5);
        let (source, etag) = ("elsewhere".into(), Some("tag".into()));
        Arc::new(Published { source, etag, fetched_at: later, ..(**thing).clone() })
    };
    assert!(file(things.iter().map(elsewhere).collect()) == expected);
}

#[test]
fn what_is_read_is_what_was_written_and_says_where_it_was_read() {
    let things = all();
    let bundle = read(&file(things.clone())).unwrap();
    let names: Vec<String> =
        bundle.things().iter().map(|thing| thing.published.name.to_string()).collect();
    assert_eq!(names.len(), 7);
    assert!(names.is_sorted(), "{names:?}");
    for thing in things {
        let found = bundle.things().iter().find(|one| one.published.name == thing.name).unwrap();
        assert!(found.published.body == thing.body);
        assert!(found.published.issuer_chain == thing.issuer_chain);
        assert_eq!(&*found.published.source, "bundle.json");
    }
    assert_eq!(read(&file(Vec::new())).unwrap().things(), []);
}

#[test]
fn an_issuer_chain_stands_in_a_bundle_once() {
    let mut things = intel(|_| {});
    let chain = Arc::clone(&things[0].issuer_chain);
    things[1] = Arc::new(Published { issuer_chain: chain, ..(*things[1]).clone() });
    let two_of_the_signer_and_two_of_the_ca = 4;
    let text = file(things);
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), two_of_the_signer_and_two_of_the_ca);
    read(&text).unwrap();
}

#[test]
fn two_certificates_of_one_chip_are_both_kept() {
    let chip = amd();
    let earlier = |seconds: i64| {
        let mut options = Options::new(at().saturating_add_seconds(seconds));
        options.snp.with_crl = false;
        mint(EvidenceKind::Snp, &options).unwrap()
    };
    let der = |minted: &avouch_mint::Minted| {
        let blocks = pem::certificates(&minted.endorsements, 8).unwrap();
        let is_vcek = |der: &&Vec<u8>| {
            Certificate::parse(der).unwrap().subject().label() == VekKind::Vcek.common_name()
        };
        blocks.iter().find(is_vcek).unwrap().clone()
    };
    let name = chip.iter().find(|one| matches!(one.name, EndorsementName::Vcek(..))).unwrap().name;
    let both = [earlier(0), earlier(86_400)].map(|minted| published(name, &der(&minted), ""));
    let text = file(both.to_vec());
    assert_eq!(read(&text).unwrap().things().len(), 2);
}

#[track_caller]
fn refused(text: &str, check: &str, said: &str) {
    let error = read(text).unwrap_err();
    assert_eq!(error.check(), check, "{error}");
    assert!(error.to_string().contains(said), "{error}");
}

/// With a change in the one place where `from` stands first.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not there");
    text.replacen(from, to, 1)
}

/// With two lines in each other's place.
fn swapped(text: &str, first: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(first, first + 1);
    lines.join("\n") + "\n"
}

#[test]
fn a_bundle_that_was_changed_in_any_way_is_refused_and_the_place_is_named() {
    let good = file(all());
    read(&good).unwrap();
    let contents = good.lines().position(|line| line.contains("\"contents\":[")).unwrap();

    refused("{}", "bundle-malformed", "not a bundle");
    refused(&changed(&good, "\"version\":1", "\"version\":2"), "bundle-version", "2");
    refused(
        &changed(&good, "\"version\":1", "\"version\":1,\"more\":0"),
        "bundle-malformed",
        "more",
    );
    refused(&changed(&good, "\"bytes\":", "\"size\":1,\"bytes\":"), "bundle-malformed", "size");
    refused(&changed(&good, ",\"text\":", ",\"x\":1,\"text\":"), "bundle-malformed", "`x`");
    refused(
        &changed(&good, "\"version\":1", "\"version\":1,\"version\":1"),
        "bundle-malformed",
        "duplicate",
    );
    refused(&swapped(&good, 1), "bundle-malformed", "manifest row 2 is not in order");
    refused(&swapped(&good, contents + 1), "bundle-malformed", "contents row 2 is not in order");
    let lines: Vec<&str> = good.lines().collect();
    let twice = [&lines[..2], &lines[1..]].concat().join("\n") + "\n";
    refused(&twice, "bundle-malformed", "manifest row 2 is there twice");
    let twice = [&lines[..contents + 2], &lines[contents + 1..]].concat().join("\n") + "\n";
    refused(&twice, "bundle-malformed", "contents row 2 is there twice");
    refused(&changed(&good, "amd/milan", "amd/emil"), "bundle-malformed", "manifest row 1");
    refused(&changed(&good, "\"base64\":\"MII", "\"base64\":\"NII"), "bundle-hash", "contents row");
    refused(&changed(&good, "\"base64\":\"MII", "\"base64\":\"!II"), "bundle-malformed", "base64");
    refused(
        &changed(&good, "\"base64\":", "\"text\":\"\",\"base64\":"),
        "bundle-malformed",
        "either",
    );
    let without = [&lines[..1], &lines[2..]].concat().join("\n") + "\n";
    refused(&without, "bundle-hash", "of nothing in the manifest");
    let without = [&lines[..=contents], &lines[contents + 2..]].concat().join("\n") + "\n";
    refused(&without, "bundle-hash", "no content has the SHA-256");
    for (member, to) in [
        ("bytes\":1", "bytes\":2"),
        ("not_before\":\"2", "not_before\":\"3"),
        ("not_after\":\"2", "not_after\":\"3"),
        ("evaluation_data_number\":2", "evaluation_data_number\":3"),
        ("crl_number\":\"0", "crl_number\":\"1"),
    ] {
        let name = member.split('"').next().unwrap();
        refused(&changed(&good, member, to), "bundle-manifest", name);
    }
    refused(&changed(&good, "sgx/tcb-info/a0", "sgx/tcb-info/a1"), "bundle-manifest", "not for");
    refused(&changed(&good, "/platform\"", "/processor\""), "bundle-manifest", "Platform CA");
}

#[test]
fn the_same_content_written_otherwise_is_no_bundle() {
    let good = file(all());
    refused(&format!("{good}\n"), "bundle-malformed", "not written as bundles are");
    refused(good.trim_end(), "bundle-malformed", "not written as bundles are");
    refused(&changed(&good, "[\n{", "[\n {"), "bundle-malformed", "line 2");
    refused(
        &changed(&good, "\"not_before\"", "\"not\\u005fbefore\""),
        "bundle-malformed",
        "line 2",
    );
    refused(&format!("{good}{{}}"), "bundle-malformed", "trailing");
    let upper = |line: &str| match line.strip_prefix("{\"sha256\":\"") {
        Some(rest) => {
            let (hash, rest) = rest.split_at(64);
            format!("{{\"sha256\":\"{}{rest}", hash.to_uppercase())
        }
        None => line.to_owned(),
    };
    let upper: Vec<String> = good.lines().map(upper).collect();
    refused(&(upper.join("\n") + "\n"), "bundle-malformed", "");
}

#[test]
fn a_bundle_that_is_cut_anywhere_is_refused() {
    let good = file(all());
    for length in (0..good.len()).step_by(97).chain([good.len() - 1, good.len() - 2]) {
        let error = read(&good[..length]).unwrap_err();
        assert!(
            matches!(error.check(), "bundle-truncated" | "bundle-malformed"),
            "{length}: {error}"
        );
        if length > 200 && length < good.len() - 2 {
            assert_eq!(error.check(), "bundle-truncated", "{length}: {error}");
        }
    }
}

#[test]
fn a_bundle_that_is_too_large_is_not_read_and_not_written() {
    let mut text = file(Vec::new());
    text.push_str(&" ".repeat(BUNDLE_BYTES_MAX));
    refused(&text, "bundle-size", "over the limit");

    let name = EndorsementName::VekChain(Product::Milan, VekKind::Vcek);
    let chain = amd().into_iter().find(|one| one.name == name).unwrap();
    let note = "x".repeat(BUNDLE_BYTES_MAX);
    let body = [note.as_bytes(), b"\n", &*chain.body].concat();
    let error = Bundle::new([published(name, &body, "")]).unwrap().write().unwrap_err();
    assert_eq!(error.check(), "bundle-size", "{error}");
}

#[test]
fn what_is_not_what_its_name_says_is_put_into_no_bundle() {
    let things = all();
    for thing in &things {
        for other in things.iter().filter(|other| other.name != thing.name) {
            let swapped = published(thing.name, &other.body, "");
            let error = Bundle::new([swapped]).unwrap_err();
            assert_eq!(error.check(), "bundle-manifest", "{error}");
            assert!(error.to_string().contains(&thing.name.to_string()), "{error}");
        }
    }
}

#[test]
fn an_issuer_chain_is_short_and_beside_what_intel_signs_only() {
    let long = "x".repeat(ISSUER_CHAIN_BYTES_MAX + 1);
    let of = |thing: &Arc<Published>, chain: &str| published(thing.name, &thing.body, chain);
    for (thing, chain) in [
        (of(&intel(|_| {})[0], &long), "16385"),
        (of(&intel(|_| {})[3], "x"), "of 1 bytes"),
        (of(&amd()[0], "x"), "of 1 bytes"),
    ] {
        let error = Bundle::new([thing]).unwrap_err();
        assert_eq!(error.check(), "bundle-manifest");
        assert!(error.to_string().contains(chain), "{error}");
    }
    let chain = "x".repeat(ISSUER_CHAIN_BYTES_MAX);
    Bundle::new([of(&intel(|_| {})[0], &chain)]).unwrap();
}
