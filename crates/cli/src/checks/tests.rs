//! The catalogue has exactly the checks that the crates can name, and `docs/checks.md` is made from it.
//! `AVOUCH_WRITE_CHECKS=1` writes the page anew.

#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use avouch_engine::AppraisalError;
use avouch_policy::lint::LintSlug;
use avouch_policy::{DenyReason, EvalSlug, Slug};
use avouch_wire::FailedCheck;

use super::{Page, nearest, pages};

const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checks.md");

/// Each type whose errors name their check, by crate, with the names.
macro_rules! types {
    ($($krate:literal: $($path:ident)::+ $(<$of:ty>)?,)+) => {
        vec![$(
            (
                concat!($krate, " ", $(stringify!($path), "::"),+),
                <$($path)::+ $(<$of>)? as FailedCheck>::checks(),
            ),
        )+]
    };
}

fn types() -> Vec<(&'static str, Vec<&'static str>)> {
    use avouch_attester as attester;
    use avouch_bootlog as bootlog;
    use avouch_dcap as dcap;
    use avouch_engine as engine;
    use avouch_release as release;
    use avouch_snp as snp;
    use avouch_token as token;
    use avouch_tpm as tpm;
    types![
        "wire": avouch_wire::ParseError,
        "wire": avouch_wire::AcceptanceError<dcap::Refusal>,
        "pki": avouch_pki::PathError,
        "pki": avouch_pki::CrlError,
        "dcap": dcap::QuoteError,
        "dcap": dcap::VerifyError,
        "dcap": dcap::CollateralError,
        "dcap": dcap::BindingError,
        "dcap": dcap::Refusal,
        "snp": snp::ReportError,
        "snp": snp::ChainError,
        "snp": snp::VekExtensionError,
        "snp": snp::VerifyError,
        "snp": snp::BindingError,
        "snp": snp::Refusal,
        "snp": snp::maa_request::MaaRequestError,
        "snp": snp::uvm::UvmError,
        "bootlog": bootlog::tcg::LogError,
        "bootlog": bootlog::ccel::CcelError,
        "bootlog": bootlog::boot::BootError,
        "bootlog": bootlog::facts::Unproven,
        "bootlog": bootlog::json::EventsRefused,
        "bootlog": bootlog::ima::ListError,
        "bootlog": bootlog::ima::ReplayError,
        "bootlog": bootlog::ima::FileKeysError,
        "bootlog": bootlog::ima::ReferencesError,
        "bootlog": bootlog::ima::NotMet,
        "bootlog": bootlog::windows::WindowsError,
        "bootlog": bootlog::windows::NotOnlyWindows,
        "bootlog": bootlog::windows::NoIdentityKey,
        "bootlog": bootlog::boot::NoSigningKey,
        "token": token::BareSignatureError,
        "tpm": tpm::PublicError,
        "tpm": tpm::AttestError,
        "tpm": tpm::SignatureError,
        "tpm": tpm::AkError,
        "tpm": tpm::QuoteError,
        "tpm": tpm::CertifyError,
        "tpm": tpm::CredentialError,
        "tpm": tpm::TpmCertificateError,
        "tpm": tpm::AnchorError,
        "tpm": tpm::protocol::ProtocolError,
        "tpm": tpm::protocol::RequestError,
        "tpm": tpm::protocol::ContextError,
        "tpm": tpm::protocol::EnrolmentError,
        "vbs": avouch_vbs::ReportError,
        "vbs": avouch_vbs::SigningKeyError,
        "vbs": avouch_vbs::VerifyError,
        "vbs": avouch_vbs::Refusal,
        "azure": avouch_azure::DocumentError,
        "azure": avouch_azure::GuestError,
        "azure": avouch_azure::AkCertificateError,
        "azure": avouch_azure::SealingKeyError,
        "azure": avouch_azure::HclError,
        "azure": avouch_azure::RuntimeClaimsError,
        "token": token::VerifyError,
        "token": token::KeyBindingError,
        "token": token::policy_jws::PolicyJwsError,
        "token": token::policy_jws::SignerError,
        "release": release::Problem,
        "release": release::EnvelopeError,
        "release": release::PolicyIsImmutable,
        "release": release::RequestError,
        "release": release::TokenRefusal,
        "release": release::KeyRefusal,
        "release": release::KeyMaterialError,
        "release": release::WrappingKeyError,
        "release": release::ReleaseRefusal,
        "release": release::WrapError,
        "release": release::UnwrapError,
        "release": release::ReleaseSignerError,
        "release": release::AnswerError,
        "release": release::SignedAnswerError,
        "endorsements": avouch_endorsements::BundleError,
        "endorsements": avouch_endorsements::EndorsementError,
        "endorsements": avouch_endorsements::ProofError,
        "engine": engine::WrongTee,
        "engine": engine::NotAtHand,
        "engine": engine::HeldDataRefused<dcap::BindingError>,
        "engine": engine::EventLogRefused,
        "engine": engine::TpmRefused,
        "engine": engine::TpmRefusal,
        "engine": engine::AzureRefused,
        "engine": engine::HclRefused,
        "attester": attester::PcrChoiceError,
        "attester": attester::TpmError,
        "attester": attester::ServiceError,
        "attester": attester::MeasureError,
        "attester": attester::LogError,
        "attester": attester::RequestKeyError,
        "attester": attester::AttestationKeyFileError,
        "attester": attester::EnrolError,
        "attester": attester::AttestError,
        "client": avouch_client::MeasurementsError,
        "client": avouch_client::PublicationError,
        "client": avouch_client::IssueError,
        "client": avouch_client::StatementError,
        "client": avouch_client::ReceiptError,
        "client": avouch_client::TransparencyError,
        "client": avouch_client::UnpublishedMeasurement,
        "cli": crate::failure::Failure,
    ]
}

