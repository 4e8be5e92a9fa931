//! `ATTESTATION_REPORT`: 1184 bytes, in the order of AMD's table.

use avouch_wire::{Cursor, Hex};
use serde::Serialize;

use crate::{Cpuid, GuestPolicy, KeyFlags, PlatformInfo, RawTcb, ReportError, VekKind};

/// Bytes of an attestation report, 0x4A0.
pub const REPORT_LENGTH: usize = 0x4a0;

/// Bytes at the front of a report that the signature covers, 0x2A0.
pub const SIGNED_LENGTH: usize = 0x2a0;

/// `VMPL` of a report that the host asked for, not the guest.
pub const VMPL_HOST: u32 = 0xffff_ffff;

/// `SIGNATURE_ALGO` of ECDSA on P-384 with SHA-384, the only one there is.
const ECDSA_P384_SHA384: u32 = 1;

/// Which report versions are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportVersions {
    /// 2 to 5, the layouts that are fully known.
    #[default]
    Known,
    /// Also 6 (ABI 1.59), by all rules of version 5 except that bytes 0x220 to 0x27F are free and
    /// not interpreted. For operators whose hosts have moved on.
    KnownAndSix,
}

/// A firmware version: `major.minor.build`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FirmwareVersion {
    /// Major version of the ABI.
    pub major: u8,
    /// Minor version of the ABI.
    pub minor: u8,
    /// Build of the firmware.
    pub build: u8,
}

/// The fields of a report, in memory order. Names are AMD's.
///
/// # Source
/// AMD 56860, SEV Secure Nested Paging Firmware ABI Specification, `ATTESTATION_REPORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportBody {
    /// 0x000: layout of the report.
    pub version: u32,
    /// 0x004: security version of the guest, from its ID block.
    pub guest_svn: u32,
    /// 0x008: what the guest's owner allows.
    pub policy: GuestPolicy,
    /// 0x010: from the ID block.
    pub family_id: Hex<16>,
    /// 0x020: from the ID block.
    pub image_id: Hex<16>,
    /// 0x030: privilege level of the requester, 0 to 3, or [`VMPL_HOST`].
    pub vmpl: u32,
    /// 0x038: TCB that runs now.
    pub current_tcb: RawTcb,
    /// 0x040: how the platform is set up.
    pub platform_info: PlatformInfo,
    /// 0x048: which key signed.
    pub key_flags: KeyFlags,
    /// 0x050: chosen by the guest.
    pub report_data: Hex<64>,
    /// 0x090: launch digest of the guest.
    pub measurement: Hex<48>,
    /// 0x0C0: set by the host at launch.
    pub host_data: Hex<32>,
    /// 0x0E0: SHA-384 of the ID public key.
    pub id_key_digest: Hex<48>,
    /// 0x110: SHA-384 of the author public key.
    pub author_key_digest: Hex<48>,
    /// 0x140: id of this guest.
    pub report_id: Hex<32>,
    /// 0x160: id of its migration agent, all 0xFF without one.
    pub report_id_ma: Hex<32>,
    /// 0x180: TCB that the endorsement key was derived for.
    pub reported_tcb: RawTcb,
    /// 0x188: processor, version 3 and later.
    pub cpuid: Option<Cpuid>,
    /// 0x1A0: id of the chip; zero if masked or signed by a VLEK.
    pub chip_id: Hex<64>,
    /// 0x1E0: TCB below which the platform cannot go back.
    pub committed_tcb: RawTcb,
    /// 0x1E8: firmware that runs now.
    pub current_version: FirmwareVersion,
    /// 0x1EC: firmware below which the platform cannot go back.
    pub committed_version: FirmwareVersion,
    /// 0x1F0: TCB at the guest's launch.
    pub launch_tcb: RawTcb,
    /// 0x1F8: mitigations in force at launch, version 5 and later.
    pub launch_mit_vector: Option<u64>,
    /// 0x200: mitigations in force now, version 5 and later.
    pub current_mit_vector: Option<u64>,
}

/// A report as its bytes say it is: well-formed, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    bytes: Box<[u8; REPORT_LENGTH]>,
    body: ReportBody,
    signing_key: VekKind,
    /// `r || s`, big-endian, 48 bytes each.
    signature: [u8; 96],
}

