//! A second evaluator, written from the language's description alone: lists, maps and recursion, a
//! foreign JSON parser and a foreign JMESPath engine. It shares the tree with the engine, nothing else.

use std::collections::BTreeMap;

use avouch_policy::ast::{
    ActionBody, Ast, Condition, Expression, ExpressionKind, Operator, Property, Rule, SectionKind,
    Verb,
};
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Val {
    Str(String),
    Int(i64),
    Bool(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct C {
    pub(crate) name: String,
    pub(crate) value: Val,
    pub(crate) issuer: String,
    pub(crate) read_only: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Result_ {
    pub(crate) decision: &'static str,
    pub(crate) outgoing: Vec<C>,
    pub(crate) added: Vec<C>,
    pub(crate) configuration: BTreeMap<String, Val>,
    pub(crate) properties: BTreeMap<String, Val>,
}

type Slug = &'static str;
type Binding = BTreeMap<String, C>;
/// A value and its read-only mark.
type Marked = (Val, bool);

struct State {
    incoming: Vec<C>,
    out: Result_,
    permit: bool,
    deny: bool,
}

/// Decision, then issuance only if permitted.
pub(crate) fn evaluate(ast: &Ast, claims: &[C]) -> Result<Result_, Slug> {
    let out = Result_ {
        decision: "",
        outgoing: vec![],
        added: vec![],
        configuration: BTreeMap::new(),
        properties: BTreeMap::new(),
    };
    let mut state = State { incoming: claims.to_vec(), out, permit: false, deny: false };
    for section in ast.sections() {
        if section.kind == SectionKind::Issuance && (state.deny || !state.permit) {
            break;
        }
        for rule in &section.rules {
            run_rule(rule, section.kind, &mut state)?;
        }
    }
    state.out.decision = match (state.deny, state.permit) {
        (true, _) => "deny-issued",
        (_, false) => "no-permit",
        _ => "permit",
    };
    state.out.added = state.incoming[claims.len()..].to_vec();
    Ok(state.out)
}

/// Conditions and firing (`docs/policy.md#how-often-a-rule-acts`).
fn run_rule(rule: &Rule, section: SectionKind, state: &mut State) -> Result<(), Slug> {
    let mut snapshot: Vec<C> = Vec::new();
    for claim in &state.incoming {
        if !snapshot.contains(claim) {
            snapshot.push(claim.clone());
        }
    }
    let mut bindings: Vec<Binding> = vec![Binding::new()];
    for condition in &rule.conditions {
        bindings = step(condition, &snapshot, bindings)?;
    }
    if bindings.is_empty() {
        return Ok(());
    }
    // Group by the claims bound to the names outside set-valued arguments.
    let mut names = Vec::new();
    match &rule.action.body {
        ActionBody::Empty => {}
        ActionBody::Copy(identifier) => names.push(identifier.name.to_string()),
        ActionBody::Make(assignments) => {
            assignments.iter().for_each(|a| scalar_names(&a.value, &mut names));
        }
    }
    let mut groups: Vec<(Vec<C>, Vec<Binding>)> = Vec::new();
    for binding in bindings {
        let key: Vec<C> = names.iter().map(|name| binding[name].clone()).collect();
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(binding),
            None => groups.push((key, vec![binding])),
        }
    }
    for (_, group) in groups {
        act(rule, section, &group, &names, state)?;
    }
    Ok(())
}

fn step(
    condition: &Condition,
    snapshot: &[C],
    bindings: Vec<Binding>,
) -> Result<Vec<Binding>, Slug> {
    let mut kept = Vec::new();
    for binding in bindings {
        match (&condition.identifier, condition.negation) {
            (Some(identifier), _) => {
                for claim in snapshot {
                    if satisfies(claim, condition, &binding)? {
                        let mut wider = binding.clone();
                        wider.insert(identifier.name.to_string(), claim.clone());
                        kept.push(wider);
                    }
                }
            }
            (None, negation) => {
                let mut found = false;
                for claim in snapshot {
                    if satisfies(claim, condition, &binding)? {
                        found = true;
                        break;
                    }
                }
                if found != negation.is_some() {
                    kept.push(binding);
                }
            }
        }
    }
    Ok(kept)
}

fn satisfies(claim: &C, condition: &Condition, binding: &Binding) -> Result<bool, Slug> {
    for test in &condition.selector {
        let left = property(claim, test.property);
        let right = values(&test.value, std::slice::from_ref(binding), &[])?;
        let holds = match right.as_slice() {
            [] => false,
            [(right, _)] => compare(test.operator, &left, right),
            _ => return Err("comparison-not-single"),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn property(claim: &C, property: Property) -> Val {
    match property {
        Property::Type => Val::Str(claim.name.clone()),
        Property::Value => claim.value.clone(),
        Property::Issuer => Val::Str(claim.issuer.clone()),
        Property::ValueType => Val::Str(kind(&claim.value).into()),
    }
}

fn kind(value: &Val) -> &'static str {
    match value {
        Val::Str(_) => "String",
        Val::Int(_) => "Integer",
        Val::Bool(_) => "Boolean",
    }
}

fn compare(operator: Operator, left: &Val, right: &Val) -> bool {
    match (operator, left, right) {
        (Operator::Equal, ..) => left == right,
        (Operator::NotEqual, ..) => left != right,
        (Operator::Less, Val::Int(a), Val::Int(b)) => a < b,
        (Operator::LessOrEqual, Val::Int(a), Val::Int(b)) => a <= b,
        (Operator::Greater, Val::Int(a), Val::Int(b)) => a > b,
        (Operator::GreaterOrEqual, Val::Int(a), Val::Int(b)) => a >= b,
        _ => false,
    }
}

fn scalar_names(expression: &Expression, names: &mut Vec<String>) {
    match &expression.kind {
        // A name twice in the key groups as the name once does.
        ExpressionKind::Reference { identifier, .. } => names.push(identifier.name.to_string()),
        ExpressionKind::Call { name, arguments } => {
            for (place, argument) in arguments.iter().enumerate() {
                let set = &*name.name == "IsSubsetOf"
                    || (&*name.name == "ContainsOnlyValue" && place == 0);
                if !set {
                    scalar_names(argument, names);
                }
            }
        }
        _ => {}
    }
}

/// In a condition the group is the one binding at hand.
fn values(
    expression: &Expression,
    group: &[Binding],
    scalars: &[String],
) -> Result<Vec<Marked>, Slug> {
    Ok(match &expression.kind {
        ExpressionKind::String(text) => vec![(Val::Str(text.to_string()), false)],
        ExpressionKind::Integer(value) => vec![(Val::Int(*value), false)],
        ExpressionKind::Boolean(value) => vec![(Val::Bool(*value), false)],
        ExpressionKind::Reference { identifier, property: wanted } => {
            let name = &*identifier.name;
            let mut claims: Vec<&C> = Vec::new();
            for binding in group {
                if !claims.contains(&&binding[name]) {
                    claims.push(&binding[name]);
                }
            }
            assert!(!scalars.iter().any(|s| s == name) || claims.len() == 1);
            let mark = |claim: &C| claim.read_only && *wanted == Property::Value;
            claims.into_iter().map(|claim| (property(claim, *wanted), mark(claim))).collect()
        }
        ExpressionKind::Call { name, arguments } => {
            let mut given = Vec::new();
            for argument in arguments {
                given.push(values(argument, group, scalars)?);
            }
            call(&name.name, &given)?
        }
    })
}

fn text(value: &Marked) -> Result<&str, Slug> {
    match &value.0 {
        Val::Str(text) => Ok(text),
        _ => Err("function-argument-type"),
    }
}

/// `docs/policy.md#functions-12`.
fn call(name: &str, given: &[Vec<Marked>]) -> Result<Vec<Marked>, Slug> {
    let mut results = Vec::new();
    match name {
        "IsSubsetOf" => {
            let known = |value: &Val| given[1].iter().any(|(other, _)| other == value);
            results.push((Val::Bool(given[0].iter().all(|(value, _)| known(value))), false));
        }
        "ContainsOnlyValue" => {
            let [(one, _)] = given[1].as_slice() else {
                return Err("function-argument-not-single");
            };
            let only = !given[0].is_empty() && given[0].iter().all(|(value, _)| value == one);
            results.push((Val::Bool(only), false));
        }
        "NegateBool" => {
            for (value, mark) in &given[0] {
                let Val::Bool(value) = value else { return Err("function-argument-type") };
                results.push((Val::Bool(!value), *mark));
            }
        }
        "JsonToClaimValue" => {
            for value in &given[0] {
                let json: Json = serde_json::from_str(text(value)?).map_err(|_| "invalid-json")?;
                for made in claim_values(&json)? {
                    results.push((made, value.1));
                }
            }
        }
        _ => {
            for first in &given[0] {
                for second in &given[1] {
                    let (a, b) = (text(first)?, text(second)?);
                    let made = match name {
                        "AppendString" => format!("{a}{b}"),
                        _ => jmespath(a, b)?,
                    };
                    results.push((Val::Str(made), first.1 || second.1));
                }
            }
        }
    }
    Ok(results)
}

fn claim_values(json: &Json) -> Result<Vec<Val>, Slug> {
    let scalar = |json: &Json, nested: Slug| -> Result<Option<Val>, Slug> {
        Ok(Some(match json {
            Json::Null => return Ok(None),
            Json::Bool(value) => Val::Bool(*value),
            Json::String(text) => Val::Str(text.clone()),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Val::Int(value),
                None => return Err("json-fraction"),
            },
            Json::Array(_) | Json::Object(_) => return Err(nested),
        }))
    };
    match json {
        Json::Array(items) => {
            let mut made = Vec::new();
            for item in items {
                made.extend(scalar(item, "json-nested-array")?);
            }
            Ok(made)
        }
        other => Ok(scalar(other, "json-object")?.into_iter().collect()),
    }
}

fn jmespath(document: &str, query: &str) -> Result<String, Slug> {
    let json: Json = serde_json::from_str(document).map_err(|_| "invalid-json")?;
    if query.is_empty() {
        return Err("invalid-jmespath");
    }
    let compiled = jmespath::compile(query).map_err(|_| "invalid-jmespath")?;
    let found = compiled.search(json).map_err(|_| "jmespath-runtime-error")?;
    Ok(serde_json::to_string(&found).unwrap())
}

/// `docs/policy.md#actions`.
fn act(
    rule: &Rule,
    section: SectionKind,
    group: &[Binding],
    names: &[String],
    state: &mut State,
) -> Result<(), Slug> {
    let assignments = match &rule.action.body {
        ActionBody::Empty => {
            match rule.action.verb {
                Verb::Permit => state.permit = true,
                _ => state.deny = true,
            }
            return Ok(());
        }
        ActionBody::Copy(identifier) => {
            let claim = &group[0][&*identifier.name];
            let made = (claim.value.clone(), claim.read_only);
            return emit(rule.action.verb, section, claim.name.clone(), made, state);
        }
        ActionBody::Make(assignments) => assignments,
    };
    let (mut claim_type, mut made, mut declared) = (None, Vec::new(), None);
    for assignment in assignments {
        let values = values(&assignment.value, group, names)?;
        match assignment.property {
            Property::Type => claim_type = Some(one_type(&values)?),
            Property::Value => made = values,
            _ => declared = values.into_iter().next().map(|(value, _)| value),
        }
    }
    for value in made {
        if declared.as_ref().is_some_and(|kind_| *kind_ != Val::Str(kind(&value.0).into())) {
            return Err("value-type-mismatch");
        }
        emit(rule.action.verb, section, claim_type.clone().unwrap(), value, state)?;
    }
    Ok(())
}

fn one_type(values: &[Marked]) -> Result<String, Slug> {
    match values {
        [(Val::Str(name), _)] if !name.is_empty() => Ok(name.clone()),
        _ => Err("invalid-type"),
    }
}

fn emit(
    verb: Verb,
    section: SectionKind,
    name: String,
    (value, read_only): Marked,
    state: &mut State,
) -> Result<(), Slug> {
    let issues = verb == Verb::Issue && section == SectionKind::Issuance;
    if read_only && (issues || verb == Verb::IssueProperty) {
        return Err("read-only-claim-issued");
    }
    let claim = C { name, value, issuer: "AttestationPolicy".into(), read_only };
    if verb == Verb::IssueProperty {
        setting(section, &claim)?;
        let target = match section {
            SectionKind::Configuration => &mut state.out.configuration,
            _ => &mut state.out.properties,
        };
        target.insert(claim.name.clone(), claim.value.clone());
    }
    if issues {
        state.out.outgoing.push(claim.clone());
    }
    state.incoming.push(claim);
    Ok(())
}

/// `docs/policy.md#settings`.
fn setting(section: SectionKind, claim: &C) -> Result<(), Slug> {
    let (expected, range) = match (section, claim.name.as_str()) {
        (SectionKind::Configuration, "require_valid_aik_cert") => ("Boolean", None),
        (SectionKind::Configuration, "required_pcr_mask") => ("Integer", Some(0..=16_777_215)),
        (SectionKind::Configuration, "x-ms-sgx-tcbidentifier") => ("String", None),
        (SectionKind::Configuration, _) => return Err("unknown-configuration-property"),
        (_, "report_validity_in_minutes") => ("Integer", Some(1..=525_600)),
        (_, "omit_x5c") => ("Boolean", None),
        _ => return Ok(()),
    };
    if kind(&claim.value) != expected {
        return Err("wrong-property-type");
    }
    match (&claim.value, range) {
        (Val::Int(value), Some(range)) if !range.contains(value) => Err("property-out-of-range"),
        _ => Ok(()),
    }
}
