//! What was measured before the operating system took over.

use super::{Tag, TagId, WindowsError};
use crate::replay::{ExplainedRegister, JudgedBank, ReplayedEvent};
use crate::{Algorithm, EventType, Register};

/// What Windows extends its registers by when it takes over from its boot components.
const SEPARATOR: &[u8] = b"WBCL";
/// Settings of the boot and of the operating system.
pub(super) const SETTINGS: Register = Register::Pcr(12);
/// What was loaded, and the settings again.
pub(super) const MODULES: Register = Register::Pcr(13);
/// By whose keys it was verified.
pub(super) const AUTHORITIES: Register = Register::Pcr(14);

/// What was measured into PCR 12, 13 and 14 before Windows took over, by explained registers. Who
/// measured it is another question: see [`super::OnlyWindows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured<'a> {
    algorithm: Algorithm,
    registers: Vec<Register>,
    events: Vec<MeasuredEvent<'a>>,
}

/// One event before the separator, with the tags that its digest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredEvent<'a> {
    register: Register,
    sequence: usize,
    tags: Vec<Tag<'a>>,
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
    #[must_use]
    pub fn tags(&self) -> &[Tag<'a>] {
        &self.tags
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
        let mut measured =
            Self { algorithm: bank.algorithm(), registers: Vec::new(), events: Vec::new() };
        for index in [SETTINGS, MODULES, AUTHORITIES] {
            let Some(register) = bank.explained(index) else { continue };
            measured.registers.push(index);
            read_register(register, &mut measured.events)?;
        }
        measured.events.sort_by_key(MeasuredEvent::untrusted_sequence);
        Ok(measured)
    }

    /// Algorithm of the bank that it was read in.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its events, in the order of the log.
    #[must_use]
    pub fn events(&self) -> &[MeasuredEvent<'a>] {
        &self.events
    }

    /// Whether a register was explained, and so nothing that it proves is missing here.
    pub(super) fn has(&self, register: Register) -> bool {
        self.registers.contains(&register)
    }

    /// The tags of `registers`: those in trust boundaries, and those outside of any container.
    pub(super) fn tags(&self, registers: &[Register]) -> impl Iterator<Item = &Tag<'a>> {
        self.events.iter().filter(|event| registers.contains(&event.register)).flat_map(|event| {
            event.tags.iter().flat_map(|tag| match tag.id {
                TagId::TRUSTBOUNDARY => tag.members(),
                _ => std::slice::from_ref(tag),
            })
        })
    }
}

/// Adds the events of one register up to its separator.
fn read_register<'a>(
    register: &ExplainedRegister<'a>,
    events: &mut Vec<MeasuredEvent<'a>>,
) -> Result<(), WindowsError> {
    let index = register.register();
    let mut took_over = false;
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
            (false, false) => events.push(read_event(event)?),
        }
    }
    if took_over { Ok(()) } else { Err(WindowsError::NoSeparator { register: index }) }
}

fn read_event<'a>(event: &ReplayedEvent<'a>) -> Result<MeasuredEvent<'a>, WindowsError> {
    let (register, sequence) = (event.register(), event.untrusted_sequence());
    let found = event.untrusted_type();
    let data = event.data().ok_or(WindowsError::Digest { register, sequence })?;
    if found != EventType::EVENT_TAG {
        return Err(WindowsError::EventType { register, sequence, found });
    }
    let mut tags = Tag::parse_all(data).map_err(|source| WindowsError::Tags {
        register,
        sequence,
        source: Box::new(source),
    })?;
    tags.retain(|tag| tag.id.is_measured());
    Ok(MeasuredEvent { register, sequence, tags })
}
