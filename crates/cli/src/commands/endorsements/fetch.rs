//! `avouch endorsements fetch`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use avouch_endorsements::{
    EndorsementName, Fetched, HttpSource, Keeper, KeeperParts, KeeperSettings, Need, NoShelf,
    Published, Source, SourceConfig, SourceKind, SystemClock, TcbEvaluation, select,
};
use avouch_engine::Anchors;
use avouch_server::config::TrustRoot;
use clap::Args;

use super::files::in_order;
use super::machines::{Machines, refuse_missing};
use super::signed::{Signing, write_bundle};
use crate::commands::serve::runtime;
use crate::failure::{Failure, Verdict, read};
use crate::output::{OutputOptions, note};
use crate::setup;

/// Fetch what machines need from vendors or caches, verify it, and put it into a bundle.
///
/// Without `--source` Intel's and AMD's own services are asked; AMD's gives about one VCEK in ten seconds.
/// If anything that is needed cannot be had, it is named, and nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch endorsements fetch --out site.json --evidence fleet/\n  \
    avouch endorsements fetch --out site.json --fmspc 00606a000000 \
    --source pccs=https://pccs.example:8081 --ca pccs-ca.pem")]
pub(super) struct FetchArgs {
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    machines: Machines,
    /// The VCEK of a chip and what is above it: PRODUCT/CHIP_ID/TCB, the TCB in 16 hex digits as in a
    /// report; may be repeated.
    #[arg(long, value_name = "CHIP", value_parser = vcek)]
    chip: Vec<EndorsementName>,
    /// Where to ask, in this order: pcs, pccs, thim or kds, and an address; may be repeated
    /// [default: Intel's and AMD's own].
    #[arg(long, value_name = "KIND=URL", value_parser = source)]
    source: Vec<SourceConfig>,
    /// Of which TCB recoveries: standard, early or a TCB evaluation data number; may be repeated.
    #[arg(long, value_name = "WHICH", default_value = "standard")]
    evaluation: Vec<TcbEvaluation>,
    /// CA certificates to trust for connections instead of the system's: PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Proxy to go through.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Longest wait for all of it.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    wait_seconds: u64,
    /// Root certificates to trust besides the vendors' own, PEM or DER, as intel=FILE or amd=FILE; may be
    /// repeated.
    #[arg(long, value_name = "[VENDOR=]FILE")]
    trust_root: Vec<TrustRoot>,
    #[command(flatten)]
    signing: Signing,
}

fn vcek(text: &str) -> Result<EndorsementName, String> {
    let form = || "expected PRODUCT/CHIP_ID/TCB, such as milan/…/…, in hex".to_owned();
    let (product, id) = text.split_once('/').ok_or_else(form)?;
    format!("amd/{product}/vcek/{id}").parse().map_err(|_| form())
}

fn source(text: &str) -> Result<SourceConfig, String> {
    const KINDS: [SourceKind; 4] =
        [SourceKind::Pcs, SourceKind::Pccs, SourceKind::Thim, SourceKind::Kds];
    let (kind, url) = text.split_once('=').unwrap_or((text, ""));
    let known = || KINDS.map(SourceKind::name).join(", ");
    let kind = KINDS.into_iter().find(|one| one.name() == kind);
    let kind = kind.ok_or_else(|| format!("expected KIND=URL; kinds are: {}", known()))?;
    Ok(SourceConfig::new(url, kind, url))
}

pub(super) fn run(args: &FetchArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let signer = args.signing.read()?;
    let anchors = setup::anchors(&args.trust_root)?;
    let sources = sources(args)?;
    let mut needs = args.machines.needs()?;
    needs.extend(args.chip.iter().filter_map(Need::of_vcek));
    let mut names = Need::names(&needs, &args.evaluation);
    names.extend(args.chip.iter().copied());
    if names.is_empty() {
        let what = "say what to fetch: --evidence DIR, --fmspc FMSPC or --chip CHIP";
        return Err(Failure::Other(what.to_owned()));
    }
    note(&format!("fetching {} endorsements", names.len()));
    let wait = Duration::from_secs(args.wait_seconds);
    let (fetched, things) = runtime()?.block_on(fetch(sources, anchors, &names, wait));
    for error in &fetched.failed {
        note(&format!("warning: {error}"));
    }
    for name in &fetched.under_way {
        note(&format!("warning: {name}: no answer within {} s", args.wait_seconds));
    }
    let (things, missing) = select(&things, needs);
    if !missing.is_empty() {
        return refuse_missing(&missing, output);
    }
    let Some(bundle) = in_order(things, output)? else { return Ok(Verdict::No) };
    write_bundle(&args.out, &bundle, signer.as_ref(), setup::present(), output)
}

fn sources(args: &FetchArgs) -> Result<Vec<Arc<dyn Source>>, Failure> {
    let configs = match args.source.as_slice() {
        [] => vec![SourceConfig::intel(), SourceConfig::amd()],
        sources => sources.to_vec(),
    };
    let ca_pem = args.ca.as_deref().map(read).transpose()?;
    let source = |mut config: SourceConfig| {
        (config.ca_pem, config.proxy) = (ca_pem.clone(), args.proxy.clone());
        // Whoever fetches for a fleet waits for every turn.
        config.budget.wait_max = Duration::from_secs(args.wait_seconds);
        let source = HttpSource::new(&config).map_err(Failure::other)?;
        Ok(Arc::new(source) as Arc<dyn Source>)
    };
    configs.into_iter().map(source).collect()
}

/// Asks for everything at once, as far as the sources' budgets allow, and waits.
async fn fetch(
    sources: Vec<Arc<dyn Source>>,
    anchors: Anchors,
    names: &[EndorsementName],
    wait: Duration,
) -> (Fetched, Vec<Arc<Published>>) {
    let settings = KeeperSettings {
        waiting_max: names.len(),
        failures_max: names.len(),
        ..KeeperSettings::default()
    };
    let keeper = Keeper::open(KeeperParts {
        anchors: Arc::new(anchors),
        sources,
        settings,
        clock: Arc::new(SystemClock::start()),
        // Nothing is refreshed, so that nothing must be spread in time.
        chance: Box::new(|| 0.0),
        shelf: Arc::new(NoShelf),
        on_change: Box::new(|_| {}),
    })
    .await;
    let fetched = keeper.fetch(names, wait).await;
    (fetched, keeper.published().into_iter().map(Arc::new).collect())
}
