//! Which of Intel's TCB recoveries to judge by.

use std::fmt;
use std::str::FromStr;

use avouch_wire::excerpt;

/// Of which TCB recovery Intel's documents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum TcbEvaluation {
    /// Intel's default: the recovery that operators had time to patch for.
    #[default]
    Standard,
    /// The newest, as soon as it is published.
    Early,
    /// The one of this TCB evaluation data number.
    Number(u32),
}

impl fmt::Display for TcbEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("standard"),
            Self::Early => f.write_str("early"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl FromStr for TcbEvaluation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "standard" => Ok(Self::Standard),
            "early" => Ok(Self::Early),
            number => number.parse().map(Self::Number).map_err(|_| {
                let found = excerpt(text);
                format!("{found:?} is none of: standard, early, a TCB evaluation data number")
            }),
        }
    }
}
