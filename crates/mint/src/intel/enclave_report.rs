//! The 384-byte SGX report body, of attested enclaves and of quoting enclaves.

/// ATTRIBUTES.INIT.
pub(crate) const FLAG_INIT: u64 = 1;
/// ATTRIBUTES.DEBUG.
pub(crate) const FLAG_DEBUG: u64 = 1 << 1;
/// ATTRIBUTES.MODE64BIT.
pub(crate) const FLAG_MODE64BIT: u64 = 1 << 2;
/// ATTRIBUTES.PROVISION_KEY.
pub(crate) const FLAG_PROVISION_KEY: u64 = 1 << 4;
/// ATTRIBUTES.KSS.
pub(crate) const FLAG_KSS: u64 = 1 << 7;

/// An SGX report body (Intel SDM volume 3D, REPORT structure, without key id and MAC).
#[derive(Debug, Clone)]
pub(crate) struct EnclaveReport {
    pub(crate) cpu_svn: [u8; 16],
    pub(crate) misc_select: u32,
    pub(crate) isv_ext_prod_id: [u8; 16],
    pub(crate) flags: u64,
    pub(crate) xfrm: u64,
    pub(crate) mr_enclave: [u8; 32],
    pub(crate) mr_signer: [u8; 32],
    pub(crate) config_id: [u8; 64],
    pub(crate) isv_prod_id: u16,
    pub(crate) isv_svn: u16,
    pub(crate) config_svn: u16,
    pub(crate) isv_family_id: [u8; 16],
    pub(crate) report_data: [u8; 64],
}

impl EnclaveReport {
    /// The 384 bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [
            self.cpu_svn.as_slice(),
            &self.misc_select.to_le_bytes(),
            &[0; 12],
            &self.isv_ext_prod_id,
            &self.flags.to_le_bytes(),
            &self.xfrm.to_le_bytes(),
            &self.mr_enclave,
            &[0; 32],
            &self.mr_signer,
            &[0; 32],
            &self.config_id,
            &self.isv_prod_id.to_le_bytes(),
            &self.isv_svn.to_le_bytes(),
            &self.config_svn.to_le_bytes(),
            &[0; 42],
            &self.isv_family_id,
            &self.report_data,
        ]
        .concat()
    }
}
