//! The configuration file: what is read, what is refused, and in which words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use avouch_dcap::{TcbEvaluation, TcbStatus};
use avouch_engine::Vendor;
use avouch_server::auth::{NamedRole, Role, StaticTokens};
use avouch_server::config::reference_values;
use avouch_server::{Config, ConfigError, Settings};
use avouch_snp::CrlRule;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "avouch.toml", [])
}

fn with_environment(text: &str, words: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let words = words.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned()));
    Config::parse(text, "avouch.toml", words)
}

fn handbook() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    std::fs::read_to_string(path).unwrap()
}

/// The TOML blocks of the handbook.
fn examples() -> Vec<String> {
    let text = handbook();
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_example_of_the_handbook_is_ready_for_production_and_means_what_it_says() {
    let config = parse(&examples()[0]).unwrap();
    config.check_production().unwrap();
    assert_eq!(config.server.public_url.as_deref(), Some("https://attest.example.org"));
    let issuer = &config.auth.issuers[0];
    assert_eq!(issuer.roles[1].role, NamedRole::Provider(Role::Contributor));
    assert_eq!(issuer.roles[1].providers.as_deref(), Some(&["contoso".to_owned()][..]));
    assert_eq!(issuer.algorithms().len(), 2);
    assert!(config.auth.anonymous_attest("default") && !config.auth.anonymous_attest("Contoso"));

    let settings = config.appraisal.settings_for("contoso").appraisal;
    assert!(settings.intel.refuse_debuggable && settings.snp.refuse_debuggable);
    assert!(!settings.intel.tcb_statuses.contains(TcbStatus::OutOfDate));
    assert_eq!(settings.intel.tolerated_advisories[0].until.to_string(), "2027-01-31T23:59:59Z");
    assert_eq!(settings.snp.measurements.len(), 1);
    assert_eq!(settings.uvm.entries[0].minimum_svn, 101);

    let laboratory = config.appraisal.settings_for("Laboratory").appraisal;
    assert!(laboratory.intel.tcb_statuses.contains(TcbStatus::OutOfDate));
    assert!(!laboratory.intel.tcb_statuses.contains(TcbStatus::Revoked));
    assert!(!laboratory.intel.refuse_debuggable && !laboratory.snp.refuse_debuggable);
    assert_eq!(laboratory.snp.measurements, settings.snp.measurements);
}

#[test]
fn the_vault_of_its_page_is_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/key-release.md");
    let page = std::fs::read_to_string(page).unwrap();
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let config = parse(text).unwrap();
    let vault = config.vault;
    assert_eq!(vault.host.as_deref(), Some("vault.example.org"));
    assert_eq!(vault.token_rules().age_seconds_max, Some(600));
    assert_eq!(vault.authorities.len(), 1);
    assert!(!vault.token_rules().is_single_use && vault.recoverable_days == 90);
}

#[test]
fn a_vault_is_refused_where_it_would_be_somebody_elses_or_useless() {
    let server =
        "[server]\npublic_url = \"https://a.example.org\"\nbase_domain = \"b.example.org\"\n";
    for (text, key) in [
        ("host = \"vault\"", "host"),
        ("host = \"a.example.org\"", "host"),
        ("host = \"A.example.org\"", "host"),
        ("host = \"b.example.org\"", "host"),
        ("host = \"vault.b.example.org\"", "host"),
        ("host = \"https://vault.example.org\"", "host"),
        ("certificates = \"a.pem\"", "certificates"),
        ("private_key = \"a.pem\"", "certificates"),
        ("resource = \"http://example.org\"", "resource"),
        ("releases_per_minute_max = 0", "releases_per_minute_max"),
        ("recoverable_days = 6", "recoverable_days"),
        ("recoverable_days = 91", "recoverable_days"),
        ("token_age_seconds_max = 0", "token_age_seconds_max"),
        ("[[vault.authorities]]\nissuer = \"http://a.example\"", "authorities[0].issuer"),
        (
            "[[vault.authorities]]\nissuer = \"https://a.example\"\n\
             [[vault.authorities]]\nissuer = \"https://A.example/\"",
            "authorities[1].issuer",
        ),
    ] {
        let error = parse(&format!("{server}[vault]\n{text}")).unwrap_err().to_string();
        assert!(error.contains(&format!("vault.{key}")), "{text}: {error}");
    }
    for host in ["vault.example.org", "xb.example.org"] {
        assert!(parse(&format!("{server}[vault]\nhost = \"{host}\"")).is_ok(), "{host}");
    }
}

