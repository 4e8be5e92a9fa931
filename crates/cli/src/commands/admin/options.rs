//! Which service, and who asks.

use std::path::PathBuf;

use avouch_store::ProviderName;
use clap::Args;
use reqwest::header::HeaderValue;

use crate::client::{Http, ServiceUrl, Session};
use crate::failure::{Failure, read_text};

/// Where the token may be instead of in a file. It is never an argument: other users of a machine
/// see those.
const TOKEN_VARIABLE: &str = "AVOUCH_TOKEN";
/// Longest bearer token sent, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Which service, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct ServiceArgs {
    /// URL of the service.
    #[arg(long, value_name = "URL", env = "AVOUCH_URL")]
    url: String,
    /// CA certificates to trust for the connection instead of the system's, PEM; those of
    /// `serve --dev` are in tls/ca.pem of its data folder.
    #[arg(long, value_name = "FILE", env = "AVOUCH_CA")]
    ca: Option<PathBuf>,
    /// File that holds the bearer token; or the token is in AVOUCH_TOKEN. It goes to the host of
    /// the URL and to no other.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The name (`iss`) that the service or provider gives itself, where it is another than the
    /// URL it is reached under.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

/// Which provider of which service, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct TenantArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// The provider of that name; without it URL is the provider's own, and the service's own URL
    /// means its default provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
}

impl ServiceArgs {
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        self.session_at(ServiceUrl::parse("--url", &self.url)?)
    }

    fn session_at(&self, url: ServiceUrl) -> Result<Session, Failure> {
        let issuer = match &self.issuer {
            Some(issuer) => ServiceUrl::parse("--issuer", issuer)?.to_string(),
            None => url.to_string(),
        };
        Ok(Session::new(Http::new(self.ca.as_deref())?, url, issuer, self.bearer()?))
    }

    fn bearer(&self) -> Result<Option<HeaderValue>, Failure> {
        let (source, token) = match &self.token_file {
            Some(path) => (path.display().to_string(), read_text(path)?),
            None => match std::env::var(TOKEN_VARIABLE) {
                Ok(token) if !token.trim().is_empty() => (TOKEN_VARIABLE.to_owned(), token),
                Ok(_) | Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(error) => return Err(Failure::Other(format!("{TOKEN_VARIABLE}: {error}"))),
            },
        };
        bearer(token.trim())
            .map(Some)
            .map_err(|reason| Failure::Other(format!("{source}: {reason}")))
    }
}

impl TenantArgs {
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let url = ServiceUrl::parse("--url", &self.service.url)?;
        let url = match &self.provider {
            None => url,
            // The default provider has one address, the root.
            Some(name) if name.eq_ignore_ascii_case(ProviderName::DEFAULT) => url,
            Some(name) => {
                let name = ProviderName::key_of(name)
                    .map_err(|error| Failure::Other(format!("--provider: {error}")))?;
                url.provider(&name)
            }
        };
        self.service.session_at(url)
    }
}

/// The header for a token, which must be one word of printable ASCII.
fn bearer(token: &str) -> Result<HeaderValue, String> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a bearer token is one word of printable ASCII".to_owned());
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(format!("a bearer token has at most {TOKEN_BYTES_MAX} bytes"));
    }
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    Ok(value)
}
