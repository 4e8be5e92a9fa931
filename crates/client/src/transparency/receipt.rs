//! Receipts (COSE receipts): a proof of inclusion, under a root that the ledger signed.

use std::fmt;

use avouch_cose::coset::CborSerializable as _;
use avouch_cose::coset::Header;
use avouch_cose::coset::cbor::value::Value;
use avouch_cose::words::{
    CWT_CLAIMS, CWT_ISSUED_AT, CWT_ISSUER, VERIFIABLE_DATA_PROOFS, VERIFIABLE_DATA_STRUCTURE,
    integer, number, numbered, seconds,
};
use avouch_cose::{Sign1, SignatureAlgorithm, check_bounds};
use avouch_pki::{KeyKind, digest};
use avouch_wire::{Hex, UnixTime, excerpt};

use super::{LedgerKey, ReceiptError, ccf, rfc9162};

/// Largest receipt read, in bytes; real ones have under 2 KiB.
pub const RECEIPT_BYTES_MAX: usize = 32 * 1024;
/// Most receipts of one statement that count.
const RECEIPTS_MAX: usize = 8;
/// Most receipts in the headers of a statement that are verified: each may cost a signature.
const RECEIPTS_TRIED_MAX: usize = 64;
/// Most proofs in one receipt: all must lead to the root.
const PROOFS_MAX: usize = 4;
/// The label of inclusion proofs.
const INCLUSION: i64 = -1;
/// Longest name of an issuer, in bytes.
const ISSUER_BYTES_MAX: usize = 1024;

/// The sort of tree that a ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerTree {
    /// That of Certificate Transparency.
    Rfc9162Sha256,
    /// That of CCF.
    CcfLedgerSha256,
}

impl LedgerTree {
    const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Rfc9162Sha256),
            2 => Some(Self::CcfLedgerSha256),
            _ => None,
        }
    }

    /// The name in IANA's registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc9162Sha256 => "RFC9162_SHA256",
            Self::CcfLedgerSha256 => "CCF_LEDGER_SHA256",
        }
    }
}

/// What came with a statement.
pub(super) struct Receipts<'a> {
    /// In its unprotected headers.
    pub(super) within: Vec<Vec<u8>>,
    /// Apart from it.
    pub(super) beside: &'a [Vec<u8>],
}

/// A receipt by a pinned key, of a statement: [`crate::TransparentStatement`] and
/// [`crate::TransparentCodeStatement`] have them.
#[derive(Debug, Clone)]
pub struct VerifiedReceipt {
    ledger: String,
    tree: LedgerTree,
    issuer: Option<String>,
    registered_at: Option<UnixTime>,
    root: Hex<32>,
}

