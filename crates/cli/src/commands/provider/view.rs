//! A provider as the control plane shows it.

use serde_json::Value;

use crate::client::{Refusal, Stop};
use crate::output::printable;

/// A provider's JSON; every text in it is foreign.
pub(super) struct View<'a>(pub(super) &'a Value);

impl View<'_> {
    /// Name, which every provider has.
    pub(super) fn name(&self) -> Result<&str, Stop> {
        self.0.get("name").and_then(Value::as_str).ok_or_else(|| {
            Refusal::invalid_answer("answer-form", "the service answered without a provider").into()
        })
    }

    /// A text of the provider or of its properties; a hyphen where it has none.
    pub(super) fn text(&self, name: &str) -> String {
        let found = self.0.get(name).or_else(|| self.0.get("properties")?.get(name));
        match found {
            None | Some(Value::Null) => "-".to_owned(),
            Some(Value::String(text)) => printable(text),
            Some(other) => printable(&other.to_string()),
        }
    }

    /// Everything, a line each.
    pub(super) fn lines(&self) -> String {
        let mut text = String::new();
        for (title, name) in [
            ("name", "name"),
            ("URL", "attestUri"),
            ("trust model", "trustModel"),
            ("status", "status"),
            ("location", "location"),
            ("id", "id"),
            ("public network access", "publicNetworkAccess"),
            ("TPM attestation needs a token", "tpmAttestationAuthentication"),
        ] {
            text.push_str(&format!("{title:29}  {}\n", self.text(name)));
        }
        let tags = self.0.get("tags").and_then(Value::as_object);
        for (name, value) in tags.into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("{:29}  {} = {}\n", "tag", printable(name), printable(&value)));
        }
        text
    }
}
