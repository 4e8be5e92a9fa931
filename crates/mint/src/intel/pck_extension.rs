//! The SGX extension of PCK certificates, OID 1.2.840.113741.1.13.1.

use crate::{der, x509::Extension};

const OID_SGX: &[u64] = &[1, 2, 840, 113_741, 1, 13, 1];
/// Arc below [`OID_SGX`] under which the TCB entries stand.
const TCB_ARC: u64 = 2;

/// What stands in the extension. Numbers are wide and lists free, so that wrong ones fit.
#[derive(Debug, Clone)]
pub(crate) struct PckExtension {
    pub(crate) ppid: [u8; 16],
    pub(crate) components: Vec<u64>,
    pub(crate) pce_svn: u64,
    pub(crate) cpu_svn: [u8; 16],
    pub(crate) pce_id: Vec<u8>,
    pub(crate) fmspc: Vec<u8>,
    pub(crate) sgx_type: u8,
    pub(crate) platform: Option<PlatformFields>,
    /// A last change of the list of entries.
    pub(crate) edit: fn(&mut Vec<Vec<u8>>),
}

/// What only Platform CA certificates have.
#[derive(Debug, Clone)]
pub(crate) struct PlatformFields {
    pub(crate) instance_id: [u8; 16],
    pub(crate) dynamic_platform: bool,
    pub(crate) cached_keys: bool,
    pub(crate) smt_enabled: bool,
}

impl PckExtension {
    /// The extension, not critical, as Intel issues it.
    pub(crate) fn extension(&self) -> Extension {
        let mut entries = vec![
            entry(&[1], der::octet_string(&self.ppid)),
            entry(&[TCB_ARC], self.tcb()),
            entry(&[3], der::octet_string(&self.pce_id)),
            entry(&[4], der::octet_string(&self.fmspc)),
            entry(&[5], der::enumerated(self.sgx_type)),
        ];
        if let Some(platform) = &self.platform {
            entries.push(entry(&[6], der::octet_string(&platform.instance_id)));
            entries.push(entry(&[7], platform.configuration()));
        }
        (self.edit)(&mut entries);
        Extension { oid: OID_SGX, critical: false, value: der::sequence(&entries) }
    }

    fn tcb(&self) -> Vec<u8> {
        let mut entries: Vec<_> = (1..)
            .zip(&self.components)
            .map(|(arc, svn)| entry(&[TCB_ARC, arc], der::integer_u64(*svn)))
            .collect();
        entries.push(entry(&[TCB_ARC, 17], der::integer_u64(self.pce_svn)));
        entries.push(entry(&[TCB_ARC, 18], der::octet_string(&self.cpu_svn)));
        der::sequence(&entries)
    }
}

impl PlatformFields {
    fn configuration(&self) -> Vec<u8> {
        der::sequence(&[
            entry(&[7, 1], der::boolean(self.dynamic_platform)),
            entry(&[7, 2], der::boolean(self.cached_keys)),
            entry(&[7, 3], der::boolean(self.smt_enabled)),
        ])
    }
}

/// SEQUENCE of the OID (the SGX OID and `suffix`) and a value.
fn entry(suffix: &[u64], value: Vec<u8>) -> Vec<u8> {
    let arcs: Vec<u64> = OID_SGX.iter().chain(suffix).copied().collect();
    der::sequence(&[der::oid(&arcs), value])
}
