//! What a verified report says of each field.
#![allow(clippy::unwrap_used, reason = "test code")]

use avouch_mint::{Kind, Options, mint};
use avouch_pki::{Certificate, digest, pem};

use super::*;
use crate::{Anchors, Endorsements, verify_chain};

/// Bytes of a report of version 5 and the fact that is read from them.
#[test]
fn each_fact_is_read_from_its_own_bytes() {
    let mut options = Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap());
    options.snp.report_version = 5;
    let minted = mint(Kind::Snp, &options).unwrap();
    let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
    let anchors = Anchors::none().with_root(&Certificate::parse(&root[0]).unwrap()).unwrap();
    let chain = Endorsements::parse(&[&minted.endorsements]).unwrap().chain;
    let key = verify_chain(&chain, &anchors, &Crls::none(), minted.at).unwrap();
    let report = Report::parse(&minted.evidence).unwrap();
    let verified = verify_report(&report, &key, &Crls::none(), minted.at).unwrap();
    let whole = serde_json::to_value(&verified).unwrap();
    assert_eq!(whole["host_requested"], false);
    assert_eq!(
        whole["endorsement_key"]["certificate_sha256"],
        digest::sha256(chain.leaf().unwrap().1.der()).to_string()
    );
    assert_eq!(
        whole["endorsement_key"]["intermediate_sha256"],
        digest::sha256(chain.intermediates()[0].der()).to_string()
    );
    // The report with other bytes in one place; only that fact changes.
    let changed = |place: usize, bytes: &[u8]| {
        let mut raw = minted.evidence.clone();
        raw.iter_mut().skip(place).zip(bytes).for_each(|(to, from)| *to = *from);
        let report = Report::parse(&raw).unwrap();
        serde_json::to_value(VerifiedReport { report, ..verified.clone() }).unwrap()
    };
    for (place, bytes, name, expected) in [
        (0x004, &[9, 0, 0, 0][..], "guest_svn", serde_json::json!(9)),
        (0x030, &[0xff; 4], "vmpl", serde_json::json!(u32::MAX)),
        (0x048, &[1, 0, 0, 0], "author_key_en", serde_json::json!(true)),
        (0x1e8, &[3, 2, 1], "current_version", serde_json::Value::Null),
        (0x1ec, &[6, 5, 4], "committed_version", serde_json::Value::Null),
        (0x1f8, &[7, 0, 0, 0, 0, 0, 0, 0], "launch_mit_vector", serde_json::json!(7)),
        (0x200, &[8, 0, 0, 0, 0, 0, 0, 0], "current_mit_vector", serde_json::json!(8)),
    ] {
        let found = changed(place, bytes);
        let differing: Vec<&str> = whole
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, value)| found[name.as_str()] != **value)
            .map(|(name, _)| name.as_str())
            .collect();
        let also = (name == "vmpl").then_some("host_requested");
        let expected_names: std::collections::BTreeSet<&str> =
            [name].into_iter().chain(also).collect();
        assert_eq!(
            differing.into_iter().collect::<std::collections::BTreeSet<_>>(),
            expected_names
        );
        if !expected.is_null() {
            assert_eq!(found[name], expected, "{name}");
        }
    }
    assert_eq!(changed(0x030, &[0xff; 4])["host_requested"], true);
    let version = changed(0x1ec, &[6, 5, 4])["committed_version"].clone();
    assert!(version.to_string().contains('4') && version.to_string().contains('6'), "{version}");
}
