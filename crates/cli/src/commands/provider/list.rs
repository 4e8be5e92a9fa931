//! `avouch provider list`

use clap::Args;
use serde_json::{Value, json};

use super::view::View;
use super::{CONTROL_PLANE, SUBSCRIPTION, resource_group, subscription};
use crate::client::Stop;
use crate::commands::admin::{ServiceArgs, table};
use crate::failure::Verdict;
use crate::output::OutputOptions;

/// Providers asked for at a time; without it the service sends all in one answer.
const PAGE_ROWS: u32 = 500;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch provider list --url https://attest.example --token-file token\n  \
    avouch provider list --resource-group laboratory --output json")]
pub(super) struct ListArgs {
    /// Subscription whose providers to list.
    #[arg(long, value_name = "NAME", env = "AVOUCH_SUBSCRIPTION", default_value = SUBSCRIPTION,
        value_parser = subscription, help_heading = "Service")]
    subscription: String,
    /// Only those of this resource group.
    #[arg(long, value_name = "NAME", value_parser = resource_group, help_heading = "Service")]
    resource_group: Option<String>,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) fn run(args: &ListArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let session = args.service.session()?;
    let group = args.resource_group.as_ref();
    let group = group.map(|name| format!("/resourceGroups/{name}")).unwrap_or_default();
    let path = format!(
        "/subscriptions/{}{group}/providers/Microsoft.Attestation/attestationProviders\
         ?{CONTROL_PLANE}&$top={PAGE_ROWS}",
        args.subscription
    );
    let providers: Vec<Value> = session.list(&path)?;
    let answer = json!({"url": session.url().as_str(), "providers": providers});
    output.answer(&answer, || {
        if providers.is_empty() {
            return "no providers that the caller may read".to_owned();
        }
        let titles = ["name", "trust model", "status", "location", "URL"];
        let rows: Vec<[String; 5]> = providers
            .iter()
            .map(|provider| {
                ["name", "trustModel", "status", "location", "attestUri"]
                    .map(|name| View(provider).text(name))
            })
            .collect();
        table(titles, &rows)
    })?;
    Ok(Verdict::Yes)
}
