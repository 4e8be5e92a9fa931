//! The named ways to break guest attestation.
//!
//! A row says what is wrong, which check must refuse, and how the plan is changed. Everything after the
//! point of the break is signed as it stands.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::plan::{OWNER, PLATFORM, Plan, key};
use super::{GuestClient, Isolation};
use crate::bootlog::Ground;
use crate::tpm::certificate::{
    self as x509, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, PLATFORM_USAGE,
};
use crate::tpm::keys::RsaKey;
use crate::tpm::plan::Value;
use crate::tpm::structures::{Bank, CERTIFY, QUOTE};
use crate::{Break, Options, Stage};

/// How a break is made.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    /// Chooses options that give the break its ground.
    pub(super) prepare: fn(&mut Options),
    /// Changes the plan in one point.
    pub(super) apply: fn(&mut Plan),
}

type Row = (Break, Recipe);

const fn row(
    name: &'static str,
    what: &'static str,
    expected_check: &'static str,
    apply: fn(&mut Plan),
) -> Row {
    let named = Break { name, what, stage: Stage::Verification, expected_check };
    (named, Recipe { prepare: |_| {}, apply })
}

/// The same row of a machine that SEV-SNP isolates.
const fn snp((named, recipe): Row) -> Row {
    (named, Recipe { prepare: |options| options.guest.isolation = Isolation::Snp, ..recipe })
}

/// The same row of a machine that TDX isolates.
const fn tdx((named, recipe): Row) -> Row {
    (named, Recipe { prepare: |options| options.guest.isolation = Isolation::Tdx, ..recipe })
}

/// The same row in the document of another client.
const fn tool((named, recipe): Row) -> Row {
    (named, Recipe { prepare: |options| options.guest.client = GuestClient::Tool, ..recipe })
}

/// The breaks of guest attestation.
#[must_use]
pub(crate) fn breaks() -> &'static [Break] {
    static BREAKS: LazyLock<Vec<Break>> =
        LazyLock::new(|| TABLES.iter().copied().flatten().map(|(named, _)| *named).collect());
    &BREAKS
}

/// The row of this name.
pub(super) fn find(name: &str) -> Option<Row> {
    TABLES.iter().copied().flatten().find(|(named, _)| named.name == name).copied()
}

const TABLES: [&[Row]; 5] = [DOCUMENT, KEY, QUOTE_ROWS, SEALING, ISOLATION];

fn set(document: &mut Json, path: &str, value: Json) -> Option<()> {
    *document.pointer_mut(path)? = value;
    Some(())
}

/// Breaks of the document around the TPM's structures.
const DOCUMENT: &[Row] = &[
    row("protocol-version", "the protocol is of version 1.0", "guest-protocol-version", |plan| {
        plan.change = Some(|it| set(it, "/AttestationProtocolVersion", json!("1.0")));
    }),
    row("system-not-base64", "OSType is no base64", "guest-document-base64", |plan| {
        plan.change = Some(|it| set(it, "/OSType", json!("Linux!")));
    }),
    row("version-word", "a version is a word", "guest-document-member", |plan| {
        plan.change = Some(|it| set(it, "/OSVersionMajor", json!("jammy")));
    }),
    row("payload-list", "ClientPayload is a list", "guest-client-payload", |plan| {
        plan.change = Some(|it| set(it, "/ClientPayload", json!(["nonce"])));
    }),
    row("no-tpm", "TpmInfo is missing", "guest-document-json", |plan| {
        plan.change = Some(|it| it.as_object_mut()?.remove("TpmInfo").map(drop));
    }),
    row("isolation-unknown", "the isolation is CCA", "guest-isolation-type", |plan| {
        plan.change = Some(|it| set(it, "/IsolationInfo/Type", json!("Cca")));
    }),
    row(
        "isolation-without-evidence",
        "SEV-SNP is said, and nothing shows it",
        "guest-isolation-evidence",
        |plan| plan.change = Some(|it| set(it, "/IsolationInfo/Type", json!("SevSnp"))),
    ),
    row("pcr-set-beyond", "PcrSet names PCR 24", "guest-document-member", |plan| {
        plan.pcr_set.push(24)
    }),
    row("pcr-set-twice", "PcrSet names a PCR twice", "guest-document-member", |plan| {
        plan.pcr_set.push(7);
    }),
    row("log-of-other-boot", "the log is of another boot", "log-replay", |plan| {
        if let Ok(log) = Ground::LinuxOff.log().and_then(|log| log.to_bytes()) {
            plan.log = log;
        }
    }),
];

