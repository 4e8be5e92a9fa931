//! Entries that a requirement is not met for, as a refusal names them.

use std::fmt;

use super::{Listing, Name, Signed};

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offense {
    /// It is not signed as it must be.
    Signed(Signed),
    /// It is not listed as it must be.
    Listed(Listing),
    /// It is neither.
    Neither(Signed, Listing),
    /// It stands for a violation.
    Violation,
    /// It proves nothing.
    Unreadable,
}

impl fmt::Display for Offense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed(signed) => f.write_str(signed.name()),
            Self::Listed(listing) => f.write_str(listing.name()),
            Self::Neither(signed, listing) => write!(f, "{}, {}", signed.name(), listing.name()),
            Self::Violation => f.write_str("violation"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}

/// An entry that a requirement is not met for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offender {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its name, quoted, escaped and cut; none if none is proven.
    pub name: Option<String>,
    /// What is wrong.
    pub offense: Offense,
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.offense),
            None => write!(f, "entry {} ({})", self.index, self.offense),
        }
    }
}

/// The first of them, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offenders {
    first: Vec<Offender>,
    count: usize,
}

/// As many are named.
const NAMED_MAX: usize = 16;

impl Offenders {
    /// The first of them, at most 16.
    #[must_use]
    pub fn first(&self) -> &[Offender] {
        &self.first
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn add(&mut self, index: usize, name: Option<Name<'_>>, offense: Offense) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NAMED_MAX {
            let name = name.map(|name| name.to_string());
            self.first.push(Offender { index, name, offense });
        }
    }
}

impl fmt::Display for Offenders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, offender) in self.first.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{offender}")?;
        }
        match self.count.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
