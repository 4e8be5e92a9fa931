//! `avouch appraise`, through the binary: what is accepted of evidence that verified, endorsements
//! that do not parse, and foreign text on a terminal.
#![cfg(test)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{AT, Folder, Run, appraise_minted, avouch, avouch_json, text, vectors};

/// The check by which minted evidence is refused; none if it is permitted.
#[track_caller]
fn refusal(folder: &Path, more: &str) -> Option<String> {
    let run = appraise_minted(folder, more);
    let report = run.json();
    assert_eq!(run.status == 0, report["decision"] == "permit", "{report}");
    assert!(report["facts"].is_object(), "facts are told whatever is accepted: {report}");
    report.get("error").map(|error| text(&error["check"]).to_owned())
}

#[test]
fn debuggable_and_migratable_evidence_is_refused_where_that_is_asked_for() {
    let own = Folder::new("settings-flags");
    for (kind, flag, check) in [
        ("sgx --debug", "--refuse-debuggable", "debuggable"),
        ("tdx --debug", "--refuse-debuggable", "debuggable"),
        ("snp --break debuggable", "--refuse-debuggable", "debuggable"),
        ("snp --break migratable", "--refuse-migratable", "migratable"),
    ] {
        let folder = own.mint(kind);
        assert_eq!(refusal(&folder, ""), None, "{kind}");
        assert_eq!(refusal(&folder, flag).as_deref(), Some(check), "{kind}");
    }
    // A trust domain that may migrate is refused already unless that is accepted.
    let folder = own.mint("tdx --break migratable");
    let accept = own.write("accept.toml", "[appraisal]\nrefuse_migratable = false\n");
    let accept = format!("--appraisal {}", accept.display());
    assert_eq!(refusal(&folder, "").as_deref(), Some("migratable"));
    assert_eq!(refusal(&folder, &accept), None);
    let both = format!("{accept} --refuse-migratable");
    assert_eq!(refusal(&folder, &both).as_deref(), Some("migratable"));
}

#[test]
fn the_section_of_the_services_configuration_also_judges_offline() {
    let own = Folder::new("settings-file");
    let folder = own.mint("snp");
    let measured = appraise_minted(&folder, "").json()["facts"]["measurement"].clone();
    let file =
        |name: &str, section: &str| format!("--appraisal {}", own.write(name, section).display());
    let with = |measurement: &str| {
        format!("[appraisal.snp]\nmeasurements = [\"{measurement}\"]\n\n[limits]\n")
    };
    assert_eq!(refusal(&folder, &file("known.toml", &with(text(&measured)))), None);
    let other = refusal(&folder, &file("other.toml", &with(&"ab".repeat(48))));
    assert!(other.unwrap().contains("measurement"));

    // Statuses of the file, and those of the command line over them.
    let folder = own.mint("sgx --tcb-status OutOfDate");
    let section = "[appraisal]\naccepted_tcb_statuses = [\"OutOfDate\"]\n";
    let accepting = file("accepting.toml", section);
    assert_eq!(refusal(&folder, "").as_deref(), Some("accepted-tcb-status"));
    assert_eq!(refusal(&folder, &accepting), None);
    let over = format!("{accepting} --accept-tcb-status UpToDate");
    assert_eq!(refusal(&folder, &over).as_deref(), Some("accepted-tcb-status"));

    // Trust roots of the file, from the folder that it is in.
    let folder = own.mint("sgx");
    std::fs::write(folder.join("a.toml"), "[appraisal]\ntrust_roots = [\"root.pem\"]\n").unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let (quote, endorsements, file) =
        (path("quote.bin"), path("endorsements.json"), path("a.toml"));
    let arguments = ["appraise", "sgx", &quote, "--endorsements", &endorsements, "--at", AT];
    avouch_json(arguments).expect_status(1);
    avouch_json(arguments.into_iter().chain(["--appraisal", &file])).expect_status(0);
}