#[test]
fn a_vault_in_production_needs_a_master_key_and_certificates() {
    let text = format!("{}\n[vault]\nhost = \"vault.example.com\"\n", examples()[0]);
    let missing = parse(&text).unwrap().check_production().unwrap_err().to_string();
    assert!(missing.contains("signing.master_key_file"), "{missing}");
    assert!(missing.contains("vault.certificates"), "{missing}");
}

#[test]
fn each_setting_of_signing_has_its_bounds() {
    let with = |text: &str| parse(&format!("[signing]\nmaster_key_file = \"m\"\n{text}"));
    let unaware = "[database]\nserved_without_seconds_max";
    let list = |from: u32| format!("published_ahead = {from}");
    for (good, bad, key) in [
        (list(1), list(0), "published_ahead"),
        (list(16), list(17), "published_ahead"),
        ("rotate_days = 3650".to_owned(), "rotate_days = 3651".to_owned(), "rotate_days"),
        (
            "publish_seconds = 3600".to_owned(),
            "publish_seconds = 3599".to_owned(),
            "publish_seconds",
        ),
        ("keys = [\"p-384\"]".to_owned(), "keys = []".to_owned(), "keys"),
        (
            "keys = [\"p-384\", \"p-256\", \"rsa-4096\"]".to_owned(),
            "keys = [\"rsa-2048\", \"rsa-4096\"]".to_owned(),
            "keys",
        ),
        // A year without its database: each key of a day would stay for that long.
        (
            format!("rotate_days = 90\npublish_seconds = 31536000\n{unaware} = 31536000"),
            format!("rotate_days = 1\npublish_seconds = 31536000\n{unaware} = 31536000"),
            "rotate_days",
        ),
    ] {
        assert!(with(&good).is_ok(), "{good}: {:?}", with(&good).err());
        let error = with(&bad).unwrap_err().to_string();
        assert!(error.contains(&format!("signing.{key}")), "{bad}: {error}");
    }
}

#[test]
fn a_role_at_the_vault_is_of_no_provider() {
    use avouch_server::auth::VaultRole;
    for role in VaultRole::ALL {
        let row = format!(
            "[[tokens]]\nname = \"a\"\nsha256 = \"{}\"\nrole = \"{}\"\n",
            "a".repeat(64),
            role.name()
        );
        assert!(StaticTokens::parse(&row).is_ok());
        let error = StaticTokens::parse(&format!("{row}providers = [\"contoso\"]\n")).unwrap_err();
        assert!(error.contains("of no provider"), "{error}");
    }
}

#[test]
fn the_token_file_of_the_handbook_is_read() {
    let examples = examples();
    let files: Vec<&String> = examples.iter().filter(|text| text.contains("[[tokens]]")).collect();
    assert_eq!(files.len(), 1);
    assert_ne!(StaticTokens::parse(files[0]).unwrap(), StaticTokens::default());
}

#[test]
fn the_reference_values_and_the_exception_of_the_handbook_mean_what_they_say() {
    let examples = examples();
    let one = |part: &str| {
        let mut found = examples.iter().filter(|text| text.contains(part));
        found.next().filter(|_| found.next().is_none()).unwrap()
    };
    let values = reference_values(Path::new("values.toml"), one("[[snp]]")).unwrap();
    assert_eq!(values.compliance_status.as_deref(), Some("azure-compliant-cvm"));
    let names: Vec<&str> = values.names().collect();
    let expected = [
        "paravisor of October",
        "whatever our ID key signed since version 7",
        "firmware of October",
    ];
    assert_eq!(names, expected);
    assert_eq!(values.snp[1].compliance_status.as_deref(), Some("ours"));
    assert_eq!((values.snp[0].minimum_tcb.len(), values.snp[1].minimum_guest_svn), (2, Some(7)));

    let appraisal = parse(one("[[appraisal.platform_exceptions]]")).unwrap().appraisal;
    let settings = appraisal.settings_for("contoso").appraisal;
    let [exception] = settings.intel.platform_exceptions.as_slice() else { panic!("one") };
    assert_eq!((exception.name.as_str(), exception.minimum_tcb.pce_svn), ("azure-tdx", 13));
    assert_eq!(exception.until.to_string(), "2027-06-30T23:59:59Z");
    // It is the profile that is shipped.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib/azure-tdx.toml");
    let shipped = parse(&std::fs::read_to_string(shipped).unwrap()).unwrap().appraisal;
    assert_eq!(shipped.platform_exceptions, appraisal.platform_exceptions);
}

