//! Trust anchors, certificates and their place in a chain, and the SGX extension.

use super::{Row, row};
use crate::{
    intel::{
        hierarchy::TCB_SIGNER_NAME,
        plan::{Keys, Link},
    },
    x509::{Curve, Extension, KeyUsage},
};

/// A critical extension that nobody knows, with the value NULL.
const OID_UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 99_999, 1];

fn unknown_critical() -> Extension {
    Extension { oid: OID_UNKNOWN, critical: true, value: vec![5, 0] }
}

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row(
        "foreign-root",
        "every chain rests on another root of the same name",
        "trust-anchor",
        |plan| {
            plan.root = plan.foreign_root.clone();
            plan.pck_ca.signer = Keys::FOREIGN_ROOT;
            plan.tcb_signer.signer = Keys::FOREIGN_ROOT;
            plan.change_root_crl(|crl| crl.signer = Keys::FOREIGN_ROOT);
        },
    ),
    row(
        "foreign-root-behind-tcb-info",
        "the TCB info's chain alone rests on another root of the same name",
        "trust-anchor",
        |plan| plan.tcb_info_chain = vec![Link::TcbSigner, Link::ForeignRoot],
    ),
    row(
        "foreign-root-behind-qe-identity",
        "the QE identity's chain alone rests on another root of the same name",
        "trust-anchor",
        |plan| plan.qe_identity_chain = vec![Link::TcbSigner, Link::ForeignRoot],
    ),
    row(
        "foreign-root-signed-pck-ca",
        "the PCK CA is signed by another root of the same name; the trusted root is sent along",
        "pck-ca-certificate-signature",
        |plan| plan.pck_ca.signer = Keys::FOREIGN_ROOT,
    ),
    row(
        "root-renamed",
        "the root has the trusted key but another name, in every chain",
        "trust-anchor",
        |plan| {
            const OTHER: &str = "Intel SGX Root CA G2";
            (plan.root.subject, plan.root.issuer) = (OTHER, OTHER);
            plan.pck_ca.issuer = OTHER;
            plan.tcb_signer.issuer = OTHER;
            plan.change_root_crl(|crl| crl.issuer = OTHER);
        },
    ),
    row("root-omitted", "the chain in the quote has no root", "pck-chain", |plan| {
        plan.quote_chain = vec![Link::Pck, Link::PckCa];
    }),
    row("pck-ca-omitted", "the chain in the quote has no PCK CA", "pck-chain", |plan| {
        plan.quote_chain = vec![Link::Pck, Link::Root];
    }),
    row("pck-repeated", "the chain in the quote has the PCK twice", "pck-chain", |plan| {
        plan.quote_chain = vec![Link::Pck, Link::Pck, Link::PckCa, Link::Root];
    }),
    row("chain-empty", "the chain in the quote is empty", "pck-chain", |plan| {
        plan.quote_chain.clear();
    }),
    row(
        "chain-of-other-label",
        "the blocks of the chain in the quote are labelled as keys",
        "pck-chain",
        |plan| plan.chain_edit = Some(|text| text.replace("CERTIFICATE", "PUBLIC KEY")),
    ),
    row(
        "chain-not-base64",
        "a character of the chain in the quote is outside base64",
        "pck-chain",
        |plan| plan.chain_edit = Some(|text| text.replacen("\nM", "\n!", 1)),
    ),
    row(
        "other-ca-in-chain",
        "the chain in the quote has the CA that did not issue the PCK certificate",
        "pck-chain",
        |plan| plan.quote_chain = vec![Link::Pck, Link::OtherCa, Link::Root],
    ),
    row(
        "pck-ca-as-pck",
        "the PCK CA's own key signs the QE report, and the PCK certificate is left out",
        "pck-chain",
        |plan| {
            plan.quote_chain = vec![Link::PckCa, Link::Root];
            plan.quote.qe_report_signer = Keys::PCK_CA;
        },
    ),
    row(
        "tcb-signer-as-pck",
        "the TCB signing certificate stands where the PCK certificate belongs",
        "pck-chain",
        |plan| {
            plan.quote_chain = vec![Link::TcbSigner, Link::PckCa, Link::Root];
            plan.quote.qe_report_signer = Keys::TCB_SIGNER;
        },
    ),
    row("pck-is-ca", "the PCK certificate claims to be a CA", "pck-certificate-usage", |plan| {
        plan.pck.is_ca = true
    }),
    row(
        "pck-key-usage",
        "the PCK certificate's key usage allows certificates and CRLs only",
        "pck-certificate-usage",
        |plan| plan.pck.key_usage = KeyUsage::Ca,
    ),
    row(
        "pck-renamed",
        "the PCK certificate has the subject of a TCB signing certificate",
        "pck-certificate-name",
        |plan| plan.pck.subject = TCB_SIGNER_NAME,
    ),
    row(
        "pck-critical-extension",
        "the PCK certificate has a critical extension that nobody knows",
        "pck-certificate-extension",
        |plan| plan.pck.extensions.push(unknown_critical()),
    ),
    row(
        "pck-ca-not-ca",
        "the PCK CA's basic constraints do not make it a CA",
        "pck-ca-certificate-usage",
        |plan| plan.pck_ca.is_ca = false,
    ),
    row(
        "pck-ca-key-usage",
        "the PCK CA's key usage does not allow certificates",
        "pck-ca-certificate-usage",
        |plan| plan.pck_ca.key_usage = KeyUsage::Signature,
    ),
    row(
        "pck-ca-renamed",
        "the PCK CA has a name that Intel does not use, and everything below names it",
        "pck-ca-certificate-name",
        |plan| {
            const OTHER: &str = "Intel SGX PCK Other CA";
            plan.pck_ca.subject = OTHER;
            plan.pck.issuer = OTHER;
            plan.change_pck_crl(|crl| crl.issuer = OTHER);
        },
    ),
    row(
        "pck-ca-critical-extension",
        "the PCK CA has a critical extension that nobody knows",
        "pck-ca-certificate-extension",
        |plan| plan.pck_ca.extensions.push(unknown_critical()),
    ),
    row(
        "tcb-signer-renamed",
        "the signer of the documents is not named as a TCB signing certificate",
        "tcb-signing-certificate-name",
        |plan| plan.tcb_signer.subject = "Intel SGX PCK Certificate",
    ),
    row(
        "tcb-signer-is-ca",
        "the TCB signing certificate claims to be a CA",
        "tcb-signing-certificate-usage",
        |plan| plan.tcb_signer.is_ca = true,
    ),
    row(
        "tcb-signer-under-pck-ca",
        "the TCB signing certificate is issued by the PCK CA instead of the root",
        "tcb-signing-certificate-issuer",
        |plan| {
            plan.tcb_signer.issuer = plan.pck_ca.subject;
            plan.tcb_signer.signer = Keys::PCK_CA;
        },
    ),
    row("pck-on-p384", "the PCK certificate's key is on P-384", "pck-certificate-key", |plan| {
        plan.pck.curve = Curve::P384;
    }),
    row("pck-ca-on-p384", "the PCK CA's key is on P-384", "pck-ca-certificate-key", |plan| {
        plan.pck_ca.curve = Curve::P384;
    }),
    row(
        "tcb-signer-on-p384",
        "the TCB signing certificate's key is on P-384",
        "tcb-signing-certificate-key",
        |plan| plan.tcb_signer.curve = Curve::P384,
    ),
    row("extension-missing", "the PCK certificate has no SGX extension", "pck-extension", |plan| {
        plan.pck_extension = None
    }),
    row("extension-without-fmspc", "the SGX extension has no FMSPC", "pck-extension", |plan| {
        plan.change_extension(|extension| {
            extension.edit = |entries| drop(entries.drain(3..4));
        });
    }),
    row("extension-fmspc-twice", "the SGX extension has two FMSPCs", "pck-extension", |plan| {
        plan.change_extension(|extension| {
            extension.edit = |entries| {
                let fmspc = entries.get(3).cloned();
                entries.extend(fmspc);
            };
        });
    }),
    row("extension-fmspc-long", "the FMSPC has seven bytes", "pck-extension", |plan| {
        plan.change_extension(|extension| extension.fmspc.push(0));
    }),
    row(
        "extension-leftover",
        "bytes follow the last entry of the SGX extension",
        "pck-extension",
        |plan| {
            plan.change_extension(|extension| extension.edit = |entries| entries.push(vec![5, 0]));
        },
    ),
    row(
        "extension-15-components",
        "the certificate has 15 component SVNs",
        "pck-extension",
        |plan| {
            plan.change_extension(|extension| extension.components.truncate(15));
        },
    ),
    row(
        "extension-component-256",
        "a component SVN of the certificate is 256",
        "pck-extension",
        |plan| {
            plan.change_extension(|extension| {
                if let Some(first) = extension.components.first_mut() {
                    *first = 256;
                }
            });
        },
    ),
    row(
        "extension-pcesvn-65536",
        "the PCESVN of the certificate is 65536",
        "pck-extension",
        |plan| {
            plan.change_extension(|extension| extension.pce_svn = 65_536);
        },
    ),
    row(
        "component-below",
        "a component SVN of the certificate is below every level, though its CPUSVN is not",
        "tcb-level",
        |plan| {
            plan.change_extension(|extension| {
                if let Some(first) = extension.components.first_mut() {
                    *first = 3;
                }
            });
        },
    ),
];
