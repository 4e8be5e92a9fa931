//! The request that carries the evidence.

use serde_json::{Value, json};

use super::{Row, prepared, row};
use crate::tpm::keys::RsaKey;
use crate::tpm::options::{RequestForm, TpmOptions};
use crate::vbs::VbsReport;

/// The member of this path; a number is the place in an array.
fn at<'a>(payload: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(payload, |value, name| match name.parse::<usize>() {
        Ok(index) => value.get_mut(index),
        Err(_) => value.get_mut(name),
    })
}

fn set(payload: &mut Value, path: &[&str], name: &str, value: Value) -> Option<()> {
    at(payload, path)?.as_object_mut()?.insert(name.to_owned(), value);
    Some(())
}

fn remove(payload: &mut Value, path: &[&str], name: &str) -> Option<()> {
    at(payload, path)?.as_object_mut()?.remove(name).map(drop)
}

const DATA: &[&str] = &["att_data"];
const CURRENT: &[&str] = &["att_data", "tpm_att_data", "current_attestation"];
const BOOT: &[&str] = &["att_data", "tpm_att_data", "boot_attestation"];
const OTHER_JWK: &[&str] = &["att_data", "other_keys", "0", "jwk"];
const REQUEST_KEY: &[&str] = &["att_data", "request_key"];
const ENCLAVE: &[&str] = &["att_data", "vsm_report", "enclave"];
const SIGNED: &[&str] = &["att_data", "report_signed"];
const INFO: &[&str] = &["att_data", "request_key", "info"];
const JWK: &[&str] = &["att_data", "request_key", "jwk"];

