//! All that a provider has said of one subscription, and what it comes to.
//!
//! Kept beside the provider's id by `flow/apply`, which adds to it whatever a webhook or an answer
//! says; `snapshot` then makes the row agree. Invariant: what was said comes to the same in
//! whatever order and however often it was heard, because it is kept in the order in which it was
//! true and added up anew. Deliberately absent: rows, plans and providers.

use crate::period::Time;
use serde::{Deserialize, Serialize};

/// Words that are kept; the oldest ones beyond are summed up.
const KEPT: usize = 32;

/// When something was true by the provider's clock; the later moment says how it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// When the object was last changed, or the event happened.
    #[serde(rename = "a")]
    pub at: Time,
    /// Of equal moments: begun, live, ended.
    #[serde(rename = "s")]
    pub stage: u8,
    /// Then the later period.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub period_end: Option<Time>,
    /// Then the later notice.
    #[serde(rename = "n")]
    pub noticed_at: Time,
}

/// The state that a provider says it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Waits for its first payment.
    Incomplete,
    /// In its trial.
    Trialing,
    /// Live.
    Active,
    /// A payment failed.
    PastDue,
    /// A payment failed so often that nobody tries again.
    GivenUp,
    /// Rests.
    Paused,
    /// Ended, for ever.
    Ended,
}

/// Whether it will end instead of renewing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// It stays.
    #[default]
    No,
    /// When the running period or trial is over.
    PeriodEnd,
    /// Then.
    At(Time),
}

/// A subscription as the provider has it at a moment. What is none was not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its state.
    pub said: Said,
    /// First moment of the running period, and first moment after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<(Time, Time)>,
    /// End of the trial, while it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<Time>,
    /// Whether it ends instead of renewing.
    #[serde(default)]
    pub leaving: Leaving,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

/// One thing that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Its checkout was completed.
    Completed,
    /// Money was asked for and did not come.
    Failed,
    /// Money came.
    Paid,
    /// This is how it is.
    Is(Snapshot),
}

/// A stretch of trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// First moment.
    pub starts_at: Time,
    /// First moment after it.
    pub ends_at: Time,
}

/// What was said so far comes to this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The last state.
    pub said: Option<Said>,
    /// When it began to be live.
    pub begun_at: Option<Time>,
    /// The trial that it began with.
    pub trial: Option<Trial>,
    /// Whether it was live after that, or without one.
    pub tried: bool,
    /// Periods that are paid for, or should be, since the trial.
    pub periods: Vec<(Time, Time)>,
    /// Since when a payment is missing.
    pub unpaid_since: Option<Time>,
    /// When nobody tried to collect it any longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up_at: Option<Time>,
    /// Since when it rests.
    pub paused_at: Option<Time>,
    /// Whether it ends instead of renewing, as last said of the live one.
    pub leaving: Leaving,
    /// When that was said.
    pub live_at: Option<Time>,
    /// When it ended; nothing that was said later counts.
    pub ended_at: Option<Time>,
}

/// Everything that was said, in the order in which it was true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// What the words before the kept ones come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<(Moment, Standing)>,
    /// The words.
    #[serde(default)]
    words: Vec<(Moment, Word)>,
    /// Where its periods were counted from when it took the place of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_anchor: Option<Time>,
}

/// What one more word means to those who have heard the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is how things are now.
    Latest,
    /// It says how things were.
    Earlier,
    /// It was known, or is older than anything that is kept.
    None,
}

impl Heard {
    /// Adds a word.
    pub fn hear(&mut self, moment: Moment, word: Word) -> News {
        let summed_up = |(last, _): &(Moment, Standing)| moment <= *last;
        if self.earlier.as_ref().is_some_and(summed_up) {
            return News::None;
        }
        let Err(place) = self.words.binary_search(&(moment, word)) else {
            return News::None;
        };
        let is_last = place == self.words.len();
        self.words.insert(place, (moment, word));
        while self.words.len() > KEPT {
            let (moment, word) = self.words.remove(0);
            let mut standing = self
                .earlier
                .take()
                .map_or_else(Standing::default, |it| it.1);
            standing.add(moment, word);
            // Of old periods only the first says something: where counting began.
            if standing.periods.len() > 2 {
                standing.periods.remove(1);
            }
            self.earlier = Some((moment, standing));
        }
        if is_last { News::Latest } else { News::Earlier }
    }