#[test]
fn each_provider_can_have_its_reference_values_and_exceptions() {
    let folder = tempfile::tempdir().unwrap();
    let td = |name: &str| {
        format!("[[tdx]]\nname = \"{name}\"\nmeasurements = [\"{}\"]\n", "00".repeat(48))
    };
    std::fs::write(folder.path().join("all.toml"), td("all")).unwrap();
    std::fs::write(folder.path().join("own.toml"), td("own")).unwrap();
    let file = folder.path().join("avouch.toml");
    let text = "[appraisal]\nreference_values = \"all.toml\"\n\
                [appraisal.providers.own]\nreference_values = \"own.toml\"\n\
                platform_exceptions = []\n";
    std::fs::write(&file, text).unwrap();
    let appraisal = Config::load(Some(&file), []).unwrap().appraisal;
    for (provider, name) in [("other", "all"), ("own", "own")] {
        let values = appraisal.settings_for(provider).appraisal.reference_values;
        assert_eq!(values.names().collect::<Vec<_>>(), [name]);
    }
    std::fs::write(folder.path().join("own.toml"), "[[tdx]]\nname = \"own\"\nmeasurements = []\n")
        .unwrap();
    let error = Config::load(Some(&file), []).unwrap_err().to_string();
    assert!(error.contains("appraisal.reference_values") && error.contains("own.toml"), "{error}");
    std::fs::remove_file(folder.path().join("all.toml")).unwrap();
    let error = Config::load(Some(&file), []).unwrap_err().to_string();
    assert!(error.contains("all.toml"), "{error}");
}

#[test]
fn exceptions_that_have_ended_are_named_wherever_they_stand() {
    let exception = |name: &str, until: &str| {
        let zeros = "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0";
        format!(
            "{{ name = \"{name}\", fmspc = \"90c06f000000\", reason = \"r\", until = \"{until}\", \
             minimum_tcb = {{ sgx_components = [{zeros}], pce_svn = 1 }} }}"
        )
    };
    let text = format!(
        "[appraisal]\nplatform_exceptions = [{}, {}]\n[appraisal.providers.own]\n\
         platform_exceptions = [{}]\n",
        exception("old", "2026-01-31"),
        exception("good", "2026-02-02"),
        exception("own", "2026-01-01"),
    );
    let appraisal = parse(&text).unwrap().appraisal;
    let ended = |at: &str| -> Vec<String> {
        let at = avouch_wire::UnixTime::from_rfc3339(at).unwrap();
        appraisal.ended_exceptions(at).map(|one| one.name.clone()).collect()
    };
    assert_eq!(ended("2026-01-31T23:59:59Z"), ["own"], "a last day is a whole one");
    assert_eq!(ended("2026-02-01T00:00:00Z"), ["old", "own"]);
}

#[test]
fn a_machine_is_not_silent_after_a_moment() {
    assert_eq!(parse("").unwrap().monitoring, avouch_server::config::MonitoringConfig::default());
    let error = parse("[monitoring]\nsilence_seconds = 59").unwrap_err().to_string();
    assert!(error.contains("monitoring.silence_seconds"), "{error}");
    assert!(parse("[monitoring]\nsilence_seconds = 60").is_ok());
}

#[test]
fn an_empty_file_has_the_defaults_of_the_engine_and_lists_all_that_is_missing() {
    let config = parse("").unwrap();
    assert_eq!(config, Config::default());
    let settings = config.appraisal.settings_for("default").appraisal;
    assert!(!settings.intel.refuse_debuggable && settings.snp.refuse_host_requested);
    assert_eq!(settings.uvm, avouch_snp::uvm::UvmTrust::default());
    let text = config.check_production().unwrap_err().to_string();
    for key in ["server.tls", "server.public_url", "auth.issuers", "signing.key_file"] {
        assert!(text.contains(key), "{key}: {text}");
    }
}

#[test]
fn one_missing_thing_is_enough_to_refuse_and_is_the_only_one_named() {
    // A rule for certificates would ask for the CA by itself.
    let rule = "[[auth.certificates]]\ncommon_name = \"policy-pipeline\"\nrole = \"Contributor\"\n\
        providers = [\"contoso\"]\n";
    assert!(examples()[0].contains(rule));
    let whole = examples()[0].replace(rule, "");
    let tls = "[server.tls]\ncertificates = \"tls/chain.pem\"\nprivate_key = \"tls/key.pem\"\n\
        client_ca = \"tls/clients.pem\"\n";
    let cases = [
        (tls, "TLS"),
        ("public_url = \"https://attest.example.org\"\n", "public URL"),
        ("key_file = \"secrets/signing-key.pem\"\n", "key to sign"),
    ];
    for (part, words) in cases {
        assert!(whole.contains(part), "{part}");
        let error = parse(&whole.replace(part, "")).unwrap().check_production().unwrap_err();
        let ConfigError::Insecure { missing } = error else { unreachable!("{error}") };
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].contains(words), "{missing:?}");
    }
    let pinned = format!("{whole}\n[dev]\nappraise_at = \"2024-01-01T00:00:00Z\"\n");
    let text = parse(&pinned).unwrap().check_production().unwrap_err().to_string();
    assert!(text.contains("dev.appraise_at"), "{text}");
}

