//! `avouch serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_engine::{AppraisalSettings, Engine};
use avouch_server::state::Access;
use avouch_server::{
    AppState, Clock, DevelopmentCa, Limits, Provider, Providers, Server, signing_key,
};
use avouch_token::provider_certificate;
use avouch_wire::UnixTime;
use clap::Args;

use crate::failure::{Failure, Verdict};
use crate::{output, setup};

/// Run the service.
///
/// With `--dev` everything is made up on the spot: a TLS certificate under a CA of its own, a
/// signing key, and any bearer token counts as an administrator's; it listens on loopback only.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch mint sgx --out minted\n  \
    avouch serve --dev --endorsements minted/endorsements.json --trust-root minted/root.pem")]
pub(crate) struct ServeArgs {
    /// Folder for keys, certificates and state.
    #[arg(long, value_name = "DIR", default_value = "avouch-data")]
    pub(crate) data_dir: PathBuf,
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// Endorsements: a file or folder; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) endorsements: Vec<PathBuf>,
    /// Intel TCB statuses to accept, separated by commas, or `any`.
    #[arg(long, value_name = "LIST", default_value = "UpToDate,SWHardeningNeeded")]
    pub(crate) accept_tcb_status: avouch_dcap::AcceptedTcbStatuses,
    /// Development mode: loopback only, made-up TLS, any bearer token is an administrator.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Judge evidence at this moment instead of now, to replay recorded evidence (with --dev).
    #[arg(long, value_name = "RFC3339", requires = "dev")]
    pub(crate) appraise_at: Option<UnixTime>,
    /// A root certificate to trust besides the vendors' own, PEM; may be repeated (with --dev).
    #[arg(long, value_name = "FILE", requires = "dev")]
    pub(crate) trust_root: Vec<PathBuf>,
}

/// A service that listens and is about to answer.
pub(crate) struct Prepared {
    pub(crate) server: Server,
    pub(crate) state: Arc<AppState>,
    pub(crate) url: String,
    pub(crate) ca: PathBuf,
}

pub(crate) fn run(args: ServeArgs) -> Result<Verdict, Failure> {
    check_security(&args)?;
    runtime()?.block_on(async {
        let prepared = prepare(&args).await?;
        output::note(&greeting(&args, &prepared));
        output::line(&prepared.url)?;
        prepared.server.run(prepared.state, setup::stop_signal()).await;
        Ok(Verdict::Yes)
    })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::other)
}

/// Refuses what would be insecure, and says what is missing.
fn check_security(args: &ServeArgs) -> Result<(), Failure> {
    if !args.dev {
        return Err(Failure::Other(
            "serving outside of development needs a TLS certificate, an issuer of bearer tokens \
             and a signing key in a configuration file, which this build does not read yet; use \
             --dev for a service on loopback"
                .to_owned(),
        ));
    }
    if !args.listen.ip().is_loopback() {
        return Err(Failure::Other(format!(
            "--dev listens on loopback only, and {} is not a loopback address",
            args.listen
        )));
    }
    Ok(())
}

/// Loads everything and listens.
async fn prepare(args: &ServeArgs) -> Result<Prepared, Failure> {
    let engine =
        Engine::new(setup::anchors(&args.trust_root)?, setup::endorsements(&args.endorsements)?);
    let clock = args.appraise_at.map_or_else(Clock::system, Clock::appraising_at);
    let mut settings = AppraisalSettings::default();
    settings.intel.tcb_statuses = args.accept_tcb_status.clone();
    prepare_development(&args.data_dir, args.listen, engine, clock, settings).await
}

/// A development service over an engine, listening and about to answer.
pub(crate) async fn prepare_development(
    data_dir: &Path,
    listen: SocketAddr,
    engine: Engine,
    clock: Clock,
    settings: AppraisalSettings,
) -> Result<Prepared, Failure> {
    let ca = DevelopmentCa::open(&data_dir.join("tls")).map_err(Failure::other)?;
    let tls = ca.server_config(&[]).map_err(Failure::other)?;
    let server =
        Server::bind(listen, Some(tls), Limits::default()).await.map_err(Failure::other)?;
    let url = url_of(server.address());
    let provider = provider(data_dir, &url, settings)?;
    let access = Access::AnyBearerIsAdministrator;
    let state = Arc::new(AppState::new(engine, clock, Providers::only(provider), access));
    Ok(Prepared { server, state, url, ca: ca.certificate_path().to_owned() })
}

/// `localhost` rather than the address: clients check the name.
fn url_of(address: SocketAddr) -> String {
    if address.ip() == SocketAddr::from(([127, 0, 0, 1], 0)).ip() {
        format!("https://localhost:{}", address.port())
    } else {
        format!("https://{address}")
    }
}

fn provider(data_dir: &Path, url: &str, settings: AppraisalSettings) -> Result<Provider, Failure> {
    let key = Arc::new(signing_key::open(&data_dir.join("keys")).map_err(Failure::other)?);
    let certificate = provider_certificate(key.as_ref(), url, None).map_err(Failure::other)?;
    Provider::with_default_policies(url, key, &certificate, settings).map_err(Failure::other)
}

fn greeting(args: &ServeArgs, prepared: &Prepared) -> String {
    let (url, ca) = (&prepared.url, prepared.ca.display());
    let mut text = format!(
        "Avouch answers at {url} (development mode: loopback only, any bearer token is an \
         administrator).\nIts CA certificate is {ca}\n"
    );
    if let Some(at) = args.appraise_at {
        text.push_str(&format!("Evidence is judged at {at}, not now.\n"));
    }
    text.push_str(&format!(
        "\nTry:\n  curl --cacert {ca} {url}/certs\n  \
         curl --cacert {ca} {url}/.well-known/openid-configuration\n  \
         curl --cacert {ca} -X POST -H 'content-type: application/json' -d @request.json \\\n       \
         '{url}/attest/SgxEnclave?api-version=2020-10-01'\n\nCtrl-C stops it.\n"
    ));
    text
}
