//! A relying party: what it expects of tokens, and of the service that issues them.

use avouch_token::{
    Accepted, Check, Expectations, Jwk, Jwks, Outcome, VerifiedToken, check_key_binding,
    verify_token,
};
use avouch_wire::{FailedCheck as _, UnixTime};

use crate::checks::Checks;
use crate::service::untrusted_report_data;
use crate::{
    PublishedCode, ServiceError, ServiceVerifier, StepReport, TrustStep, TrustVerdict,
    VerifiedService,
};

/// Who is to be convinced, and by what.
#[derive(Clone, Copy)]
pub struct RelyingParty<'a> {
    /// Verifies the evidence of the service; without one, steps 2 to 4 are not checked.
    pub service: Option<&'a ServiceVerifier>,
    /// The code that may run there, and where that is written down; without it, steps 4 and 5 are not checked.
    pub code: Option<PublishedCode<'a>>,
    /// Whether a service that proves nothing of itself is refused, and with it a token that nobody signed.
    /// Where code is given it always is.
    pub demands_evidence: bool,
}

impl RelyingParty<'_> {
    /// Asks the five questions of a token, by the keys of the service that the caller chose.
    ///
    /// The moment of judgement is that of `expectations`; an issuer should be expected there. Where the token
    /// itself fails, the other steps are not checked: nobody is known to have signed it.
    #[must_use]
    pub fn verify(&self, token: &str, keys: &Jwks, expectations: &Expectations) -> TrustVerdict {
        let verification = verify_token(token, keys, expectations);
        let mut checks = Checks(verification.checks().to_vec());
        let first = token_step(&verification, expectations);
        let accepted = verification.result().as_ref().ok().cloned();
        let others = match &accepted {
            Some(Accepted::Signed(token)) => self.judge_service(token, expectations, &mut checks),
            // No key signed it, so no service can prove anything by it.
            Some(Accepted::Unsecured(_)) if self.demands() => {
                let reason = "evidence of the service is demanded, and nobody signed the token";
                checks.failed("service-evidence", reason);
                from_second(Outcome::Failed, reason)
            }
            _ => others("there is no signed token that holds"),
        };
        let [second, third, fourth] = others;
        let fifth = self.judge_transparency(&fourth, &mut checks);
        let failed = checks.0.iter().any(|check| check.outcome == Outcome::Failed);
        TrustVerdict {
            checks: checks.0,
            steps: [first, second, third, fourth, fifth],
            accepted: accepted.filter(|_| !failed),
        }
    }

    /// A ledger speaks of what was published, so of the service only once that is what runs there.
    fn judge_transparency(&self, fourth: &StepReport, checks: &mut Checks) -> StepReport {
        const NAME: &str = "service-transparency";
        match self.code.as_ref().and_then(PublishedCode::witness) {
            None => {
                let reason = "no transparent statement was given";
                step(TrustStep::Transparency, Outcome::NotChecked, reason)
            }
            Some(Err(error)) => {
                checks.failed(error.check(), error.to_string());
                step(TrustStep::Transparency, Outcome::Failed, error.to_string())
            }
            Some(Ok(_)) if fourth.outcome != Outcome::Passed => {
                let reason = "what runs there is not proven to be what was published";
                checks.not_checked(NAME, reason);
                step(TrustStep::Transparency, Outcome::NotChecked, reason)
            }
            Some(Ok(found)) => {
                checks.passed(NAME, found.as_str());
                step(TrustStep::Transparency, Outcome::Passed, found)
            }
        }
    }

    fn demands(&self) -> bool {
        self.demands_evidence || self.code.is_some()
    }

    fn judge_service(
        &self,
        token: &VerifiedToken,
        expectations: &Expectations,
        checks: &mut Checks,
    ) -> [StepReport; 3] {
        let Some(verifier) = self.service else {
            let reason = "nothing was given to verify the service with";
            if self.demands() {
                checks.failed("service-evidence", reason);
                return from_second(Outcome::Failed, reason);
            }
            checks.not_checked("service-evidence", reason);
            return from_second(Outcome::NotChecked, reason);
        };
        match verifier.verify(token.key(), expectations.at) {
            Ok(service) => self.judge_verified(&service, token, expectations, checks),
            Err(error) => self.unverified(&error, token.key(), checks),
        }
    }

    /// Evidence that is not there, or that nothing is at hand to verify, fails only if it is demanded.
    fn unverified(&self, error: &ServiceError, key: &Jwk, checks: &mut Checks) -> [StepReport; 3] {
        let nothing_speaks_against_it =
            matches!(error, ServiceError::Absent(_)) || error.lacks_endorsements();
        let reason = error.to_string();
        let outcome = if nothing_speaks_against_it && !self.demands() {
            checks.not_checked("service-evidence", reason.as_str());
            Outcome::NotChecked
        } else {
            checks.failed(error.check(), reason.as_str());
            Outcome::Failed
        };
        let [second, third, fourth] = from_second(outcome, &reason);
        // Whatever its worth, it must be for this key.
        let binding = untrusted_report_data(key).map(|found| check_key_binding(key.key(), &found));
        let third = match binding {
            Some(Err(error)) => {
                checks.failed(error.check(), error.to_string());
                step(TrustStep::KeyBinding, Outcome::Failed, error.to_string())
            }
            Some(Ok(())) => {
                let reason = "the report data fits the key, but no TEE is known to have made it";
                checks.not_checked("service-key-binding", reason);
                step(TrustStep::KeyBinding, Outcome::NotChecked, reason)
            }
            None => third,
        };
        [second, third, fourth]
    }

    fn judge_verified(
        &self,
        service: &VerifiedService,
        token: &VerifiedToken,
        expectations: &Expectations,
        checks: &mut Checks,
    ) -> [StepReport; 3] {
        let Some(workload) = service.workload() else {
            let reason = "the evidence is of no workload in a TEE";
            checks.failed("service-evidence", reason);
            return from_second(Outcome::Failed, reason);
        };
        let roots: Vec<&str> = service.roots().iter().map(|root| root.label.as_str()).collect();
        let found = format!("{} that verifies up to {}", workload.title(), roots.join(", "));
        checks.passed("service-evidence", found.as_str());
        let second = step(TrustStep::ServiceEvidence, Outcome::Passed, found);

        let bound = service.bound_data(&workload);
        let binding = check_key_binding(token.key().key(), &bound);
        let third = match binding {
            Ok(()) => {
                let bound = match service.is_of_a_paravisor() {
                    false => "the report data is the digest of the key that signed the token",
                    true => {
                        "what the guest gave its paravisor is the digest of the key that signed the token"
                    }
                };
                checks.passed("service-key-binding", bound);
                step(TrustStep::KeyBinding, Outcome::Passed, bound)
            }
            Err(error) => {
                checks.failed(error.check(), error.to_string());
                step(TrustStep::KeyBinding, Outcome::Failed, error.to_string())
            }
        };
        let fourth = self.judge_measurement(service, expectations.at, checks);
        let steps = [second, third, fourth];
        if service.is_debuggable() { steps.map(doubted) } else { steps }
    }

    /// The fourth step: of what the service runs, not of what stands between it and its TEE.
    fn judge_measurement(
        &self,
        service: &VerifiedService,
        at: UnixTime,
        checks: &mut Checks,
    ) -> StepReport {
        let Some(published) = self.code else {
            let reason = "no list of published measurements was given";
            checks.not_checked("service-measurement", reason);
            return step(TrustStep::Measurement, Outcome::NotChecked, reason);
        };
        let code = match service.measured_code() {
            Ok(code) => code,
            Err(error) => {
                checks.failed("service-measurement", error.to_string());
                return step(TrustStep::Measurement, Outcome::Failed, error.to_string());
            }
        };
        match published.judge(&code, at) {
            Ok(found) => {
                checks.passed("service-measurement", found.as_str());
                step(TrustStep::Measurement, Outcome::Passed, found)
            }
            Err(error) => {
                checks.failed(error.check(), error.to_string());
                step(TrustStep::Measurement, Outcome::Failed, error.to_string())
            }
        }
    }
}

