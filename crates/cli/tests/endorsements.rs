//! `avouch endorsements`: what is at hand, carried to where there is no network.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use serde_json::Value;
use support::keys::PolicyKey;
use support::schema::{Schema, rows};
use support::{AT, Folder, Run, avouch_in, text};

/// Minted machines and what they need.
struct Site {
    own: Folder,
}

impl Site {
    /// Machine `a` of SGX and machine `b` of SEV-SNP, their evidence in `fleet`, their endorsements in
    /// `published`.
    fn new(name: &str) -> Self {
        let own = Folder::new(name);
        for folder in ["fleet", "published"] {
            std::fs::create_dir(own.join(folder)).unwrap();
        }
        let site = Self { own };
        let (sgx, snp) = (site.mint("sgx"), site.mint("snp"));
        site.copy(sgx.join("request.json"), "fleet/a.json");
        site.copy(snp.join("report.bin"), "fleet/b.bin");
        site.copy(sgx.join("endorsements.json"), "published/sgx.json");
        site.copy(snp.join("endorsements.pem"), "published/snp.pem");
        site.copy(sgx.join("root.pem"), "intel.pem");
        site.copy(snp.join("root.pem"), "amd.pem");
        site
    }

    fn mint(&self, arguments: &str) -> PathBuf {
        self.own.mint(arguments)
    }

    /// Endorsements after a TCB recovery that leaves machine `a` behind.
    fn recovery(&self) -> PathBuf {
        self.mint("sgx --tcb-evaluation-data-number 22 --tcb-status OutOfDate")
            .join("endorsements.json")
    }

    fn copy(&self, from: PathBuf, to: &str) {
        std::fs::copy(&from, self.own.join(to)).unwrap_or_else(|error| panic!("{from:?}: {error}"));
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.own.join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.own.join(name).exists()
    }

    /// `avouch endorsements …` in the folder, at the moment of minting.
    fn run(&self, line: &str) -> Run {
        avouch_in(self.own.path(), &format!("endorsements {line} --at {AT}"))
    }

    fn json(&self, line: &str) -> Run {
        avouch_in(self.own.path(), &format!("--output json endorsements {line} --at {AT}"))
    }

    /// The same for an import, trusting the minted roots.
    fn import(&self, line: &str) -> Run {
        self.json(&format!("import {line} {ROOTS}"))
    }

    fn appraise(&self, evidence: &str, endorsements: &str) -> Run {
        let kind = if evidence.ends_with("a.json") { "sgx" } else { "snp" };
        let line = format!(
            "--output json appraise {kind} {evidence} --endorsements {endorsements} {ROOTS} --at {AT}"
        );
        avouch_in(self.own.path(), &line)
    }
}

const ROOTS: &str = "--trust-root intel=intel.pem --trust-root amd=amd.pem";

#[track_caller]
fn refused(run: Run, check: &str) -> String {
    let document = run.expect_status(1).json();
    assert_eq!(document["error"]["check"], check, "{document}");
    text(&document["error"]["message"]).to_owned()
}

fn names(document: &Value, member: &str) -> Vec<String> {
    let rows = document[member].as_array().unwrap_or_else(|| panic!("{document}"));
    rows.iter().map(|row| text(&row["name"]).to_owned()).collect()
}

#[test]
fn a_bundle_is_the_same_bytes_whatever_the_order_of_what_it_is_made_of() {
    let site = Site::new("bundle-bytes");
    site.run("bundle --out one.json published").expect_status(0);
    site.run("bundle --out two.json published/snp.pem published/sgx.json").expect_status(0);
    site.run("bundle --out three.json one.json published two.json").expect_status(0);
    assert!(site.bytes("one.json") == site.bytes("two.json"));
    assert!(site.bytes("one.json") == site.bytes("three.json"));
    let answer = site.json("bundle --out one.json published").expect_status(0).json();
    // A CRL of AMD's in a file may be for VCEKs or for VLEKs.
    assert_eq!(answer["endorsements"], 8, "{answer}");
    assert_eq!(answer["signature"], Value::Null);
}

