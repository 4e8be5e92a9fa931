//! What the log of a machine with a TPM proves together with the registers of a verified quote, without
//! the log itself.

mod guest;

use std::collections::BTreeMap;

use avouch_pki::Root;
use avouch_wire::failed_check;
use serde::Serialize;
use thiserror::Error;

use crate::facts::BootFacts;
use crate::json::{BootReport, Events, EventsRefused};
use crate::replay::{JudgedBank, Verdict, judge};
use crate::tcg::{Log, LogError};
use crate::windows::{
    Chain, NoIdentityKey, Session, Start, WindowsAuthorities, WindowsError, WindowsFacts,
};
use crate::{Digest, Register, RegisterMap, RegisterValues};

pub use guest::{GuestFacts, System};

/// The registers of firmware and boot manager: nothing extends them after the log was taken.
const FIRMWARE_REGISTERS: std::ops::RangeInclusive<u8> = 0..=7;

/// A log, and the values of the quote that it is to explain.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// The log as it was sent.
    pub log: &'a [u8],
    /// The values that a verified quote proves.
    pub proven: &'a RegisterValues,
}

/// What is asked of a log beyond that it can be read.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// PCRs, bit n for PCR n: of those that the firmware extends (0 to 7), none may have events that lead
    /// to another value than the quote's. What is not explained elsewhere gives no facts, and no more.
    pub replayed: u32,
    /// By whose keys nothing but Windows is let run.
    pub windows: &'a WindowsAuthorities,
}

/// Why a log is refused. One that proves less than it could is not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BootError {
    /// It cannot be read.
    #[error("event log: {0}")]
    Log(#[from] LogError),
    /// It leads to another value than the quote's: it is of another boot, or was changed.
    #[error("the events of {register} lead to {replayed}, the quote says {proven}")]
    Replay {
        /// The register.
        register: Register,
        /// What the events lead to.
        replayed: Box<Digest>,
        /// What the quote says.
        proven: Box<Digest>,
    },
    /// What it shows cannot be shown to a policy.
    #[error("event log: {0}")]
    Events(#[from] EventsRefused),
    /// Nothing but Windows ran, and what it measured contradicts itself.
    #[error("event log: {0}")]
    Windows(#[from] WindowsError),
}

failed_check!(BootError {
    Self::Log(error) => (error.check(), LogError::checks()),
    Self::Replay { .. } => "log-replay",
    Self::Events(error) => (error.check(), EventsRefused::checks()),
    Self::Windows(error) => (error.check(), WindowsError::checks()),
});

/// What logs prove of a boot. Only [`ProvenBoot::prove`] makes one.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ProvenBoot {
    /// The verdict on each quoted PCR, in the bank that facts rest on.
    pub registers: BTreeMap<u8, &'static str>,
    /// The facts of firmware and boot loaders.
    #[serde(flatten)]
    pub report: BootReport,
    /// What Windows measured, if nothing but Windows ran.
    pub windows: Option<ProvenWindows>,
    /// Why nothing counts as measured by Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows_reason: Option<String>,
    /// The events that policies see.
    #[serde(skip)]
    pub events: Events,
    /// Those of the start before the machine slept.
    #[serde(skip)]
    pub boot_events: Option<Events>,
    #[serde(skip)]
    secure_boot: Option<bool>,
    #[serde(skip)]
    not_windows: Option<WindowsError>,
    #[serde(skip)]
    windows_roots: Vec<Root>,
    #[serde(skip)]
    guest: GuestFacts,
}

/// Why no key signs reports of enclaves.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoSigningKey {
    /// Nothing of the log counts as measured by Windows.
    #[error(transparent)]
    Windows(#[from] WindowsError),
    /// Windows measured none that counts.
    #[error(transparent)]
    Key(#[from] NoIdentityKey),
}

failed_check!(NoSigningKey {
    Self::Windows(error) => (error.check(), WindowsError::checks()),
    Self::Key(error) => (error.check(), NoIdentityKey::checks()),
});

/// What Windows measured; [`WindowsFacts`] says what each means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each field is that of WindowsFacts")]
pub struct ProvenWindows {
    pub complete: bool,
    pub resumed: bool,
    pub boot_debugging: Option<bool>,
    pub kernel_debugging: Option<bool>,
    pub hypervisor_debugging: Option<bool>,
    pub test_signing: Option<bool>,
    pub flight_signing: Option<bool>,
    pub safe_mode: Option<bool>,
    pub win_pe: Option<bool>,
    pub code_integrity: Option<bool>,
    pub elam: Option<bool>,
    pub hypervisor_launched: Option<bool>,
    pub vsm_launched: Option<bool>,
    pub vbs: Option<bool>,
    pub iommu_required: Option<bool>,
    pub hvci: Option<bool>,
    pub boot_counter: Option<u64>,
    pub event_counter: Option<u64>,
    /// The key that the secure kernel signs by.
    #[serde(skip)]
    pub identity_signing_key: Result<ProvenKey, NoIdentityKey>,
}

/// A public RSA key that the secure kernel made during this boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl ProvenKey {
    /// Modulus, big-endian, as many bytes as were measured.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Public exponent, big-endian.
    #[must_use]
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }
}

