//! `avouch policy test`

use std::path::PathBuf;

use avouch_policy::Limits;
use avouch_policy::corpus::{Report, read_directory, run as run_cases};
use clap::Args;
use serde_json::json;

use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, printable};

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Folder of cases.
    directory: PathBuf,
    /// Also list the rules and conditions that no case exercised.
    #[arg(long)]
    coverage: bool,
}

pub(super) fn run(args: &TestArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let mut cases = Vec::new();
    let mut broken = Vec::new();
    let found = read_directory(&args.directory).map_err(Failure::other)?;
    if found.is_empty() {
        let folder = args.directory.display();
        return Err(Failure::Other(format!("{folder} holds no NAME.policy.txt")));
    }
    for case in found {
        match case {
            Ok(case) => cases.push(case),
            Err(error) => broken.push(error.to_string()),
        }
    }
    let mut report = run_cases(&cases, &Limits::default());
    for error in broken {
        report.push_failure("(unreadable case)", error);
    }
    let failed: Vec<_> = report.cases.iter().filter(|case| !case.passed).collect();
    let answer = json!({
        "passed": report.passed,
        "failed": report.failed,
        "failures": failed,
        "coverage": args.coverage.then_some(&report.coverage),
    });
    output.answer(&answer, || text(&report, args.coverage))?;
    Ok(Verdict::of(report.failed == 0))
}

/// Failures, what is not covered, and the sum as the closing line.
fn text(report: &Report, coverage: bool) -> String {
    let mut text = String::new();
    for case in report.cases.iter().filter(|case| !case.passed) {
        text.push_str(&format!("FAILED {}\n", printable(&case.name)));
        for difference in &case.differences {
            text.push_str(&format!("  {}\n", printable(difference)));
        }
    }
    if coverage {
        text.push_str(&report.coverage.to_string());
    }
    text.push_str(&format!("{} passed, {} failed\n", report.passed, report.failed));
    text
}
