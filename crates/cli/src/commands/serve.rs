//! `avouch serve`

mod reload;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{Anchors, Engine};
use avouch_release::ReleaseSigner;
use avouch_server::config::TrustRoot;
use avouch_server::keys::{MasterKeys, hide_memory};
use avouch_server::publication::{Documents, PublishedDocuments};
use avouch_server::vault::{development_signer, keep_purged, release_signer};
use avouch_server::{
    Access, AppState, AtHand, Authenticator, Clock, Cloud, Collateral, CollateralServer, Config,
    ConfigError, DevelopmentCa, EvidenceKeeper, Monitoring, OwnTee, ProviderUrls, Providers,
    ProvidersOptions, Server, ServerError, Settings, SigningKeys, TlsFiles, TokenExchanges,
    TpmConversations, Vault, Webhook, WorkPool, server_config, signing_key,
};
use avouch_store::Store;
use avouch_token::SigningKey;
use avouch_wire::UnixTime;
use clap::Args;
use reload::Reload;

use crate::failure::{Failure, Verdict};
use crate::logging::{LogControl, ServiceLog};
use crate::{output, setup};

/// The longest that the end waits for files that are being read or written.
const LAST_FILES_WITHIN: Duration = Duration::from_secs(1);

/// What the secret of conversations with TPMs is derived from the master key for.
const CONVERSATIONS: &[u8] = b"avouch conversations 1";

/// Run the service.
///
/// With `--dev` everything is made up on the spot: a TLS certificate under a CA of its own, a
/// signing key, and any bearer token counts as an administrator's; it listens on loopback only.
/// Without it a configuration file says what the service needs to be safely reached by others, and
/// whatever is missing is listed.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  \
    avouch mint sgx --out minted\n  \
    avouch serve --dev --endorsements minted/endorsements.json --trust-root minted/root.pem")]
pub(crate) struct ServeArgs {
    /// Configuration file, TOML; see docs/configuration.md.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for keys, certificates and state [default: avouch-data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address to listen on; port 0 takes any free one [default: 127.0.0.1:8443].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Endorsements: a file or folder; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub(crate) endorsements: Vec<PathBuf>,
    /// Fetch no endorsements: only those in files count.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Leave damaged files of endorsement folders out, with a warning, instead of refusing to start.
    #[arg(long)]
    pub(crate) skip_damaged_endorsements: bool,
    /// Of which AMD roots there must be a CRL: required (of each), where-kept (of each, if there
    /// is one of any), optional [default: required where AMD's CRLs are fetched, else where-kept].
    #[arg(long, value_name = "RULE")]
    pub(crate) amd_crl: Option<avouch_snp::CrlRule>,
    /// Intel TCB statuses to accept, separated by commas, or `any`
    /// [default: UpToDate,SWHardeningNeeded].
    #[arg(long, value_name = "LIST")]
    pub(crate) accept_tcb_status: Option<avouch_dcap::AcceptedTcbStatuses>,
    /// Development mode: loopback only, made-up TLS, any bearer token is an administrator.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Judge evidence at this moment instead of now, to replay recorded evidence (with --dev).
    #[arg(long, value_name = "RFC3339", requires = "dev")]
    pub(crate) appraise_at: Option<UnixTime>,
    /// Root certificates to trust besides the vendors' own, PEM or DER, as intel=FILE, amd=FILE,
    /// tpm=FILE or windows=FILE; a file alone where the roots are named like a vendor's. May be repeated
    /// (with --dev).
    #[arg(long, value_name = "[VENDOR=]FILE")]
    pub(crate) trust_root: Vec<TrustRoot>,
}

/// A service that listens and is about to answer.
pub(crate) struct Prepared {
    pub(crate) server: Server,
    pub(crate) state: Arc<AppState>,
    pub(crate) url: String,
    /// Certificate of the made-up CA, in development.
    pub(crate) ca: Option<PathBuf>,
}

/// What judges evidence, and by what.
pub(crate) struct Judge {
    engine: Engine,
    at_hand: Arc<AtHand>,
}

