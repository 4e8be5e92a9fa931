//! A verified report as named values.

use avouch_wire::{Hex, UnixTime};
use serde::{Serialize, Serializer};

use crate::{
    ChipBinding, Cpuid, EndorsementKeyFacts, FirmwareVersion, GuestPolicy, PlatformInfo, Product,
    ReportBody, Tcb, VekKind, VerifiedReport, report::VMPL_HOST,
};

/// All that may be said of a verified report. Made by [`VerifiedReport::facts`]; serialises with
/// AMD's names in snake case, byte strings in lower-case hex.
#[derive(Debug, Clone, Serialize)]
pub struct Facts<'a> {
    /// Layout of the report.
    pub report_version: u32,
    /// Processor family: Milan, Genoa or Turin.
    pub product: Product,
    /// Processor, version 3 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpuid: Option<Cpuid>,
    /// Launch digest of the guest, 48 bytes.
    pub measurement: &'a Hex<48>,
    /// Set by the host at launch.
    pub host_data: &'a Hex<32>,
    /// Chosen by the guest.
    pub report_data: &'a Hex<64>,
    /// SHA-384 of the ID public key.
    pub id_key_digest: &'a Hex<48>,
    /// SHA-384 of the author public key.
    pub author_key_digest: &'a Hex<48>,
    /// From the ID block.
    pub family_id: &'a Hex<16>,
    /// From the ID block.
    pub image_id: &'a Hex<16>,
    /// Id of the guest.
    pub report_id: &'a Hex<32>,
    /// Id of its migration agent, all 0xFF without one.
    pub report_id_ma: &'a Hex<32>,
    /// Id of the chip.
    pub chip_id: &'a Hex<64>,
    /// How the report is tied to one chip.
    pub chip_binding: ChipBinding,
    /// From the ID block.
    pub guest_svn: u32,
    /// Privilege level of the requester; 4294967295 if the host asked.
    pub vmpl: u32,
    /// Whether the host asked for the report, not the guest.
    pub host_requested: bool,
    /// What the guest's owner allows.
    pub policy: GuestPolicy,
    /// How the platform is set up.
    pub platform_info: PlatformInfo,
    /// Whether an author key signed the ID key.
    pub author_key_en: bool,
    /// The TCB that the signature proves.
    pub reported_tcb: Tcb,
    /// The TCB below which the platform cannot go back.
    pub committed_tcb: Tcb,
    /// The TCB that runs now.
    pub current_tcb: Tcb,
    /// The TCB at the guest's launch.
    pub launch_tcb: Tcb,
    /// Firmware that runs now.
    pub current_version: FirmwareVersion,
    /// Firmware below which the platform cannot go back.
    pub committed_version: FirmwareVersion,
    /// Mitigations in force at launch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_mit_vector: Option<u64>,
    /// Mitigations in force now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_mit_vector: Option<u64>,
    /// Kind of the key that signed.
    pub signing_key: VekKind,
    /// The key that signed.
    pub endorsement_key: &'a EndorsementKeyFacts,
    /// The moment judged at.
    pub judged_at: UnixTime,
}

impl VerifiedReport {
    /// All that may be said of it.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        let body: &ReportBody = self.body();
        let product = self.product();
        Facts {
            report_version: body.version,
            product,
            cpuid: body.cpuid,
            measurement: &body.measurement,
            host_data: &body.host_data,
            report_data: &body.report_data,
            id_key_digest: &body.id_key_digest,
            author_key_digest: &body.author_key_digest,
            family_id: &body.family_id,
            image_id: &body.image_id,
            report_id: &body.report_id,
            report_id_ma: &body.report_id_ma,
            chip_id: &body.chip_id,
            chip_binding: self.chip_binding(),
            guest_svn: body.guest_svn,
            vmpl: body.vmpl,
            host_requested: body.vmpl == VMPL_HOST,
            policy: body.policy,
            platform_info: body.platform_info,
            author_key_en: body.key_flags.author_key_en(),
            reported_tcb: body.reported_tcb.parts(product),
            committed_tcb: body.committed_tcb.parts(product),
            current_tcb: body.current_tcb.parts(product),
            launch_tcb: body.launch_tcb.parts(product),
            current_version: body.current_version,
            committed_version: body.committed_version,
            launch_mit_vector: body.launch_mit_vector,
            current_mit_vector: body.current_mit_vector,
            signing_key: self.report().signing_key(),
            endorsement_key: self.endorsement_key(),
            judged_at: self.judged_at(),
        }
    }

    /// REPORTED_TCB, part by part: what MAA's SVN claims are made from.
    #[must_use]
    pub fn reported_tcb(&self) -> Tcb {
        self.body().reported_tcb.parts(self.product())
    }
}

impl Serialize for VerifiedReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.facts().serialize(serializer)
    }
}
