//! Whom verified facts are about, what they rest on and until when: for those who ask how long a
//! verdict holds. No verdict is made from it.

use avouch_pki::Window;
use avouch_wire::Hex;
use serde::Serialize;

/// What verified facts rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    /// What tells the machine from others, under the names of the facts, such as `fmspc` or `chip_id`.
    pub machine: Vec<(&'static str, String)>,
    /// SHA-256 of the endorsements that were used, by name: of Intel's as MAA's collateral claim has
    /// them.
    pub endorsements: Vec<(&'static str, Hex<32>)>,
    /// The span in which all of these are in force, if it is known. Something else that the evidence
    /// rests on may end earlier.
    pub window: Option<Window>,
}

/// A part of a machine or guest whose security version is lower than is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutdatedComponent {
    /// Which part, in words, such as `SGX component 3 (OS/VMM, TXT SINIT)`.
    pub component: String,
    /// Its version in the evidence.
    pub found: u32,
    /// The lowest version that would do.
    pub minimum: u32,
}
