//! Bodies for MAA's attest routes.

use avouch_wire::{EvidenceKind, base64url};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{HeldData, MintError};

/// Body of `POST /attest/{type}`, its members in this order.
pub(crate) struct Request<'a> {
    pub(crate) kind: EvidenceKind,
    pub(crate) evidence: &'a [u8],
    pub(crate) runtime_data: Option<&'a HeldData>,
    pub(crate) init_time_data: Option<&'a HeldData>,
    /// TDX alone.
    pub(crate) event_log: Option<&'a [u8]>,
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
        if let Some(log) = self.event_log {
            body.serialize_entry("eventLog", &base64url::encode(log))?;
        }
        body.end()
    }
}

/// Writes the body.
pub(crate) fn body(request: &Request<'_>) -> Result<String, MintError> {
    Ok(serde_json::to_string(request)?)
}

impl<'a> Data<'a> {
    fn new(held: &'a HeldData) -> Self {
        Self { data: base64url::encode(&held.bytes), data_type: held.data_type.name() }
    }
}
