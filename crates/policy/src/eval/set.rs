//! The incoming claim set: an ordered multiset that knows its distinct claims by type.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::error::Failure;
use crate::compile::Program;
use crate::cost::{self, Meter};
use crate::limits::{Limit, LimitExceeded};
use crate::resolved::Symbol;
use crate::type_name::TypeName;
use crate::value::{Claim, Value};

/// The place of a claim in the set.
pub(crate) type Place = u32;

pub(crate) struct Entry {
    /// The number of its type; none if the policy does not name it and no condition can find it.
    pub(crate) symbol: Option<Symbol>,
    pub(crate) claim: Claim,
}

/// Up to this many claims of one type are compared one by one; more are found by hash.
const LINEAR_MAX: usize = 8;

/// Strings up to this length are hashed, longer ones are told apart by length first.
const HASHED_BYTES_MAX: usize = 256;

pub(crate) struct IncomingSet<'a> {
    program: &'a Program,
    entries: Vec<Entry>,
    /// First occurrences of claims with equal type, value, issuer and mark, by type.
    by_symbol: Vec<Vec<Place>>,
    /// First occurrences of all claims; kept only if a condition can ask for them.
    distinct: Vec<Place>,
    /// Numbers of types that the policy does not name, if they matter.
    more_symbols: HashMap<TypeName, Symbol>,
    hashes: HashMap<(Symbol, u64), Vec<Place>>,
    hasher: RandomState,
    claims_max: usize,
}

impl<'a> IncomingSet<'a> {
    pub(crate) fn new(program: &'a Program, claims_max: usize, expected: usize) -> Self {
        let mut by_symbol = Vec::new();
        by_symbol.resize_with(program.symbols.len(), Vec::new);
        Self {
            program,
            entries: Vec::with_capacity(expected.min(claims_max)),
            by_symbol,
            distinct: Vec::new(),
            more_symbols: HashMap::new(),
            hashes: HashMap::new(),
            hasher: RandomState::new(),
            claims_max,
        }
    }

    pub(crate) fn get(&self, place: Place) -> Option<&Entry> {
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// The claims behind the first `count`.
    pub(crate) fn behind(&self, count: usize) -> impl Iterator<Item = &Claim> {
        self.entries.iter().skip(count).map(|entry| &entry.claim)
    }

    /// The distinct claims of a type, or all.
    pub(crate) fn candidates(&self, only: Option<Symbol>) -> &[Place] {
        match only {
            Some(symbol) => self.of_type(symbol),
            None => &self.distinct,
        }
    }

    fn of_type(&self, symbol: Symbol) -> &[Place] {
        self.by_symbol.get(symbol).map(Vec::as_slice).unwrap_or_default()
    }

    /// Appends a claim that has been paid for as such; one that equals an earlier claim stays invisible to conditions.
    pub(crate) fn push(
        &mut self,
        claim: Claim,
        symbol: Option<Symbol>,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        if self.entries.len() >= self.claims_max {
            return Err(LimitExceeded::new(Limit::Claims, self.claims_max).into());
        }
        let symbol = match symbol {
            Some(symbol) => Some(symbol),
            None => {
                meter.charge_long(cost::HASHED_TEXT, claim.claim_type.len())?;
                self.symbol_of(&claim.claim_type)
            }
        };
        if let Some(symbol) = symbol
            && !self.knows(&claim, symbol, meter)?
        {
            meter.charge(cost::CLAIM_INDEXED)?;
            let place = Place::try_from(self.entries.len()).unwrap_or(Place::MAX);
            self.remember(&claim, symbol, place);
        }
        self.entries.push(Entry { symbol, claim });
        Ok(())
    }

    fn symbol_of(&mut self, name: &TypeName) -> Option<Symbol> {
        let known = self.program.symbols.get(name).or_else(|| self.more_symbols.get(name).copied());
        if known.is_some() || !self.program.finds_unnamed {
            return known;
        }
        let symbol = self.by_symbol.len();
        self.by_symbol.push(Vec::new());
        self.more_symbols.insert(name.clone(), symbol);
        Some(symbol)
    }

    fn knows(&self, claim: &Claim, symbol: Symbol, meter: &mut Meter) -> Result<bool, Failure> {
        let same_type = self.of_type(symbol);
        let suspects = if same_type.len() <= LINEAR_MAX {
            same_type
        } else {
            let hashed = claim.value.text_bytes().min(HASHED_BYTES_MAX);
            meter.charge_text(cost::HASHED_TEXT, hashed)?;
            let hash = self.hash(claim);
            self.hashes.get(&(symbol, hash)).map(Vec::as_slice).unwrap_or_default()
        };
        if !suspects.is_empty() {
            meter.charge_each(cost::TEST, suspects.len())?;
            let bytes = claim.value.text_bytes().saturating_mul(suspects.len());
            meter.charge_long(cost::COMPARED, bytes)?;
        }
        for place in suspects {
            // Of one symbol, so of one type.
            if self.get(*place).is_some_and(|entry| same_statement(&entry.claim, claim)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn remember(&mut self, claim: &Claim, symbol: Symbol, place: Place) {
        if self.program.finds_unnamed {
            self.distinct.push(place);
        }
        let Some(same_type) = self.by_symbol.get_mut(symbol) else { return };
        same_type.push(place);
        if same_type.len() <= LINEAR_MAX {
            return;
        }
        let crossing = same_type.len() == LINEAR_MAX.saturating_add(1);
        let mut unhashed: Vec<(u64, Place)> = vec![(self.hash(claim), place)];
        if crossing {
            let earlier = self.of_type(symbol).iter().take(LINEAR_MAX);
            unhashed.extend(earlier.filter_map(|place| {
                self.get(*place).map(|entry| (self.hash(&entry.claim), *place))
            }));
        }
        for (hash, place) in unhashed {
            self.hashes.entry((symbol, hash)).or_default().push(place);
        }
    }

    fn hash(&self, claim: &Claim) -> u64 {
        let mark = (claim.issuer, claim.read_only);
        match &claim.value {
            Value::Boolean(value) => self.hasher.hash_one((mark, 0_u8, *value)),
            Value::Integer(value) => self.hasher.hash_one((mark, 1_u8, *value)),
            Value::String(text) if text.len() > HASHED_BYTES_MAX => {
                self.hasher.hash_one((mark, 2_u8, text.len()))
            }
            Value::String(text) => self.hasher.hash_one((mark, 3_u8, text.as_str())),
        }
    }
}

fn same_statement(left: &Claim, right: &Claim) -> bool {
    left.issuer == right.issuer && left.read_only == right.read_only && left.value == right.value
}
