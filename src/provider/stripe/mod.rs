//! Stripe: products and prices, hosted checkout, off-session charges, native trials.
//!
//! Facts: form bodies, an idempotency key on every write, one pinned version for our requests.
//! Webhooks come in the version of their endpoint, so the readers take old shapes too.
//! Invariant: subscription money is counted from invoices, all other money from payment intents
//! that carry our tags; both announce the same money otherwise.

mod charge;
mod checkout;
mod customer;
mod event;
mod invoice;
mod object;
mod plan;
mod refund;
mod start;
mod subscription;
mod wire;

use crate::account::{Account, AccountError, Environment};
use crate::answer::Answer;
use crate::call::Call;
use crate::capability::{
    Cadences, Capabilities, Idempotency, PlanObjects, Rates,
    Support::{Instead, Native},
};
use crate::event::{Event, Unreadable};
use crate::operation::{Operation, PlanDraft};
use crate::outcome::{Outcome, Refusal};
use crate::provider::Provider;
use crate::reply;
use crate::request::Request;
use crate::signature;
use crate::webhook::{Delivery, Rejected};

/// Stripe.
pub(crate) struct Stripe;

static CAPABILITIES: Capabilities = Capabilities {
    title: "Stripe",
    test_url: "https://api.stripe.com",
    live_url: "https://api.stripe.com",
    idempotency: Idempotency::Key { hours: 24 },
    rates: Rates {
        live_per_minute: 1_500,
        test_per_minute: 1_000,
        burst: 20,
    },
    merchant_of_record: false,
    plan_objects: PlanObjects::ProductAndPrice,
    one_time_needs_product: false,
    charges_need_product: false,
    customer_first: true,
    customer_needs_email: false,
    customer_needs_name: false,
    checkout_needs_url: true,
    cadences: Cadences {
        hourly: false,
        multiples_months_max: Some(36),
    },
    events_are_timed: true,
    webhooks_are_dated: true,
    webhook_headers: &["stripe-signature"],
    checkout_subscription: Native,
    checkout_trial: Native,
    checkout_one_time: Native,
    checkout_card_setup: Native,
    close_checkout: Native,
    charge: Native,
    start_subscription: Native,
    change_now: Native,
    change_at_period_end: Instead("a subscription schedule with the new price as its second phase"),
    undo_change: Instead("the schedule is released"),
    cancel_now: Native,
    cancel_at_period_end: Native,
    keep: Native,
    pause: Native,
    resume: Native,
    refund_part: Native,
    list_plans: Native,
    list_subscriptions: Native,
    list_methods: Native,
    remove_method: Native,
};

impl Provider for Stripe {
    fn code(&self) -> &'static str {
        "stripe"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn check_account(&self, account: &Account) -> Result<(), AccountError> {
        let key = account.secret_key.expose();
        let other = match account.environment {
            Environment::Test => "_live_",
            Environment::Live => "_test_",
        };
        if key.contains(other) {
            return Err(AccountError::Environment);
        }
        if account.webhook_secrets.is_empty() {
            return Err(AccountError::Field("webhook_secret"));
        }
        Ok(())
    }

    fn check_plan(&self, plan: &PlanDraft) -> Result<(), Refusal> {
        plan::check(plan)
    }

    fn request(&self, call: &Call<'_>) -> Result<Request, Refusal> {
        match call.operation {
            Operation::EnsureCustomer(person) => customer::request(call, person),
            Operation::EnsurePlan(draft) => plan::request(call, draft),
            Operation::ListPlans { cursor } => Ok(plan::list_request(call, cursor.as_deref())),
            Operation::ListSubscriptions { cursor } => {
                Ok(subscription::list_request(call, cursor.as_deref()))
            }
            Operation::OpenCheckout(draft) => checkout::request(call, draft),
            Operation::CloseCheckout { checkout } => checkout::close_request(call, checkout),
            Operation::Charge(draft) => charge::request(call, draft),
            Operation::Refund(draft) => refund::request(call, draft),
            Operation::StartSubscription(draft) => start::request(call, draft),
            Operation::ChangeSubscription(_)
            | Operation::UndoChange { .. }
            | Operation::CancelSubscription { .. }
            | Operation::KeepSubscription { .. }
            | Operation::PauseSubscription { .. }
            | Operation::ResumeSubscription { .. } => subscription::request(call),
            Operation::ListMethods { customer } => customer::methods_request(call, customer),
            Operation::RemoveMethod { method, .. } => customer::remove_request(call, method),
            Operation::Fetch(object) => object::fetch_request(call, object),
        }
    }

    fn read(&self, call: &Call<'_>, answer: &Answer) -> Outcome {
        let reply = reply::of(call, answer, &wire::WORDING);
        match call.operation {
            Operation::EnsureCustomer(_) => customer::read(call, reply),
            Operation::EnsurePlan(draft) => plan::read(call, draft, reply),
            Operation::ListPlans { .. } => plan::list_read(call, reply),
            Operation::ListSubscriptions { cursor } => {
                subscription::list_read(call, cursor.as_deref(), reply)
            }
            Operation::OpenCheckout(_) => checkout::read(call, reply),
            Operation::CloseCheckout { .. } => checkout::close_read(call, reply),
            Operation::Charge(_) => charge::read(call, reply),
            Operation::Refund(draft) => refund::read(call, draft, reply),
            Operation::StartSubscription(_) => start::read(call, reply),
            Operation::ChangeSubscription(_)
            | Operation::UndoChange { .. }
            | Operation::CancelSubscription { .. }
            | Operation::KeepSubscription { .. }
            | Operation::PauseSubscription { .. }
            | Operation::ResumeSubscription { .. } => subscription::read(call, reply),
            Operation::ListMethods { .. } => customer::methods_read(call, reply),
            Operation::RemoveMethod { .. } => customer::remove_read(call, reply),
            Operation::Fetch(object) => object::fetch_read(call, object, reply),
        }
    }

    fn verify(&self, delivery: &Delivery<'_>, account: &Account) -> Result<(), Rejected> {
        let header = delivery.headers.get("stripe-signature").ok_or(Rejected)?;
        let timestamp = header
            .split(',')
            .find_map(|entry| entry.trim().strip_prefix("t="))
            .ok_or(Rejected)?;
        signature::timely(timestamp, delivery)?;
        let signatures =
            signature::of_scheme(header.split(','), "v1=", |text| hex::decode(text).ok());
        let parts = [timestamp.as_bytes(), b".", delivery.body];
        // The key is the secret's text as it is, prefix included.
        let matches = |tag: &Vec<u8>| {
            account
                .webhook_secrets
                .iter()
                .any(|secret| signature::matches_sha256(secret.expose().as_bytes(), &parts, tag))
        };
        signatures.iter().any(matches).then_some(()).ok_or(Rejected)
    }

    fn event(&self, delivery: &Delivery<'_>) -> Result<Event, Unreadable> {
        event::read(delivery)
    }
}
