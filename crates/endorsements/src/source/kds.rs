//! AMD's key distribution service.

use std::fmt::Write as _;

use avouch_snp::{Product, RawTcb};
use avouch_wire::{Hex, encode_hex};

use super::Question;
use crate::{EndorsementName, VcekId};

/// What to ask for a thing; `None` if it has no such things. Of a chip that cannot be, such as that of a
/// report that hides its chip, there is no VCEK.
pub(super) fn question(name: &EndorsementName) -> Option<Question> {
    let path = match name {
        EndorsementName::VekChain(product, kind) => {
            format!("/{}/v1/{product}/cert_chain", kind.to_string().to_lowercase())
        }
        EndorsementName::AmdCrl(product, kind) => {
            format!("/{}/v1/{product}/crl", kind.to_string().to_lowercase())
        }
        EndorsementName::Vcek(product, id) => vcek(*product, id)?,
        _ => return None,
    };
    Some(Question::service(path))
}

/// The part of a CHIP_ID that is the chip's; none of a chip or a TCB that cannot be.
pub(super) fn hardware_id(product: Product, chip_id: &Hex<64>, tcb: Hex<8>) -> Option<&[u8]> {
    let (hardware_id, rest) = chip_id.0.split_at_checked(product.hardware_id_length())?;
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    let can_be =
        !is_zero(hardware_id) && is_zero(rest) && is_zero(&RawTcb(tcb.0).reserved(product));
    can_be.then_some(hardware_id)
}

fn vcek(product: Product, VcekId { chip_id, tcb }: &VcekId) -> Option<String> {
    let hardware_id = hardware_id(product, chip_id, *tcb)?;
    let parts = RawTcb(tcb.0).parts(product);
    let mut path = format!("/vcek/v1/{product}/{}?", encode_hex(hardware_id));
    if let Some(fmc) = parts.fmc {
        write!(path, "fmcSPL={fmc:02}&").ok()?;
    }
    let (boot_loader, tee, snp, microcode) =
        (parts.boot_loader, parts.tee, parts.snp, parts.microcode);
    write!(path, "blSPL={boot_loader:02}&teeSPL={tee:02}&snpSPL={snp:02}&ucodeSPL={microcode:02}")
        .ok()?;
    Some(path)
}
