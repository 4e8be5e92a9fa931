//! What a VCEK or VLEK is for, as its certificate says.

use avouch_pki::Certificate;
use avouch_wire::Hex;

use crate::intermediate::intermediate_name;
use crate::{Product, RawTcb, Report, VekExtensions, VekKind};

/// What AMD derives an endorsement key from: for finding keys, not for trusting them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VekId {
    /// Product of the issuer.
    pub product: Product,
    /// VCEK or VLEK.
    pub kind: VekKind,
    /// The chip, as `CHIP_ID` of its reports: short hardware ids are filled with zeros. VCEK only.
    pub chip_id: Option<Hex<64>>,
    /// The TCB, as `REPORTED_TCB` of its reports.
    pub tcb: RawTcb,
}

impl VekId {
    /// What a certificate says that its key is for; none if it is not of AMD's form.
    #[must_use]
    pub fn of(kind: VekKind, certificate: &Certificate) -> Option<Self> {
        let (product, _) = intermediate_name(certificate.issuer())?;
        let extensions = VekExtensions::read(certificate, kind, product).ok()?;
        let chip_id = extensions.hardware_id().map(|id| {
            let mut filled = [0; 64];
            filled.iter_mut().zip(id).for_each(|(byte, own)| *byte = *own);
            Hex(filled)
        });
        Some(Self { product, kind, chip_id, tcb: extensions.certified_tcb() })
    }

    /// The key that a report of a `product` says it was signed by.
    #[must_use]
    pub fn wanted_by(report: &Report, product: Product) -> Self {
        let (body, kind) = (report.body(), report.signing_key());
        let chip_id = (kind == VekKind::Vcek).then_some(body.chip_id);
        Self { product, kind, chip_id, tcb: body.reported_tcb }
    }
}