impl ProvenBoot {
    /// Reads the log of the machine as it runs, and, if it slept since, that of the start before; judges
    /// each by the values of its own quote.
    ///
    /// # Errors
    /// [`BootError`] of the first log that is refused, the earlier one first.
    pub fn prove(
        current: Recorded<'_>,
        before: Option<Recorded<'_>>,
        expected: Expected<'_>,
    ) -> Result<Self, BootError> {
        let before_log =
            before.map(|before| Log::parse(before.log, RegisterMap::Tpm)).transpose()?;
        let log = Log::parse(current.log, RegisterMap::Tpm)?;
        let before = match (&before_log, before) {
            (Some(log), Some(before)) => Some(JudgedStart::of(log, before.proven, expected)?),
            _ => None,
        };
        let now = JudgedStart::of(&log, current.proven, expected)?;
        let sessions = before.iter().chain([&now]).map(|start| start.session.as_ref());
        let (windows, windows_roots, not_windows) = match windows(sessions)? {
            Ok((windows, roots)) => (Some(windows), roots, None),
            Err(reason) => (None, Vec::new(), Some(reason)),
        };
        let secure_boot = match &before {
            Some(before) => both(before.secure_boot, now.secure_boot),
            None => now.secure_boot,
        };
        Ok(Self {
            registers: now.registers,
            report: now.report,
            windows,
            windows_reason: not_windows.as_ref().map(ToString::to_string),
            events: now.events,
            boot_events: before.map(|before| before.events),
            secure_boot,
            not_windows,
            windows_roots,
            guest: now.guest,
        })
    }

    /// What the log of the machine as it runs proves of a virtual machine.
    #[must_use]
    pub const fn guest(&self) -> &GuestFacts {
        &self.guest
    }

    /// The key that the secure kernel of this boot signs by.
    ///
    /// # Errors
    /// [`NoSigningKey`] if something else than Windows may have run, or Windows proved no key.
    pub fn identity_signing_key(&self) -> Result<&ProvenKey, NoSigningKey> {
        match (&self.windows, &self.not_windows) {
            (Some(windows), _) => {
                windows.identity_signing_key.as_ref().map_err(|error| error.clone().into())
            }
            (None, Some(error)) => Err(error.clone().into()),
            (None, None) => Err(NoIdentityKey::NotMeasured.into()),
        }
    }

    /// The certificates of an operator's choice that what Windows measured rests on; none if it rests on
    /// Microsoft's.
    #[must_use]
    pub fn windows_roots(&self) -> &[Root] {
        &self.windows_roots
    }

    /// Whether only signed code ran, also in the start before the machine slept, if that was attested;
    /// `None` if the logs prove neither.
    #[must_use]
    pub const fn secure_boot(&self) -> Option<bool> {
        self.secure_boot
    }
}

/// Off if it was off once, on if it was on always.
const fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// One start of the machine by its own log and quote.
struct JudgedStart<'a> {
    registers: BTreeMap<u8, &'static str>,
    report: BootReport,
    secure_boot: Option<bool>,
    session: Result<Session<'a>, WindowsError>,
    events: Events,
    guest: GuestFacts,
}

