//! What Windows' boot components measured, as facts.

use super::measured::{AUTHORITIES, MODULES, SETTINGS};
use super::said::Said;
use super::values::numbers;
use super::{
    Chain, ElamDriver, IdentityKey, LoadedModule, Measured, NoIdentityKey, RevocationList, Session,
    SiPolicy, Start, Tag, TagId,
};
use crate::Register;

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
    /// What unlocked the system's volume: bits of all of `BITLOCKER_UNLOCK`. 0 if nothing did.
    pub bitlocker_unlock: Option<u64>,
    /// Whether an early-launch anti-malware driver was loaded.
    pub elam: Option<bool>,

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
    /// Whether everything that boot components loaded was verified (PCR 13).
    pub modules_validated: Option<bool>,
    /// Whether something was loaded that nobody had signed (PCR 14).
    pub unsigned: Option<bool>,

    logs: Vec<Measured<'a>>,
}

impl<'a> WindowsFacts<'a> {
    /// What the logs of a chain prove together.
    #[must_use]
    pub fn of(chain: &Chain<'a>) -> Self {
        let said = Said::of(chain);
        let last = chain.sessions().last();
        let complete = said.complete;
        let hypervisor_launched = said.launched(TagId::HYPERVISOR_LAUNCH_TYPE);
        let vsm_launched = said.launched(TagId::VSM_LAUNCH_TYPE);
        let vsm_required = said.strength(TagId::VBS_VSM_REQUIRED);
        let believed = vsm_launched == Some(true) && vsm_required == Some(true);
        let logs: Vec<_> = chain.sessions().iter().map(|of| of.measured().clone()).collect();
        let no_hypervisor =
            complete && hypervisor_launched == Some(false) && vsm_launched != Some(true);
        let counter = |id| last.and_then(|session| session.counter(id));
        let mut facts = Self {
            start: last.map_or(Start::Unknown, Session::start),
            complete,
            boot_debugging: said.weakness(TagId::BOOTDEBUGGING),
            kernel_debugging: said.weakness(TagId::OSKERNELDEBUG),
            hypervisor_debugging: said
                .weakness(TagId::HYPERVISOR_DEBUG)
                .or_else(|| no_hypervisor.then_some(false)),
            test_signing: said.weakness(TagId::TESTSIGNING),
            flight_signing: said.weakness(TagId::FLIGHTSIGNING),
            safe_mode: said.weakness(TagId::SAFEMODE),
            win_pe: said.weakness(TagId::WINPE),
            code_integrity: said.strength(TagId::CODEINTEGRITY),
            bitlocker_unlock: said.in_settings(TagId::BITLOCKER_UNLOCK).map(|values| values.bits),
            elam: None,
            hypervisor_launched,
            vsm_launched,
            vbs: said.good(
                said.by(SETTINGS, TagId::VBS_VSM_REQUIRED)
                    .and(said.by(SETTINGS, TagId::VBS_MANDATORY_ENFORCEMENT))
                    .map(|values| values.all_one),
            ),
            vsm_required,
            secure_boot_required: said.strength(TagId::VBS_SECUREBOOT_REQUIRED),
            iommu_required: said.strength(TagId::VBS_IOMMU_REQUIRED),
            mmio_nx_required: said.strength(TagId::VBS_MMIO_NX_REQUIRED),
            msr_filtering_required: said.strength(TagId::VBS_MSR_FILTERING_REQUIRED),
            mandatory_enforcement: said.strength(TagId::VBS_MANDATORY_ENFORCEMENT),
            microsoft_boot_chain_required: said.strength(TagId::VBS_MICROSOFT_BOOT_CHAIN_REQUIRED),
            hvci: said.strength(TagId::VBS_HVCI_POLICY),
            identity_key: Err(NoIdentityKey::NotMeasured),
            identity_signing_key: Err(NoIdentityKey::NotMeasured),
            boot_counter: counter(TagId::BOOTCOUNTER),
            event_counter: counter(TagId::EVENTCOUNTER),
            modules_validated: None,
            unsigned: said.bad(said.by(AUTHORITIES, TagId::NOAUTHORITY).map(|values| values.any)),
            logs,
        };
        facts.elam = complete.then(|| facts.elam_drivers().next().is_some());
        facts.identity_key = facts.key(TagId::VSM_IDK_INFO, believed);
        facts.identity_signing_key = facts.key(TagId::VSM_IDKS_INFO, believed);
        let all_validated = facts.modules().and_then(|modules| {
            modules.map(|module| module.validated == Some(true)).reduce(|one, other| one && other)
        });
        facts.modules_validated = said.good(all_validated);
        facts
    }