/// Breaks of the request.
pub(super) const ROWS: &[Row] = &[
    row(
        "request-signature",
        "one bit of the request's signature is another",
        "tpm-request-signature",
        |plan| {
            plan.jws.flipped = true;
        },
    ),
    row(
        "request-other-signer",
        "another key signed the request",
        "tpm-request-signature",
        |plan| {
            plan.jws.signer = RsaKey::Other;
        },
    ),
    row("request-algorithm", "the request says RS256", "tpm-request-header", |plan| {
        plan.jws.header = r#"{"alg":"RS256","typ":"attReqV2"}"#.to_owned();
    }),
    row("request-none", "the request says that it is unsigned", "tpm-request-header", |plan| {
        plan.jws.header = r#"{"alg":"none","typ":"attReqV2"}"#.to_owned();
    }),
    row("request-type", "the request is of an unknown type", "tpm-request-header", |plan| {
        plan.jws.header = r#"{"alg":"PS256","typ":"JWT"}"#.to_owned();
    }),
    row("request-header-key", "the request's header brings a key", "tpm-request-header", |plan| {
        plan.jws.header = r#"{"alg":"PS256","typ":"attReqV2","jwk":{}}"#.to_owned();
    }),
    row(
        "request-header-critical",
        "the request's header has critical members",
        "tpm-request-header",
        |plan| {
            plan.jws.header = r#"{"alg":"PS256","typ":"attReqV2","crit":["x"]}"#.to_owned();
        },
    ),
    row("request-version", "a second version is called the first", "tpm-request-member", |plan| {
        plan.jws.header = r#"{"alg":"PS256","typ":"attReq"}"#.to_owned();
    }),
    row("request-challenge", "the request names another challenge", "tpm-challenge", |plan| {
        plan.change_request = Some(|payload| set(payload, DATA, "challenge", json!("AAAA")));
    }),
    row("request-no-challenge", "the request names no challenge", "tpm-request-member", |plan| {
        plan.change_request = Some(|payload| remove(payload, DATA, "challenge"));
    }),
    row("request-no-aik", "the request has no AIK certificate", "tpm-aik-missing", |plan| {
        plan.change_request = Some(|payload| remove(payload, CURRENT, "aik_cert"));
    }),
    row("request-aik-swapped", "the request names another AIK", "tpm-aik-swapped", |plan| {
        plan.aik_jwk = RsaKey::Other;
    }),
    row("request-att-type", "the request attests something else", "tpm-request-member", |plan| {
        plan.change_request = Some(|payload| set(payload, &[], "att_type", json!("sgx")));
    }),
    row("request-log-type", "a log is of an unknown type", "tpm-request-member", |plan| {
        plan.change_request =
            Some(|payload| set(payload, CURRENT, "logs", json!([{"type": "SYS", "log": ""}])));
    }),
    row("request-three-keys", "the request has three other keys", "tpm-other-keys", |plan| {
        plan.change_request = Some(|payload| {
            let key = at(payload, REQUEST_KEY)?.clone();
            set(payload, DATA, "other_keys", json!([key, key, key]))
        });
    }),
    row("request-two-bindings", "the request's key is bound twice", "tpm-request-member", |plan| {
        plan.change_request =
            Some(|payload| set(payload, INFO, "tpm_quote", json!({"hash_alg": "sha-256"})));
    }),
    row(
        "request-unbound",
        "nothing ties the request's key to the TPM",
        "tpm-request-key-unbound",
        |plan| {
            plan.change_request = Some(|payload| remove(payload, REQUEST_KEY, "info"));
        },
    ),
    row(
        "request-binding-unproven",
        "the quote does not hold the key that it should",
        "tpm-qualifying-data",
        |plan| {
            plan.change_request = Some(|payload| {
                set(payload, REQUEST_KEY, "info", json!({"tpm_quote": {"hash_alg": "sha-256"}}))
            });
        },
    ),
    row(
        "request-other-key",
        "the certified key is not the request's",
        "tpm-certified-key",
        |plan| {
            (plan.request_jwk, plan.jws.signer) = (RsaKey::Other, RsaKey::Other);
        },
    ),
    row(
        "request-private-key",
        "the request's key has a private part",
        "tpm-request-member",
        |plan| {
            plan.change_request = Some(|payload| set(payload, JWK, "d", json!("AQ")));
        },
    ),
    prepared(
        row("boot-other-aik", "another AIK attests the boot", "tpm-boot-aik", |plan| {
            plan.change_request = Some(|payload| {
                let other = at(payload, OTHER_JWK)?.clone();
                set(payload, BOOT, "aik_pub", other)
            });
        }),
        after_sleep,
    ),
    prepared(
        row(
            "boot-signature",
            "the attestation of the boot is not signed",
            "tpm-signature",
            |plan| {
                plan.change_request = Some(|payload| {
                    let info = at(payload, INFO)?.get("tpm_certify")?.get("signature")?.clone();
                    set(payload, BOOT, "signature", info)
                });
            },
        ),
        after_sleep,
    ),
    prepared(
        row("claim-magic", "Windows' claim is of another kind", "tpm-claim-blob", |plan| {
            plan.claim.magic = *b"KADS";
        }),
        in_first_version,
    ),
    prepared(
        row("claim-platform", "Windows' claim is of a TPM 1.2", "tpm-claim-blob", |plan| {
            plan.claim.platform = 1;
        }),
        in_first_version,
    ),
    prepared(
        row(
            "claim-header",
            "Windows' claim says another length of its head",
            "tpm-claim-blob",
            |plan| {
                plan.claim.header_length = 32;
            },
        ),
        in_first_version,
    ),
    prepared(
        row("claim-trailing", "a byte follows Windows' claim", "tpm-claim-blob", |plan| {
            plan.claim.trailing = vec![0];
        }),
        in_first_version,
    ),
    prepared(
        row("vbs-without-report", "the enclave has no report", "tpm-request-member", |plan| {
            plan.change_request = Some(|payload| remove(payload, DATA, "vsm_report"));
        }),
        with_enclave,
    ),
    prepared(
        row(
            "vbs-report-of-first-version",
            "the enclave's report stands where the first version has it",
            "tpm-request-member",
            |plan| {
                plan.change_request = Some(|payload| {
                    let report = at(payload, ENCLAVE)?.get("report")?.clone();
                    set(payload, DATA, "vsm_report", report)
                });
            },
        ),
        with_enclave,
    ),
    prepared(
        row(
            "vbs-two-statements",
            "what the enclave vouches for has another such statement in it",
            "tpm-request-member",
            |plan| {
                plan.change_request =
                    Some(|payload| set(payload, SIGNED, "report_signed", json!({})));
            },
        ),
        with_enclave,
    ),
    row(
        "basic-with-report",
        "a request about no enclave has a report",
        "tpm-request-member",
        |plan| {
            plan.change_request = Some(|payload| {
                set(payload, DATA, "vsm_report", json!({"enclave": {"report": ""}}))
            });
        },
    ),
    row(
        "basic-with-statement",
        "a request about no enclave has a statement for one",
        "tpm-request-member",
        |plan| {
            plan.change_request = Some(|payload| set(payload, DATA, "report_signed", json!({})));
        },
    ),
    prepared(
        row(
            "vbs-called-basic",
            "a request about an enclave says that it is about none",
            "tpm-request-member",
            |plan| {
                plan.change_request = Some(|payload| set(payload, &[], "att_type", json!("basic")));
            },
        ),
        with_enclave,
    ),
];

fn after_sleep(options: &mut TpmOptions) {
    options.form = RequestForm::SecondAfterSleep;
}

fn in_first_version(options: &mut TpmOptions) {
    options.form = RequestForm::First;
}

fn with_enclave(options: &mut TpmOptions) {
    options.enclave = Some(VbsReport::default());
}
