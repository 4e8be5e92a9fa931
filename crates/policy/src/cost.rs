//! What evaluating and compiling cost: one table for the whole language, and the meter that
//! charges by it before the work is done.
//!
//! A step stands for some ten nanoseconds of one core of 2020, a byte for one asked of the
//! allocator. Prices are upper bounds: what an operation does is at most a small factor of what
//! was charged for it, whatever policy, claims and documents are (`tests/cost.rs` holds us to the
//! bytes, `benches/worst.rs` measures both). What was charged stays charged, also for memory
//! that has been given back, with one exception: combinations of claims that a later condition
//! has replaced.

use crate::limits::{Limit, LimitExceeded, Limits};

/// What compiling or evaluating has cost, or may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Steps, of some ten nanoseconds.
    pub steps: u64,
    /// Bytes asked of the allocator.
    pub memory_bytes: u64,
}

impl Cost {
    /// Both together.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self {
            steps: self.steps.saturating_add(other.steps),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
        }
    }

    /// What is left of this after `other`.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self {
            steps: self.steps.saturating_sub(other.steps),
            memory_bytes: self.memory_bytes.saturating_sub(other.memory_bytes),
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Price {
    steps: u64,
    bytes: u64,
}

const fn price(steps: u64, bytes: u64) -> Price {
    Price { steps, bytes }
}

/// Stretches of text are charged by this many bytes.
const STRETCH_BITS: u32 = 6;

// Compiling a policy.

/// A stretch of policy text: lexed, copied, kept in the tree and in the program.
pub(crate) const SOURCE: Price = price(16, 320);
/// A token with all that parser, checker and compiler make of it.
pub(crate) const TOKEN: Price = price(16, 256);
/// A stretch of a query.
pub(crate) const QUERY_TEXT: Price = price(8, 192);
/// A token of a query with its part of the tree.
pub(crate) const QUERY_TOKEN: Price = price(16, 384);

// Claims.

/// A claim type that the policy names, given a list.
pub(crate) const SYMBOL: Price = price(1, 32);
/// A claim put into the incoming set.
pub(crate) const CLAIM: Price = price(8, 192);
/// A claim that conditions can find.
pub(crate) const CLAIM_INDEXED: Price = price(12, 320);
/// A claim put into the outgoing set, with its text up to a stretch.
pub(crate) const ISSUED: Price = price(150, 2_048);
/// A stretch of text on its way into a token, where it stands twice: copied, printed, encoded,
/// hashed. Six times as long as it is, if all of it must be escaped.
pub(crate) const ISSUED_TEXT: Price = price(320, 3_072);
/// A setting compared with the one that is set.
pub(crate) const SETTING: Price = price(1, 64);

// Conditions.

/// A rule begins.
pub(crate) const RULE: Price = price(2, 0);
/// A test of a claim.
pub(crate) const TEST: Price = price(1, 0);
/// A claim that satisfies a condition.
pub(crate) const MATCH: Price = price(2, 32);
/// A combination of claims.
pub(crate) const ROW: Price = price(2, 16);
/// Bytes held for each claim of a combination.
pub(crate) const PLACE_BYTES: u64 = 12;
/// A combination put into its group.
pub(crate) const GROUP: Price = price(25, 400);
/// A combination looked at for a set of claims.
pub(crate) const SEEN: Price = price(4, 64);

// Expressions.

/// An action runs.
pub(crate) const ACTION: Price = price(2, 0);
/// An expression is evaluated.
pub(crate) const EXPRESSION: Price = price(2, 0);
/// An argument of a function, or a value in a set of values.
pub(crate) const VALUE: Price = price(3, 128);
/// A text that becomes a value.
pub(crate) const TEXT: Price = price(8, 256);
/// A document or query that this evaluation knows already.
pub(crate) const KNOWN: Price = price(6, 160);
/// A member of a hashed set of values.
pub(crate) const HASHED: Price = price(6, 128);

// Stretches of text, by what is done with them.

/// Compared.
pub(crate) const COMPARED: Price = price(1, 0);
/// Read byte by byte, or measured.
pub(crate) const READ: Price = price(8, 0);
/// Copied.
pub(crate) const COPIED: Price = price(2, 192);
/// Hashed.
pub(crate) const HASHED_TEXT: Price = price(8, 0);
/// Searched for another text.
pub(crate) const SEARCHED: Price = price(16, 0);
/// Made anew character by character.
pub(crate) const REWRITTEN: Price = price(40, 256);
/// Compared without regard to case, not all of it ASCII.
pub(crate) const FOLDED: Price = price(250, 0);
/// A name looked for among the members of an object, beyond its first stretch.
pub(crate) const LONG_NAME: Price = price(18, 0);
/// JSON printed.
pub(crate) const PRINTED: Price = price(48, 256);

// JSON in memory.

/// An element of an array, or a value alone.
pub(crate) const ELEMENT: Price = price(3, 96);
/// An array.
pub(crate) const ARRAY: Price = price(6, 160);
/// An object.
pub(crate) const OBJECT: Price = price(8, 320);
/// A member of an object.
pub(crate) const MEMBER: Price = price(6, 192);
/// A member of an object that has an index by name.
pub(crate) const MEMBER_INDEXED: Price = price(30, 160);
/// A string.
pub(crate) const STRING: Price = price(4, 64);
/// A number that is no integer of 64 bits, read, copied or compared.
pub(crate) const DECIMAL: Price = price(24, 320);
/// A stretch of such a number's digits.
pub(crate) const DIGITS: Price = price(8, 320);

