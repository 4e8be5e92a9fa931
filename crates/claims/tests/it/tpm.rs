//! TPM: one fact is turned at a time, and only the claims that rest on it may change.

use std::collections::BTreeSet;

use avouch_bootlog::boot::{Expected, ProvenBoot, Recorded};
use avouch_bootlog::ima::{BootAggregate, Facts as ImaFacts, Rule};
use avouch_bootlog::verity::Volumes;
use avouch_bootlog::windows::WindowsAuthorities;
use avouch_bootlog::{Digest, HashAlgorithm, RegisterMap, RegisterValues};
use avouch_claims::SeenBy::{Both, Policy, Token};
use avouch_claims::{ClaimValue, ServiceClaim, TpmProof, tpm};
use avouch_mint::bootlog::{self, Bank, BootLog, SecureBoot, Vbs, WindowsBoot};
use avouch_mint::tpm::{TpmOptions, mint};
use avouch_pki::digest::sha256;
use avouch_tpm::protocol::{AikStanding, Conditions, SignedRequest, VerifiedRequest};
use avouch_tpm::{AkRules, PcrMask, Standing, TrustAnchors};
use avouch_wire::{Hex, base64url, encode_hex};
use serde_json::{Value, json};

use crate::expect::{Row, assert_claims, at, boolean, counting, integer, json as json_claim, text};

/// What a minted machine measured, and the values of its PCRs.
struct Machine {
    log: Vec<u8>,
    values: RegisterValues,
}

impl Machine {
    fn of(log: &BootLog) -> Self {
        let digest = |value: &[u8]| Digest::new(HashAlgorithm::Sha256, value).unwrap();
        let registers = log.registers();
        let values = registers.iter().filter(|(bank, ..)| *bank == Bank::Sha256);
        let register = |index| RegisterMap::Tpm.register(index).unwrap();
        Self {
            log: log.to_bytes().unwrap(),
            values: values.map(|(_, index, value)| (register(index), digest(value))).collect(),
        }
    }

    fn windows(boot: &WindowsBoot) -> Self {
        Self::of(&bootlog::windows(boot).unwrap())
    }

    fn recorded(&self) -> Recorded<'_> {
        Recorded { log: &self.log, proven: &self.values }
    }

    /// What this machine proves, if it slept since `before`.
    fn boot(&self, before: Option<&Self>) -> ProvenBoot {
        let windows = WindowsAuthorities::new([sha256(&bootlog::windows_ca().unwrap())]);
        let expected = Expected { replayed: 0xff, windows: &windows };
        ProvenBoot::prove(self.recorded(), before.map(Self::recorded), expected).unwrap()
    }
}

fn certified() -> AikStanding {
    AikStanding {
        validated: true,
        standing: Standing::Certified,
        key_sha256: Hex::from(counting::<32>(0x11)),
        certificate: None,
        enrolment: None,
    }
}

/// A list whose numbers all differ.
fn files() -> ImaFacts {
    ImaFacts {
        bank: HashAlgorithm::Sha256,
        rule: Rule::Own,
        entries: 90,
        proven: 80,
        boot_aggregate: BootAggregate::Differs,
        files: 70,
        signed: 60,
        listed: 50,
        excluded: 40,
        buffers: 35,
        violations: 30,
        unreadable: 20,
        only_signed: false,
        only_listed: false,
        only_signed_or_listed: false,
        kernel_version: None,
        keys: Vec::new(),
        volumes: Volumes { running: Vec::new(), others: 3, unknown: 2, events: 9, malformed: 1 },
    }
}

/// A request of the protocol, with what the relying party wants back.
fn request() -> VerifiedRequest {
    let members = json!({"rp_data": "cnAgZGF0YQ"});
    let members = members.as_object().unwrap().clone();
    let minted = mint(&TpmOptions { members, ..TpmOptions::new(at()) }).unwrap();
    let anchors = TrustAnchors::none().with_file(minted.aik_root_pem.as_bytes()).unwrap();
    let conditions = Conditions {
        challenge: &minted.challenge,
        aik: None,
        enrolment: None,
        aik_anchors: &anchors,
        aik_cas: &[],
        require_valid_aik_cert: true,
        rules: AkRules::default(),
        required: PcrMask::of(&[0]).unwrap(),
        at: at(),
    };
    SignedRequest::read(&minted.request).unwrap().verify(conditions).unwrap()
}

/// The claims of a boot of Windows alone.
fn of_windows(boot: &WindowsBoot) -> Vec<ServiceClaim> {
    let machine = Machine::windows(boot);
    let boot = machine.boot(None);
    tpm(&TpmProof {
        aik: &certified(),
        values: &machine.values,
        boot: Some(&boot),
        ima: None,
        request: None,
        has_enclave: false,
    })
}

