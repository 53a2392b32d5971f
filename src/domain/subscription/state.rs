//! The state machine: what each event does to each state.
//!
//! Asked by `flow/` for commands and checkouts and by `advance` for dates. Invariant: every pair
//! of state and event is decided in `decide`, nowhere else; ended states never come back, so that
//! a late notice of a provider changes nothing. Deliberately absent: dates and rows.

use crate::entitlement::facts::Status;

/// Something that happens to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The checkout that it waited for was completed; with a trial, or paid for.
    CheckoutCompleted { trial: bool },
    /// The checkout was refused or given up.
    CheckoutFailed,
    /// Nobody completed the checkout in time.
    CheckoutExpired,
    /// Money arrived.
    PaymentSucceeded,
    /// Money was asked for and did not arrive.
    PaymentFailed,
    /// The billing period is over.
    PeriodEnded,
    /// The trial is over; with a payment method, or a plan that costs nothing, it goes on.
    TrialEnded { goes_on: bool },
    /// The customer leaves at once, or the date of leaving is reached.
    CancelNow,
    /// The customer leaves when the period is over.
    CancelLater,
    /// The customer stays after all.
    Uncancel,
    /// Access and billing rest.
    Pause,
    /// Access and billing go on; what they go on as depends on what was before.
    Resume { trial: bool, past_due: bool },
    /// Another plan of the group takes its place.
    SwitchedAway,
}

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The subscription has this state now.
    Becomes(Status),
    /// The state stays; dates of the row may change.
    Stays,
    /// The event comes too late or does not concern this state; nothing changes.
    Ignored,
    /// The state forbids the step.
    Refused,
}

/// What the event does to a subscription in that state.
#[must_use]
pub const fn decide(status: Status, event: Event) -> Outcome {
    match status {
        Status::Incomplete => incomplete(event),
        Status::Trialing => trialing(event),
        Status::Active => active(event),
        Status::PastDue => past_due(event),
        Status::Paused => paused(event),
        Status::Canceled | Status::Expired => ended(event),
    }
}

const fn incomplete(event: Event) -> Outcome {
    match event {
        Event::CheckoutCompleted { trial: true } => Outcome::Becomes(Status::Trialing),
        Event::CheckoutCompleted { trial: false } | Event::PaymentSucceeded => {
            Outcome::Becomes(Status::Active)
        }
        Event::CheckoutFailed | Event::CheckoutExpired => Outcome::Becomes(Status::Expired),
        Event::CancelNow | Event::CancelLater | Event::SwitchedAway => {
            Outcome::Becomes(Status::Canceled)
        }
        // The customer may try another card in the same checkout.
        Event::PaymentFailed => Outcome::Stays,
        Event::PeriodEnded | Event::TrialEnded { .. } => Outcome::Ignored,
        Event::Uncancel | Event::Pause | Event::Resume { .. } => Outcome::Refused,
    }
}

const fn trialing(event: Event) -> Outcome {
    match event {
        Event::TrialEnded { goes_on: true } => Outcome::Becomes(Status::Active),
        Event::TrialEnded { goes_on: false } => Outcome::Becomes(Status::Expired),
        Event::CancelNow | Event::SwitchedAway => Outcome::Becomes(Status::Canceled),
        Event::Pause => Outcome::Becomes(Status::Paused),
        // A trial ends by date, not by a payment, and its payments are not due yet.
        Event::PaymentSucceeded | Event::PaymentFailed => Outcome::Stays,
        Event::CancelLater | Event::Uncancel | Event::Resume { .. } => Outcome::Stays,
        Event::PeriodEnded => Outcome::Ignored,
        Event::CheckoutCompleted { .. } | Event::CheckoutFailed | Event::CheckoutExpired => {
            Outcome::Ignored
        }
    }
}

const fn active(event: Event) -> Outcome {
    match event {
        Event::PaymentFailed => Outcome::Becomes(Status::PastDue),
        Event::CancelNow | Event::SwitchedAway => Outcome::Becomes(Status::Canceled),
        Event::Pause => Outcome::Becomes(Status::Paused),
        Event::PaymentSucceeded | Event::PeriodEnded => Outcome::Stays,
        Event::CancelLater | Event::Uncancel | Event::Resume { .. } => Outcome::Stays,
        Event::TrialEnded { .. } => Outcome::Ignored,
        Event::CheckoutCompleted { .. } | Event::CheckoutFailed | Event::CheckoutExpired => {
            Outcome::Ignored
        }
    }
}

const fn past_due(event: Event) -> Outcome {
    match event {
        Event::PaymentSucceeded => Outcome::Becomes(Status::Active),
        Event::CancelNow | Event::SwitchedAway => Outcome::Becomes(Status::Canceled),
        Event::Pause => Outcome::Becomes(Status::Paused),
        Event::PaymentFailed | Event::PeriodEnded => Outcome::Stays,
        Event::CancelLater | Event::Uncancel | Event::Resume { .. } => Outcome::Stays,
        Event::TrialEnded { .. } => Outcome::Ignored,
        Event::CheckoutCompleted { .. } | Event::CheckoutFailed | Event::CheckoutExpired => {
            Outcome::Ignored
        }
    }
}

