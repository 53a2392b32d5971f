"""Dodo's subscriptions and what its webhooks say.

What an event shows is read when it is delivered: an old event may show a newer state.
"""

from .. import clock
from ..billing import Declined
from ..fake import Fake
from ..model import Subscription
from ..web import route
from . import objects

MONEY = {"prorated_immediately": "now", "difference_immediately": "now", "full_immediately": "now", "do_not_bill": "none"}


class Subscriptions(Fake):
    RETRY_DAYS = (3, 7, 7)
    MOVES_ON_UNPAID = False
    CHANGE_RESTARTS = True

    def give_up(self, subscription: Subscription) -> None:
        """No more attempts: it waits for another card."""
        subscription.status, subscription.retry_at, subscription.modified = "on_hold", None, self.now()
        self.told_subscription(subscription, "on_hold", None)

    def subscription_shown(self, it: Subscription) -> dict:
        return objects.subscription(it, self.prices[it.price], self.customers[it.customer])

    def mandate(self, page, customer, method) -> None:
        """The on-demand subscription that a saved card is."""
        now, price = self.now(), self.prices[page.price]
        end = clock.add(now, price.interval, price.count)
        found = Subscription(self.name("subscription"), self.number(), customer.id, page.price, now, "active", now, end, now.day,
                             method=method.id, metadata=dict(page.deep_metadata), on_demand=True, checkout=page.id, modified=now)
        self.subscriptions[found.id] = found
        page.subscription = found.id
        self.event("subscription.active", lambda: self.subscription_shown(found))

    # -- routes ----------------------------------------------------------------------------------------------------

    @route("GET /subscriptions/{}")
    def subscription_get(self, request, name):
        return objects.subscription_shown(self.subscription_shown(self.one(self.subscriptions, name, "subscription")))

    @route("GET /subscriptions")
    def subscription_list(self, request):
        found = [self.subscription_shown(each) for each in reversed(self.subscriptions.values())]
        return self.listed([objects.subscription_listed(each) for each in found], request)

    def live(self, name: str) -> Subscription:
        subscription = self.one(self.subscriptions, name, "subscription")
        if not subscription.lives:
            raise self.no(409, "SUBSCRIPTION_INACTIVE", "the subscription has ended")
        return subscription

    @route("PATCH /subscriptions/{}")
    def subscription_update(self, request, name):
        given, subscription = request.json, self.live(name)
        status = given.get("status")
        if status in ("paused", "active") and len(given) > 1:
            raise self.no(422, "INVALID_REQUEST_BODY", "a pause stands alone")
        if status == "cancelled":
            self.end(subscription, "cancelled_by_customer")
        elif status == "paused" and subscription.status == "active":
            self.pause(subscription)
        elif status == "active" and subscription.status == "paused":
            self.resume(subscription)
        elif status:
            raise self.no(409, "SUBSCRIPTION_INACTIVE", f"from {subscription.status} it cannot become {status}")
        if "cancel_at_next_billing_date" in given:
            self.cancel_later(subscription, given["cancel_at_next_billing_date"])
        subscription.metadata.update(given.get("metadata") or {})
        return objects.subscription_shown(self.subscription_shown(subscription))

    @route("POST /subscriptions/{}/change-plan")
    def change_plan(self, request, name):
        given, subscription = request.json, self.live(name)
        self.needed(given, product_id=str, quantity=int, proration_billing_mode=str)
        product = self.one(self.products, given["product_id"], "product")
        price = self.price_of(product)
        if subscription.on_demand:
            raise self.no(400, "ON_DEMAND_PLAN_CHANGE_NOT_SUPPORTED", "a mandate has no plan")
        if subscription.status not in ("active", "trialing"):
            raise self.no(400, "INACTIVE_SUBSCRIPTION_PLAN_CHANGE_NOT_SUPPORTED", "the subscription is not active")
        if subscription.pending and not given.get("cancel_scheduled_change_plan"):
            raise self.no(409, "SCHEDULED_PLAN_CHANGE_EXISTS", "another change waits")
        subscription.metadata.update(given.get("metadata") or {})
        if given.get("effective_at") == "next_billing_date":
            subscription.pending = {"id": f"spc_{self.number()}", "price": price.id, "product": product.id, "name": product.name,
                                    "quantity": given["quantity"], "created": self.now()}
            subscription.modified = self.now()
            self.told_subscription(subscription, "scheduled", None)
            return {"payment_id": None, "payment_link": None}
        try:
            payment = self.change(subscription, price, given["quantity"], MONEY[given["proration_billing_mode"]])
        except Declined as no:
            # The answer does not say so; with prevent_change all stays as it was.
            assert given.get("on_payment_failure") == "prevent_change"
            self.told_payment(no.payment)
            payment = no.payment
        return {"payment_id": payment.id if payment else None, "payment_link": None}

    @route("DELETE /subscriptions/{}/change-plan/scheduled")
    def change_undo(self, request, name):
        subscription = self.live(name)
        if not subscription.pending:
            raise self.no(404, "NOT_FOUND", "no change of the subscription waits")
        subscription.pending, subscription.modified = None, self.now()
        self.told_subscription(subscription, "unscheduled", None)

    @route("POST /subscriptions/{}/charge")
    def charge(self, request, name):
        given, subscription = request.json, self.live(name)
        self.needed(given, product_price=int)
        if not subscription.on_demand:
            raise self.no(400, "SUBSCRIPTION_NOT_ON_DEMAND", "only mandates are charged")
        payment = self.charged(
            self.methods.get(subscription.method), given["product_price"], given.get("product_currency") or "USD", subscription.customer,
            reason="off_session", subscription=subscription.id, product=self.prices[subscription.price].product,
            metadata=given.get("metadata") or dict(subscription.metadata))
        return {"payment_id": payment.id}

    # -- webhooks --------------------------------------------------------------------------------------------------

    def event(self, kind: str, shown) -> None:
        payload = {"payment": "Payment", "subscription": "Subscription", "refund": "Refund", "dispute": "Dispute"}[kind.partition(".")[0]]
        at = clock.seconds(self.now())
        self.tell(kind, lambda: {"business_id": objects.BUSINESS, "type": kind, "timestamp": at,
                                 "data": {"payload_type": payload, **shown()}})

    def told_payment(self, payment):
        word = "succeeded" if payment.status == "succeeded" else "failed"
        self.event(f"payment.{word}", lambda: self.payment_shown(payment))

    def told_refund(self, refund):
        if refund.status == "pending":
            return
        payment = self.payments[refund.payment]
        buyer = self.customers[payment.customer]
        self.event(f"refund.{refund.status}", lambda: objects.refund(refund, payment, buyer))

    def told_dispute(self, payment):
        number, at = self.number(), clock.seconds(self.now())
        self.event("dispute.opened", lambda: {
            "dispute_id": f"dsp_{number}", "payment_id": payment.id, "business_id": objects.BUSINESS, "amount": str(payment.total),
            "currency": payment.currency, "created_at": at, "dispute_stage": "dispute", "dispute_status": "dispute_opened",
            "remarks": None, "is_resolved_by_rdr": False, "customer": objects.customer(self.customers[payment.customer]), "reason": None})

    def told_subscription(self, subscription, what, payment, was=None):
        def told(kind):
            self.event(f"subscription.{kind}", lambda: self.subscription_shown(subscription))

        before, after = {
            "created": (["active"], ["renewed"] if payment and payment.amount else []), "renewed": (["renewed"], []),
            "trial_ended": (["renewed"], []), "recovered": (["active"], ["renewed"]), "failed": ([], ["past_due"]),
            "on_hold": (["on_hold"], []), "ended": (["cancelled"], []), "changed": (["plan_changed"], []), "paused": (["paused"], []),
            "resumed": (["unpaused"], []),
        }.get(what, ([], []))
        for kind in before:
            told(kind)
        if payment:
            self.told_payment(payment)
        for kind in [*after, "updated"]:
            told(kind)
