//! Bundles and single answers: what the service takes as endorsements is recognised too, by the same
//! reader. AMD's certificates have recognisers of their own, for each form.

use std::sync::Arc;

use avouch_endorsements::{Bundle, Published};

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::Fields;

pub(super) fn endorsements(input: &Input) -> Result<Inspection, String> {
    let source = Arc::from("file");
    let found = avouch_endorsements::recognise(&input.bytes, &source);
    let found = found.map_err(|error| error.to_string())?.published;
    if found.is_empty() {
        return Err("neither a bundle nor an answer of Intel's service".to_owned());
    }
    let (kind, title) = if Bundle::is_meant(&input.bytes) {
        ("endorsements-bundle", format!("bundle of {} endorsements", found.len()))
    } else {
        ("endorsements", "endorsements".to_owned())
    };
    let rows: Vec<Fields> = found.iter().map(row).collect();
    Ok(Inspection::new(kind, title, Fields::new().with("endorsements", rows)))
}

/// A thing as it says itself.
fn row(published: &Published) -> Fields {
    let name = published.name.to_string();
    let fields = Fields::new().with("name", name).with("bytes", published.body.len());
    match published.window() {
        Some(window) => fields
            .with("not_before", window.not_before.to_string())
            .with("not_after", window.not_after.to_string()),
        None => fields,
    }
}
