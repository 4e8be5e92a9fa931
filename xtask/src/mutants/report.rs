//! Figures and survivors, for people.

use super::Subject;
use super::explain::Explanations;
use super::find::Mutant;
use super::plan::Plan;
use super::results::{Outcome, Results};
use crate::run::say;

/// What became of the mutants of one crate.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    name: &'static str,
    mutants: usize,
    caught: usize,
    elsewhere: usize,
    pub(crate) timed_out: usize,
    explained: usize,
    pub(crate) survivors: Vec<String>,
    pub(crate) not_compiled: usize,
    pub(crate) stale: Vec<String>,
    seconds: u64,
}

/// Counts, and names what survived.
pub(crate) fn figures(
    subject: &Subject,
    plan: &Plan,
    mutants: &[&Mutant],
    results: &Results,
    explanations: &Explanations,
    is_whole: bool,
) -> Figures {
    let own = |mutant: &&&Mutant| subject.has(mutant);
    let found = plan.mutants.iter().filter(|mutant| subject.has(mutant)).count();
    let mut figures = Figures {
        name: subject.name,
        mutants: mutants.len(),
        not_compiled: found.saturating_sub(plan.alive().iter().filter(own).count()),
        seconds: results.seconds,
        ..Figures::default()
    };
    let mut survivors = Vec::new();
    for mutant in mutants {
        let key = mutant.key();
        match results.mutants.get(&key).map(|entry| &entry.outcome) {
            None => {}
            Some(Outcome::Caught { elsewhere, timed_out, .. }) => {
                figures.caught = figures.caught.saturating_add(1);
                figures.elsewhere = figures.elsewhere.saturating_add(usize::from(*elsewhere));
                figures.timed_out = figures.timed_out.saturating_add(usize::from(*timed_out));
            }
            Some(Outcome::Survived { tests }) => {
                if explanations.reason(&key).is_some() {
                    figures.explained = figures.explained.saturating_add(1);
                } else {
                    let Mutant { file, line, function, change, .. } = mutant;
                    figures.survivors.push(format!(
                        "{file}:{line} {function}: {change} ({tests} tests reach it)"
                    ));
                }
                survivors.push(key);
            }
        }
    }
    if is_whole {
        let files: Vec<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        let survivors: Vec<&str> = survivors.iter().map(String::as_str).collect();
        let stale = explanations.stale(&files, &survivors);
        figures.stale = stale.into_iter().map(str::to_owned).collect();
    }
    figures
}

/// Shows everything.
///
/// # Errors
/// A survivor is not explained, or an explanation explains nothing.
pub(crate) fn finish(all: &[Figures]) -> Result<(), String> {
    for figures in all {
        if !figures.survivors.is_empty() {
            say(&format!("\n{}: survivors without explanation", figures.name));
            figures.survivors.iter().for_each(|survivor| say(&format!("  {survivor}")));
        }
        if !figures.stale.is_empty() {
            say(&format!("\n{}: explanations of mutants that do not survive", figures.name));
            figures.stale.iter().for_each(|one| say(&format!("  {one}")));
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    say(
        "\ncrate   mutants  caught  (by the engine's tests alone, by time)  explained  unexplained  not compiled  minutes",
    );
    for one in all {
        say(&format!(
            "{:8}{:7}{:8}  ({}, {}){:10}{:12}{:12}{:10.1}",
            one.name,
            one.mutants,
            one.caught,
            one.elsewhere,
            one.timed_out,
            one.explained,
            one.survivors.len(),
            one.not_compiled,
            f64::from(u32::try_from(one.seconds).unwrap_or(u32::MAX)) / 60.0,
        ));
    }
    let survivors: usize = all.iter().map(|one| one.survivors.len()).sum();
    let stale: usize = all.iter().map(|one| one.stale.len()).sum();
    match (survivors, stale) {
        (0, 0) => Ok(()),
        _ => {
            Err(format!("{survivors} survivors are not explained, {stale} explanations are stale"))
        }
    }
}
