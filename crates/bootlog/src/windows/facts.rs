//! What Windows' boot components measured, as facts.

use avouch_wire::ParseError;

use super::measured::{AUTHORITIES, MODULES, SETTINGS};
use super::values::{all, any, number, numbers};
use super::{
    Chain, ElamDriver, IdentityKey, LoadedModule, MeasuredEvent, NoIdentityKey, RevocationList,
    Session, SiPolicy, Start, Tag, TagId,
};
use crate::Register;

/// Registers with settings.
const BOTH: [Register; 2] = [SETTINGS, MODULES];

/// What is proven of the Windows that runs. Settings come up several times, from each boot component:
/// one that weakens the system counts as on if it was on once, one that strengthens it as off if it was
/// off once. `None` means that the logs prove neither.
///
/// If they do not show how the system was loaded, which was then hibernated, nothing good is proven of
/// it: of each setting only the value that speaks against the system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowsFacts<'a> {
    /// How it came to run, by the last log.
    pub start: Start,
    /// Whether the logs show how it was loaded.
    pub complete: bool,

    /// Whether a boot component could be debugged.
    pub boot_debugging: Option<bool>,
    /// Whether the kernel could be debugged.
    pub kernel_debugging: Option<bool>,
    /// Whether the hypervisor could be debugged; no if none was launched.
    pub hypervisor_debugging: Option<bool>,
    /// Whether test certificates were accepted.
    pub test_signing: Option<bool>,
    /// Whether Microsoft's certificates for previews were accepted.
    pub flight_signing: Option<bool>,
    /// Whether it was started in safe mode.
    pub safe_mode: Option<bool>,
    /// Whether it is an environment for installation and recovery.
    pub win_pe: Option<bool>,
    /// Whether code signatures were verified.
    pub code_integrity: Option<bool>,
    /// The policies for data execution prevention, in order: 0 opt in, 1 opt out, 2 off, 3 on.
    pub data_execution_prevention: Vec<u64>,
    /// What unlocked the system's volume: bits of all of `BITLOCKER_UNLOCK`. 0 if nothing did.
    pub bitlocker_unlock: Option<u64>,
    /// Whether an early-launch anti-malware driver was loaded.
    pub elam: Option<bool>,
    /// Which, by each log.
    pub elam_drivers: Vec<ElamDriver<'a>>,

    /// Whether the hypervisor was launched.
    pub hypervisor_launched: Option<bool>,
    /// Whether virtual secure mode was launched.
    pub vsm_launched: Option<bool>,
    /// Whether virtualization-based security was required, by MAA's reading: every value of
    /// `VBS_VSM_REQUIRED` and `VBS_MANDATORY_ENFORCEMENT` in PCR 12.
    pub vbs: Option<bool>,
    /// Whether virtual secure mode was required.
    pub vsm_required: Option<bool>,
    /// Whether it must not run without secure boot.
    pub secure_boot_required: Option<bool>,
    /// Whether it must not run without an IOMMU.
    pub iommu_required: Option<bool>,
    /// Whether it must not run without protected device memory.
    pub mmio_nx_required: Option<bool>,
    /// Whether it must not run without filtered model-specific registers.
    pub msr_filtering_required: Option<bool>,
    /// Whether it must not run without virtual secure mode.
    pub mandatory_enforcement: Option<bool>,
    /// Whether all boot components must be Microsoft's.
    pub microsoft_boot_chain_required: Option<bool>,
    /// Whether the hypervisor enforces code integrity.
    pub hvci: Option<bool>,
    /// The key that the secure kernel decrypts by (`VSM_IDK_INFO`, PCR 12).
    pub identity_key: Result<IdentityKey<'a>, NoIdentityKey>,
    /// The key that the secure kernel signs by (`VSM_IDKS_INFO`, PCR 12).
    pub identity_signing_key: Result<IdentityKey<'a>, NoIdentityKey>,

    /// How often this Windows was booted, by its own count.
    pub boot_counter: Option<u64>,
    /// The TPM's counter that Windows raises, by the last log.
    pub event_counter: Option<u64>,
    /// Security versions of the boot components, in order, the boot manager's first (PCR 12).
    pub application_svns: Vec<u64>,
    /// Everything that boot components loaded, in order (PCR 13); `None` if a log does not explain it.
    pub modules: Option<Vec<LoadedModule<'a>>>,
    /// Whether all of it was verified.
    pub modules_validated: Option<bool>,
    /// Policies for code integrity that have the known form (PCR 13).
    pub si_policies: Vec<SiPolicy<'a>>,
    /// Lists of revoked boot components, in the known form (PCR 13).
    pub boot_revocation_lists: Vec<RevocationList<'a>>,
    /// Lists of revoked system files, in the known form (PCR 13).
    pub os_revocation_lists: Vec<RevocationList<'a>>,
    /// Public keys, in DER, by which boot components verified what they loaded (PCR 14); `None` if a
    /// log does not explain it.
    pub authorities: Option<Vec<&'a [u8]>>,
    /// Whether something was loaded that nobody had signed (PCR 14).
    pub unsigned: Option<bool>,
}