#[test]
fn a_bundle_has_what_the_machines_need_and_names_what_is_missing() {
    let site = Site::new("bundle-needs");
    let one = site.json("bundle --out site.json --evidence fleet published").expect_status(0);
    assert_eq!(one.json()["endorsements"], 7);
    std::fs::create_dir(site.own.join("sgx-only")).unwrap();
    site.copy(site.own.join("fleet/a.json"), "sgx-only/a.json");
    let sgx = site.json("bundle --out sgx.json --evidence sgx-only published").expect_status(0);
    assert_eq!(sgx.json()["endorsements"], 4);

    let run = site.json("bundle --out no.json --evidence fleet published/sgx.json");
    let document = run.expect_status(1).json();
    assert_eq!(document["error"]["check"], "endorsements-missing");
    let missing: Vec<&str> = document["missing"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(missing.len(), 3, "{missing:?}");
    for what in ["VCEK of chip ", "chain above the VCEK of Milan", "CRL for the VCEK of Milan"] {
        assert!(missing.iter().any(|one| one.starts_with(what)), "{missing:?}");
    }
    assert!(!site.has("no.json"), "nothing is written");

    let run = site.json("bundle --out no.json --fmspc a0c06d000000 published");
    let message = refused(run, "endorsements-missing");
    assert_eq!(message, "missing: CRL of \"Intel SGX PCK Processor CA\"");
    let other = site.json("bundle --out no.json --fmspc 010203040506 published");
    assert!(refused(other, "endorsements-missing").contains("TCB info of 010203040506"));
    let show = site.json("show published").expect_status(0).json();
    let vcek = names(&show, "endorsements").into_iter().find(|one| one.contains("/vcek/")).unwrap();
    let chip = vcek.split('/').nth(3).unwrap().to_owned();
    let run = site.json(&format!("bundle --out chip.json --chip {chip} published"));
    assert_eq!(run.expect_status(0).json()["endorsements"], 3);
    let run = site.json(&format!("bundle --out no.json --chip {} published", "0".repeat(128)));
    refused(run, "endorsements-missing");
}

#[test]
fn a_call_that_names_nothing_of_use_is_a_usage_error() {
    let site = Site::new("bundle-usage");
    site.run("bundle --out no.json nowhere").expect_status(2);
    site.run("bundle --out no.json --evidence nowhere published").expect_status(2);
    site.run("bundle --out no.json --evidence published published").expect_status(2);
    site.run("bundle --out no.json --key nowhere.pem published").expect_status(2);
    site.run("show nowhere").expect_status(2);
    site.run("diff nowhere published").expect_status(2);
    site.run("import nowhere --into there").expect_status(2);
    site.run("import nowhere --into there --evidence fleet").expect_status(2);
    assert!(!site.has("no.json") && !site.has("there"));
}

#[test]
fn what_expires_and_what_is_damaged_is_shown() {
    let site = Site::new("show");
    let document = site.json("show published").expect_status(0).json();
    let rows = document["endorsements"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["state"] == "in force"), "{document}");
    assert_eq!(document["expires_first"]["name"], "intel/pck-crl/platform");
    let shown = site.run("show published").expect_status(0).stdout;
    assert!(
        shown.contains(
            "\nexpires first: intel/pck-crl/platform, at 2026-02-28T12:00:00Z (in 28 days)"
        )
    );

    let late = "--output json endorsements show published --at 2030-01-01T00:00:00Z";
    let document = avouch_in(site.own.path(), late).expect_status(1).json();
    let expired = |row: &&Value| row["state"] == "expired";
    assert_eq!(document["endorsements"].as_array().unwrap().iter().filter(expired).count(), 6);

    std::fs::write(site.own.join("published/cut.crl"), "-----BEGIN X509 CRL-----\nAAAA").unwrap();
    let document = site.json("show published").expect_status(1).json();
    let damaged = document["damaged"].as_array().unwrap();
    assert!(damaged.len() == 1 && text(&damaged[0]).contains("cut.crl"), "{document}");
    // What may have been a CRL is not left out of a bundle in silence.
    let message = refused(site.json("bundle --out no.json published"), "chain-pem");
    assert!(message.contains("cut.crl") && !site.has("no.json"), "{message}");
}

