//! The catalogue of checks: what each stable name means, why it fails, and what to do.
//!
//! One file per subject. A test compares the names with those that the crates can give.

mod amd;
mod attester;
mod bootlog;
mod certificates;
mod data;
mod guests;
mod intel;
mod lints;
mod policies;
mod publication;
mod release;
mod service;
mod tokens;
mod tpm;
mod uvm;

#[cfg(test)]
mod tests;

use serde::Serialize;

/// What there is to know about one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Page {
    /// The stable name.
    pub(crate) check: String,
    pub(crate) subject: &'static str,
    /// What was checked.
    pub(crate) what: String,
    /// Why it can fail.
    pub(crate) why: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// The checks of one subject.
struct Subject {
    title: &'static str,
    texts: &'static [Text],
}

/// One text for one check, or for the same check of several things.
struct Text {
    /// The beginnings of the names, each with what `{}` stands for in the texts.
    of: &'static [Thing],
    /// The end of the name.
    end: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: &'static str,
}

/// The beginning of a name, and what it is called.
type Thing = (&'static str, &'static str);

/// A check that has a text of its own.
const fn one(
    check: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: &'static str,
) -> Text {
    each(&[("", "")], check, what, why, remedy)
}

/// The same check of several things.
const fn each(
    of: &'static [Thing],
    end: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: &'static str,
) -> Text {
    Text { of, end, what, why, remedy }
}

const SUBJECTS: [&Subject; 15] = [
    &intel::SUBJECT,
    &amd::SUBJECT,
    &uvm::SUBJECT,
    &bootlog::SUBJECT,
    &tpm::SUBJECT,
    &guests::SUBJECT,
    &data::SUBJECT,
    &policies::SUBJECT,
    &lints::SUBJECT,
    &tokens::SUBJECT,
    &publication::SUBJECT,
    &release::SUBJECT,
    &certificates::SUBJECT,
    &service::SUBJECT,
    &attester::SUBJECT,
];

/// Every page, by subject.
pub(crate) fn pages() -> Vec<Page> {
    SUBJECTS
        .iter()
        .flat_map(|subject| subject.texts.iter().flat_map(|text| text.pages(subject)))
        .collect()
}

impl Text {
    fn pages(&self, subject: &Subject) -> impl Iterator<Item = Page> {
        self.of.iter().map(|(beginning, thing)| Page {
            check: format!("{beginning}{}", self.end),
            subject: subject.title,
            what: self.what.replace("{}", thing),
            why: self.why.replace("{}", thing),
            remedy: self.remedy.replace("{}", thing),
        })
    }
}

/// Whether there is a page of this name.
pub(crate) fn is_known(check: &str) -> bool {
    pages().iter().any(|page| page.check == check)
}

/// The names that are most like one that is not known; at most five.
pub(crate) fn nearest(name: &str) -> Vec<String> {
    // A longer one is none.
    let name: String = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let allowed = (name.chars().count() / 3).max(2);
    let mut found: Vec<(usize, String)> = pages()
        .into_iter()
        .map(|page| {
            let holds = name.len() > 2 && page.check.contains(&name);
            let distance = if holds { 1 } else { strsim::osa_distance(&name, &page.check) };
            (distance, page.check)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    found.sort();
    found.truncate(5);
    found.into_iter().map(|(_, check)| check).collect()
}