/// Breaks of the attestation key and of its certificate.
const KEY: &[Row] = &[
    row(
        "no-certificate",
        "no certificate of the attestation key is sent",
        "guest-ak-not-vouched",
        |plan| plan.send_certificate = false,
    ),
    row(
        "certificate-expired",
        "the key's certificate expired a second ago",
        "aik-certificate-expired",
        |plan| {
            let end = plan.ak_certificate.not_before.saturating_add_seconds(100 * 86_400 - 1);
            plan.ak_certificate.not_after = end;
        },
    ),
    row(
        "certificate-signature",
        "another key signed the certificate",
        "aik-certificate-signature",
        |plan| plan.ak_certificate.broken_signature = true,
    ),
    row(
        "certificate-foreign",
        "a CA that nobody trusts issued the certificate",
        "aik-certificate-issuer-unknown",
        |plan| plan.ak_certificate.issuer = "Mint Foreign CA",
    ),
    row(
        "certificate-other-usage",
        "the certificate is a platform's",
        "aik-certificate-extended-usage",
        |plan| {
            for extension in &mut plan.ak_certificate.extensions {
                if extension.oid == EXTENDED_KEY_USAGE {
                    extension.value = x509::extended(PLATFORM_USAGE);
                }
            }
        },
    ),
    row("certificate-ca", "the certificate is a CA's", "aik-certificate-is-ca", |plan| {
        for extension in &mut plan.ak_certificate.extensions {
            if extension.oid == BASIC_CONSTRAINTS {
                extension.value = x509::constraints(true);
            }
        }
    }),
    row(
        "certificate-other-key",
        "the certificate is of another key",
        "ak-certificate-key",
        |plan| plan.ak_certificate.key = x509::Subject::Rsa(RsaKey::Other),
    ),
    row(
        "certificate-trailing",
        "something follows the certificate",
        "aik-certificate-malformed",
        |plan| {
            plan.ak_certificate.fill = vec![0, 0, 7];
        },
    ),
    row(
        "ak-unrestricted",
        "the attestation key signs what anyone hands it",
        "ak-restricted",
        |plan| {
            plan.ak_public.attributes &= !(1 << 16);
        },
    ),
    row("ak-movable", "the attestation key can leave its TPM", "ak-fixed-tpm", |plan| {
        plan.ak_public.attributes &= !(1 << 1);
    }),
    row("ak-decrypts", "the attestation key decrypts", "ak-decrypt", |plan| {
        plan.ak_public.attributes |= 1 << 17;
    }),
    row("ak-sha1", "the attestation key signs over SHA-1", "ak-weak-scheme", |plan| {
        plan.ak_public.scheme = Some((0x0014, 0x0004));
    }),
    tool(row(
        "ak-other-name",
        "the name behind the attestation key is another key's",
        "guest-public-names",
        |plan| {
            plan.change = Some(|it| {
                let text = it.pointer("/TpmInfo/AikPub")?.as_str()?;
                let mut bytes = avouch_wire::base64url::decode_either(text).ok()?;
                let place = bytes.len().checked_sub(50)?;
                *bytes.get_mut(place)? ^= 1;
                let text = avouch_wire::base64url::encode_standard(bytes);
                set(it, "/TpmInfo/AikPub", json!(text))
            });
        },
    )),
];

