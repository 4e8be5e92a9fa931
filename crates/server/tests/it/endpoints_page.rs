//! `docs/endpoints.md` is written from the table of endpoints. `AVOUCH_WRITE_ENDPOINTS=1` writes it
//! anew.

use std::fmt::Write as _;

use avouch_server::route::{Needs, Plane, Row, TABLE, Version};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/endpoints.md");

const INTRODUCTION: &str = "\
# Endpoints

Everything that the service answers. A test writes this page from the table in
`crates/server/src/route/table.rs`, by which requests are routed and checked, and fails when the page is not
what it would write.

* Paths match in any case, with or without one trailing slash. A segment in braces stands for any. Where a path
  has a GET it has a HEAD too. A method that a path does not have is 405, with `Allow`.
* **Who**: `anybody`; `who may attest`, which is everybody where `auth.anonymous_attest` says so, else a caller
  with any role that was given to it; `any caller` with a valid token; or the role that a caller needs at the
  provider (see [who may do what](configuration.md#who-may-do-what)). Without it the answer is 401.
* **Version**: whether `api-version` has to be in the query: `yes`, or `any` for a request that has versions of
  its own in Azure, whose answer is the same in each.
* **Audit**: what a change is called in the audit trail, also when it is refused.
";

fn who(row: &Row) -> String {
    match row.needs {
        Needs::Nothing => "anybody".to_owned(),
        Needs::MayAttest => "who may attest".to_owned(),
        Needs::Caller => "any caller".to_owned(),
        Needs::Role(role) => format!("{role:?}"),
        Needs::Vault(role) => format!("`{}`", role.name()),
    }
}

const fn version(row: &Row) -> &'static str {
    match row.version {
        Version::None => "",
        Version::Known => "yes",
        Version::Any => "any",
    }
}

fn section(page: &mut String, title: &str, text: &str, plane: Plane) {
    write!(page, "\n## {title}\n\n{text}\n\n").unwrap();
    page.push_str("| request | what it is for | who | version | audit | in the log |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for row in TABLE.iter().filter(|row| row.plane() == plane) {
        let audit = row.audit.map(|action| format!("`{action}`")).unwrap_or_default();
        let (verb, path, name) = (row.verb.as_str(), row.path, row.name);
        let (about, who, version) = (row.about, who(row), version(row));
        writeln!(page, "| `{verb} {path}` | {about} | {who} | {version} | {audit} | `{name}` |")
            .unwrap();
    }
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let service = "At the root of the service. They are answered when nothing else is, as are those \
        that relying parties read, and have lines of level `debug` in the log.";
    section(&mut page, "The service", service, Plane::Service);
    let collateral = "At the root of the service, where `endorsements.server.enabled` says so; else they \
        are 404. What vendors publish, for the verifiers of a site: see [feeding a \
        site](configuration.md#feeding-a-site).";
    section(&mut page, "Endorsements for a site", collateral, Plane::Collateral);
    let data = "At the root for the default provider, below `/providers/{provider}` for each other \
        one, or under its host name where `server.base_domain` is set.";
    section(&mut page, "A provider", data, Plane::Data);
    let control = "Providers as resources, in the shape of Azure Resource Manager; at the root, and not \
        under the host name of a provider.";
    section(&mut page, "The control plane", control, Plane::Control);
    let vault = "Keys that are released to attested workloads, in the words of Azure Key Vault: under the host \
        of `vault.host`, at nothing else, where nothing else is answered. An empty segment in the place of a \
        version means the current one. Without a token the answer is 401 with the challenge that SDKs want, \
        without the role 403. What Key Vault does besides is 501. See [the release of \
        keys](key-release.md).";
    section(&mut page, "The vault", vault, Plane::Vault);
    page
}

#[test]
fn the_page_tells_of_every_endpoint() {
    let written = page();
    if std::env::var_os("AVOUCH_WRITE_ENDPOINTS").is_some() {
        std::fs::write(PAGE, &written).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        found == written,
        "docs/endpoints.md is stale: AVOUCH_WRITE_ENDPOINTS=1 writes it anew"
    );
}
