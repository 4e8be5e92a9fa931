//! A quote that verified but for its platform's TCB, which no level of Intel's fits.

use avouch_wire::UnixTime;

use super::VerifiedQuote;
use crate::acceptance::Acceptance;
use crate::error::VerifyError;
use crate::exception::NotExcepted;
use crate::tcb::BelowLevels;

/// What verification says of a quote.
#[derive(Debug)]
pub enum JudgedQuote {
    /// It verified.
    Listed(VerifiedQuote),
    /// It verified but for its platform's TCB.
    Unlisted(UnlistedQuote),
}

/// A quote whose platform's TCB no level of Intel's fits. All else holds as in a [`VerifiedQuote`]:
/// signatures, chains, revocation, dates, quoting enclave, TDX module and their levels.
///
/// It is not verified: only [`Self::accept`] makes it so, by an exception that an operator made for
/// such platforms.
#[derive(Debug)]
pub struct UnlistedQuote {
    quote: VerifiedQuote,
    below: BelowLevels,
}

impl UnlistedQuote {
    pub(super) const fn new(quote: VerifiedQuote, below: BelowLevels) -> Self {
        Self { quote, below }
    }

    /// The quote as verified, marked with the first exception that holds for it at `at`.
    ///
    /// # Errors
    /// [`VerifyError::TcbLevel`] if none does, with why those for its FMSPC do not.
    pub fn accept(
        self,
        acceptance: &Acceptance,
        at: UnixTime,
    ) -> Result<VerifiedQuote, VerifyError> {
        let mut why_not = Vec::new();
        for exception in &acceptance.platform_exceptions {
            match exception.judge(&self.quote, &self.below.short, at) {
                Ok(accepted) => {
                    return Ok(VerifiedQuote { platform_exception: Some(accepted), ..self.quote });
                }
                Err(NotExcepted::OtherPlatform) => {}
                Err(why) => why_not.push(format!("exception {:?} {why}", exception.name)),
            }
        }
        Err(self.into_error(why_not))
    }

    pub(super) fn into_error(self, exceptions: Vec<String>) -> VerifyError {
        let BelowLevels { moment, short } = self.below;
        VerifyError::TcbLevel { moment, short, exceptions }
    }
}
