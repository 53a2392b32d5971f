//! Paystack: plans, hosted transactions, saved authorizations.
//!
//! Facts: an envelope around every answer, a decline under a good status, no idempotency but the
//! reference of a charge, no change of plan, no trial, no set-up without money, no event ids and
//! no moments in events. Invariant: nothing but a charge is repeated without looking first, and a
//! charge is looked up by its reference.

mod change;
mod charge;
mod checkout;
mod customer;
mod event;
mod object;
mod plan;
mod refund;
mod subscription;
mod wire;

use crate::account::{Account, AccountError, Environment};
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
use crate::signature;
use crate::webhook::{Delivery, Rejected};

/// Paystack.
pub(crate) struct Paystack;

/// Why there is no pause.
const NO_PAUSE: &str = "Paystack has no pause; cancel, and start again with the saved card";
/// Why a change cannot be undone in one operation.
const NO_UNDO: &str = "the change made a second subscription; cancel that one and keep the first";
/// Why an open page cannot be ended.
const NO_CLOSE: &str = "Paystack's pages cannot be ended; an unused one comes to nothing";

static CAPABILITIES: Capabilities = Capabilities {
    title: "Paystack",
    test_url: "https://api.paystack.co",
    live_url: "https://api.paystack.co",
    idempotency: Idempotency::Reference,
    rates: Rates {
        live_per_minute: 600,
        test_per_minute: 100,
        burst: 10,
    },
    merchant_of_record: false,
    plan_objects: PlanObjects::Plan,
    one_time_needs_product: false,
    charges_need_product: false,
    customer_first: false,
    customer_needs_email: true,
    customer_needs_name: false,
    checkout_needs_url: false,
    cadences: Cadences {
        hourly: true,
        multiples_months_max: None,
    },
    events_are_timed: false,
    webhooks_are_dated: false,
    webhook_headers: &["x-paystack-signature"],
    checkout_subscription: Native,
    checkout_trial: Instead(
        "a small charge saves the card and is refunded; the subscription starts at the trial's end",
    ),
    checkout_one_time: Native,
    checkout_card_setup: Instead("a small charge saves the card and is refunded"),
    close_checkout: No(NO_CLOSE),
    charge: Native,
    start_subscription: Native,
    change_now: Instead(
        "charge the difference first; a new subscription starts at period end and the old one ends",
    ),
    change_at_period_end: Instead(
        "a new subscription starts at period end and the old one does not renew",
    ),
    undo_change: No(NO_UNDO),
    cancel_now: Instead("it does not renew; access ends at once on our side"),
    cancel_at_period_end: Native,
    keep: Native,
    pause: No(NO_PAUSE),
    resume: No(NO_PAUSE),
    refund_part: Native,
    list_plans: Native,
    list_subscriptions: Native,
    list_methods: Native,
    remove_method: Native,
};

impl Provider for Paystack {
    fn code(&self) -> &'static str {
        "paystack"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn check_account(&self, account: &Account) -> Result<(), AccountError> {
        let other = match account.environment {
            Environment::Test => "sk_live_",
            Environment::Live => "sk_test_",
        };
        if account.secret_key.expose().starts_with(other) {
            return Err(AccountError::Environment);
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
            Operation::Refund(draft) => refund::request(call, draft),
            Operation::StartSubscription(draft) => subscription::start_request(call, draft),
            Operation::ChangeSubscription(draft) => change::request(call, draft),
            Operation::UndoChange { .. } => Err(Refusal::unsupported(NO_UNDO)),
            Operation::CancelSubscription { subscription, .. }
            | Operation::KeepSubscription { subscription } => {
                subscription::request(call, subscription)
            }
            Operation::PauseSubscription { .. } | Operation::ResumeSubscription { .. } => {
                Err(Refusal::unsupported(NO_PAUSE))
            }
            Operation::ListMethods { customer } => customer::methods_request(call, customer),
            Operation::RemoveMethod { method, .. } => Ok(customer::remove_request(call, method)),
            Operation::Fetch(object) => object::fetch_request(call, object),
        }
    }

    fn read(&self, call: &Call<'_>, answer: &Answer) -> Outcome {
        let reply = reply::of(call, answer, &wire::WORDING);
        match call.operation {
            Operation::EnsureCustomer(_) => customer::read(call, reply),
            Operation::EnsurePlan(draft) => plan::read(call, draft, reply),
            Operation::ListPlans { cursor } => plan::list_read(call, cursor.as_deref(), reply),
            Operation::ListSubscriptions { cursor } => {
                subscription::list_read(call, cursor.as_deref(), reply)
            }
            Operation::OpenCheckout(_) => checkout::read(call, reply),
            Operation::Charge(_) => charge::read(call, reply),
            Operation::Refund(_) => refund::read(call, reply),
            Operation::StartSubscription(draft) => subscription::start_read(call, draft, reply),
            Operation::ChangeSubscription(draft) => change::read(call, draft, reply),
            Operation::CancelSubscription { .. } | Operation::KeepSubscription { .. } => {
                subscription::read(call, reply)
            }
            Operation::ListMethods { .. } => customer::methods_read(call, reply),
            Operation::RemoveMethod { .. } => customer::remove_read(call, reply),
            Operation::Fetch(object) => object::fetch_read(call, object, reply),
            // Never sent.
            Operation::CloseCheckout { .. }
            | Operation::UndoChange { .. }
            | Operation::PauseSubscription { .. }
            | Operation::ResumeSubscription { .. } => match reply {
                Ok(_) => reply::Problem::incomplete().repeat(call),
                Err(problem) => problem.repeat(call),
            },
        }
    }

    fn verify(&self, delivery: &Delivery<'_>, account: &Account) -> Result<(), Rejected> {
        let header = delivery
            .headers
            .get("x-paystack-signature")
            .ok_or(Rejected)?;
        let tag = hex::decode(header).map_err(|_| Rejected)?;
        // Webhooks are signed with the key of the API; after its rotation the old one still comes.
        std::iter::once(&account.secret_key)
            .chain(&account.webhook_secrets)
            .any(|key| signature::matches_sha512(key.expose().as_bytes(), delivery.body, &tag))
            .then_some(())
            .ok_or(Rejected)
    }

    fn event(&self, delivery: &Delivery<'_>) -> Result<Event, Unreadable> {
        event::read(delivery)
    }
}
