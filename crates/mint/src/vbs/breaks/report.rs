//! The report.

use super::{Row, chosen};
use crate::vbs::report::{ReportSignature, module_named};
use crate::vbs::{EnclaveData, Signer, VbsOptions, block, module};

const STRUCTURE: &str = "vbs-report-structure";
const SIZE: &str = "vbs-report-size";
const VERSION: &str = "vbs-report-version";
const SCHEME: &str = "vbs-report-scheme";
const ENCLAVE_TYPE: &str = "vbs-enclave-type";
const BLOCK: &str = "vbs-report-block";
const NAME: &str = "vbs-report-module-name";
const SIGNATURE: &str = "vbs-report-signature";
const DATA: &str = "vbs-report-data";

/// A row whose statement has another byte, at this place, than was signed.
macro_rules! edited {
    ($name:literal, $what:literal, $at:literal) => {
        chosen($name, $what, SIGNATURE, |options| options.report.edit_statement = Some($at))
    };
}

/// Breaks of the report.
pub(super) const ROWS: &[Row] = &[
    chosen("package-size-more", "the package says one byte more", SIZE, |options| {
        options.report.package_size_off_by = 1;
    }),
    chosen("package-size-less", "the package says one byte less", SIZE, |options| {
        options.report.package_size_off_by = u32::MAX;
    }),
    chosen("statement-size-more", "the statement says one byte more", SIZE, |options| {
        options.report.statement_size_off_by = 1;
    }),
    chosen("statement-size-huge", "the statement says that it is huge", SIZE, |options| {
        options.report.statement_size_off_by = 0xffff_fe00;
    }),
    chosen("signature-size-more", "the signature says one byte more", SIZE, |options| {
        options.report.signature_size_off_by = 1;
    }),
    chosen("signature-size-less", "the signature says one byte less", SIZE, |options| {
        options.report.signature_size_off_by = u32::MAX;
    }),
    chosen("sizes-overflow", "the sizes add up beyond 32 bits", SIZE, |options| {
        options.report.statement_size_off_by = 1 << 31;
        options.report.signature_size_off_by = 1 << 31;
    }),
    chosen("trailing", "a byte follows the report", SIZE, |options| {
        options.report.trailing = vec![0];
    }),
    chosen("trailing-counted", "a byte follows the report, and is counted", SIZE, |options| {
        options.report.trailing = vec![0];
        options.report.package_size_off_by = 1;
    }),
    chosen("version-0", "the package has the version 0", VERSION, |options| {
        options.report.version = 0;
    }),
    chosen("version-2", "the package has the version 2", VERSION, |options| {
        options.report.version = 2;
    }),
    chosen("report-version-2", "the report has the version 2", VERSION, |options| {
        options.report.report_version = 2;
    }),
    chosen("scheme-0", "the scheme of the signature is 0", SCHEME, |options| {
        options.report.scheme = 0;
    }),
    chosen("scheme-2", "the scheme of the signature is 2", SCHEME, |options| {
        options.report.scheme = 2;
    }),
    chosen("reserved", "a reserved field is not zero", STRUCTURE, |options| {
        options.report.reserved = 1;
    }),
    chosen("report-size-more", "the report says one byte more", SIZE, |options| {
        options.report.report_size_off_by = 1;
    }),
    chosen("report-size-less", "the report says one byte less", SIZE, |options| {
        options.report.report_size_off_by = u32::MAX;
    }),
    chosen("report-cut", "the report ends within its last field", SIZE, |options| {
        options.report.blocks = Vec::new();
        options.report.enclave_data_cut = 2;
    }),
    chosen("enclave-of-sgx", "the enclave says that SGX protects it", ENCLAVE_TYPE, |options| {
        options.report.enclave_type = 1;
    }),
    chosen("enclave-type-0", "the enclave is of no type", ENCLAVE_TYPE, |options| {
        options.report.enclave_type = 0;
    }),
    chosen("block-type-0", "a block has the type 0", BLOCK, |options| {
        options.report.blocks = block(0, &[0; 120]);
    }),
    chosen("block-type-2", "a block has an unknown type", BLOCK, |options| {
        options.report.blocks = block(2, &[0; 120]);
    }),
    chosen("block-size-0", "a block has the size 0", SIZE, |options| sized(options, 0)),
    chosen("block-size-7", "a block is smaller than its header", SIZE, |options| {
        sized(options, 7);
    }),
    chosen("block-size-8", "a block is empty", STRUCTURE, |options| sized(options, 8)),
    chosen("block-over", "a block goes on behind the report", SIZE, |options| {
        sized(options, 4096);
    }),
    chosen("block-cut", "the last block is cut", SIZE, |options| {
        options.report.blocks.truncate(40);
    }),
    chosen("name-missing", "a module has no name, not even an end of one", NAME, |options| {
        options.report.blocks = module_named(&[]);
    }),
    chosen("name-without-end", "the name of a module does not end", NAME, |options| {
        options.report.blocks = module_named(&[b'a', 0, b'b', 0]);
    }),
    chosen("name-with-two-ends", "the name of a module ends before its block", NAME, |options| {
        options.report.blocks = module("a\0b");
    }),
    chosen("name-odd", "the name of a module has half a character", NAME, |options| {
        options.report.blocks = module_named(&[b'a', 0, 0, 0, 0]);
    }),
    chosen("name-not-utf16", "the name of a module is no text", NAME, |options| {
        options.report.blocks = module_named(&[0, 0xd8, 0, 0]);
    }),
    chosen("modules-65", "the enclave has 65 modules", "vbs-report-modules", |options| {
        options.report.blocks = module("m").repeat(65);
    }),
    edited!("data-edited", "the enclave data are others than were signed", 8),
    edited!("owner-edited", "the owner is another than was signed", 72),
    edited!("image-edited", "the image is another than was signed", 104),
    edited!("author-edited", "the author is another than was signed", 136),
    edited!("svn-edited", "the security version is another than was signed", 200),
    edited!("flags-edited", "the flags are others than were signed", 212),
    edited!("module-edited", "a module is another than was signed", 240),
    chosen("signature-edited", "one bit of the signature is another", SIGNATURE, |options| {
        options.report.edit_signature = true;
    }),
    chosen("signature-cut", "the signature is a byte shorter", SIGNATURE, |options| {
        options.report.signature_cut = 1;
    }),
    chosen("signature-zeros", "the signature is zero", SIGNATURE, |options| {
        options.report.signature = ReportSignature::Zeros;
    }),
    chosen("signature-missing", "there is no signature", SIGNATURE, |options| {
        options.report.signature_cut = 256;
    }),
    chosen(
        "signer-aik",
        "the attestation key of the TPM signed the report",
        SIGNATURE,
        |options| {
            options.report.signer = Signer::Aik;
        },
    ),
    chosen(
        "signer-decryption-key",
        "the secure kernel's key for decryption signed the report",
        SIGNATURE,
        |options| options.report.signer = Signer::Decryption,
    ),
    chosen(
        "signer-request-key",
        "the key of the request signed the report",
        SIGNATURE,
        |options| {
            options.report.signer = Signer::Request;
        },
    ),
    chosen("signature-sha384", "the report is signed over SHA-384", SIGNATURE, |options| {
        options.report.signature = ReportSignature::PssSha384;
    }),
    chosen("signature-pkcs1", "the report is signed by PKCS #1 v1.5", SIGNATURE, |options| {
        options.report.signature = ReportSignature::Pkcs1;
    }),
    chosen(
        "statement-rewritten",
        "the report is over the statement written anew",
        DATA,
        |options| {
            options.report.enclave_data = EnclaveData::Rewritten;
        },
    ),
    chosen(
        "statement-without-braces",
        "the report is over the statement without its braces",
        DATA,
        |options| options.report.enclave_data = EnclaveData::WithoutBraces,
    ),
    chosen("statement-sha256", "the report is over SHA-256 of the statement", DATA, |options| {
        options.report.enclave_data = EnclaveData::Sha256;
    }),
    chosen("statement-none", "the report is over nothing", DATA, |options| {
        options.report.enclave_data = EnclaveData::Zeros;
    }),
];

/// Writes another size into the first block.
fn sized(options: &mut VbsOptions, size: u32) {
    if let Some(field) = options.report.blocks.get_mut(4..8) {
        field.copy_from_slice(&size.to_le_bytes());
    }
}
