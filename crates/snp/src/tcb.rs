//! TCB versions: eight bytes whose meaning depends on the product.

use std::fmt;

use avouch_wire::Hex;
use serde::{Deserialize, Serialize, Serializer};

use crate::Product;

/// `TCB_VERSION` as it stands in a report: 8 bytes in memory order, not yet read for a product.
///
/// # Source
/// AMD 56860, `TCB_VERSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawTcb(pub [u8; 8]);

impl RawTcb {
    /// Reads the security patch levels by the layout of `product`.
    #[must_use]
    pub const fn parts(self, product: Product) -> Tcb {
        let [b0, b1, b2, b3, _, _, b6, b7] = self.0;
        match product {
            Product::Milan | Product::Genoa => {
                Tcb { fmc: None, boot_loader: b0, tee: b1, snp: b6, microcode: b7 }
            }
            Product::Turin => {
                Tcb { fmc: Some(b0), boot_loader: b1, tee: b2, snp: b3, microcode: b7 }
            }
        }
    }

    /// The reserved bytes of the layout of `product`: four or three, zero in every known report.
    #[must_use]
    pub const fn reserved(self, product: Product) -> [u8; 4] {
        let [_, _, b2, b3, b4, b5, b6, _] = self.0;
        match product {
            Product::Milan | Product::Genoa => [b2, b3, b4, b5],
            Product::Turin => [b4, b5, b6, 0],
        }
    }
}

impl fmt::Display for RawTcb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(self.0), f)
    }
}

impl Serialize for RawTcb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Hex(self.0).serialize(serializer)
    }
}

/// Security patch levels, compared part by part and never as one number.
///
/// There is deliberately no ordering: of two TCBs neither need be at or above the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcb {
    /// FMC, the first mutable code; Turin only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fmc: Option<u8>,
    /// PSP boot loader.
    #[serde(default)]
    pub boot_loader: u8,
    /// PSP operating system.
    #[serde(default)]
    pub tee: u8,
    /// SNP firmware.
    #[serde(default)]
    pub snp: u8,
    /// Microcode.
    #[serde(default)]
    pub microcode: u8,
}

/// A part of a TCB that is below a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TcbShortfall {
    /// The part: `fmc`, `boot_loader`, `tee`, `snp` or `microcode`.
    pub component: &'static str,
    /// Its level in the report.
    pub found: u8,
    /// The lowest level accepted.
    pub minimum: u8,
}

impl Tcb {
    /// Its bytes by the layout of `product`, those that are reserved zero: the reverse of
    /// [`RawTcb::parts`]. A part that the product has not is left out.
    #[must_use]
    pub const fn raw(self, product: Product) -> RawTcb {
        let Self { fmc, boot_loader, tee, snp, microcode } = self;
        RawTcb(match product {
            Product::Milan | Product::Genoa => [boot_loader, tee, 0, 0, 0, 0, snp, microcode],
            Product::Turin => {
                let fmc = match fmc {
                    Some(fmc) => fmc,
                    None => 0,
                };
                [fmc, boot_loader, tee, snp, 0, 0, 0, microcode]
            }
        })
    }

    /// Every part that is below `floor`; empty if this TCB is at or above it in every part.
    #[must_use]
    pub fn shortfalls(&self, floor: &Self) -> Vec<TcbShortfall> {
        [
            ("fmc", self.fmc.unwrap_or(0), floor.fmc.unwrap_or(0)),
            ("boot_loader", self.boot_loader, floor.boot_loader),
            ("tee", self.tee, floor.tee),
            ("snp", self.snp, floor.snp),
            ("microcode", self.microcode, floor.microcode),
        ]
        .into_iter()
        .filter(|(_, found, minimum)| found < minimum)
        .map(|(component, found, minimum)| TcbShortfall { component, found, minimum })
        .collect()
    }
}

impl fmt::Display for Tcb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fmc) = self.fmc {
            write!(f, "fmc {fmc}, ")?;
        }
        let Self { boot_loader, tee, snp, microcode, .. } = self;
        write!(f, "boot loader {boot_loader}, tee {tee}, snp {snp}, microcode {microcode}")
    }
}
