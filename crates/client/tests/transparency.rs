//! Statements in ledgers: a small ledger of each sort gives receipts, and everything next to them is refused.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

#[path = "support/ledger.rs"]
mod ledger;

use avouch_client::{
    LedgerKey, LedgerTree, Publication, StatementHead, TransparencyError, TransparentStatement,
    with_receipts, write_statement,
};
use avouch_cose::Sign1;
use avouch_cose::coset::CborSerializable as _;
use avouch_cose::coset::cbor::value::Value;
use avouch_token::{BarePrivateKey, BarePublicKey, KeySpec, SigningKey};
use avouch_wire::{FailedCheck as _, UnixTime};
use ledger::{Forgery, Ledger, bare};

const DOCUMENT: &str = r#"{"publisher":"attest.example","sequence":1,
    "first_issued_at":"2026-01-01T00:00:00Z","issued_at":"2026-01-01T00:00:00Z",
    "expires_at":"2026-03-01T00:00:00Z","measurements":[{"name":"one",
    "announced_at":"2026-01-01T00:00:00Z","in_force_from":"2026-01-01T00:00:00Z",
    "workload":{"snp":{"measurement":"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"}}}]}"#;

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

fn publication() -> Publication {
    Publication::parse(DOCUMENT.as_bytes()).unwrap()
}

fn head(issued_at: UnixTime) -> StatementHead<'static> {
    StatementHead {
        issuer: "https://attest.example",
        subject: "measurements",
        issued_at,
        certificates: &[],
    }
}

fn statement(key: &BarePrivateKey) -> Vec<u8> {
    let document = publication().to_document().unwrap();
    write_statement(document.as_bytes(), &head(at()), key).unwrap()
}

/// Everything that a relying party has at hand.
struct Case {
    publisher: BarePrivateKey,
    statement: Vec<u8>,
    ledger: Ledger,
}

impl Case {
    fn new(tree: LedgerTree) -> Self {
        let publisher = bare(KeySpec::P256);
        let statement = statement(&publisher);
        Self { publisher, statement, ledger: Ledger::new(tree) }
    }

    fn keys(&self) -> Vec<LedgerKey> {
        LedgerKey::read("the ledger", self.ledger.public_pem().as_bytes()).unwrap()
    }

    fn verify(
        &self,
        statement: &[u8],
        receipts: &[Vec<u8>],
    ) -> Result<TransparentStatement, TransparencyError> {
        let publishers = [self.publisher.public_key()];
        TransparentStatement::verify(statement, receipts, &publishers, &self.keys(), at())
    }

    fn check(&self, statement: &[u8], receipts: &[Vec<u8>]) -> &'static str {
        self.verify(statement, receipts).map_or_else(|error| error.check(), |_| "ok")
    }
}

const TREES: [LedgerTree; 2] = [LedgerTree::CcfLedgerSha256, LedgerTree::Rfc9162Sha256];

#[test]
fn a_statement_is_transparent_with_its_receipt_within_or_beside() {
    for tree in TREES {
        let case = Case::new(tree);
        // At every place of trees of every height up to four.
        for size in 1..=9_usize {
            for place in 0..size {
                let receipt = case.ledger.register(&case.statement, size, place, Forgery::None);
                let beside = case.verify(&case.statement, std::slice::from_ref(&receipt)).unwrap();
                let [held] = beside.receipts() else { panic!() };
                assert_eq!((held.ledger(), held.tree()), ("the ledger", tree));
                assert_eq!(held.issuer(), Some("ledger.example"));
                assert_eq!(held.registered_at(), Some(at()));
                let within = with_receipts(&case.statement, &[receipt]).unwrap();
                let within = case.verify(&within, &[]).unwrap();
                assert_eq!(within.statement().registered(), case.statement);
                let covered = within.check_covers(&publication()).unwrap();
                let told = covered.to_string();
                assert!(told.contains("the ledger") && told.contains(tree.name()), "{told}");
            }
        }
    }
}