impl VerifiedReceipt {
    /// Verifies the receipts for what a ledger registered that are of pinned ledgers; one must hold.
    ///
    /// Of each: form (one tagged `COSE_Sign1` of at most 32 KiB, no critical headers, no payload), tree, proofs (one
    /// to four; each leads from the statement to the root), algorithm, signature over the root, time.
    ///
    /// Of those `beside` the statement, at most 8, each of a pinned ledger must hold: the caller chose them. Those
    /// `within` are in headers that whoever passes a statement on may write: what does not hold there is left out, and
    /// after 64 that name a pinned ledger no more are looked at.
    ///
    /// # Errors
    /// [`ReceiptError`] naming the check that failed.
    ///
    /// # Source
    /// RFC 9942 (COSE receipts); draft-ietf-scitt-receipts-ccf-profile. What a ledger registers is the statement
    /// with no unprotected headers: of trees of CCF its SHA-256, of others itself.
    pub(super) fn verify_all(
        receipts: &Receipts<'_>,
        registered: &[u8],
        ledgers: &[LedgerKey],
        at: UnixTime,
    ) -> Result<Vec<Self>, ReceiptError> {
        let Receipts { within, beside } = receipts;
        if beside.len() > RECEIPTS_MAX {
            return Err(ReceiptError::TooMany { found: beside.len(), limit: RECEIPTS_MAX });
        }
        let named = |receipt: &Sign1| {
            let kid = &receipt.protected().key_id;
            ledgers.iter().find(|ledger| ledger.is_called(kid))
        };
        let mut verified = Vec::new();
        for bytes in *beside {
            let receipt = Sign1::parse("Receipt", bytes, RECEIPT_BYTES_MAX)?;
            if let Some(ledger) = named(&receipt) {
                verified.push(Self::verify(&receipt, registered, ledger, at)?);
            }
        }
        let (mut refused, mut unread) = (None, None);
        let mut left = RECEIPTS_TRIED_MAX;
        for bytes in within {
            let receipt = match Sign1::parse("Receipt", bytes, RECEIPT_BYTES_MAX) {
                Ok(receipt) => receipt,
                Err(error) => {
                    unread.get_or_insert(error.into());
                    continue;
                }
            };
            let Some(ledger) = named(&receipt) else { continue };
            let Some(fewer) = left.checked_sub(1).filter(|_| verified.len() < RECEIPTS_MAX) else {
                break;
            };
            left = fewer;
            match Self::verify(&receipt, registered, ledger, at) {
                Ok(receipt) => verified.push(receipt),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        if verified.is_empty() {
            let (found, trusted) = (within.len().saturating_add(beside.len()), ledgers.len());
            let none = ReceiptError::NoneOfTrusted { found, trusted };
            return Err(refused.or(unread).unwrap_or(none));
        }
        Ok(verified)
    }

    fn verify(
        receipt: &Sign1,
        registered: &[u8],
        ledger: &LedgerKey,
        at: UnixTime,
    ) -> Result<Self, ReceiptError> {
        receipt.check_critical()?;
        if receipt.payload().is_some() {
            return Err(bad("payload", "is within; the root is for the proof to lead to"));
        }
        let header = receipt.protected();
        let tree = tree(header)?;
        let root = common_root(&proofs(receipt.untrusted_headers())?, tree, registered)?;
        check_signature(receipt, &root, ledger)?;
        let (issuer, registered_at) = claims(header)?;
        if let Some(registered_at) = registered_at.filter(|registered_at| *registered_at > at) {
            return Err(ReceiptError::Future { registered_at, at });
        }
        Ok(Self { ledger: ledger.name.clone(), tree, issuer, registered_at, root })
    }

    /// What the caller calls the ledger.
    #[must_use]
    pub fn ledger(&self) -> &str {
        &self.ledger
    }

    /// The sort of its tree.
    #[must_use]
    pub const fn tree(&self) -> LedgerTree {
        self.tree
    }

    /// What the ledger calls itself, if it says so.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// When it was given, by the ledger's word, if it says so.
    #[must_use]
    pub const fn registered_at(&self) -> Option<UnixTime> {
        self.registered_at
    }

    /// The root that is signed.
    #[must_use]
    pub const fn root(&self) -> &Hex<32> {
        &self.root
    }
}

impl fmt::Display for VerifiedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.ledger, self.tree.name())?;
        if let Some(issuer) = &self.issuer {
            write!(f, ", calls itself {}", excerpt(issuer))?;
        }
        if let Some(registered_at) = self.registered_at {
            write!(f, ", at {registered_at}")?;
        }
        f.write_str(")")
    }
}

fn tree(header: &Header) -> Result<LedgerTree, ReceiptError> {
    let found = number(header, VERIFIABLE_DATA_STRUCTURE);
    let tree = found.and_then(integer).and_then(LedgerTree::from_number);
    tree.ok_or_else(|| {
        let found = match found.map(integer) {
            Some(Some(number)) => number.to_string(),
            Some(None) => "no number".to_owned(),
            None => "absent".to_owned(),
        };
        ReceiptError::DataStructure { found }
    })
}

/// The inclusion proofs, each in a byte string of its own.
fn proofs(header: &Header) -> Result<Vec<Value>, ReceiptError> {
    const NAME: &str = "396 (vdp)";
    let proofs = number(header, VERIFIABLE_DATA_PROOFS).and_then(Value::as_map);
    let proofs = proofs.ok_or_else(|| bad(NAME, "expected a map"))?;
    let inclusion = numbered(proofs, INCLUSION).map_err(|_| bad(NAME, "-1 appears twice"))?;
    let inclusion = inclusion.and_then(Value::as_array);
    let inclusion = inclusion.ok_or_else(|| bad(NAME, "expected inclusion proofs (-1), a list"))?;
    if !(1..=PROOFS_MAX).contains(&inclusion.len()) {
        return Err(bad(
            NAME,
            format!("{} inclusion proofs, 1 to 4 are expected", inclusion.len()),
        ));
    }
    let proof = |item: &Value| {
        let bytes = item.as_bytes().ok_or_else(|| bad(NAME, "expected byte strings"))?;
        check_bounds("InclusionProof", bytes).map_err(ReceiptError::ProofBounds)?;
        Value::from_slice(bytes).map_err(|error| proof_error(error.to_string()))
    };
    inclusion.iter().map(proof).collect()
}

