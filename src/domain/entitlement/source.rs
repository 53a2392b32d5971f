//! Sources: what a customer can draw from for one feature, and what was left out.
//!
//! Built by `resolve`, completed by `expand`, drawn from by `draw`. Invariant: a source names every
//! meter that counts against its limit; its own draws go to the first. Deliberately absent: how
//! much was used, which the caller loads for exactly those meters.

use uuid::Uuid;

use super::facts::{Scope, Subject};
use crate::meter_key::{MeterKey, MeterPeriod};
use crate::period::{Period, Time};
use crate::quantity::Quantity;
use crate::rollover::RolloverPlan;

/// What gives an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Rest of an earlier period.
    Rollover,
    /// Base plan.
    Plan,
    /// Plan on top of a base plan.
    Addon,
    /// Agreement with this customer.
    Override,
    /// Credits that were bought or given.
    Grant,
    /// Default of the feature.
    Default,
}

impl SourceKind {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollover => "rollover",
            Self::Plan => "plan",
            Self::Addon => "addon",
            Self::Override => "override",
            Self::Grant => "grant",
            Self::Default => "default",
        }
    }

    /// Reads back what `as_str` wrote.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "rollover" => Self::Rollover,
            "plan" => Self::Plan,
            "addon" => Self::Addon,
            "override" => Self::Override,
            "grant" => Self::Grant,
            "default" => Self::Default,
            _ => return None,
        })
    }
}

/// Something that can be drawn from.
#[derive(Debug, Clone)]
pub struct Source {
    /// What gives it.
    pub kind: SourceKind,
    /// Subscription, grant, override or feature.
    pub source_id: Uuid,
    /// Who shares it.
    pub scope: Scope,
    /// What it counts; limits and amounts are in units of this.
    pub subject: Subject,
    /// Where draws are recorded.
    pub meter: MeterKey,
    /// The period of that meter which is drawn from.
    pub period: Period,
    /// None: unlimited (or, while `rollover` is set, not known before `expand`).
    pub limit: Option<Quantity>,
    /// Every place whose usage counts against the limit; the first is the meter's own. Empty where
    /// nothing is metered.
    pub counted: Vec<MeterPeriod>,
    /// When some other meter counted here starts over before its own does.
    pub recounts_at: Option<Time>,
    /// What has been used may not be raised above this, whatever the limit: a later period has
    /// already spent the rest. Set by `expand` for late events only.
    pub ceiling: Option<Quantity>,
    /// Usage still counts here, but nothing more is given: a rollover that expired meanwhile.
    pub closed: bool,
    /// Unlimited, and every unit is charged.
    pub usage_based: bool,
    /// No entity was named: limit and usage are sums over all entities, each with a meter like
    /// these. Such a source can be read, not drawn from.
    pub pools: Vec<Pool>,
    /// Template to be replaced by `expand`; only for kind `Rollover`.
    pub rollover: Option<RolloverPlan>,
    /// Rollovers that an override replaces: what was drawn from them in the period still counts.
    pub replaced: Vec<RolloverPlan>,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// Grants: lower is drawn first.
    pub priority: i32,
    /// Breaks ties: the oldest is drawn first.
    pub created_at: Time,
}

impl Source {
    /// True when anything may be drawn at all; a template must be expanded first.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.closed && self.rollover.is_none()
    }

    /// Whether it stands for what all entities have together.
    #[must_use]
    pub const fn sums_over_entities(&self) -> bool {
        !self.pools.is_empty()
    }

    /// True when something may be drawn whatever was used.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.limit.is_none() && self.is_open()
    }

    /// True for credits of a system rather than units of the feature.
    #[must_use]
    pub const fn in_credits(&self) -> bool {
        matches!(self.subject, Subject::CreditSystem(_))
    }

    /// True for what a plan, override or default allows, as opposed to credits granted apart.
    #[must_use]
    pub fn is_allowance(&self) -> bool {
        self.kind != SourceKind::Grant
    }
}

/// An allowance that each entity has to itself, in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Key of the entities' meters, but for the entity.
    pub meter: MeterKey,
    /// The period.
    pub number: i64,
}

/// Permission to draw beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overage {
    /// Index of the source whose meter takes it.
    pub source: usize,
    /// Most beyond that source's limit, in its units; None: no bound.
    pub max: Option<Quantity>,
}

/// How a feature is paid from credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The system.
    pub system_id: Uuid,
    /// Its name.
    pub slug: String,
    /// Credits per unit.
    pub cost: Quantity,
}

/// Something that could have granted the feature, and did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignored {
    /// What it is.
    pub kind: SourceKind,
    /// Subscription, grant, override or feature.
    pub source_id: Uuid,
    /// Who would share it.
    pub scope: Scope,
    /// What it would count.
    pub subject: Subject,
    /// What it would give, if that is a number.
    pub limit: Option<Quantity>,
    /// Why it was left out.
    pub reason: Reason,
    /// When that may change by itself.
    pub changes_at: Option<Time>,
    /// When it began, where that is known.
    pub since: Option<Time>,
    /// When it ended.
    pub until: Option<Time>,
}

impl Ignored {
    /// By what a reader sees and when it was; ids, which differ from run to run, come last.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        (
            (self.kind, self.since, self.until, self.limit),
            (self.scope.as_str(), self.reason, self.changes_at),
            (self.subject, self.source_id),
        )
    }
}

/// Why a source was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its time is over.
    Expired,
    /// It was taken back.
    Voided,
    /// Its subscription has not begun.
    NotStarted,
    /// Its subscription waits for a checkout.
    Incomplete,
    /// Its subscription is paused.
    Paused,
    /// Its subscription is past due beyond the grace days.
    PastDue,
    /// Its subscription has ended.
    Ended,
    /// The plan switches the feature off.
    Off,
    /// An override switches it off.
    OverriddenOff,
    /// An override stands in its place.
    Overridden,
    /// Something better gives the value.
    Outranked,
    /// Belongs to a credit system that is not the one drawn from.
    OtherSystem,
}

impl Reason {
    /// The sentence that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Voided => "taken back",
            Self::NotStarted => "the subscription has not started",
            Self::Incomplete => "the subscription waits for its checkout",
            Self::Paused => "the subscription is paused",
            Self::PastDue => "the subscription is past due beyond the grace days",
            Self::Ended => "the subscription has ended",
            Self::Off => "the plan switches the feature off",
            Self::OverriddenOff => "an override switches the feature off",
            Self::Overridden => "replaced by an override",
            Self::Outranked => "a source of higher rank decides",
            Self::OtherSystem => "credits of another system",
        }
    }
}
