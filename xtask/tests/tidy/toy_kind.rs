//! A kind of evidence is added in a few places (`ARCHITECTURE.md`): the toy kind of
//! `cargo xtask drill kind` still fits, and touches no more of them.

use std::fs;

use crate::workspace;

const PLACES_MAX: usize = 12;

/// A file that the patch changes.
struct Change {
    path: String,
    is_new: bool,
    /// The lines that each hunk expects to find, in a row.
    expected: Vec<String>,
}

fn changes(patch: &str) -> Vec<Change> {
    patch.split("diff --git ").skip(1).map(change).collect()
}

fn change(section: &str) -> Change {
    let path = section.lines().find_map(|line| line.strip_prefix("+++ b/")).unwrap().to_owned();
    let hunk = |hunk: &str| -> String {
        let lines = hunk.lines().skip(1).filter(|line| line.starts_with([' ', '-']));
        lines.map(|line| format!("{}\n", line.split_at(1).1)).collect()
    };
    let expected = section.split("\n@@ ").skip(1).map(hunk).collect();
    Change { path, is_new: section.contains("\nnew file mode "), expected }
}

#[test]
fn a_new_kind_of_evidence_touches_at_most_twelve_places_and_they_are_there() {
    let patch = fs::read_to_string(workspace().join("xtask/toy-kind.patch")).unwrap();
    let changes = changes(&patch);
    let touched: Vec<&Change> = changes.iter().filter(|change| !change.is_new).collect();
    let names: Vec<&str> = touched.iter().map(|change| change.path.as_str()).collect();
    assert!((8..=PLACES_MAX).contains(&touched.len()), "{names:#?}");
    for Change { path, expected, .. } in touched {
        let text = fs::read_to_string(workspace().join(path)).unwrap();
        assert!(!expected.is_empty(), "{path}");
        for lines in expected {
            assert!(
                text.contains(lines.as_str()),
                "{path} has not got these lines (make the patch anew, and run the drill):\n{lines}"
            );
        }
    }
}
