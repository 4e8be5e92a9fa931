//! What guest attestation proved, for people and programs.

use avouch_azure::{AttestationInfo, OperatingSystem, VerifiedGuest};
use avouch_bootlog::boot::{GuestFacts, ProvenBoot};
use avouch_claims::guest_attestation_type;
use avouch_pki::{Window, digest};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::isolation::VerifiedIsolation;
use crate::machine_state::booted;
use crate::{Grounds, MachineState, ReferenceSubject, VerifiedFacts};

/// What was proven.
#[derive(Debug, Serialize)]
pub(super) struct GuestEvidence {
    #[serde(flatten)]
    guest: VerifiedGuest,
    /// What the client says, which nothing proves.
    untrusted_system: OperatingSystem,
    /// What the firmware's log proves; `null` if none was sent.
    boot: Option<ProvenBoot>,
    /// What it proves of a virtual machine.
    machine: Option<GuestFacts>,
    /// Of confidential machines: kind, facts of the hardware's evidence, runtime data that it binds.
    #[serde(serialize_with = "told")]
    isolation: Option<VerifiedIsolation>,
}

fn told<S: Serializer>(
    isolation: &Option<VerifiedIsolation>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    isolation.as_ref().map(VerifiedIsolation::to_json).serialize(serializer)
}

impl GuestEvidence {
    pub(super) fn new(
        info: &AttestationInfo,
        guest: VerifiedGuest,
        boot: Option<ProvenBoot>,
        isolation: Option<VerifiedIsolation>,
    ) -> Self {
        Self {
            untrusted_system: info.untrusted_system().clone(),
            machine: boot.as_ref().map(|boot| boot.guest().clone()),
            guest,
            boot,
            isolation,
        }
    }
}

impl VerifiedFacts for GuestEvidence {
    fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The key that works only in this machine's virtual TPM, in this state.
    fn sender_key(&self) -> Option<&[u8]> {
        Some(self.guest.sealing_key().public_key().spki_der())
    }

    fn attestation_type(&self) -> Option<&'static str> {
        guest_attestation_type(self.guest.host())
    }

    fn reference_subject(&self) -> Option<ReferenceSubject<'_>> {
        self.isolation.as_ref().map(VerifiedIsolation::reference_subject)
    }

    fn rests_on_paravisor(&self) -> bool {
        self.isolation.is_some()
    }

    /// Known by its attestation key, for which a CA or a known paravisor vouches; of a confidential machine
    /// with what the hardware measured of it.
    fn machine_state(&self) -> Option<MachineState> {
        let machine = digest::sha256(self.guest.ak().spki_der()).to_string();
        let mut facts = booted(self.guest.quote(), self.boot.as_ref())?;
        let measured = self.isolation.as_ref().and_then(VerifiedIsolation::measurement);
        facts.extend(measured.map(|measured| ("measurement".to_owned(), measured)));
        Some(MachineState { machine, facts })
    }

    fn grounds(&self) -> Grounds {
        let key_sha256 = digest::sha256(self.guest.ak().spki_der());
        let certificate = self.guest.ak_certificate();
        let isolation = self.isolation.as_ref().map(VerifiedIsolation::grounds);
        let isolation = isolation.unwrap_or_default();
        let mut grounds = Grounds {
            machine: vec![("aik_sha256", key_sha256.to_string())],
            endorsements: certificate
                .map(|facts| ("root_key", facts.root.key_sha256))
                .into_iter()
                .collect(),
            window: both(certificate.map(|facts| facts.window), isolation.window),
        };
        grounds.machine.extend(isolation.machine);
        grounds.endorsements.extend(isolation.endorsements);
        grounds
    }
}

/// The span in which both are in force.
fn both(one: Option<Window>, other: Option<Window>) -> Option<Window> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.intersect(other)),
        (one, other) => one.or(other),
    }
}
