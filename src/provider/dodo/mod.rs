//! Dodo Payments: a merchant of record with products, checkouts and on-demand mandates.
//!
//! Facts: no idempotency at all, partial refunds by line item only, a subscription's state is
//! read at delivery and not at the event, a card is saved as an on-demand subscription. Invariant:
//! nothing is repeated without looking, and a snapshot follows from its status and dates, never
//! from the name of its event.

mod charge;
mod checkout;
mod customer;
mod event;
mod object;
mod plan;
mod refund;
mod snapshot;
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

/// Dodo Payments.
pub(crate) struct Dodo;

/// Why an open page cannot be ended.
const NO_CLOSE: &str = "Dodo's checkouts cannot be ended; an unused one comes to nothing";

static CAPABILITIES: Capabilities = Capabilities {
    title: "Dodo Payments",
    test_url: "https://test.dodopayments.com",
    live_url: "https://live.dodopayments.com",
    idempotency: Idempotency::Look,
    rates: Rates {
        live_per_minute: 100,
        test_per_minute: 100,
        burst: 10,
    },
    merchant_of_record: true,
    plan_objects: PlanObjects::Product,
    one_time_needs_product: true,
    charges_need_product: true,
    customer_first: false,
    customer_needs_email: true,
    customer_needs_name: true,
    checkout_needs_url: false,
    cadences: Cadences {
        hourly: false,
        multiples_months_max: Some(240),
    },
    events_are_timed: true,
    webhooks_are_dated: true,
    webhook_headers: signature::STANDARD_HEADERS,
    checkout_subscription: Native,
    checkout_trial: Native,
    checkout_one_time: Native,
    checkout_card_setup: Instead(
        "an on-demand subscription of nothing is the saved card; Dodo must allow on-demand",
    ),
    close_checkout: No(NO_CLOSE),
    charge: Native,
    start_subscription: Instead("a checkout that is confirmed with the saved card"),
    change_now: Native,
    change_at_period_end: Native,
    undo_change: Native,
    cancel_now: Native,
    cancel_at_period_end: Native,
    keep: Native,
    pause: Native,
    resume: Native,
    refund_part: Instead("the amount is spread over the payment's line items"),
    list_plans: Native,
    list_subscriptions: Native,
    list_methods: Native,
    remove_method: Native,
};

impl Provider for Dodo {
    fn code(&self) -> &'static str {
        "dodo"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn check_account(&self, account: &Account) -> Result<(), AccountError> {
        // Keys of both environments look alike; the address decides.
        match account.webhook_secrets.as_slice() {
            [] => Err(AccountError::Field("webhook_secret")),
            secrets if secrets.iter().any(|secret| keys(secret).is_empty()) => {
                Err(AccountError::Field("webhook_secret"))
            }
            _ => Ok(()),
        }
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
            Operation::StartSubscription(draft) => charge::start_request(call, draft),
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
            Operation::OpenCheckout(_) => checkout::read(call, reply),
            Operation::Charge(_) => charge::read(call, reply),
            Operation::StartSubscription(_) => charge::start_read(call, reply),
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
            Operation::CloseCheckout { .. } => reply.map_or_else(
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

/// The key of a secret: what its base64 says behind the prefix.
fn keys(secret: &Secret) -> Vec<Vec<u8>> {
    let text = secret.expose();
    let key = signature::base64(text.strip_prefix("whsec_").unwrap_or(text));
    key.filter(|key| !key.is_empty()).into_iter().collect()
}