#[test]
fn cas_of_tpms_are_shown_bundled_and_imported_below_a_root_that_is_trusted() {
    let site = Site::new("tpm-cas");
    let at = avouch_wire::UnixTime::from_rfc3339(AT).unwrap();
    let minted = avouch_mint::tpm::mint(&avouch_mint::tpm::TpmOptions::new(at)).unwrap();
    let ca = &minted.ek_intermediates[0];
    let name = format!("tpm/ca/{}", avouch_pki::digest::sha256(ca));
    let with_root = [minted.ek_root_pem.clone(), avouch_pki::pem::encode("CERTIFICATE", ca)];
    std::fs::create_dir(site.own.join("cas")).unwrap();
    site.own.write("cas/both.pem", with_root.concat());
    site.own.write("tpm.pem", &minted.ek_root_pem);
    let document = site.json("show cas").expect_status(0).json();
    assert_eq!(names(&document, "endorsements"), [name.as_str()], "{document}");
    let warnings = document["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && text(&warnings[0]).contains("both.pem"), "{document}");

    // Whoever needs them is not known beforehand: they go with every fleet.
    let answer =
        site.json("bundle --out site.json --evidence fleet published cas").expect_status(0);
    assert_eq!(answer.json()["endorsements"], 8);
    refused(site.import("site.json --into here"), "tpm-no-roots");
    let amd = "site.json --into here --trust-root tpm=amd.pem";
    refused(site.import(amd), "tpm-ca-issuer-unknown");
    assert!(!site.has("here"));
    let line = "site.json --into here --trust-root tpm=tpm.pem";
    let answer = site.import(line).expect_status(0).json();
    assert!(names(&answer, "added").contains(&name), "{answer}");
    let document = site.json("show here").expect_status(0).json();
    assert!(names(&document, "endorsements").contains(&name), "{document}");
}

#[test]
fn a_bundle_serves_as_endorsements_as_it_is() {
    let site = Site::new("bundle-as-endorsements");
    site.run("bundle --out site.json published").expect_status(0);
    site.appraise("fleet/a.json", "site.json").expect_status(0);
    site.appraise("fleet/b.bin", "site.json").expect_status(0);
    let bytes = site.bytes("site.json");
    for (cut, check) in
        [(bytes.len() / 2, "bundle-truncated"), (bytes.len() - 1, "bundle-malformed")]
    {
        std::fs::write(site.own.join("cut.json"), &bytes[..cut]).unwrap();
        refused(site.appraise("fleet/a.json", "cut.json"), check);
    }
}

#[test]
fn an_import_counts_once_all_of_it_has_verified() {
    let site = Site::new("import");
    site.run("bundle --out site.json published").expect_status(0);
    let answer = site.import("site.json --into here").expect_status(0).json();
    assert_eq!((answer["written"].clone(), names(&answer, "added").len()), (true.into(), 8));
    site.appraise("fleet/a.json", "here").expect_status(0);
    site.appraise("fleet/b.bin", "here").expect_status(0);
    assert!(site.bytes("here/imported.json") == site.bytes("site.json"));
    let files: Vec<_> = std::fs::read_dir(site.own.join("here")).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");

    // No root is trusted but the vendors' own.
    let line = "import site.json --into elsewhere";
    let message = site.json(line).expect_status(1).stdout;
    assert!(message.contains("more do not verify"), "{message}");
    site.run("bundle --out sgx.json published/sgx.json").expect_status(0);
    let message = refused(site.json("import sgx.json --into elsewhere"), "trust-anchor");
    assert!(message.starts_with("intel/pck-crl/platform: "), "{message}");
    // All of it expired.
    let late = format!("--output json endorsements {line} {ROOTS} --at 2040-01-01T00:00:00Z");
    avouch_in(site.own.path(), &late).expect_status(1);
    // One thing of it is of another root.
    let foreign = site.mint("tdx --seed 5").join("endorsements.json").display().to_string();
    site.run(&format!("bundle --out mixed.json published {foreign}")).expect_status(0);
    site.import("mixed.json --into elsewhere").expect_status(1);
    // Changed on the way.
    let changed = String::from_utf8(site.bytes("site.json")).unwrap().replacen("2026-", "2027-", 1);
    site.own.write("changed.json", changed);
    refused(site.import("changed.json --into elsewhere"), "bundle-manifest");
    assert!(!site.has("elsewhere"));
}

#[test]
fn only_what_the_operator_signed_is_imported_where_that_is_asked_for() {
    let site = Site::new("import-signed");
    let operator = PolicyKey::p256(&site.own, "operator");
    let other = PolicyKey::rsa(&site.own, "other");
    let sign = |key: &PolicyKey, out: &str| {
        let (key, certificate) = (key.key.display(), key.certificate.display());
        let line = format!("bundle --out {out} --key {key} --certificate {certificate} published");
        site.run(&line).expect_status(0);
    };
    let import = |file: &str, by: &PolicyKey| {
        let certificate = by.certificate.display();
        site.import(&format!("{file} --into here --certificate {certificate}"))
    };
    sign(&operator, "site.json");
    sign(&other, "others.json");
    assert!(site.has("site.json.sig") && site.bytes("site.json") == site.bytes("others.json"));
    refused(import("site.json", &other), "policy-signer-issuer");
    // A signature over another file.
    let recovery = site.recovery().display().to_string();
    site.run(&format!("bundle --out newer.json published {recovery}")).expect_status(0);
    site.copy(site.own.join("site.json.sig"), "newer.json.sig");
    refused(import("newer.json", &operator), "policy-jws-signature");
    // A bundle that is made anew has no old signature beside it.
    site.run(&format!("bundle --out newer.json published {recovery}")).expect_status(0);
    import("newer.json", &operator).expect_status(2);
    assert!(!site.has("newer.json.sig") && !site.has("here"));

    let answer = import("site.json", &operator).expect_status(0).json();
    assert!(text(&answer["signer"]).contains("operator"), "{answer}");
    let unchecked = site.import("site.json --into here").expect_status(0);
    assert!(
        unchecked.stderr.contains("who signed the bundle is not checked"),
        "{}",
        unchecked.stderr
    );
}

#[test]
fn a_key_without_a_certificate_signs_and_only_who_knows_it_imports() {
    let site = Site::new("import-bare-key");
    let key = |name: &str, algorithm: &'static rcgen::SignatureAlgorithm| {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        site.own.write(&format!("{name}.key.pem"), pair.serialize_pem());
        site.own.write(&format!("{name}.pub.pem"), pair.public_key_pem());
    };
    key("ed25519", &rcgen::PKCS_ED25519);
    key("p256", &rcgen::PKCS_ECDSA_P256_SHA256);
    key("p384", &rcgen::PKCS_ECDSA_P384_SHA384);
    let import = |file: &str, key: &str| {
        site.import(&format!("{file} --into here --public-key {key}.pub.pem"))
    };
    for name in ["p384", "p256", "ed25519"] {
        let line = format!("bundle --out site.json --key {name}.key.pem published");
        site.run(&line).expect_status(0);
        let other = if name == "p256" { "p384" } else { "p256" };
        refused(import("site.json", other), "bare-signature-key");
        assert!(!site.has("here"), "{name}");
        let answer = import("site.json", name).expect_status(0).json();
        assert!(text(&answer["signer"]).starts_with("key "), "{answer}");
        let both = format!(
            "site.json --into here --public-key {other}.pub.pem --public-key {name}.pub.pem"
        );
        site.import(&both).expect_status(0);
        std::fs::remove_dir_all(site.own.join("here")).unwrap();
    }
    // Over another file; changed; absent; a certificate's in place of a key's, and the other way round.
    let recovery = site.recovery().display().to_string();
    site.run(&format!("bundle --out newer.json published {recovery}")).expect_status(0);
    import("newer.json", "ed25519").expect_status(2);
    site.copy(site.own.join("site.json.sig"), "newer.json.sig");
    refused(import("newer.json", "ed25519"), "bare-signature");
    let signature = String::from_utf8(site.bytes("site.json.sig")).unwrap();
    site.own.write("newer.json.sig", signature.replacen("..", ".e30.", 1));
    refused(import("newer.json", "ed25519"), "bare-signature-form");
    let operator = PolicyKey::p256(&site.own, "operator");
    let (private, certificate) = (operator.key.display(), operator.certificate.display());
    let certified = format!("import site.json --into here {ROOTS} --certificate {certificate}");
    refused(site.json(&certified), "policy-jws-certificate");
    let line =
        format!("bundle --out site.json --key {private} --certificate {certificate} published");
    site.run(&line).expect_status(0);
    refused(import("site.json", "p256"), "bare-signature-key");
    // Neither both at once, nor a file that is no public key, nor one that does not sign.
    site.import(&format!(
        "site.json --into here --certificate {certificate} --public-key p256.pub.pem"
    ))
    .expect_status(2);
    site.import("site.json --into here --public-key p256.key.pem").expect_status(2);
    site.run("bundle --out site.json --key p256.pub.pem published").expect_status(2);
    assert!(!site.has("here"));
}

