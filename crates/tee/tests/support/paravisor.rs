//! What a confidential machine's paravisor leaves in its virtual TPM, minted.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "test code; each test program uses a part"
)]

use std::collections::HashMap;
use std::sync::Mutex;

use avouch_mint::{HeldData, Minted, Options, mint};
use avouch_token::{KeySpec, Signer as _, SigningKey, public_jwk_members};
use avouch_wire::{EvidenceKind, UnixTime, encode_hex};
use serde_json::{Map, Value, json};

/// Length of the NV index: of older machines, and the most that a software TPM has.
pub const NV_BYTES: usize = 2048;

/// A paravisor, and the hardware below it.
pub struct Paravisor {
    pub kind: EvidenceKind,
    pub options: Options,
    attestation_key: SigningKey,
    /// Signatures are random: what was minted once stays.
    minted: Mutex<HashMap<[u8; 64], Minted>>,
}

impl Paravisor {
    pub fn new(kind: EvidenceKind, at: UnixTime) -> Self {
        let attestation_key = SigningKey::generate(KeySpec::Rsa2048).unwrap();
        Self { kind, options: Options::new(at), attestation_key, minted: Mutex::default() }
    }

    /// What it says of the machine; the user data are the guest's.
    pub fn runtime_data(&self, user_data: &[u8; 64]) -> Vec<u8> {
        let mut key: Map<String, Value> = public_jwk_members(self.attestation_key.public_key())
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        key.insert("kid".to_owned(), "HCLAkPub".into());
        key.insert("key_ops".to_owned(), json!(["sign"]));
        let user_data = encode_hex(user_data).to_uppercase();
        json!({"keys": [key], "user-data": user_data, "vm-configuration": {"secure-boot": true}})
            .to_string()
            .into_bytes()
    }

    /// The hardware's evidence over what the paravisor says.
    pub fn mint(&self, user_data: &[u8; 64]) -> Minted {
        let mut minted = self.minted.lock().unwrap();
        minted.entry(*user_data).or_insert_with(|| self.mint_anew(user_data)).clone()
    }

    fn mint_anew(&self, user_data: &[u8; 64]) -> Minted {
        let runtime_data =
            Some(HeldData::json(String::from_utf8(self.runtime_data(user_data)).unwrap()));
        mint(self.kind, &Options { runtime_data, ..self.options.clone() }).unwrap()
    }

    /// The contents of NV index 0x01400001.
    pub fn report(&self, user_data: &[u8; 64]) -> Vec<u8> {
        let runtime = self.runtime_data(user_data);
        let (report_type, area) = match self.kind {
            EvidenceKind::Snp => (2_u32, self.mint(user_data).evidence),
            _ => (4, td_report(&runtime)),
        };
        let word = |number: u32| number.to_le_bytes().to_vec();
        let length = u32::try_from(runtime.len()).unwrap();
        let mut area = area;
        area.resize(1184, 0);
        let mut report =
            [b"HCLA".to_vec(), word(2), word(1236 + length), word(2), word(0)].concat();
        report.extend([0; 12]);
        report.extend(area);
        for number in [20 + length, 1, report_type, 1, length] {
            report.extend(number.to_le_bytes());
        }
        report.extend(runtime);
        assert!(report.len() <= NV_BYTES, "{}", report.len());
        report.resize(NV_BYTES, 0);
        report
    }
}

/// A report that a trust domain's module made, as far as it is read.
fn td_report(runtime: &[u8]) -> Vec<u8> {
    let mut report = vec![0; 1024];
    report[0] = 0x81;
    let digest = avouch_pki::digest::sha256(runtime);
    report[128..160].copy_from_slice(digest.as_bytes());
    report
}
