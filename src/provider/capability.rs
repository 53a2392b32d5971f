//! Capabilities: what each provider can do, as data.
//!
//! Read by `flow/` to choose a way before anything is sent, and shown to people. Invariant: what
//! is `Instead` or `No` here is refused, or done that other way, by the request builders; the
//! contract suite compares the two.

use owostack_domain::interval::{Cadence, Length};

use crate::account::Environment;

/// Whether a provider can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// In one operation, as it is asked.
    Native,
    /// The operation does it in another way, which is told.
    Instead(&'static str),
    /// The operation is refused; what to do in its place is told.
    No(&'static str),
}

impl Support {
    /// Whether the operation can be sent.
    #[must_use]
    pub const fn is_possible(self) -> bool {
        !matches!(self, Self::No(_))
    }
}

/// What keeps a repeated request from being carried out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// A key in a header, for so many hours; later the adapter looks first.
    Key {
        /// Hours that the key is remembered.
        hours: i64,
    },
    /// Our own reference of a charge; the adapter looks before repeating anything else.
    Reference,
    /// Nothing; the adapter looks before repeating.
    Look,
}

/// What a plan's price becomes at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanObjects {
    /// A product with prices.
    ProductAndPrice,
    /// One product for each price.
    Product,
    /// One plan for each price.
    Plan,
}

/// Which intervals the provider can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadences {
    /// Every hour.
    pub hourly: bool,
    /// Any number of days, weeks, months or years up to so many months; none: only a day, a week,
    /// a month, three, six or twelve.
    pub multiples_months_max: Option<u32>,
}

impl Cadences {
    /// Whether the cadence can be expressed.
    #[must_use]
    pub fn can_express(self, cadence: Cadence) -> bool {
        let count = i64::from(cadence.count);
        let (months, single) = match cadence.interval.length() {
            Length::Seconds(3_600) => return self.hourly && count == 1,
            Length::Seconds(_) | Length::Endless => return false,
            // The longest month counts, so that a year of days is a year.
            Length::Days(days) => {
                let days = days.saturating_mul(count);
                (days.saturating_add(30) / 31, matches!(days, 1 | 7))
            }
            Length::Months(months) => {
                let months = months.saturating_mul(count);
                (months, matches!(months, 1 | 3 | 6 | 12))
            }
        };
        match self.multiples_months_max {
            Some(max) => count > 0 && months <= i64::from(max),
            None => single,
        }
    }
}

/// How many requests the provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Per minute with real money.
    pub live_per_minute: u32,
    /// Per minute in test mode.
    pub test_per_minute: u32,
    /// At once.
    pub burst: u32,
}

/// What a provider can do.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Name for people.
    pub title: &'static str,
    /// Address in test mode.
    pub test_url: &'static str,
    /// Address with real money.
    pub live_url: &'static str,
    /// What keeps repeated requests apart.
    pub idempotency: Idempotency,
    /// How many requests it takes.
    pub rates: Rates,
    /// It sells in its own name and adds tax.
    pub merchant_of_record: bool,
    /// What a plan's price becomes.
    pub plan_objects: PlanObjects,
    /// Something paid once needs a product of its own.
    pub one_time_needs_product: bool,
    /// Charges and card set-ups need a product for any amount.
    pub charges_need_product: bool,
    /// The customer must exist before the checkout.
    pub customer_first: bool,
    /// Customers need an e-mail address.
    pub customer_needs_email: bool,
    /// Customers need a name.
    pub customer_needs_name: bool,
    /// Checkouts need an address to come back to.
    pub checkout_needs_url: bool,
    /// Intervals that it can express.
    pub cadences: Cadences,
    /// Its events carry moments that order them.
    pub events_are_timed: bool,
    /// Its webhooks say when they were signed.
    pub webhooks_are_dated: bool,
    /// Headers that its webhooks are verified and read by, in lower case; no other is kept.
    pub webhook_headers: &'static [&'static str],
    /// Checkout of a plan.
    pub checkout_subscription: Support,
    /// Checkout of a plan with a trial.
    pub checkout_trial: Support,
    /// Checkout of something paid once.
    pub checkout_one_time: Support,
    /// Checkout that only saves a card.
    pub checkout_card_setup: Support,
    /// End of an open checkout.
    pub close_checkout: Support,
    /// Charge of a saved method.
    pub charge: Support,
    /// Subscription paid with a saved method.
    pub start_subscription: Support,
    /// Another plan at once.
    pub change_now: Support,
    /// Another plan at period end.
    pub change_at_period_end: Support,
    /// No other plan after all.
    pub undo_change: Support,
    /// End at once.
    pub cancel_now: Support,
    /// End at period end.
    pub cancel_at_period_end: Support,
    /// No end after all.
    pub keep: Support,
    /// Rest.
    pub pause: Support,
    /// Go on.
    pub resume: Support,
    /// Money back, in part.
    pub refund_part: Support,
    /// Plans that exist.
    pub list_plans: Support,
    /// Subscriptions that exist.
    pub list_subscriptions: Support,
    /// Saved methods.
    pub list_methods: Support,
    /// A saved method forgotten.
    pub remove_method: Support,
}

impl Capabilities {
    /// The address of an environment.
    #[must_use]
    pub const fn url(&self, environment: Environment) -> &'static str {
        match environment {
            Environment::Test => self.test_url,
            Environment::Live => self.live_url,
        }
    }

    /// Each kind of operation with whether it can be done, for views and documentation.
    #[must_use]
    pub const fn list(&self) -> [(&'static str, Support); 20] {
        [
            ("checkout_subscription", self.checkout_subscription),
            ("checkout_trial", self.checkout_trial),
            ("checkout_one_time", self.checkout_one_time),
            ("checkout_card_setup", self.checkout_card_setup),
            ("close_checkout", self.close_checkout),
            ("charge", self.charge),
            ("start_subscription", self.start_subscription),
            ("change_now", self.change_now),
            ("change_at_period_end", self.change_at_period_end),
            ("undo_change", self.undo_change),
            ("cancel_now", self.cancel_now),
            ("cancel_at_period_end", self.cancel_at_period_end),
            ("keep", self.keep),
            ("pause", self.pause),
            ("resume", self.resume),
            ("refund_part", self.refund_part),
            ("list_plans", self.list_plans),
            ("list_subscriptions", self.list_subscriptions),
            ("list_methods", self.list_methods),
            ("remove_method", self.remove_method),
        ]
    }
}
