//! What a rule does when its conditions hold (`docs/policy.md#actions`).

use std::collections::HashMap;

use super::error::{EvalSlug, Failure};
use super::functions::{Produced, Scope, Values};
use super::matching::Bindings;
use super::set::Place;
use super::{Run, Tracer};
use crate::ast::{SectionKind, Verb};
use crate::compile::CompiledRule;
use crate::cost;
use crate::limits::{Limit, LimitExceeded};
use crate::properties;
use crate::resolved::{Action, ClaimType, Make, Symbol};
use crate::type_name::TypeName;
use crate::value::{Claim, Issuer, Value};

impl<'a, T: Tracer> Run<'a, T> {
    /// Runs the action once for each group of bindings that agree in the claims it mentions.
    pub(super) fn fire(
        &mut self,
        rule: &'a CompiledRule,
        bindings: &Bindings,
    ) -> Result<(), Failure> {
        let grouping = rule.grouping.as_slice();
        let grouped = rule.grouped.as_slice();
        if grouping.is_empty() {
            return self.act(rule, &Scope::Group { bindings, rows: None, grouped });
        }
        if grouping.len() == rule.slots {
            // Rows differ, so each is a group of its own.
            for row in 0..bindings.rows {
                self.act(rule, &Scope::Row(bindings.row(row)))?;
            }
            return Ok(());
        }
        for rows in self.groups(grouping, bindings)? {
            self.act(rule, &Scope::Group { bindings, rows: Some(&rows), grouped })?;
        }
        Ok(())
    }

    /// Rows by the claims in the `grouping` slots, in order of first appearance.
    fn groups(
        &mut self,
        grouping: &[usize],
        bindings: &Bindings,
    ) -> Result<Vec<Vec<usize>>, Failure> {
        let mut order: HashMap<Vec<Place>, usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for row in 0..bindings.rows {
            self.meter.charge(cost::GROUP)?;
            self.meter.charge_long(
                cost::HASHED_TEXT,
                grouping.len().saturating_mul(size_of::<Place>()),
            )?;
            self.meter
                .charge_long(cost::COPIED, grouping.len().saturating_mul(size_of::<Place>()))?;
            let places = bindings.row(row);
            let key = grouping.iter().filter_map(|slot| places.get(*slot).copied()).collect();
            let group = *order.entry(key).or_insert(groups.len());
            match groups.get_mut(group) {
                Some(rows) => rows.push(row),
                None => groups.push(vec![row]),
            }
        }
        Ok(groups)
    }

    fn act(&mut self, rule: &'a CompiledRule, scope: &Scope<'_>) -> Result<(), Failure> {
        self.meter.charge(cost::ACTION)?;
        self.tracer.fired();
        match &rule.action {
            Action::Permit => self.permitted = true,
            Action::Deny => self.denied = true,
            Action::Copy { verb, slot } => {
                let Some(entry) = scope.place(*slot).and_then(|place| self.set.get(place)) else {
                    return Ok(());
                };
                let symbol = entry.symbol;
                let claim = entry.claim.clone();
                let made = Produced { value: claim.value, read_only: claim.read_only };
                return self.emit(rule.section, *verb, &claim.claim_type, symbol, made);
            }
            Action::Make(make) => return self.make(rule.section, make, scope),
        }
        Ok(())
    }

    fn make(
        &mut self,
        section: SectionKind,
        make: &'a Make,
        scope: &Scope<'_>,
    ) -> Result<(), Failure> {
        let early = if make.value_first { Some(self.values(&make.value, scope)?) } else { None };
        let (claim_type, symbol) = match &make.claim_type {
            ClaimType::Literal(name, symbol) => (name.clone(), Some(*symbol)),
            ClaimType::Computed(computed) => {
                let values = self.values(computed, scope)?;
                (self.single_type(&values)?, None)
            }
        };
        let values = match early {
            Some(values) => values,
            None => self.values(&make.value, scope)?,
        };
        for made in values {
            if let Some(kind) = make.kind
                && made.value.kind() != kind
            {
                let (found, kind) = (made.value.kind().name(), kind.name());
                return Err(Failure::new(
                    EvalSlug::ValueTypeMismatch,
                    format!("the value is of valueType {found}, the rule says {kind}"),
                ));
            }
            self.emit(section, make.verb, &claim_type, symbol, made)?;
        }
        Ok(())
    }

    /// Puts one claim where the verb says.
    fn emit(
        &mut self,
        section: SectionKind,
        verb: Verb,
        claim_type: &TypeName,
        symbol: Option<Symbol>,
        made: Produced,
    ) -> Result<(), Failure> {
        // In authorizationrules `issue` is `add`.
        let verb = match (verb, section) {
            (Verb::Issue, SectionKind::Authorization) => Verb::Add,
            (verb, _) => verb,
        };
        let name = || crate::print::printable(claim_type);
        if made.read_only && verb != Verb::Add {
            return Err(Failure::new(
                EvalSlug::ReadOnlyClaimIssued,
                format!("the value of `{}` is read-only and cannot be issued", name()),
            ));
        }
        self.meter.charge(cost::CLAIM)?;
        let claim = Claim {
            claim_type: claim_type.clone(),
            value: made.value,
            issuer: Issuer::AttestationPolicy,
            read_only: made.read_only,
        };
        match verb {
            Verb::IssueProperty => self.set_property(section, &claim)?,
            Verb::Issue => self.issue(&claim)?,
            Verb::Add | Verb::Permit | Verb::Deny => {}
        }
        self.tracer.made(verb, &claim);
        self.set.push(claim, symbol, &mut self.meter)
    }

    fn set_property(&mut self, section: SectionKind, claim: &Claim) -> Result<(), Failure> {
        properties::check(section, &claim.claim_type, &claim.value)?;
        let target = match section {
            SectionKind::Configuration => &mut self.configuration,
            SectionKind::Authorization | SectionKind::Issuance => &mut self.properties,
        };
        for (name, _) in target.iter() {
            self.meter.charge(cost::SETTING)?;
            self.meter.charge_long(cost::COMPARED, name.len())?;
        }
        self.meter.charge(cost::ISSUED)?;
        target.set(&claim.claim_type, claim.value.clone());
        Ok(())
    }

    fn issue(&mut self, claim: &Claim) -> Result<(), Failure> {
        if self.outgoing.len() >= self.limits.claims {
            return Err(LimitExceeded::new(Limit::Claims, self.limits.claims).into());
        }
        let bytes = claim.value.text_bytes().saturating_add(claim.claim_type.len());
        self.meter.charge(cost::ISSUED)?;
        self.meter.charge_long(cost::ISSUED_TEXT, bytes)?;
        self.outgoing.push(claim.clone());
        Ok(())
    }

    /// A type must be one non-empty string.
    fn single_type(&mut self, values: &Values) -> Result<TypeName, Failure> {
        let problem = match values.as_slice() {
            [one] => match &one.value {
                Value::String(text) if !text.is_empty() => {
                    self.meter.charge(cost::STRING)?;
                    self.meter.charge_text(cost::COPIED, text.len())?;
                    return Ok(text.as_str().into());
                }
                Value::String(_) => "a claim type is empty".to_owned(),
                other => format!("a claim type is of valueType {}", other.kind().name()),
            },
            [] => "a claim type has no value".to_owned(),
            many => format!("a claim type has {} values", many.len()),
        };
        Err(Failure::new(EvalSlug::InvalidType, problem))
    }
}
