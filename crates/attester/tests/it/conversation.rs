//! Enrolment and attestation with a software TPM: what is verified, and what is tried again.

use std::path::PathBuf;

use avouch_attester::{
    AttestError, AttestationKeyFile, Attester, Enrolment, KeySource, LogFiles, PcrChoice,
    RequestKey, Service as _, ServiceError, Standing, Tpm, TpmError, enrol, measure, open,
};
use avouch_mint::bootlog::{Bank, BootLog, LinuxBoot, LogForm, linux};
use avouch_tpm::protocol::{CustomClaim, KeyBinding, LogKind};
use avouch_tpm::{Credential, HashAlgorithm, Public};
use avouch_wire::{FailedCheck as _, UnixTime};
use tempfile::TempDir;

use crate::desk::Desk;
use crate::swtpm::Swtpm;

/// A machine that booted, with a service that trusts its manufacturer.
struct Machine {
    swtpm: Swtpm,
    log: BootLog,
    folder: TempDir,
    desk: Desk,
    tpm: Box<dyn Tpm>,
}

impl Machine {
    fn boot() -> Option<Self> {
        let swtpm = Swtpm::start()?;
        let form = LogForm::CryptoAgile(vec![Bank::Sha1, Bank::Sha256]);
        let log = linux(&LinuxBoot { form, ..LinuxBoot::default() }).unwrap();
        swtpm.boot(&log);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log"), log.to_bytes().unwrap()).unwrap();
        std::fs::write(folder.path().join("ima"), b"").unwrap();
        let desk = Desk::new(&swtpm.manufacturer_pem(), now());
        let tpm = open(&swtpm.tcti()).unwrap();
        Some(Self { swtpm, log, folder, desk, tpm })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn logs(&self) -> LogFiles {
        LogFiles { tcg: Some(self.path("log")), ima: Some(self.path("ima")) }
    }

    fn file(&self) -> AttestationKeyFile {
        AttestationKeyFile::new(&self.path("state"), "https://attest.example")
    }

    fn attest(&mut self, is_allowed: bool) -> Result<bool, AttestError> {
        self.attest_with(is_allowed, "sha256:all", &[])
    }

    fn attest_with(
        &mut self,
        is_allowed: bool,
        pcrs: &str,
        certified: &[u32],
    ) -> Result<bool, AttestError> {
        let pcrs: PcrChoice = pcrs.parse().unwrap();
        let request_key = RequestKey::generate().unwrap();
        let claims = [CustomClaim {
            name: "site".to_owned(),
            value: "lab".to_owned(),
            value_type: "string".to_owned(),
        }];
        let (file, at) = (self.file(), self.desk.at);
        let attester = Attester {
            pcrs: &pcrs,
            logs: &self.logs(),
            request_key: &request_key,
            certified_handles: certified,
            rp_id: Some("https://relying.example"),
            rp_data: Some("bm9uY2U"),
            custom_claims: &claims,
        };
        let enrolment =
            Enrolment { file: &file, ek_certificate: None, ek_chain: &[], is_allowed, at };
        let report = attester.attest_enrolled(self.tpm.as_mut(), &mut self.desk, &enrolment)?;
        assert_eq!(report.token, "a.b.c");
        let verified = self.desk.verified.as_ref().expect("it was verified");
        assert_eq!(verified.request_key.jwk, request_key.jwk());
        assert!(matches!(verified.request_key.binding, KeyBinding::Quoted));
        Ok(report.enrolled)
    }
}

fn now() -> UnixTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixTime::from_seconds(now.as_secs().try_into().unwrap()).unwrap()
}

#[test]
fn a_machine_enrols_once_and_then_attests_by_what_it_kept() {
    let Some(mut machine) = Machine::boot() else { return };
    let error = machine.attest(false).unwrap_err();
    assert_eq!(error.check(), "attest-not-enrolled", "{error}");
    assert!(machine.desk.story.is_empty(), "nobody was asked");

    assert!(machine.attest(true).unwrap(), "it enrolled");
    assert_eq!(machine.desk.story, ["enrol", "activate", "challenge", "request"]);
    let verified = machine.desk.verified.take().unwrap();
    assert!(verified.aik.validated && verified.aik.enrolment.is_some());
    assert_eq!(verified.rp_data.as_deref(), Some("bm9uY2U"));
    assert_eq!(verified.rp_id.as_deref(), Some("https://relying.example"));
    assert_eq!(verified.custom_claims[0].value, "lab");
    let [log] = verified.current.logs.as_slice() else { panic!("one log") };
    assert_eq!((log.kind, &log.bytes), (LogKind::Tcg, &machine.log.to_bytes().unwrap()));
    let registers = machine.log.registers();
    for pcr in 0..=9 {
        let quoted = verified.current.quote.value(HashAlgorithm::Sha256, pcr);
        assert_eq!(quoted, registers.get(Bank::Sha256, pcr.into()), "PCR {pcr}");
    }

    machine.desk.story.clear();
    machine.tpm = open(&machine.swtpm.tcti()).unwrap();
    assert!(!machine.attest(false).unwrap(), "it was enrolled");
    assert_eq!(machine.desk.story, ["challenge", "request"]);
}

