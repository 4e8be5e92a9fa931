//! A workload beside a list: is it code that is in force?

use avouch_engine::Workload;
use avouch_wire::UnixTime;

use super::{Measurement, MeasurementState, Measurements, UnpublishedMeasurement};

impl Measurements {
    /// Whether a workload is one that is published and in force at `at`; says which and until when.
    ///
    /// One that is announced does not run yet, and one that is retired not any more: neither passes. A workload
    /// that a retired measurement names does not pass as something broader either: only one that is in force and
    /// says at least as exactly what runs stands against it, and against one that was withdrawn only one that
    /// says it more exactly.
    ///
    /// # Errors
    /// [`UnpublishedMeasurement`] saying what of it is not as published, or when it is.
    pub fn judge(
        &self,
        workload: &Workload<'_>,
        at: UnixTime,
    ) -> Result<String, UnpublishedMeasurement> {
        let fitting = self.fitting(workload)?;
        let state = |one: &&Measurement| self.state(one, at);
        let current = fitting
            .iter()
            .filter(|one| matches!(state(one), MeasurementState::Current { .. }))
            .find(|one| fitting.iter().all(|other| !self.speaks_against(other, one, at)));
        if let Some(one) = current {
            let until = match state(one) {
                MeasurementState::Current { until: Some(until) } => format!(", until {until}"),
                _ => String::new(),
            };
            let since = self.in_force_from(one);
            return Ok(format!("{:?}, in force since {since}{until}", one.name));
        }
        let retired = fitting.iter().find_map(|one| match state(one) {
            MeasurementState::Retired { since } => {
                Some(UnpublishedMeasurement::Retired { name: one.name.clone(), since })
            }
            _ => None,
        });
        let announced = fitting.iter().find_map(|one| match state(one) {
            MeasurementState::Announced { from } => {
                Some(UnpublishedMeasurement::Announced { name: one.name.clone(), from })
            }
            _ => None,
        });
        let listed = self.measurements.len();
        let none = UnpublishedMeasurement::NotListed { listed, nearest: None };
        Err(retired.or(announced).unwrap_or(none))
    }

    /// Those that name this workload, at least one.
    fn fitting(
        &self,
        workload: &Workload<'_>,
    ) -> Result<Vec<&Measurement>, UnpublishedMeasurement> {
        let (mut fitting, mut nearest) = (Vec::new(), None::<(&str, Vec<String>)>);
        for measurement in &self.measurements {
            let Some(mismatches) = measurement.workload.mismatches(workload) else { continue };
            if mismatches.is_empty() {
                fitting.push(measurement);
            } else if nearest.as_ref().is_none_or(|(_, known)| mismatches.len() < known.len()) {
                nearest = Some((&measurement.name, mismatches));
            }
        }
        if !fitting.is_empty() {
            return Ok(fitting);
        }
        Err(UnpublishedMeasurement::NotListed {
            listed: self.measurements.len(),
            nearest: nearest.map(|(name, mismatches)| (name.to_owned(), mismatches.join("; "))),
        })
    }

    /// Whether one that is retired takes away what a current one allows, where both name the same workload.
    fn speaks_against(&self, retired: &Measurement, current: &Measurement, at: UnixTime) -> bool {
        if !matches!(self.state(retired, at), MeasurementState::Retired { .. }) {
            return false;
        }
        let is_withdrawn = retired.withdrawn_at.is_some_and(|since| since <= at);
        let (broad, narrow) = (&retired.workload, &current.workload);
        let is_no_broader = narrow.is_no_broader_than(broad);
        !is_no_broader || (is_withdrawn && broad.is_no_broader_than(narrow))
    }
}
