//! A source that could not be asked when it was looked for.

use crate::{EvidenceSource, OwnEvidence, SourceName, TeeError, TeeSettings};

/// Looks for a source with each question until there is one, which then answers.
pub struct Later {
    settings: TeeSettings,
    found: Option<Box<dyn EvidenceSource>>,
}

impl Later {
    /// What these settings will find.
    #[must_use]
    pub const fn new(settings: TeeSettings) -> Self {
        Self { settings, found: None }
    }
}

impl EvidenceSource for Later {
    fn name(&self) -> &'static str {
        self.settings.source.name()
    }

    fn evidence(&mut self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        let found = match self.found.take() {
            Some(found) => found,
            None => self.settings.choose()?.ok_or_else(|| TeeError::Absent {
                source_name: SourceName::Auto.name(),
                reason: "nothing that was looked at is one".to_owned(),
            })?,
        };
        self.found.insert(found).evidence(report_data)
    }
}