#[test]
fn a_damaged_crl_is_an_error_or_left_out_loudly_and_a_crl_can_be_required() {
    let own = Folder::new("settings-revocation");
    let folder = own.mint("snp --break intermediate-revoked");
    let minted = std::fs::read_to_string(folder.join("endorsements.pem")).unwrap();
    let (certificates, crl) = minted.split_at(minted.find("-----BEGIN X509 CRL").unwrap());
    let amd = folder.join("amd");
    std::fs::create_dir(&amd).unwrap();
    std::fs::write(amd.join("chain.pem"), certificates).unwrap();
    let judge = |crl: &str, more: &[&str]| {
        std::fs::write(amd.join("root.crl"), crl).unwrap();
        let path = |path: &Path| path.display().to_string();
        let (report, amd, root) =
            (path(&folder.join("report.bin")), path(&amd), path(&folder.join("root.pem")));
        let arguments =
            ["appraise", "snp", &report, "--endorsements", &amd, "--trust-root", &root, "--at", AT];
        avouch_json(arguments.into_iter().chain(more.iter().copied()))
    };
    let refused = |run: Run, check: &str| {
        let run = run.expect_status(1);
        assert_eq!(text(&run.json()["error"]["check"]), check);
        text(&run.json()["error"]["message"]).to_owned()
    };
    refused(judge(crl, &[]), "intermediate-revoked");
    let cut = crl.split_at(crl.len().saturating_sub(60)).0;
    let message = refused(judge(cut, &[]), "chain-pem");
    assert!(message.contains("root.crl"), "{message}");
    let skipping = judge(cut, &["--skip-damaged-endorsements"]).expect_status(0);
    assert!(skipping.stderr.contains("root.crl"), "{}", skipping.stderr);
    let required = ["--skip-damaged-endorsements", "--amd-crl", "required"];
    refused(judge(cut, &required), "crl-missing");
    judge(crl, &["--amd-crl", "never"]).expect_status(2);
}

#[test]
fn a_file_of_settings_that_is_wrong_is_a_usage_error_that_names_it() {
    let own = Folder::new("settings-wrong");
    let folder = own.mint("sgx");
    for (name, content, said) in [
        (
            "key.toml",
            "[appraisal]\nrefuse_debugable = true\n",
            "did you mean \"refuse_debuggable\"",
        ),
        ("value.toml", "[appraisal]\naccepted_tcb_statuses = [\"Fine\"]\n", "value.toml"),
        ("syntax.toml", "[appraisal\n", "syntax.toml"),
    ] {
        let file = own.write(name, content).display().to_string();
        let run = appraise_minted(&folder, &format!("--appraisal {file}")).expect_status(2);
        assert!(run.only_error().contains(said), "{}", run.stderr);
    }
    let run = appraise_minted(&folder, "--appraisal /nonexistent").expect_status(2);
    assert!(run.stderr.contains("/nonexistent"), "{}", run.stderr);
}

fn with_endorsements(folder: &Path, kind: &str, evidence: &str, endorsements: &Path) -> Run {
    let path = |name: &str| folder.join(name).display().to_string();
    let (evidence, root) = (path(evidence), path("root.pem"));
    let endorsements = endorsements.display().to_string();
    let start = ["appraise", kind, &evidence, "--trust-root", &root, "--at", AT];
    avouch_json(start.into_iter().chain(["--endorsements", &endorsements]))
}

