//! When two chains are one.

use avouch_mint::{Options, mint};
use avouch_pki::pem;
use avouch_wire::{EvidenceKind, UnixTime};

use super::Chain;
use crate::error::ChainName;

/// Signer and root as minted behind a document: signed anew each time, so no two have the same
/// bytes.
fn minted(document: &str) -> [Vec<u8>; 2] {
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let minted = mint(EvidenceKind::Sgx, &Options::new(at)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&minted.endorsements).unwrap();
    let text = json[format!("{document}_issuer_chain")].as_str().unwrap().to_owned();
    pem::certificates(text.as_bytes(), 2).unwrap().try_into().unwrap()
}

fn chain(parts: [&[u8]; 2]) -> Chain {
    let text: String = parts.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    Chain::read(ChainName::TcbInfoIssuer, text.as_bytes(), &[]).unwrap()
}

#[test]
fn chains_are_the_same_if_root_and_signer_are_byte_for_byte() {
    let [signer, root] = &minted("tcb_info");
    let [other_signer, other_root] = &minted("qe_identity");
    let one = chain([signer, root]);
    assert!(one.is_same_as(&chain([signer, root])));
    assert!(one.is_same_as(&chain([root, signer])), "told apart by their names, not by order");
    assert!(!one.is_same_as(&chain([other_signer, root])));
    assert!(!one.is_same_as(&chain([signer, other_root])));
    assert!(!one.is_same_as(&chain([other_signer, other_root])));
}

#[test]
fn each_chain_says_what_it_must_be() {
    let [_, root] = minted("tcb_info");
    let text = pem::encode("CERTIFICATE", &root);
    let documents = "one TCB signing certificate and the root that issued it";
    for (name, expected) in [
        (ChainName::Pck, "one PCK certificate, its CA and the root that issued the CA"),
        (ChainName::PckCrlIssuer, "one PCK CA and the root that issued it"),
        (ChainName::TcbInfoIssuer, documents),
        (ChainName::QeIdentityIssuer, documents),
    ] {
        let error = Chain::read(name, text.as_bytes(), &[]).map(drop).unwrap_err();
        assert_eq!(error.to_string(), format!("{name} must be {expected}, found 1 certificates"));
    }
}
