//! A whole log.

use super::{Bank, LogEvent, Registers, event_type};
use crate::{MintError, options::length_field};

/// The form of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogForm {
    /// One SHA-1 digest per event, without a header.
    Sha1,
    /// A digest per event in each of these banks, which a `Spec ID Event03` announces.
    CryptoAgile(Vec<Bank>),
    /// The confidential-computing form of a trust domain: SHA-384 alone, and registers of its own.
    Ccel,
}

impl LogForm {
    /// The banks of the log.
    #[must_use]
    pub fn banks(&self) -> &[Bank] {
        match self {
            Self::Sha1 => &[Bank::Sha1],
            Self::CryptoAgile(banks) => banks,
            Self::Ccel => &[Bank::Sha384],
        }
    }

    /// The register where this form has what TPM firmware measures into PCR `pcr` (UEFI 2.10 section
    /// 38.4.1). PCR 0 is the domain's `MRTD`, which no event extends.
    #[must_use]
    pub const fn register(&self, pcr: u32) -> u32 {
        match (self, pcr) {
            (Self::Ccel, 0) => 0,
            (Self::Ccel, 1 | 7) => 1,
            (Self::Ccel, 2..=6) => 2,
            (Self::Ccel, _) => 3,
            (_, pcr) => pcr,
        }
    }
}

/// A log as a plan: written as it stands, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootLog {
    /// Which form.
    pub form: LogForm,
    /// The events behind the header.
    pub events: Vec<LogEvent>,
    /// Locality at which the TPM was started. The log says so only by an event.
    pub started_at: u8,
    /// Bytes after the last event.
    pub fill: Vec<u8>,
    /// Bytes that are missing at the end.
    pub cut_bytes: usize,
}

impl BootLog {
    /// A log without events.
    #[must_use]
    pub const fn new(form: LogForm) -> Self {
        Self { form, events: Vec::new(), started_at: 0, fill: Vec::new(), cut_bytes: 0 }
    }

    /// Adds an event whose register is given as a PCR.
    pub fn push(&mut self, mut event: LogEvent) {
        event.register = self.form.register(event.register);
        self.events.push(event);
    }

    /// The first event that `is` finds.
    pub fn find(&mut self, is: impl Fn(&LogEvent) -> bool) -> Option<&mut LogEvent> {
        self.events.iter_mut().find(|event| is(event))
    }

    /// The bytes of the log.
    ///
    /// # Errors
    /// [`MintError::TooLong`] if an event's data do not fit their length field.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MintError> {
        let mut bytes = Vec::new();
        match &self.form {
            LogForm::Sha1 => {
                for event in &self.events {
                    write_sha1(&mut bytes, event, &event.digest(Bank::Sha1))?;
                }
            }
            LogForm::CryptoAgile(_) | LogForm::Ccel => {
                let header = self.header();
                write_sha1(&mut bytes, &header, &Bank::Sha1.filled(0))?;
                for event in &self.events {
                    self.write_agile(&mut bytes, event)?;
                }
            }
        }
        bytes.truncate(bytes.len().saturating_sub(self.cut_bytes));
        bytes.extend(&self.fill);
        Ok(bytes)
    }

    /// What the registers hold that exactly these events extended: all 24 PCRs, or the four of a
    /// trust domain, in each bank.
    #[must_use]
    pub fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        for bank in self.form.banks() {
            let indices = if self.form == LogForm::Ccel { 1..5 } else { 0..24 };
            for index in indices {
                registers.set(*bank, index, self.reset_value(*bank, index));
            }
            for event in self.events.iter().filter(|event| event.extends()) {
                registers.extend(*bank, event.register, &event.digest(*bank));
            }
        }
        registers
    }

    fn reset_value(&self, bank: Bank, index: u32) -> Vec<u8> {
        let mut value = bank.filled(if (17..23).contains(&index) { 0xff } else { 0 });
        if let (0, Some(last)) = (index, value.last_mut()) {
            *last = self.started_at;
        }
        value
    }

    /// `TCG_EfiSpecIDEvent`, in the register where OVMF puts it.
    fn header(&self) -> LogEvent {
        let banks = self.form.banks();
        let mut data = b"Spec ID Event03\0".to_vec();
        // Platform class 0, version 2.0 errata 2, UINTN of 8 bytes.
        data.extend([0, 0, 0, 0, 0, 2, 2, 2]);
        data.extend(u32::try_from(banks.len()).unwrap_or(u32::MAX).to_le_bytes());
        for bank in banks {
            data.extend(bank.tpm_id().to_le_bytes());
            data.extend(bank.digest_length().to_le_bytes());
        }
        data.push(0);
        let register = if self.form == LogForm::Ccel { 1 } else { 0 };
        LogEvent::new(register, event_type::NO_ACTION, data)
    }

    fn write_agile(&self, bytes: &mut Vec<u8>, event: &LogEvent) -> Result<(), MintError> {
        let banks = event.banks.as_deref().unwrap_or_else(|| self.form.banks());
        bytes.extend(event.register.to_le_bytes());
        bytes.extend(event.event_type.to_le_bytes());
        bytes.extend(length_field::<u32>("digestCount", banks.len())?.to_le_bytes());
        for bank in banks {
            bytes.extend(bank.tpm_id().to_le_bytes());
            bytes.extend(if event.extends() { event.digest(*bank) } else { bank.filled(0) });
        }
        write_data(bytes, event)
    }
}

/// The form with one digest, which every header has.
fn write_sha1(bytes: &mut Vec<u8>, event: &LogEvent, digest: &[u8]) -> Result<(), MintError> {
    bytes.extend(event.register.to_le_bytes());
    bytes.extend(event.event_type.to_le_bytes());
    bytes.extend(digest);
    write_data(bytes, event)
}

fn write_data(bytes: &mut Vec<u8>, event: &LogEvent) -> Result<(), MintError> {
    bytes.extend(length_field::<u32>("eventSize", event.data.len())?.to_le_bytes());
    bytes.extend(&event.data);
    Ok(())
}
