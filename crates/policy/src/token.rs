//! From outgoing claims to the members of a token (`docs/policy.md#the-token`).

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::type_name::TypeName;
use crate::value::{Claim, Key, Value};

/// The claims that a policy contributes to a token, in order of first issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contribution {
    members: Vec<(TypeName, Vec<Value>)>,
}

/// Rules 1 to 3: repeats collapse, one value is a scalar, several are an array in order of issue.
#[must_use]
pub fn contribution(outgoing: &[Claim]) -> Contribution {
    let mut firsts: HashMap<&str, (usize, &Value)> = HashMap::with_capacity(outgoing.len());
    // Most names are issued once, and need no look.
    let mut seen: HashSet<(usize, Key<'_>)> = HashSet::new();
    let mut members: Vec<(TypeName, Vec<Value>)> = Vec::with_capacity(outgoing.len());
    for claim in outgoing {
        let (place, first) =
            *firsts.entry(&claim.claim_type).or_insert((members.len(), &claim.value));
        match members.get_mut(place) {
            Some((_, values)) => {
                // Once there are two, the first is known: it may be long, and repeats many.
                if values.len() == 1 {
                    seen.insert((place, Key::of(first)));
                }
                if seen.insert((place, Key::of(&claim.value))) {
                    values.push(claim.value.clone());
                }
            }
            None => members.push((claim.claim_type.clone(), vec![claim.value.clone()])),
        }
    }
    Contribution { members }
}

impl Contribution {
    /// Names and values in order; never a name without a value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, serde_json::Value)> {
        self.members.iter().map(|(name, values)| (&**name, json_of(values)))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the policy contributes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// All members as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Rule 4: takes away what a policy must not say.
    ///
    /// `emitted` are the claims that the service itself puts into this token. Returns what was
    /// dropped, in order, so that it can be warned about.
    ///
    /// Not dropped: names in the service's own spaces that are not reserved and not emitted; see
    /// [`is_service_space`] for the stricter reading.
    pub fn drop_reserved<'a>(
        &mut self,
        emitted: impl IntoIterator<Item = &'a str>,
    ) -> Vec<(String, serde_json::Value)> {
        let emitted: HashSet<&str> = emitted.into_iter().collect();
        self.drop_if(|name| is_reserved(name) || emitted.contains(name))
    }

    /// Takes away the members whose name `refuse` accepts, and returns them in order.
    pub fn drop_if(&mut self, refuse: impl Fn(&str) -> bool) -> Vec<(String, serde_json::Value)> {
        let (dropped, kept) =
            std::mem::take(&mut self.members).into_iter().partition(|(name, _)| refuse(name));
        self.members = kept;
        let dropped: Vec<(TypeName, Vec<Value>)> = dropped;
        dropped.into_iter().map(|(name, values)| (name.to_string(), json_of(&values))).collect()
    }
}

impl Serialize for Contribution {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

fn json_of(values: &[Value]) -> serde_json::Value {
    match values {
        [one] => one.to_json(),
        many => many.iter().map(Value::to_json).collect(),
    }
}

/// Names that belong to the service in every token, whether or not this one has them. Whom a token is for,
/// and whom it names, only the operator's rules of token exchange say.
pub const RESERVED: [&str; 23] = [
    "iss",
    "iat",
    "exp",
    "nbf",
    "jti",
    "x-ms-ver",
    "x-ms-attestation-type",
    "x-ms-policy",
    "x-ms-policy-hash",
    "x-ms-policy-signer",
    "x-ms-runtime",
    "x-ms-inittime",
    "nonce",
    "cnf",
    "rp_data",
    "aud",
    "sub",
    "azp",
    "act",
    "may_act",
    "client_id",
    "scope",
    "scp",
];

/// Whether a policy can never set this member of a token.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Beginnings of names that speak about verified evidence of some type.
const SERVICE_SPACES: [&str; 8] = [
    "x-ms-sgx-",
    "x-ms-sevsnpvm-",
    "x-ms-azurevm-",
    "x-ms-isolation-tee",
    "x-ms-compliance-status",
    "tdx_",
    "avouch-",
    // Attestation results are known by such names.
    "ear_",
];

/// Whether a name lies in the service's own spaces: in a token of another type a policy could use
/// it to make that token look like a hardware one. The secure reading drops these too, with
/// [`Contribution::drop_if`].
#[must_use]
pub fn is_service_space(name: &str) -> bool {
    SERVICE_SPACES.iter().any(|space| name.starts_with(space))
}
