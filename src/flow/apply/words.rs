//! A provider's snapshot in the words of the domain.

use owostack_domain::subscription::heard::{Leaving, Moment, Said, Snapshot};
use owostack_provider::event::Order;
use owostack_provider::object::{self, Status};

/// When it was true.
pub const fn moment(order: &Order) -> Moment {
    Moment {
        at: order.at,
        stage: order.stage,
        period_end: order.period_end,
        noticed_at: order.noticed_at,
    }
}

/// What it says.
pub fn snapshot(told: &object::Snapshot) -> Snapshot {
    let said = match told.status {
        Status::Incomplete => Said::Incomplete,
        Status::Trialing => Said::Trialing,
        Status::Active => Said::Active,
        Status::PastDue if told.given_up => Said::GivenUp,
        Status::PastDue => Said::PastDue,
        Status::Paused => Said::Paused,
        Status::Canceled => Said::Ended,
    };
    Snapshot {
        said,
        period: told.period.map(|period| (period.start, period.end)),
        trial_ends_at: told.trial_ends_at,
        leaving: match (told.cancels, told.cancel_at) {
            (false, _) => Leaving::No,
            (true, Some(at)) => Leaving::At(at),
            (true, None) => Leaving::PeriodEnd,
        },
        ended_at: told.ended_at,
    }
}