impl Judge {
    /// By the endorsements in files, and what is fetched over them.
    pub(crate) fn new(config: &Config, anchors: Anchors, files: EndorsementSet) -> Self {
        let at_hand = Arc::new(AtHand::of_files(files));
        let engine = at_hand.engine(anchors, config.limits.remembered_bytes_max);
        Self { engine, at_hand }
    }
}

pub(crate) fn run(args: ServeArgs) -> Result<Verdict, Failure> {
    let settings = settings(&args)?;
    let config = configuration(&args, &settings)?;
    let log = ServiceLog::start(&config.telemetry)?;
    hide_memory();
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(args, settings, &config, log.control()));
    runtime.shutdown_timeout(LAST_FILES_WITHIN);
    log.finish();
    outcome
}

async fn serve(
    args: ServeArgs,
    settings: Settings,
    config: &Config,
    log: LogControl,
) -> Result<Verdict, Failure> {
    let clock = clock(config)?;
    let anchors = setup::anchors(&config.appraisal.trust_roots.0)?;
    let rule = config.endorsements.amd_crl_rule(args.dev);
    let endorsements = setup::endorsements(&config.endorsements, rule).map_err(Failure::other)?;
    let judge = Judge::new(config, anchors.clone(), endorsements);
    let prepared = if args.dev {
        prepare_development(config, judge, clock).await?
    } else {
        prepare_production(config, judge, clock).await?
    };
    let at_hand = &prepared.state.at_hand;
    let store = prepared.state.providers.store();
    at_hand.take_import(store).await.map_err(Failure::other)?;
    // What is fetched takes the place of what is weak, and is told by itself.
    if !config.endorsements.is_fetching(args.dev) {
        setup::warn_of_weak_endorsements(&at_hand.snapshot(), rule, clock.appraisal_time());
    }
    let fetching = at_hand
        .start_fetching(&config.endorsements, args.dev, anchors, &clock, store)
        .await
        .map_err(Failure::other)?;
    // Whoever reads the URL may send a signal.
    let (stop, hangups) = (setup::stop_signal(), setup::hangups());
    if args.dev {
        output::note(&greeting(config, &prepared));
    }
    tracing::info!(url = prepared.url, address = %prepared.server.address(), "answering");
    output::line(&prepared.url)?;
    let Prepared { server, state, .. } = prepared;
    let counted = log.clone();
    state.readiness.count_lost_log_lines(move || counted.lost_lines());
    let reload = Reload::new(args, settings, Arc::clone(&state), server.tls(), log.clone());
    let (at_hand, store) = (Arc::clone(&state.at_hand), state.providers.store().clone());
    let purged = Arc::clone(&state);
    tokio::select! {
        () = server.run(state, stop) => {}
        // The others have no end of their own.
        () = reload.on_each(hangups) => {}
        () = log.tell_of_losses() => {}
        () = at_hand.follow_imports(&store) => {}
        () = keep_purged(&purged) => {}
    }
    drop(fetching);
    Ok(Verdict::Yes)
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::other)
}

/// The file, and the environment over it.
fn settings(args: &ServeArgs) -> Result<Settings, Failure> {
    // Names and words that are no Unicode are none of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, word)| Some((name.into_string().ok()?, word.into_string().ok()?)));
    Settings::load(args.config.as_deref(), environment).map_err(Failure::other)
}

/// The settings, and the flags over them; refused where that would be insecure.
fn configuration(args: &ServeArgs, settings: &Settings) -> Result<Config, Failure> {
    let args = args.clone();
    let mut config = settings.config().map_err(Failure::other)?;
    let server = &mut config.server;
    server.listen = args.listen.or(server.listen);
    server.data_dir = args.data_dir.or(server.data_dir.take());
    if !args.endorsements.is_empty() {
        config.endorsements.paths = args.endorsements;
    }
    config.endorsements.offline |= args.offline;
    config.endorsements.skip_damaged |= args.skip_damaged_endorsements;
    config.endorsements.amd_crl = args.amd_crl.or(config.endorsements.amd_crl);
    if args.accept_tcb_status.is_some() {
        config.appraisal.accepted_tcb_statuses = args.accept_tcb_status;
    }
    if !args.dev && !args.trust_root.is_empty() {
        return Err(Failure::Other(
            "--trust-root is for --dev; a service in production names further roots in its \
             configuration, by the key appraisal.trust_roots"
                .to_owned(),
        ));
    }
    config.appraisal.trust_roots.0.extend(args.trust_root);
    if let Some(at) = args.appraise_at {
        config.dev.appraise_at = Some(at.to_string());
    }
    if args.dev {
        check_loopback(listen(&config))?;
    } else {
        config.check_production().map_err(not_ready)?;
    }
    Ok(config)
}

