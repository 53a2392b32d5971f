//! Periods: which stretch of time a moment belongs to, and when it begins and ends.
//!
//! Called by meter keys, resolution, rollover and the subscription's state machine.
//! Invariants: periods are half-open, numbered, and tile time: the end of one is the start of the
//! next, and each is found in constant time from its number or from a moment in it. A start is
//! computed from the anchor, never from the previous period. Absent: any clock.

use std::fmt;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::GapInfo;
pub use chrono_tz::Tz;

use crate::interval::{Cadence, Length};

/// A moment.
pub type Time = DateTime<Utc>;

/// Years beyond which the calendar is not asked: chrono ends shortly after.
const YEAR_LIMIT: i32 = 262_000;

/// Day number of the Monday of the week that holds the Unix epoch.
const EPOCH_MONDAY: i64 = -3;

/// The time zone of an IANA name, as spelled in the tz database.
#[must_use]
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// Where the counting of periods begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anchor {
    /// Period zero starts at this moment; later ones at the same local time.
    At(Time),
    /// Periods are those of the calendar: months, weeks from Monday, days.
    Calendar,
}

impl Anchor {
    /// Reads the text of a meter key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "calendar" {
            return Some(Self::Calendar);
        }
        DateTime::from_timestamp_micros(text.parse().ok()?).map(Self::At)
    }
}

impl fmt::Display for Anchor {
    /// The text of a meter key: microseconds since the Unix epoch, or `calendar`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "{}", at.timestamp_micros()),
            Self::Calendar => f.write_str("calendar"),
        }
    }
}

/// All periods of one cadence, anchor and zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// How long each period is.
    pub cadence: Cadence,
    /// Where counting begins.
    pub anchor: Anchor,
    /// Whose calendar days and months are.
    pub zone: Tz,
}

/// One stretch of time, from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    /// Its place in the schedule; negative before the anchor.
    pub number: i64,
    /// First moment; `None` when it has none or lies beyond the calendar.
    pub start: Option<Time>,
    /// First moment after it; `None` when it has none or lies beyond the calendar.
    pub end: Option<Time>,
}

impl Period {
    /// True when the moment lies in it.
    #[must_use]
    pub fn contains(&self, at: Time) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at < end)
    }
}

impl Schedule {
    /// The period that a moment belongs to.
    #[must_use]
    pub fn period_at(&self, at: Time) -> Period {
        let guess = match self.cadence.length() {
            Length::Endless => return self.period(0),
            Length::Seconds(seconds) => return self.period(at.timestamp().div_euclid(seconds)),
            Length::Days(days) => {
                (day_number(self.local(at).date()) - self.first_day()).div_euclid(days)
            }
            Length::Months(months) => {
                (month_number(self.local(at).date()) - self.first_month()).div_euclid(months)
            }
        };
        // The guess goes by the local date alone. The time of day of the anchor, a clamped day and
        // a fold across midnight each move the boundary by less than a period, a date line by one.
        let late = |number: i64| self.start(number).is_some_and(|start| start > at);
        let over = |number: i64| self.start(number).is_some_and(|start| start <= at);
        let mut number = guess;
        for _ in 0..2 {
            if late(number) {
                number = number.saturating_sub(1);
            } else if over(number.saturating_add(1)) {
                number = number.saturating_add(1);
            }
        }
        self.period(number)
    }

    /// The period of a number; the endless cadence has number zero only.
    #[must_use]
    pub fn period(&self, number: i64) -> Period {
        if self.cadence.length() == Length::Endless {
            let start = match self.anchor {
                Anchor::At(at) => Some(at),
                Anchor::Calendar => None,
            };
            return Period {
                number: 0,
                start,
                end: None,
            };
        }
        let end = number.checked_add(1).and_then(|next| self.start(next));
        Period {
            number,
            start: self.start(number),
            end,
        }
    }

    /// The first moment of the period of a number; `None` beyond the calendar.
    fn start(&self, number: i64) -> Option<Time> {
        if let Length::Seconds(seconds) = self.cadence.length() {
            return DateTime::from_timestamp(number.checked_mul(seconds)?, 0).filter(in_calendar);
        }
        let start = self.start_by_calendar(number)?;
        // A zone that crossed the date line skipped a whole day, whose period would be empty. It
        // takes the last microsecond of the day before, so that starts keep rising.
        match number
            .checked_add(1)
            .and_then(|next| self.start_by_calendar(next))
        {
            Some(next) if next <= start => next.checked_sub_signed(TimeDelta::microseconds(1)),
            _ => Some(start),
        }
    }

