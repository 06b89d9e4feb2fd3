//! Five-field cron schedules, with the traps of cron taken out (`cron` 0.17; the only file that knows it).
//!
//! The `cron` crate counts 1 as Sunday, wants both day fields to match, and accepts days that never
//! come. Here a weekday is written as a name, only one of the two day fields may be limited, and a
//! schedule that never fires is a fault. Times are UTC.

use std::str::FromStr;

use jiff::Timestamp;

use crate::diag::{Code, Faults};
use crate::yaml::Node;

/// A weekday written as a number.
const WEEKDAY_NUMBER: Code = Code("AND0107");
/// A schedule that is none.
const BAD_SCHEDULE: Code = Code("AND0420");
/// A schedule that never fires.
const NEVER_FIRES: Code = Code("AND0421");

/// When to poll.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    cron: Box<cron::Schedule>,
}

impl Schedule {
    /// Reads `*/5 * * * *` or `@hourly`.
    pub fn parse(node: &Node, faults: &mut Faults) -> Option<Self> {
        let fragment = node.fragment()?;
        let text = match fragment.text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * SUN",
            "@monthly" => "0 0 1 * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [_, _, day, _, weekday] = fields.as_slice() else {
            faults
                .error(
                    BAD_SCHEDULE,
                    fragment.place.clone(),
                    format!("a schedule has five fields, and this has {}", fields.len()),
                )
                .help(match fields.as_slice() {
                    [_, rest @ ..] if rest.len() == 5 => {
                        format!("seconds are not part of it: write \"{}\"", rest.join(" "))
                    }
                    _ => "write minute, hour, day, month and weekday, such as \"*/5 * * * *\""
                        .to_owned(),
                });
            return None;
        };
        if weekday.chars().any(|c| c.is_ascii_digit()) {
            let at = fragment.text.rfind(weekday).unwrap_or(0);
            faults
                .error(
                    WEEKDAY_NUMBER,
                    fragment.place_of(at, at + weekday.len()),
                    "write the weekday as a name, not a number",
                )
                .label("programs disagree whether 1 is Sunday or Monday")
                .help(match *weekday {
                    "1-5" => "write MON-FRI".to_owned(),
                    _ => "write SUN, MON, TUE, WED, THU, FRI or SAT".to_owned(),
                });
            return None;
        }
        if *day != "*" && *weekday != "*" {
            faults
                .error(
                    BAD_SCHEDULE,
                    fragment.place.clone(),
                    "limit the day or the weekday, not both",
                )
                .label("programs disagree whether both or either must match")
                .help("make one of the two `*`");
            return None;
        }
        let Ok(cron) = cron::Schedule::from_str(&format!("0 {text}")) else {
            faults
                .error(
                    BAD_SCHEDULE,
                    fragment.place.clone(),
                    "a field of this schedule is out of range or misspelt",
                )
                .help(
                    "minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, weekdays SUN-SAT",
                );
            return None;
        };
        let schedule = Self {
            text: text.to_owned(),
            cron: Box::new(cron),
        };
        if schedule.after(Timestamp::UNIX_EPOCH).is_none() {
            faults
                .error(
                    NEVER_FIRES,
                    fragment.place.clone(),
                    "this schedule never fires",
                )
                .help("such a day never comes; write a day that the month has");
            return None;
        }
        Some(schedule)
    }

    /// The first time after `now`, to the minute; `None` when there is none any more.
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let now = chrono::DateTime::from_timestamp(now.as_second(), 0)?;
        let next = self.cron.after(&now).next()?;
        Timestamp::from_second(next.timestamp()).ok()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
