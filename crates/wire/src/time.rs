//! A moment in time, as an argument.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use time::{Date, Month, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A moment: seconds since 1970-01-01T00:00:00Z, between the years 0 and 9999.
///
/// Verification never reads a clock; it is told the moment to judge at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

/// Why a text or number is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("{0:?} is not a time in RFC 3339 form, such as 2026-01-31T12:00:00Z")]
    NotRfc3339(String),
    /// Outside the years 0 to 9999.
    #[error("{0} seconds is outside the years 0 to 9999")]
    OutOfRange(i64),
}

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Seconds at 0000-01-01T00:00:00Z.
    const FIRST: i64 = -62_167_219_200;
    /// Seconds at 9999-12-31T23:59:59Z.
    const LAST: i64 = 253_402_300_799;

    /// The moment `seconds` after the epoch.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] outside the years 0 to 9999.
    pub const fn from_seconds(seconds: i64) -> Result<Self, TimeError> {
        if seconds < Self::FIRST || seconds > Self::LAST {
            return Err(TimeError::OutOfRange(seconds));
        }
        Ok(Self(seconds))
    }

    /// Reads RFC 3339 with any offset; fractions of a second are dropped.
    ///
    /// # Errors
    /// [`TimeError::NotRfc3339`].
    pub fn from_rfc3339(text: &str) -> Result<Self, TimeError> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| TimeError::NotRfc3339(text.to_owned()))?;
        Self::from_seconds(parsed.unix_timestamp())
    }

    /// The moment of a date (year, month, day) and time (hour, minute, second) in UTC; none if they
    /// are not on the calendar and the clock.
    #[must_use]
    pub fn from_utc(date: (i32, u8, u8), time: (u8, u8, u8)) -> Option<Self> {
        let month = Month::try_from(date.1).ok()?;
        let date = Date::from_calendar_date(date.0, month, date.2).ok()?;
        let moment = date.with_hms(time.0, time.1, time.2).ok()?;
        Self::from_seconds(moment.assume_utc().unix_timestamp()).ok()
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The moment `seconds` later (or earlier), held inside the range.
    #[must_use]
    pub const fn saturating_add_seconds(self, seconds: i64) -> Self {
        let sum = self.0.saturating_add(seconds);
        if sum < Self::FIRST {
            Self(Self::FIRST)
        } else if sum > Self::LAST {
            Self(Self::LAST)
        } else {
            Self(sum)
        }
    }

    /// The same day and time as many months later, held inside the range; the last day of that month if it
    /// has no such day.
    ///
    /// ```
    /// # use avouch_wire::UnixTime;
    /// let moment = UnixTime::from_rfc3339("2026-12-31T12:00:00Z")?;
    /// assert_eq!(moment.saturating_add_months(2).to_rfc3339(), "2027-02-28T12:00:00Z");
    /// # Ok::<(), avouch_wire::TimeError>(())
    /// ```
    #[must_use]
    pub fn saturating_add_months(self, months: u8) -> Self {
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(self.0) else { return self };
        let mut month = moment.month();
        let mut year = moment.year();
        for _ in 0..months {
            month = month.next();
            year = year.saturating_add(i32::from(month == Month::January));
        }
        let day = moment.day().min(month.length(year));
        let date = Date::from_calendar_date(year, month, day);
        date.map_or(Self(Self::LAST), |date| {
            Self(moment.replace_date(date).unix_timestamp().min(Self::LAST))
        })
    }

    /// RFC 3339 in UTC with whole seconds, such as `2026-01-31T12:00:00Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|moment| moment.to_offset(UtcOffset::UTC).format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{} s", self.0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for UnixTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for UnixTime {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::from_rfc3339(text)
    }
}