fn not_ready(error: ConfigError) -> Failure {
    Failure::Other(format!("{error}\nor use --dev for a service on loopback"))
}

fn check_loopback(listen: SocketAddr) -> Result<(), Failure> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    let text = format!("--dev listens on loopback only, and {listen} is not a loopback address");
    Err(Failure::Other(text))
}

fn clock(config: &Config) -> Result<Clock, Failure> {
    let Some(at) = &config.dev.appraise_at else { return Ok(Clock::system()) };
    UnixTime::from_rfc3339(at)
        .map(Clock::appraising_at)
        .map_err(|error| Failure::Other(format!("dev.appraise_at: {error}")))
}

fn listen(config: &Config) -> SocketAddr {
    config.server.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)))
}

pub(crate) fn data_dir(config: &Config) -> PathBuf {
    config.server.data_dir.clone().unwrap_or_else(|| PathBuf::from("avouch-data"))
}

/// A service with an operator's TLS files, key and users, listening and about to answer.
async fn prepare_production(
    config: &Config,
    judge: Judge,
    clock: Clock,
) -> Result<Prepared, Failure> {
    config.check_production().map_err(not_ready)?;
    let tls = tls(config)?;
    let url = config.server.public_url.clone().ok_or_else(|| missing("server.public_url"))?;
    let key = config.signing.key_file.as_ref().map(|file| signing_key::load(file));
    let key = key.transpose().map_err(Failure::other)?;
    let authenticator = Authenticator::new(config.auth.clone()).map_err(Failure::other)?;
    let signer = release_signer_of(config)?;
    let server = bind(config, tls).await?;
    let access = Access::Tokens(authenticator);
    let state = state(config, &url, (key, signer), judge, clock, access).await?;
    Ok(Prepared { server, state, url, ca: None })
}

/// A development service over an engine, listening and about to answer.
pub(crate) async fn prepare_development(
    config: &Config,
    judge: Judge,
    clock: Clock,
) -> Result<Prepared, Failure> {
    let data_dir = data_dir(config);
    let ca = DevelopmentCa::open(&data_dir.join("tls")).map_err(Failure::other)?;
    let tls = ca.server_config(&certificate_names(config)?).map_err(Failure::other)?;
    let server = bind(config, tls).await?;
    let url = config.server.public_url.clone().unwrap_or_else(|| url_of(server.address()));
    let key = match &config.signing.key_file {
        Some(file) => Some(signing_key::load(file)),
        None if config.signing.has_master_key() => None,
        None => Some(signing_key::open(&data_dir.join("keys"))),
    };
    let key = key.transpose().map_err(Failure::other)?;
    let access = Access::AnyBearerIsAdministrator;
    let signer = match (release_signer_of(config)?, &config.vault.host) {
        (Some(signer), _) => Some(signer),
        (None, Some(host)) => Some(development_signer(&ca, host).map_err(Failure::other)?),
        (None, None) => None,
    };
    let state = state(config, &url, (key, signer), judge, clock, access).await?;
    Ok(Prepared { server, state, url, ca: Some(ca.certificate_path().to_owned()) })
}

async fn bind(config: &Config, tls: Arc<rustls::ServerConfig>) -> Result<Server, Failure> {
    let bound = Server::bind(listen(config), Some(tls), config.limits.http()).await;
    bound.map_err(|error| {
        let is_taken = matches!(
            &error,
            ServerError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse
        );
        let advice = "another program has the port; choose one with --listen ADDRESS:PORT (demo: \
                      --port PORT), 0 for any free one";
        if is_taken { Failure::Other(format!("{error}: {advice}")) } else { Failure::other(error) }
    })
}