impl<'a> WindowsFacts<'a> {
    /// What the logs of a chain prove together.
    #[must_use]
    pub fn of(chain: &Chain<'a>) -> Self {
        let tags = Tags { sessions: chain.sessions(), complete: chain.is_complete() };
        let hypervisor_launched = tags.launched(TagId::HYPERVISOR_LAUNCH_TYPE);
        let vsm_launched = tags.launched(TagId::VSM_LAUNCH_TYPE);
        let vsm_required = tags.strength(&[TagId::VBS_VSM_REQUIRED]);
        let believed = vsm_launched == Some(true) && vsm_required == Some(true);
        let elam_drivers: Vec<_> = tags.each(&[SETTINGS]).filter_map(ElamDriver::of).collect();
        let modules: Option<Vec<_>> = tags
            .every_log_has(MODULES)
            .then(|| tags.each(&[MODULES]).filter_map(LoadedModule::of).collect());
        let bitlocker = tags.numbers(TagId::BITLOCKER_UNLOCK);
        Self {
            start: tags.last().map_or(Start::Unknown, Session::start),
            complete: tags.complete,
            boot_debugging: tags.weakness(TagId::BOOTDEBUGGING),
            kernel_debugging: tags.weakness(TagId::OSKERNELDEBUG),
            hypervisor_debugging: tags.weakness(TagId::HYPERVISOR_DEBUG).or(
                match (tags.complete, hypervisor_launched, vsm_launched) {
                    (true, Some(false), None | Some(false)) => Some(false),
                    _ => None,
                },
            ),
            test_signing: tags.weakness(TagId::TESTSIGNING),
            flight_signing: tags.weakness(TagId::FLIGHTSIGNING),
            safe_mode: tags.weakness(TagId::SAFEMODE),
            win_pe: tags.weakness(TagId::WINPE),
            code_integrity: tags.strength(&[TagId::CODEINTEGRITY]),
            data_execution_prevention: tags.numbers_of(&[SETTINGS], TagId::DATAEXECUTIONPREVENTION),
            bitlocker_unlock: bitlocker.into_iter().reduce(|one, other| one | other),
            elam: tags.complete.then_some(!elam_drivers.is_empty()),
            elam_drivers,
            hypervisor_launched,
            vsm_launched,
            vbs: tags.strength_of(
                &[SETTINGS],
                &[TagId::VBS_VSM_REQUIRED, TagId::VBS_MANDATORY_ENFORCEMENT],
            ),
            vsm_required,
            secure_boot_required: tags.strength(&[TagId::VBS_SECUREBOOT_REQUIRED]),
            iommu_required: tags.strength(&[TagId::VBS_IOMMU_REQUIRED]),
            mmio_nx_required: tags.strength(&[TagId::VBS_MMIO_NX_REQUIRED]),
            msr_filtering_required: tags.strength(&[TagId::VBS_MSR_FILTERING_REQUIRED]),
            mandatory_enforcement: tags.strength(&[TagId::VBS_MANDATORY_ENFORCEMENT]),
            microsoft_boot_chain_required: tags
                .strength(&[TagId::VBS_MICROSOFT_BOOT_CHAIN_REQUIRED]),
            hvci: tags.good(all(tags.numbers(TagId::VBS_HVCI_POLICY).iter().map(|v| *v == 1))),
            identity_key: tags.key(TagId::VSM_IDK_INFO, believed),
            identity_signing_key: tags.key(TagId::VSM_IDKS_INFO, believed),
            boot_counter: tags.counter(TagId::BOOTCOUNTER),
            event_counter: tags.counter(TagId::EVENTCOUNTER),
            application_svns: tags.numbers_of(&[SETTINGS], TagId::APPLICATION_SVN),
            modules_validated: modules.as_ref().and_then(|modules| {
                tags.good(all(modules.iter().map(|module| module.validated == Some(true))))
            }),
            modules,
            si_policies: tags.parsed(TagId::SI_POLICY, SiPolicy::parse),
            boot_revocation_lists: tags.parsed(TagId::BOOT_REVOCATION_LIST, RevocationList::parse),
            os_revocation_lists: tags.parsed(TagId::OS_REVOCATION_LIST, RevocationList::parse),
            authorities: tags.every_log_has(AUTHORITIES).then(|| {
                tags.each(&[AUTHORITIES])
                    .filter(|tag| tag.id == TagId::AUTHORITYPUBKEY)
                    .filter_map(Tag::bytes)
                    .collect()
            }),
            unsigned: tags.bad(any(tags
                .numbers_of(&[AUTHORITIES], TagId::NOAUTHORITY)
                .iter()
                .map(|v| *v != 0))),
        }
    }
}

