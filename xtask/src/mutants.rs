//! Mutation testing: small faults are put into the code, one at a time, and a test should notice.
//!
//! All mutants are compiled at once into a copy of the workspace and switched on one at
//! a time by an environment variable. Each is tried with the tests that reach it, quickest first.

mod build;
mod conditions;
mod constants;
mod edit;
mod explain;
mod find;
mod judge;
mod operators;
mod plan;
mod process;
mod report;
mod results;
mod returns;
mod rows;
mod suite;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
mod work;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use explain::Explanations;
use find::Mutant;
use plan::Plan;
use report::Figures;
use results::{Results, hash};
use suite::Suite;

use crate::run::{Outcome, say, target, workspace};

/// The long help.
pub(crate) const HELP: &str = "\
cargo xtask mutants [CRATE...] [--list] [--own] [--open] [--only TEXT] [--fresh] [--jobs N]

Puts small faults (mutants) into a crate, one at a time, and runs the tests that reach each.
A mutant that no test notices survives: a test is missing, or the mutant makes no difference, and
then xtask/mutants.toml says why. Ends with an error if a survivor is not explained there.

  CRATE        claims, token, pki, dcap, snp, policy, server; all if none is named
               (of policy its evaluation, of server authentication and access)
  --list       shows the mutants and runs nothing
  --own        tries the crate's own tests only: quicker, and names more survivors
  --open       only mutants that xtask/mutants.toml does not explain
  --only TEXT  only mutants whose file, function or change contains TEXT
  --fresh      forgets earlier runs; else what was caught in an unchanged file stays caught
  --jobs N     tests at once; as many as there are processors if not given

What changes: comparisons and their bounds, && and ||, conditions that always or never hold, opposite
answers, operators, numbers by one, truth values, results given at once, calls and assignments left
out, arms that change places or are left out, fields, arguments and rows of tables that change places
with their neighbours, also in constants. Not switched: what the compiler computes, texts, patterns.

Results are in target/mutants/CRATE.json, what does not compile in not-compiled.txt beside it, and
a run that was stopped goes on. Tests of the crate are
tried first, then those of the engine for the crates below it. AVOUCH_VECTORS is used as in `test`.
";

/// A crate, or the parts of it, that is mutated.
pub(crate) struct Subject {
    name: &'static str,
    /// Its folder in the workspace.
    folder: &'static str,
    package: &'static str,
    /// Files and folders whose code is mutated.
    sources: &'static [&'static str],
    /// Packages whose tests may notice, its own first.
    tests: &'static [&'static str],
}

impl Subject {
    /// Whether a mutant is one of this subject's.
    fn has(&self, mutant: &Mutant) -> bool {
        Path::new(&mutant.file).starts_with(self.folder)
    }
}

const SUBJECTS: [Subject; 7] = [
    Subject {
        name: "claims",
        folder: "crates/claims",
        package: "avouch-claims",
        sources: &["crates/claims/src"],
        tests: &["avouch-claims", "avouch-engine"],
    },
    Subject {
        name: "token",
        folder: "crates/token",
        package: "avouch-token",
        sources: &["crates/token/src"],
        tests: &["avouch-token", "avouch-engine"],
    },
    Subject {
        name: "pki",
        folder: "crates/pki",
        package: "avouch-pki",
        sources: &["crates/pki/src"],
        tests: &["avouch-pki", "avouch-engine"],
    },
    Subject {
        name: "dcap",
        folder: "crates/dcap",
        package: "avouch-dcap",
        sources: &["crates/dcap/src"],
        tests: &["avouch-dcap", "avouch-engine"],
    },
    Subject {
        name: "snp",
        folder: "crates/snp",
        package: "avouch-snp",
        sources: &["crates/snp/src"],
        tests: &["avouch-snp", "avouch-engine"],
    },
    Subject {
        name: "policy",
        folder: "crates/policy",
        package: "avouch-policy",
        sources: &["crates/policy/src/eval"],
        tests: &["avouch-policy", "avouch-engine"],
    },
    Subject {
        name: "server",
        folder: "crates/server",
        package: "avouch-server",
        sources: &[
            "crates/server/src/auth.rs",
            "crates/server/src/auth",
            "crates/server/src/handlers/access.rs",
        ],
        tests: &["avouch-server"],
    },
];

/// What the words of the command ask for.
struct Wish<'w> {
    subjects: Vec<&'static Subject>,
    only: Option<&'w str>,
    lists: bool,
    is_own_only: bool,
    is_open_only: bool,
    is_fresh: bool,
    jobs: usize,
}

