//! Whose endorsements are wanted.

use std::path::PathBuf;

use avouch_endorsements::Need;
use avouch_wire::{Hex, excerpt};
use clap::Args;
use serde_json::json;

use super::files::refuse_with;
use crate::failure::{Failure, Verdict};
use crate::fleet::Fleet;
use crate::output::{OutputOptions, note};

/// Machines, by their families or their evidence.
#[derive(Debug, Args)]
pub(super) struct Machines {
    /// What platforms of this family need, 12 hex digits; may be repeated.
    #[arg(long, value_name = "FMSPC", value_parser = Hex::<6>::from_hex)]
    fmspc: Vec<Hex<6>>,
    /// What the machines need whose evidence is in this folder; may be repeated.
    #[arg(long, value_name = "DIR")]
    evidence: Vec<PathBuf>,
}

impl Machines {
    /// Whether none are named.
    pub(super) const fn is_empty(&self) -> bool {
        self.fmspc.is_empty() && self.evidence.is_empty()
    }

    /// What they need.
    pub(super) fn needs(&self) -> Result<Vec<Need>, Failure> {
        let mut needs: Vec<Need> = self.fmspc.iter().copied().flat_map(Need::of_fmspc).collect();
        for folder in &self.evidence {
            let fleet = Fleet::read(folder)?;
            for other in &fleet.others {
                let folder = folder.display();
                note(&format!("warning: {} in {folder} is no evidence", excerpt(other)));
            }
            for machine in &fleet.machines {
                let found = Need::of_evidence(machine.request.kind, &machine.request.evidence);
                needs.extend(found.map_err(|error| {
                    Failure::Other(format!("{}: {error}", folder.join(&machine.name).display()))
                })?);
            }
        }
        Ok(needs)
    }
}

/// Answers that some of what is needed is not there.
pub(super) fn refuse_missing(missing: &[Need], output: OutputOptions) -> Result<Verdict, Failure> {
    const CHECK: &str = "endorsements-missing";
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let message = format!("missing: {}", missing.join("; "));
    let error = json!({"check": CHECK, "message": message});
    refuse_with(&json!({"error": error, "missing": missing}), CHECK, &message, output)
}