/// The names that clients of a development service may use besides `localhost`.
fn certificate_names(config: &Config) -> Result<Vec<String>, Failure> {
    let listen = url_of(listen(config));
    let url = config.server.public_url.as_deref().unwrap_or(&listen);
    let urls = ProviderUrls::new(url, config.server.base_domain.as_deref());
    let mut names = urls.map_err(Failure::other)?.certificate_names();
    names.extend(config.vault.host.clone());
    Ok(names)
}

/// What signs the answers of the vault, as an operator's files have it.
fn release_signer_of(config: &Config) -> Result<Option<ReleaseSigner>, Failure> {
    let (Some(certificates), Some(private_key)) =
        (&config.vault.certificates, &config.vault.private_key)
    else {
        return Ok(None);
    };
    release_signer(certificates, private_key).map(Some).map_err(Failure::other)
}

/// Opens the database and everything that rests on it.
async fn state(
    config: &Config,
    url: &str,
    (key, signer): (Option<SigningKey>, Option<ReleaseSigner>),
    judge: Judge,
    clock: Clock,
    access: Access,
) -> Result<Arc<AppState>, Failure> {
    let data_dir = data_dir(config);
    let location = config.database_location(&data_dir).map_err(Failure::other)?;
    make_folder(&data_dir)?;
    let store = Store::open_with(&location, &config.limits.store(), clock.now()).await;
    let store = store.map_err(with_cause)?;
    let custody = config.signing.custody().map_err(Failure::other)?;
    let master = custody.as_ref().map(|custody| &custody.master);
    let tpm = conversations(config, master, key.as_ref())?;
    let base_domain = config.server.base_domain.as_deref();
    let urls = ProviderUrls::new(url, base_domain).map_err(Failure::other)?;
    let cloud = Cloud::new(&config.cloud, &config.auth, &urls);
    let vault = match signer {
        Some(signer) => Vault::new(&config.vault, &urls, &cloud, signer).map_err(Failure::other)?,
        None => None,
    };
    let unaware_seconds = config.database.served_without_seconds_max;
    let keys = SigningKeys::open(&config.signing, key, custody, unaware_seconds, &store, clock);
    let keys = keys.await.map_err(Failure::other)?;
    let tee = own_tee(config).await?;
    tee.keep(&keys, clock).await;
    let options = ProvidersOptions {
        urls,
        keys,
        appraisal: config.appraisal.clone(),
        policy_bytes_max: config.limits.policy_bytes_max,
        ready_max: config.limits.providers_ready_max,
        served_without_seconds_max: config.database.served_without_seconds_max,
        ready_bytes_max: config.limits.providers_ready_bytes_max,
        signed_requests_once: config.auth.signed_requests_once,
    };
    for exception in config.appraisal.ended_exceptions(clock.appraisal_time()) {
        let (name, until) = (&exception.name, exception.until.to_rfc3339());
        tracing::warn!(name, until, "a platform exception has ended: such platforms are refused");
    }
    let documents = Documents::read(&config.publication).map_err(Failure::other)?;
    let evidence = EvidenceKeeper::start(&config.audit, store.clone(), clock);
    let webhook = config.monitoring.webhook.as_ref().map(Webhook::new);
    let webhook = webhook.transpose().map_err(Failure::other)?;
    let monitoring = Monitoring::start(&config.monitoring, webhook, store.clone(), clock);
    let providers = Providers::open(store, options, clock.now()).await.map_err(Failure::other)?;
    let work = WorkPool::start(config.limits.work()).map_err(Failure::other)?;
    let site: Arc<dyn Collateral> = Arc::clone(&judge.at_hand) as _;
    let to_site = &config.endorsements.server;
    let state = AppState::new(judge.engine, judge.at_hand, clock, providers, access, work)
        .with_private_networks(config.server.private_networks.clone())
        .with_root_provider(config.server.root_provider)
        .with_cloud(cloud)
        .with_evidence(evidence)
        .with_monitoring(monitoring)
        .with_token_exchange(TokenExchanges::new(config.token_exchange.clone()))
        .with_publication(PublishedDocuments::new(documents))
        .with_tpm(tpm)
        .with_tee(tee)
        .with_vault(vault)
        .with_collateral_server(to_site.enabled.then(|| CollateralServer::new(site, to_site)));
    Ok(Arc::new(state))
}

