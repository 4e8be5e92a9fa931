//! What AMD writes into the certificate of a VCEK or VLEK.

use avouch_pki::{Certificate, der};
use avouch_wire::{Cursor, ParseError, hex_beginning};

use crate::{Product, RawTcb, VekExtensionError, VekKind};

/// An extension under AMD's arc 1.3.6.1.4.1.3704.1.
struct Known {
    name: &'static str,
    oid: &'static str,
}

const STRUCTURE_VERSION: Known = Known { name: "structVersion", oid: "1.3.6.1.4.1.3704.1.1" };
const PRODUCT_NAME: Known = Known { name: "productName", oid: "1.3.6.1.4.1.3704.1.2" };
const HARDWARE_ID: Known = Known { name: "hwID", oid: "1.3.6.1.4.1.3704.1.4" };
const CSP_ID: Known = Known { name: "cspID", oid: "1.3.6.1.4.1.3704.1.5" };
const FMC: Known = Known { name: "fmc", oid: "1.3.6.1.4.1.3704.1.3.9" };
const SPL_4: Known = Known { name: "spl4", oid: "1.3.6.1.4.1.3704.1.3.4" };

/// A security patch level: its extension, and the byte of REPORTED_TCB that it must equal.
struct PatchLevel {
    extension: Known,
    byte: usize,
}

const fn level(name: &'static str, oid: &'static str, byte: usize) -> PatchLevel {
    PatchLevel { extension: Known { name, oid }, byte }
}

/// Milan and Genoa: every byte of the TCB has an extension.
const FAMILY_19: [PatchLevel; 8] = [
    level("boot_loader", "1.3.6.1.4.1.3704.1.3.1", 0),
    level("tee", "1.3.6.1.4.1.3704.1.3.2", 1),
    level("spl4", SPL_4.oid, 2),
    level("spl5", "1.3.6.1.4.1.3704.1.3.5", 3),
    level("spl6", "1.3.6.1.4.1.3704.1.3.6", 4),
    level("spl7", "1.3.6.1.4.1.3704.1.3.7", 5),
    level("snp", "1.3.6.1.4.1.3704.1.3.3", 6),
    level("microcode", "1.3.6.1.4.1.3704.1.3.8", 7),
];

/// Turin: FMC comes first and spl4 has gone.
const FAMILY_1A: [PatchLevel; 8] = [
    level("fmc", FMC.oid, 0),
    level("boot_loader", "1.3.6.1.4.1.3704.1.3.1", 1),
    level("tee", "1.3.6.1.4.1.3704.1.3.2", 2),
    level("snp", "1.3.6.1.4.1.3704.1.3.3", 3),
    level("spl5", "1.3.6.1.4.1.3704.1.3.5", 4),
    level("spl6", "1.3.6.1.4.1.3704.1.3.6", 5),
    level("spl7", "1.3.6.1.4.1.3704.1.3.7", 6),
    level("microcode", "1.3.6.1.4.1.3704.1.3.8", 7),
];

const fn patch_levels(product: Product) -> &'static [PatchLevel; 8] {
    match product {
        Product::Milan | Product::Genoa => &FAMILY_19,
        Product::Turin => &FAMILY_1A,
    }
}

/// The extensions of a VCEK or VLEK certificate, well-formed and complete for its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VekExtensions {
    product_name: String,
    /// In the order of the product's TCB bytes.
    certified_tcb: RawTcb,
    hardware_id: Option<Vec<u8>>,
    csp_id: Option<String>,
}

/// A part of the TCB that the certificate was not made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelMismatch {
    /// The part: `fmc`, `boot_loader`, `tee`, `snp` or `microcode`.
    pub component: &'static str,
    /// Its level in the report.
    pub reported: u8,
    /// Its level in the certificate.
    pub certified: u8,
}

impl VekExtensions {
    /// Reads the extensions that `kind` of `product` must have and refuses those it must not.
    ///
    /// A VCEK has a hardware id and no CSP id; a VLEK has a CSP id and no hardware id. Extensions
    /// that are not known here are left alone: they are not critical.
    ///
    /// # Errors
    /// [`VekExtensionError`] naming the extension.
    ///
    /// # Source
    /// AMD 57230, VCEK and VLEK certificate definitions.
    pub fn read(
        certificate: &Certificate,
        kind: VekKind,
        product: Product,
    ) -> Result<Self, VekExtensionError> {
        structure_version(certificate)?;
        let product_name = ia5_string(&PRODUCT_NAME, required(certificate, &PRODUCT_NAME)?)?;
        refuse_level_of_other_product(certificate, kind, product)?;
        let certified_tcb = certified_tcb(certificate, product)?;
        let (wanted, unwanted) = match kind {
            VekKind::Vcek => (&HARDWARE_ID, &CSP_ID),
            VekKind::Vlek => (&CSP_ID, &HARDWARE_ID),
        };
        let value = required(certificate, wanted)?;
        if certificate.extension(unwanted.oid).is_some() {
            return Err(unexpected(unwanted, kind, product));
        }
        let (hardware_id, csp_id) = match kind {
            VekKind::Vcek => (Some(hardware_id(value, product)?), None),
            VekKind::Vlek => (None, Some(ia5_string(&CSP_ID, value)?)),
        };
        Ok(Self { product_name, certified_tcb, hardware_id, csp_id })
    }

