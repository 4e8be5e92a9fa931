//! The runtime data of an HCL report: which keys the machine's virtual TPM has, and how the machine is
//! configured.

use avouch_pki::{KeyError, PublicKey};
use avouch_wire::json::{self, JsonError};
use avouch_wire::{base64url, decode_hex, failed_check};
use serde_json::{Map, Value};
use thiserror::Error;

/// Longest runtime data that are read.
const RUNTIME_BYTES_MAX: usize = 64 * 1024;
/// The attestation key of the virtual TPM.
const AK: &str = "HCLAkPub";
/// Beginning of the names of a paravisor's keys.
const OWN_KEYS: &str = "HCL";
/// What the machine's guest put into the report, in bytes.
const USER_DATA_BYTES: usize = 64;

/// Why data are not an HCL report's runtime data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuntimeClaimsError {
    /// Not the JSON that it should be: a member that stands twice included.
    #[error("HCL runtime data: {0}")]
    Json(#[from] JsonError),
    /// Not exactly one attestation key.
    #[error("HCL runtime data name {found} keys HCLAkPub, expected one")]
    AkCount {
        /// How many there are.
        found: usize,
    },
    /// The attestation key is none.
    #[error("HCL runtime data: the key HCLAkPub: {reason}")]
    AkMember {
        /// What is wrong with it.
        reason: String,
    },
    /// The attestation key cannot be used.
    #[error("HCL runtime data: the key HCLAkPub: {0}")]
    Ak(#[from] KeyError),
    /// A number that would change on its way into a token.
    #[error("HCL runtime data: a number cannot be carried exactly")]
    InexactNumber,
    /// The guest's own data are not the bytes that it writes.
    #[error("HCL runtime data: user-data are not {USER_DATA_BYTES} bytes in hex")]
    UserData,
}

failed_check!(RuntimeClaimsError {
    Self::Json(_) => "hcl-runtime-json",
    Self::AkCount { .. } => "hcl-runtime-ak",
    Self::AkMember { .. } => "hcl-runtime-ak",
    Self::Ak(_) => "hcl-runtime-ak",
    Self::InexactNumber => "hcl-runtime-json",
    Self::UserData => "hcl-runtime-user-data",
});

/// What a machine's paravisor says of it. It is as good as what binds it: a hardware report of a machine
/// whose launch measurement is a known paravisor's, at its highest privilege. Anybody's own machine can
/// bind data of the same form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeClaims {
    members: Map<String, Value>,
    ak: PublicKey,
    user_data: Option<[u8; USER_DATA_BYTES]>,
}

impl RuntimeClaims {
    /// Reads runtime data: JSON with exactly one key `HCLAkPub`, RSA.
    ///
    /// # Errors
    /// [`RuntimeClaimsError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RuntimeClaimsError> {
        let members = json::parse_embedded_object(bytes, RUNTIME_BYTES_MAX)?;
        if json::first_inexact_number(bytes).is_some() {
            return Err(RuntimeClaimsError::InexactNumber);
        }
        let ak = ak(&members)?;
        let user_data = members.get("user-data").map(user_data).transpose()?;
        Ok(Self { members, ak, user_data })
    }

    /// Whether JSON speaks as a paravisor does: it has a configuration of the machine or a key of the
    /// paravisor's. Where such data are bound, the rules of HCL reports hold.
    #[must_use]
    pub fn are_spoken(members: &Map<String, Value>) -> bool {
        let of_paravisor = |key: &Value| {
            key.get("kid").and_then(Value::as_str).is_some_and(|kid| kid.starts_with(OWN_KEYS))
        };
        let keys = members.get("keys").and_then(Value::as_array);
        members.contains_key("vm-configuration")
            || keys.is_some_and(|keys| keys.iter().any(of_paravisor))
    }

    /// Checks JSON that speaks as a paravisor does, whatever it was made for: it names no more than one
    /// attestation key.
    ///
    /// # Errors
    /// [`RuntimeClaimsError::AkCount`].
    pub fn check_spoken(members: &Map<String, Value>) -> Result<(), RuntimeClaimsError> {
        match named_aks(members).count() {
            0 | 1 => Ok(()),
            found => Err(RuntimeClaimsError::AkCount { found }),
        }
    }

    /// The JSON, member for member.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The attestation key of the machine's virtual TPM.
    #[must_use]
    pub const fn ak(&self) -> &PublicKey {
        &self.ak
    }

    /// What the guest wrote for the report, if it has such data.
    #[must_use]
    pub const fn user_data(&self) -> Option<&[u8; USER_DATA_BYTES]> {
        self.user_data.as_ref()
    }

    /// `vm-configuration.vmUniqueId`: as it is written.
    #[must_use]
    pub fn vm_unique_id(&self) -> Option<&str> {
        self.members.get("vm-configuration")?.get("vmUniqueId")?.as_str()
    }
}

/// Everything that is called an attestation key.
fn named_aks(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let keys = members.get("keys").and_then(Value::as_array).map(Vec::as_slice);
    let keys = keys.unwrap_or_default().iter();
    keys.filter(|key| key.get("kid").and_then(Value::as_str) == Some(AK))
}

/// The one attestation key.
fn ak(members: &Map<String, Value>) -> Result<PublicKey, RuntimeClaimsError> {
    let mut named = named_aks(members);
    let (Some(key), None) = (named.next(), named.next()) else {
        return Err(RuntimeClaimsError::AkCount { found: named_aks(members).count() });
    };
    let refused = |reason: String| RuntimeClaimsError::AkMember { reason };
    if key.get("kty").and_then(Value::as_str) != Some("RSA") {
        return Err(refused("expected kty RSA".to_owned()));
    }
    let number = |name: &str| {
        let text = key.get(name).and_then(Value::as_str);
        let text = text.ok_or_else(|| refused(format!("{name} is missing")))?;
        base64url::decode_either(text).map_err(|error| refused(format!("{name}: {error}")))
    };
    Ok(PublicKey::rsa(&number("n")?, &number("e")?)?)
}

fn user_data(value: &Value) -> Result<[u8; USER_DATA_BYTES], RuntimeClaimsError> {
    let bytes = value.as_str().and_then(|text| decode_hex(text).ok());
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(RuntimeClaimsError::UserData)
}
