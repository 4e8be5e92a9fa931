//! `TDREPORT_STRUCT`, as far as it can be compared with a quote.

use avouch_wire::{Cursor, Hex, ParseError};
use serde::Serialize;

/// Bytes of the structure.
const TD_REPORT_BYTES: usize = 1024;

/// What a trust domain's report says, under the names of the structure's fields. A MAC under a key of the
/// processor's covers it, which nobody else can check.
///
/// # Source
/// Intel TDX Module ABI Specification, `TDREPORT_STRUCT`, `REPORTMACSTRUCT` and `TDINFO_STRUCT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of the structure")]
pub struct TdReport<'a> {
    pub report_data: Hex<64>,
    pub td_attributes: Hex<8>,
    pub xfam: Hex<8>,
    pub mr_td: Hex<48>,
    pub mr_config_id: Hex<48>,
    pub mr_owner: Hex<48>,
    pub mr_owner_config: Hex<48>,
    /// `RTMR` 0 to 3.
    pub rtmrs: [Hex<48>; 4],
    #[serde(skip)]
    bytes: &'a [u8],
}

impl<'a> TdReport<'a> {
    /// Reads the structure at the beginning of an area.
    pub(super) fn read(area: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("TDREPORT_STRUCT", area);
        let bytes = cursor.clone().take("td_report", TD_REPORT_BYTES)?;
        cursor.take("report_mac_header", 128)?;
        let report_data = cursor.hex("report_data")?;
        cursor.take("reserved_and_mac", 64)?;
        cursor.take("tee_tcb_info", 256)?;
        Ok(Self {
            report_data,
            td_attributes: cursor.hex("td_attributes")?,
            xfam: cursor.hex("xfam")?,
            mr_td: cursor.hex("mr_td")?,
            mr_config_id: cursor.hex("mr_config_id")?,
            mr_owner: cursor.hex("mr_owner")?,
            mr_owner_config: cursor.hex("mr_owner_config")?,
            rtmrs: [
                cursor.hex("rtmr0")?,
                cursor.hex("rtmr1")?,
                cursor.hex("rtmr2")?,
                cursor.hex("rtmr3")?,
            ],
            bytes,
        })
    }

    /// All 1,024 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}