#[test]
fn a_misspelt_key_at_any_depth_is_named_with_its_section_and_its_nearest_neighbour() {
    let cases = [
        ("[sever]\n", "", "sever", Some("server")),
        ("[server]\nlistne = 1\n", "server", "listne", Some("listen")),
        ("[server.tls]\ncertificate = \"a\"\n", "server.tls", "certificate", Some("certificates")),
        (
            "[appraisal]\nrefuse_debugable = true\n",
            "appraisal",
            "refuse_debugable",
            Some("refuse_debuggable"),
        ),
        (
            "[appraisal.providers.contoso]\ntrust_roots = []\n",
            "appraisal.providers.contoso",
            "trust_roots",
            None,
        ),
        (
            "[appraisal.snp]\nmeasurement = []\n",
            "appraisal.snp",
            "measurement",
            Some("measurements"),
        ),
        (
            "[appraisal.snp.minimum_tcb.Milan.reported]\nboot_laoder = 1\n",
            "appraisal.snp.minimum_tcb.Milan.reported",
            "boot_laoder",
            Some("boot_loader"),
        ),
        (
            "[appraisal]\ntolerated_advisories = [{ id = \"a\", untill = \"2027-01-01\" }]\n",
            "appraisal.tolerated_advisories[0]",
            "untill",
            Some("until"),
        ),
        ("[weather]\n", "", "weather", None),
    ];
    for (text, section, word, neighbour) in cases {
        match parse(text).unwrap_err() {
            ConfigError::UnknownKey { path, key, nearest, known } => {
                assert_eq!((path.as_str(), key.as_str()), (section, word), "{text}");
                assert_eq!(nearest.as_deref(), neighbour, "{text}");
                assert!(known.len() > 1, "{text}");
            }
            other => unreachable!("{text}: {other}"),
        }
    }
    let text = parse("[server]\nlistne = 1\n").unwrap_err().to_string();
    assert_eq!(text, "unknown key in [server]: \"listne\"; did you mean \"listen\"?");
}

