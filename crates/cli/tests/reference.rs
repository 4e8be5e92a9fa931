//! `avouch reference` and `avouch policy suggest`: what a good machine's evidence gives is true of it and
//! not of its siblings.
#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{AT, Folder, Run, appraise_minted, avouch, avouch_in, text};

/// A command that takes what `appraise` takes, on minted evidence.
fn on_sample(folder: &Path, command: &str, more: &str) -> Run {
    let readme = std::fs::read_to_string(folder.join("README.txt")).expect("README");
    let line = readme.lines().map(str::trim).find(|line| line.starts_with("avouch appraise "));
    let words = line.expect("a command").trim_start_matches("avouch appraise ");
    let (kind, rest) = words.split_once(' ').unwrap();
    avouch_in(folder, &format!("--output json {command} --type {kind} {rest} {more}"))
}

/// The status of minted evidence under a file of reference values, and why it has none.
fn status(folder: &Path, values: &Path) -> (Option<String>, Option<String>) {
    let settings = folder.join("settings.toml");
    let line = format!("[appraisal]\nreference_values = \"{}\"\n", values.display());
    std::fs::write(&settings, line).unwrap();
    let report = appraise_minted(folder, "--appraisal settings.toml").expect_status(0).json();
    let status =
        report["claims"].get("x-ms-compliance-status").map(|status| text(status).to_owned());
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|one| one["name"] == "no-compliance-status");
    (status, finding.map(|finding| text(&finding["message"]).to_owned()))
}

fn added(run: Run) -> Value {
    run.expect_status(0).json()
}

#[test]
fn a_machine_that_was_added_has_the_status_and_another_has_none() {
    let own = Folder::new("reference-add");
    for kind in ["snp", "tdx"] {
        let (good, other) = (own.mint(kind), own.mint(&format!("{kind} --seed 2")));
        let values = own.join(&format!("{kind}.toml"));
        let more = format!("--file {}", values.display());
        let answer = added(on_sample(&good, "reference add", &more));
        assert!(answer["added"] == true && text(&answer["name"]).starts_with(kind), "{answer}");
        let status_of = |folder| status(folder, &values);
        assert_eq!(status_of(&good), (Some("azure-compliant-cvm".to_owned()), None), "{kind}");
        let (status, why) = status_of(&other);
        assert_eq!(status, None, "{kind}");
        assert!(why.unwrap().contains("none of 1 reference values match"), "{kind}");

        // The same again changes nothing; another is put behind it, with what an operator wrote.
        let before = std::fs::read_to_string(&values).unwrap();
        assert_eq!(added(on_sample(&good, "reference add", &more))["added"], false);
        assert_eq!(std::fs::read_to_string(&values).unwrap(), before);
        std::fs::write(&values, format!("# ours\ncompliance_status = \"ours\"\n\n{before}"))
            .unwrap();
        let more = format!("{more} --name second --status theirs");
        assert_eq!(added(on_sample(&other, "reference add", &more))["name"], "second");
        assert!(std::fs::read_to_string(&values).unwrap().starts_with("# ours\n"));
        assert_eq!(status_of(&good).0.as_deref(), Some("ours"), "{kind}");
        assert_eq!(status_of(&other).0.as_deref(), Some("theirs"), "{kind}");
    }
}