    /// What all of it comes to.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let earlier = self.earlier.as_ref();
        let mut standing = earlier.map_or_else(Standing::default, |(_, sum)| sum.clone());
        for (moment, word) in &self.words {
            standing.add(*moment, *word);
        }
        standing
    }

    /// The last snapshot.
    #[must_use]
    pub fn latest(&self) -> Option<Snapshot> {
        let states = self.words.iter().rev();
        let mut states = states.filter_map(|(_, word)| match word {
            Word::Is(snapshot) => Some(*snapshot),
            _ => None,
        });
        states.next()
    }

    /// Whether nothing was heard yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.earlier.is_none() && self.words.is_empty()
    }
}

impl Standing {
    /// The period that was named last.
    #[must_use]
    pub fn period(&self) -> Option<(Time, Time)> {
        self.periods.last().copied()
    }

    /// The state that follows from states and payments.
    #[must_use]
    pub const fn state(&self) -> Option<Said> {
        match (self.said, self.unpaid_since) {
            (Some(Said::Active), Some(_)) => Some(Said::PastDue),
            (Some(Said::PastDue | Said::GivenUp), None) => Some(Said::Active),
            (None, _) if self.begun_at.is_some() => Some(Said::Active),
            (said, _) => said,
        }
    }

    /// What is said of it after its end says that it was live, and changes nothing else.
    fn add(&mut self, moment: Moment, word: Word) {
        let is_over = self.ended_at.is_some();
        match word {
            Word::Completed => {
                self.begun_at.get_or_insert(moment.at);
            }
            Word::Paid if !is_over => {
                self.unpaid_since = None;
                self.given_up_at = None;
            }
            // The first payment of what has not begun, and one of a trial, are not missed.
            Word::Failed if matches!(self.said, Some(Said::Active | Said::PastDue)) => {
                self.unpaid_since.get_or_insert(moment.at);
            }
            Word::Paid | Word::Failed => {}
            Word::Is(snapshot) => match snapshot.said {
                Said::Ended if is_over => {}
                Said::Ended => {
                    self.said = Some(Said::Ended);
                    self.ended_at = Some(snapshot.ended_at.unwrap_or(moment.at));
                }
                // A live one does not wait again.
                Said::Incomplete if self.said.is_some() => {}
                Said::Incomplete => self.said = Some(Said::Incomplete),
                _ => self.live(moment, &snapshot, is_over),
            },
        }
    }

    fn live(&mut self, moment: Moment, snapshot: &Snapshot, is_over: bool) {
        let start = snapshot.period.map_or(moment.at, |(start, _)| start);
        let begun_at = self.begun_at.map_or(start, |begun| begun.min(start));
        self.begun_at = Some(begun_at);
        let said = match snapshot.said {
            // Who has left a trial does not try again: it is live, and pays later.
            Said::Trialing if self.tried => {
                if self.trial.is_none() {
                    self.try_out(start, snapshot.trial_ends_at);
                }
                Said::Active
            }
            said => said,
        };
        match said {
            Said::Trialing => self.try_out(start, snapshot.trial_ends_at),
            Said::Active | Said::PastDue | Said::GivenUp => {
                self.tried = true;
                // The period of a trial is none that is paid for.
                let paid = |_: &(Time, Time)| snapshot.said != Said::Trialing;
                self.enter(snapshot.period.filter(paid));
            }
            _ => {}
        }
        if is_over {
            return;
        }
        self.said = Some(said);
        self.leaving = snapshot.leaving;
        self.live_at = Some(moment.at);
        self.paused_at = match said {
            Said::Paused => self.paused_at.or(Some(moment.at)),
            _ => None,
        };
        self.unpaid_since = match said {
            Said::PastDue | Said::GivenUp => self.unpaid_since.or(Some(moment.at)),
            _ => None,
        };
        self.given_up_at = match said {
            Said::GivenUp => self.given_up_at.or(Some(moment.at)),
            _ => None,
        };
    }

    fn try_out(&mut self, start: Time, ends_at: Option<Time>) {
        if let Some(ends_at) = ends_at.filter(|end| start < *end) {
            let starts_at = self.trial.map_or(start, |trial| trial.starts_at.min(start));
            self.trial = Some(Trial { starts_at, ends_at });
        }
    }

    fn enter(&mut self, period: Option<(Time, Time)>) {
        let Some((start, end)) = period.filter(|(start, end)| start < end) else {
            return;
        };
        match self.periods.last_mut() {
            Some(last) if last.0 == start => last.1 = end,
            _ => self.periods.push((start, end)),
        }
    }
}

#[cfg(test)]
#[path = "heard_tests.rs"]
mod tests;