#[test]
fn a_receipt_of_anything_else_is_refused() {
    for tree in TREES {
        let case = Case::new(tree);
        let receipt = |forgery| case.ledger.register(&case.statement, 5, 2, forgery);
        for (forgery, expected) in [
            (Forgery::None, "ok"),
            (
                Forgery::OtherEntry,
                match tree {
                    LedgerTree::CcfLedgerSha256 => "receipt-statement",
                    LedgerTree::Rfc9162Sha256 => "receipt-signature",
                },
            ),
            (Forgery::PathBit, "receipt-signature"),
            (
                Forgery::PathShorter,
                match tree {
                    LedgerTree::CcfLedgerSha256 => "receipt-signature",
                    LedgerTree::Rfc9162Sha256 => "receipt-proof",
                },
            ),
            (
                Forgery::PathLonger,
                match tree {
                    LedgerTree::CcfLedgerSha256 => "receipt-signature",
                    LedgerTree::Rfc9162Sha256 => "receipt-proof",
                },
            ),
            (Forgery::PathEndless, "receipt-proof"),
            (Forgery::ShortHash, "receipt-proof"),
            (Forgery::OtherSide, "receipt-signature"),
            (Forgery::ProofWithMore, "receipt-proof"),
            (Forgery::ProofCut, "receipt-proof"),
            (Forgery::ProofDeep, "receipt-proof"),
            (Forgery::NoProof, "receipt-header"),
            (Forgery::FiveProofs, "receipt-header"),
            (Forgery::TwoRoots, "receipt-proof"),
            (Forgery::ProofsTwice, "receipt-header"),
            (Forgery::OtherTree, "receipt-proof"),
            (Forgery::UnknownTree, "receipt-data-structure"),
            (Forgery::NoTree, "receipt-data-structure"),
            (Forgery::PayloadWithin, "receipt-header"),
            (Forgery::Critical, "receipt-form"),
            (Forgery::OtherKey, "receipt-signature"),
            (Forgery::OtherKid, "receipt-ledger"),
            (Forgery::OtherAlgorithm, "receipt-algorithm"),
            (Forgery::Later, "receipt-registered-at"),
            (Forgery::Untagged, "receipt-form"),
        ] {
            assert_eq!(
                case.check(&case.statement, &[receipt(forgery)]),
                expected,
                "{tree:?} {forgery:?}"
            );
        }
        // One that holds does not make up for one that does not; another ledger's is left out.
        let (good, bad) = (receipt(Forgery::None), receipt(Forgery::PathBit));
        assert_eq!(case.check(&case.statement, &[good.clone(), bad]), "receipt-signature");
        let others = receipt(Forgery::OtherKid);
        assert_eq!(case.check(&case.statement, &[others, good.clone()]), "ok");
        assert_eq!(case.check(&case.statement, &[]), "receipt-ledger");
        assert_eq!(case.check(&case.statement, &vec![good.clone(); 9]), "receipt-form");
        // The receipt of another statement of the same publisher.
        let other = write_statement(b"{}", &head(at()), &case.publisher).unwrap();
        let of_other = case.ledger.register(&other, 5, 2, Forgery::None);
        assert_ne!(case.check(&case.statement, std::slice::from_ref(&of_other)), "ok");
        let covered = case.verify(&other, &[of_other]).unwrap().check_covers(&publication());
        assert_eq!(covered.unwrap_err().check(), "statement-document");
        // Another ledger's key under the same name.
        let keys = LedgerKey::read("x", Ledger::new(tree).public_pem().as_bytes()).unwrap();
        let publishers = [case.publisher.public_key()];
        let error =
            TransparentStatement::verify(&case.statement, &[good], &publishers, &keys, at());
        assert_eq!(error.unwrap_err().check(), "receipt-ledger");
    }
}