/// Names that stand in the source of a crate as they are, not at an error type.
const LITERALS: &[(&str, &[&str])] = &[
    (
        "bootlog/src/facts/secure_boot/reason.rs",
        &["secure-boot-custom-policy", "secure-boot-off", "secure-boot-shim"],
    ),
    ("endorsements/src", &["endorsements-size"]),
    (
        "server/src",
        &[
            "client-certificate",
            "content-encoding",
            "content-length",
            "host",
            "nonce",
            "request-body",
            "request-head",
            "root-provider",
            "token-unknown",
            "tpm-context-used",
            "tpm-enrolment-off",
            "transfer-encoding",
            "vault-role",
        ],
    ),
    ("cli/src/output.rs", &["usage"]),
    ("client/src/discovery.rs", &["provider-issuer", "provider-keys", "provider-keys-url"]),
    ("client/src/party.rs", &["service-transparency"]),
    ("cli/src/guest", &["release-answer-signer"]),
    (
        "cli/src/commands",
        &["answer-claims", "draft-policy", "endorsements", "measurements-signature", "policy-text"],
    ),
];

/// Beginnings of the service's sentences that are members or parameters of a request, whose sentence
/// says all.
const MEMBERS: &[&str] = &[
    "api-version",
    "attributes",
    "count",
    "crv",
    "for",
    "key",
    "kty",
    "location",
    "maxresults",
    "properties",
    "providers",
    "seen",
    "tags",
    "token",
];

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn sources_of(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let path = Path::new(CRATES).join(folder);
    if path.is_file() {
        return vec![(path.clone(), fs::read_to_string(&path).unwrap())];
    }
    sources(&path, &mut found);
    found
}

/// Every name that any crate can give.
fn named() -> BTreeSet<&'static str> {
    let mut named: BTreeSet<&'static str> =
        types().into_iter().flat_map(|(_, names)| names).collect();
    named.remove("");
    named.extend(AppraisalError::CHECKS);
    named.extend(avouch_client::ServiceError::CHECKS);
    named.extend(DenyReason::ALL.map(DenyReason::name));
    named.extend(EvalSlug::ALL.map(EvalSlug::name));
    named.extend(Slug::ALL.map(Slug::name));
    named.extend(LintSlug::ALL.map(LintSlug::name));
    named.extend(avouch_release::LintSlug::ALL.map(avouch_release::LintSlug::name));
    named.extend(LITERALS.iter().flat_map(|(_, names)| names.iter()));
    named
}

#[test]
fn every_check_has_one_page_and_every_page_is_of_a_check() {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for page in pages() {
        *counted.entry(page.check).or_default() += 1;
    }
    let twice: Vec<_> = counted.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "more than one page: {twice:?}");
    let named = named();
    let missing: Vec<_> = named.iter().filter(|name| !counted.contains_key(**name)).collect();
    let foreign: Vec<_> = counted.keys().filter(|name| !named.contains(name.as_str())).collect();
    assert!(
        missing.is_empty() && foreign.is_empty(),
        "no page: {missing:?}\nno check: {foreign:?}"
    );
}

