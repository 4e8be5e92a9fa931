//! Processor families that a pinned root exists for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A processor family with a root key of its own.
///
/// Bergamo and Siena are Genoa here: they chain to Genoa's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Product {
    /// EPYC 7003.
    Milan,
    /// EPYC 9004, EPYC 8004.
    Genoa,
    /// EPYC 9005.
    Turin,
}

impl Product {
    /// Every product, oldest first.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// The name that AMD's certificates use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// The product that AMD's certificates call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.name() == name)
    }

    /// The product of a CPUID family and model, if a root is pinned for it.
    ///
    /// # Source
    /// AMD 57230 (product names); Venice (family 0x1A, models 0x50 and up) has no public root.
    #[must_use]
    pub const fn from_cpuid(cpuid: Cpuid) -> Option<Self> {
        match (cpuid.family, cpuid.model) {
            (0x19, 0x00..=0x0f) => Some(Self::Milan),
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some(Self::Genoa),
            (0x1a, 0x00..=0x1f) => Some(Self::Turin),
            _ => None,
        }
    }

    /// Bytes of the hardware id that a VCEK of this product carries.
    #[must_use]
    pub const fn hardware_id_length(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Combined family, model and stepping of the processor, in reports of version 3 and later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cpuid {
    /// Combined extended and base family.
    pub family: u8,
    /// Combined extended and base model.
    pub model: u8,
    /// Stepping of the processor.
    pub stepping: u8,
}
