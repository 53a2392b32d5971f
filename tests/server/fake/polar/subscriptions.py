"""Polar's subscriptions and what its webhooks say. An event shows its object as it was when the event happened."""

from .. import clock
from ..billing import Declined
from ..fake import Fake
from ..model import Checkout, Payment, Price, Subscription
from ..web import route
from . import objects


class Subscriptions(Fake):
    RETRY_DAYS = (2, 5, 7, 7)

    def subscription_shown(self, it: Subscription) -> dict:
        price = self.prices[it.price]
        product = self.products[price.product]
        return objects.subscription(it, price, product, self.customers[it.customer], self.prices_of(product))

    def order_shown(self, it: Payment) -> dict:
        within = self.subscription_shown(self.subscriptions[it.subscription]) if it.subscription else None
        return objects.order(it, self.customers[it.customer], self.products[it.product], self.prices[it.price], within)

    def checkout_shown(self, it: Checkout) -> dict:
        product = self.products[it.product]
        return objects.checkout(it, product, self.prices[it.price], self.prices_of(product))

    # -- routes ----------------------------------------------------------------------------------------------------

    @route("GET /v1/subscriptions/")
    def subscription_list(self, request):
        found = [self.subscription_shown(each) for each in reversed(self.subscriptions.values())]
        wanted = request.params.get("customer_id")
        return self.listed([item for item in found if wanted in (None, item["customer_id"])], request)

    @route("GET /v1/subscriptions/{}")
    def subscription_get(self, request, name):
        return self.subscription_shown(self.one(self.subscriptions, name))

    def live(self, name: str) -> Subscription:
        subscription = self.one(self.subscriptions, name)
        if not subscription.lives:
            raise self.no(403, "AlreadyCanceledSubscription", "This subscription is already canceled.")
        return subscription

    @route("DELETE /v1/subscriptions/{}")
    def subscription_revoke(self, request, name):
        subscription = self.live(name)
        self.end(subscription, "customer_request")
        return self.subscription_shown(subscription)

    @route("PATCH /v1/subscriptions/{}")
    def subscription_update(self, request, name):
        given, subscription = request.json, self.live(name)
        if "product_id" in given:
            self.update_product(subscription, given)
        elif "pending_update" in given:
            subscription.pending, subscription.modified = None, self.now()
            self.told_subscription(subscription, "unscheduled", None)
        elif "cancel_at_period_end" in given:
            if given["cancel_at_period_end"] == subscription.cancels:
                error = "AlreadyCanceledSubscription" if subscription.cancels else "SubscriptionNotCanceled"
                raise self.no(403, error, "It is so already.")
            self.cancel_later(subscription, given["cancel_at_period_end"])
        elif given.get("revoke"):
            self.end(subscription, "customer_request")
        elif "pause_at_period_end" in given:
            subscription.pauses, subscription.modified = given["pause_at_period_end"], self.now()
            self.told_subscription(subscription, "scheduled", None)
        elif given.get("resume"):
            if subscription.status != "paused":
                raise self.no(403, "SubscriptionNotPaused", "The subscription is not paused.")
            self.resume(subscription)
        else:
            raise self.invalid(why="Nothing of this can be changed", kind="union_tag_invalid")
        return self.subscription_shown(subscription)

    def update_product(self, subscription: Subscription, given: dict) -> None:
        product = self.products.get(given["product_id"])
        if not product or not self.prices_of(product)[0].interval:
            raise self.invalid("product_id", why="Product does not exist.", kind="value_error")
        if subscription.cancels:
            raise self.no(403, "AlreadyCanceledSubscription", "The subscription is set to be canceled.")
        price: Price = self.prices_of(product)[0]
        behavior = given.get("proration_behavior") or "prorate"
        if behavior == "next_period":
            subscription.pending = {"id": self.name("update"), "price": price.id, "product": product.id, "quantity": 1, "created": self.now()}
            subscription.modified = self.now()
            self.told_subscription(subscription, "scheduled", None)
            return
        try:
            self.change(subscription, price, 1, "now" if behavior == "invoice" else "next")
        except Declined as no:
            del self.payments[no.payment.id]
            raise self.no(402, "PaymentFailed", f"The payment failed: {no.payment.failure}") from no

    # -- webhooks --------------------------------------------------------------------------------------------------

    def event(self, kind: str, shown: dict) -> None:
        at = clock.micros(self.now())
        self.tell(kind, lambda: {"type": kind, "timestamp": at, "api_version": "2026-10", "data": shown})

    def told_customer(self, customer):
        self.event("customer.created", objects.customer(customer))

    def told_method(self, method, left):
        # There are no events of cards; a customer's default one shows with the customer.
        customer = self.customers[method.customer]
        customer.modified = self.now()
        self.event("customer.updated", objects.customer(customer))

    def told_checkout(self, checkout, what):
        shown = self.checkout_shown(checkout)
        if what == "expired":
            self.event("checkout.expired", shown)
        else:
            self.event("checkout.updated", {**shown, "status": "confirmed"})
        self.event("checkout.updated", shown)

    def told_payment(self, payment):
        if payment.status == "failed":
            checkout = self.checkouts[payment.checkout]
            checkout.status, checkout.modified = "failed", self.now()
            del self.payments[payment.id]
            self.event("checkout.updated", self.checkout_shown(checkout))
            return
        self.told_order(payment)

    def told_order(self, payment: Payment):
        shown = self.order_shown(payment)
        open_yet = {**shown, "status": "pending", "paid": False, "due_amount": shown["total_amount"], "refundable_amount": 0}
        if payment.attempt < 2:
            self.event("order.created", open_yet if payment.amount else shown)
        if payment.status == "succeeded":
            self.event("order.updated", shown)
            self.event("order.paid", shown)
        elif payment.next_attempt:
            self.event("order.updated", shown)

    def told_refund(self, refund):
        payment = self.payments[refund.payment]
        shown = objects.refund(refund, payment)
        if refund.status == "pending":
            return self.event("refund.created", shown)
        self.event("refund.updated", shown)
        if refund.status == "succeeded":
            self.event("order.updated", self.order_shown(payment))
            self.event("order.refunded", self.order_shown(payment))

    def told_dispute(self, payment):
        """The seller is not told of a dispute, only of the money that it takes back."""
        self.refund_in_dashboard(payment.id)

    def told_subscription(self, subscription, what, payment, was=None):
        shown = self.subscription_shown(subscription)
        if what == "created":
            first = shown if shown["status"] == "trialing" else {**shown, "status": "incomplete"}
            self.event("subscription.created", first)
            if first is not shown:
                subscription.modified = self.now()
                shown = self.subscription_shown(subscription)
                self.event("subscription.active", shown)
        cycles = what in ("renewed", "trial_ended") or (what == "failed" and payment.attempt == 1)
        if cycles:
            # A new period begins before it is paid.
            self.event("subscription.cycled", {**shown, "status": "active", "past_due_at": None})
            subscription.modified = self.now()
            shown = self.subscription_shown(subscription)
        self.event("subscription.updated", shown)
        after = {"not_renewing": ["canceled"], "kept": ["uncanceled"], "paused": ["paused"], "resumed": ["resumed"],
                 "recovered": ["active"], "ended": ["revoked"]}.get(what, [])
        if what == "ended" and subscription.end_reason != "payment_failed" and not subscription.cancels:
            after = ["canceled", "revoked"]
        if what == "failed" and payment.attempt == 1:
            after = ["past_due"]
        for kind in after:
            self.event(f"subscription.{kind}", shown)
        if payment:
            self.told_order(payment)
