//! The attestation report: signed part, signature, and what is done to either.

use super::keys::P384Key;
use super::options::{SnpKey, SnpOptions};
use super::plan::HARDWARE_ID_LABEL;
use crate::{HeldData, MintError, Seed};

/// Bytes that the signature covers.
pub(crate) const SIGNED_LENGTH: usize = 0x2a0;
/// Bytes of a report.
const REPORT_LENGTH: usize = 0x4a0;

/// A report before and after it is signed.
#[derive(Debug, Clone)]
pub(crate) struct ReportPlan {
    /// The signed part.
    pub(crate) signed: [u8; SIGNED_LENGTH],
    /// Label of the key that signs.
    pub(crate) signer: &'static str,
    /// Changes to the whole report after it was signed.
    pub(crate) after_signing: Option<fn(&mut Vec<u8>)>,
}

impl ReportPlan {
    /// A report with all fields as `options` say.
    pub(crate) fn new(
        options: &SnpOptions,
        seed: &Seed,
        runtime_data: Option<&HeldData>,
        init_time_data: Option<&HeldData>,
    ) -> Self {
        let signer = "snp endorsement key";
        let mut plan = Self { signed: [0; SIGNED_LENGTH], signer, after_signing: None };
        plan.put(0x000, &options.report_version.to_le_bytes());
        plan.put(0x004, &options.guest_svn.to_le_bytes());
        plan.put(0x008, &options.policy.to_le_bytes());
        plan.put(0x010, &options.family_id);
        plan.put(0x020, &options.image_id);
        plan.put(0x030, &options.vmpl.to_le_bytes());
        plan.put(0x034, &1_u32.to_le_bytes());
        plan.put(0x040, &options.platform_info.to_le_bytes());
        plan.put(0x048, &(options.key.signing_key() << 2).to_le_bytes());
        plan.put(0x090, &options.measurement.unwrap_or_else(|| seed.bytes("snp measurement")));
        plan.put(0x0e0, &options.id_key_digest.unwrap_or_else(|| seed.bytes("snp id key digest")));
        plan.put(0x110, &options.author_key_digest);
        plan.put(0x140, &options.report_id.unwrap_or_else(|| seed.bytes("snp report id")));
        plan.put(0x160, &[0xff; 32]);
        for (offset, tcb) in [
            (0x038, options.current_tcb),
            (0x180, None),
            (0x1e0, options.committed_tcb),
            (0x1f0, options.launch_tcb),
        ] {
            plan.put(offset, &tcb.unwrap_or(options.tcb).bytes(options.product));
        }
        // Current and committed firmware 1.55.29: build, minor, major.
        plan.put(0x1e8, &[29, 55, 1]);
        plan.put(0x1ec, &[29, 55, 1]);
        if options.report_version >= 3 {
            plan.put(0x188, &options.product.cpuid());
        }
        if options.report_version >= 5 {
            plan.put(0x1f8, &0x3f_u64.to_le_bytes());
            plan.put(0x200, &0x3f_u64.to_le_bytes());
        }
        plan.put_chip_id(options, seed);
        plan.put_bindings(runtime_data, init_time_data);
        if let Some(chosen) = &options.report_data {
            plan.put(0x050, chosen);
        }
        plan
    }

    fn put_chip_id(&mut self, options: &SnpOptions, seed: &Seed) {
        if options.key == SnpKey::Vcek && !options.mask_chip_id {
            let id = seed.bytes::<64>(HARDWARE_ID_LABEL);
            let length = options.product.hardware_id_length();
            self.put(0x1a0, id.get(..length).unwrap_or(&id));
        }
    }

    fn put_bindings(&mut self, runtime_data: Option<&HeldData>, init_time_data: Option<&HeldData>) {
        for (offset, data) in [(0x050, runtime_data), (0x0c0, init_time_data)] {
            if let Some(data) = data {
                self.put(offset, avouch_pki::digest::sha256(&data.bytes).as_bytes());
            }
        }
    }

    /// Writes `bytes` at `offset` of the signed part; what would lie beyond is dropped.
    pub(crate) fn put(&mut self, offset: usize, bytes: &[u8]) {
        for (to, from) in self.signed.iter_mut().skip(offset).zip(bytes) {
            *to = *from;
        }
    }

    /// Turns a bit of the signed part over.
    pub(crate) fn flip(&mut self, offset: usize, mask: u8) {
        if let Some(byte) = self.signed.get_mut(offset) {
            *byte ^= mask;
        }
    }

    /// The signed report.
    pub(crate) fn bytes(&self, seed: &Seed) -> Result<Vec<u8>, MintError> {
        let signature = P384Key::derive(seed, self.signer)?.sign(&self.signed)?;
        let mut report = self.signed.to_vec();
        for scalar in signature.chunks(48) {
            report.extend(scalar.iter().rev());
            report.extend([0; 24]);
        }
        report.resize(REPORT_LENGTH, 0);
        if let Some(change) = self.after_signing {
            change(&mut report);
        }
        Ok(report)
    }
}