/// Each wrong value, the key that the error names, and a word of its message.
#[test]
fn a_value_that_its_key_cannot_have_is_refused_under_the_name_of_the_key() {
    let issuer = |rest: &str| format!("[[auth.issuers]]\nissuer = \"https://a.example\"\n{rest}");
    let good_audience = "audiences = [\"x\"]\n";
    let cases: Vec<(String, &str, &str)> = vec![
        ("[server]\nlisten = \"here\"\n".into(), "server.listen", "socket address"),
        ("[server]\nlisten = 8443\n".into(), "server.listen", "integer"),
        ("[server]\npublic_url = \"http://a.example\"\n".into(), "server.public_url", "https://"),
        ("[server]\npublic_url = \"https://\"\n".into(), "server.public_url", "https://"),
        ("[server]\npublic_url = \"https://a.example/?x\"\n".into(), "server.public_url", "URL"),
        ("[server]\npublic_url = \"https://u@a.example\"\n".into(), "server.public_url", "URL"),
        ("[server]\nbase_domain = \"example\"\n".into(), "server.base_domain", "domain"),
        ("[server]\nbase_domain = \"a..b\"\n".into(), "server.base_domain", "domain"),
        (
            "[server]\nprivate_networks = [\"10.0.0.0/8\", \"10.1.0.0/8\"]\n".into(),
            "server.private_networks[1]",
            "bits after its prefix",
        ),
        ("[server]\nprivate_networks = [\"x\"]\n".into(), "server.private_networks[0]", "range"),
        ("[server.tls]\nprivate_key = \"a\"\n".into(), "server.tls.certificates", "missing"),
        (
            "[database]\nurl = \"a\"\nurl_file = \"b\"\n".into(),
            "database.url_file",
            "only one of the two",
        ),
        (
            "[appraisal]\naccepted_tcb_statuses = [\"Fine\"]\n".into(),
            "appraisal.accepted_tcb_statuses",
            "Fine",
        ),
        (
            "[appraisal]\naccepted_tcb_statuses = [\"Revoked\"]\n".into(),
            "appraisal.accepted_tcb_statuses",
            "never",
        ),
        (
            "[appraisal]\naccepted_tcb_statuses = []\n".into(),
            "appraisal.accepted_tcb_statuses",
            "no TCB status",
        ),
        (
            "[appraisal]\nrefuse_debuggable = \"yes\"\n".into(),
            "appraisal.refuse_debuggable",
            "boolean",
        ),
        ("[appraisal.snp]\nproducts = [\"Rome\"]\n".into(), "appraisal.snp.products[0]", "Rome"),
        ("[appraisal.snp]\nmeasurements = [\"00\"]\n".into(), "appraisal.snp.measurements[0]", ""),
        (
            "[appraisal]\ntolerated_advisories = [{ id = \"a\", until = \"soon\" }]\n".into(),
            "appraisal.tolerated_advisories[0].until",
            "",
        ),
        ("[appraisal.providers.a]\n".into(), "appraisal.providers", "3 to 24"),
        (
            "[appraisal.providers.Abc]\n[appraisal.providers.abc]\n".into(),
            "appraisal.providers",
            "twice",
        ),
        ("[auth.providers.\"../x\"]\n".into(), "auth.providers", "letters"),
        (
            "[[auth.issuers]]\nissuer = \"https://a.example\"\n".into(),
            "auth.issuers[0].audiences",
            "missing",
        ),
        (issuer("audiences = []\n"), "auth.issuers[0].audiences", "no audience"),
        (
            issuer(&format!("{good_audience}algorithms = [\"none\"]\n")),
            "auth.issuers[0].algorithms",
            "none",
        ),
        (
            issuer(&format!("{good_audience}algorithms = [\"HS256\"]\n")),
            "auth.issuers[0].algorithms",
            "HS256",
        ),
        (
            issuer(&format!("{good_audience}algorithms = []\n")),
            "auth.issuers[0].algorithms",
            "no algorithm",
        ),
        (
            issuer(&format!(
                "{good_audience}[[auth.issuers.roles]]\nrole = \"Owner\"\nclaim = \"a\"\nvalue = \"b\"\n\
                 providers = []\n"
            )),
            "auth.issuers[0].roles[0].providers",
            "names nobody",
        ),
        (
            issuer(&format!(
                "{good_audience}[[auth.issuers.roles]]\nrole = \"King\"\nclaim = \"a\"\nvalue = \"b\"\n"
            )),
            "auth.issuers[0].roles[0].role",
            "King",
        ),
        (
            issuer(&format!(
                "{good_audience}[[auth.issuers.roles]]\nrole = \"Owner\"\nclaim = \"a\"\nvalue = \"\"\n"
            )),
            "auth.issuers[0].roles[0]",
            "empty",
        ),
        (
            format!("{}{good_audience}", "[[auth.issuers]]\nissuer = \"http://a.example\"\n"),
            "auth.issuers[0].issuer",
            "https://",
        ),
        (
            format!(
                "{}{good_audience}",
                "[[auth.issuers]]\nissuer = \"http://localhost.a.example\"\n"
            ),
            "auth.issuers[0].issuer",
            "https://",
        ),
        ("[limits]\nbody_bytes_max = 1\n".into(), "limits.body_bytes_max", "between"),
        ("[limits]\nconnections_max = -1\n".into(), "limits.connections_max", "-1"),
    ];
    for (text, name, words) in cases {
        match parse(&text).unwrap_err() {
            ConfigError::Value { key, message } => {
                assert_eq!(key, name, "{text}: {message}");
                assert!(message.contains(words), "{text}: {message}");
            }
            other => unreachable!("{text}: {other}"),
        }
    }
}

#[test]
fn what_is_no_toml_or_names_a_key_twice_is_refused_with_its_line() {
    for text in ["[server\n", "[server]\nlisten = \n", "[auth]\n[auth]\n"] {
        let error = parse(text).unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }), "{text}: {error}");
        assert!(error.to_string().contains("line"), "{text}: {error}");
    }
}