/// What was found of a service that its host can debug, where that is accepted: it is told what that is worth.
fn doubted(report: StepReport) -> StepReport {
    if report.outcome != Outcome::Passed {
        return report;
    }
    let reason = format!("{}; but its host can debug it, which was accepted", report.reason);
    StepReport { reason, ..report }
}

fn token_step(
    verification: &avouch_token::Verification,
    expectations: &Expectations,
) -> StepReport {
    let failed = |check: &&Check| check.outcome == Outcome::Failed;
    match verification.result() {
        Ok(Accepted::Signed(token)) => match &expectations.issuer {
            Some(issuer) => {
                let until = token.expires_at();
                step(
                    TrustStep::Token,
                    Outcome::Passed,
                    format!("signed by {issuer}, until {until}"),
                )
            }
            None => step(
                TrustStep::Token,
                Outcome::NotChecked,
                "signed by a key of the set, but no issuer was expected",
            ),
        },
        Ok(Accepted::Unsecured(_)) => {
            step(TrustStep::Token, Outcome::NotChecked, "unsecured: nothing in it is proven")
        }
        Err(error) => {
            let first = verification.checks().iter().find(failed);
            let reason = first.map_or_else(|| error.to_string(), |check| check.detail.clone());
            step(TrustStep::Token, Outcome::Failed, reason)
        }
    }
}

fn step(step: TrustStep, outcome: Outcome, reason: impl Into<String>) -> StepReport {
    StepReport { step, outcome, reason: reason.into() }
}

/// The second step, and the two that are not checked because of it.
fn from_second(outcome: Outcome, reason: &str) -> [StepReport; 3] {
    let [_, third, fourth] = others("the evidence of the service did not verify");
    [step(TrustStep::ServiceEvidence, outcome, reason), third, fourth]
}

/// The three steps about the service, none of them checked.
fn others(reason: &str) -> [StepReport; 3] {
    let [_, second, third, fourth, _] = TrustStep::ALL;
    [second, third, fourth].map(|one| step(one, Outcome::NotChecked, reason))
}

#[cfg(test)]
mod tests;
