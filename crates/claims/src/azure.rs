//! Guest attestation: virtual machines with a virtual TPM, Azure's and others.

use avouch_azure::{AttestationInfo, Host, RuntimeClaims, VerifiedGuest};
use avouch_bootlog::boot::{GuestFacts, ProvenBoot, ProvenWindows, System};
use avouch_tpm::Standing;
use avouch_wire::base64url;
use avouch_wire::json::CanonicalJson;
use serde_json::{Map, Value, json};

use crate::ServiceClaim;
use crate::claim::both;

/// What guest attestation proved.
#[derive(Debug)]
pub struct GuestProof<'a> {
    /// The request.
    pub info: &'a AttestationInfo,
    /// The state of the virtual TPM, and the key for the answer.
    pub guest: &'a VerifiedGuest,
    /// What the firmware's log proves, if one was sent.
    pub boot: Option<&'a ProvenBoot>,
    /// What isolates the machine from its host, if it sent evidence of that.
    pub isolation: Option<IsolationProof<'a>>,
}

/// Verified evidence of what isolates a machine from its host.
#[derive(Debug)]
pub struct IsolationProof<'a> {
    /// The type of its own tokens.
    pub attestation_type: &'static str,
    /// The claims of its own tokens.
    pub claims: Vec<ServiceClaim>,
    /// The runtime data that it binds.
    pub runtime: &'a RuntimeClaims,
    /// Whether an operator knows the paravisor that bound them. Otherwise it may be evidence of another
    /// machine, whose administrator had the name of this one's key bound.
    pub is_known_paravisor: bool,
}

/// A claim under the name that Azure's machines have it by, or under that of others.
macro_rules! of_host {
    ($host:expr, $name:literal, $value:expr) => {
        both(
            match $host {
                Host::Azure => concat!("x-ms-azurevm-", $name),
                Host::Other => concat!("avouch-vtpm-", $name),
            },
            $value,
        )
    };
}

/// Version of the protocol.
const PROTOCOL_VERSION: &str = "2.0";

/// The type of tokens about machines of other hosts than Azure.
const OTHER_TYPE: &str = "vtpm";

/// `x-ms-attestation-type` where it is not that of the kind: of a machine whose virtual TPM is not Azure's.
#[must_use]
pub const fn guest_attestation_type(host: Host) -> Option<&'static str> {
    match host {
        Host::Azure => None,
        Host::Other => Some(OTHER_TYPE),
    }
}

/// Claims from guest attestation. Every one is there but the machine's id: what the log does not show is
/// `false`, or 0, and no good is said of it.
///
/// # Source
/// `docs/maa/token.md#azure-guests`; for those that begin with `avouch-`, `docs/evidence/trusted-launch.md`:
/// MAA has none of them.
#[must_use]
pub fn guest(proof: GuestProof<'_>) -> Vec<ServiceClaim> {
    let host = proof.guest.host();
    let facts = proof.boot.map(ProvenBoot::guest);
    let secure_boot = proof.boot.and_then(ProvenBoot::secure_boot) == Some(true);
    let pcrs: Value = proof.guest.attested_pcrs().iter().collect();
    let mut claims = vec![
        both("secureboot", secure_boot),
        both("avouch-aik", standing(proof.guest.standing())),
        both("x-ms-runtime", runtime(&proof)),
        of_host!(host, "attestation-protocol-ver", PROTOCOL_VERSION),
        of_host!(host, "attested-pcrs", pcrs),
    ];
    claims.extend(system(&proof));
    claims.extend(keys(host, facts));
    claims.extend(windows(host, proof.boot));
    if let Some(id) = machine_id(facts, proof.isolation.as_ref()) {
        claims.push(of_host!(host, "vmid", id));
    }
    if let Some(proof) = proof.isolation {
        claims.push(both("avouch-paravisor-known", proof.is_known_paravisor));
        claims.push(isolation(proof));
    }
    claims
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Certified => "certified",
        Standing::Activated => "activated",
        Standing::Reported => "reported",
        Standing::SelfAsserted => "self-asserted",
    }
}

/// What the client says of its system, and which it was by the log.
fn system(proof: &GuestProof<'_>) -> Vec<ServiceClaim> {
    let (host, said) = (proof.guest.host(), proof.info.untrusted_system());
    let is_windows = proof.boot.is_some_and(|boot| boot.guest().system == System::Windows);
    vec![
        of_host!(host, "is-windows", is_windows),
        of_host!(host, "osbuild", said.build.as_str()),
        of_host!(host, "osdistro", said.distro.as_str()),
        of_host!(host, "ostype", said.os_type.as_str()),
        of_host!(host, "osversion-major", said.version_major),
        of_host!(host, "osversion-minor", said.version_minor),
    ]
}