/// The TEE that the service runs in: a demanded one must be there.
async fn own_tee(config: &Config) -> Result<Arc<OwnTee>, Failure> {
    let tee = OwnTee::open(&config.tee).await;
    tee.map(Arc::new).map_err(|error| {
        let source = config.tee.source.name();
        Failure::Other(format!("tee.source is {source:?}: {error}"))
    })
}

/// Conversations with TPMs, sealed under what all instances have: their master key, or their key file.
fn conversations(
    config: &Config,
    master: Option<&MasterKeys>,
    key: Option<&SigningKey>,
) -> Result<TpmConversations, Failure> {
    let tpm = config.tpm.clone();
    if let Some(master) = master {
        let secrets = master.all().map(|key| key.derive(CONVERSATIONS));
        return Ok(TpmConversations::derived_of_all(secrets.map(|secret| secret.to_vec()), tpm));
    }
    let key = key.ok_or_else(|| missing("signing.key_file"))?;
    let secret = key.to_pkcs8_der().map_err(Failure::other)?;
    Ok(TpmConversations::derived(&secret, tpm))
}

/// TLS as an operator's files have it.
fn tls(config: &Config) -> Result<Arc<rustls::ServerConfig>, Failure> {
    let tls = config.server.tls.as_ref().ok_or_else(|| missing("server.tls"))?;
    let files = TlsFiles {
        certificates: tls.certificates.clone(),
        private_key: tls.private_key.clone(),
        client_ca: tls.client_ca.clone(),
    };
    signing_key::warn_of_readers(&files.private_key);
    server_config(&files).map_err(|error| {
        let (certificates, key) = (files.certificates.display(), files.private_key.display());
        Failure::Other(format!("{error} ({certificates}, {key})"))
    })
}

fn missing(what: &str) -> Failure {
    Failure::Other(format!("{what} is not set"))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

/// A store's error says what failed; why is in its cause.
pub(crate) fn with_cause(error: avouch_store::StoreError) -> Failure {
    match std::error::Error::source(&error) {
        Some(cause) => Failure::Other(format!("{error}: {cause}")),
        None => Failure::other(error),
    }
}

/// `localhost` rather than the address: clients check the name.
fn url_of(address: SocketAddr) -> String {
    if address.ip() == SocketAddr::from(([127, 0, 0, 1], 0)).ip() {
        format!("https://localhost:{}", address.port())
    } else {
        format!("https://{address}")
    }
}

/// The request that `avouch mint` wrote beside endorsements, as it is reached from here.
fn request_beside(endorsements: &[PathBuf]) -> String {
    let beside = endorsements.iter().map(|path| path.with_file_name("request.json"));
    let found = beside.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| PathBuf::from("minted/request.json")).display().to_string()
}

fn greeting(config: &Config, prepared: &Prepared) -> String {
    let url = &prepared.url;
    let ca = prepared.ca.as_deref().unwrap_or(Path::new("")).display();
    let request = request_beside(&config.endorsements.paths);
    let mut text = format!(
        "Avouch answers at {url} (development mode: loopback only, any bearer token is an \
         administrator).\nIts CA certificate is {ca}\n"
    );
    if let Some(at) = &config.dev.appraise_at {
        text.push_str(&format!("Evidence is judged at {at}, not now.\n"));
    }
    text.push_str(&format!(
        "\nTry:\n  curl --cacert {ca} {url}/certs\n  \
         curl --cacert {ca} {url}/.well-known/openid-configuration\n  \
         curl --cacert {ca} -X POST -H 'content-type: application/json' -d @{request} \\\n       \
         '{url}/attest/SgxEnclave?api-version=2020-10-01'\n\
         `avouch mint sgx --out minted` makes such a request.\n\nCtrl-C stops it.\n"
    ));
    text
}