/// The claims of a list of files alone.
fn of_files(facts: &ImaFacts) -> Vec<ServiceClaim> {
    tpm(&TpmProof {
        aik: &certified(),
        values: &RegisterValues::new(),
        boot: None,
        ima: Some(facts),
        request: None,
        has_enclave: false,
    })
}

/// The names of claims that are not in both alike, without the texts that show all values and events.
fn changed(before: &[ServiceClaim], after: &[ServiceClaim]) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for (some, others) in [(before, after), (after, before)] {
        let alone = some.iter().filter(|claim| !others.contains(claim));
        names.extend(
            alone.map(|claim| claim.name).filter(|name| !["pcrs", "events"].contains(name)),
        );
    }
    names
}

fn value(claims: &[ServiceClaim], name: &str) -> ClaimValue {
    claims.iter().find(|claim| claim.name == name).unwrap().value.clone()
}

#[test]
fn a_resumed_windows_with_files_and_a_request_has_these_claims_and_no_others() {
    let [start, resumed] =
        [0, 1].map(|resumes| Machine::windows(&WindowsBoot { resumes, ..WindowsBoot::default() }));
    let boot = resumed.boot(Some(&start));
    let facts = files();
    let request = request();
    let claims = tpm(&TpmProof {
        aik: &certified(),
        values: &resumed.values,
        boot: Some(&boot),
        ima: Some(&facts),
        request: Some(&request),
        has_enclave: false,
    });
    let shown = value(&claims, "events");
    let before = value(&claims, "bootEvents");
    assert_ne!(shown, before);
    assert_eq!(shown, ClaimValue::String(boot.events.to_json()));
    let json_of = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let certify = &value(&claims, "x-ms-tpm-request-key").to_json()["info"]["tpm_certify"];
    assert_eq!(certify["name_alg"], 11);
    let key = json!({"jwk": json_of(&request.request_key.jwk), "info": {"tpm_certify": certify}});
    let other = json!([{"jwk": json_of(&request.other_keys[0].jwk)}]);
    assert_ne!(key["jwk"], other[0]["jwk"]);
    let cnf = json!({"jwk": json_of(&request.request_key.canonical_jwk())});
    let ima = json!({
        "bank": "sha256", "boot_aggregate": "differs", "proven": 80, "files": 70, "signed": 60,
        "listed": 50, "excluded": 40, "violations": 30, "unreadable": 20,
    });
    let expected: Vec<Row> = vec![
        (Policy, "aikValidated", boolean(true)),
        (Policy, "aikPubHash", text(base64url::encode_standard(counting::<32>(0x11)))),
        (Policy, "tpmVersion", integer(2)),
        (Policy, "secureBootEnabled", boolean(true)),
        (Policy, "iommuEnabled", boolean(true)),
        (Policy, "bootDebuggingDisabled", boolean(true)),
        (Policy, "notSafeMode", boolean(true)),
        (Policy, "notWinPE", boolean(true)),
        (Policy, "vbsEnabled", boolean(true)),
        (Policy, "vbsReportPresent", boolean(false)),
        (Policy, "vsmReportPresent", boolean(false)),
        (Policy, "pcrs", value(&claims, "pcrs")),
        (Both, "avouch-aik", text("certified")),
        (Policy, "events", shown),
        (Policy, "bootEvents", before),
        (Both, "avouch-ima", json_claim(ima)),
        (Both, "avouch-ima-only-signed", boolean(false)),
        (Both, "avouch-ima-only-listed", boolean(false)),
        (Both, "avouch-ima-only-signed-or-listed", boolean(false)),
        (
            Both,
            "avouch-verity",
            json_claim(json!({"others": 3, "unknown": 2, "malformed": 1, "volumes": []})),
        ),
        (Both, "x-ms-tpm-request-key", json_claim(key)),
        (Policy, "x-ms-tpm-other-keys", json_claim(other)),
        (Token, "ver", text("1.0")),
        (Token, "cnf", json_claim(cnf)),
        (Token, "rp_data", text("cnAgZGF0YQ")),
        (Token, "nonce", text("cnAgZGF0YQ")),
    ];
    assert_claims("resumed", &claims, &expected);
    let pcr_7 = encode_hex(
        resumed
            .values
            .get(HashAlgorithm::Sha256, RegisterMap::Tpm.register(7).unwrap())
            .unwrap()
            .as_bytes(),
    );
    let ClaimValue::String(pcrs) = value(&claims, "pcrs") else { panic!("not text") };
    assert!(pcrs.contains(&pcr_7), "{pcrs} has not {pcr_7}");
    let read_only: Vec<_> =
        claims.iter().filter(|claim| claim.is_read_only).map(|claim| claim.name).collect();
    assert_eq!(read_only, ["pcrs"]);
}