/// Breaks of the quote.
const QUOTE_ROWS: &[Row] = &[
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
    row("quote-trailing", "a byte follows the quote", "tpm-attest-structure", |plan| {
        plan.quote.trailing = vec![0];
    }),
    row("quote-signature", "one bit of the signature is another", "tpm-signature", |plan| {
        plan.quote_signature.flipped = true;
    }),
    row("quote-signature-long", "a byte follows the signature", "tpm-signature", |plan| {
        plan.quote_signature.trailing = vec![0];
    }),
    row("quote-other-signer", "another key signed the quote", "tpm-signature", |plan| {
        plan.quote_signature.key = RsaKey::Other;
    }),
    row("quote-challenge", "the quote answers a challenge", "tpm-qualifying-data", |plan| {
        plan.quote.extra_data = vec![1; 32];
    }),
    row("quote-without-pcr-7", "PCR 7 is not quoted", "tpm-pcr-not-covered", |plan| {
        plan.forget_pcr(7);
    }),
    row("quote-two-banks", "another bank is quoted too", "guest-pcr-set", |plan| {
        plan.banks.push(Bank { id: 0x000c, bitmap: vec![0, 0, 0] });
    }),
    row("pcr-set-fewer", "PcrSet lacks a quoted PCR", "guest-pcr-set", |plan| {
        plan.pcr_set.retain(|pcr| *pcr != 14);
    }),
    row("pcr-missing", "a quoted value is not sent", "tpm-pcr-missing", |plan| {
        plan.values.remove(5);
    }),
    row("pcr-twice", "a value is sent twice", "tpm-pcr-twice", |plan| {
        plan.values.extend(plan.values.first().cloned());
    }),
    row("pcr-not-quoted", "a value is sent that is not quoted", "tpm-pcr-not-selected", |plan| {
        plan.values.push(Value { bank: 0x000b, index: 9, digest: vec![0; 32] });
    }),
    row("pcr-short", "a value is too short", "tpm-pcr-length", |plan| {
        if let Some(value) = plan.values.get_mut(3) {
            value.digest.truncate(31);
        }
    }),
    row("pcr-changed", "a value is another than the quoted one", "tpm-pcr-digest", |plan| {
        if let Some(value) = plan.values.get_mut(3) {
            value.digest = vec![3; 32];
        }
    }),
];

/// Breaks of the key that the answer is sealed to.
const SEALING: &[Row] = &[
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
    row("certify-other-signer", "another key signed the certification", "tpm-signature", |plan| {
        plan.certify_signature.key = RsaKey::Other;
    }),
    row(
        "certify-challenge",
        "the certification answers a challenge",
        "tpm-qualifying-data",
        |plan| {
            plan.certify.extra_data = vec![1; 32];
        },
    ),
    row("certify-other-object", "another object is certified", "tpm-certified-name", |plan| {
        plan.certified_name = Some([[0x00, 0x0b].as_slice(), &[9; 32]].concat());
    }),
    row(
        "sealing-elsewhere",
        "the key stands below the platform hierarchy",
        "tpm-certified-place",
        |plan| plan.hierarchy = PLATFORM,
    ),
    row("sealing-password", "a password opens the key", "sealing-key-attributes", |plan| {
        plan.sealing_public.attributes |= 1 << 6;
    }),
    row("sealing-restricted", "the key is restricted", "sealing-key-attributes", |plan| {
        plan.sealing_public.attributes |= 1 << 16;
    }),
    row("sealing-signs", "the key signs too", "sealing-key-attributes", |plan| {
        plan.sealing_public.attributes |= 1 << 18;
    }),
    row("sealing-movable", "the key can leave its TPM", "sealing-key-attributes", |plan| {
        plan.sealing_public.attributes &= !(1 << 1);
    }),
    row("sealing-imported", "the key was made elsewhere", "sealing-key-attributes", |plan| {
        plan.sealing_public.attributes &= !(1 << 5);
    }),
    row(
        "sealing-transplantable",
        "another parent may have the key",
        "sealing-key-attributes",
        |plan| {
            plan.sealing_public.attributes &= !(1 << 4);
        },
    ),
    row("sealing-opens-nothing", "the key does not decrypt", "sealing-key-attributes", |plan| {
        plan.sealing_public.attributes &= !(1 << 17);
    }),
    row("sealing-scheme", "the key fixes a scheme", "sealing-key-scheme", |plan| {
        plan.sealing_public.scheme = Some((0x0014, 0x000b));
    }),
    row("sealing-no-policy", "the key has no policy", "sealing-key-policy", |plan| {
        plan.hierarchy = OWNER;
        plan.sealing_policy = Some(Vec::new());
    }),
    row("sealing-other-state", "the key works in another state", "sealing-key-policy", |plan| {
        plan.sealing_policy = Some(vec![7; 32]);
    }),
];

