//! What publishers and ledgers say: no panic, and nothing counts that they did not sign.
//!
//! An input is a statement with receipts, a receipt or a signed list, by its first byte, or a few edits to one that was
//! signed at the start: then four bytes each (place, in two bytes; length of what goes; a byte that comes).
#![no_main]

use std::sync::LazyLock;

use avouch_client::{
    CodePublisher, KnownPublication, LedgerKey, Publication, StatementHead,
    TransparentCodeStatement, TransparentStatement, VerifiedPublication, with_receipts,
    write_statement,
};
use avouch_pki::pem;
use avouch_snp::uvm::DidX509;
use avouch_token::{BarePrivateKey, KeySpec, Signer as _, SigningKey};
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

const LIST: &str = r#"{"publisher":"p","sequence":1,"first_issued_at":"2026-01-01T00:00:00Z",
"issued_at":"2026-01-01T00:00:00Z","expires_at":"2026-03-01T00:00:00Z","measurements":[{"name":"one",
"announced_at":"2026-01-01T00:00:00Z","in_force_from":"2026-01-01T00:00:00Z",
"workload":{"sgx":{"mr_signer":"0000000000000000000000000000000000000000000000000000000000000000",
"isv_prod_id":1,"minimum_isv_svn":1}}}]}"#;

struct Known {
    publisher: BarePrivateKey,
    ledgers: Vec<LedgerKey>,
    code: CodePublisher,
    list: Publication,
    signed: String,
    statement: Vec<u8>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let pem_of = |key: &SigningKey| key.to_pkcs8_pem().unwrap();
    let publisher =
        BarePrivateKey::from_pkcs8_pem(&pem_of(&SigningKey::generate(KeySpec::P256).unwrap()));
    let publisher = publisher.unwrap();
    // A ledger that never signs anything here: so no receipt holds.
    let ledger = SigningKey::generate(KeySpec::P256).unwrap();
    let public = pem::encode("PUBLIC KEY", ledger.public_key().spki_der());
    let list = Publication::parse(LIST.as_bytes()).unwrap();
    let document = list.to_document().unwrap();
    let head = StatementHead { issuer: "p", subject: "p", issued_at: at(), certificates: &[] };
    let statement = write_statement(document.as_bytes(), &head, &publisher).unwrap();
    let issuer = "did:x509:0:sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA::eku:1.2.3";
    let issuer = DidX509::parse(issuer).unwrap();
    Known {
        code: CodePublisher { issuer, subject: "p".to_owned(), minimum_svn: 0 },
        ledgers: LedgerKey::read("ledger", public.as_bytes()).unwrap(),
        signed: list.sign(&publisher).unwrap(),
        list,
        statement,
        publisher,
    }
});

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

fn edited(known: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = known.to_vec();
    for edit in edits.chunks_exact(4).take(16) {
        let place = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len().max(1);
        let end = (place + usize::from(edit[2] % 32)).min(bytes.len());
        bytes.splice(place..end, [edit[3]]);
    }
    bytes
}

fn statement(bytes: &[u8], receipts: &[Vec<u8>]) {
    let publishers = [KNOWN.publisher.public_key()];
    let verified = TransparentStatement::verify(bytes, receipts, &publishers, &KNOWN.ledgers, at());
    let error = verified.expect_err("no ledger signed anything");
    assert!(!error.check().is_empty() && !error.to_string().is_empty());
    // Nor did anybody with a certificate.
    let error = TransparentCodeStatement::verify(
        bytes,
        receipts,
        std::slice::from_ref(&KNOWN.code),
        &KNOWN.ledgers,
        at(),
    );
    let error = error.expect_err("no certificate is of that sort");
    assert!(!error.check().is_empty() && !error.to_string().is_empty());
}

/// What a party keeps of a publisher, and whatever follows it.
fn known(bytes: &[u8]) {
    let Ok(read) = KnownPublication::parse(bytes) else { return };
    let again = KnownPublication::parse(read.to_document().unwrap().as_bytes()).unwrap();
    assert_eq!(again, read);
    let same = read.follow(read.publication(), at()).unwrap();
    assert_eq!(same.measurements(), read.measurements());
    if let Ok(next) = read.follow(&KNOWN.list, at()) {
        assert_eq!(next.publication(), &KNOWN.list);
        assert!(next.looked_at() >= read.looked_at());
    }
}

fn list(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match VerifiedPublication::verify(&text, &[KNOWN.publisher.public_key()], at()) {
        Ok(verified) => assert_eq!(verified.publication(), &KNOWN.list),
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
}

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind {
        0 => statement(rest, &[]),
        1 => statement(&edited(&KNOWN.statement, rest), &[]),
        // The statement as it is, with a receipt of the input within and beside.
        2 => {
            statement(&KNOWN.statement, &[rest.to_vec()]);
            if let Ok(within) = with_receipts(&KNOWN.statement, &[rest.to_vec()]) {
                statement(&within, &[]);
            }
        }
        3 => list(rest),
        4 => list(&edited(KNOWN.signed.as_bytes(), rest)),
        5 => known(rest),
        _ => {
            if let Ok(read) = Publication::parse(rest) {
                let again = Publication::parse(read.to_document().unwrap().as_bytes()).unwrap();
                assert_eq!(again, read);
                assert_eq!(read.check_follows(&again), Ok(()));
            }
        }
    }
});
