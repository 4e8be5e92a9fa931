//! The tests of a crate, how long each takes and which mutants it reaches.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::build::Program;
use super::process::{Ended, list, run};
use super::work::for_each;
use crate::run::say;

/// One test, as it is without any mutant.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) program: usize,
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) reaches: BTreeSet<u32>,
    pub(crate) package: String,
}

/// Programs with their tests.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) programs: Vec<Program>,
    pub(crate) tests: Vec<Test>,
}

/// A test without mutants may take this long.
const LIMIT: Duration = Duration::from_secs(300);

impl Suite {
    /// Runs every test once, alone, and records which mutants it reaches. A test that fails without
    /// any mutant is left out and named.
    ///
    /// # Errors
    /// A program cannot be run.
    pub(crate) fn record(
        programs: Vec<Program>,
        jobs: usize,
        folder: &Path,
    ) -> Result<Self, String> {
        let mut queue = Vec::new();
        for (program, place) in programs.iter().zip(0_usize..) {
            queue.extend(list(program)?.into_iter().map(|name| (place, name)));
        }
        let tests = Mutex::new(Vec::new());
        for_each(jobs, &queue, |worker, (place, name)| {
            let Some(program) = programs.get(*place) else { return Ok(()) };
            let reached = folder.join(format!("reached-{worker}"));
            let output = folder.join(format!("output-{worker}"));
            let _ = std::fs::remove_file(&reached);
            let started = Instant::now();
            let variable = ("AVOUCH_MUTANTS_REACHED", reached.to_string_lossy().into_owned());
            let ended = run(program, &[name], (variable.0, &variable.1), LIMIT, &output)?;
            let took = started.elapsed();
            if ended != Ended::Passed {
                say(&format!("   left out: {name} of {} fails without mutants", program.name));
                return Ok(());
            }
            let text = std::fs::read_to_string(&reached).unwrap_or_default();
            let reaches = text.lines().filter_map(|line| line.parse().ok()).collect();
            let package = program.package.clone();
            let test = Test { program: *place, name: name.clone(), took, reaches, package };
            if let Ok(mut tests) = tests.lock() {
                tests.push(test);
            }
            Ok(())
        })?;
        let mut tests = tests.into_inner().map_err(|error| error.to_string())?;
        tests.sort_by_key(|test| test.took);
        Ok(Self { programs, tests })
    }

    /// The tests of a package that reach a mutant, quickest first.
    pub(crate) fn reaching(&self, mutant: u32, package: &str) -> Vec<&Test> {
        let reaches = |test: &&Test| test.package == package && test.reaches.contains(&mutant);
        self.tests.iter().filter(reaches).collect()
    }
}