#[test]
fn variables_go_over_the_file_and_take_the_type_of_their_key() {
    let file = "[limits]\nconnections_max = 10\n[appraisal]\nrefuse_debuggable = true\n";
    let config = with_environment(
        file,
        &[
            ("AVOUCH_LIMITS__CONNECTIONS_MAX", "20"),
            ("AVOUCH_APPRAISAL__REFUSE_DEBUGGABLE", "false"),
            ("AVOUCH_APPRAISAL__ACCEPTED_TCB_STATUSES", "UpToDate, OutOfDate"),
            ("AVOUCH_ENDORSEMENTS__PATHS", "a,b"),
            ("AVOUCH_SERVER__LISTEN", "127.0.0.1:1"),
            ("AVOUCH_ENDORSEMENTS__SKIP_DAMAGED", "true"),
            ("AVOUCH_ENDORSEMENTS__AMD_CRL", "required"),
            ("AVOUCH_SERVER__PUBLIC_URL", "https://a.example/"),
            ("AVOUCH_SERVER__PRIVATE_NETWORKS", "192.0.2.0/24, ::1"),
            ("AVOUCH_APPRAISAL__PROVIDERS__CONTOSO__REFUSE_DEBUGGABLE", "true"),
            (
                "AVOUCH_APPRAISAL__TOLERATED_ADVISORIES",
                "[{id = \"INTEL-SA-00001\", until = \"2027-01-31\"}]",
            ),
            // No settings of the service.
            ("AVOUCH_LOG", "debug"),
            ("AVOUCH_VECTORS_REQUIRED", "1"),
            ("OTHER__KEY", "x"),
        ],
    )
    .unwrap();
    assert_eq!(config.limits.connections_max, 20);
    assert_eq!(config.endorsements.paths, [PathBuf::from("a"), PathBuf::from("b")]);
    assert!(config.endorsements.skip_damaged);
    assert_eq!(config.endorsements.amd_crl, Some(CrlRule::Required));
    assert_eq!(config.server.public_url.as_deref(), Some("https://a.example"));
    let networks = &config.server.private_networks;
    assert!(networks.contain([192, 0, 2, 9].into()) && !networks.contain([127, 0, 0, 1].into()));
    let settings = config.appraisal.settings_for("default").appraisal;
    assert!(!settings.intel.refuse_debuggable);
    assert!(settings.intel.tcb_statuses.contains(TcbStatus::OutOfDate));
    assert_eq!(settings.intel.tolerated_advisories.len(), 1);
    assert!(config.appraisal.settings_for("contoso").appraisal.intel.refuse_debuggable);
}

#[test]
fn damaged_endorsements_are_not_skipped_and_a_lost_crl_is_missed_unless_the_file_says_so() {
    let default = parse("").unwrap().endorsements;
    assert!(!default.skip_damaged);
    assert_eq!(default.amd_crl_rule(true), CrlRule::WhereKept);
    // Whoever can have them has them.
    assert_eq!(default.amd_crl_rule(false), CrlRule::Required);
    for (text, rule) in [
        ("offline = true", CrlRule::WhereKept),
        ("sources = []", CrlRule::WhereKept),
        ("sources = [{kind = \"pcs\", url = \"https://pcs.example\"}]", CrlRule::WhereKept),
        ("sources = [{kind = \"kds\", url = \"https://kds.example\"}]", CrlRule::Required),
    ] {
        let found = parse(&format!("[endorsements]\n{text}")).unwrap().endorsements;
        assert_eq!(found.amd_crl_rule(false), rule, "{text}");
        let of_sources = if text.contains("kds") { rule } else { CrlRule::WhereKept };
        assert_eq!(found.amd_crl_rule(true), of_sources, "{text}");
    }
    for (word, rule) in [
        ("required", CrlRule::Required),
        ("where-kept", CrlRule::WhereKept),
        ("optional", CrlRule::Optional),
    ] {
        let config = parse(&format!("[endorsements]\namd_crl = \"{word}\"")).unwrap();
        assert_eq!(config.endorsements.amd_crl_rule(false), rule);
        assert_eq!((rule.name(), word.parse()), (word, Ok(rule)));
    }
    for word in ["\"Required\"", "\"\"", "true"] {
        let error = parse(&format!("[endorsements]\namd_crl = {word}")).unwrap_err();
        assert!(error.to_string().contains("endorsements.amd_crl"), "{error}");
    }
    assert!("Required".parse::<CrlRule>().is_err());
}

#[test]
fn a_variable_that_means_no_key_or_no_value_is_refused() {
    let error = with_environment("", &[("AVOUCH_SERVER__LISTNE", "x")]).unwrap_err();
    assert!(error.to_string().contains("did you mean \"listen\""), "{error}");
    for (name, word, key) in [
        ("AVOUCH_LIMITS__CONNECTIONS_MAX", "many", "limits.connections_max"),
        ("AVOUCH_APPRAISAL__REFUSE_DEBUGGABLE", "1", "appraisal.refuse_debuggable"),
        ("AVOUCH_SERVER__TLS", "x", "server.tls"),
        ("AVOUCH_APPRAISAL__TOLERATED_ADVISORIES", "[", "appraisal.tolerated_advisories"),
    ] {
        match with_environment("", &[(name, word)]).unwrap_err() {
            ConfigError::Value { key: found, .. } => assert_eq!(found, key, "{name}"),
            other => unreachable!("{name}: {other}"),
        }
    }
}

#[test]
fn relative_paths_start_from_the_folder_of_the_file_and_secrets_are_read_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("avouch.toml");
    std::fs::write(&file, "[database]\nurl_file = \"url\"\n[signing]\nkey_file = \"/k.pem\"\n")
        .unwrap();
    let config = Config::load(Some(&file), []).unwrap();
    assert_eq!(config.signing.key_file.as_deref(), Some(Path::new("/k.pem")));
    assert!(config.database_location(Path::new("d")).is_err());
    std::fs::write(folder.path().join("url"), "postgres://u:p@localhost/a\n").unwrap();
    let location = config.database_location(Path::new("d")).unwrap();
    assert_eq!(location, "postgres://u:p@localhost/a");
    assert_eq!(Config::default().database_location(Path::new("d")).unwrap(), "d/avouch.db");
    let absent = Config::load(Some(&folder.path().join("none")), []).unwrap_err();
    assert!(matches!(absent, ConfigError::Read { .. }), "{absent}");
}