    /// The policies for data execution prevention, in order: 0 opt in, 1 opt out, 2 off, 3 on.
    pub fn data_execution_prevention(&self) -> impl Iterator<Item = u64> {
        numbers(self.tags(&[SETTINGS]), TagId::DATAEXECUTIONPREVENTION)
    }

    /// The early-launch anti-malware drivers, by each log.
    pub fn elam_drivers(&self) -> impl Iterator<Item = ElamDriver<'a>> {
        self.tags(&[SETTINGS]).filter_map(|(_, tag)| ElamDriver::of(&tag))
    }

    /// Security versions of the boot components, in order, the boot manager's first (PCR 12).
    pub fn application_svns(&self) -> impl Iterator<Item = u64> {
        numbers(self.tags(&[SETTINGS]), TagId::APPLICATION_SVN)
    }

    /// Everything that boot components loaded, in order (PCR 13); `None` if a log does not explain it.
    #[must_use]
    pub fn modules(&self) -> Option<impl Iterator<Item = LoadedModule<'a>>> {
        self.every_log_has(MODULES)
            .then(|| self.tags(&[MODULES]).filter_map(|(_, tag)| LoadedModule::of(&tag)))
    }

    /// Policies for code integrity that have the known form (PCR 13).
    pub fn si_policies(&self) -> impl Iterator<Item = SiPolicy<'a>> {
        self.data(MODULES, TagId::SI_POLICY).filter_map(|bytes| SiPolicy::parse(bytes).ok())
    }

    /// Lists of revoked boot components, in the known form (PCR 13).
    pub fn boot_revocation_lists(&self) -> impl Iterator<Item = RevocationList<'a>> {
        let data = self.data(MODULES, TagId::BOOT_REVOCATION_LIST);
        data.filter_map(|bytes| RevocationList::parse(bytes).ok())
    }

    /// Lists of revoked system files, in the known form (PCR 13).
    pub fn os_revocation_lists(&self) -> impl Iterator<Item = RevocationList<'a>> {
        let data = self.data(MODULES, TagId::OS_REVOCATION_LIST);
        data.filter_map(|bytes| RevocationList::parse(bytes).ok())
    }

    /// Public keys, in DER, by which boot components verified what they loaded (PCR 14); `None` if a
    /// log does not explain it.
    #[must_use]
    pub fn authorities(&self) -> Option<impl Iterator<Item = &'a [u8]>> {
        self.every_log_has(AUTHORITIES).then(|| self.data(AUTHORITIES, TagId::AUTHORITYPUBKEY))
    }

    fn tags(&self, registers: &[Register]) -> impl Iterator<Item = (Register, Tag<'a>)> {
        self.logs.iter().flat_map(move |log| log.tags(registers))
    }

    /// The data of the tags of one number.
    fn data(&self, register: Register, id: TagId) -> impl Iterator<Item = &'a [u8]> {
        let tags = self.logs.iter().flat_map(move |log| log.tags(&[register]));
        tags.filter(move |(_, tag)| tag.id == id).filter_map(|(_, tag)| tag.bytes())
    }

    fn every_log_has(&self, register: Register) -> bool {
        self.logs.iter().all(|log| log.has(register))
    }

    /// The identity key of a kind, if the secure kernel that has it was `believed` to run.
    fn key(&self, id: TagId, believed: bool) -> Result<IdentityKey<'a>, NoIdentityKey> {
        let events = self.logs.iter().flat_map(Measured::events);
        let settings = events.filter(|event| event.register() == SETTINGS);
        let key = IdentityKey::only(id, settings.map(|event| event.tags()))?;
        if believed { Ok(key) } else { Err(NoIdentityKey::NoSecureMode) }
    }
}
