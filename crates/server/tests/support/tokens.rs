//! A token file for the tests of roles.

use avouch_server::{Access, Authenticator, Config};
use avouch_wire::encode_hex;

/// A row of a token file; without providers the role holds at all of them.
pub(crate) struct Token<'a> {
    pub(crate) name: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) role: &'a str,
    pub(crate) providers: &'a [&'a str],
}

/// Access by these tokens; `auth` are more settings of `[auth]`.
pub(crate) fn access(tokens: &[Token<'_>], auth: &str) -> Access {
    let text: String = tokens.iter().map(row).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.toml");
    std::fs::write(&file, text).unwrap();
    let text = format!("[auth]\ntoken_file = {file:?}\n{auth}");
    let config = Config::parse(&text, "test", []).unwrap();
    Access::Tokens(Authenticator::new(config.auth).unwrap())
}

fn row(token: &Token<'_>) -> String {
    let Token { name, secret, role, providers } = token;
    let digest = encode_hex(avouch_pki::digest::sha256(secret.as_bytes()).as_bytes());
    let some = (!providers.is_empty()).then(|| format!("providers = {providers:?}\n"));
    format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{digest}\"\nrole = \"{role}\"\n")
        + &some.unwrap_or_default()
}
