//! The quote, its signature and the values beside it, and the certification of the key.

use super::{Row, row};
use crate::tpm::keys::RsaKey;
use crate::tpm::plan::Value;
use crate::tpm::structures::{Bank, CERTIFY, QUOTE};

/// Breaks of attestations.
pub(super) const ROWS: &[Row] = &[
    row("quote-magic", "the TPM did not make the quote", "tpm-attest-magic", |plan| {
        plan.quote.magic = 0x5443_4721;
    }),
    row(
        "quote-type",
        "the quote says that it is a certification",
        "tpm-attest-structure",
        |plan| {
            plan.quote.tag = CERTIFY;
        },
    ),
    row("quote-unknown-type", "the quote is of an unknown type", "tpm-attest-type", |plan| {
        plan.quote.tag = 0x801d;
    }),
    row("quote-trailing", "a byte follows the quote", "tpm-attest-structure", |plan| {
        plan.quote.trailing = vec![0];
    }),
    row("quote-safe", "`safe` is neither yes nor no", "tpm-attest-structure", |plan| {
        plan.quote.safe = 2;
    }),
    row("quote-signature", "one bit of the signature is another", "tpm-signature", |plan| {
        plan.signature.flipped = true;
    }),
    row("quote-other-signer", "another key signed the quote", "tpm-signature", |plan| {
        plan.signature.key = RsaKey::Other;
    }),
    row("quote-scheme", "the signature names another scheme", "tpm-signature-scheme", |plan| {
        plan.signature.hash = 0x000c;
    }),
    row("quote-ecdsa", "the RSA signature is called ECDSA", "tpm-signature-structure", |plan| {
        plan.signature.algorithm = 0x0018;
    }),
    row("quote-ecdaa", "the signature is called ECDAA", "tpm-signature-algorithm", |plan| {
        plan.signature.algorithm = 0x001a;
    }),
    row(
        "quote-signature-trailing",
        "a byte follows the signature",
        "tpm-signature-structure",
        |plan| {
            plan.signature.trailing = vec![0];
        },
    ),
    row("quote-place", "the signer stands elsewhere", "tpm-qualified-signer", |plan| {
        plan.quote.signer = [[0x00, 0x0b].as_slice(), &[7; 32]].concat();
    }),
    row("quote-challenge", "the quote answers another challenge", "tpm-qualifying-data", |plan| {
        plan.quote.extra_data = vec![0; 16];
    }),
    row(
        "quote-challenge-longer",
        "the challenge is followed by more",
        "tpm-qualifying-data",
        |plan| {
            plan.quote.extra_data.push(0);
        },
    ),
    row(
        "quote-challenge-prefix",
        "the quote answers half of the challenge",
        "tpm-qualifying-data",
        |plan| {
            plan.quote.extra_data.truncate(8);
        },
    ),
    row("quote-no-challenge", "the quote answers nothing", "tpm-qualifying-data", |plan| {
        plan.quote.extra_data.clear();
    }),
    row("quote-nothing", "the quote selects nothing", "tpm-pcr-not-covered", |plan| {
        plan.banks.clear();
        plan.quoted.clear();
        plan.values.clear();
    }),
    row("quote-without-pcr-7", "PCR 7 is not quoted", "tpm-pcr-not-covered", |plan| {
        plan.banks = vec![Bank { id: 0x000b, bitmap: vec![0x7f, 0xff, 0xff] }];
        plan.quoted.remove(7);
        plan.values.remove(7);
    }),
    row("quote-sha1", "only the SHA-1 bank is quoted", "tpm-pcr-not-covered", |plan| {
        plan.banks = vec![Bank { id: 0x0004, bitmap: vec![0xff; 3] }];
        for value in &mut plan.values {
            value.bank = 0x0004;
            value.digest.truncate(20);
        }
        plan.quoted.iter_mut().for_each(|value| value.truncate(20));
    }),
    row("quote-bank-twice", "a bank is selected twice", "tpm-attest-structure", |plan| {
        plan.banks.extend(plan.banks.clone());
    }),
    row("quote-pcr-24", "PCR 24 is selected", "tpm-attest-structure", |plan| {
        plan.banks = vec![Bank { id: 0x000b, bitmap: vec![0xff, 0xff, 0xff, 0x01] }];
    }),
    row("pcr-missing", "a quoted value is not sent", "tpm-pcr-missing", |plan| {
        plan.values.remove(5);
    }),
    row("pcr-twice", "a value is sent twice", "tpm-pcr-twice", |plan| {
        plan.values.extend(plan.values.first().cloned());
    }),
    row("pcr-not-quoted", "a value is sent that is not quoted", "tpm-pcr-not-selected", |plan| {
        plan.values.push(Value { bank: 0x000c, index: 0, digest: vec![0; 48] });
    }),
    row("pcr-beyond", "a value of PCR 24 is sent", "tpm-pcr-not-selected", |plan| {
        plan.change_value(0, |value| value.index = 24);
    }),
    row("pcr-short", "a value is too short", "tpm-pcr-length", |plan| {
        plan.change_value(3, |value| value.digest.truncate(31));
    }),
    row("pcr-changed", "a value is another than the quoted one", "tpm-pcr-digest", |plan| {
        plan.change_value(3, |value| value.digest = vec![3; 32]);
    }),
    row("certify-magic", "the TPM did not make the certification", "tpm-attest-magic", |plan| {
        plan.certify.magic = 0;
    }),
    row(
        "certify-type",
        "the certification says that it is a quote",
        "tpm-attest-structure",
        |plan| {
            plan.certify.tag = QUOTE;
        },
    ),
    row("certify-signature", "the certification is not signed", "tpm-signature", |plan| {
        plan.certify_signature.flipped = true;
    }),
    row(
        "certify-challenge",
        "the certification answers another challenge",
        "tpm-qualifying-data",
        |plan| {
            plan.certify.extra_data = vec![0, 0xff, 0x55, 0xaa];
        },
    ),
    row(
        "certify-place",
        "the certification's signer stands elsewhere",
        "tpm-qualified-signer",
        |plan| {
            plan.certify.signer = [[0x00, 0x0b].as_slice(), &[7; 32]].concat();
        },
    ),
    row("certify-other-object", "another object is certified", "tpm-certified-name", |plan| {
        plan.certified_name = Some([[0x00, 0x0b].as_slice(), &[9; 32]].concat());
    }),
];