impl<'w> Wish<'w> {
    fn read(words: &[&'w str]) -> Result<Self, String> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut wish = Self {
            subjects: Vec::new(),
            only: None,
            lists: false,
            is_own_only: false,
            is_open_only: false,
            is_fresh: false,
            jobs: processors,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().ok_or_else(|| format!("{word} needs a value"));
            match *word {
                "--list" => wish.lists = true,
                "--own" => wish.is_own_only = true,
                "--open" => wish.is_open_only = true,
                "--fresh" => wish.is_fresh = true,
                "--only" => wish.only = Some(value()?),
                "--jobs" => {
                    let text = value()?;
                    let number = text.parse().ok().filter(|jobs| *jobs > 0);
                    wish.jobs = number.ok_or_else(|| format!("{text:?} is no number of jobs"))?;
                }
                name => {
                    let known = SUBJECTS.iter().find(|subject| subject.name == name);
                    wish.subjects.push(known.ok_or_else(|| format!("{name:?}?\n\n{HELP}"))?);
                }
            }
        }
        if wish.subjects.is_empty() {
            wish.subjects = SUBJECTS.iter().collect();
        }
        Ok(wish)
    }

    /// The packages whose tests are tried.
    fn packages(&self, subject: &Subject) -> &'static [&'static str] {
        subject
            .tests
            .get(..if self.is_own_only { 1 } else { subject.tests.len() })
            .unwrap_or_default()
    }

    /// Those of a subject's mutants that are wished.
    fn chosen<'m>(&self, subject: &Subject, mutants: &[&'m Mutant]) -> Vec<&'m Mutant> {
        let is_wished = |mutant: &&Mutant| {
            subject.has(mutant) && self.only.is_none_or(|text| mutant.key().contains(text))
        };
        mutants.iter().copied().filter(is_wished).collect()
    }
}

/// The task `mutants`.
pub(crate) fn run(words: &[&str]) -> Outcome {
    if words.iter().any(|word| ["--help", "-h", "help"].contains(word)) {
        say(HELP);
        return Ok(());
    }
    let wish = Wish::read(words)?;
    let plan = Plan::new(&workspace(), &SUBJECTS)?;
    if wish.lists {
        list(&wish, &plan);
        return Ok(());
    }
    let explanations = Explanations::load(&workspace().join("xtask/mutants.toml"))?;
    let folder = target().join("mutants");
    report::finish(&try_all(&wish, plan, &explanations, &workspace(), &folder)?)
}

fn list(wish: &Wish<'_>, plan: &Plan) {
    for subject in &wish.subjects {
        for mutant in wish.chosen(subject, &plan.alive()) {
            say(&format!("{}:{} {}: {}", mutant.file, mutant.line, mutant.function, mutant.change));
        }
    }
}

/// Builds all mutants and judges those that are wished, in the copy of a workspace.
fn try_all(
    wish: &Wish<'_>,
    mut plan: Plan,
    explanations: &Explanations,
    root: &Path,
    folder: &Path,
) -> Result<Vec<Figures>, String> {
    say("\n== build all mutants");
    let started = Instant::now();
    let copy = folder.join("tree");
    tree::copy(root, &copy, &plan.paths())?;
    let packages =
        wish.subjects.iter().flat_map(|subject| wish.packages(subject)).copied().collect();
    let known = folder.join("known.json");
    plan.recall(&known);
    let built = build::build(&mut plan, &copy, &packages);
    plan.remember(&known)?;
    let programs = built?;
    tree::write(&folder.join("not-compiled.txt"), plan.not_compiled().as_bytes())?;
    say(&format!("   {} mutants, {} compile", plan.mutants.len(), plan.alive().len()));
    say(&format!("== record what tests reach, after {} s", started.elapsed().as_secs()));
    let suite = Suite::record(programs, wish.jobs, folder)?;
    say(&format!("   {} tests, after {} s", suite.tests.len(), started.elapsed().as_secs()));
    let judged = |subject: &&Subject| try_one(wish, subject, &plan, &suite, explanations, folder);
    wish.subjects.iter().copied().map(|subject| judged(&subject)).collect()
}

fn try_one(
    wish: &Wish<'_>,
    subject: &Subject,
    plan: &Plan,
    suite: &Suite,
    explanations: &Explanations,
    folder: &Path,
) -> Result<Figures, String> {
    say(&format!("== mutants of {}", subject.name));
    let path = folder.join(format!("{}.json", subject.name));
    let results = if wish.is_fresh { Results::empty(&path) } else { Results::load(&path) };
    let alive = plan.alive();
    let chosen = wish.chosen(subject, &alive);
    let is_explained = |one: &Mutant| explanations.reason(&one.key()).is_some();
    let is_due = |one: &&Mutant| {
        let is_skipped = wish.is_open_only && is_explained(one);
        !is_skipped && !results.was_caught(&one.key(), hash(plan.text(&one.file)))
    };
    let mut due: Vec<&Mutant> = chosen.iter().copied().filter(is_due).collect();
    // What is explained survives all tests and so takes longest: last, in case the run is stopped.
    due.sort_by_key(|one| is_explained(one));
    let mut results = judge::judge(
        plan,
        (subject.package, wish.packages(subject)),
        &due,
        suite,
        results,
        wish.jobs,
        folder,
    )?;
    // Mutants of code that is gone are forgotten.
    let keys: BTreeSet<String> = alive.iter().map(|one| one.key()).collect();
    results.mutants.retain(|key, _| keys.contains(key));
    results.save()?;
    let is_whole = wish.only.is_none() && !wish.is_open_only;
    Ok(report::figures(subject, plan, &chosen, &results, explanations, is_whole))
}