    /// Product with optional stepping, such as `Milan-B0` or `Genoa`.
    #[must_use]
    pub fn product_name(&self) -> &str {
        &self.product_name
    }

    /// The TCB that the key was derived for, in the byte order of reports.
    #[must_use]
    pub const fn certified_tcb(&self) -> RawTcb {
        self.certified_tcb
    }

    /// The chip's id: 64 bytes, on Turin 8. Absent for a VLEK.
    #[must_use]
    pub fn hardware_id(&self) -> Option<&[u8]> {
        self.hardware_id.as_deref()
    }

    /// The cloud provider that the VLEK's seed was given to. Absent for a VCEK.
    #[must_use]
    pub fn csp_id(&self) -> Option<&str> {
        self.csp_id.as_deref()
    }

    /// The first part of `reported` that differs from what the key was derived for.
    #[must_use]
    pub fn first_mismatch(&self, product: Product, reported: RawTcb) -> Option<LevelMismatch> {
        let pairs = reported.0.into_iter().zip(self.certified_tcb.0);
        patch_levels(product).iter().zip(pairs).find_map(|(level, (reported, certified))| {
            let component = level.extension.name;
            (reported != certified).then_some(LevelMismatch { component, reported, certified })
        })
    }
}

fn structure_version(certificate: &Certificate) -> Result<(), VekExtensionError> {
    let value = required(certificate, &STRUCTURE_VERSION)?;
    match integer(&STRUCTURE_VERSION, value)? {
        0 | 1 => Ok(()),
        found => Err(VekExtensionError::StructureVersion { found }),
    }
}

/// FMC means nothing before Turin and spl4 nothing on it: with any level but 0 the certificate
/// speaks of another layout.
fn refuse_level_of_other_product(
    certificate: &Certificate,
    kind: VekKind,
    product: Product,
) -> Result<(), VekExtensionError> {
    let foreign = match product {
        Product::Milan | Product::Genoa => &FMC,
        Product::Turin => &SPL_4,
    };
    match certificate.extension(foreign.oid) {
        Some(extension) if integer(foreign, &extension.value)? != 0 => {
            Err(unexpected(foreign, kind, product))
        }
        _ => Ok(()),
    }
}

fn certified_tcb(certificate: &Certificate, product: Product) -> Result<RawTcb, VekExtensionError> {
    let mut bytes = [0; 8];
    for level in patch_levels(product) {
        let value = integer(&level.extension, required(certificate, &level.extension)?)?;
        if let Some(byte) = bytes.get_mut(level.byte) {
            *byte = value;
        }
    }
    Ok(RawTcb(bytes))
}

fn required<'a>(
    certificate: &'a Certificate,
    known: &Known,
) -> Result<&'a [u8], VekExtensionError> {
    match certificate.extension(known.oid) {
        Some(extension) => Ok(&extension.value),
        None => Err(VekExtensionError::Missing { name: known.name, oid: known.oid }),
    }
}

const fn unexpected(known: &Known, kind: VekKind, product: Product) -> VekExtensionError {
    VekExtensionError::Unexpected { name: known.name, oid: known.oid, kind, product }
}

/// A DER INTEGER from 0 to 255.
fn integer(known: &Known, value: &[u8]) -> Result<u8, VekExtensionError> {
    whole(value, |cursor| der::number(cursor, known.name, der::INTEGER, u8::MAX.into()))
        .and_then(|number| u8::try_from(number).ok())
        .ok_or_else(|| VekExtensionError::Integer {
            name: known.name,
            oid: known.oid,
            found: shown(value),
        })
}

/// A DER IA5String of 1 to 127 printable characters.
fn ia5_string(known: &Known, value: &[u8]) -> Result<String, VekExtensionError> {
    whole(value, |cursor| der::open(cursor, known.name, der::IA5_STRING))
        .map(|mut content| content.rest())
        .filter(|content| (1..=127).contains(&content.len()))
        .filter(|content| content.iter().all(|byte| (0x20..0x7f).contains(byte)))
        .and_then(|content| String::from_utf8(content.to_vec()).ok())
        .ok_or_else(|| VekExtensionError::Text {
            name: known.name,
            oid: known.oid,
            found: shown(value),
        })
}

/// The one element that is the whole value.
fn whole<'a, T>(
    value: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, ParseError>,
) -> Option<T> {
    let mut cursor = Cursor::new("extension", value);
    let found = read(&mut cursor).ok()?;
    cursor.is_empty().then_some(found)
}

/// Raw bytes without a tag, or the same in an OCTET STRING; told apart by length alone, since a
/// raw id may begin with that tag.
fn hardware_id(value: &[u8], product: Product) -> Result<Vec<u8>, VekExtensionError> {
    let expected = product.hardware_id_length();
    if value.len() == expected {
        return Ok(value.to_vec());
    }
    whole(value, |cursor| der::open(cursor, HARDWARE_ID.name, der::OCTET_STRING))
        .map(|mut content| content.rest().to_vec())
        .filter(|id| id.len() == expected)
        .ok_or(VekExtensionError::HardwareId { expected, found: value.len() })
}

/// Hex of the first bytes, enough to see what stands there.
fn shown(value: &[u8]) -> String {
    hex_beginning(value, 32)
}

#[cfg(test)]
mod tests;