impl Report {
    /// Reads a report of version 2 to 5.
    ///
    /// Beyond the layout this refuses what makes a report meaningless whoever signed it: an unknown
    /// version or signature algorithm, no signing key, reserved bytes or bits that are not as the
    /// layout says, a privilege level that does not exist, a signature out of range.
    ///
    /// # Errors
    /// [`ReportError`] with the field, or with both sides of the comparison.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReportError> {
        Self::parse_versions(bytes, ReportVersions::Known)
    }

    /// As [`Report::parse`], with a choice of versions.
    ///
    /// # Errors
    /// As [`Report::parse`].
    pub fn parse_versions(bytes: &[u8], versions: ReportVersions) -> Result<Self, ReportError> {
        let bytes = sized(bytes)?;
        let mut cursor = Cursor::new("AttestationReport", bytes);
        let body = body(&mut cursor, versions)?;
        let signing_key = signing_key(body.key_flags)?;
        let signature = signature(&mut cursor)?;
        cursor.finish()?;
        Ok(Self { bytes: Box::new(*bytes), body, signing_key, signature })
    }

    /// Its fields. They are the sender's word until the report is verified.
    #[must_use]
    pub const fn untrusted_body(&self) -> &ReportBody {
        &self.body
    }

    pub(crate) const fn body(&self) -> &ReportBody {
        &self.body
    }

    /// The bytes as received.
    #[must_use]
    pub fn bytes(&self) -> &[u8; REPORT_LENGTH] {
        &self.bytes
    }

    /// The bytes that the signature covers, as received.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.bytes.split_at(SIGNED_LENGTH).0
    }

    /// Which kind of key says it signed.
    #[must_use]
    pub const fn signing_key(&self) -> VekKind {
        self.signing_key
    }

    /// The signature as `r || s`, big-endian, 48 bytes each.
    #[must_use]
    pub const fn signature(&self) -> &[u8; 96] {
        &self.signature
    }
}

fn sized(bytes: &[u8]) -> Result<&[u8; REPORT_LENGTH], ReportError> {
    bytes
        .try_into()
        .map_err(|_| ReportError::Length { expected: REPORT_LENGTH, found: bytes.len() })
}

fn body(cursor: &mut Cursor<'_>, versions: ReportVersions) -> Result<ReportBody, ReportError> {
    let version = version(cursor, versions)?;
    let guest_svn = cursor.u32_le("guest_svn")?;
    let policy = policy(cursor)?;
    let family_id = cursor.hex("family_id")?;
    let image_id = cursor.hex("image_id")?;
    let vmpl = vmpl(cursor)?;
    signature_algorithm(cursor)?;
    let current_tcb = tcb(cursor, "current_tcb")?;
    let platform_info = PlatformInfo(cursor.u64_le("platform_info")?);
    let key_flags = KeyFlags(cursor.u32_le("key_flags")?);
    cursor.zeros("reserved_0x4c", 4)?;
    let report_data = cursor.hex("report_data")?;
    let measurement = cursor.hex("measurement")?;
    let host_data = cursor.hex("host_data")?;
    let id_key_digest = cursor.hex("id_key_digest")?;
    let author_key_digest = cursor.hex("author_key_digest")?;
    let report_id = cursor.hex("report_id")?;
    let report_id_ma = cursor.hex("report_id_ma")?;
    let reported_tcb = tcb(cursor, "reported_tcb")?;
    let cpuid = cpuid(cursor, version)?;
    let chip_id = cursor.hex("chip_id")?;
    let committed_tcb = tcb(cursor, "committed_tcb")?;
    let current_version = firmware_version(cursor, "current_version", "reserved_0x1eb")?;
    let committed_version = firmware_version(cursor, "committed_version", "reserved_0x1ef")?;
    let launch_tcb = tcb(cursor, "launch_tcb")?;
    let (launch_mit_vector, current_mit_vector) = mitigations(cursor, version)?;
    Ok(ReportBody {
        version,
        guest_svn,
        policy,
        family_id,
        image_id,
        vmpl,
        current_tcb,
        platform_info,
        key_flags,
        report_data,
        measurement,
        host_data,
        id_key_digest,
        author_key_digest,
        report_id,
        report_id_ma,
        reported_tcb,
        cpuid,
        chip_id,
        committed_tcb,
        current_version,
        committed_version,
        launch_tcb,
        launch_mit_vector,
        current_mit_vector,
    })
}

fn version(cursor: &mut Cursor<'_>, versions: ReportVersions) -> Result<u32, ReportError> {
    let found = cursor.u32_le("version")?;
    let newest = match versions {
        ReportVersions::Known => 5,
        ReportVersions::KnownAndSix => 6,
    };
    if (2..=newest).contains(&found) {
        return Ok(found);
    }
    Err(ReportError::Version { found, newest })
}

