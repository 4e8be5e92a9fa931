//! A ledger that registers statements in a small tree, and does so wrongly where it is asked to.
#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::Arc;

use avouch_client::{LedgerTree, STATEMENT_CONTENT_TYPE};
use avouch_cose::coset::cbor::value::Value;
use avouch_cose::coset::{
    CborSerializable as _, ContentType, Header, Label, RegisteredLabelWithPrivate, iana,
};
use avouch_cose::{SignatureAlgorithm, write_sign1};
use avouch_pki::{digest, pem};
use avouch_token::{BarePrivateKey, KeySpec, SignError, Signer as _, SigningKey};
use avouch_wire::{Hex, UnixTime};

/// What is wrong with a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgery {
    None,
    OtherEntry,
    PathBit,
    PathShorter,
    PathLonger,
    PathEndless,
    ShortHash,
    OtherSide,
    ProofWithMore,
    ProofCut,
    ProofDeep,
    NoProof,
    FiveProofs,
    TwoRoots,
    ProofsTwice,
    OtherTree,
    UnknownTree,
    NoTree,
    PayloadWithin,
    Critical,
    OtherKey,
    OtherKid,
    OtherAlgorithm,
    Later,
    Untagged,
}

pub(crate) fn bare(spec: KeySpec) -> BarePrivateKey {
    let pem = SigningKey::generate(spec).unwrap().to_pkcs8_pem().unwrap();
    BarePrivateKey::from_pkcs8_pem(&pem).unwrap()
}

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()
}

pub(crate) struct Ledger {
    tree: LedgerTree,
    key: Arc<SigningKey>,
}

/// A step to the root: whether the other stands left, and its hash.
type Path = Vec<(bool, Hex<32>)>;

impl Ledger {
    pub(crate) fn new(tree: LedgerTree) -> Self {
        Self::with_key(tree, SigningKey::generate(KeySpec::P256).unwrap())
    }

    pub(crate) fn with_key(tree: LedgerTree, key: SigningKey) -> Self {
        Self { tree, key: Arc::new(key) }
    }

    pub(crate) fn public_pem(&self) -> String {
        pem::encode("PUBLIC KEY", self.key.public_key().spki_der())
    }

    /// The receipt of a statement at a place among so many.
    pub(crate) fn register(
        &self,
        statement: &[u8],
        size: usize,
        place: usize,
        forgery: Forgery,
    ) -> Vec<u8> {
        let registered: &[u8] = if forgery == Forgery::OtherEntry { b"another" } else { statement };
        let leaf = self.leaf(registered);
        let leaves: Vec<Hex<32>> = (0..size)
            .map(
                |index| {
                    if index == place { leaf } else { self.leaf(&[u8::try_from(index).unwrap()]) }
                },
            )
            .collect();
        let (root, mut path) = (self.root(&leaves), self.path(&leaves, place));
        match forgery {
            Forgery::PathBit => path[0].1.0[31] ^= 1,
            Forgery::PathShorter => drop(path.pop()),
            Forgery::PathLonger => path.push((false, Hex([7; 32]))),
            Forgery::PathEndless => path = vec![(false, Hex([7; 32])); 65],
            _ => {}
        }
        let proof = self.proof(registered, (size, place), &path, forgery);
        // Of the same entry, in a tree with nothing else in it.
        let alone = self.proof(registered, (1, 0), &Vec::new(), Forgery::None);
        self.receipt([proof, alone], &root, forgery)
    }