#[test]
fn an_enrolment_is_renewed_when_its_time_is_up_or_the_service_no_longer_takes_it() {
    let Some(mut machine) = Machine::boot() else { return };
    machine.attest(true).unwrap();
    let (key, _) = machine.file().read().unwrap().unwrap();

    // By the client's own clock.
    machine.desk.at = machine.desk.at.saturating_add_seconds(86_000);
    machine.desk.story.clear();
    assert_eq!(machine.attest(false).unwrap_err().check(), "attest-not-enrolled");
    assert!(machine.attest(true).unwrap());
    assert_eq!(machine.desk.story, ["enrol", "activate", "challenge", "request"]);
    let (kept, _) = machine.file().read().unwrap().unwrap();
    assert_eq!(kept, key, "the key is the same");

    // By the service's word.
    machine.desk.provider = "fabrikam";
    machine.desk.story.clear();
    let error = machine.attest(false).unwrap_err();
    assert!(error.refusal().unwrap().is_of("tpm-enrolment-provider"), "{error}");
    assert!(machine.attest(true).unwrap());
    assert_eq!(
        machine.desk.story,
        ["challenge", "challenge", "enrol", "activate", "challenge", "request"]
    );
}

#[test]
fn a_challenge_that_grew_old_is_asked_for_anew_and_only_once() {
    let Some(mut machine) = Machine::boot() else { return };
    machine.attest(true).unwrap();
    machine.desk.story.clear();
    machine.desk.delays = vec![0, 301];
    machine.attest(false).unwrap();
    assert_eq!(machine.desk.story, ["challenge", "request", "challenge", "request"]);

    machine.desk.story.clear();
    machine.desk.delays = vec![0, 301, 0, 301];
    let error = machine.attest(false).unwrap_err();
    assert!(error.refusal().unwrap().is_of("tpm-context-expired"), "{error}");
    assert_eq!(machine.desk.story, ["challenge", "request", "challenge", "request"]);
}

#[test]
fn a_key_of_the_workload_is_certified_beside_the_quote_of_two_banks() {
    let Some(mut machine) = Machine::boot() else { return };
    let tool = |program: &str, words: &str| {
        machine.swtpm.tool(program, &words.split(' ').collect::<Vec<_>>());
    };
    tool("tpm2_createprimary", "-Q -C o -G ecc -c parent");
    tool("tpm2_create", "-Q -C parent -G ecc:ecdsa-sha256 -u key.pub -r key.priv");
    tool("tpm2_flushcontext", "-t");
    tool("tpm2_load", "-Q -C parent -u key.pub -r key.priv -c key");
    tool("tpm2_flushcontext", "-t");
    tool("tpm2_evictcontrol", "-Q -C o -c key 0x81010005");
    machine.attest_with(true, "sha1:0-7+sha256:all", &[0x8101_0005]).unwrap();
    let verified = machine.desk.verified.take().unwrap();
    let [key] = verified.other_keys.as_slice() else { panic!("one key") };
    assert!(matches!(key.binding, KeyBinding::Certified(_)), "{:?}", key.binding);
    let registers = machine.log.registers();
    let quoted = verified.current.quote.value(HashAlgorithm::Sha1, 4);
    assert_eq!(quoted, registers.get(Bank::Sha1, 4));

    let error = machine.attest_with(true, "sha256:all", &[0x8101_0006]).unwrap_err();
    assert_eq!(error.check(), "tpm-refused");
    assert!(error.to_string().contains("handles-persistent"), "{error}");
    let error = machine.attest_with(true, "sha384:all", &[]).unwrap_err();
    assert_eq!(error.check(), "measure-bank", "{error}");
}

#[test]
fn a_credential_for_another_key_does_not_open_and_a_key_of_another_tpm_does_not_load() {
    let (Some(mut machine), Some(other)) = (Machine::boot(), Swtpm::start()) else { return };
    let tpm = machine.tpm.as_mut();
    let endorsement = tpm.endorsement(None).unwrap();
    let [first, second] =
        [(), ()].map(|()| KeySource::Wrapped(tpm.create_attestation_key().unwrap()));
    let refused = |result: Result<Vec<u8>, TpmError>| {
        let error = result.unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("TPM2_ActivateCredential: "), "{told}");
        assert!(told.contains("of another TPM"), "{told}");
    };
    let credential_for = |tpm: &mut dyn Tpm, key: &KeySource| -> Credential {
        let ak = Public::parse(&tpm.use_attestation_key(key).unwrap()).unwrap();
        let ek =
            avouch_tpm::EndorsementKey::untrusted(&Public::parse(&endorsement.public).unwrap());
        let mut fill = |bytes: &mut [u8]| {
            bytes.fill(9);
            true
        };
        avouch_tpm::make_credential(&ek.unwrap(), ak.name(), b"secret", &mut fill).unwrap()
    };
    let credential = credential_for(tpm, &first);
    assert_eq!(tpm.activate_credential(&credential).unwrap(), b"secret");
    tpm.use_attestation_key(&second).unwrap();
    refused(tpm.activate_credential(&credential));
    // The TPM goes on after the refusal.
    let credential = credential_for(tpm, &second);
    assert_eq!(tpm.activate_credential(&credential).unwrap(), b"secret");

    let mut elsewhere = open(&other.tcti()).unwrap();
    let error = elsewhere.use_attestation_key(&first).unwrap_err();
    assert!(error.to_string().contains("enrol again"), "{error}");
}