const fn paused(event: Event) -> Outcome {
    match event {
        Event::Resume { trial: true, .. } => Outcome::Becomes(Status::Trialing),
        Event::Resume { past_due: true, .. } => Outcome::Becomes(Status::PastDue),
        Event::Resume { .. } => Outcome::Becomes(Status::Active),
        Event::CancelNow | Event::SwitchedAway => Outcome::Becomes(Status::Canceled),
        // The date of a trial counts during a pause as well.
        Event::TrialEnded { goes_on: false } => Outcome::Becomes(Status::Expired),
        Event::TrialEnded { goes_on: true } => Outcome::Stays,
        Event::PaymentSucceeded | Event::PaymentFailed => Outcome::Stays,
        Event::CancelLater | Event::Uncancel | Event::Pause => Outcome::Stays,
        // Nobody is charged for a pause: periods go on with the resumption.
        Event::PeriodEnded => Outcome::Ignored,
        Event::CheckoutCompleted { .. } | Event::CheckoutFailed | Event::CheckoutExpired => {
            Outcome::Ignored
        }
    }
}

const fn ended(event: Event) -> Outcome {
    match event {
        Event::CancelNow
        | Event::CancelLater
        | Event::Uncancel
        | Event::Pause
        | Event::Resume { .. } => Outcome::Refused,
        Event::CheckoutCompleted { .. }
        | Event::CheckoutFailed
        | Event::CheckoutExpired
        | Event::PaymentSucceeded
        | Event::PaymentFailed
        | Event::PeriodEnded
        | Event::TrialEnded { .. }
        | Event::SwitchedAway => Outcome::Ignored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [Status; 7] = [
        Status::Incomplete,
        Status::Trialing,
        Status::Active,
        Status::PastDue,
        Status::Paused,
        Status::Canceled,
        Status::Expired,
    ];

    fn events() -> Vec<Event> {
        let mut all = vec![
            Event::CheckoutFailed,
            Event::CheckoutExpired,
            Event::PaymentSucceeded,
            Event::PaymentFailed,
            Event::PeriodEnded,
            Event::CancelNow,
            Event::CancelLater,
            Event::Uncancel,
            Event::Pause,
            Event::SwitchedAway,
        ];
        for one in [true, false] {
            all.push(Event::CheckoutCompleted { trial: one });
            all.push(Event::TrialEnded { goes_on: one });
            for two in [true, false] {
                all.push(Event::Resume {
                    trial: one,
                    past_due: two,
                });
            }
        }
        all
    }

    #[test]
    fn ended_states_never_come_back() {
        for status in [Status::Canceled, Status::Expired] {
            for event in events() {
                let outcome = decide(status, event);
                assert!(
                    matches!(outcome, Outcome::Ignored | Outcome::Refused),
                    "{status:?} {event:?} {outcome:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_becomes_incomplete_again() {
        for status in STATUSES {
            for event in events() {
                assert_ne!(
                    decide(status, event),
                    Outcome::Becomes(Status::Incomplete),
                    "{status:?} {event:?}"
                );
            }
        }
    }

    #[test]
    fn only_a_checkout_or_a_payment_begins_an_incomplete_one() {
        let begins = |event: &Event| {
            matches!(
                decide(Status::Incomplete, *event),
                Outcome::Becomes(Status::Active | Status::Trialing)
            )
        };
        let found: Vec<Event> = events().into_iter().filter(begins).collect();
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_failed_payment_makes_only_an_active_one_past_due() {
        for status in STATUSES {
            let becomes = decide(status, Event::PaymentFailed) == Outcome::Becomes(Status::PastDue);
            assert_eq!(becomes, status == Status::Active, "{status:?}");
        }
    }

    #[test]
    fn live_states_can_always_be_left() {
        for status in [
            Status::Trialing,
            Status::Active,
            Status::PastDue,
            Status::Paused,
        ] {
            for event in [Event::CancelNow, Event::SwitchedAway] {
                assert_eq!(decide(status, event), Outcome::Becomes(Status::Canceled));
            }
        }
    }

    #[test]
    fn a_paused_one_resumes_as_what_it_was() {
        let resumed = |trial, past_due| decide(Status::Paused, Event::Resume { trial, past_due });
        assert_eq!(resumed(true, false), Outcome::Becomes(Status::Trialing));
        assert_eq!(resumed(false, true), Outcome::Becomes(Status::PastDue));
        assert_eq!(resumed(false, false), Outcome::Becomes(Status::Active));
    }

    #[test]
    fn commands_on_ended_ones_are_refused_and_late_notices_ignored() {
        assert_eq!(decide(Status::Canceled, Event::Uncancel), Outcome::Refused);
        assert_eq!(
            decide(Status::Expired, Event::PaymentSucceeded),
            Outcome::Ignored
        );
        assert_eq!(
            decide(Status::Canceled, Event::CheckoutCompleted { trial: false }),
            Outcome::Ignored
        );
    }
}
