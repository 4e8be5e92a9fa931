//! Which certificates come along, and what they are called.

use super::{Row, prepared, row, with_vcek, with_vlek};
use crate::snp::keys::RsaKey;
use crate::snp::options::SnpKey;
use crate::snp::plan::{Part, intermediate_name};

/// Breaks of the set of certificates.
pub(super) const ROWS: &[Row] = &[
    row(
        "chain-no-key",
        "the endorsement key's certificate is missing",
        "chain-leaf-count",
        |plan| {
            plan.parts.retain(|part| *part != Part::Vek);
        },
    ),
    row("chain-two-keys", "two endorsement keys of the same TCB", "chain-leaf-count", |plan| {
        plan.parts.push(Part::OtherVek);
    }),
    row("chain-no-intermediate", "the intermediate is missing", "intermediate-missing", |plan| {
        plan.parts.retain(|part| *part != Part::Intermediate);
    }),
    row(
        "chain-stranger",
        "a certificate has no place in AMD's chain",
        "chain-foreign-certificate",
        |plan| {
            plan.parts.push(Part::Stranger);
        },
    ),
    row("vek-issuer", "the key's issuer is no intermediate of AMD's", "vek-issuer", |plan| {
        plan.vek.issuer = "SEV-Venice".to_owned();
    }),
    prepared(
        row("vcek-of-asvk", "an ASVK issued the VCEK", "vek-issuer-kind", |plan| {
            plan.vek.issuer = intermediate_name(SnpKey::Vlek, plan.product);
            plan.vek.signer = RsaKey::Asvk;
        }),
        with_vcek,
    ),
    prepared(
        row("vlek-of-ask", "an ASK issued the VLEK", "vek-issuer-kind", |plan| {
            plan.vek.issuer = intermediate_name(SnpKey::Vcek, plan.product);
            plan.vek.signer = RsaKey::Ask;
        }),
        with_vlek,
    ),
    row(
        "vek-issuer-of-other-product",
        "the key's issuer is another product's",
        "intermediate-missing",
        |plan| {
            let key =
                if plan.intermediate.signer == RsaKey::Asvk { SnpKey::Vlek } else { SnpKey::Vcek };
            let key = if plan.vek.subject == "SEV-VLEK" { SnpKey::Vlek } else { key };
            plan.vek.issuer = intermediate_name(key, plan.other_product());
        },
    ),
];
