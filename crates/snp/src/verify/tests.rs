//! What a verified report says of each field.

use avouch_mint::{Options, mint};
use avouch_pki::{Certificate, digest, pem};
use avouch_wire::EvidenceKind;

use super::*;
use crate::{Endorsements, RawTcb, TrustAnchors, verify_chain};

/// Bytes of a report of version 5 and the fact that is read from them.
#[test]
fn each_fact_is_read_from_its_own_bytes() {
    let mut options = Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap());
    options.snp.report_version = 5;
    let minted = mint(EvidenceKind::Snp, &options).unwrap();
    let root = pem::certificates(minted.root_pem.as_bytes(), 1).unwrap();
    let anchors = TrustAnchors::none().with_root(&Certificate::parse(&root[0]).unwrap()).unwrap();
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

#[test]
fn reserved_bytes_are_refused_in_each_tcb_by_its_name() {
    type Place = fn(&mut ReportBody) -> &mut RawTcb;
    let places: [(&str, Place); 4] = [
        ("REPORTED_TCB", |body| &mut body.reported_tcb),
        ("COMMITTED_TCB", |body| &mut body.committed_tcb),
        ("CURRENT_TCB", |body| &mut body.current_tcb),
        ("LAUNCH_TCB", |body| &mut body.launch_tcb),
    ];
    let options = Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap());
    let report = Report::parse(&mint(EvidenceKind::Snp, &options).unwrap().evidence).unwrap();
    let family_19: &[usize] = &[2, 3, 4, 5];
    for (product, reserved) in
        [(Product::Milan, family_19), (Product::Genoa, family_19), (Product::Turin, &[4, 5, 6])]
    {
        for (tcb, place) in places {
            for byte in 0..8 {
                let mut body = report.body().clone();
                places.iter().for_each(|(_, place)| *place(&mut body) = RawTcb([0; 8]));
                if let Some(byte) = place(&mut body).0.get_mut(byte) {
                    *byte = 1;
                }
                let found = *place(&mut body);
                let refused = Err(VerifyError::TcbReserved { tcb, found, product });
                let expected = if reserved.contains(&byte) { refused } else { Ok(()) };
                assert_eq!(check_reserved_tcb_bytes(&body, product), expected);
            }
        }
    }
}
