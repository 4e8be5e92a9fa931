//! What an appraisal of TPM evidence costs beside what it cannot do without: a quote, a firmware's log of
//! 100 KB, claims and a policy, against hashing the log once in each of its banks and one bare
//! RSA-2048 verification.
//!
//! `cargo bench -p avouch-engine --bench tpm` prints divan's table and then the ratio, measured in turns
//! in the same run, since absolute times on shared machines mean little. Evidence is minted.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark may stop on anything unexpected, and prints"
)]

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, Appraisal, AppraisalRequest, AppraisalSettings, Challenged, Engine, PolicyInForce,
    TokenForm,
};
use avouch_mint::bootlog::{Bank, BootLog, Ground, LogEvent, uefi};
use avouch_mint::tpm::{Measurements, TpmOptions, mint};
use avouch_tpm::Public;
use avouch_wire::{EvidenceKind, UnixTime, base64url};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use serde_json::Value;

fn main() {
    divan::main();
    CASE.print_ratio();
}

static CASE: LazyLock<Case> = LazyLock::new(Case::new);

/// Length of the log, in bytes.
const BYTES: usize = 100_000;
/// How often each is measured.
const ROUNDS: usize = 401;

const POLICY: &str = "version=1.2; configurationrules{
    => issueproperty(type=\"require_valid_aik_cert\", value=false); };
    authorizationrules{ [type==\"secureBootEnabled\", value==true] => permit(); };
    issuancerules{ c:[type==\"secureBootEnabled\"] => issue(claim=c); };";

struct Case {
    at: UnixTime,
    engine: Engine,
    policy: PolicyInForce,
    settings: AppraisalSettings,
    request: AppraisalRequest,
    log: Vec<u8>,
    quote: Vec<u8>,
    signature: Vec<u8>,
    key: ParsedPublicKey,
}

impl Case {
    fn new() -> Self {
        let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
        let measured = Measurements::of(&log(), None).unwrap();
        let options =
            TpmOptions { log: measured.log.clone(), pcrs: measured.pcrs, ..TpmOptions::new(at) };
        let minted = mint(&options).unwrap();
        let payload = base64url::decode(minted.request.split('.').nth(1).unwrap()).unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        let attestation = &payload["att_data"]["tpm_att_data"]["current_attestation"];
        let public = Public::parse_sized(&minted.ak_public).unwrap();
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.key().raw()).unwrap();
        let challenge = minted.challenge.to_vec();
        let case = Self {
            at,
            engine: Engine::new(Anchors::built_in(), Arc::new(EndorsementSet::default())),
            policy: PolicyInForce::from_text(POLICY).unwrap(),
            settings: AppraisalSettings::default(),
            request: AppraisalRequest {
                kind: EvidenceKind::Tpm,
                evidence: attestation.to_string().into_bytes(),
                runtime_data: None,
                init_time_data: None,
                event_log: None,
                challenged: Some(Challenged { challenge, aik: None, enrolment: None }),
                nonce: None,
                token_form: TokenForm::Current,
            },
            log: measured.log,
            signature: minted.signature[6..].to_vec(),
            quote: minted.quote,
            key,
        };
        assert!(case.appraise().is_permitted());
        case
    }

    fn appraise(&self) -> Appraisal {
        self.engine.appraise(&self.request, &self.policy, &self.settings, self.at).unwrap()
    }

    /// Hashing the log in its banks, and one signature.
    fn unavoidable(&self) {
        for algorithm in [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256, &SHA384].iter().take(BANKS.len()) {
            black_box(digest(algorithm, &self.log));
        }
        self.key.verify_sig(&self.quote, &self.signature).unwrap();
    }

    fn print_ratio(&self) {
        let mut ratios: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                black_box(self.appraise());
                let appraised = start.elapsed().as_secs_f64();
                let start = Instant::now();
                self.unavoidable();
                appraised / start.elapsed().as_secs_f64()
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "appraisal: {:.2} x hashing its log in {} banks and one RSA-2048 verification",
            ratios[ROUNDS / 2],
            BANKS.len()
        );
    }
}

/// A boot of Linux with a long list of revoked images, as updates have made it, and many commands of
/// GRUB.
fn log() -> BootLog {
    let mut log = Ground::Linux.log().unwrap();
    let revoked: Vec<u8> = (0..400_u16)
        .flat_map(|number| {
            let digest = [number.to_le_bytes().as_slice(), &[0xdb; 30]].concat();
            uefi::signature_list(uefi::CERT_SHA256, &digest)
        })
        .collect();
    let dbx = uefi::variable(uefi::IMAGE_SECURITY, "dbx", &revoked);
    let name = uefi::utf16("dbx");
    let is_dbx = |event: &LogEvent| event.register == 7 && event.data[32..].starts_with(&name);
    log.events
        .iter_mut()
        .filter(|event| event.data.len() > 40)
        .filter(|event| is_dbx(event))
        .for_each(|event| event.data.clone_from(&dbx));
    for number in 0.. {
        if log.to_bytes().unwrap().len() >= BYTES {
            break;
        }
        let text =
            format!("menuentry Linux-{number} --class os --unrestricted {{ search --no-floppy }}");
        log.push(LogEvent::grub_command(&text));
    }
    log
}

/// The banks of the minted log.
const BANKS: [Bank; 3] = [Bank::Sha1, Bank::Sha256, Bank::Sha384];

#[divan::bench]
fn unavoidable() {
    CASE.unavoidable();
}

#[divan::bench]
fn appraisal() -> Appraisal {
    CASE.appraise()
}
