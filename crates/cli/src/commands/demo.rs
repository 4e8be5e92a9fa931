//! `avouch demo`

mod attest;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use attest::{Attested, Relying};
use avouch_endorsements::EndorsementSet;
use avouch_engine::Anchors;
use avouch_mint::{Minted, Options, mint};
use avouch_server::{Clock, Config};
use avouch_wire::EvidenceKind;
use clap::Args;
use serde_json::json;

use super::serve::{Judge, Prepared, prepare_development, runtime};
use crate::failure::{Failure, Verdict};
use crate::output::{self, OutputOptions};
use crate::setup;

/// Mint evidence of every supported kind, start a service, attest, verify the tokens as a relying
/// party does, tamper with the evidence and see it refused; then keep serving.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Stop after the demonstration.
    #[arg(long)]
    once: bool,
    /// Folder for keys and certificates.
    #[arg(long, value_name = "DIR", default_value = "avouch-data/demo")]
    data_dir: PathBuf,
    /// Port to listen on, on loopback; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

pub(crate) fn run(args: DemoArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    runtime()?.block_on(demonstrate(args, output))
}

async fn demonstrate(args: DemoArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let minted = mint_all()?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let mut config = Config::default();
    config.server.listen = Some(listen);
    config.server.data_dir = Some(args.data_dir);
    let judge = judge_for(&config, &minted)?;
    let Prepared { server, state, url, ca } =
        prepare_development(&config, judge, Clock::system()).await?;
    let ca = ca.ok_or_else(|| Failure::other("the service has no CA of its own"))?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(state, async {
        let _ = stopped.await;
    }));

    let relying = Relying::new(&url, &ca).await?;
    let mut attested = Vec::new();
    for minted in &minted {
        attested.push(relying.demonstrate(minted).await?);
    }
    let all_well = attested.iter().all(Attested::is_well);
    let rows: Vec<_> = attested.iter().map(Attested::to_json).collect();
    let answer = json!({"url": url, "ca": ca, "well": all_well, "attested": rows});
    output.answer(&answer, || story(&url, &attested))?;

    if !args.once {
        output::note(&format!(
            "\nThe service keeps answering at {url}. Ctrl-C stops it. Try, in another window:\n  \
             curl --cacert {0} {url}/certs\n  \
             curl --cacert {0} {url}/.well-known/openid-configuration\n  \
             curl --cacert {0} -H 'authorization: Bearer any' '{url}/policies/SgxEnclave?api-version=2022-08-01'",
            ca.display()
        ));
        setup::stop_signal().await;
    }
    drop(stop);
    serving.await.map_err(Failure::other)?;
    Ok(Verdict::of(all_well))
}

/// One piece of evidence of each kind, all valid now.
fn mint_all() -> Result<Vec<Minted>, Failure> {
    let options = Options::new(setup::present());
    EvidenceKind::appraised().map(|kind| mint(kind, &options).map_err(Failure::other)).collect()
}

/// What trusts the minted roots and has the minted endorsements.
fn judge_for(config: &Config, minted: &[Minted]) -> Result<Judge, Failure> {
    let mut anchors = Anchors::built_in();
    let mut endorsements = EndorsementSet::default();
    for minted in minted {
        let vendor = minted.root_vendor().map(str::parse).transpose().map_err(Failure::other)?;
        let roots = anchors.with_roots(vendor, minted.root_pem.as_bytes());
        anchors = roots.map_err(Failure::other)?;
        endorsements.add(&minted.endorsements).map_err(Failure::other)?;
    }
    Ok(Judge::new(config, anchors, endorsements))
}

fn story(url: &str, attested: &[Attested]) -> String {
    let mut text = format!("A service answers at {url}.\n");
    for one in attested {
        text.push_str(&one.story());
    }
    text.push_str(
        "\nThe evidence was minted under a made-up vendor root, which this service was told to \
         trust;\nits tokens say so in the claim avouch-trust-root.\n",
    );
    text
}
