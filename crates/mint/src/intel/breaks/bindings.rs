//! What the evidence binds: the attestation key, runtime data, init-time data, custom claims.

use avouch_pki::digest::sha256;

use super::{Row, at_stage, prepared, row};
use crate::{
    HeldData, Kss, OpenEnclaveFormat, Options, Stage,
    intel::{enclave_report::FLAG_KSS, open_enclave::Wrapper, plan::Keys, quote::Body},
};

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row(
        "attestation-key-not-bound",
        "the QE report vouches for another attestation key",
        "qe-report-binding",
        |plan| plan.quote.bound_key = Keys::STRANGER,
    ),
    row(
        "attestation-key-replaced",
        "another attestation key stands in the quote and signs it; the QE report is the old one",
        "qe-report-binding",
        |plan| {
            plan.quote.attestation_key = Keys::STRANGER;
            plan.quote.quote_signer = Keys::STRANGER;
        },
    ),
    row(
        "auth-data-changed",
        "a byte of the QE authentication data is another than the QE report vouches for",
        "qe-report-binding",
        |plan| {
            if let Some(first) = plan.quote.auth_data.first_mut() {
                *first ^= 1;
            }
        },
    ),
    row(
        "auth-data-removed",
        "the QE authentication data is gone; the QE report vouches for it",
        "qe-report-binding",
        |plan| plan.quote.auth_data.clear(),
    ),
    bound_runtime(row(
        "runtime-data",
        "the runtime data is not what the report data binds",
        "runtime-data",
        |plan| {
            if let Some(data) = &mut plan.runtime_data {
                data.bytes.insert(0, b' ');
            }
        },
    )),
    bound_runtime(row(
        "runtime-data-in-second-half",
        "the hash of the runtime data stands in the second half of the report data",
        "runtime-data",
        |plan| {
            let swap = |data: &mut [u8; 64]| data.rotate_left(32);
            match &mut plan.quote.body {
                Body::Enclave(report) => swap(&mut report.report_data),
                Body::Td(report, _) => swap(&mut report.report_data),
            }
        },
    )),
    at_stage(
        prepared(
            row(
                "init-time-data",
                "the init-time data is not what was measured at launch",
                "init-time-data",
                |plan| {
                    if let Some(data) = &mut plan.init_time_data {
                        data.bytes.push(b' ');
                    }
                },
            ),
            with_init_time_data,
        ),
        Stage::Binding,
    ),
];

