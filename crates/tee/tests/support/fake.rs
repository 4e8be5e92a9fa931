//! TEEs at their file boundaries: threads that answer by pipes, as a kernel or a library OS answers by its
//! pseudo-files.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "test code; each test program uses a part"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use avouch_mint::snp::SnpOptions;
use avouch_mint::{Minted, Options, mint};
use avouch_pki::pem;
use avouch_wire::{EvidenceKind, UnixTime};

/// What is said to one question.
#[derive(Debug, Clone, Default)]
pub struct Said {
    pub outblob: Vec<u8>,
    /// `None`: there is no such file.
    pub auxblob: Option<Vec<u8>>,
    /// Writes by others in between, as the generation counts them.
    pub others: u64,
    /// It is never said.
    pub hangs: bool,
}

/// Everything that was asked: the bytes that were written, in order.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<Vec<u8>>>>);

impl Asked {
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().clone()
    }

    /// Notes a question of 64 bytes, and its place.
    fn note(&self, bytes: &[u8]) -> ([u8; 64], usize) {
        let mut asked = self.0.lock().unwrap();
        asked.push(bytes.to_vec());
        (bytes.try_into().expect("64 bytes are written at once"), asked.len() - 1)
    }
}

/// Makes the pipes, in this order.
pub fn pipes(folder: &Path, names: &[&str]) {
    let made = Command::new("mkfifo").args(names).current_dir(folder).status().unwrap();
    assert!(made.success(), "mkfifo {names:?}");
}

/// configfs-TSM: every folder that is made below `root` becomes an entry, which serves one question and is
/// empty then. `says` is given the report data and how many questions there were before.
pub fn configfs(
    root: &Path,
    provider: &'static str,
    says: impl Fn(&[u8; 64], usize) -> Said + Send + Sync + 'static,
) -> Asked {
    fs::create_dir_all(root).unwrap();
    let (asked, root, says) = (Asked::default(), root.to_owned(), Arc::new(says));
    let heard = asked.clone();
    let mut known: BTreeSet<PathBuf> = entries(&root);
    thread::spawn(move || {
        loop {
            for entry in entries(&root) {
                if known.insert(entry.clone()) {
                    let (says, heard) = (Arc::clone(&says), heard.clone());
                    thread::spawn(move || {
                        // Whoever asked may have taken the folder away.
                        let _ = serve(&entry, provider, &*says, &heard);
                        for file in fs::read_dir(&entry).into_iter().flatten().flatten() {
                            let _ = fs::remove_file(file.path());
                        }
                    });
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
    });
    asked
}

fn entries(root: &Path) -> BTreeSet<PathBuf> {
    let found = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    found.filter(|path| path.is_dir()).collect()
}

/// One question at an entry, file by file.
pub fn serve(
    entry: &Path,
    provider: &str,
    says: &dyn Fn(&[u8; 64], usize) -> Said,
    asked: &Asked,
) -> std::io::Result<()> {
    fs::write(entry.join("provider"), format!("{provider}\n"))?;
    pipes(entry, &["generation", "outblob", "auxblob", "inblob"]);
    fs::write(entry.join("generation"), "7\n")?;
    let (report_data, before) = asked.note(&fs::read(entry.join("inblob"))?);
    let said = says(&report_data, before);
    if said.hangs {
        thread::sleep(Duration::from_secs(3600));
    }
    let auxblob = said.auxblob.unwrap_or_default();
    fs::write(entry.join("outblob"), said.outblob)?;
    fs::write(entry.join("auxblob"), auxblob)?;
    fs::write(entry.join("generation"), format!("{}\n", 8 + said.others))
}

/// Gramine's folder, which serves any number of questions.
pub fn gramine(
    folder: &Path,
    says: impl Fn(&[u8; 64], usize) -> Vec<u8> + Send + 'static,
) -> Asked {
    fs::create_dir_all(folder.join("keys")).unwrap();
    fs::write(folder.join("attestation_type"), "dcap\n").unwrap();
    pipes(folder, &["user_report_data", "quote"]);
    let (asked, folder) = (Asked::default(), folder.to_owned());
    let heard = asked.clone();
    thread::spawn(move || {
        loop {
            let Ok(written) = fs::read(folder.join("user_report_data")) else { return };
            let (report_data, before) = heard.note(&written);
            if fs::write(folder.join("quote"), says(&report_data, before)).is_err() {
                return;
            }
        }
    });
    asked
}

/// A TEE of the mint's: evidence over any report data, on one platform.
#[derive(Clone)]
pub struct Platform {
    pub kind: EvidenceKind,
    pub options: Options,
}

impl Platform {
    pub fn new(kind: EvidenceKind, at: UnixTime) -> Self {
        Self { kind, options: Options { runtime_data: None, ..Options::new(at) } }
    }

    pub fn mint(&self, report_data: &[u8; 64]) -> Minted {
        let mut options = self.options.clone();
        options.enclave.report_data = Some(*report_data);
        options.td.report_data = Some(*report_data);
        options.snp = SnpOptions { report_data: Some(*report_data), ..options.snp };
        mint(self.kind, &options).unwrap()
    }

    /// As configfs-TSM says it: an SNP report with its table, or a quote in a buffer that is too long.
    pub fn said(&self, report_data: &[u8; 64]) -> Said {
        let minted = self.mint(report_data);
        let (mut outblob, mut auxblob) = (minted.evidence, None);
        if self.kind == EvidenceKind::Snp {
            auxblob = Some(table(&minted.endorsements, Bodies::Der));
        } else {
            outblob.extend([0; 70]);
        }
        Said { outblob, auxblob, ..Said::default() }
    }
}

/// How certificates stand in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    Der,
    Pem,
}

/// The host's certificate table of minted endorsements: VCEK, ASK and ARK behind their identifiers.
pub fn table(endorsements: &[u8], bodies: Bodies) -> Vec<u8> {
    const GUIDS: [u128; 3] = [
        0x63da_758d_e664_4564_adc5_f4b9_3be8_accd,
        0x4ab7_b379_bbac_4fe4_a02f_05ae_f327_c782,
        0xc0b4_06a4_a803_4952_9743_3fb6_014c_d0ae,
    ];
    let ders = certificates(endorsements);
    let bodies: Vec<Vec<u8>> = ders
        .iter()
        .map(|der| match bodies {
            Bodies::Der => der.clone(),
            Bodies::Pem => pem::encode("CERTIFICATE", der).into_bytes(),
        })
        .collect();
    let mut table = Vec::new();
    let mut offset = 24 * (GUIDS.len() + 1);
    for (guid, body) in GUIDS.iter().zip(&bodies) {
        table.extend(guid.to_be_bytes());
        table.extend(u32::try_from(offset).unwrap().to_le_bytes());
        table.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        offset += body.len();
    }
    table.extend([0; 24]);
    table.extend(bodies.concat());
    table
}

/// The certificates of minted endorsements of SEV-SNP, without CRLs: DER.
pub fn certificates(endorsements: &[u8]) -> Vec<Vec<u8>> {
    let text = str::from_utf8(endorsements).unwrap();
    let only = text.split("-----BEGIN X509 CRL").next().unwrap();
    pem::certificates(only.as_bytes(), 16).unwrap()
}

/// The same as PEM.
pub fn certificates_pem(endorsements: &[u8]) -> String {
    certificates(endorsements).iter().map(|der| pem::encode("CERTIFICATE", der)).collect()
}
