//! Many providers with policies of their own, written in bulk: rows as the store writes them, the
//! audit trail of their creation left out.

use std::fmt::Write as _;

use avouch_server::Clock;
use avouch_store::Store;
use avouch_store::testing::run_script;
use avouch_wire::{base64url, encode_hex};
use aws_lc_rs::digest::{SHA256, digest};

/// Beyond every number and sequence used by the store itself in a new database.
const FIRST: u32 = 1_000_000;
const ROWS_PER_STATEMENT: u32 = 500;

pub(crate) fn name(provider: u32) -> String {
    format!("tenant-{provider}")
}

/// A policy of about the size of MAA's default one that no other number has.
fn text(number: u32) -> String {
    format!(
        "version= 1.0;authorizationrules{{=> permit();}};issuancerules{{\
         c:[type==\"x-ms-sgx-is-debuggable\"] => issue(type=\"is-debuggable\", value=c.value);\
         c:[type==\"x-ms-sgx-mrsigner\"] => issue(type=\"sgx-mrsigner\", value=c.value);\
         c:[type==\"x-ms-sgx-mrenclave\"] => issue(type=\"sgx-mrenclave\", value=c.value);\
         => issue(type=\"tenant\", value=\"{number}\");}};"
    )
}

/// That policy as an unsecured JWS.
pub(crate) fn jws(number: u32) -> String {
    let text = base64url::encode(text(number).as_bytes());
    let body = format!("{{\"AttestationPolicy\":\"{text}\"}}");
    format!("{}.{}.", base64url::encode(b"{\"alg\":\"none\"}"), base64url::encode(body.as_bytes()))
}

/// Makes the schema and fills it.
pub(crate) async fn seed(database: &str, providers: u32) {
    Store::open(database, Clock::system().now()).await.unwrap().close().await;
    let mut script = String::new();
    for first in (0..providers).step_by(ROWS_PER_STATEMENT as usize) {
        let numbers = first..providers.min(first + ROWS_PER_STATEMENT);
        write_rows(&mut script, PROVIDERS, numbers.clone(), provider_row);
        write_rows(&mut script, REVISIONS, numbers, revision_row);
    }
    write!(
        script,
        "insert into policies (provider_id, attestation_type, revision) \
         select provider_id, attestation_type, revision from policy_revisions; \
         update store_state set value = value + {providers} where name = 'providers'; \
         update store_state set value = {FIRST} + {providers} where name = 'sequence'; analyze;"
    )
    .unwrap();
    run_script(database, &script).await.unwrap();
}

const PROVIDERS: &str = "insert into providers (id, name, name_key, subscription, \
    subscription_key, resource_group, resource_group_key, location, tags, trust_model, status, \
    settings, revision, signers_revision, version, created_at, created_by, created_by_kind, \
    updated_at, updated_by, updated_by_kind) values ";
const REVISIONS: &str = "insert into policy_revisions (provider_id, attestation_type, revision, \
    sequence, action, jws, token_hash, text_hash, at, actor, actor_kind) values ";

fn write_rows(
    script: &mut String,
    head: &str,
    numbers: std::ops::Range<u32>,
    row: fn(u32) -> String,
) {
    let rows: Vec<String> = numbers.map(row).collect();
    writeln!(script, "{head}{};", rows.join(",")).unwrap();
}

fn provider_row(number: u32) -> String {
    let (id, name) = (FIRST + number, name(number));
    format!(
        "({id}, '{name}', '{name}', 's', 's', 'bench', 'bench', 'westus', '{{}}', 'AAD', 'Ready', \
         '{{}}', {id}, {id}, {id}, 1790000000, 'benchmark', 'Application', 1790000000, \
         'benchmark', 'Application')"
    )
}

fn revision_row(number: u32) -> String {
    let id = FIRST + number;
    let jws = jws(number);
    let token_hash = encode_hex(digest(&SHA256, jws.as_bytes()).as_ref());
    let text = base64url::encode(text(number).as_bytes());
    let text_hash = encode_hex(digest(&SHA256, text.as_bytes()).as_ref());
    let jws = encode_hex(jws.as_bytes());
    format!(
        "({id}, 'SgxEnclave', 1, {id}, 'set', 'x:{jws}', 'x:{token_hash}', 'x:{text_hash}', \
         1790000000, 'benchmark', 'Application')"
    )
}