#[test]
fn a_dry_run_says_which_machines_change_verdict_and_writes_nothing() {
    let site = Site::new("import-dry-run");
    site.run("bundle --out site.json published").expect_status(0);
    site.import("site.json --into here").expect_status(0);
    let before = site.bytes("here/imported.json");
    let recovery = site.recovery().display().to_string();
    site.run(&format!("bundle --out newer.json published {recovery}")).expect_status(0);

    let dry = "newer.json --into here --dry-run --evidence fleet";
    let answer = site.import(dry).expect_status(1).json();
    let machines = answer["machines"].as_array().unwrap();
    let of = |file: &str| machines.iter().find(|one| one["file"] == file).unwrap();
    let decisions = |file: &str| {
        let side = |side: &str| text(&of(file)[side]["decision"]).to_owned();
        (side("old"), side("new"))
    };
    assert_eq!(decisions("a.json"), ("permit".to_owned(), "deny".to_owned()));
    assert_eq!(decisions("b.bin"), ("permit".to_owned(), "permit".to_owned()));
    assert_eq!(of("a.json")["new"]["check"], "accepted-tcb-status", "{answer}");
    assert_eq!(answer["written"], false);
    assert!(site.bytes("here/imported.json") == before);
    let line = format!("endorsements import {dry} {ROOTS} --at {AT}");
    let shown = avouch_in(site.own.path(), &line).expect_status(1).stdout;
    assert!(
        shown.contains("1 of 2 machines change verdict\n  a.json  permit -> deny: "),
        "{shown}"
    );
    // What machine `a` falls to is accepted by other settings.
    let lenient = format!("{dry} --accept-tcb-status any");
    site.import(&lenient).expect_status(0);
    let nothing_new = "site.json --into here --dry-run --evidence fleet";
    site.import(nothing_new).expect_status(0);
}

