//! The one face of every provider.
//!
//! Implemented by a file or folder per provider, called by the worker and the webhook functions.
//! Invariants: every method is a function of its arguments; what a provider cannot do is a
//! refusal with a reason that its capabilities repeat as data.

use crate::account::{Account, AccountError};
use crate::answer::Answer;
use crate::call::Call;
use crate::capability::Capabilities;
use crate::event::{Event, Unreadable};
use crate::operation::PlanDraft;
use crate::outcome::{Outcome, Refusal};
use crate::request::Request;
use crate::webhook::{Delivery, Rejected};

/// A payment provider.
pub trait Provider: Sync {
    /// The word that names it in calls, rows and settings.
    fn code(&self) -> &'static str;

    /// What it can do, and what to do instead where it cannot.
    fn capabilities(&self) -> &'static Capabilities;

    /// Whether credentials can belong to an account of it in that environment.
    ///
    /// # Errors
    /// When a secret for webhooks is missing or a key is plainly of the other environment.
    fn check_account(&self, account: &Account) -> Result<(), AccountError>;

    /// Whether it can express a plan's price and interval; asked when a plan is linked.
    ///
    /// # Errors
    /// When it cannot.
    fn check_plan(&self, plan: &PlanDraft) -> Result<(), Refusal>;

    /// The request of the step that is due.
    ///
    /// # Errors
    /// When the provider cannot do it, or something it needs is missing.
    fn request(&self, call: &Call<'_>) -> Result<Request, Refusal>;

    /// What the answer to that request means.
    fn read(&self, call: &Call<'_>, answer: &Answer) -> Outcome;

    /// Whether a webhook comes from the provider, judged at the moment of its receipt.
    ///
    /// # Errors
    /// One error for everything that is wrong with it.
    fn verify(&self, delivery: &Delivery<'_>, account: &Account) -> Result<(), Rejected>;

    /// What a verified webhook says.
    ///
    /// # Errors
    /// When the body is no event of this provider.
    fn event(&self, delivery: &Delivery<'_>) -> Result<Event, Unreadable>;
}