#[test]
fn of_two_loads_each_key_that_differs_is_named_in_order_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("avouch.toml");
    let load = |text: &str, words: &[(&str, &str)]| {
        std::fs::write(&file, text).unwrap();
        let words = words.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned()));
        Settings::load(Some(&file), words.collect::<Vec<_>>()).unwrap()
    };
    let before = load(
        "[server]\nlisten = \"127.0.0.1:1\"\nbase_domain = \"a.example\"\n\
         [server.tls]\ncertificates = \"c\"\nprivate_key = \"k\"\n",
        &[("AVOUCH_LIMITS__WORK_THREADS", "3")],
    );
    let after = load(
        "[server]\nlisten = \"127.0.0.1:2\"\nbase_domain = \"a.example\"\n\
         [limits]\nconnections_max = 5\n[telemetry]\nlog_filter = \"warn\"\n",
        &[("AVOUCH_LIMITS__WORK_THREADS", "4")],
    );
    let expected = [
        "limits.connections_max",
        "limits.work_threads",
        "server.listen",
        "server.tls.certificates",
        "server.tls.private_key",
        "telemetry.log_filter",
    ];
    assert_eq!(before.differences(&after), expected);
    assert_eq!(after.differences(&before), expected);
    assert!(after.differences(&after.clone()).is_empty());
}

#[test]
fn trust_roots_are_a_list_or_stand_by_vendor_and_strangers_are_named() {
    let roots = |text: &str| {
        let config = parse(text).unwrap();
        let told = config.appraisal.trust_roots.0.iter().map(|root| {
            let vendor = root.vendor.map_or("-", Vendor::name);
            format!("{vendor} {}", root.file.display())
        });
        told.collect::<Vec<_>>().join(", ")
    };
    let list =
        "[appraisal]\ntrust_roots = [\"a.pem\", \"intel=b.pem\", \"amd=c=d.pem\", \"./e=f\"]\n";
    assert_eq!(roots(list), "- a.pem, intel b.pem, amd c=d.pem, - ./e=f");
    let table = "[appraisal.trust_roots]\nintel = [\"a.pem\"]\namd = [\"b.pem\", \"c.pem\"]\n";
    assert_eq!(roots(table), "amd b.pem, amd c.pem, intel a.pem");
    assert_eq!(roots("[appraisal.trust_roots]\ntpm = [\"a.pem\"]\n"), "tpm a.pem");
    assert_eq!(roots("[appraisal]\ntrust_roots = [\"windows=a.pem\"]\n"), "windows a.pem");
    for (word, expected) in [
        ("a.pem,amd=b.pem", "- a.pem, amd b.pem"),
        ("[\"intel=a.pem\"]", "intel a.pem"),
        ("{ amd = [\"a.pem\"] }", "amd a.pem"),
    ] {
        let config = with_environment("", &[("AVOUCH_APPRAISAL__TRUST_ROOTS", word)]).unwrap();
        let told = config.appraisal.trust_roots.0.iter().map(|root| {
            format!("{} {}", root.vendor.map_or("-", Vendor::name), root.file.display())
        });
        assert_eq!(told.collect::<Vec<_>>().join(", "), expected, "{word}");
    }
    for stranger in [
        "[appraisal]\ntrust_roots = [\"nvidia=a.pem\"]\n",
        "[appraisal.trust_roots]\nnvidia = [\"a.pem\"]\n",
    ] {
        let text = parse(stranger).unwrap_err().to_string();
        assert!(
            text.contains("appraisal.trust_roots") && text.contains("intel, amd, tpm, windows"),
            "{text}"
        );
    }
}

#[test]
fn a_key_under_its_older_name_is_refused_with_the_new_one_and_what_becomes_of_its_value() {
    for (section, old, new, value) in [
        ("appraisal", "accept_migratable", "refuse_migratable", "the opposite value"),
        ("appraisal", "accept_service_td", "refuse_service_td", "the opposite value"),
        ("appraisal.snp", "accept_host_requested", "refuse_host_requested", "the opposite value"),
        ("appraisal.snp", "accept_masked_chip_id", "refuse_masked_chip_id", "the opposite value"),
        ("appraisal.snp", "require_alias_check", "refuse_unchecked_aliasing", "the same value"),
    ] {
        let text = parse(&format!("[{section}]\n{old} = false\n")).unwrap_err().to_string();
        for word in [&format!("{section}.{old}"), new, value] {
            assert!(text.contains(word), "{text}");
        }
    }
}

