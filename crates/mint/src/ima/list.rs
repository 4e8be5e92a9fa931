//! A list of entries.

use avouch_wire::encode_hex;

use super::ImaEntry;
use super::entry::with_length;
use crate::bootlog::{Bank, Registers};

/// Entries in the order in which they are in the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImaList {
    /// The entries.
    pub entries: Vec<ImaEntry>,
}

/// What a kernel extends banks other than SHA-1 by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// The bank's hash of the template data, since Linux 5.8.
    Own,
    /// Their SHA-1 with zeros behind it.
    PaddedSha1,
}

impl ImaList {
    /// A list that begins with the aggregate of these registers in that bank: PCR 0 to 7 in SHA-1, 0
    /// to 9 in any other. Registers that have no value count as zeros.
    #[must_use]
    pub fn begin(registers: &Registers, bank: Bank) -> Self {
        let last = if bank == Bank::Sha1 { 7 } else { 9 };
        let values: Vec<u8> = (0..=last)
            .flat_map(|index| match registers.get(bank, index) {
                Some(value) => value.to_vec(),
                None => bank.filled(0),
            })
            .collect();
        let algorithm = match bank {
            Bank::Sha1 => "sha1",
            Bank::Sha256 => "sha256",
            Bank::Sha384 => "sha384",
            Bank::Sha512 => "sha512",
        };
        let digest = [format!("{algorithm}:\0").into_bytes(), bank.digest(&[&values])].concat();
        Self { entries: vec![ImaEntry::of_fields("ima-ng", &[&digest, b"boot_aggregate\0"])] }
    }

    /// The list with one more entry.
    #[must_use]
    pub fn with(mut self, entry: ImaEntry) -> Self {
        self.entries.push(entry);
        self
    }

    /// `binary_runtime_measurements`.
    #[must_use]
    pub fn binary(&self) -> Vec<u8> {
        self.entries.iter().flat_map(ImaEntry::binary).collect()
    }

    /// `ascii_runtime_measurements`.
    #[must_use]
    pub fn ascii(&self) -> Vec<u8> {
        self.entries.iter().flat_map(ImaEntry::ascii).collect()
    }

    /// The value of PCR 10 in a bank after the first `entries` entries.
    #[must_use]
    pub fn pcr10(&self, bank: Bank, extension: Extension, entries: usize) -> Vec<u8> {
        let of_pcr10 = self.entries.iter().take(entries).filter(|entry| entry.pcr == 10);
        of_pcr10.fold(bank.filled(0), |value, entry| {
            bank.digest(&[&value, &entry.extension(bank, extension)])
        })
    }
}

impl ImaEntry {
    fn hash(&self) -> Vec<u8> {
        match &self.logged_hash {
            _ if self.violation => vec![0; 20],
            Some(hash) => hash.clone(),
            None => Bank::Sha1.digest(&[&self.hashed()]),
        }
    }

    fn extension(&self, bank: Bank, extension: Extension) -> Vec<u8> {
        if self.violation {
            return bank.filled(0xff);
        }
        if bank == Bank::Sha1 || extension == Extension::Own {
            return bank.digest(&[&self.hashed()]);
        }
        let mut padded = Bank::Sha1.digest(&[&self.hashed()]);
        padded.resize(bank.digest_length().into(), 0);
        padded
    }

    fn binary(&self) -> Vec<u8> {
        let data = if self.template == "ima" { self.data.clone() } else { with_length(&self.data) };
        [self.pcr.to_le_bytes().to_vec(), self.hash(), with_length(self.template.as_bytes()), data]
            .concat()
    }

    fn ascii(&self) -> Vec<u8> {
        let mut line = format!("{:2} {} {}", self.pcr, encode_hex(&self.hash()), self.template);
        let mut out = Vec::new();
        if self.template == "ima" {
            let (digest, name) = self.data.split_at_checked(20).unwrap_or_default();
            line.push_str(&format!(" {} ", encode_hex(digest)));
            out.extend(line.into_bytes());
            out.extend(name.iter().skip(4));
        } else {
            out.extend(line.into_bytes());
            for (number, field) in fields(&self.data).into_iter().enumerate() {
                out.push(b' ');
                out.extend(shown(number, field));
            }
        }
        out.push(b'\n');
        out
    }
}

/// The fields of template data, as long as their lengths are right.
fn fields(mut data: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((field, rest)) = rest.split_at_checked(length) else { break };
        fields.push(field);
        data = rest;
    }
    fields
}

/// A field as ascii shows it: the digests are the first and the fourth, the name the second.
fn shown(number: usize, field: &[u8]) -> Vec<u8> {
    match number {
        1 => field.strip_suffix(b"\0").unwrap_or(field).to_vec(),
        0 | 3 => match field.iter().position(|byte| *byte == 0) {
            Some(nul) => {
                let (algorithm, digest) = field.split_at_checked(nul).unwrap_or_default();
                let digest = encode_hex(digest.get(1..).unwrap_or_default());
                [algorithm, digest.as_bytes()].concat()
            }
            None => Vec::new(),
        },
        _ => encode_hex(field).into_bytes(),
    }
}
