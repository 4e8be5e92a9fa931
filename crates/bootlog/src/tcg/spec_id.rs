//! The event that announces the crypto-agile form.

use avouch_wire::Cursor;

use super::{Event, LogError};
use crate::{EventType, HashAlgorithm, Register};

const SIGNATURE: &[u8; 16] = b"Spec ID Event03\0";

/// What `TCG_EfiSpecIdEvent` says of the log that it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecId {
    /// 0 for clients, 1 for servers.
    pub platform_class: u32,
    /// Version of the specification: major, minor.
    pub version: (u8, u8),
    /// Errata of the specification.
    pub errata: u8,
    algorithms: Vec<HashAlgorithm>,
}

impl SpecId {
    /// The algorithms that the log's events may have digests of, in the order announced.
    #[must_use]
    pub fn algorithms(&self) -> &[HashAlgorithm] {
        &self.algorithms
    }

    /// Reads the first event of a log; `None` if it does not announce the crypto-agile form.
    pub(super) fn of(first: &Event<'_>) -> Result<Option<Self>, LogError> {
        let announces = first.event_type == EventType::NO_ACTION
            && matches!(
                first.register,
                // A trust domain's header names the register that its firmware begins with.
                Some(Register::Pcr(0) | Register::MrTd | Register::Rtmr(0))
            )
            && first.data.starts_with(SIGNATURE);
        if !announces {
            return Ok(None);
        }
        // Index, type, digest and length stand before the data.
        let offset = first.offset().saturating_add(32);
        let mut cursor = Cursor::at("TCG_EfiSpecIdEvent", first.data, offset);
        cursor.take("signature", SIGNATURE.len())?;
        let platform_class = cursor.u32_le("platformClass")?;
        let minor = cursor.u8("specVersionMinor")?;
        let major = cursor.u8("specVersionMajor")?;
        let errata = cursor.u8("specErrata")?;
        cursor.u8("uintnSize")?;
        let algorithms = algorithms(&mut cursor)?;
        let vendor_info = cursor.u8("vendorInfoSize")?;
        cursor.take("vendorInfo", usize::from(vendor_info))?;
        cursor.finish()?;
        Ok(Some(Self { platform_class, version: (major, minor), errata, algorithms }))
    }
}

fn algorithms(cursor: &mut Cursor<'_>) -> Result<Vec<HashAlgorithm>, LogError> {
    let limit = u32::try_from(HashAlgorithm::ALL.len()).unwrap_or(u32::MAX);
    let count = cursor.length_u32_le("numberOfAlgorithms", limit)?;
    let mut algorithms = Vec::with_capacity(count);
    for _ in 0..count {
        let id = cursor.u16_le("algorithmId")?;
        let found = cursor.u16_le("digestSize")?;
        let algorithm = HashAlgorithm::from_tpm_id(id).ok_or(LogError::UnknownAlgorithm { id })?;
        let expected = algorithm.digest_length();
        if usize::from(found) != expected {
            return Err(LogError::DigestLength { algorithm, expected, found });
        }
        if algorithms.contains(&algorithm) {
            return Err(LogError::AlgorithmTwice { algorithm });
        }
        algorithms.push(algorithm);
    }
    Ok(algorithms)
}
