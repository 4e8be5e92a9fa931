//! `avouch provider show`

use clap::Args;

use super::OneArgs;
use super::view::View;
use crate::client::Stop;
use crate::failure::Verdict;
use crate::output::OutputOptions;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    avouch provider show contoso --url https://attest.example --token-file token")]
pub(super) struct ShowArgs {
    #[command(flatten)]
    one: OneArgs,
}

pub(super) fn run(args: &ShowArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let provider = args.one.service.session()?.get_json(&args.one.path())?;
    let view = View(&provider);
    view.name()?;
    output.answer(&provider, || view.lines())?;
    Ok(Verdict::Yes)
}
