//! The claims of a token, in the order in which it is written.

use std::borrow::Cow;

use avouch_claims::ClaimValue;
use serde_json::{Map, Value};

/// The claims of a token: each name once, in the order of their bytes.
///
/// Who writes a token needs no more than that; [`TokenClaims::to_object`] makes a JSON object of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TokenClaims(Vec<(Cow<'static, str>, ClaimValue)>);

impl TokenClaims {
    /// Of several claims of one name the last counts.
    pub(crate) fn new(mut claims: Vec<(Cow<'static, str>, ClaimValue)>) -> Self {
        claims.sort_by(|(one, _), (other, _)| one.cmp(other));
        claims.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        Self(claims)
    }

    /// The claim of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ClaimValue> {
        let at = self.0.binary_search_by(|(claim, _)| (**claim).cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// All claims, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &ClaimValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The same as a JSON object.
    #[must_use]
    pub fn to_object(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect()
    }

    /// The same claims and more: of one name the new one counts.
    #[must_use]
    pub fn with(self, more: Vec<(Cow<'static, str>, ClaimValue)>) -> Self {
        let more = Self::new(more);
        let mut merged = Vec::with_capacity(self.0.len().saturating_add(more.0.len()));
        let mut more = more.0.into_iter().peekable();
        for claim in self.0 {
            merged.extend(std::iter::from_fn(|| more.next_if(|(name, _)| *name < claim.0)));
            match more.next_if(|(name, _)| *name == claim.0) {
                Some(new) => merged.push(new),
                None => merged.push(claim),
            }
        }
        merged.extend(more);
        Self(merged)
    }
}

impl From<Map<String, Value>> for TokenClaims {
    fn from(object: Map<String, Value>) -> Self {
        let claim = |(name, value): (String, Value)| (name.into(), ClaimValue::of_json(value));
        Self::new(object.into_iter().map(claim).collect())
    }
}

#[cfg(test)]
mod tests {
    use avouch_claims::ClaimValue;
    use serde_json::{Value, json};

    use super::TokenClaims;

    #[test]
    fn claims_stand_once_in_order_and_the_last_of_a_name_counts() {
        let names = ["b", "x-b", "a", "b", "x-a", "b", "a"];
        let value = ClaimValue::Integer;
        let claims = names.into_iter().zip(0..).map(|(name, n)| (name.into(), value(n)));
        let claims = TokenClaims::new(claims.collect());
        let found: Vec<(&str, &ClaimValue)> = claims.iter().collect();
        let expected = [("a", 6), ("b", 5), ("x-a", 4), ("x-b", 1)].map(|(n, v)| (n, value(v)));
        assert_eq!(found, expected.each_ref().map(|(name, value)| (*name, value)));
        for (name, value) in &expected {
            assert_eq!(claims.get(name), Some(value));
        }
        for name in ["", "B", "x-", "x-aa", "y"] {
            assert_eq!(claims.get(name), None, "{name}");
        }
        let object = claims.to_object();
        assert_eq!(Value::Object(object.clone()), json!({"a": 6, "b": 5, "x-a": 4, "x-b": 1}));
        assert_eq!(TokenClaims::from(object), claims);
        let more = claims.with(
            [("y", 7), ("a", 8), ("0", 9), ("d", 1), ("c", 2), ("d", 3)]
                .map(|(name, n)| (name.into(), value(n)))
                .into(),
        );
        let found: Vec<(&str, &ClaimValue)> = more.iter().collect();
        let expected =
            [("0", 9), ("a", 8), ("b", 5), ("c", 2), ("d", 3), ("x-a", 4), ("x-b", 1), ("y", 7)];
        let expected = expected.map(|(name, n)| (name, value(n)));
        assert_eq!(found, expected.each_ref().map(|(name, value)| (*name, value)));
        let none = TokenClaims::default();
        assert_eq!((none.clone().with(Vec::new()), more.clone().with(Vec::new())), (none, more));
    }
}
