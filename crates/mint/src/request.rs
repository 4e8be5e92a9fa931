//! Bodies for MAA's attest routes.

use avouch_wire::{EvidenceKind, base64url};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{HeldData, MintError};

/// Body of `POST /attest/{type}`, its members in this order.
struct Request<'a> {
    kind: EvidenceKind,
    evidence: &'a [u8],
    runtime_data: Option<&'a HeldData>,
    init_time_data: Option<&'a HeldData>,
}

#[derive(Serialize)]
struct Data<'a> {
    data: String,
    #[serde(rename = "dataType")]
    data_type: &'a str,
}

impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry(self.kind.evidence_member(), &base64url::encode(self.evidence))?;
        for (name, held) in
            [("runtimeData", self.runtime_data), ("initTimeData", self.init_time_data)]
        {
            if let Some(held) = held {
                body.serialize_entry(name, &Data::new(held))?;
            }
        }
        body.end()
    }
}

/// Writes the body.
pub(crate) fn body(
    kind: EvidenceKind,
    evidence: &[u8],
    runtime_data: Option<&HeldData>,
    init_time_data: Option<&HeldData>,
) -> Result<String, MintError> {
    Ok(serde_json::to_string(&Request { kind, evidence, runtime_data, init_time_data })?)
}

impl<'a> Data<'a> {
    fn new(held: &'a HeldData) -> Self {
        Self { data: base64url::encode(&held.bytes), data_type: held.data_type.name() }
    }
}
