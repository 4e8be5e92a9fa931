//! What was measured before the operating system took over.

use super::{TAG_LIMIT, Tag, TagId, Tags, WindowsError};
use crate::replay::{ExplainedRegister, JudgedBank, ReplayedEvent, ReplayedEvents, in_log_order};
use crate::{EventType, HashAlgorithm, Register};

/// What Windows extends its registers by when it takes over from its boot components.
const SEPARATOR: &[u8] = b"WBCL";
/// Settings of the boot and of the operating system.
pub(super) const SETTINGS: Register = Register::Pcr(12);
/// What was loaded, and the settings again.
pub(super) const MODULES: Register = Register::Pcr(13);
/// By whose keys it was verified.
pub(super) const AUTHORITIES: Register = Register::Pcr(14);

/// What was measured into PCR 12, 13 and 14 before Windows took over, by explained registers. Who
/// measured it is another question: see [`super::NotOnlyWindows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured<'a> {
    algorithm: HashAlgorithm,
    /// Of each explained register what came before its separator, checked to be tags that digests cover.
    registers: Vec<(Register, ReplayedEvents<'a>)>,
}

/// One event before the separator, with the tags that its digest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredEvent<'a> {
    register: Register,
    sequence: usize,
    tags: Tags<'a>,
}

impl<'a> MeasuredEvent<'a> {
    /// The register that it extended.
    #[must_use]
    pub const fn register(&self) -> Register {
        self.register
    }

    /// Its place in the log. Between events of different registers the order proves nothing.
    #[must_use]
    pub const fn untrusted_sequence(&self) -> usize {
        self.sequence
    }

    /// Its tags. Outside of a container, those that say that they are not measured are left out.
    pub fn tags(&self) -> impl Iterator<Item = Tag<'a>> + use<'a> {
        self.tags.clone().filter(|tag| tag.id.is_measured())
    }

    /// Of an event that was checked.
    fn of(event: &ReplayedEvent<'a>) -> Self {
        let tags = Tags::of_checked(event.untrusted_data());
        Self { register: event.register(), sequence: event.untrusted_sequence(), tags }
    }
}

impl<'a> Measured<'a> {
    /// Reads PCR 12, which must be explained, and those of PCR 13 and 14 that are.
    ///
    /// Up to the separator every event must be a tagged event whose digest covers its data; behind it
    /// nothing counts, since whatever runs can extend these registers further.
    ///
    /// # Errors
    /// [`WindowsError`], with the register and the event.
    pub fn read(bank: &JudgedBank<'a>) -> Result<Self, WindowsError> {
        if bank.explained(SETTINGS).is_none() {
            let verdict = bank.verdict(SETTINGS).map_or("not quoted", |verdict| verdict.name());
            return Err(WindowsError::Register { verdict });
        }
        let mut left = TAG_LIMIT;
        let mut registers = Vec::new();
        for index in [SETTINGS, MODULES, AUTHORITIES] {
            let Some(register) = bank.explained(index) else { continue };
            registers.push((index, before_separator(register, &mut left)?));
        }
        Ok(Self { algorithm: bank.algorithm(), registers })
    }

    /// Algorithm of the bank that it was read in.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Its events, in the order of the log.
    pub fn events(&self) -> impl Iterator<Item = MeasuredEvent<'a>> + use<'a> {
        self.events_of(&[SETTINGS, MODULES, AUTHORITIES])
    }

    fn events_of(
        &self,
        registers: &[Register],
    ) -> impl Iterator<Item = MeasuredEvent<'a>> + use<'a> {
        let of = self.registers.iter().filter(|(register, _)| registers.contains(register));
        let events = of.map(|(_, events)| events.clone()).collect();
        in_log_order(events).map(|event| MeasuredEvent::of(&event))
    }

    /// Whether it has an event, by its register and place in the log.
    pub(super) fn event(&self, event: &ReplayedEvent<'_>) -> Option<MeasuredEvent<'a>> {
        let (_, events) =
            self.registers.iter().find(|(register, _)| *register == event.register())?;
        events.at_sequence(event.untrusted_sequence()).map(|event| MeasuredEvent::of(&event))
    }

    /// Whether a register was explained, and so nothing that it proves is missing here.
    pub(super) fn has(&self, register: Register) -> bool {
        self.registers.iter().any(|(of, _)| *of == register)
    }

    /// The tags of `registers`, each with its register: those in trust boundaries, and those outside of
    /// any container.
    pub(super) fn tags(
        &self,
        registers: &[Register],
    ) -> impl Iterator<Item = (Register, Tag<'a>)> + use<'a> {
        self.events_of(registers).flat_map(|event| {
            let tags = event.tags().flat_map(|tag| {
                let is_boundary = tag.id == TagId::TRUSTBOUNDARY;
                let (alone, within) =
                    if is_boundary { (None, tag.members()) } else { (Some(tag), Tags::default()) };
                alone.into_iter().chain(within)
            });
            tags.map(move |tag| (event.register, tag))
        })
    }
}

/// The events of a register up to its separator, checked; each tag in them is taken from `left`.
fn before_separator<'a>(
    register: &ExplainedRegister<'a>,
    left: &mut usize,
) -> Result<ReplayedEvents<'a>, WindowsError> {
    let index = register.register();
    let (mut took_over, mut before) = (false, 0_usize);
    for event in register.events() {
        let sequence = event.untrusted_sequence();
        let found = event.untrusted_type();
        match (event.covers(SEPARATOR), took_over) {
            (true, true) => {
                return Err(WindowsError::SecondSeparator { register: index, sequence });
            }
            (true, false) if found != EventType::SEPARATOR => {
                return Err(WindowsError::SeparatorType { register: index, sequence, found });
            }
            (true, false) => took_over = true,
            (false, true) => {}
            (false, false) => {
                check_event(&event, left)?;
                before = before.saturating_add(1);
            }
        }
    }
    if !took_over {
        return Err(WindowsError::NoSeparator { register: index });
    }
    Ok(register.events().first(before))
}

fn check_event(event: &ReplayedEvent<'_>, left: &mut usize) -> Result<(), WindowsError> {
    let (register, sequence) = (event.register(), event.untrusted_sequence());
    let found = event.untrusted_type();
    let data = event.data().ok_or(WindowsError::Digest { register, sequence })?;
    if found != EventType::EVENT_TAG {
        return Err(WindowsError::EventType { register, sequence, found });
    }
    let tags = Tags::parse(data, left);
    tags.map(drop).map_err(|source| WindowsError::Tags {
        register,
        sequence,
        source: Box::new(source),
    })
}
