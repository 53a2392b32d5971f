//! The credits of a pack follow its price: they go with the whole of it, and come back with it.
//!
//! Called wherever a refund is asked for, told of or fails, and where a pack is given, since its
//! price may have gone back before that was heard of. Invariants: while the whole price has
//! gone back or is on its way, nothing of the pack can be spent; what was taken for a refund that
//! did not happen is given again, once. A closed grant is never opened: what comes back is a grant
//! that follows it, with its date and its place in the order.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::credit::NewGrant;
use crate::db::payment::Payment;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::gift;
use owostack_domain::ids;
use uuid::Uuid;

/// Takes or gives again what that payment bought, for that refund, or for any that there is; the
/// customer's lock is held.
///
/// # Errors
/// As the statements.
pub fn follow(context: &Context, payment_id: Uuid, refund_id: Option<Uuid>) -> Result<()> {
    let view = Snapshot::latest()?;
    let organization_id = context.organization.id;
    let Some(payment) = db::payment::find(&view, organization_id, payment_id)? else {
        return Ok(());
    };
    let Some(checkout_id) = payment.checkout_id else {
        return Ok(());
    };
    let checkout = db::checkout::find(&view, organization_id, checkout_id)?;
    if checkout.is_none_or(|one| one.pack.is_none()) {
        return Ok(());
    }
    let gone = db::refund::sum_of(&view, payment_id)?;
    let is_whole = payment.amount.is_some_and(|paid| gone >= paid);
    drop(view);
    if is_whole {
        take(context, &payment, checkout_id, refund_id)
    } else {
        give_again(context, &payment)
    }
}

fn take(
    context: &Context,
    payment: &Payment,
    checkout_id: Uuid,
    refund_id: Option<Uuid>,
) -> Result<()> {
    let customer_id = payment.customer_id;
    let view = Snapshot::latest()?;
    let refunds = db::refund::of_payment(&view, customer_id, payment.id)?;
    let newest = refunds.into_iter().rfind(|one| one.status != "failed");
    let refund_id = refund_id.or(newest.map(|one| one.id));
    for grant in db::credit::open_of_checkout(&view, customer_id, checkout_id)? {
        gift::void(context, customer_id, grant, Some("refund"))?;
        if let Some(refund_id) = refund_id {
            db::refund::take(customer_id, refund_id, grant)?;
        }
    }
    Ok(())
}

fn give_again(context: &Context, payment: &Payment) -> Result<()> {
    let customer_id = payment.customer_id;
    let view = Snapshot::latest()?;
    for taken in db::refund::taken(&view, customer_id, payment.id)? {
        let id = ids::derived(taken, "again");
        let Some(grant) = db::credit::closed(&view, customer_id, taken, id, context.now)? else {
            continue;
        };
        gift::write(
            context,
            &NewGrant {
                id,
                reason: Some("the refund failed"),
                created_at: context.now,
                ..grant
            },
        )?;
    }
    Ok(())
}