/// The unprotected headers are for whoever passes a statement on to write.
#[test]
fn whoever_passes_a_statement_on_cannot_spoil_it() {
    for tree in TREES {
        let case = Case::new(tree);
        let receipt = |forgery| case.ledger.register(&case.statement, 5, 2, forgery);
        let good = receipt(Forgery::None);
        // Written by hand: no library writes a header twice.
        let Value::Tag(18, message) = Value::from_slice(&case.statement).unwrap() else { panic!() };
        let parts = message.into_array().unwrap();
        let bytes = |receipt: &Vec<u8>| Value::Bytes(receipt.clone());
        let with = |headers: Vec<(i64, Value)>| {
            let headers = headers.into_iter().map(|(label, value)| (Value::from(label), value));
            let mut parts = parts.clone();
            parts[1] = Value::Map(headers.collect());
            let written = Value::Tag(18, Box::new(Value::Array(parts))).to_vec().unwrap();
            case.check(&written, &[])
        };
        let among = |junk: Vec<Value>| {
            let junk_first = junk.iter().cloned().chain([bytes(&good)]).collect();
            let junk_last = [bytes(&good)].into_iter().chain(junk).collect();
            let all = [junk_first, junk_last].map(|all| with(vec![(394, Value::Array(all))]));
            assert_eq!(all[0], all[1]);
            all[0]
        };
        let forged = |forgery| bytes(&receipt(forgery));
        for junk in [
            vec![forged(Forgery::OtherKid); 9],
            vec![forged(Forgery::PathBit); 9],
            vec![bytes(&good); 9],
            vec![Value::Bytes(Vec::new())],
            vec![Value::Bytes(vec![0xff; 1000])],
            vec![Value::Bytes(vec![0; 40_000])],
            vec![forged(Forgery::Untagged)],
            vec![forged(Forgery::Critical), forged(Forgery::OtherKey), forged(Forgery::ProofDeep)],
            vec![Value::Null, Value::from(7), Value::Array(Vec::new())],
        ] {
            assert_eq!(among(junk.clone()), "ok", "{tree:?}");
            // Without the good one it is junk still.
            let alone = junk.iter().filter(|one| **one != bytes(&good)).cloned().collect();
            assert_ne!(with(vec![(394, Value::Array(alone))]), "ok", "{tree:?}");
        }
        let receipts = || (394, Value::Array(vec![bytes(&good)]));
        let countersignature =
            Value::Array(vec![Value::Bytes(Vec::new()), Value::Map(Vec::new()), Value::Null]);
        for header in [
            (1, Value::from("no algorithm")),
            (4, Value::from(7)),
            (7, countersignature),
            (394, Value::from("none")),
            (394, Value::Array(vec![forged(Forgery::PathBit)])),
        ] {
            assert_eq!(with(vec![header.clone(), receipts()]), "ok", "{header:?}");
            assert_eq!(with(vec![receipts(), header.clone()]), "ok", "{header:?}");
            assert_ne!(with(vec![header]), "ok");
        }
        // What is looked at has an end.
        let junk = |count| {
            let all = vec![forged(Forgery::PathBit); count].into_iter().chain([bytes(&good)]);
            with(vec![(394, Value::Array(all.collect()))])
        };
        assert_eq!((junk(63), junk(64)), ("ok", "receipt-signature"));
        // Of those that the caller gives apart, each of the ledger must hold.
        let within = with_receipts(&case.statement, std::slice::from_ref(&good)).unwrap();
        assert_eq!(case.check(&within, &[receipt(Forgery::PathBit)]), "receipt-signature");
        assert_eq!(case.check(&within, &[receipt(Forgery::OtherKid)]), "ok");
        assert_eq!(case.check(&within, &[vec![0]]), "receipt-form");
        assert_eq!(case.check(&case.statement, &vec![good.clone(); 8]), "ok");
    }
}

/// No receipt that was cut or changed in one bit holds, wherever that is.
#[test]
fn no_receipt_that_is_cut_or_changed_in_one_bit_holds() {
    for tree in TREES {
        let case = Case::new(tree);
        let good = case.ledger.register(&case.statement, 5, 2, Forgery::None);
        for length in 0..good.len() {
            assert_ne!(case.check(&case.statement, &[good[..length].to_vec()]), "ok", "{length}");
        }
        // Of a tree of RFC 9162 the size is not signed: another in which the entry stands at the same place leads to
        // the same root.
        let is_size = |place: usize| {
            tree == LedgerTree::Rfc9162Sha256 && good[..=place].ends_with(&[0x83, 5])
        };
        for place in (0..good.len()).filter(|place| !is_size(*place)) {
            for bit in 0..8 {
                let mut changed = good.clone();
                changed[place] ^= 1 << bit;
                assert_ne!(case.check(&case.statement, &[changed]), "ok", "{tree:?} {place}.{bit}");
            }
        }
        let longer = [good.as_slice(), &[0]].concat();
        assert_eq!(case.check(&case.statement, &[longer]), "receipt-form");
    }
}

