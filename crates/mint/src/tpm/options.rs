//! What kind of TPM evidence to mint.

use avouch_wire::UnixTime;

use crate::Seed;
use crate::vbs::VbsReport;

/// How the attestation key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AkScheme {
    /// RSASSA with SHA-256.
    RsaSsa,
    /// RSAPSS with SHA-256 and a salt of 32 bytes, as TPMs in FIPS mode sign.
    RsaPss,
    /// RSAPSS with SHA-256 and the longest salt, as other TPMs sign.
    RsaPssLongestSalt,
}

impl AkScheme {
    /// Every scheme.
    pub const ALL: [Self; 3] = [Self::RsaSsa, Self::RsaPss, Self::RsaPssLongestSalt];
}

/// The form of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestForm {
    /// `attReqV2`: structures of the TPM.
    Second,
    /// The same, with the attestation of a boot before the machine slept.
    SecondAfterSleep,
    /// `attReq`: Windows' claim, whose bank is told by its length (`PADS`).
    First,
    /// The same, with its bank named (`PAD2`).
    FirstWithBank,
}

/// What binds the key of a request of the second version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyBinding {
    /// The attestation key certified it: it lives in the TPM.
    Certified,
    /// The quote holds its digest.
    Quoted,
}

/// What to mint.
#[derive(Debug, Clone)]
pub struct TpmOptions {
    /// The moment around which certificates are valid.
    pub at: UnixTime,
    /// Source of serial numbers, CA keys and PCR values.
    pub seed: Seed,
    /// One of [`breaks`](super::breaks) by name, or nothing for good evidence.
    pub break_name: Option<String>,
    /// How the attestation key signs.
    pub scheme: AkScheme,
    /// The form of the request.
    pub form: RequestForm,
    /// What binds the request's key.
    pub binding: KeyBinding,
    /// An enrolment of the attestation key, which the request then has in place of a certificate.
    pub enrolment: Option<String>,
    /// An enclave that VBS protects; with one, the request attests it too.
    pub enclave: Option<VbsReport>,
    /// What the service gave the client.
    pub challenge: [u8; 16],
    /// The context that it gave with it.
    pub service_context: String,
    /// Values of the SHA-256 bank, PCR 0 first; from the seed for those that are absent.
    pub pcrs: Vec<[u8; 32]>,
    /// The TCG log that the request carries; it is not looked at here.
    pub log: Vec<u8>,
    /// The measurement list of IMA that the request carries beside it; not looked at either.
    pub ima: Option<Vec<u8>>,
    /// Further members beside the challenge, and others in place of those that are minted.
    pub members: serde_json::Map<String, serde_json::Value>,
}

impl TpmOptions {
    /// Good evidence at `at`.
    #[must_use]
    pub fn new(at: UnixTime) -> Self {
        Self {
            at,
            seed: Seed::default(),
            break_name: None,
            scheme: AkScheme::RsaSsa,
            form: RequestForm::Second,
            binding: KeyBinding::Certified,
            enrolment: None,
            enclave: None,
            challenge: [0x5c; 16],
            service_context: "bWludGVk".to_owned(),
            pcrs: Vec::new(),
            log: b"minted log".to_vec(),
            ima: None,
            members: serde_json::Map::new(),
        }
    }

    /// The same, broken in the named way.
    #[must_use]
    pub fn broken(self, name: impl Into<String>) -> Self {
        Self { break_name: Some(name.into()), ..self }
    }
}
