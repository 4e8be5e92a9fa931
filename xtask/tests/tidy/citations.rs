//! What comments and pages cite can be read: a public document, or a page of this project.

use std::fs;
use std::path::{Path, PathBuf};

use super::{files, shown, sources, workspace};

/// Every text of the project that somebody reads.
fn texts() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for ending in [".rs", ".md", ".toml", ".py", ".js", ".yml", ".sh"] {
        files(&workspace(), ending, &mut found);
    }
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Names of pages in a text, each with what stands behind its `#`. Addresses of other hosts are
/// none.
fn pages(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "/._-#".contains(c);
    let words = text.split(move |c| !belongs(c)).map(|word| word.trim_end_matches(['.', '-']));
    words.filter_map(|word| {
        let (page, heading) = word.split_once('#').map_or((word, None), |(p, h)| (p, Some(h)));
        let is_page = page.ends_with(".md") && page != ".md" && !page.starts_with("//");
        is_page.then_some((page, heading))
    })
}

/// The file that a page's name means: seen from the file that names it, from the root, or from
/// `docs`.
fn page_of(name: &str, named_in: &Path) -> Option<PathBuf> {
    let mut below = name;
    while let Some(rest) = ["/", "./", "../"].iter().find_map(|start| below.strip_prefix(start)) {
        below = rest;
    }
    let beside = named_in.parent().unwrap().join(name);
    let places = [beside, workspace().join(below), workspace().join("docs").join(below)];
    places.into_iter().find(|path| path.is_file())
}

/// The anchors of a page's headings, as they are made for the web.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_page_that_is_named_is_in_the_project_and_has_the_heading() {
    for (path, text) in texts() {
        for (name, heading) in pages(&text) {
            let page = page_of(name, &path);
            let page = page.unwrap_or_else(|| panic!("{} cites {name}", shown(&path)));
            if let Some(heading) = heading {
                let there = anchors(&fs::read_to_string(page).unwrap());
                let is_there = there.iter().any(|anchor| anchor == heading);
                assert!(is_there, "{} cites {name}#{heading}", shown(&path));
            }
        }
        for link in text.split("](#").skip(1).filter(|_| path.extension().unwrap() == "md") {
            let heading = link.split(')').next().unwrap();
            let is_there = anchors(&text).iter().any(|anchor| anchor == heading);
            assert!(is_there, "{} links to #{heading}, which it has not", shown(&path));
        }
    }
}

/// Files of ours that a page names: from the root, or from a crate's `src`.
#[test]
fn every_source_file_that_a_page_names_is_there() {
    let mut roots = vec![workspace()];
    for entry in fs::read_dir(workspace().join("crates")).unwrap() {
        roots.push(entry.unwrap().path().join("src"));
    }
    for (path, text) in texts().into_iter().filter(|(path, _)| path.extension().unwrap() == "md") {
        let belongs = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        for word in text.split(|c| !belongs(c)).filter(|word| word.contains('/')) {
            let is_there = roots.iter().any(|root| root.join(word).is_file());
            assert!(is_there || !word.ends_with(".rs"), "{} names {word}", shown(&path));
        }
    }
}

/// Whose documents are public and have numbered sections.
const PUBLISHERS: [&str; 15] = [
    "RFC ",
    "IETF",
    "ITU-T",
    "SEC 1",
    "SEC 2",
    "Intel",
    "AMD",
    "TCG",
    "UEFI",
    "Microsoft Learn",
    "W3C",
    "OpenID",
    "ACM",
    "NIST",
    "OASIS",
];

/// The comments of a file as running text, one for each block.
fn comments(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let comment = ["///", "//!", "//"].iter().find_map(|mark| line.trim().strip_prefix(mark));
        match (comment, blocks.last_mut()) {
            (Some(comment), Some(block)) => *block = format!("{block} {}", comment.trim()),
            _ => blocks.push(String::new()),
        }
    }
    blocks
}

/// Whether a comment cites a section by number and names no public document before it.
fn cites_nothing_public(comment: &str) -> bool {
    let of_nobody = |(at, word): (usize, &str)| {
        let (before, cited) = comment.split_at(at);
        let cited = cited.trim_start_matches(word);
        let number = cited.trim_start_matches('s').strip_prefix(' ');
        let is_citation = number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        is_citation && !PUBLISHERS.iter().any(|publisher| before.contains(publisher))
    };
    comment.match_indices("ection").any(of_nobody) || comment.contains("(reference, ")
}

#[test]
fn sections_are_cited_of_public_documents_only() {
    let folders = ["crates", "xtask", "drill", "fuzz/fuzz_targets"];
    for (path, text) in sources(&folders) {
        for comment in comments(&text) {
            let cited = cites_nothing_public(&comment);
            assert!(!cited, "{} cites nobody's document:{comment}", shown(&path));
        }
    }
}

#[test]
fn the_rules_on_citations_see_what_they_are_for() {
    assert!(cites_nothing_public("Claims in a token (contract, section 6.2)."));
    assert!(cites_nothing_public("The verbs (reference, 8.1)."));
    assert!(!cites_nothing_public("The parts of a token (RFC 7515, section 7.1)."));
    assert!(!cites_nothing_public("The rules of the policy's section."));
    let cited: Vec<_> =
        pages(concat!("(`a.", "md#one`), b.", "md. https://c.example/d.md")).collect();
    assert_eq!(cited, [(concat!("a.", "md"), Some("one")), (concat!("b.", "md"), None)]);
    assert_eq!(anchors("# Functions (1.2)\ntext\n## What's new"), ["functions-12", "whats-new"]);
    assert_eq!(page_of(concat!("docs/gone", ".md"), &workspace().join("README.md")), None);
}