#[test]
fn the_absence_of_a_status_is_told_to_people_too() {
    let own = Folder::new("reference-absent");
    let folder = own.mint("snp");
    let run = avouch_in(
        &folder,
        "appraise snp report.bin --endorsements endorsements.pem --trust-root root.pem --at \
         2026-01-31T12:00:00Z",
    );
    let said = "no-compliance-status  no x-ms-compliance-status: there are no reference values";
    assert!(run.stdout.contains(said), "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn nothing_is_made_of_evidence_that_does_not_verify_or_would_never_match() {
    let own = Folder::new("reference-bad");
    let values = own.join("values.toml");
    let more = format!("--file {}", values.display());
    for (minted, check) in [
        ("snp --break signature-bit", "report-signature"),
        ("snp --break debuggable", "no-compliance-status"),
        ("tdx --break quote-signature", "quote-signature"),
        ("tdx --debug", "no-compliance-status"),
        ("tdx --tcb-status OutOfDate", "accepted-tcb-status"),
        ("sgx", "no-reference-values"),
    ] {
        let run = on_sample(&own.mint(minted), "reference add", &more).expect_status(1);
        assert_eq!(run.json()["error"]["check"], check, "{minted}");
        assert!(!values.exists(), "{minted}");
    }
    let good = own.mint("snp");
    added(on_sample(&good, "reference add", &format!("{more} --name one")));
    let before = std::fs::read_to_string(&values).unwrap();
    let other = own.mint("snp --seed 2");
    let run = on_sample(&other, "reference add", &format!("{more} --name one")).expect_status(2);
    assert!(run.stderr.contains("two entries are named \"one\""), "{}", run.stderr);
    assert_eq!(std::fs::read_to_string(&values).unwrap(), before);
}

#[test]
fn a_file_of_reference_values_that_is_wrong_is_named() {
    let own = Folder::new("reference-wrong");
    let folder = own.mint("snp");
    for (wrong, said) in [
        ("[[snp]]\nname = \"a\"\nminimum_tcb.Milan.reported.snp = 1\n", "every guest would match"),
        ("[[snp]]\nnme = \"a\"\n", "nme"),
        ("snp = 1", "values.toml"),
        ("[[tdx]]\nname = \"a\"\nmeasurements = []\n", "every TD would match"),
    ] {
        own.write("values.toml", wrong);
        let line =
            format!("[appraisal]\nreference_values = \"{}\"\n", own.join("values.toml").display());
        std::fs::write(folder.join("settings.toml"), line).unwrap();
        let run = appraise_minted(&folder, "--appraisal settings.toml").expect_status(2);
        assert!(run.stderr.contains(said), "{wrong}: {}", run.stderr);
    }
}

/// The policy that is suggested for minted evidence.
fn suggested(own: &Folder, folder: &Path, kind: &str, more: &str) -> PathBuf {
    let file = own.join(&format!("{kind}.policy.txt"));
    let more = format!("--out {} {more}", file.display());
    on_sample(folder, "policy suggest", &more).expect_status(0);
    file
}

#[test]
fn a_suggested_policy_is_without_warnings_and_permits_its_machine_and_no_sibling() {
    let own = Folder::new("suggest");
    for kind in ["sgx", "open-enclave", "tdx", "snp"] {
        let (good, other) = (own.mint(kind), own.mint(&format!("{kind} --seed 2")));
        let policy = suggested(&own, &good, kind, "");
        let name = policy.display().to_string();
        avouch(["policy", "check", &name, "--type", kind, "--strict"]).expect_status(0);
        let judged = |folder| appraise_minted(folder, &format!("--policy {name}"));
        assert_eq!(judged(&good).expect_status(0).json()["decision"], "permit", "{kind}");
        let refused = judged(&other).expect_status(1).json();
        assert_eq!(refused["error"]["check"], "no-permit", "{kind}");
    }
}

#[test]
fn a_policy_for_a_machine_with_a_tpm_is_of_what_it_booted() {
    let own = Folder::new("suggest-tpm");
    let (linux, windows) = (own.mint("tpm"), own.mint("vbs"));
    let policy = own.join("tpm.policy.txt").display().to_string();
    let on = |folder: &Path, command: &str, more: &str| {
        let also = match folder.join("windows.pem").exists() {
            true => "--trust-root windows=windows.pem",
            false => "--endorsements tpm-cas.pem",
        };
        let rest = "request.jws --trust-root tpm=root.pem --at";
        avouch_in(folder, &format!("--output json {command} {rest} {AT} {also} {more} {policy}"))
    };
    for (sample, sibling) in [(&linux, &windows), (&windows, &linux)] {
        on(sample, "policy suggest --type tpm", "--out").expect_status(0);
        avouch(["policy", "check", &policy, "--type", "tpm", "--strict"]).expect_status(0);
        let text = std::fs::read_to_string(&policy).unwrap();
        assert!(text.contains("pcr7") && !text.contains("pcr10"), "{text}");
        on(sample, "appraise tpm", "--policy").expect_status(0);
        let refused = on(sibling, "appraise tpm", "--policy").expect_status(1).json();
        assert_eq!(refused["error"]["check"], "no-permit");
    }
}

/// As [`on_sample`], and without the policy for minted guests.
fn on_guest(folder: &Path, command: &str, more: &str) -> Run {
    let readme = std::fs::read_to_string(folder.join("README.txt")).expect("README");
    let line = readme.lines().map(str::trim).find(|line| line.starts_with("avouch appraise "));
    let words = line.expect("a command").trim_start_matches("avouch appraise ");
    let words = words.replace("--policy policy.txt", "");
    avouch_in(folder, &format!("--output json {command} {words} {more}"))
}

#[test]
fn a_policy_for_a_guest_is_of_its_boot() {
    let own = Folder::new("suggest-guest");
    let good = own.mint("azure-guest");
    let policy = own.join("guest.policy.txt").display().to_string();
    on_guest(&good, "policy suggest --type", &format!("--out {policy}")).expect_status(0);
    avouch(["policy", "check", &policy, "--type", "azure-guest", "--strict"]).expect_status(0);
    let text = std::fs::read_to_string(&policy).unwrap();
    assert!(text.contains("[type==\"secureboot\", value==true"), "{text}");
    on_guest(&good, "appraise", &format!("--policy {policy}")).expect_status(0);
    // Without its log nothing is known of its boot.
    let document = good.join("attestation-info.json");
    let mut changed: Value =
        serde_json::from_str(&std::fs::read_to_string(&document).unwrap()).unwrap();
    changed["TcgLogs"] = "".into();
    std::fs::write(&document, changed.to_string()).unwrap();
    let refused = on_guest(&good, "appraise", &format!("--policy {policy}")).expect_status(1);
    assert_eq!(refused.json()["error"]["check"], "no-permit");
}

#[test]
fn a_guest_gives_reference_values_of_its_paravisor_and_other_evidence_only_if_told() {
    let own = Folder::new("reference-paravisor");
    for isolation in ["snp", "tdx"] {
        let guest = own.mint(&format!("azure-guest --isolation {isolation}"));
        let values = own.join(&format!("{isolation}.toml"));
        let settings = format!("[appraisal]\nreference_values = \"{}\"\n", values.display());
        std::fs::write(guest.join("settings.toml"), settings).unwrap();
        let more = format!("--file {} --status ours", values.display());
        let answer = added(on_guest(&guest, "reference add --type", &more));
        assert!(answer["added"] == true && text(&answer["name"]).starts_with("paravisor-"));
        let written = std::fs::read_to_string(&values).unwrap();
        assert!(written.contains("paravisor = true"), "{written}");
        assert_eq!(added(on_guest(&guest, "reference add --type", &more))["added"], false);
        let judged = || {
            let more = "--policy policy.txt --appraisal settings.toml";
            let report = on_guest(&guest, "appraise", more).expect_status(0).json();
            let claims = &report["claims"];
            let status = claims["x-ms-isolation-tee"]["x-ms-compliance-status"].clone();
            (claims["avouch-paravisor-known"].clone(), status)
        };
        assert_eq!(judged(), (true.into(), "ours".into()));
        std::fs::write(&values, written.replace("paravisor = true", "paravisor = false")).unwrap();
        assert_eq!(judged(), (false.into(), Value::Null), "{isolation}");
    }
    let plain = own.mint("snp");
    for (word, says) in [("", false), ("--paravisor", true)] {
        let values = own.join("plain.toml");
        let more = format!("--file {} --name plain{word} {word}", values.display());
        added(on_sample(&plain, "reference add", &more));
        let written = std::fs::read_to_string(&values).unwrap();
        assert_eq!(written.contains("paravisor = true"), says, "{word}: {written}");
    }
}

#[test]
fn a_suggested_policy_takes_newer_versions_and_no_older_or_debuggable_ones() {
    let own = Folder::new("suggest-versions");
    let good = own.mint("snp");
    let policy = suggested(&own, &good, "snp", "");
    let text = std::fs::read_to_string(&policy).unwrap();
    let judged = |text: &str, minted: &Path| {
        let policy = own.write("changed.txt", text);
        appraise_minted(minted, &format!("--policy {}", policy.display())).status
    };
    assert_eq!(judged(&text, &good), 0);
    let claims = appraise_minted(&good, "").json()["incoming"].clone();
    let svn = claims["x-ms-sevsnpvm-microcode-svn"].as_i64().unwrap();
    let line = |svn: i64| format!("\"x-ms-sevsnpvm-microcode-svn\", value>={svn}");
    assert!(text.contains(&line(svn)), "{text}");
    assert_eq!(judged(&text.replace(&line(svn), &line(svn - 1)), &good), 0);
    assert_eq!(judged(&text.replace(&line(svn), &line(svn + 1)), &good), 1);
    assert_eq!(judged(&text, &own.mint("snp --break debuggable")), 1);
}

#[test]
fn nothing_is_suggested_for_evidence_that_does_not_verify() {
    let own = Folder::new("suggest-bad");
    let broken = own.mint("snp --break signature-bit");
    let file = own.join("policy.txt");
    let more = format!("--out {}", file.display());
    let run = on_sample(&broken, "policy suggest", &more).expect_status(1);
    assert_eq!(run.json()["error"]["check"], "report-signature");
    assert!(!file.exists());
}