/// The error of endorsements that were read and are none.
#[track_caller]
fn malformed(run: Run, check: &str, words: &[&str]) {
    let report = run.expect_status(1).json();
    assert_eq!(report["decision"], "deny");
    assert_eq!(report["error"]["code"], "InvalidParameter");
    assert_eq!(report["error"]["check"], check, "{report}");
    assert!(report.get("facts").is_none(), "{report}");
    let message = text(&report["error"]["message"]);
    for word in words {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn endorsements_that_do_not_parse_are_refused_by_their_check_with_file_structure_and_field() {
    let own = Folder::new("settings-endorsements");
    let folder = own.mint("sgx");
    let good = std::fs::read_to_string(folder.join("endorsements.json")).unwrap();
    let mut document: Value = serde_json::from_str(&good).unwrap();
    let try_sgx = |name: &str, content: &[u8]| {
        with_endorsements(&folder, "sgx", "quote.bin", &own.write(name, content))
    };
    malformed(try_sgx("cut.json", &good.as_bytes()[..500]), "collateral-malformed", &["cut.json"]);
    document["tcb_info"] = text(&document["tcb_info"]).replace("\"fmspc\"", "\"fmspk\"").into();
    malformed(
        try_sgx("renamed.json", document.to_string().as_bytes()),
        "tcb-info-malformed",
        &["renamed.json", "TCB info", "fmspk"],
    );
    document["root_ca_crl"] = "no crl".into();
    malformed(
        try_sgx("crl.json", document.to_string().as_bytes()),
        "root-ca-crl-malformed",
        &["crl.json", "CRL"],
    );
    let large = vec![b' '; 8 * 1024 * 1024 + 1];
    malformed(try_sgx("large.json", &large), "endorsements-size", &["large.json", "limit"]);

    let folder = own.mint("snp");
    let garbage = own.write("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    malformed(
        with_endorsements(&folder, "snp", "report.bin", &garbage),
        "chain-pem",
        &["garbage.pem"],
    );
    // A folder's other files are passed over; that it holds none, or cannot be read, is the call's
    // fault and no verdict.
    std::fs::create_dir(own.join("empty")).unwrap();
    for path in [own.join("empty"), own.join("nonexistent")] {
        let run = with_endorsements(&folder, "snp", "report.bin", &path).expect_status(2);
        assert!(!run.only_error().is_empty());
    }
}

#[test]
fn what_a_terminal_would_obey_is_shown_in_text_and_told_in_json() {
    let own = Folder::new("settings-terminal");
    let folder = own.mint("sgx");
    let evil = "a\u{1b}]0;owned\u{7}\u{202e}\u{9b}2Jb";
    let path = |name: &str| folder.join(name).display().to_string();
    let policy = format!(
        "version=1.0; authorizationrules{{=> permit();}}; \
         issuancerules{{=> issue(type=\"claim\", value=\"{evil}\");}};"
    );
    let policy = own.write("policy.txt", policy).display().to_string();
    let (quote, endorsements, root) =
        (path("quote.bin"), path("endorsements.json"), path("root.pem"));
    let start = ["appraise", "sgx", &quote, "--endorsements", &endorsements, "--trust-root", &root];
    let end = ["--at", AT, "--policy", &policy, "--nonce", evil, "--explain"];
    let arguments: Vec<&str> = start.into_iter().chain(end).collect();
    let people = avouch(&arguments).expect_status(0).stdout;
    assert!(people.contains("owned"), "{people}");
    let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!people.contains(obeyed), "{people:?}");
    let report = avouch_json(&arguments).expect_status(0).json();
    assert_eq!(report["claims"]["claim"], evil);
    assert_eq!(report["claims"]["nonce"], evil);
}

/// The quotes of Azure's hosts that no level fits, each with collateral and moment.
const AZURE_TDX: [(&str, &str, &str); 3] = [
    ("tdx-v5-azure-nomatch", "tdx-90c06f000000-e18-2026-02-18", "2026-03-05T13:00:00Z"),
    ("tdx-v4-azure-nomatch", "tdx-90c06f000000-e18-2026-02-18", "2026-03-05T13:00:00Z"),
    ("tdx-v4-azure-nomatch", "tdx-90c06f000000-e19-2026-06-08", "2026-06-23T11:00:00Z"),
];

#[test]
fn the_profile_azure_tdx_accepts_azures_hosts_until_its_end_and_says_so() {
    let Some(vectors) = vectors() else { return };
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contrib/azure-tdx.toml");
    let shipped = std::fs::read_to_string(profile).unwrap();
    let own = Folder::new("azure-tdx");
    for (name, collateral, at) in AZURE_TDX {
        let quote =
            vectors.join(format!("intel/tdx/{name}-90c06f000000.bin")).display().to_string();
        let collateral = vectors.join(format!("intel/collateral/{collateral}.json"));
        let collateral = collateral.display().to_string();
        let judged = |profile: Option<&str>| {
            let mut words =
                vec!["appraise", "tdx", &quote, "--endorsements", &collateral, "--at", at];
            let file = profile.map(|text| own.write("profile.toml", text).display().to_string());
            words.extend(file.iter().flat_map(|file| ["--appraisal", file.as_str()]));
            avouch_json(words).json()
        };
        assert_eq!(judged(None)["error"]["check"], "tcb-level", "{name}");
        let accepted = judged(Some(&shipped));
        assert_eq!(accepted["decision"], "permit", "{name}: {accepted}");
        assert_eq!(accepted["claims"]["avouch-platform-exception"]["name"], "azure-tdx");
        assert_eq!(accepted["claims"]["attester_tcb_status"], "NotSupported");
        assert_eq!(accepted["claims"]["avouch-tdx-module"], "TDX_01");
        assert_eq!(accepted["claims"]["avouch-tdx-module-svn"], 7);
        let finding = accepted["findings"].as_array().unwrap().iter();
        let mut finding = finding.filter(|one| one["name"] == "platform-exception");
        let message = text(&finding.next().unwrap()["message"]);
        assert!(message.contains("accepted by exception \"azure-tdx\" until 2027-06-30T23:59:59Z"));
        for (from, to, why) in [
            ("\"2027-06-30\"", "\"2026-01-31\"", "ended at 2026-01-31T23:59:59Z"),
            ("90c06f000000", "b0c06f000000", "no TCB level fits"),
            ("pce_svn = 13", "pce_svn = 14", "asks for more: PCESVN is 13"),
            ("[3, 3, 2, 2", "[3, 4, 2, 2", "asks for more: SGX component 2 is 3"),
            ("[0, 0, 3, 0", "[0, 0, 4, 0", "asks for more: TDX component 3 is 3"),
        ] {
            assert!(shipped.contains(from));
            let refused = judged(Some(&shipped.replace(from, to)));
            assert_eq!(refused["error"]["check"], "tcb-level", "{from}");
            let message = text(&refused["error"]["message"]);
            assert!(message.contains(why), "{message}");
        }
    }
}

#[test]
fn a_platform_exception_without_a_name_a_reason_an_end_or_a_floor_is_a_usage_error() {
    let own = Folder::new("exception-wrong");
    let folder = own.mint("tdx");
    let good = "name = \"a\", fmspc = \"90c06f000000\", reason = \"b\", until = \"2027-01-31\", \
                minimum_tcb = { sgx_components = [1, 0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0], pce_svn = 1 }";
    let with = |entry: &str| {
        let text = format!("[appraisal]\nplatform_exceptions = [{{ {entry} }}]\n");
        appraise_minted(&folder, &format!("--appraisal {}", own.write("one.toml", text).display()))
    };
    with(good).expect_status(0);
    for (from, to, said) in [
        ("name = \"a\", ", "", "name"),
        ("name = \"a\"", "name = \" \"", "name is empty"),
        ("reason = \"b\", ", "", "reason"),
        ("reason = \"b\"", "reason = \"\"", "reason is empty"),
        ("until = \"2027-01-31\", ", "", "until"),
        (
            "[1, 0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0], pce_svn = 1",
            "[0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0], pce_svn = 0",
            "all zeros",
        ),
        ("[1, 0,0,0,", "[0,0,0,", "sgx_components"),
        ("90c06f000000", "90c06f", "fmspc"),
        ("name =", "tee = \"TDX\", name =", "tee"),
    ] {
        assert!(good.contains(from), "{from}");
        let run = with(&good.replace(from, to)).expect_status(2);
        assert!(run.stderr.contains(said), "{to}: {}", run.stderr);
    }
}