impl<'a> JudgedStart<'a> {
    fn of(
        log: &Log<'a>,
        proven: &RegisterValues,
        expected: Expected<'_>,
    ) -> Result<Self, BootError> {
        let judged = judge(log, proven);
        let facts = BootFacts::read(&judged);
        let Some(bank) = judged.strong_bank() else {
            return Err(EventsRefused::from(crate::facts::Unproven::NoStrongBank).into());
        };
        refuse_contradiction(log, bank, expected.replayed)?;
        let session = session(bank, expected.windows)?;
        let measured = session.as_ref().ok().map(Session::measured);
        let events = Events::of(bank, &facts, |event| measured?.processed_data(event))?;
        let registers = bank.verdicts().filter_map(|(register, verdict)| match register {
            Register::Pcr(index) => Some((index, verdict.name())),
            _ => None,
        });
        let guest = GuestFacts::of(&facts, bank, expected.windows, session.is_ok());
        Ok(Self {
            guest,
            registers: registers.collect(),
            report: BootReport::from(&facts),
            secure_boot: facts.secure_boot.enforced(),
            session,
            events,
        })
    }
}

/// No event of the firmware's may contradict the quote.
fn refuse_contradiction(
    log: &Log<'_>,
    bank: &JudgedBank<'_>,
    replayed: u32,
) -> Result<(), BootError> {
    let named =
        |index: &u8| 1_u32.checked_shl((*index).into()).is_some_and(|bit| replayed & bit != 0);
    for index in FIRMWARE_REGISTERS.filter(named) {
        let register = Register::Pcr(index);
        if let Some(Verdict::Unexplained { proven, replayed }) = bank.verdict(register)
            && log.extending(register).next().is_some()
        {
            let (replayed, proven) = (Box::new(*replayed), Box::new(*proven));
            return Err(BootError::Replay { register, replayed, proven });
        }
    }
    Ok(())
}

/// What Windows measured, or why nothing of the log counts as that. Another system's log has no such
/// things, and may have forged ones; Windows' own is whole or refused.
fn session<'a>(
    bank: &JudgedBank<'a>,
    windows: &WindowsAuthorities,
) -> Result<Result<Session<'a>, WindowsError>, WindowsError> {
    match Session::read(bank, windows) {
        Ok(session) => Ok(Ok(session)),
        Err(
            error @ (WindowsError::Origin(_)
            | WindowsError::Register { .. }
            | WindowsError::NoSeparator { .. }),
        ) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// The facts of all starts together, and the certificates of an operator's choice that they rest on;
/// without one of the starts nothing is known of Windows.
fn windows<'a: 's, 's>(
    sessions: impl Iterator<Item = Result<&'s Session<'a>, &'s WindowsError>>,
) -> Result<Result<(ProvenWindows, Vec<Root>), WindowsError>, WindowsError> {
    let sessions: Result<Vec<Session<'a>>, &WindowsError> =
        sessions.map(|session| session.cloned()).collect();
    let sessions = match sessions {
        Ok(sessions) => sessions,
        Err(reason) => return Ok(Err(reason.clone())),
    };
    let mut roots: Vec<Root> = Vec::new();
    for root in sessions.iter().flat_map(Session::roots) {
        if !roots.contains(root) {
            roots.push(root.clone());
        }
    }
    let chain = Chain::new(sessions)?;
    Ok(Ok((ProvenWindows::from(&WindowsFacts::of(&chain)), roots)))
}

impl From<&WindowsFacts<'_>> for ProvenWindows {
    fn from(facts: &WindowsFacts<'_>) -> Self {
        let key = facts.identity_signing_key.as_ref();
        Self {
            complete: facts.complete,
            resumed: facts.start == Start::Resume,
            boot_debugging: facts.boot_debugging,
            kernel_debugging: facts.kernel_debugging,
            hypervisor_debugging: facts.hypervisor_debugging,
            test_signing: facts.test_signing,
            flight_signing: facts.flight_signing,
            safe_mode: facts.safe_mode,
            win_pe: facts.win_pe,
            code_integrity: facts.code_integrity,
            elam: facts.elam,
            hypervisor_launched: facts.hypervisor_launched,
            vsm_launched: facts.vsm_launched,
            vbs: facts.vbs,
            iommu_required: facts.iommu_required,
            hvci: facts.hvci,
            boot_counter: facts.boot_counter,
            event_counter: facts.event_counter,
            identity_signing_key: key.map_err(Clone::clone).map(|key| ProvenKey {
                modulus: key.modulus().to_vec(),
                exponent: key.exponent().to_vec(),
            }),
        }
    }
}
