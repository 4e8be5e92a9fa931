//! The pages of `docs/schemas`, read: which members JSON has, and what each looks like.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "test code; each test program uses a part"
)]

use std::collections::BTreeSet;
use std::path::Path;

use avouch_wire::UnixTime;
use serde_json::Value;

/// A row: `| name | type | if | meaning |`.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    pub form: String,
    /// When it is there; empty for always.
    pub condition: String,
}

/// The rows under a heading of a page.
#[track_caller]
pub fn rows(page: &str, heading: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let text = std::fs::read_to_string(path).expect("the page");
    let start = text.find(&format!("\n## {heading}\n")).expect("the heading") + 1;
    let section = text.split_at(start).1.split("\n## ").next().unwrap();
    let cells = section.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{line}");
        Row {
            name: cells[0].trim_matches('`').to_owned(),
            form: cells[1].to_owned(),
            condition: cells[2].to_owned(),
        }
    });
    let rows: Vec<Row> = cells.collect();
    assert!(!rows.is_empty(), "{page}, {heading}");
    rows
}

/// What JSON was seen to print, against rows.
pub struct Schema {
    rows: Vec<Row>,
    seen: BTreeSet<String>,
}

impl Schema {
    pub fn new(rows: Vec<Row>) -> Self {
        let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), rows.len(), "a name twice");
        Self { rows, seen: BTreeSet::new() }
    }

    /// Every member must have a row that it fits, and every unconditional row its member.
    #[track_caller]
    pub fn check(&mut self, value: &Value) {
        self.check_if(value, |row| row.condition.is_empty());
    }

    /// As [`Schema::check`], with what makes a row needed.
    #[track_caller]
    pub fn check_if(&mut self, value: &Value, is_needed: impl Fn(&Row) -> bool) {
        let mut found = BTreeSet::new();
        for row in &self.rows {
            let below = format!("{}.", row.name);
            let has_rows_below = self.rows.iter().any(|other| other.name.starts_with(&below));
            for value in at(value, &row.name) {
                if has_rows_below && value.is_object() {
                    continue;
                }
                assert!(fits(&row.form, value), "{} is no {}: {value}", row.name, row.form);
                found.insert(row.name.clone());
            }
            assert!(found.contains(&row.name) || !is_needed(row), "no {} in {value}", row.name);
        }
        for name in names(value) {
            let is_told = self.rows.iter().any(|row| is_told_by(&name, row));
            assert!(is_told, "{name} is not documented");
        }
        self.seen.extend(found);
    }

    /// The rows that nothing printed so far has had.
    pub fn unseen(&self) -> BTreeSet<&str> {
        let unseen = self.rows.iter().filter(|row| !self.seen.contains(&row.name));
        unseen.map(|row| row.name.as_str()).collect()
    }
}

/// Whether a row documents a member; an object's row documents all that is in it.
fn is_told_by(name: &str, row: &Row) -> bool {
    let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (name, pattern) = (parts(name), parts(&row.name));
    let same = |(part, pattern): (&String, &String)| part == pattern || pattern.starts_with('{');
    let begins = name.len() >= pattern.len() && name.iter().zip(&pattern).all(same);
    begins && (name.len() == pattern.len() || row.form == "object")
}

/// The names of all that is no object, `[]` for elements. An empty object has a name of its own.
fn names(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, name: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (member, value) in members {
                    let dot = if name.is_empty() { "" } else { "." };
                    walk(value, &format!("{name}{dot}{member}"), found);
                }
            }
            Value::Array(elements) => {
                found.insert(name.to_owned());
                elements.iter().for_each(|one| walk(one, &format!("{name}[]"), found));
            }
            _ => {
                found.insert(name.to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

/// All values that a row's name means.
fn at<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    name.split('.').fold(vec![value], |values, part| {
        let (member, depth) = (part.trim_end_matches("[]"), part.matches("[]").count());
        let members = values.into_iter().filter_map(Value::as_object);
        let mut found: Vec<&Value> = if member.starts_with('{') {
            members.flat_map(serde_json::Map::values).collect()
        } else {
            members.filter_map(|members| members.get(member)).collect()
        };
        for _ in 0..depth {
            found = found.into_iter().filter_map(Value::as_array).flatten().collect();
        }
        found
    })
}

/// Whether a value is of one of the forms: `text`, `hex, 64 or null`, …
fn fits(forms: &str, value: &Value) -> bool {
    forms.split(" or ").any(|form| {
        let (form, length) =
            form.split_once(", ").map_or((form, None), |(f, n)| (f, n.parse().ok()));
        let text = value.as_str();
        let has_length = |text: &str| length.is_none_or(|length: usize| text.len() == length);
        match form {
            "text" => text.is_some(),
            "integer" => value.is_u64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "hex" => text.is_some_and(|text| has_length(text) && is_of(text, "0123456789abcdef")),
            "base64url" => text.is_some_and(|text| {
                has_length(text) && avouch_wire::base64url::decode(text).is_ok()
            }),
            "moment" => text.is_some_and(|text| UnixTime::from_rfc3339(text).is_ok()),
            _ => panic!("{form} is no form"),
        }
    })
}

fn is_of(text: &str, alphabet: &str) -> bool {
    text.chars().all(|char| alphabet.contains(char))
}