    fn evidence(&self) -> &'static str {
        "ce:2.1:0123456789abcdef"
    }

    fn leaf(&self, entry: &[u8]) -> Hex<32> {
        match self.tree {
            LedgerTree::Rfc9162Sha256 => digest::sha256_of_parts(&[&[0], entry]),
            LedgerTree::CcfLedgerSha256 => {
                let evidence = digest::sha256(self.evidence().as_bytes());
                let data = digest::sha256(entry);
                digest::sha256_of_parts(&[&[5; 32], evidence.as_bytes(), data.as_bytes()])
            }
        }
    }

    fn node(&self, left: &Hex<32>, right: &Hex<32>) -> Hex<32> {
        match self.tree {
            LedgerTree::Rfc9162Sha256 => {
                digest::sha256_of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
            }
            LedgerTree::CcfLedgerSha256 => {
                digest::sha256_of_parts(&[left.as_bytes(), right.as_bytes()])
            }
        }
    }

    /// The definition of both trees: the left part is the largest power of two below their size.
    fn root(&self, leaves: &[Hex<32>]) -> Hex<32> {
        match leaves {
            [one] => *one,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().div_ceil(2).next_power_of_two());
                self.node(&self.root(left), &self.root(right))
            }
        }
    }

    fn path(&self, leaves: &[Hex<32>], place: usize) -> Path {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().div_ceil(2).next_power_of_two());
        let (mut path, step) = if place < left.len() {
            (self.path(left, place), (false, self.root(right)))
        } else {
            (self.path(right, place - left.len()), (true, self.root(left)))
        };
        path.push(step);
        path
    }

    fn proof(
        &self,
        entry: &[u8],
        (size, place): (usize, usize),
        path: &Path,
        forgery: Forgery,
    ) -> Value {
        let hash = |hash: &Hex<32>| match forgery {
            Forgery::ShortHash => Value::Bytes(hash.0[..31].to_vec()),
            _ => Value::Bytes(hash.0.to_vec()),
        };
        match self.tree {
            LedgerTree::Rfc9162Sha256 => {
                let place = if forgery == Forgery::OtherSide { place ^ 1 } else { place };
                let steps = path.iter().map(|(_, other)| hash(other)).collect();
                let mut proof =
                    vec![Value::from(size as u64), Value::from(place as u64), Value::Array(steps)];
                if forgery == Forgery::ProofWithMore {
                    proof.push(Value::Null);
                }
                Value::Array(proof)
            }
            LedgerTree::CcfLedgerSha256 => {
                let flip = forgery == Forgery::OtherSide;
                let step = |(index, (left, other)): (usize, &(bool, Hex<32>))| {
                    let left = *left ^ (flip && index == 0);
                    Value::Array(vec![Value::Bool(left), hash(other)])
                };
                let steps = path.iter().enumerate().map(step).collect();
                let leaf = vec![
                    Value::Bytes(vec![5; 32]),
                    Value::Text(self.evidence().to_owned()),
                    Value::Bytes(digest::sha256(entry).0.to_vec()),
                ];
                let mut proof = vec![
                    (Value::from(1), Value::Array(leaf)),
                    (Value::from(2), Value::Array(steps)),
                ];
                if forgery == Forgery::ProofWithMore {
                    proof.push((Value::from(3), Value::Null));
                }
                Value::Map(proof)
            }
        }
    }

    fn receipt(&self, [proof, alone]: [Value; 2], root: &Hex<32>, forgery: Forgery) -> Vec<u8> {
        let mut bytes = proof.to_vec().unwrap();
        match forgery {
            Forgery::ProofCut => drop(bytes.pop()),
            // Lists in lists, deeper than anything is read.
            Forgery::ProofDeep => bytes = [vec![0x81; 40], bytes].concat(),
            _ => {}
        }
        let item = Value::Bytes(bytes);
        let proofs = match forgery {
            Forgery::NoProof => Vec::new(),
            Forgery::FiveProofs => vec![item; 5],
            Forgery::TwoRoots => vec![item, Value::Bytes(alone.to_vec().unwrap())],
            _ => vec![item],
        };
        let mut proofs = vec![(Value::from(-1), Value::Array(proofs))];
        if forgery == Forgery::ProofsTwice {
            proofs.push(proofs[0].clone());
        }
        let other = SigningKey::generate(KeySpec::P256).unwrap();
        let signer = if forgery == Forgery::OtherKey { &other } else { self.key.as_ref() };
        let payload = root.as_bytes().as_slice();
        let is_detached = forgery != Forgery::PayloadWithin;
        let message = write_sign1(self.protected(forgery), payload, is_detached, |bytes| {
            Ok::<_, SignError>(signer.sign(bytes).unwrap())
        });
        let written = message.unwrap().with_untrusted_headers(vec![(396, Value::Map(proofs))]);
        let written = written.unwrap();
        if forgery == Forgery::Untagged { written[1..].to_vec() } else { written }
    }

    fn protected(&self, forgery: Forgery) -> Header {
        let algorithm = match (forgery, self.key.algorithm().name()) {
            (Forgery::OtherAlgorithm, "ES256") => "ES384",
            (_, name) => name,
        };
        let kid = digest::sha256(self.key.public_key().spki_der()).to_string();
        let kid = if forgery == Forgery::OtherKid { kid.replace('0', "1") + "0" } else { kid };
        let given_at = at().seconds() + i64::from(forgery == Forgery::Later);
        let claims = Value::Map(vec![
            (Value::from(1), Value::from("ledger.example")),
            (Value::from(6), Value::from(given_at)),
        ]);
        let own = match self.tree {
            LedgerTree::Rfc9162Sha256 => 1,
            LedgerTree::CcfLedgerSha256 => 2,
        };
        let tree = match forgery {
            Forgery::OtherTree => 3 - own,
            Forgery::UnknownTree => 3,
            _ => own,
        };
        let mut rest = vec![(Label::Int(15), claims)];
        if forgery != Forgery::NoTree {
            rest.push((Label::Int(395), Value::from(tree)));
        }
        let critical = RegisteredLabelWithPrivate::Assigned(iana::HeaderParameter::Kid);
        Header {
            alg: SignatureAlgorithm::from_name(algorithm).unwrap().label(),
            key_id: kid.into_bytes(),
            crit: if forgery == Forgery::Critical { vec![critical] } else { Vec::new() },
            rest,
            ..Header::default()
        }
    }
}

