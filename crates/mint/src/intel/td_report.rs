//! The TD report body: 584 bytes for TDX 1.0, 648 for 1.5, 885 for the extended body.

/// A TD report body (Intel TDX DCAP quote format, bodies 2, 3 and 4).
#[derive(Debug, Clone)]
pub(crate) struct TdReport {
    pub(crate) tee_tcb_svn: [u8; 16],
    pub(crate) mr_seam: [u8; 48],
    pub(crate) mr_signer_seam: [u8; 48],
    pub(crate) seam_attributes: u64,
    pub(crate) attributes: u64,
    pub(crate) xfam: u64,
    pub(crate) mr_td: [u8; 48],
    pub(crate) mr_config_id: [u8; 48],
    pub(crate) mr_owner: [u8; 48],
    pub(crate) mr_owner_config: [u8; 48],
    pub(crate) rtmrs: [[u8; 48]; 4],
    pub(crate) report_data: [u8; 64],
    /// Body types 3 and 4.
    pub(crate) tee_tcb_svn2: [u8; 16],
    /// Body types 3 and 4.
    pub(crate) mr_service_td: [u8; 48],
}

/// Size of the fields that body type 4 adds to body type 3: VMID, TD id, device info hash, initial
/// service TD hash and attributes, initial CPUSVN, TEE_TCB_SVN and FMSPC, current service TD hash
/// and attributes.
const EXTENSION_BYTES: usize = 1 + 32 + 48 + 48 + 8 + 16 + 16 + 12 + 48 + 8;

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TdReportForm {
    Td10,
    Td15,
    Td15Extended,
}

impl TdReport {
    /// The bytes of the body in this form.
    pub(crate) fn to_bytes(&self, form: TdReportForm) -> Vec<u8> {
        let mut bytes = [
            self.tee_tcb_svn.as_slice(),
            &self.mr_seam,
            &self.mr_signer_seam,
            &self.seam_attributes.to_le_bytes(),
            &self.attributes.to_le_bytes(),
            &self.xfam.to_le_bytes(),
            &self.mr_td,
            &self.mr_config_id,
            &self.mr_owner,
            &self.mr_owner_config,
            self.rtmrs.as_flattened(),
            &self.report_data,
        ]
        .concat();
        if form != TdReportForm::Td10 {
            bytes.extend(self.tee_tcb_svn2);
            bytes.extend(self.mr_service_td);
        }
        if form == TdReportForm::Td15Extended {
            bytes.extend([0; EXTENSION_BYTES]);
        }
        bytes
    }
}