#[test]
fn every_type_that_names_its_check_is_asked() {
    let asked: BTreeSet<String> = types()
        .iter()
        .map(|(path, _)| {
            let (krate, path) = path.split_once(' ').unwrap();
            let name = path.trim_end_matches("::").rsplit("::").next().unwrap();
            format!("{krate} {name}")
        })
        .collect();
    let mut implemented = BTreeSet::new();
    for krate in fs::read_dir(CRATES).unwrap() {
        let krate = krate.unwrap().file_name().into_string().unwrap();
        for (path, text) in sources_of(&format!("{krate}/src")) {
            // Types of tests name checks that nobody meets.
            if path.ends_with("tests.rs") {
                continue;
            }
            if path.ends_with("wire/src/check.rs") {
                implemented.insert("wire ParseError".to_owned());
                continue;
            }
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in lines {
                let by_table = line.trim_start().strip_prefix("failed_check!(");
                let by_hand = line.split_once(" FailedCheck for ").map(|(_, rest)| rest);
                if let Some(rest) = by_table.or(by_hand) {
                    let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                    if !name.is_empty() {
                        implemented.insert(format!("{krate} {name}"));
                    }
                }
            }
        }
    }
    assert_eq!(implemented, asked);
}

#[test]
fn names_that_no_error_type_has_are_those_in_the_source() {
    for (folder, names) in LITERALS {
        let sources = sources_of(folder);
        for name in *names {
            let (quoted, leading) = (format!("\"{name}\""), format!("\"{name}: "));
            let found =
                sources.iter().any(|(_, text)| text.contains(&quoted) || text.contains(&leading));
            assert!(found, "{folder} does not name {name}");
        }
    }
    let named = named();
    for (path, text) in sources_of("server/src") {
        if path.to_string_lossy().contains("test") {
            continue;
        }
        let text = text.split("#[cfg(test)]").next().unwrap();
        for piece in text.split('"').skip(1).step_by(2) {
            let Some((name, _)) = piece.split_once(": ") else { continue };
            let is_name = name.len() > 1
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            let is_known = named.contains(name) || MEMBERS.contains(&name);
            assert!(!is_name || is_known, "{}: {name} has no page", path.display());
        }
    }
}

#[test]
fn texts_are_sentences() {
    for Page { check, what, why, remedy, .. } in pages() {
        for text in [&what, &why, &remedy] {
            assert!(text.ends_with(['.', '?']) && !text.contains("{}"), "{check}: {text}");
            let first = text.chars().next().unwrap();
            assert!(first.is_uppercase() || first == '`', "{check}: {text}");
        }
    }
}

#[test]
fn a_misspelt_name_finds_its_neighbours_and_a_foreign_one_none() {
    assert_eq!(nearest("tcb-mismach").first().map(String::as_str), Some("tcb-mismatch"));
    assert!(nearest("vek").iter().all(|name| name.contains("vek")));
    assert!(nearest("completely-unlike-anything-known").is_empty());
}

fn markdown() -> String {
    let mut text = "# Checks\n\nEvery refusal names the check that failed. `avouch explain NAME` tells of one what \
                    stands here of all.\n\nThis page is made from the catalogue in `crates/cli/src/checks/`.\n"
        .to_owned();
    let mut subject = "";
    for page in pages() {
        if page.subject != subject {
            subject = page.subject;
            text.push_str(&format!(
                "\n## {subject}\n\n| check | what is checked | why it fails | what to do |\n|---|---|---|---|\n"
            ));
        }
        let cells = [&page.what, &page.why, &page.remedy].map(|cell| cell.replace('|', "\\|"));
        text.push_str(&format!("| `{}` | {} |\n", page.check, cells.join(" | ")));
    }
    text
}

#[test]
fn the_page_is_made_from_the_catalogue() {
    let made = markdown();
    if std::env::var_os("AVOUCH_WRITE_CHECKS").is_some() {
        fs::write(PAGE, &made).unwrap();
    }
    let held = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        held == made,
        "docs/checks.md is not of the catalogue; AVOUCH_WRITE_CHECKS=1 writes it"
    );
}