/// The tags of all logs of a chain.
struct Tags<'c, 'a> {
    sessions: &'c [Session<'a>],
    complete: bool,
}

impl<'c, 'a> Tags<'c, 'a> {
    fn each(&self, registers: &[Register]) -> impl Iterator<Item = &'c Tag<'a>> {
        self.sessions.iter().flat_map(move |session| session.measured().tags(registers))
    }

    fn last(&self) -> Option<&'c Session<'a>> {
        self.sessions.last()
    }

    fn every_log_has(&self, register: Register) -> bool {
        self.sessions.iter().all(|session| session.measured().has(register))
    }

    fn numbers(&self, id: TagId) -> Vec<u64> {
        self.numbers_of(&BOTH, id)
    }

    fn numbers_of(&self, registers: &[Register], id: TagId) -> Vec<u64> {
        numbers(self.each(registers), id)
    }

    /// A flag that weakens the system.
    fn weakness(&self, id: TagId) -> Option<bool> {
        self.bad(any(self.numbers(id).iter().map(|value| *value != 0)))
    }

    /// Flags that strengthen the system.
    fn strength(&self, ids: &[TagId]) -> Option<bool> {
        self.strength_of(&BOTH, ids)
    }

    fn strength_of(&self, registers: &[Register], ids: &[TagId]) -> Option<bool> {
        let tags = self.each(registers).filter(|tag| ids.contains(&tag.id));
        self.good(all(tags.map(|tag| number(tag) == Some(1))))
    }

    /// Whether something was launched each time that it is spoken of.
    fn launched(&self, id: TagId) -> Option<bool> {
        self.good(all(self.numbers(id).iter().map(|value| *value != 0)))
    }

    /// A result that speaks for the system if it is `true`: not proven while the logs are incomplete.
    fn good(&self, result: Option<bool>) -> Option<bool> {
        result.filter(|good| self.complete || !good)
    }

    /// A result that speaks against the system if it is `true`: its absence is not proven while the
    /// logs are incomplete.
    fn bad(&self, result: Option<bool>) -> Option<bool> {
        result.filter(|bad| self.complete || *bad)
    }

    /// The identity key of a kind, if the secure kernel that has it was `believed` to run.
    fn key(&self, id: TagId, believed: bool) -> Result<IdentityKey<'a>, NoIdentityKey> {
        let events = self.sessions.iter().flat_map(|session| session.measured().events());
        let settings = events.filter(|event| event.register() == SETTINGS);
        let key = IdentityKey::only(id, settings.map(MeasuredEvent::tags))?;
        if believed { Ok(key) } else { Err(NoIdentityKey::NoSecureMode) }
    }

    /// A counter as the last log shows it.
    fn counter(&self, id: TagId) -> Option<u64> {
        self.last().and_then(|session| session.counter(id))
    }

    /// The tags of one number in PCR 13 that have the known form.
    fn parsed<T>(&self, id: TagId, parse: impl Fn(&'a [u8]) -> Result<T, ParseError>) -> Vec<T> {
        let tags = self.each(&[MODULES]).filter(|tag| tag.id == id);
        tags.filter_map(Tag::bytes).filter_map(|bytes| parse(bytes).ok()).collect()
    }
}
