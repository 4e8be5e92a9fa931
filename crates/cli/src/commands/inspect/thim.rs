//! The AMD certificates that a host hands to its guests: `{"vcekCert","certificateChain",…}`.

use super::certificate::chain_tree;
use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

pub(super) fn host_certificates(input: &Input) -> Result<Inspection, String> {
    let text = input.json_object().ok_or("not a JSON object")?;
    let document = Tree::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let member = |name: &str| {
        document.get(name).and_then(Tree::as_str).ok_or_else(|| format!("no text {name:?}"))
    };
    let (leaf, chain) = (member("vcekCert")?, member("certificateChain")?);
    let mut fields = Fields::new()
        .with("vcekCert", chain_tree(leaf.as_bytes()))
        .with("certificateChain", chain_tree(chain.as_bytes()));
    for (name, value) in document.fields().map(|fields| fields.0.as_slice()).unwrap_or_default() {
        if !["vcekCert", "certificateChain"].contains(&name.as_str()) {
            fields.push(name, value.clone());
        }
    }
    let title = "AMD certificates as a host hands them out";
    Ok(Inspection::new("amd-host-certificates", title, fields))
}
