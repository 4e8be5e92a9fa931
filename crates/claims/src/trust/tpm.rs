//! TPMs, real and virtual, and the boot that their logs prove.

use avouch_bootlog::boot::{ProvenBoot, ProvenWindows};
use avouch_tpm::Standing;

use super::{
    Attester, Recognition, TrustClaim, TrustVector, configuration, executables, file_system,
    instance,
};

/// What is proven of a TPM and its machine.
#[derive(Debug, Clone, Copy)]
pub struct TpmTrust<'a> {
    /// `tpm` or `vtpm`.
    pub name: &'static str,
    /// How the attestation key is known to be a TPM's.
    pub standing: Standing,
    /// What the firmware's log proves, if one was sent.
    pub boot: Option<&'a ProvenBoot>,
    /// Whether the operator knows the files of the kernel's list.
    pub files: Recognition,
}

/// What a quote and its logs prove of a machine. A TPM says nothing of the processor beside it, and nothing of
/// who sees memory.
#[must_use]
pub fn tpm_trust(proven: TpmTrust<'_>) -> Attester {
    let TpmTrust { name, standing, boot, files } = proven;
    let boot = boot.map(Boot::of).unwrap_or_default();
    Attester { name, trust: Facts { standing, boot, files }.vector() }
}

/// What the vector is made of.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) standing: Standing,
    pub(super) boot: Boot,
    pub(super) files: Recognition,
}

/// What counts of a boot. By default nothing is known of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Boot {
    /// Somebody may look into it with a debugger.
    pub(super) is_debuggable: bool,
    /// Code may have run that nobody signed, or that test keys did; or it is no whole system.
    pub(super) is_weak: bool,
    /// It is Windows, by keys of Microsoft's, and each of its settings is proven to be good.
    pub(super) is_sound_windows: bool,
}

impl Boot {
    fn of(boot: &ProvenBoot) -> Self {
        let windows = boot.windows.as_ref();
        let any = |facts: &[fn(&ProvenWindows) -> Option<bool>], value| {
            windows.is_some_and(|windows| facts.iter().any(|fact| fact(windows) == value))
        };
        let weaknesses: [fn(&ProvenWindows) -> Option<bool>; 4] =
            [|it| it.test_signing, |it| it.flight_signing, |it| it.safe_mode, |it| it.win_pe];
        let debuggers: [fn(&ProvenWindows) -> Option<bool>; 3] =
            [|it| it.boot_debugging, |it| it.kernel_debugging, |it| it.hypervisor_debugging];
        let is_good = |windows: &ProvenWindows| {
            let mut facts = weaknesses.iter().chain(&debuggers);
            windows.complete && facts.all(|fact| fact(windows) == Some(false))
        };
        Self {
            is_debuggable: any(&debuggers, Some(true)),
            is_weak: boot.secure_boot() == Some(false) || any(&weaknesses, Some(true)),
            is_sound_windows: boot.secure_boot() == Some(true)
                && boot.windows_roots().is_empty()
                && windows.is_some_and(is_good),
        }
    }

    const fn configuration(self) -> TrustClaim {
        match self {
            Self { is_debuggable: true, .. } => configuration::UNACCEPTABLE,
            Self { is_weak: true, .. } => configuration::VULNERABLE,
            Self { is_sound_windows: true, .. } => configuration::NOTHING_KNOWN,
            _ => TrustClaim::NONE,
        }
    }
}

impl Facts {
    pub(super) fn vector(self) -> TrustVector {
        let executables = match (self.files, self.boot.is_sound_windows) {
            (Recognition::Unrecognized, _) => executables::UNRECOGNIZED,
            (_, true) => executables::APPROVED_START,
            (_, false) => TrustClaim::NONE,
        };
        // That all files of the list are known says nothing where the kernel that wrote it is not.
        let file_system = match self.files {
            Recognition::Unrecognized => file_system::UNRECOGNIZED,
            Recognition::Recognized | Recognition::NotAsked => TrustClaim::NONE,
        };
        let vector = TrustVector {
            instance_identity: instance::RECOGNIZED,
            configuration: self.boot.configuration(),
            executables,
            file_system,
            ..TrustVector::default()
        };
        match self.standing {
            Standing::Certified | Standing::Activated | Standing::Reported => vector,
            // Software may hold the key.
            Standing::SelfAsserted => vector.without_affirmations(),
        }
    }
}
