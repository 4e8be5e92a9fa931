//! Bodies for MAA's attest routes.

use avouch_wire::base64url;
use serde::Serialize;

use crate::{HeldData, MintError};

/// Body of `POST /attest/{SgxEnclave,OpenEnclave,TdxVm,SevSnpVm}`.
#[derive(Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(rename = "runtimeData", skip_serializing_if = "Option::is_none")]
    runtime_data: Option<Data<'a>>,
    #[serde(rename = "initTimeData", skip_serializing_if = "Option::is_none")]
    init_time_data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct Data<'a> {
    data: String,
    #[serde(rename = "dataType")]
    data_type: &'a str,
}

/// The property of the body that holds the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    /// `quote`: bare SGX and TDX quotes.
    Quote,
    /// `report`: Open Enclave and SEV-SNP.
    Report,
}

/// Writes the body.
pub(crate) fn body(
    property: Property,
    evidence: &[u8],
    runtime_data: Option<&HeldData>,
    init_time_data: Option<&HeldData>,
) -> Result<String, MintError> {
    let text = base64url::encode(evidence);
    let (quote, report) = match property {
        Property::Quote => (Some(text), None),
        Property::Report => (None, Some(text)),
    };
    let request = Request {
        quote,
        report,
        runtime_data: runtime_data.map(Data::new),
        init_time_data: init_time_data.map(Data::new),
    };
    Ok(serde_json::to_string(&request)?)
}

impl<'a> Data<'a> {
    fn new(held: &'a HeldData) -> Self {
        Self { data: base64url::encode(&held.bytes), data_type: held.data_type.name() }
    }
}