#[test]
fn a_statement_counts_under_a_pinned_key_and_as_it_was_signed() {
    let keys = [bare(KeySpec::P256), bare(KeySpec::P384)];
    let verify = |statement: &[u8], trusted: &[BarePublicKey], at: UnixTime| {
        let verified = avouch_client::VerifiedStatement::verify(statement, trusted, at);
        verified.map_or_else(|error| error.check(), |_| "ok")
    };
    for key in &keys {
        let (signed, trusted) = (statement(key), [key.public_key()]);
        let (read, receipts) =
            avouch_client::VerifiedStatement::verify(&signed, &trusted, at()).unwrap();
        assert_eq!((read.issuer(), read.subject()), ("https://attest.example", "measurements"));
        assert_eq!((read.issued_at(), receipts.len()), (at(), 0));
        assert_eq!(read.payload(), publication().to_document().unwrap().as_bytes());
        assert_eq!(
            verify(&signed, &trusted, at().saturating_add_seconds(-1)),
            "statement-issued-at"
        );
        let other = bare(KeySpec::P256).public_key();
        assert_eq!(verify(&signed, &[other], at()), "statement-key");
        for place in 0..signed.len() {
            let mut changed = signed.clone();
            changed[place] ^= 1;
            assert_ne!(verify(&changed, &trusted, at()), "ok", "{place}");
            assert_ne!(verify(&signed[..place], &trusted, at()), "ok", "{place}");
        }
        for (forged, expected) in ledger::forged_statements(key) {
            assert_eq!(verify(&forged, &trusted, at()), expected);
        }
        let large = with_receipts(&signed, &vec![vec![0; 100_000]; 6]).unwrap();
        assert_eq!(verify(&large, &trusted, at()), "statement-form");
    }
    // RSA makes no statements that ledgers take under this name.
    let error = write_statement(b"{}", &head(at()), &bare(KeySpec::Rsa2048)).unwrap_err();
    assert_eq!(error.check(), "statement-algorithm");
}

#[test]
fn a_certificate_beside_a_statement_is_of_the_key_that_signed() {
    let pem = SigningKey::generate(KeySpec::P256).unwrap();
    let key = BarePrivateKey::from_pkcs8_pem(&pem.to_pkcs8_pem().unwrap()).unwrap();
    let der = avouch_token::provider_certificate(&pem, "https://attest.example", None).unwrap();
    let certificate = avouch_pki::Certificate::parse(&der).unwrap();
    let certificates = [certificate];
    let with = StatementHead { certificates: &certificates, ..head(at()) };
    let signed = write_statement(b"{}", &with, &key).unwrap();
    let trusted = [key.public_key()];
    assert!(avouch_client::VerifiedStatement::verify(&signed, &trusted, at()).is_ok());
    let message = Sign1::parse("SignedStatement", &signed, signed.len()).unwrap();
    let chain = avouch_cose::words::number(message.protected(), avouch_cose::words::X5CHAIN);
    assert_eq!(chain, Some(&Value::Array(vec![Value::Bytes(der)])));
    let error = write_statement(b"{}", &with, &bare(KeySpec::P256)).unwrap_err();
    assert_eq!(error.check(), "statement-key");
}

#[test]
fn ledgers_are_pinned_by_key_by_certificate_or_by_key_set() {
    let signing = SigningKey::generate(KeySpec::P384).unwrap();
    let der = avouch_token::provider_certificate(&signing, "https://ledger.example", None).unwrap();
    let certificate = avouch_pki::pem::encode("CERTIFICATE", &der);
    let published = avouch_token::PublishedKey::new(&signing, &[der]);
    let set = avouch_token::jwks_document([&published]);
    let ledger = Ledger::with_key(LedgerTree::CcfLedgerSha256, signing);
    let case = Case { ledger, ..Case::new(LedgerTree::CcfLedgerSha256) };
    let receipt = case.ledger.register(&case.statement, 4, 1, Forgery::None);
    let publishers = [case.publisher.public_key()];
    for file in [case.ledger.public_pem(), certificate, set] {
        let keys = LedgerKey::read("the ledger", file.as_bytes()).unwrap();
        let receipts = std::slice::from_ref(&receipt);
        let held =
            TransparentStatement::verify(&case.statement, receipts, &publishers, &keys, at());
        assert!(held.is_ok(), "{file}");
    }
    let short = avouch_pki::PublicKey::rsa(&[0xff; 128], &[1, 0, 1]).unwrap();
    let short = avouch_pki::pem::encode("PUBLIC KEY", short.spki_der());
    for file in ["", "{}", "{\"keys\":[]}", "no key", &short] {
        assert!(LedgerKey::read("x", file.as_bytes()).is_err(), "{file}");
    }
}
