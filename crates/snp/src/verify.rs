//! The recipe: from a parsed report and a verified endorsement key to facts.

use avouch_wire::{Hex, UnixTime};
use serde::Serialize;

use crate::chain::chip_id_is;
use crate::{
    Crls, EndorsementKeyFacts, Product, Report, ReportBody, VekKind, VerifiedEndorsementKey,
    VerifyError,
};

/// A report whose signature, chain, TCB and chip bindings held at a moment.
///
/// There is no public constructor and no `Deserialize`: only [`verify_report`] makes one.
#[derive(Debug, Clone)]
pub struct VerifiedReport {
    report: Report,
    product: Product,
    chip_binding: ChipBinding,
    endorsement_key: VerifiedEndorsementKey,
    judged_at: UnixTime,
}

/// How a report is tied to one chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChipBinding {
    /// CHIP_ID equals the hardware id in the VCEK's certificate.
    HardwareId,
    /// The host masked CHIP_ID: the VCEK is certified for one chip, the report does not repeat it.
    Masked,
    /// A VLEK signed: some chip of the cloud provider's.
    Provider,
}

impl VerifiedReport {
    /// The fields.
    #[must_use]
    pub const fn body(&self) -> &ReportBody {
        self.report.body()
    }

    /// The bytes as received. Neither they nor a digest of them identify a report: whoever holds
    /// one can write its signature in a second way.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The product, agreed on by report and chain.
    #[must_use]
    pub const fn product(&self) -> Product {
        self.product
    }

    /// How the report is tied to one chip.
    #[must_use]
    pub const fn chip_binding(&self) -> ChipBinding {
        self.chip_binding
    }

    /// The chip that the signing key is certified for, as CHIP_ID has it, also where the host masked
    /// that. `None` under a VLEK, which is certified for no chip.
    #[must_use]
    pub fn certified_chip_id(&self) -> Option<Hex<64>> {
        let id = self.endorsement_key.extensions().hardware_id()?;
        let mut chip_id = [0; 64];
        chip_id.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
        Some(Hex(chip_id))
    }

    /// The key that signed.
    #[must_use]
    pub fn endorsement_key(&self) -> &EndorsementKeyFacts {
        self.endorsement_key.facts()
    }

    /// The moment that everything was judged at.
    #[must_use]
    pub const fn judged_at(&self) -> UnixTime {
        self.judged_at
    }
}

/// Verifies a report under an endorsement key.
///
/// After `Ok`, bytes 0x000 to 0x29F of the report as received are signed by the key, the key is
/// certified for the product, for exactly the REPORTED_TCB and, with a VCEK, for the chip that the
/// report names (unless the host masked the chip id, see [`ChipBinding`]).
///
/// * `report`: parsed, which is where its layout was judged.
/// * `key`: from [`crate::verify_chain`], now or earlier; its window and revocation are judged here.
/// * `crls`: verified lists.
/// * `at`: the moment to judge at. No clock is read.
///
/// Not checked here: measurement, host data, report data, guest policy (debug, migration),
/// privilege level, TCB floors. Those are facts for [`crate::Acceptance`], the bindings and the
/// tenant's policy.
///
/// # Errors
/// [`VerifyError`] naming the check, with both sides.
///
/// # Source
/// AMD 56860, attestation; AMD 57230, VCEK and VLEK certificate definitions.
pub fn verify_report(
    report: &Report,
    key: &VerifiedEndorsementKey,
    crls: &Crls,
    at: UnixTime,
) -> Result<VerifiedReport, VerifyError> {
    // 1. The chain still holds at this moment.
    key.check_at(crls, at)?;
    // 2. The report says that this kind of key signed it, on this product.
    check_signing_key(report, key)?;
    let product = check_product(report, key)?;
    // 3. The signature, over the bytes as received.
    if !key.signed(report) {
        // Nothing in the report is proven; but if it asks for another key, that is why.
        let differs = check_chip_id(report.body(), key, product)
            .and_then(|_| check_reported_tcb(report.body(), key, product));
        let differs = differs.err().map(Box::new);
        return Err(VerifyError::Signature { kind: key.kind(), product, differs });
    }
    // 4. The key was derived for the TCB that the report states.
    check_reserved_tcb_bytes(report.body(), product)?;
    check_reported_tcb(report.body(), key, product)?;
    // 5. The key belongs to the chip that the report names.
    let chip_binding = check_chip_id(report.body(), key, product)?;
    Ok(VerifiedReport {
        report: report.clone(),
        product,
        chip_binding,
        endorsement_key: key.clone(),
        judged_at: at,
    })
}

fn check_signing_key(report: &Report, key: &VerifiedEndorsementKey) -> Result<(), VerifyError> {
    let (report, certificate) = (report.signing_key(), key.kind());
    if report == certificate {
        return Ok(());
    }
    Err(VerifyError::SigningKeyKind { report, certificate })
}

/// Version 2 reports name no processor: the chain alone says which it is.
fn check_product(report: &Report, key: &VerifiedEndorsementKey) -> Result<Product, VerifyError> {
    let certificate = key.product();
    let Some(cpuid) = report.body().cpuid else {
        return Ok(certificate);
    };
    match Product::from_cpuid(cpuid) {
        None => Err(VerifyError::UnknownProduct { cpuid }),
        Some(product) if product == certificate => Ok(product),
        Some(report) => Err(VerifyError::ProductMismatch { report, certificate }),
    }
}

fn check_reserved_tcb_bytes(body: &ReportBody, product: Product) -> Result<(), VerifyError> {
    for (tcb, found) in [
        ("REPORTED_TCB", body.reported_tcb),
        ("COMMITTED_TCB", body.committed_tcb),
        ("CURRENT_TCB", body.current_tcb),
        ("LAUNCH_TCB", body.launch_tcb),
    ] {
        if found.reserved(product) != [0; 4] {
            return Err(VerifyError::TcbReserved { tcb, found, product });
        }
    }
    Ok(())
}

fn check_reported_tcb(
    body: &ReportBody,
    key: &VerifiedEndorsementKey,
    product: Product,
) -> Result<(), VerifyError> {
    match key.extensions().first_mismatch(product, body.reported_tcb) {
        None => Ok(()),
        Some(found) => Err(VerifyError::TcbMismatch {
            component: found.component,
            reported: found.reported,
            certified: found.certified,
        }),
    }
}

fn check_chip_id(
    body: &ReportBody,
    key: &VerifiedEndorsementKey,
    product: Product,
) -> Result<ChipBinding, VerifyError> {
    match (key.kind(), key.extensions().hardware_id()) {
        (VekKind::Vlek, _) | (VekKind::Vcek, None) => Ok(ChipBinding::Provider),
        (VekKind::Vcek, Some(_)) if body.chip_id.is_zero() => Ok(ChipBinding::Masked),
        (VekKind::Vcek, Some(id)) if chip_id_is(&body.chip_id, id, product) => {
            Ok(ChipBinding::HardwareId)
        }
        (VekKind::Vcek, Some(id)) => Err(VerifyError::ChipId {
            report: body.chip_id,
            certified: avouch_wire::encode_hex(id),
        }),
    }
}

#[cfg(test)]
mod tests;