#[test]
fn each_setting_of_windows_turns_its_own_claim() {
    let good = WindowsBoot::default();
    let vbs = good.vbs.unwrap();
    let before = of_windows(&good);
    let cases = [
        (
            "iommuEnabled",
            WindowsBoot { vbs: Some(Vbs { iommu_required: false, ..vbs }), ..good.clone() },
        ),
        ("bootDebuggingDisabled", WindowsBoot { boot_debugging: true, ..good.clone() }),
        ("notSafeMode", WindowsBoot { safe_mode: true, ..good.clone() }),
        ("notWinPE", WindowsBoot { win_pe: true, ..good.clone() }),
        (
            "vbsEnabled",
            WindowsBoot { vbs: Some(Vbs { vsm_required: false, ..vbs }), ..good.clone() },
        ),
    ];
    for (name, boot) in cases {
        let after = of_windows(&boot);
        assert_eq!(changed(&before, &after), BTreeSet::from([name]), "{boot:?}");
        assert_eq!(value(&before, name), boolean(true), "{name}");
        assert_eq!(value(&after, name), boolean(false), "{name}");
    }
}

#[test]
fn settings_that_have_no_claim_of_their_own_change_none() {
    let good = WindowsBoot::default();
    let before = of_windows(&good);
    for boot in [
        WindowsBoot { kernel_debugging: true, ..good.clone() },
        WindowsBoot { hypervisor_debugging: true, ..good.clone() },
        WindowsBoot { test_signing: true, ..good.clone() },
        WindowsBoot { flight_signing: true, ..good.clone() },
        WindowsBoot { code_integrity: false, ..good.clone() },
        WindowsBoot { elam: None, ..good.clone() },
    ] {
        assert_eq!(changed(&before, &of_windows(&boot)), BTreeSet::new(), "{boot:?}");
    }
}

#[test]
fn without_secure_boot_nothing_counts_as_measured_by_windows() {
    let good = WindowsBoot::default();
    let off = WindowsBoot { secure_boot: SecureBoot::Off, ..good.clone() };
    let all = [
        "secureBootEnabled",
        "iommuEnabled",
        "bootDebuggingDisabled",
        "notSafeMode",
        "notWinPE",
        "vbsEnabled",
    ];
    assert_eq!(changed(&of_windows(&good), &of_windows(&off)), BTreeSet::from(all));
}

#[test]
fn the_key_and_the_enclave_turn_their_own_claims() {
    let machine = Machine::windows(&WindowsBoot::default());
    let boot = machine.boot(None);
    let proof = |aik: &AikStanding, has_enclave| {
        tpm(&TpmProof {
            aik,
            values: &machine.values,
            boot: Some(&boot),
            ima: None,
            request: None,
            has_enclave,
        })
    };
    let good = certified();
    let before = proof(&good, false);
    let after = proof(&good, true);
    let both = BTreeSet::from(["vbsReportPresent", "vsmReportPresent"]);
    assert_eq!(changed(&before, &after), both);
    for name in both {
        assert_eq!(value(&after, name), boolean(true), "{name}");
    }
    for (name, aik) in [
        ("aikValidated", AikStanding { validated: false, ..good.clone() }),
        ("avouch-aik", AikStanding { standing: Standing::SelfAsserted, ..good.clone() }),
        ("aikPubHash", AikStanding { key_sha256: Hex::from(counting::<32>(0x22)), ..good.clone() }),
    ] {
        assert_eq!(changed(&before, &proof(&aik, false)), BTreeSet::from([name]));
    }
    for (standing, word) in [
        (Standing::Certified, "certified"),
        (Standing::Activated, "activated"),
        (Standing::Reported, "reported"),
        (Standing::SelfAsserted, "self-asserted"),
    ] {
        let claims = proof(&AikStanding { standing, ..good.clone() }, false);
        assert_eq!(value(&claims, "avouch-aik"), text(word));
    }
}

#[test]
fn each_verdict_on_files_turns_its_own_claim() {
    let before = of_files(&files());
    for (name, facts) in [
        ("avouch-ima-only-signed", ImaFacts { only_signed: true, ..files() }),
        ("avouch-ima-only-listed", ImaFacts { only_listed: true, ..files() }),
        ("avouch-ima-only-signed-or-listed", ImaFacts { only_signed_or_listed: true, ..files() }),
    ] {
        let after = of_files(&facts);
        assert_eq!(changed(&before, &after), BTreeSet::from([name]));
        assert_eq!(value(&after, name), boolean(true), "{name}");
    }
}