/// Statements that are signed well and say something else, and the check that each fails.
pub(crate) fn forged_statements(key: &BarePrivateKey) -> Vec<(Vec<u8>, &'static str)> {
    let public = key.public_key();
    let claims = |members: Vec<(i64, Value)>| {
        let members = members.into_iter().map(|(label, value)| (Value::from(label), value));
        (Label::Int(15), Value::Map(members.collect()))
    };
    let whole = || {
        vec![
            (1, Value::from("https://attest.example")),
            (2, Value::from("measurements")),
            (6, Value::from(at().seconds())),
        ]
    };
    let without =
        |label: i64| claims(whole().into_iter().filter(|(own, _)| *own != label).collect());
    let good = || Header {
        alg: SignatureAlgorithm::from_name(public.algorithm()).unwrap().label(),
        content_type: Some(ContentType::Text(STATEMENT_CONTENT_TYPE.to_owned())),
        key_id: public.id().to_string().into_bytes(),
        rest: vec![claims(whole())],
        ..Header::default()
    };
    let write = |header: Header, is_detached: bool| {
        let message = write_sign1(header, b"{}", is_detached, |bytes| key.sign_bytes(bytes));
        message.unwrap().without_untrusted_headers().unwrap()
    };
    let mut twice = whole();
    twice.push((1, Value::from("another")));
    let long = Value::from("x".repeat(1025));
    let mut too_long = whole();
    too_long[0].1 = long;
    let eddsa = SignatureAlgorithm::EdDsa.label();
    let critical = RegisteredLabelWithPrivate::Assigned(iana::HeaderParameter::Kid);
    let headers = [
        (good(), "ok"),
        (Header { alg: eddsa, ..good() }, "statement-algorithm"),
        (Header { alg: None, ..good() }, "statement-algorithm"),
        (Header { content_type: None, ..good() }, "statement-content-type"),
        (
            Header { content_type: Some(ContentType::Text("application/json".into())), ..good() },
            "statement-content-type",
        ),
        (Header { key_id: Vec::new(), ..good() }, "statement-key"),
        (Header { crit: vec![critical], ..good() }, "statement-form"),
        (Header { rest: Vec::new(), ..good() }, "statement-header"),
        (Header { rest: vec![without(1)], ..good() }, "statement-header"),
        (Header { rest: vec![without(2)], ..good() }, "statement-header"),
        (Header { rest: vec![without(6)], ..good() }, "statement-header"),
        (Header { rest: vec![claims(twice)], ..good() }, "statement-header"),
        (Header { rest: vec![claims(too_long)], ..good() }, "statement-header"),
    ];
    let mut all: Vec<_> =
        headers.into_iter().map(|(header, check)| (write(header, false), check)).collect();
    all.push((write(good(), true), "statement-header"));
    all
}
