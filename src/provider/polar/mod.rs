//! Polar: a merchant of record with products, checkouts and draft orders.
//!
//! Facts: a customer's `external_id` is ours and comes back everywhere; no idempotency, but a
//! charge is a draft that is finalised once; refunds are net of tax; collection paths end with a
//! slash. Invariant: money moves only in `finalize` and `refund`, and both look first when an
//! answer was lost.

mod charge;
mod checkout;
mod customer;
mod event;
mod object;
mod plan;
mod refund;
mod subscription;
mod wire;

use crate::account::{Account, AccountError};
use crate::answer::Answer;
use crate::call::Call;
use crate::capability::{
    Cadences, Capabilities, Idempotency, PlanObjects, Rates,
    Support::{Instead, Native, No},
};
use crate::event::{Event, Unreadable};
use crate::operation::{Operation, PlanDraft};
use crate::outcome::{Outcome, Refusal};
use crate::provider::Provider;
use crate::reply;
use crate::request::Request;
use crate::secret::Secret;
use crate::signature;
use crate::webhook::{Delivery, Rejected};

/// Polar.
pub(crate) struct Polar;

/// Why an open page cannot be ended.
const NO_CLOSE: &str = "Polar's checkouts end by themselves after an hour";
/// Why a paid subscription cannot be begun.
const NO_START: &str = "Polar begins only free subscriptions through its API; open a checkout";

static CAPABILITIES: Capabilities = Capabilities {
    title: "Polar",
    test_url: "https://sandbox-api.polar.sh",
    live_url: "https://api.polar.sh",
    idempotency: Idempotency::Look,
    rates: Rates {
        live_per_minute: 500,
        test_per_minute: 100,
        burst: 10,
    },
    merchant_of_record: true,
    plan_objects: PlanObjects::Product,
    one_time_needs_product: true,
    charges_need_product: true,
    customer_first: false,
    customer_needs_email: true,
    customer_needs_name: false,
    checkout_needs_url: false,
    cadences: Cadences {
        hourly: false,
        multiples_months_max: Some(999),
    },
    events_are_timed: true,
    webhooks_are_dated: true,
    webhook_headers: signature::STANDARD_HEADERS,
    checkout_subscription: Native,
    checkout_trial: Native,
    checkout_one_time: Native,
    checkout_card_setup: Instead(
        "the customer saves the card in Polar's portal; list the saved methods afterwards",
    ),
    close_checkout: No(NO_CLOSE),
    charge: Instead("a draft order that is finalised; Polar must allow off-session charges"),
    start_subscription: No(NO_START),
    change_now: Native,
    change_at_period_end: Native,
    undo_change: Native,
    cancel_now: Native,
    cancel_at_period_end: Native,
    keep: Native,
    pause: Instead("it pauses when the running period is over"),
    resume: Native,
    refund_part: Instead("the amount is sent net of tax, and Polar adds the tax"),
    list_plans: Native,
    list_subscriptions: Native,
    list_methods: Native,
    remove_method: Instead("in the customer's own name, through a session of the portal"),
};

impl Provider for Polar {
    fn code(&self) -> &'static str {
        "polar"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn check_account(&self, account: &Account) -> Result<(), AccountError> {
        // Tokens of both systems look alike; the address decides.
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
            Operation::CloseCheckout { .. } => Err(Refusal::unsupported(NO_CLOSE)),
            Operation::Charge(draft) => charge::request(call, draft),
            Operation::StartSubscription(_) => Err(Refusal::unsupported(NO_START)),
            Operation::Refund(draft) => refund::request(call, draft),
            Operation::ChangeSubscription(_)
            | Operation::UndoChange { .. }
            | Operation::CancelSubscription { .. }
            | Operation::KeepSubscription { .. }
            | Operation::PauseSubscription { .. }
            | Operation::ResumeSubscription { .. } => subscription::request(call),
            Operation::ListMethods { customer } => customer::methods_request(call, customer),
            Operation::RemoveMethod { customer, method } => {
                customer::remove_request(call, customer, method)
            }
            Operation::Fetch(object) => object::fetch_request(call, object),
        }
    }

    fn read(&self, call: &Call<'_>, answer: &Answer) -> Outcome {
        let reply = reply::of(call, answer, &wire::WORDING);
        match call.operation {
            Operation::EnsureCustomer(person) => customer::read(call, person, reply),
            Operation::EnsurePlan(draft) => plan::read(call, draft, reply),
            Operation::ListPlans { cursor } => plan::list_read(call, cursor.as_deref(), reply),
            Operation::ListSubscriptions { cursor } => {
                subscription::list_read(call, cursor.as_deref(), reply)
            }
            Operation::OpenCheckout(draft) => checkout::read(call, draft, reply),
            Operation::Charge(_) => charge::read(call, reply),
            Operation::Refund(draft) => refund::read(call, draft, reply),
            Operation::ChangeSubscription(_)
            | Operation::UndoChange { .. }
            | Operation::CancelSubscription { .. }
            | Operation::KeepSubscription { .. }
            | Operation::PauseSubscription { .. }
            | Operation::ResumeSubscription { .. } => subscription::read(call, reply),
            Operation::ListMethods { .. } => customer::methods_read(call, reply),
            Operation::RemoveMethod { .. } => customer::remove_read(call, reply),
            Operation::Fetch(object) => object::fetch_read(call, object, reply),
            // Never sent.
            Operation::CloseCheckout { .. } | Operation::StartSubscription(_) => reply.map_or_else(
                |problem| problem.repeat(call),
                |_| reply::Problem::incomplete().repeat(call),
            ),
        }
    }

    fn verify(&self, delivery: &Delivery<'_>, account: &Account) -> Result<(), Rejected> {
        signature::standard(delivery, &account.webhook_secrets, keys)
    }

    fn event(&self, delivery: &Delivery<'_>) -> Result<Event, Unreadable> {
        event::read(delivery)
    }
}

/// The keys of a secret: Polar signs with its text as it is; the standard would decode it, and
/// Polar's newest library accepts that too.
fn keys(secret: &Secret) -> Vec<Vec<u8>> {
    let text = secret.expose();
    let decoded = text.strip_prefix("whsec_").and_then(signature::base64);
    std::iter::once(text.as_bytes().to_vec())
        .chain(decoded)
        .filter(|key| !key.is_empty())
        .collect()
}
