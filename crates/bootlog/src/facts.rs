//! Facts of firmware and boot loaders, read from replayed events only.
//!
//! A fact rests on one register: if the log does not explain it, the fact is absent and the others
//! stand. Nothing that no digest covers decides a fact; what is shown of it is called `untrusted`.
//!
//! After the boot, whoever is root can extend every register further and log what they extended. So
//! facts hold of what came first, or of everything in a list: never of what came last.

mod boot_chain;
mod command_line;
mod content;
mod finding;
mod secure_boot;
mod shim;
mod td;

pub use boot_chain::BootImage;
pub use finding::Finding;
pub use secure_boot::{
    Authority, AuthoritySource, NotEnforced, Reason, SecureBoot, SecureBootKeys, Unproven,
};
pub use shim::Shim;
pub use td::TdFacts;

use self::boot_chain::boot_chain;
use self::finding::Findings;
use self::secure_boot::Walk;
use crate::replay::{ExplainedRegister, Judged, JudgedBank, Verdict};
use crate::uefi::PartitionTable;
use crate::{HashAlgorithm, Register};

/// What a log proves of the boot. Only [`BootFacts::read`] and [`BootFacts::read_in`] make one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootFacts<'a> {
    /// The bank that they rest on; `None` if no strong one is both quoted and logged.
    pub bank: Option<HashAlgorithm>,
    /// Whether only signed code ran (PCR 7).
    pub secure_boot: SecureBoot,
    /// The databases that the firmware verified by (PCR 7); `None` where secure boot is unproven.
    pub keys: Option<SecureBootKeys<'a>>,
    /// The entries by which images were let run, in order (PCR 7); none where secure boot is unproven.
    pub authorities: Vec<Authority<'a>>,
    /// What shim says of itself (PCR 7); nothing where secure boot is unproven.
    pub shim: Shim<'a>,
    /// What the firmware and boot loaders started, in order (PCR 4).
    pub boot_chain: Option<Vec<BootImage<'a>>>,
    /// The command lines that GRUB gave to kernels, in order (PCR 8). All of them were given; the last
    /// is the kernel's that runs, unless root extended PCR 8 later.
    pub grub_command_lines: Option<Vec<&'a str>>,
    /// The command lines that systemd-boot or systemd-stub gave to kernels, in order (PCR 12).
    pub systemd_command_lines: Option<Vec<String>>,
    /// Partition tables of disks that the firmware looked at (PCR 5). Each was measured; the log may
    /// hide others.
    pub partition_tables: Option<Vec<PartitionTable<'a>>>,
    /// What is worth telling and decides nothing.
    pub findings: Vec<Finding>,
}

impl<'a> BootFacts<'a> {
    /// The facts of the bank that [`Judged::strong_bank`] gives.
    #[must_use]
    pub fn read(judged: &Judged<'a>) -> Self {
        judged.strong_bank().map_or_else(Self::nothing, Self::read_in)
    }

    /// The facts of one bank, also of SHA-1's: whoever can make SHA-1 collisions can make such facts.
    #[must_use]
    pub fn read_in(bank: &JudgedBank<'a>) -> Self {
        let explained = |index| bank.explained(Register::Pcr(index));
        let mut facts = Self { bank: Some(bank.algorithm()), ..Self::nothing() };
        let mut findings = Findings::default();
        facts.read_secure_boot(bank, &mut findings);
        facts.boot_chain =
            explained(4).and_then(|register| boot_chain(register, |_| true, &mut findings));
        facts.partition_tables =
            explained(5).and_then(|register| partition_tables(register, &mut findings));
        facts.read_command_lines(bank, &mut findings);
        facts.findings = findings.into_vec();
        facts
    }

    /// Each boot loader has a register of its own for command lines. What one of them shows counts only
    /// if the log does not hide, and does not show, that the other gave any.
    fn read_command_lines(&mut self, bank: &JudgedBank<'a>, findings: &mut Findings) {
        let [of_grub, of_systemd] = [8, 12].map(Register::Pcr);
        let grub = bank.explained(of_grub).map(command_line::grub);
        if grub == Some(None) {
            findings.push(Finding::CommandLineUnproven);
        }
        let (grub, systemd) =
            (grub.flatten(), bank.explained(of_systemd).map(command_line::systemd));
        let is_hidden = |register| {
            let verdict = bank.verdict(register);
            matches!(verdict, Some(Verdict::Unexplained { .. } | Verdict::BankMissing { .. }))
        };
        let by_grub = grub.as_ref().is_some_and(|lines| !lines.is_empty());
        let by_systemd = matches!(systemd, Some(Some(_)));
        let of_other = match (by_grub, by_systemd) {
            (true, true) => Some(of_systemd),
            (true, false) if is_hidden(of_systemd) => Some(of_systemd),
            (false, true) if is_hidden(of_grub) => Some(of_grub),
            _ => None,
        };
        if let Some(register) = of_other {
            findings.push(Finding::OtherLoader { register });
            return;
        }
        (self.grub_command_lines, self.systemd_command_lines) = (grub, systemd.flatten());
    }

    fn read_secure_boot(&mut self, bank: &JudgedBank<'a>, findings: &mut Findings) {
        let pcr7 = Register::Pcr(7);
        let Some(register) = bank.explained(pcr7) else {
            let verdict = bank.verdict(pcr7).map_or("not quoted", |verdict| verdict.name());
            self.secure_boot = SecureBoot::Unproven(Unproven::Register { register: pcr7, verdict });
            return;
        };
        let mut walk = Walk::default();
        let outcome = walk.run(register, findings);
        self.secure_boot = outcome.unwrap_or_else(SecureBoot::Unproven);
        if self.secure_boot.enforced().is_some() {
            self.keys = walk.keys;
            self.authorities = walk.authorities;
            self.shim = walk.shim;
        }
    }

    fn nothing() -> Self {
        Self {
            bank: None,
            secure_boot: SecureBoot::Unproven(Unproven::NoStrongBank),
            keys: None,
            authorities: Vec::new(),
            shim: Shim::default(),
            boot_chain: None,
            grub_command_lines: None,
            systemd_command_lines: None,
            partition_tables: None,
            findings: Vec::new(),
        }
    }
}

/// Most partition tables that are listed: one a disk.
const TABLES_MAX: usize = 32;

/// Every partition table in PCR 5, whatever its event says that it is.
fn partition_tables<'a>(
    register: &ExplainedRegister<'a>,
    findings: &mut Findings,
) -> Option<Vec<PartitionTable<'a>>> {
    let mut tables = Vec::new();
    for event in register.events() {
        let may_be_one = PartitionTable::is(event.untrusted_data());
        let Some(data) = may_be_one.then(|| event.data()).flatten() else { continue };
        match PartitionTable::parse(data) {
            Ok(_) if tables.len() == TABLES_MAX => {
                let (register, limit) = (event.register(), TABLES_MAX);
                findings.push(Finding::TooMany { register, what: "partition tables", limit });
                return None;
            }
            Ok(table) => tables.push(table),
            Err(_) => {
                let (register, sequence) = (event.register(), event.untrusted_sequence());
                findings.push(Finding::PartitionTable { register, sequence });
            }
        }
    }
    Some(tables)
}
