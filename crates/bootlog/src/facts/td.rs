//! Facts of a trust domain's firmware and boot loaders, by its `RTMR`s.
//!
//! Several PCRs are one register here, so events of different kinds stand side by side, and not all of
//! them have data that their digest covers. Whoever is root in the domain can show such an event as
//! anything else that is not covered, and extend the registers further. So what follows from a register
//! holds whatever is hidden among them, or is no fact:
//!
//! * Secure boot: the firmware measures its variables before the first separator, where nobody else
//!   can add any. `SecureBoot` has three values, whose digests are known, so it cannot be hidden.
//!   After the separator, only what firmware measures without its content may be uncovered.
//! * Images: everything in `RTMR` 1 that may be one is listed, by its digest.
//! * Kernel command lines are no facts: GRUB measures them among files, whose content no log has.
//!
//! All of it is what the firmware says, and which firmware it is, `MRTD` alone tells.

use super::boot_chain::boot_chain;
use super::content::Content;
use super::finding::Findings;
use super::secure_boot::{DEBUG_MODE, Walk};
use super::{
    Authority, BootImage, Finding, SecureBoot, SecureBootKeys, Shim, Unproven, partition_tables,
};
use crate::replay::{ExplainedRegister, Judged, JudgedBank, ReplayedEvent};
use crate::uefi::{Guid, PartitionTable, Variable, encode_variable};
use crate::{Digest, EventType, HashAlgorithm, Register};

/// What a trust domain's log proves of its boot. Only [`TdFacts::read`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TdFacts<'a> {
    /// Whether only signed code ran (`RTMR` 0).
    pub secure_boot: SecureBoot,
    /// The databases that the firmware verified by (`RTMR` 0); `None` where secure boot is unproven.
    pub keys: Option<SecureBootKeys<'a>>,
    /// The entries by which images were let run, in order (`RTMR` 0).
    pub authorities: Vec<Authority<'a>>,
    /// What shim says of itself (`RTMR` 0).
    pub shim: Shim<'a>,
    /// What the firmware and boot loaders started, in order (`RTMR` 1): everything in that register that
    /// is no separator, no partition table and no report of what the firmware does.
    pub boot_chain: Option<Vec<BootImage<'a>>>,
    /// The partition tables of the disks that the firmware looked at (`RTMR` 1).
    pub partition_tables: Option<Vec<PartitionTable<'a>>>,
    /// What is worth telling and decides nothing.
    pub findings: Vec<Finding>,
}

/// How many events after the first separator may have a digest of what the log has not: the three
/// tables that firmware takes from its host and measures without their content.
const HOST_TABLES: usize = 3;

impl<'a> TdFacts<'a> {
    /// The facts that rest on the SHA-384 values that a quote proved.
    #[must_use]
    pub fn read(judged: &Judged<'a>) -> Self {
        let bank = judged.bank(HashAlgorithm::Sha384);
        let explained = |index| bank?.explained(Register::Rtmr(index));
        let mut findings = Findings::default();
        let mut walk = Walk::default();
        let outcome = explained(0)
            .ok_or_else(|| unexplained(bank))
            .and_then(|register| secure_boot(&mut walk, register, &mut findings));
        let proven = outcome.is_ok();
        let images = explained(1).and_then(|register| {
            boot_chain(register, |event| !is_partition_table(event), &mut findings)
        });
        let tables = explained(1).and_then(|register| partition_tables(register, &mut findings));
        Self {
            secure_boot: outcome.unwrap_or_else(SecureBoot::Unproven),
            keys: walk.keys.filter(|_| proven),
            authorities: if proven { walk.authorities } else { Vec::new() },
            shim: if proven { walk.shim } else { Shim::default() },
            boot_chain: images,
            partition_tables: tables,
            findings: findings.into_vec(),
        }
    }
}

fn unexplained(bank: Option<&JudgedBank<'_>>) -> Unproven {
    let register = Register::Rtmr(0);
    let verdict = bank.and_then(|bank| bank.verdict(register));
    Unproven::Register { register, verdict: verdict.map_or("not quoted", |verdict| verdict.name()) }
}

/// Covered data that are a partition table: no digest of an image is theirs.
fn is_partition_table(event: &ReplayedEvent<'_>) -> bool {
    PartitionTable::is(event.untrusted_data()) && event.data().is_some()
}

/// Walks the part of `RTMR` 0 that a TPM has in PCR 7.
fn secure_boot<'a>(
    walk: &mut Walk<'a>,
    register: &ExplainedRegister<'a>,
    findings: &mut Findings,
) -> Result<SecureBoot, Unproven> {
    let telling = telling_digests(register.algorithm());
    let (mut ended, mut of_host) = (false, 0_usize);
    for event in register.events() {
        let event = &event;
        match Content::of(event) {
            Content::Uncovered if is_boot_value(event) => {}
            Content::Uncovered => {
                of_host = if ended { of_host.saturating_add(1) } else { 0 };
                if of_host > HOST_TABLES || telling.contains(event.digest()) {
                    return Err(Unproven::Digest { sequence: event.untrusted_sequence() });
                }
            }
            // The one of PCR 1; what follows is in no other phase.
            Content::Separator if ended => {}
            Content::Separator => {
                ended = true;
                walk.event(event, findings)?;
            }
            Content::Variable(variable) if ended && variable.is_boot_option() => {}
            // Configuration of the platform, which is no variable.
            Content::Other => {}
            // Text of other kinds stands here too. What says that nothing counts says so as any of them.
            Content::Action(DEBUG_MODE) => {
                return Err(Unproven::DebugMode { sequence: event.untrusted_sequence() });
            }
            Content::Action(_) if event.untrusted_type() != EventType::EFI_ACTION => {}
            _ => walk.event(event, findings)?,
        }
    }
    walk.end(register.register())
}

/// Digests that no event of another content has: what each value of `SecureBoot`, a shim that was told
/// to verify nothing, and the end of a phase are measured as.
fn telling_digests(algorithm: HashAlgorithm) -> Vec<Digest> {
    let values: [(Guid, &str, &[u8]); 4] = [
        (Guid::GLOBAL, "SecureBoot", &[]),
        (Guid::GLOBAL, "SecureBoot", &[0]),
        (Guid::GLOBAL, "SecureBoot", &[1]),
        (Guid::SHIM, "MokSBState", &[1]),
    ];
    let variables = values.map(|(vendor, name, data)| encode_variable(vendor, name, data));
    let contents = variables.iter().map(Vec::as_slice).chain([[0; 4].as_slice()]);
    contents.filter_map(|content| algorithm.hash(&[content])).collect()
}

/// Whether an event is a boot variable whose digest is of its value alone, as most firmware measures
/// them. A value that is a variable itself is something else, shown so.
fn is_boot_value(event: &ReplayedEvent<'_>) -> bool {
    let Ok(variable) = Variable::parse(event.untrusted_data()) else { return false };
    variable.is_boot_option()
        && event.covers(variable.data)
        && variable.data != [0; 4]
        && Variable::parse(variable.data).is_err()
}