    /// The start of a period of whole local days or months.
    fn start_by_calendar(&self, number: i64) -> Option<Time> {
        let time = match self.anchor {
            // The anchor may be the second of two moments with the same local time.
            Anchor::At(at) if number == 0 => return Some(at),
            Anchor::At(at) => self.local(at).time(),
            Anchor::Calendar => NaiveTime::MIN,
        };
        let date = match self.cadence.length() {
            Length::Days(days) => day_of(self.first_day().checked_add(number.checked_mul(days)?)?)?,
            Length::Months(months) => {
                let month = self
                    .first_month()
                    .checked_add(number.checked_mul(months)?)?;
                clamped(month, self.anchor_day())?
            }
            Length::Seconds(_) | Length::Endless => return None,
        };
        instant(date.and_time(time), self.zone)
    }

    /// Local time of a moment, with moments beyond the calendar brought to its edge.
    fn local(&self, at: Time) -> NaiveDateTime {
        local(at, self.zone)
    }

    /// Day number that period zero starts on.
    fn first_day(&self) -> i64 {
        match (self.anchor, self.cadence.interval.length()) {
            (Anchor::At(at), _) => day_number(self.local(at).date()),
            (Anchor::Calendar, Length::Days(7)) => EPOCH_MONDAY,
            (Anchor::Calendar, _) => 0,
        }
    }

    /// Month number that period zero starts in.
    fn first_month(&self) -> i64 {
        match self.anchor {
            Anchor::At(at) => month_number(self.local(at).date()),
            Anchor::Calendar => 0,
        }
    }

    /// Day of the month that periods of months start on, before clamping.
    fn anchor_day(&self) -> u32 {
        match self.anchor {
            Anchor::At(at) => self.local(at).day(),
            Anchor::Calendar => 1,
        }
    }
}

/// Local time of a moment, with moments beyond the calendar brought to its edge.
fn local(at: Time, zone: Tz) -> NaiveDateTime {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    match at.year() {
        year if year >= YEAR_LIMIT => NaiveDateTime::MAX,
        year if year <= -YEAR_LIMIT => NaiveDateTime::MIN,
        _ => at
            .naive_utc()
            .checked_add_offset(offset)
            .unwrap_or_else(|| at.naive_utc()),
    }
}

/// The earliest moment whose local time is not before the given one; `None` beyond the calendar.
///
/// A time that occurs twice means the first; a time that is skipped means the moment of the skip.
fn instant(wanted: NaiveDateTime, zone: Tz) -> Option<Time> {
    if !(-YEAR_LIMIT..YEAR_LIMIT).contains(&wanted.year()) {
        return None;
    }
    match zone.from_local_datetime(&wanted).earliest() {
        Some(at) => Some(at.to_utc()),
        None => GapInfo::new(&wanted, &zone)?.end.map(|end| end.to_utc()),
    }
}

/// The moment so long after another, each part forward or back: months with the day clamped, local
/// days, clock time.
#[must_use]
pub fn shifted(at: Time, months: i64, days: i64, micros: i64, zone: Tz) -> Option<Time> {
    let mut moment = at;
    // Without calendar parts the local time must not be consulted: it may occur twice.
    if months != 0 || days != 0 {
        let from = local(at, zone);
        let date = clamped(month_number(from.date()).checked_add(months)?, from.day())?;
        let wanted = date
            .and_time(from.time())
            .checked_add_signed(TimeDelta::try_days(days)?)?;
        moment = instant(wanted, zone)?;
    }
    moment.checked_add_signed(TimeDelta::microseconds(micros))
}

/// The date of a month number, on that day or on the month's last.
fn clamped(month: i64, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(month.div_euclid(12)).ok()?;
    let month = u32::try_from(month.rem_euclid(12)).ok()? + 1;
    (28..=day.max(28))
        .rev()
        .find_map(|last| NaiveDate::from_ymd_opt(year, month, last.min(day)))
}

/// Months since the month January of year zero.
fn month_number(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// Days since the Unix epoch.
fn day_number(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// The date of a day number.
fn day_of(number: i64) -> Option<NaiveDate> {
    let distance = Days::new(number.unsigned_abs());
    if number < 0 {
        NaiveDate::default().checked_sub_days(distance)
    } else {
        NaiveDate::default().checked_add_days(distance)
    }
}

/// True where local times can still be computed.
fn in_calendar(at: &Time) -> bool {
    (-YEAR_LIMIT..YEAR_LIMIT).contains(&at.year())
}

#[cfg(test)]
mod tests;