/// By whose keys the firmware verified.
fn keys(host: Host, facts: Option<&GuestFacts>) -> Vec<ServiceClaim> {
    let has = |fact: fn(&GuestFacts) -> bool| facts.is_some_and(fact);
    vec![
        of_host!(host, "default-securebootkeysvalidated", has(|facts| facts.has_default_keys)),
        of_host!(host, "dbvalidated", has(|facts| facts.has_default_db)),
        of_host!(host, "dbxvalidated", has(|facts| facts.has_known_dbx)),
    ]
}

/// What Windows' boot components measured. Another system has no such settings, which is as good as having
/// them off; a machine of which is not known which system it started has nothing good said of it.
fn windows(host: Host, boot: Option<&ProvenBoot>) -> Vec<ServiceClaim> {
    let windows = boot.and_then(|boot| boot.windows.as_ref());
    let is_other = boot.is_some_and(|boot| boot.guest().system == System::Other);
    let is = |fact: fn(&ProvenWindows) -> Option<bool>, value: bool| {
        windows.and_then(fact) == Some(value)
    };
    let no_debugger = is(|it| it.boot_debugging, false)
        && is(|it| it.kernel_debugging, false)
        && is(|it| it.hypervisor_debugging, false);
    let no_test_keys = is(|it| it.test_signing, false) && is(|it| it.flight_signing, false);
    vec![
        of_host!(host, "bootdebug-enabled", is(|it| it.boot_debugging, true)),
        of_host!(host, "debuggersdisabled", no_debugger || is_other),
        of_host!(host, "elam-enabled", is(|it| it.elam, true)),
        of_host!(host, "flightsigning-enabled", is(|it| it.flight_signing, true)),
        of_host!(host, "hvci-policy", u8::from(is(|it| it.hvci, true))),
        of_host!(host, "hypervisordebug-enabled", is(|it| it.hypervisor_debugging, true)),
        of_host!(host, "kerneldebug-enabled", is(|it| it.kernel_debugging, true)),
        of_host!(host, "signingdisabled", no_test_keys || is_other),
        of_host!(host, "testsigning-enabled", is(|it| it.test_signing, true)),
    ]
}

/// Which machine it is, by its known paravisor or by its firmware; nothing if they disagree.
fn machine_id(
    facts: Option<&GuestFacts>,
    isolation: Option<&IsolationProof<'_>>,
) -> Option<String> {
    let measured = facts.and_then(|facts| facts.machine_id.clone());
    let known = isolation.filter(|isolation| isolation.is_known_paravisor);
    let said = known.and_then(|isolation| isolation.runtime.vm_unique_id());
    match (said.map(str::to_ascii_uppercase), measured) {
        (Some(said), Some(measured)) if said != measured => None,
        (Some(id), _) | (None, Some(id)) => Some(id),
        (None, None) => None,
    }
}

/// The key that the answer is sealed to, first of all, and what the client wants to see again.
fn runtime(proof: &GuestProof<'_>) -> Value {
    let key = proof.guest.sealing_key().public_key();
    let (modulus, exponent) = key.rsa_parts().unwrap_or_default();
    let key = json!({
        "kid": "TpmEphemeralEncryptionKey",
        "key_ops": ["encrypt"],
        "kty": "RSA",
        "n": base64url::encode(modulus),
        "e": base64url::encode(exponent),
    });
    let mut members = Map::from_iter([("keys".to_owned(), json!([key]))]);
    if let Some(payload) = proof.info.untrusted_client_payload() {
        members.insert("client-payload".to_owned(), Value::Object(payload.clone()));
    }
    Value::Object(members)
}

/// The claims of the isolation's own token, in one.
fn isolation(proof: IsolationProof<'_>) -> ServiceClaim {
    let mut claims = proof.claims;
    claims.push(both("x-ms-attestation-type", proof.attestation_type));
    claims.push(both("x-ms-runtime", CanonicalJson::from(proof.runtime.members())));
    ServiceClaim::nested("x-ms-isolation-tee", &claims)
}

#[cfg(test)]
mod tests {
    use avouch_azure::Host;
    use avouch_bootlog::boot::{GuestFacts, System};

    use super::keys;
    use crate::ClaimValue;

    #[test]
    fn each_of_the_firmwares_lists_has_its_own_claim() {
        let names = ["default-securebootkeysvalidated", "dbvalidated", "dbxvalidated"];
        for (index, name) in names.into_iter().enumerate() {
            let facts = GuestFacts {
                has_default_keys: index == 0,
                has_default_db: index == 1,
                has_known_dbx: index == 2,
                system: System::Other,
                machine_id: None,
            };
            for (host, prefix) in [(Host::Azure, "x-ms-azurevm-"), (Host::Other, "avouch-vtpm-")] {
                let claims = keys(host, Some(&facts));
                let held = claims.iter().filter(|claim| claim.value == ClaimValue::Boolean(true));
                let held: Vec<&str> = held.map(|claim| claim.name).collect();
                assert_eq!(held, [format!("{prefix}{name}")]);
            }
        }
    }
}