fn common_root(
    proofs: &[Value],
    tree: LedgerTree,
    registered: &[u8],
) -> Result<Hex<32>, ReceiptError> {
    let root = |proof: &Value| match tree {
        LedgerTree::Rfc9162Sha256 => rfc9162::root(proof, registered),
        LedgerTree::CcfLedgerSha256 => ccf::root(proof, &digest::sha256(registered)),
    };
    let mut roots = proofs.iter().map(root);
    let first = roots.next().unwrap_or_else(|| Err(proof_error("there is none")))?;
    for other in roots {
        if other? != first {
            return Err(proof_error("several proofs lead to different roots"));
        }
    }
    Ok(first)
}

fn check_signature(
    receipt: &Sign1,
    root: &Hex<32>,
    ledger: &LedgerKey,
) -> Result<(), ReceiptError> {
    let name = ledger.name.clone();
    let algorithm = SignatureAlgorithm::of(receipt.protected());
    let scheme = algorithm.filter(|found| fits(*found, ledger.key.kind()));
    let Some(scheme) = scheme.and_then(SignatureAlgorithm::scheme) else {
        let found = algorithm.map_or("none that is known", SignatureAlgorithm::name).to_owned();
        return Err(ReceiptError::Algorithm { found, ledger: name });
    };
    let message = receipt.signed_bytes(root.as_bytes());
    let holds = ledger.key.verify(scheme, &message, receipt.signature());
    holds.map_err(|_| ReceiptError::Signature { ledger: name })
}

pub(super) const fn fits(algorithm: SignatureAlgorithm, key: KeyKind) -> bool {
    match algorithm {
        SignatureAlgorithm::Es256 => matches!(key, KeyKind::P256),
        SignatureAlgorithm::Es384 => matches!(key, KeyKind::P384),
        SignatureAlgorithm::Es512 => matches!(key, KeyKind::P521),
        SignatureAlgorithm::Ps256 | SignatureAlgorithm::Ps384 | SignatureAlgorithm::Ps512 => {
            matches!(key, KeyKind::Rsa { .. })
        }
        SignatureAlgorithm::EdDsa => false,
    }
}

/// Who gave it and when, as far as it says so.
fn claims(header: &Header) -> Result<(Option<String>, Option<UnixTime>), ReceiptError> {
    const NAME: &str = "15 (CWT claims)";
    let Some(claims) = number(header, CWT_CLAIMS) else { return Ok((None, None)) };
    let claims = claims.as_map().ok_or_else(|| bad(NAME, "expected a map"))?;
    let claim = |label| numbered(claims, label).map_err(|_| bad(NAME, "a claim appears twice"));
    let issuer = match claim(CWT_ISSUER)? {
        None => None,
        Some(Value::Text(issuer)) if issuer.len() <= ISSUER_BYTES_MAX => Some(issuer.clone()),
        Some(_) => return Err(bad(NAME, "iss is no text of at most 1024 bytes")),
    };
    let registered_at = match claim(CWT_ISSUED_AT)? {
        None => None,
        Some(value) => {
            let moment = seconds(value).and_then(|seconds| UnixTime::from_seconds(seconds).ok());
            Some(moment.ok_or_else(|| bad(NAME, "iat is no whole seconds since the epoch"))?)
        }
    };
    Ok((issuer, registered_at))
}

/// A hash in a proof.
pub(super) fn hash(value: &Value) -> Result<Hex<32>, ReceiptError> {
    let bytes = value.as_bytes().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    bytes.map(Hex).ok_or_else(|| proof_error("expected a hash of 32 bytes"))
}

pub(super) fn proof_error(reason: impl Into<String>) -> ReceiptError {
    ReceiptError::Proof(reason.into())
}

fn bad(name: &'static str, reason: impl Into<String>) -> ReceiptError {
    ReceiptError::Header { name, reason: reason.into() }
}
