//! What a minting gives, and how it is laid into a directory.

use std::{fs, path::Path};

use avouch_wire::{EvidenceKind, UnixTime};

use crate::tpm::guest::HARDWARE_ROOT;
use crate::{HeldData, MintError, Stage};

/// File name for the event log.
const EVENT_LOG_NAME: &str = "event-log.bin";

/// Evidence with everything needed to judge it.
#[derive(Debug, Clone)]
pub struct Minted {
    /// Which route and verifier it is for.
    pub kind: EvidenceKind,
    /// The evidence as a client submits it.
    pub evidence: Vec<u8>,
    /// File name for the evidence, such as `quote.bin`.
    pub evidence_name: &'static str,
    /// Endorsements in the file form of the kind; for Intel the JSON collateral shape with
    /// `tcb_info`, `qe_identity`, `root_ca_crl` and the rest.
    pub endorsements: Vec<u8>,
    /// File name for the endorsements, such as `endorsements.json`.
    pub endorsements_name: &'static str,
    /// The root certificate to add as a trust anchor, PEM.
    pub root_pem: String,
    /// Data to hand in as runtime data. Bound by the evidence, unless that is what is broken.
    pub runtime_data: Option<HeldData>,
    /// Data to hand in as init-time data. Bound by the evidence, unless that is what is broken.
    pub init_time_data: Option<HeldData>,
    /// A trust domain's event log, to hand in beside its quote.
    pub event_log: Option<Vec<u8>>,
    /// What the evidence answers; TPM only.
    pub challenge: Option<Vec<u8>>,
    /// Further files, by name.
    pub others: Vec<(&'static str, Vec<u8>)>,
    /// Body for MAA's route of the kind, JSON.
    pub request: String,
    /// The moment around which everything is valid.
    pub at: UnixTime,
    /// What was minted, in one line.
    pub description: String,
    /// What a verifier must say.
    pub expected: Expected,
}

/// What a verifier must say about minted evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It verifies, binds its data, and default settings accept it if the options asked for
    /// an accepted TCB status.
    Accepted,
    /// It is refused.
    Refused {
        /// The step that refuses.
        stage: Stage,
        /// The `check()` of the refusal.
        check: &'static str,
    },
}

impl Minted {
    /// Writes the parts into `directory`, which is made if need be: the evidence, the endorsements,
    /// `root.pem`, `runtime-data.json` or `.bin`, `init-time-data.json` or `.bin`,
    /// `event-log.bin`, further files of the kind's, `request.json`, and a `README.txt` with the command that judges them.
    ///
    /// # Errors
    /// [`MintError::Write`] with the path that could not be written.
    pub fn write_to(&self, directory: &Path) -> Result<(), MintError> {
        fs::create_dir_all(directory).map_err(|source| write_error(directory, source))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = directory.join(name);
            fs::write(&path, bytes).map_err(|source| write_error(&path, source))
        };
        write(self.evidence_name, &self.evidence)?;
        write(self.endorsements_name, &self.endorsements)?;
        write("root.pem", self.root_pem.as_bytes())?;
        if let Some(data) = &self.runtime_data {
            write(&data.file_name("runtime-data"), &data.bytes)?;
        }
        if let Some(data) = &self.init_time_data {
            write(&data.file_name("init-time-data"), &data.bytes)?;
        }
        if let Some(log) = &self.event_log {
            write(EVENT_LOG_NAME, log)?;
        }
        for (name, bytes) in &self.others {
            write(name, bytes)?;
        }
        write("request.json", self.request.as_bytes())?;
        write("README.txt", self.readme().as_bytes())
    }

    /// Whose root it is, where its name does not tell.
    #[must_use]
    pub const fn root_vendor(&self) -> Option<&'static str> {
        self.kind.root_word()
    }

    /// Further roots, each with whose it is, where its name does not tell, and the name of its file.
    pub fn other_roots(&self) -> impl Iterator<Item = (Option<&'static str>, &'static str, &[u8])> {
        self.others.iter().filter_map(|(name, bytes)| match *name {
            "windows.pem" => Some((Some("windows"), *name, bytes.as_slice())),
            HARDWARE_ROOT => Some((None, *name, bytes.as_slice())),
            _ => None,
        })
    }

    /// The text of `README.txt`.
    #[must_use]
    pub fn readme(&self) -> String {
        let verdict = match self.expected {
            Expected::Accepted => "permitted".to_owned(),
            Expected::Refused { stage, check } => {
                let strict = match (stage, check) {
                    (Stage::Acceptance, "debuggable") => " with `refuse_debuggable` on",
                    _ => "",
                };
                format!("refused by {}{strict} with the check `{check}`", stage.name())
            }
        };
        format!(
            "{}\nMade by `avouch mint`. Its vendor PKI is a test PKI: nothing real is attested.\n\n\
             Judge it with:\n\n    {}\n\nExpected: {verdict}.\n",
            self.description,
            self.appraise_command()
        )
    }

    /// The command line that judges the written files.
    #[must_use]
    pub fn appraise_command(&self) -> String {
        let mut command = format!(
            "avouch appraise {} {} --endorsements {} --trust-root {}root.pem --at {}",
            self.kind,
            self.evidence_name,
            self.endorsements_name,
            self.root_vendor().map_or_else(String::new, |vendor| format!("{vendor}=")),
            self.at
        );
        for (vendor, name, _) in self.other_roots() {
            let vendor = vendor.map_or_else(String::new, |vendor| format!("{vendor}="));
            command.push_str(&format!(" --trust-root {vendor}{name}"));
        }
        if self.others.iter().any(|(name, _)| *name == "policy.txt") {
            command.push_str(" --policy policy.txt");
        }
        for (option, data) in
            [("runtime-data", &self.runtime_data), ("init-time-data", &self.init_time_data)]
        {
            if let Some(data) = data {
                let file = data.file_name(option);
                let kind = data.data_type.name().to_lowercase();
                command.push_str(&format!(" --{option} {file} --{option}-type {kind}"));
            }
        }
        if self.event_log.is_some() {
            command.push_str(&format!(" --event-log {EVENT_LOG_NAME}"));
        }
        command
    }
}

fn write_error(path: &Path, source: std::io::Error) -> MintError {
    MintError::Write { path: path.display().to_string(), source }
}