/// Breaks of what isolates the machine.
const ISOLATION: &[Row] = &[
    snp(row(
        "snp-signature-algorithm",
        "the report's algorithm is none",
        "signature-algorithm",
        |plan| {
            plan.hardware_break = Some("signature-algorithm-0");
        },
    )),
    snp(row("snp-other-chip", "the report is of another chip", "chip-id-mismatch", |plan| {
        plan.hardware_break = Some("chip-id");
    })),
    snp(row("snp-key-expired", "the chip's key expired", "vek-expired", |plan| {
        plan.hardware_break = Some("vek-expired");
    })),
    snp(row(
        "snp-vmpl-1",
        "the guest asked for the report, not its paravisor",
        "hcl-vmpl",
        |plan| {
            plan.vmpl = 1;
        },
    )),
    snp(row("snp-runtime-changed", "the runtime data are others", "runtime-data", |plan| {
        plan.runtime_data.push(b' ');
    })),
    snp(row(
        "snp-other-ak",
        "the report binds another attestation key",
        "ak-reported-key",
        |plan| {
            plan.change_runtime(|claims| {
                let other = key("HCLAkPub", "sign", RsaKey::Other);
                if let (Some(place), Ok(other)) = (claims.pointer_mut("/keys/0"), other) {
                    *place = other;
                }
            });
        },
    )),
    snp(row("snp-two-aks", "the report binds two attestation keys", "hcl-runtime-ak", |plan| {
        plan.change_runtime(|claims| {
            let second = key("HCLAkPub", "sign", RsaKey::Other);
            let keys = claims.get_mut("keys").and_then(Json::as_array_mut);
            if let (Some(keys), Ok(second)) = (keys, second) {
                keys.push(second);
            }
        });
    })),
    snp(row("snp-no-ak", "the report binds no attestation key", "hcl-runtime-ak", |plan| {
        plan.change_runtime(|claims| {
            if let Some(kid) = claims.pointer_mut("/keys/0/kid") {
                *kid = json!("HCLTransferKey");
            }
        });
    })),
    snp(row("snp-user-data", "the guest's own data are cut", "hcl-runtime-user-data", |plan| {
        plan.change_runtime(|claims| {
            if let Some(data) = claims.get_mut("user-data") {
                *data = json!("00");
            }
        });
    })),
    snp(row("snp-no-json", "the runtime data are no JSON", "hcl-runtime-json", |plan| {
        plan.runtime_data = b"minted".to_vec();
        plan.bound_runtime_data.clone_from(&plan.runtime_data);
    })),
    snp(row(
        "snp-not-vouched",
        "a genuine report of an unknown paravisor, and no certificate of the key",
        "guest-ak-not-vouched",
        |plan| plan.send_certificate = false,
    )),
    tdx(row("tdx-module", "the TDX module is unknown", "tdx-module-identity", |plan| {
        plan.hardware_break = Some("module-unknown");
    })),
    tdx(row("tdx-report-data", "more than a hash is bound", "hcl-report-data", |plan| {
        plan.report_data_end = 1;
    })),
    tdx(row("tdx-tcb-level", "no TCB level fits the platform", "tcb-level", |plan| {
        plan.hardware_break = Some("tcb-level-none");
    })),
    tdx(row("tdx-runtime-changed", "the runtime data are others", "runtime-data", |plan| {
        plan.runtime_data.push(b' ');
    })),
    tdx(row("tdx-as-snp", "the domain says that it is SEV-SNP", "snp-document-json", |plan| {
        plan.change = Some(|it| set(it, "/IsolationInfo/Type", json!("SevSnp")));
    })),
];
