//! `avouch provider`

mod create;
mod delete;
mod list;
mod show;
mod view;

use avouch_store::{ProviderName, ResourceScope};
use clap::{Args, Subcommand};

use super::admin::ServiceArgs;
use crate::client::conclude;
use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

/// Version of the control plane that is spoken.
const CONTROL_PLANE: &str = "api-version=2021-06-01";
/// Where providers are if nobody says where.
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
const RESOURCE_GROUP: &str = "avouch";

/// Create, list, show and delete attestation providers of a running service.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch provider create contoso --url https://attest.example --token-file token\n  \
    avouch provider list\n  \
    avouch provider delete contoso --yes\n\n\
    The last two take URL and token from AVOUCH_URL and AVOUCH_TOKEN.")]
pub(crate) struct ProviderArgs {
    #[command(subcommand)]
    command: ProviderCommand,
}

/// What to do with providers.
#[derive(Debug, Subcommand)]
enum ProviderCommand {
    /// Create a provider: trust model Isolated if it has signers, AAD if not.
    Create(create::CreateArgs),
    /// List the providers that the caller may read.
    List(list::ListArgs),
    /// Show one provider.
    Show(show::ShowArgs),
    /// Delete a provider with its policies and signers.
    Delete(delete::DeleteArgs),
}

/// Where in the control plane.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
struct ScopeArgs {
    /// Subscription: any word, Azure's are UUIDs; it only groups providers.
    #[arg(long, value_name = "NAME", env = "AVOUCH_SUBSCRIPTION", default_value = SUBSCRIPTION,
        value_parser = subscription)]
    subscription: String,
    /// Resource group: any name; it only groups providers.
    #[arg(long, value_name = "NAME", env = "AVOUCH_RESOURCE_GROUP",
        default_value = RESOURCE_GROUP, value_parser = resource_group)]
    resource_group: String,
}

/// One provider of a service.
#[derive(Debug, Args)]
struct OneArgs {
    /// Name of the provider: 3 to 24 letters, digits and hyphens.
    #[arg(value_parser = provider_name)]
    name: String,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(crate) fn run(args: &ProviderArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let result = match &args.command {
        ProviderCommand::Create(args) => create::run(args, output),
        ProviderCommand::List(args) => list::run(args, output),
        ProviderCommand::Show(args) => show::run(args, output),
        ProviderCommand::Delete(args) => delete::run(args, output),
    };
    conclude(result, output)
}

impl OneArgs {
    fn path(&self) -> String {
        let ScopeArgs { subscription, resource_group } = &self.scope;
        let group = format!("/subscriptions/{subscription}/resourceGroups/{resource_group}");
        let name = &self.name;
        format!(
            "{group}/providers/Microsoft.Attestation/attestationProviders/{name}?{CONTROL_PLANE}"
        )
    }
}

fn provider_name(text: &str) -> Result<String, String> {
    ProviderName::key_of(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn subscription(text: &str) -> Result<String, String> {
    scoped(text, "any", text)
}

fn resource_group(text: &str) -> Result<String, String> {
    scoped("any", text, text)
}

/// By the service's own rules, which leave nothing that a path would be changed by.
fn scoped(subscription: &str, resource_group: &str, text: &str) -> Result<String, String> {
    let scope = ResourceScope::parse(subscription, resource_group);
    scope.map(|_| text.to_owned()).map_err(|error| error.to_string())
}