#[test]
fn a_key_that_its_tpm_lost_is_replaced_when_enrolling_is_allowed() {
    let (Some(mut machine), Some(other)) = (Machine::boot(), Swtpm::start()) else { return };
    machine.attest(true).unwrap();
    let (lost, _) = machine.file().read().unwrap().unwrap();
    machine.tpm = open(&other.tcti()).unwrap();
    machine.desk = Desk::new(&other.manufacturer_pem(), now());
    assert_eq!(machine.attest(false).unwrap_err().check(), "tpm-refused");
    assert!(machine.attest(true).unwrap());
    let (new, standing) = machine.file().read().unwrap().unwrap();
    assert_ne!(new, lost);
    assert!(matches!(standing, Some(Standing::Enrolled { .. })));
}

#[test]
fn a_tpm_whose_manufacturer_is_not_trusted_is_not_enrolled() {
    let (Some(mut machine), Some(other)) = (Machine::boot(), Swtpm::start()) else { return };
    machine.desk = Desk::new(&other.manufacturer_pem(), now());
    let error = machine.attest(true).unwrap_err();
    let Some(ServiceError::Refused { message, .. }) = error.refusal() else { panic!("{error}") };
    assert!(message.starts_with("ek-"), "{message}");
    assert_eq!(machine.desk.story, ["enrol"]);
    assert!(machine.file().read().unwrap().is_none(), "nothing is kept");
}

/// Who answers for the service must answer by the protocol.
#[test]
fn answers_out_of_turn_and_challenges_that_are_none_are_refused() {
    struct Parrot(Vec<String>);
    impl avouch_attester::Service for Parrot {
        fn exchange(&mut self, _: &str) -> Result<String, ServiceError> {
            Ok(self.0.remove(0))
        }
    }
    let Some(mut machine) = Machine::boot() else { return };
    machine.attest(true).unwrap();
    let form = avouch_tpm::protocol::Form::Wrapped;
    let report = avouch_tpm::protocol::Received::report_answer(form, "a.b.c");
    let challenge =
        |bytes: &[u8]| avouch_tpm::protocol::Received::challenge_answer(form, bytes, "context");
    let pcrs: PcrChoice = "sha256:all".parse().unwrap();
    let request_key = RequestKey::generate().unwrap();
    let (file, at, logs) = (machine.file(), machine.desk.at, machine.logs());
    let attester = Attester {
        pcrs: &pcrs,
        logs: &logs,
        request_key: &request_key,
        certified_handles: &[],
        rp_id: None,
        rp_data: None,
        custom_claims: &[],
    };
    for (answers, check) in [
        (vec![report.clone()], "attest-answer"),
        (vec![challenge(&[1; 16]), challenge(&[1; 16])], "attest-answer"),
        (vec![challenge(&[1; 15])], "attest-challenge"),
        (vec![challenge(&[1; 65])], "attest-challenge"),
        (vec!["e30".to_owned()], "tpm-message"),
        (vec!["!".to_owned()], "tpm-message"),
    ] {
        let enrolment =
            Enrolment { file: &file, ek_certificate: None, ek_chain: &[], is_allowed: false, at };
        let mut parrot = Parrot(answers.clone());
        let error = attester.attest_enrolled(machine.tpm.as_mut(), &mut parrot, &enrolment);
        let error = error.unwrap_err();
        assert_eq!(error.check(), check, "{answers:?}: {error}");
    }
    let source = KeySource::Wrapped(machine.tpm.create_attestation_key().unwrap());
    let endorsement = machine.tpm.endorsement(None).unwrap();
    let mut parrot = Parrot(vec![report]);
    let error = enrol(machine.tpm.as_mut(), &mut parrot, source, &endorsement, &[]).unwrap_err();
    assert_eq!(error.check(), "enrol-answer");
    assert!(machine.desk.exchange("e30").is_err(), "the desk is no parrot");
    assert!(measure(machine.tpm.as_mut(), &[0; 70], &pcrs).is_err(), "more than TPM2B_DATA holds");
}