#[test]
fn a_vcek_that_was_certified_anew_takes_the_place_of_the_old_and_nothing_piles_up() {
    let site = Site::new("import-renewed");
    for day in ["05", "06", "07"] {
        let at = format!("2026-02-{day}T12:00:00Z");
        avouch_in(site.own.path(), &format!("mint snp --out amd-{day} --at {at}")).expect_status(0);
        site.run(&format!("bundle --out {day}.json amd-{day}/endorsements.pem")).expect_status(0);
        let line = format!("endorsements import {day}.json --into here {ROOTS} --at {at}");
        avouch_in(site.own.path(), &line).expect_status(0);
    }
    let imported = String::from_utf8(site.bytes("here/imported.json")).unwrap();
    assert_eq!(imported.matches("\"amd/milan/vcek/").count(), 1, "{imported}");
    let newest = String::from_utf8(site.bytes("07.json")).unwrap();
    let row = newest.lines().find(|line| line.contains("/vcek/")).unwrap();
    assert!(imported.contains(row.trim_end_matches(',')), "{row}");
}

#[test]
fn an_older_bundle_takes_nothing_newer_away() {
    let site = Site::new("import-older");
    site.run("bundle --out old.json published").expect_status(0);
    let newer = "mint sgx --out newer --at 2026-02-10T12:00:00Z";
    avouch_in(site.own.path(), newer).expect_status(0);
    site.run("bundle --out new.json newer/endorsements.json").expect_status(0);
    let at = |line: &str| {
        let line = format!("--output json endorsements import {line} --into here {ROOTS}");
        avouch_in(site.own.path(), &format!("{line} --at 2026-02-11T00:00:00Z"))
    };
    at("new.json").expect_status(0);
    let newest = site.bytes("here/imported.json");
    let answer = at("old.json").expect_status(0).json();
    let kept: Vec<&str> = answer["kept"].as_array().unwrap().iter().map(text).collect();
    assert!(kept.iter().any(|name| name.contains("tcb-info")), "{answer}");
    let newest = String::from_utf8(newest).unwrap();
    let after = String::from_utf8(site.bytes("here/imported.json")).unwrap();
    for line in newest.lines().filter(|line| line.contains("tcb-info")) {
        assert!(after.contains(line.trim_end_matches(',')), "{line}");
    }
}

