//! Switches mutants on, one at a time, and sees whether a test notices.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::find::Mutant;
use super::plan::Plan;
use super::process::{Ended, run};
use super::results::{Entry, Outcome, Results, hash};
use super::suite::{Suite, Test};
use super::work::for_each;
use crate::run::say;

/// Tests with a mutant may take this many times as long as without, and this much more.
const TIMES_AS_LONG: u32 = 10;
const MORE: Duration = Duration::from_secs(10);
/// Tests run together, at most: one process for each batch.
const BATCH_MAX: usize = 64;
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Judges mutants and keeps what became of them.
///
/// # Errors
/// A program of tests cannot be run, or results cannot be kept.
pub(crate) fn judge(
    plan: &Plan,
    packages: (&str, &[&str]),
    mutants: &[&Mutant],
    suite: &Suite,
    results: Results,
    jobs: usize,
    folder: &Path,
) -> Result<Results, String> {
    let started = Instant::now();
    let before = results.seconds;
    let progress = Mutex::new(Progress { results, done: 0, survived: 0, saved: started });
    for_each(jobs, mutants, |worker, mutant| {
        let output = folder.join(format!("output-{worker}"));
        let outcome = outcome(mutant.number, packages, suite, &output)?;
        let entry = Entry { file_hash: hash(plan.text(&mutant.file)), outcome };
        let mut progress = progress.lock().map_err(|error| error.to_string())?;
        progress.results.seconds = before.saturating_add(started.elapsed().as_secs());
        progress.take(mutant, entry, mutants.len())
    })?;
    let progress = progress.into_inner().map_err(|error| error.to_string())?;
    progress.results.save()?;
    Ok(progress.results)
}

struct Progress {
    results: Results,
    done: usize,
    survived: usize,
    saved: Instant,
}

impl Progress {
    fn take(&mut self, mutant: &Mutant, entry: Entry, of: usize) -> Result<(), String> {
        self.done = self.done.saturating_add(1);
        if matches!(entry.outcome, Outcome::Survived { .. }) {
            self.survived = self.survived.saturating_add(1);
        }
        self.results.mutants.insert(mutant.key(), entry);
        if self.saved.elapsed() > SAVE_EVERY {
            self.saved = Instant::now();
            self.results.save()?;
            say(&format!("   {} of {of} judged, {} survived", self.done, self.survived));
        }
        Ok(())
    }
}

fn outcome(
    mutant: u32,
    (own, packages): (&str, &[&str]),
    suite: &Suite,
    output: &Path,
) -> Result<Outcome, String> {
    // The crate's own tests first.
    let tests: Vec<Vec<&Test>> =
        packages.iter().map(|package| suite.reaching(mutant, package)).collect();
    for batch in tests.iter().flat_map(|tests| batches(tests)) {
        let Some(first) = batch.first() else { continue };
        let Some(program) = suite.programs.get(first.program) else { continue };
        let took: Duration = batch.iter().map(|test| test.took).sum();
        let limit = took.saturating_mul(TIMES_AS_LONG).saturating_add(MORE);
        let names: Vec<&str> = batch.iter().map(|test| test.name.as_str()).collect();
        let variable = ("AVOUCH_MUTANT", mutant.to_string());
        let ended = run(program, &names, (variable.0, &variable.1), limit, output)?;
        let by = |name: &str| format!("{}::{name}", program.name);
        let elsewhere = first.package != own;
        match ended {
            Ended::Passed => {}
            Ended::Failed(name) => {
                let by = by(name.as_deref().unwrap_or("(died)"));
                return Ok(Outcome::Caught { by, elsewhere, timed_out: false });
            }
            Ended::TimedOut => {
                let by = by(&first.name);
                return Ok(Outcome::Caught { by, elsewhere, timed_out: true });
            }
        }
    }
    Ok(Outcome::Survived { tests: tests.iter().map(Vec::len).sum() })
}

/// Tests of one program together, few at first: most mutants are caught by the first ones.
fn batches<'t>(tests: &[&'t Test]) -> Vec<Vec<&'t Test>> {
    let mut batches: Vec<Vec<&Test>> = Vec::new();
    let mut size_max = 1;
    let mut waiting: Vec<&Test> = tests.to_vec();
    while let Some(first) = waiting.first().copied() {
        let together = |test: &&Test| test.program == first.program;
        let batch: Vec<&Test> = waiting.iter().copied().filter(together).take(size_max).collect();
        let is_in = |test: &Test| {
            batch.iter().any(|one| one.program == test.program && one.name == test.name)
        };
        waiting.retain(|test| !is_in(test));
        batches.push(batch);
        size_max = BATCH_MAX.min(usize::saturating_mul(size_max, 2));
    }
    batches
}
