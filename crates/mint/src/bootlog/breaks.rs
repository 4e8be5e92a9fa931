//! The named ways in which a log can be wrong.

mod rows;

use super::{BootLog, LinuxBoot, Registers, SecureBoot, TdBoot, WindowsBoot, linux, td, windows};
use crate::MintError;

/// One named way in which a log can be wrong; everything else in it is as a genuine boot leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBreak {
    /// Name in kebab case.
    pub name: &'static str,
    /// What is wrong, in one line.
    pub what: &'static str,
    /// What was booted.
    pub ground: Ground,
    /// What must notice it.
    pub notices: Notices,
}

/// The boot whose log is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Linux by shim and GRUB, Secure Boot on.
    Linux,
    /// The same with Secure Boot off.
    LinuxOff,
    /// The same with Secure Boot on and a shim that verifies nothing.
    LinuxInsecure,
    /// Windows, Secure Boot on.
    Windows,
    /// A trust domain, Secure Boot on.
    TrustDomain,
    /// The same with Secure Boot off.
    TrustDomainOff,
    /// The same with Secure Boot on and a shim that verifies nothing.
    TrustDomainInsecure,
}

impl Ground {
    /// The log of the boot, unbroken.
    ///
    /// # Errors
    /// As [`linux`], [`windows`] and [`td`].
    pub fn log(self) -> Result<BootLog, MintError> {
        let of_linux = LinuxBoot::default();
        let of_td = TdBoot::default();
        let insecure = Some(vec![1]);
        match self {
            Self::Linux => linux(&of_linux),
            Self::LinuxOff => linux(&LinuxBoot { secure_boot: SecureBoot::Off, ..of_linux }),
            Self::LinuxInsecure => linux(&LinuxBoot { mok_sb_state: insecure, ..of_linux }),
            Self::Windows => windows(&WindowsBoot::default()),
            Self::TrustDomain => td(&of_td),
            Self::TrustDomainOff => td(&TdBoot { secure_boot: SecureBoot::Off, ..of_td }),
            Self::TrustDomainInsecure => td(&TdBoot { mok_sb_state: insecure, ..of_td }),
        }
    }
}

/// What must notice a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notices {
    /// The log is refused as a whole, with this `check()`.
    Refused(&'static str),
    /// The register of this index is not explained.
    Unexplained(u32),
    /// Secure Boot is not proven to be on, whatever the log looks like.
    SecureBoot,
    /// The kernel's command line in the log is not believed.
    CommandLine,
    /// The programs that the log names are not taken for all that ran.
    Programs,
    /// What the log says of Windows is not believed.
    Windows,
}

/// A broken log, with the registers of the machine that it came from.
#[derive(Debug, Clone)]
pub struct BrokenLog {
    /// Which break it is.
    pub named: LogBreak,
    /// The bytes of the log.
    pub log: Vec<u8>,
    /// What a quote would prove.
    pub registers: Registers,
}

/// How a break is made.
#[derive(Clone, Copy)]
struct Recipe {
    apply: fn(&mut BootLog),
    /// Whether the machine's registers were extended by what the broken log says. If not, somebody
    /// changed the log alone.
    extended: bool,
}

type Row = (LogBreak, Recipe);

/// The ways in which a log can be broken.
pub fn breaks() -> impl Iterator<Item = &'static LogBreak> {
    rows::ALL.iter().copied().flatten().map(|(named, _)| named)
}

/// The log that is broken in the named way; `None` if there is no break of that name.
///
/// # Errors
/// [`MintError::NothingToBreak`] if the break changed nothing; else as [`Ground::log`].
pub fn broken(name: &str) -> Result<Option<BrokenLog>, MintError> {
    let mut rows = rows::ALL.iter().copied().flatten();
    let Some((named, recipe)) = rows.find(|(named, _)| named.name == name) else {
        return Ok(None);
    };
    let genuine = named.ground.log()?;
    let mut log = genuine.clone();
    (recipe.apply)(&mut log);
    if log == genuine {
        return Err(MintError::NothingToBreak);
    }
    let registers = if recipe.extended { log.registers() } else { genuine.registers() };
    Ok(Some(BrokenLog { named: *named, log: log.to_bytes()?, registers }))
}