#[test]
fn a_diff_tells_a_tcb_recovery_by_its_levels() {
    let site = Site::new("diff");
    let recovery = site.recovery().display().to_string();
    site.run("bundle --out old.json published/sgx.json").expect_status(0);
    site.run(&format!("bundle --out new.json {recovery}")).expect_status(0);
    let document = site_diff(&site, "old.json new.json").expect_status(1).json();
    let levels: Vec<&Value> = document["replaced"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["levels"].as_array().unwrap())
        .collect();
    let is_recovery = |level: &&&Value| {
        level["old"]["status"] == "UpToDate" && level["new"]["status"] == "OutOfDate"
    };
    assert!(levels.iter().any(|level| is_recovery(&level)), "{document}");
    let same = avouch_in(site.own.path(), "endorsements diff old.json published/sgx.json");
    assert_eq!(same.expect_status(0).stdout, "no difference\n");
    std::fs::write(site.own.join("damaged.json"), "{\"format\":\"avouch-endorsements\"").unwrap();
    refused(site_diff(&site, "old.json damaged.json"), "bundle-truncated");
}

fn site_diff(site: &Site, paths: &str) -> Run {
    avouch_in(site.own.path(), &format!("--output json endorsements diff {paths}"))
}

#[test]
fn the_json_of_the_commands_is_as_documented() {
    const PAGE: &str = "docs/schemas/endorsements.md";
    let site = Site::new("endorsements-schema");
    let mut show = Schema::new(rows(PAGE, "Show"));
    show.check(&site.json("show published").expect_status(0).json());
    let late = "--output json endorsements show published --at 2090-01-01T00:00:00Z";
    std::fs::write(site.own.join("published/cut.crl"), "cut").unwrap();
    show.check(&avouch_in(site.own.path(), late).expect_status(1).json());
    std::fs::remove_file(site.own.join("published/cut.crl")).unwrap();
    assert_eq!(show.unseen().into_iter().collect::<Vec<_>>(), ["warnings[]"]);

    let mut bundle = Schema::new(rows(PAGE, "Bundle"));
    bundle.check(&site.json("bundle --out site.json published").expect_status(0).json());
    let recovery = site.recovery().display().to_string();
    bundle
        .check(&site.json(&format!("bundle --out newer.json {recovery}")).expect_status(0).json());

    let differences = rows(PAGE, "Differences");
    let mut diff = Schema::new(differences.clone());
    diff.check(&site_diff(&site, "site.json newer.json").expect_status(1).json());
    diff.check(&site_diff(&site, "newer.json site.json").expect_status(1).json());

    let mut import = Schema::new([differences, rows(PAGE, "Import")].concat());
    import.check(&site.import("site.json --into here").expect_status(0).json());
    let dry = "newer.json --into here --dry-run --evidence fleet";
    import.check(&site.import(dry).expect_status(1).json());
}
