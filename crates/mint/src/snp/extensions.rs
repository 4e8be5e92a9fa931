//! Extensions of VCEK and VLEK certificates, under AMD's arc.

use avouch_pki::der::IA5_STRING;

use super::options::{HardwareIdForm, SnpOptions, SnpProduct};
use crate::der;

/// One extension; `suffix` follows 1.3.6.1.4.1.3704.1 unless it is written out in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) arcs: Vec<u64>,
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
}

impl Extension {
    /// An extension under AMD's arc, not critical.
    pub(crate) fn amd(suffix: &[u64], value: Vec<u8>) -> Self {
        let arcs = [AMD_ARC, suffix].concat();
        Self { arcs, critical: false, value }
    }

    pub(crate) fn is_amd(&self, suffix: &[u64]) -> bool {
        self.arcs.strip_prefix(AMD_ARC) == Some(suffix)
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(&self.arcs)];
        if self.critical {
            parts.push(der::boolean(true));
        }
        parts.push(der::octet_string(&self.value));
        der::sequence(&parts)
    }
}

const AMD_ARC: &[u64] = &[1, 3, 6, 1, 4, 1, 3704, 1];
pub(crate) const STRUCTURE_VERSION: &[u64] = &[1];
pub(crate) const PRODUCT_NAME: &[u64] = &[2];
pub(crate) const BOOT_LOADER: &[u64] = &[3, 1];
pub(crate) const TEE: &[u64] = &[3, 2];
pub(crate) const SNP: &[u64] = &[3, 3];
pub(crate) const SPL_4: &[u64] = &[3, 4];
pub(crate) const SPL_5: &[u64] = &[3, 5];
pub(crate) const SPL_6: &[u64] = &[3, 6];
pub(crate) const SPL_7: &[u64] = &[3, 7];
pub(crate) const MICROCODE: &[u64] = &[3, 8];
pub(crate) const FMC: &[u64] = &[3, 9];
pub(crate) const HARDWARE_ID: &[u64] = &[4];
pub(crate) const CSP_ID: &[u64] = &[5];

/// An `IA5String`.
pub(crate) fn ia5_string(text: &str) -> Vec<u8> {
    der::element(IA5_STRING, text.as_bytes())
}

/// A level as INTEGER.
pub(crate) fn level(value: u8) -> Vec<u8> {
    der::integer_u64(value.into())
}

/// Structure version, product name and levels, as both kinds of key have them.
pub(crate) fn common(options: &SnpOptions, product_name: &str) -> Vec<Extension> {
    let tcb = options.tcb;
    let mut extensions = vec![
        Extension::amd(STRUCTURE_VERSION, level(1)),
        Extension::amd(PRODUCT_NAME, ia5_string(product_name)),
        Extension::amd(BOOT_LOADER, level(tcb.boot_loader)),
        Extension::amd(TEE, level(tcb.tee)),
    ];
    if options.product != SnpProduct::Turin {
        extensions.push(Extension::amd(SPL_4, level(0)));
    }
    for suffix in [SPL_5, SPL_6, SPL_7] {
        extensions.push(Extension::amd(suffix, level(0)));
    }
    extensions.push(Extension::amd(SNP, level(tcb.snp)));
    extensions.push(Extension::amd(MICROCODE, level(tcb.microcode)));
    if options.product == SnpProduct::Turin {
        extensions.push(Extension::amd(FMC, level(tcb.fmc)));
    }
    extensions
}

/// The hardware id in the form that is wanted.
pub(crate) fn hardware_id(form: HardwareIdForm, id: &[u8]) -> Extension {
    let value = match form {
        HardwareIdForm::Raw => id.to_vec(),
        HardwareIdForm::OctetString => der::octet_string(id),
    };
    Extension::amd(HARDWARE_ID, value)
}