/// A row about runtime data, of which there must be some.
const fn bound_runtime(row: Row) -> Row {
    let row = prepared(row, |options| {
        options.runtime_data.get_or_insert_with(|| HeldData::json(r#"{"known":"at run time"}"#));
        options.enclave.report_data = None;
        options.td.report_data = None;
    });
    at_stage(row, Stage::Binding)
}

fn with_init_time_data(options: &mut Options) {
    if options.init_time_data.is_none() {
        options.init_time_data = Some(HeldData::json(r#"{"known":"at launch"}"#));
    }
    options.enclave.kss.get_or_insert_default();
    options.enclave.kss.iter_mut().for_each(|kss: &mut Kss| kss.config_id = None);
    options.td.mr_config_id = None;
}

/// Breaks of SGX and Open Enclave.
pub(super) const SGX_ROWS: &[Row] = &[at_stage(
    prepared(
        row(
            "init-time-data-without-kss",
            "CONFIGID holds the hash of the init-time data, but the enclave has no KSS",
            "init-time-data",
            |plan| plan.change_enclave(|report| report.flags &= !FLAG_KSS),
        ),
        with_init_time_data,
    ),
    Stage::Binding,
)];

/// Breaks of TDX.
pub(super) const TDX_ROWS: &[Row] = &[at_stage(
    prepared(
        row(
            "init-time-data-rest",
            "MRCONFIGID goes on after the hash of the init-time data",
            "init-time-data",
            |plan| {
                plan.change_td(|td| {
                    let [.., last] = &mut td.mr_config_id;
                    *last = 1;
                });
            },
        ),
        with_init_time_data,
    ),
    Stage::Binding,
)];

/// Breaks of Open Enclave.
pub(super) const OPEN_ENCLAVE_ROWS: &[Row] = &[
    as_report(row(
        "wrapper-size-long",
        "the header declares one byte more than follows",
        "open-enclave-size",
        |plan| skew(&mut plan.wrapper, 1),
    )),
    as_report(row(
        "wrapper-size-short",
        "the header declares one byte less than follows",
        "open-enclave-size",
        |plan| skew(&mut plan.wrapper, -1),
    )),
    as_report(row(
        "wrapper-version",
        "the report header's version is 2",
        "open-enclave-version",
        |plan| {
            if let Wrapper::Report { version, .. } = &mut plan.wrapper {
                *version = 2;
            }
        },
    )),
    as_report(row(
        "wrapper-local-report",
        "the header announces a local report",
        "open-enclave-type",
        |plan| {
            if let Wrapper::Report { report_type, .. } = &mut plan.wrapper {
                *report_type = crate::intel::open_enclave::REPORT_TYPE_LOCAL;
            }
        },
    )),
    as_report(row(
        "wrapper-type-3",
        "the header announces a type that does not exist",
        "open-enclave-type",
        |plan| {
            if let Wrapper::Report { report_type, .. } = &mut plan.wrapper {
                *report_type = 3;
            }
        },
    )),
    as_report(row(
        "wrapper-trailing",
        "a byte follows the quote inside the declared size",
        "signature-data-length",
        |plan| plan.quote.padding.push(0),
    )),
    as_evidence(row(
        "evidence-version",
        "the evidence header's version is 2",
        "open-enclave-version",
        |plan| {
            if let Wrapper::Evidence { version, .. } = &mut plan.wrapper {
                *version = 2;
            }
        },
    )),
    as_evidence(row(
        "evidence-format-local",
        "the evidence header announces local attestation",
        "open-enclave-format",
        |plan| {
            if let Wrapper::Evidence { format, .. } = &mut plan.wrapper {
                *format = crate::intel::open_enclave::FORMAT_SGX_LOCAL;
            }
        },
    )),
    as_evidence(row(
        "evidence-format-unknown",
        "the evidence header's format is none of Open Enclave's",
        "open-enclave-format",
        |plan| {
            if let Wrapper::Evidence { format, .. } = &mut plan.wrapper {
                *format = [0x5a; 16];
            }
        },
    )),
    as_evidence(row(
        "evidence-size-long",
        "the evidence header declares one byte more than follows",
        "open-enclave-size",
        |plan| skew(&mut plan.wrapper, 1),
    )),
    at_stage(
        as_evidence(row(
            "evidence-claims",
            "the custom claims buffer is not what the report data binds",
            "custom-claims",
            |plan| {
                if let Wrapper::Evidence { claims, .. } = &mut plan.wrapper {
                    claims.push(b' ');
                }
            },
        )),
        Stage::Binding,
    ),
    at_stage(
        as_evidence(row(
            "evidence-report-data",
            "the report data binds nothing of the custom claims buffer",
            "custom-claims",
            |plan| {
                let other = crate::intel::quote::first_half(&sha256(b"other claims"));
                plan.change_enclave(|report| report.report_data = other);
                plan.runtime_data = None;
            },
        )),
        Stage::Binding,
    ),
];

const fn as_report(row: Row) -> Row {
    prepared(row, |options| options.open_enclave = OpenEnclaveFormat::Report)
}

const fn as_evidence(row: Row) -> Row {
    prepared(row, |options| options.open_enclave = OpenEnclaveFormat::Evidence)
}

fn skew(wrapper: &mut Wrapper, by: i64) {
    match wrapper {
        Wrapper::Report { size_skew, .. } | Wrapper::Evidence { size_skew, .. } => *size_skew = by,
        Wrapper::Bare | Wrapper::Claims(_) => {}
    }
}