// Queries.

/// A node of a query, run once.
pub(crate) const NODE: Price = price(2, 0);
/// A member looked up by name.
pub(crate) const FIELD: Price = price(2, 0);
/// The same in an object with an index.
pub(crate) const FIELD_INDEXED: Price = price(12, 0);
/// Two values compared.
pub(crate) const EQUAL: Price = price(2, 0);
/// A function called.
pub(crate) const CALL: Price = price(16, 64);
/// An argument of it.
pub(crate) const ARGUMENT: Price = price(2, 64);
/// A key with its element, to be sorted.
pub(crate) const KEYED: Price = price(3, 160);
/// One round of sorting, for each key.
pub(crate) const SORTED: Price = price(2, 0);
/// A number added up exactly.
pub(crate) const ADDED: Price = price(12, 96);
/// A number turned into a double or back.
pub(crate) const DOUBLE: Price = price(60, 512);
/// The same with more digits than the fast way takes.
pub(crate) const DOUBLE_LONG: Price = price(2_000, 4_096);

/// Steps and bytes that are left.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    steps_left: u64,
    bytes_left: u64,
    released_bytes: u64,
    allowed: Cost,
}

/// Share of the budget that configuration rules have to themselves.
const CONFIGURATION_SHARE: u64 = 16;

impl Meter {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self::of(Cost { steps: limits.steps, memory_bytes: limits.memory_bytes })
    }

    /// For `configurationrules`, which run before there is any evidence.
    pub(crate) const fn for_configuration(limits: &Limits) -> Self {
        let steps = limits.steps / CONFIGURATION_SHARE;
        Self::of(Cost { steps, memory_bytes: limits.memory_bytes / CONFIGURATION_SHARE })
    }

    /// For texts whose size the caller answers for.
    pub(crate) const fn unlimited() -> Self {
        Self::of(Cost { steps: u64::MAX, memory_bytes: u64::MAX })
    }

    const fn of(allowed: Cost) -> Self {
        Self {
            steps_left: allowed.steps,
            bytes_left: allowed.memory_bytes,
            released_bytes: 0,
            allowed,
        }
    }

    /// All that was charged, also what was taken back.
    pub(crate) fn used(&self) -> Cost {
        let left = Cost { steps: self.steps_left, memory_bytes: self.bytes_left };
        let released = Cost { steps: 0, memory_bytes: self.released_bytes };
        self.allowed.saturating_sub(left).saturating_add(released)
    }

    /// Charges one operation.
    #[inline]
    pub(crate) fn charge(&mut self, price: Price) -> Result<(), LimitExceeded> {
        self.pay(price.steps, price.bytes)
    }

    /// Charges `count` operations.
    #[inline]
    pub(crate) fn charge_each(&mut self, price: Price, count: usize) -> Result<(), LimitExceeded> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.pay(price.steps.saturating_mul(count), price.bytes.saturating_mul(count))
    }

    /// Charges each stretch of a text that is begun.
    #[inline]
    pub(crate) fn charge_text(&mut self, price: Price, bytes: usize) -> Result<(), LimitExceeded> {
        let whole = bytes >> STRETCH_BITS;
        let begun = usize::from(whole << STRETCH_BITS != bytes);
        self.charge_each(price, whole.saturating_add(begun))
    }

    /// Charges each stretch of a text that is full; the rest is in the price of the operation.
    #[inline]
    pub(crate) fn charge_long(&mut self, price: Price, bytes: usize) -> Result<(), LimitExceeded> {
        match bytes >> STRETCH_BITS {
            0 => Ok(()),
            stretches => self.charge_each(price, stretches),
        }
    }

    /// Charges what another meter has charged.
    pub(crate) fn charge_cost(&mut self, cost: Cost) -> Result<(), LimitExceeded> {
        self.pay(cost.steps, cost.memory_bytes)
    }

    /// Charges memory alone.
    #[inline]
    pub(crate) fn hold(&mut self, bytes: u64) -> Result<(), LimitExceeded> {
        self.pay(0, bytes)
    }

    /// Takes back a charge of memory.
    pub(crate) fn release(&mut self, bytes: u64) {
        self.bytes_left = self.bytes_left.saturating_add(bytes).min(self.allowed.memory_bytes);
        self.released_bytes = self.released_bytes.saturating_add(bytes);
    }

    #[inline(always)]
    fn pay(&mut self, steps: u64, bytes: u64) -> Result<(), LimitExceeded> {
        match (self.steps_left.checked_sub(steps), self.bytes_left.checked_sub(bytes)) {
            (Some(steps_left), Some(bytes_left)) => {
                (self.steps_left, self.bytes_left) = (steps_left, bytes_left);
                Ok(())
            }
            (None, _) => Err(self.exceeded(Limit::Steps)),
            (_, None) => Err(self.exceeded(Limit::MemoryBytes)),
        }
    }

    #[cold]
    const fn exceeded(&self, limit: Limit) -> LimitExceeded {
        let allowed = match limit {
            Limit::Steps => self.allowed.steps,
            _ => self.allowed.memory_bytes,
        };
        LimitExceeded { limit, allowed }
    }
}
