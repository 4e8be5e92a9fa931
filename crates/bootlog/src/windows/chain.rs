//! A boot of Windows, and the resumes from hibernation that followed it.

use avouch_pki::Root;

use super::measured::SETTINGS;
use super::values::numbers;
use super::{Measured, TagId, WindowsAuthorities, WindowsError, origin};
use crate::facts::BootFacts;
use crate::replay::JudgedBank;

/// `TRANSFER_CONTROL`: the boot manager starts the loader of Windows.
const TO_LOADER: u64 = 1;
/// `TRANSFER_CONTROL`: the boot manager resumes a hibernated Windows.
const TO_RESUME: u64 = 2;

/// How Windows came to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It was loaded.
    Boot,
    /// It was resumed from hibernation: the log does not say how it was loaded before.
    Resume,
    /// The log does not say.
    Unknown,
}

/// What Windows measured in one start, by registers that nothing but Windows can have extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session<'a> {
    measured: Measured<'a>,
    start: Start,
    roots: Vec<Root>,
}

impl<'a> Session<'a> {
    /// Reads what Windows measured, if PCR 7 shows that nothing but Windows was started.
    ///
    /// # Errors
    /// [`WindowsError`].
    pub fn read(bank: &JudgedBank<'a>, windows: &WindowsAuthorities) -> Result<Self, WindowsError> {
        let boot = BootFacts::read_in(bank);
        origin::check(&boot, windows)?;
        let roots = windows.chosen(&boot);
        let measured = Measured::read(bank)?;
        let said = |id| numbers(measured.tags(&[SETTINGS]), id);
        let transfers = |to| said(TagId::TRANSFER_CONTROL).any(|value| value == to);
        let start = match (transfers(TO_LOADER), transfers(TO_RESUME)) {
            (true, true) => return Err(WindowsError::BootAndResume),
            (true, false) => Start::Boot,
            (false, true) => Start::Resume,
            (false, false) => Start::Unknown,
        };
        for id in [TagId::BOOTCOUNTER, TagId::EVENTCOUNTER, TagId::COUNTERID] {
            if said(id).any(|value| Some(value) != said(id).next()) {
                return Err(WindowsError::Differs { id });
            }
        }
        Ok(Self { measured, start, roots })
    }

    /// What was measured.
    #[must_use]
    pub const fn measured(&self) -> &Measured<'a> {
        &self.measured
    }

    /// The certificates of an operator's choice that let its boot manager run; none if Microsoft's did.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// How Windows came to run.
    #[must_use]
    pub const fn start(&self) -> Start {
        self.start
    }

    /// The value of a counter; `None` if it was not measured.
    pub(super) fn counter(&self, id: TagId) -> Option<u64> {
        numbers(self.measured.tags(&[SETTINGS]), id).next()
    }
}

/// The start of Windows and its resumes from hibernation, in order: what is known of the system that
/// runs now. Each was judged by its own quote, because a resume starts registers anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain<'a> {
    sessions: Vec<Session<'a>>,
}

impl<'a> Chain<'a> {
    /// Sessions that belong together: the first may be a boot, every other one is a resume, all have
    /// the same boot counter and the same TPM counter, and that counter never falls.
    ///
    /// # Errors
    /// [`WindowsError::Chain`] or [`WindowsError::NoLogs`].
    pub fn new(sessions: Vec<Session<'a>>) -> Result<Self, WindowsError> {
        if sessions.is_empty() {
            return Err(WindowsError::NoLogs);
        }
        for (position, pair) in sessions.windows(2).enumerate() {
            let [earlier, later] = pair else { continue };
            let position = position.saturating_add(1);
            if let Some(problem) = mismatch(earlier, later) {
                return Err(WindowsError::Chain { position, problem });
            }
        }
        Ok(Self { sessions })
    }

    /// The sessions, in order.
    #[must_use]
    pub fn sessions(&self) -> &[Session<'a>] {
        &self.sessions
    }

    /// Whether it shows how the system that runs now was loaded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.sessions.first().is_some_and(|first| first.start == Start::Boot)
    }
}

/// What is wrong with `later` as the resume that follows `earlier`, if anything is.
fn mismatch(earlier: &Session<'_>, later: &Session<'_>) -> Option<&'static str> {
    let both = |id| (earlier.counter(id), later.counter(id));
    let boots = both(TagId::BOOTCOUNTER);
    let (tpm_before, tpm_now) = both(TagId::COUNTERID);
    let (events_before, events_now) = both(TagId::EVENTCOUNTER);
    if later.start != Start::Resume {
        Some("is no resume from hibernation")
    } else if boots.0.is_none() || boots.0 != boots.1 {
        Some("does not show the boot counter of the log before")
    } else if tpm_before != tpm_now {
        Some("names another TPM counter than the log before")
    } else if events_now < events_before {
        Some("shows a TPM counter that fell")
    } else {
        None
    }
}