fn policy(cursor: &mut Cursor<'_>) -> Result<GuestPolicy, ReportError> {
    let policy = GuestPolicy(cursor.u64_le("policy")?);
    if policy.reserved_one() {
        return Ok(policy);
    }
    Err(ReportError::PolicyReservedBit { policy: policy.0 })
}

fn vmpl(cursor: &mut Cursor<'_>) -> Result<u32, ReportError> {
    match cursor.u32_le("vmpl")? {
        found @ (0..=3 | VMPL_HOST) => Ok(found),
        found => Err(ReportError::Vmpl { found }),
    }
}

fn signature_algorithm(cursor: &mut Cursor<'_>) -> Result<(), ReportError> {
    let found = cursor.u32_le("signature_algo")?;
    if found == ECDSA_P384_SHA384 {
        return Ok(());
    }
    Err(ReportError::SignatureAlgorithm { expected: ECDSA_P384_SHA384, found })
}

fn signing_key(flags: KeyFlags) -> Result<VekKind, ReportError> {
    if flags.reserved() != 0 {
        return Err(ReportError::KeyFlagsReserved { found: flags.0 });
    }
    if flags.mask_chip_key() {
        return Err(ReportError::ChipKeyMasked { key_flags: flags.0 });
    }
    match flags.signing_key() {
        0 => Ok(VekKind::Vcek),
        1 => Ok(VekKind::Vlek),
        found => Err(ReportError::SigningKey { found }),
    }
}

fn tcb(cursor: &mut Cursor<'_>, field: &'static str) -> Result<RawTcb, ReportError> {
    Ok(RawTcb(*cursor.array(field)?))
}

/// From version 3 on three bytes of what had been reserved name the processor.
fn cpuid(cursor: &mut Cursor<'_>, version: u32) -> Result<Option<Cpuid>, ReportError> {
    if version < 3 {
        cursor.zeros("reserved_0x188", 24)?;
        return Ok(None);
    }
    let family = cursor.u8("cpuid_fam_id")?;
    let model = cursor.u8("cpuid_mod_id")?;
    let stepping = cursor.u8("cpuid_step")?;
    cursor.zeros("reserved_0x18b", 21)?;
    Ok(Some(Cpuid { family, model, stepping }))
}

fn firmware_version(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    reserved: &'static str,
) -> Result<FirmwareVersion, ReportError> {
    let [build, minor, major] = *cursor.array(field)?;
    cursor.zeros(reserved, 1)?;
    Ok(FirmwareVersion { major, minor, build })
}

/// From version 5 on two mitigation vectors stand in what had been reserved.
fn mitigations(
    cursor: &mut Cursor<'_>,
    version: u32,
) -> Result<(Option<u64>, Option<u64>), ReportError> {
    if version < 5 {
        cursor.zeros("reserved_0x1f8", 168)?;
        return Ok((None, None));
    }
    let launch = cursor.u64_le("launch_mit_vector")?;
    let current = cursor.u64_le("current_mit_vector")?;
    if version < 6 {
        cursor.zeros("reserved_0x208", 152)?;
    } else {
        cursor.zeros("reserved_0x208", 24)?;
        cursor.take("etcb", 96)?;
        cursor.zeros("reserved_0x280", 32)?;
    }
    Ok((Some(launch), Some(current)))
}

/// Order of the P-384 group, big-endian (SEC 2, section 2.5.1).
const P384_ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// Two little-endian scalars of 72 bytes each, of which 48 can be used, then 368 reserved bytes.
/// Nothing signs the reserved bytes, so zeros are the only content with one meaning.
fn signature(cursor: &mut Cursor<'_>) -> Result<[u8; 96], ReportError> {
    let mut signature = [0; 96];
    let (r, s) = signature.split_at_mut(48);
    for (name, padding, scalar) in
        [("signature_r", "signature_r_padding", r), ("signature_s", "signature_s_padding", s)]
    {
        let mut big_endian: [u8; 48] = *cursor.array(name)?;
        big_endian.reverse();
        cursor.zeros(padding, 24)?;
        if big_endian == [0; 48] || big_endian >= P384_ORDER {
            return Err(ReportError::SignatureRange { component: name, found: Hex(big_endian) });
        }
        scalar.copy_from_slice(&big_endian);
    }
    cursor.zeros("signature_reserved", 368)?;
    Ok(signature)
}