/// The keys that a section knows, as it names them to whoever writes another.
fn known_keys(section: &str) -> BTreeSet<String> {
    let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    match parse(&format!("{header}zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz = 1\n")) {
        Err(ConfigError::UnknownKey { known, .. }) => known.into_iter().collect(),
        other => panic!("[{section}]: {other:?}"),
    }
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_handbook_lists_every_key_of_every_section_and_no_other() {
    let handbook = handbook();
    let rows = handbook.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split(" | ").collect()).collect();
    // Of `a.b`, `.c` the second is `a.c`.
    let mut listed = BTreeSet::new();
    for row in &rows {
        let mut first: Vec<&str> = Vec::new();
        for name in quoted(row[0]) {
            if let Some(last) = name.strip_prefix('.') {
                first.pop();
                first.push(last);
            } else {
                first = name.split('.').collect();
            }
            listed.insert(first.join("."));
        }
    }
    let sections = known_keys("");
    let of_section = |name: &String| name.split('.').next().is_some_and(|it| sections.contains(it));
    listed.retain(|name| name.contains('.') && of_section(name));
    for section in &sections {
        for key in known_keys(section) {
            let name = format!("{section}.{key}");
            let below = format!("{name}.");
            let is_listed = listed.iter().any(|one| *one == name || one.starts_with(&below));
            // A table by provider is told of where the key is that it overrides.
            let is_told =
                rows.iter().any(|row| row.last().unwrap().contains(&format!("`{below}NAME`")));
            assert!(is_listed || is_told, "{name} is not in the handbook");
        }
    }
    for name in &listed {
        let (section, key) = name.split_once('.').unwrap();
        let key = key.split('.').next().unwrap();
        assert!(known_keys(section).contains(key), "{name} is no key");
    }
    // Reference values stand in one row.
    let row = rows.iter().find(|row| row[0].contains("`appraisal.snp`")).unwrap();
    let told: BTreeSet<String> = quoted(row.last().unwrap()).map(str::to_owned).collect();
    let values = known_keys("appraisal.snp");
    assert!(values.is_subset(&told), "{:?}", values.difference(&told));
}

#[test]
fn a_provider_can_have_every_key_of_appraisal_but_for_roots_and_providers() {
    let mut general = known_keys("appraisal");
    assert!(general.remove("trust_roots") && general.remove("providers"));
    assert_eq!(known_keys("appraisal.providers.contoso"), general);
}

#[test]
fn each_provider_chooses_its_tcb_recovery() {
    let text = "[appraisal]\ntcb_evaluation = \"early\"\n\
                [appraisal.providers.calm]\ntcb_evaluation = \"standard\"\n\
                [appraisal.providers.fixed]\ntcb_evaluation = \"17\"";
    let appraisal = parse(text).unwrap().appraisal;
    for (provider, evaluation) in [
        ("other", TcbEvaluation::Early),
        ("calm", TcbEvaluation::Standard),
        ("fixed", TcbEvaluation::Number(17)),
    ] {
        assert_eq!(appraisal.settings_for(provider).appraisal.tcb_evaluation, evaluation);
    }
    let error = parse("[appraisal]\ntcb_evaluation = \"latest\"").unwrap_err().to_string();
    assert!(error.contains("appraisal.tcb_evaluation") && error.contains("latest"), "{error}");
}

#[test]
fn times_of_endorsements_that_make_no_sense_are_refused_and_ages_that_switch_revocation_off() {
    for (text, key) in [
        ("wait_seconds_max = 601", "wait_seconds_max"),
        ("refresh_seconds = 59", "refresh_seconds"),
        ("age_seconds_max = 59", "age_seconds_max"),
        ("alert_seconds = 100000000", "alert_seconds"),
        ("memory_bytes_max = 1048575", "memory_bytes_max"),
        ("age_seconds_max = 86400\namd_crl = \"where-kept\"", "age_seconds_max"),
    ] {
        let error = parse(&format!("[endorsements]\n{text}")).unwrap_err().to_string();
        assert!(error.contains(&format!("endorsements.{key}")), "{text}: {error}");
    }
    for text in [
        "wait_seconds_max = 0\nrefresh_seconds = 60\nalert_seconds = 0\nmemory_bytes_max = 1048576",
        "age_seconds_max = 60\namd_crl = \"required\"",
        "age_seconds_max = 86400",
    ] {
        assert!(parse(&format!("[endorsements]\n{text}")).is_ok(), "{text}");
    }
}
