//! The endorsement of the utility VM.

use super::{Row, chosen, prepared, row};
use crate::Options;
use crate::snp::cbor::Cbor;
use crate::snp::certificates::SubjectKey;
use crate::snp::keys::RsaKey;
use crate::snp::options::{UvmForm, UvmTop};
use crate::snp::uvm::set_header;

/// Whichever form the options choose, else the old one.
fn either(options: &mut Options) {
    options.snp.uvm.get_or_insert(UvmForm::Json);
}

fn json(options: &mut Options) {
    options.snp.uvm = Some(UvmForm::Json);
}

fn cwt(options: &mut Options) {
    options.snp.uvm = Some(UvmForm::Cwt);
}

const fn any(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut super::Plan),
) -> Row {
    prepared(row(name, what, expected_check, apply), either)
}

fn with_top(options: &mut Options, top: UvmTop) {
    either(options);
    options.snp.uvm_top = top;
}

/// Breaks of the endorsement.
pub(super) const ROWS: &[Row] = &[
    any("uvm-untagged", "the COSE_Sign1 has no tag", "uvm-cose", |plan| {
        plan.change_uvm(|uvm| uvm.after_signing = Some(|envelope| envelope.tag = None));
    }),
    any("uvm-algorithm", "the algorithm is PS256", "uvm-algorithm", |plan| {
        plan.change_uvm(|uvm| {
            uvm.change_headers = Some(|headers| set_header(headers, &Cbor::Int(1), Cbor::Int(-37)));
        });
    }),
    any("uvm-critical-header", "a header is critical", "uvm-critical-header", |plan| {
        plan.change_uvm(|uvm| {
            uvm.change_headers = Some(|headers| {
                let critical = Cbor::Array(vec![Cbor::text("iss")]);
                set_header(headers, &Cbor::Int(2), critical);
            });
        });
    }),
    any("uvm-signature", "a bit of the COSE signature is another", "uvm-signature", |plan| {
        plan.change_uvm(|uvm| {
            uvm.after_signing = Some(|envelope| {
                if let Some(byte) = envelope.signature.first_mut() {
                    *byte ^= 1;
                }
            });
        });
    }),
    any("uvm-payload-altered", "the payload changed after signing", "uvm-signature", |plan| {
        plan.change_uvm(|uvm| {
            uvm.after_signing = Some(|envelope| {
                if let Some(byte) = envelope.payload.last_mut() {
                    *byte ^= 1;
                }
            });
        });
    }),
    any("uvm-signed-by-other", "another key signed the endorsement", "uvm-signature", |plan| {
        plan.change_uvm(|uvm| uvm.signing_key = RsaKey::UvmCa);
    }),
    any(
        "uvm-measurement",
        "the endorsement is of another measurement",
        "uvm-measurement",
        |plan| {
            plan.change_uvm(|uvm| uvm.measurement = [7; 48]);
        },
    ),
    any("uvm-svn", "the security version is below the floor", "uvm-svn", |plan| {
        plan.change_uvm(|uvm| {
            uvm.svn = 99;
            uvm.svn_number = Some(99);
        });
    }),
    any("uvm-feed", "the feed is unknown", "uvm-untrusted", |plan| {
        plan.change_uvm(|uvm| uvm.feed = "ContainerPlat-Other-UVM".to_owned());
    }),
    any("uvm-issuer", "the issuer is unknown", "uvm-untrusted", |plan| {
        plan.change_uvm(|uvm| uvm.issuer = uvm.issuer.replace(".59.1.2", ".59.1.3"));
    }),
    any("uvm-did", "the issuer is no did:x509", "uvm-did", |plan| {
        plan.change_uvm(|uvm| uvm.issuer = "did:web:avouch-mint.example".to_owned());
    }),
    any("uvm-did-fingerprint", "the chain leads to another root", "uvm-did-fingerprint", |plan| {
        plan.change_uvm(|uvm| uvm.top.serial = 99);
    }),
    any(
        "uvm-no-usage",
        "the signer lacks the extended key usage",
        "uvm-extended-key-usage",
        |plan| {
            plan.change_uvm(|uvm| uvm.signer.extended_key_usages.clear());
        },
    ),
    any(
        "uvm-other-usage",
        "the signer has another extended key usage",
        "uvm-extended-key-usage",
        |plan| {
            plan.change_uvm(|uvm| {
                uvm.signer.extended_key_usages = vec![&[1, 3, 6, 1, 4, 1, 311, 76, 59, 1, 3]];
            });
        },
    ),
    any(
        "uvm-signer-expired",
        "the signer had expired when it signed",
        "uvm-certificate-expired",
        |plan| {
            plan.change_uvm(|uvm| {
                uvm.signer.not_after = uvm.signed_at.saturating_add_seconds(-1);
            });
        },
    ),
    any(
        "uvm-signer-not-yet-valid",
        "the signer was not valid yet when it signed",
        "uvm-certificate-not-yet-valid",
        |plan| {
            plan.change_uvm(|uvm| {
                uvm.signer.not_before = uvm.signed_at.saturating_add_seconds(1);
            });
        },
    ),
    any(
        "uvm-authority-expired",
        "the CA had expired when it was used",
        "uvm-certificate-expired",
        |plan| {
            plan.change_uvm(|uvm| {
                uvm.authority.not_after = uvm.signed_at.saturating_add_seconds(-1);
            });
        },
    ),
    any("uvm-signed-in-future", "it will be signed in a second", "uvm-signed-in-future", |plan| {
        let soon = plan.in_one_second();
        plan.change_uvm(|uvm| uvm.signed_at = soon);
    }),
    any(
        "uvm-signer-signature",
        "a bit of the signer's certificate signature is another",
        "uvm-certificate-signature",
        |plan| {
            plan.change_uvm(|uvm| uvm.signer.broken_signature = true);
        },
    ),
    any(
        "uvm-authority-foreign",
        "a foreign key of the same name signed the CA",
        "uvm-certificate-signature",
        |plan| {
            plan.change_uvm(|uvm| uvm.authority.signer = RsaKey::Foreign);
        },
    ),
    any("uvm-authority-not-ca", "the CA is none", "uvm-certificate-not-ca", |plan| {
        plan.change_uvm(|uvm| uvm.authority.is_ca = false);
    }),
    any("uvm-signer-is-ca", "the signer is a CA", "uvm-certificate-ca-as-leaf", |plan| {
        plan.change_uvm(|uvm| uvm.signer.is_ca = true);
    }),
    any(
        "uvm-signer-issuer",
        "the signer names another issuer",
        "uvm-certificate-issuer-name",
        |plan| {
            plan.change_uvm(|uvm| uvm.signer.issuer = "Avouch Mint Other CA".to_owned());
        },
    ),
    any(
        "uvm-signer-of-other-kind",
        "the signer's key is on P-384, the algorithm for RSA",
        "uvm-signature",
        |plan| {
            plan.change_uvm(|uvm| uvm.signer.key = SubjectKey::P384("snp uvm signer"));
        },
    ),
    any(
        "uvm-chain-cut",
        "the chain is the signer's certificate alone",
        "uvm-chain-length",
        |plan| {
            plan.change_uvm(|uvm| uvm.chain_length = 1);
        },
    ),
    any(
        "uvm-chain-without-root",
        "the chain ends below the CA that its publisher names",
        "uvm-did-fingerprint",
        |plan| {
            plan.change_uvm(|uvm| uvm.chain_length = 2);
        },
    ),
    any("uvm-chain-long", "the chain has six certificates", "uvm-chain-length", |plan| {
        plan.change_uvm(|uvm| uvm.chain_length = 6);
    }),
    chosen(
        "uvm-top-key-usage",
        "the key usage of the top of a chain without its root allows no certificates",
        "uvm-certificate-key-usage",
        |options| with_top(options, UvmTop::CaForCrlsOnly),
    ),
    chosen(
        "uvm-top-path-length",
        "the path length of the top of a chain without its root allows no CA below",
        "uvm-certificate-path-length",
        |options| with_top(options, UvmTop::CaAboveLeavesOnly),
    ),
    chosen(
        "uvm-top-critical-extension",
        "the top of a chain without its root has a critical extension that nobody knows",
        "uvm-certificate-critical-extension",
        |options| with_top(options, UvmTop::CaWithCriticalExtension),
    ),
    chosen(
        "uvm-top-name-constraints",
        "the top of a chain without its root has name constraints, which are not critical",
        "uvm-certificate-critical-extension",
        |options| with_top(options, UvmTop::CaWithNameConstraints),
    ),
    any("uvm-thumbprint", "the thumbprint is another certificate's", "uvm-thumbprint", |plan| {
        plan.change_uvm(|uvm| {
            uvm.change_headers = Some(|headers| {
                let other = vec![Cbor::Int(-16), Cbor::Bytes(vec![7; 32])];
                set_header(headers, &Cbor::Int(34), Cbor::Array(other));
            });
        });
    }),
    prepared(
        row("uvm-content-type", "the content type is not JSON", "uvm-header", |plan| {
            plan.change_uvm(|uvm| {
                uvm.change_headers = Some(|headers| {
                    set_header(headers, &Cbor::Int(3), Cbor::text("application/cbor"));
                });
            });
        }),
        json,
    ),
    prepared(
        row(
            "uvm-mixed-forms",
            "CWT claims stand beside an issuer header",
            "uvm-mixed-forms",
            |plan| {
                plan.change_uvm(|uvm| {
                    uvm.change_headers = Some(|headers| {
                        set_header(headers, &Cbor::text("iss"), Cbor::text("did:x509"));
                    });
                });
            },
        ),
        cwt,
    ),
    prepared(
        row("uvm-payload-hash", "the payload is said to be a SHA-256", "uvm-header", |plan| {
            plan.change_uvm(|uvm| {
                uvm.change_headers =
                    Some(|headers| set_header(headers, &Cbor::Int(258), Cbor::Int(-16)));
            });
        }),
        cwt,
    ),
    prepared(
        row(
            "uvm-payload-short",
            "the payload lacks a byte of the measurement",
            "uvm-payload",
            |plan| {
                plan.change_uvm(|uvm| uvm.change_payload = Some(|payload| payload.truncate(47)));
            },
        ),
        cwt,
    ),
    prepared(
        row(
            "uvm-svn-differs",
            "text and number of the security version differ",
            "uvm-payload",
            |plan| {
                plan.change_uvm(|uvm| uvm.svn_number = Some(uvm.svn.saturating_add(1)));
            },
        ),
        json,
    ),
    prepared(
        row("uvm-payload-key-twice", "a key of the payload stands twice", "uvm-payload", |plan| {
            plan.change_uvm(|uvm| {
                uvm.change_payload = Some(|payload| {
                    payload.pop();
                    payload.extend(br#","x-ms-sevsnpvm-guestsvn":"999"}"#);
                });
            });
        }),
        json,
    ),
    prepared(
        row(
            "uvm-payload-array",
            "the payload is an array of the members' values",
            "uvm-payload",
            |plan| {
                plan.change_uvm(|uvm| {
                    uvm.change_payload = Some(|payload| {
                        *payload = format!(r#"["{}","104",104]"#, "07".repeat(48)).into_bytes();
                    });
                });
            },
        ),
        json,
    ),
];
