"""Paystack's subscriptions and what its webhooks say.

There is no trial: a subscription whose first payment lies ahead is active. A renewal that fails is not tried again
before the next one, and one that was told to end lives until its period is over.
"""

from .. import clock
from ..billing import Declined
from ..fake import Fake
from ..model import Payment, Subscription
from ..web import route
from . import objects

LAST_DAY = 28


class Subscriptions(Fake):
    RETRY_DAYS = ()

    def begin(self, customer, price, method, quantity=1, trial_end=None, metadata=None, **fields):
        subscription, payment = super().begin(customer, price, method, quantity, trial_end, metadata, **fields)
        # What was said of the first transaction is not kept for later ones.
        subscription.metadata, subscription.token = {}, f"token{self.number()}"
        subscription.anchor = min(subscription.anchor, LAST_DAY)
        return subscription, payment

    def give_up(self, subscription: Subscription) -> None:
        subscription.retry_at = None

    def subscription_shown(self, it: Subscription) -> dict:
        paid = [payment for payment in self.payments.values() if payment.subscription == it.id and payment.invoice]
        last = self.invoice_shown(paid[-1], it) if paid else None
        return objects.subscription(it, self.plan_of(it), self.customers[it.customer], self.methods.get(it.method), last)

    def plan_of(self, it: Subscription) -> dict:
        price = self.prices[it.price]
        return objects.plan(price, self.products[price.product])

    def invoice_shown(self, payment: Payment, it: Subscription) -> dict:
        payment.invoice = payment.invoice or self.name("invoice")
        return objects.invoice(payment, it, self.plan_of(it), self.customers[it.customer], self.methods.get(it.method))

    # -- routes ----------------------------------------------------------------------------------------------------

    def subscription(self, code: str) -> Subscription:
        if code not in self.subscriptions:
            raise self.no(404, "Subscription not found", "subscription_not_found")
        return self.subscriptions[code]

    @route("POST /subscription")
    def subscription_create(self, request):
        given = request.json
        self.needed(given, customer=str, plan=str)
        customer, price = self.customer(given["customer"]), self.plan(given["plan"])
        method = self.methods.get(given.get("authorization") or customer.default_method)
        if not method or not method.attached or method.customer != customer.id:
            raise self.no(400, "Customer does not have a valid authorization", "authorization_not_found")
        for other in self.subscriptions.values():
            if (other.customer, other.price) == (customer.id, price.id) and other.lives and not other.cancels:
                raise self.no(400, "This subscription is already in place.", "duplicate_subscription")
        start = clock.parse(given["start_date"]) if given.get("start_date") else None
        if start and start <= self.now():
            start = None
        try:
            subscription, payment = self.begin(customer, price, method, 1, start)
        except Declined as no:
            raise self.no(400, "The first charge of the subscription failed", "charge_failed") from no
        self.told_subscription(subscription, "created", payment)
        return self.yes("Subscription successfully created", self.subscription_shown(subscription))

    @route("GET /subscription/{}")
    def subscription_get(self, request, code):
        return self.yes("Subscription retrieved successfully", self.subscription_shown(self.subscription(code)))

    @route("GET /subscription")
    def subscription_list(self, request):
        given = request.params
        items = [self.subscription_shown(each) for each in self.subscriptions.values()]
        items = [item for item in items if given.get("customer") in (None, str(item["customer"]["id"]))
                 and given.get("plan") in (None, str(item["plan"]["id"]))]
        return self.listed(items, given, "Subscriptions retrieved")

    def by_token(self, given: dict) -> Subscription:
        self.needed(given, code=str, token=str)
        subscription = self.subscription(given["code"])
        if given["token"] != subscription.token:
            raise self.no(404, "Subscription with code not found", "subscription_not_found")
        return subscription

    @route("POST /subscription/disable")
    def disable(self, request):
        subscription = self.by_token(request.json)
        if not subscription.lives or subscription.cancels:
            raise self.no(404, "Subscription with code not found or already inactive", "subscription_not_found")
        if subscription.status == "past_due":
            self.end(subscription, "cancellation_requested")
        else:
            self.cancel_later(subscription)
        return self.yes("Subscription disabled successfully")

    @route("POST /subscription/enable")
    def enable(self, request):
        subscription = self.by_token(request.json)
        if not subscription.lives or not subscription.cancels:
            raise self.no(404, "Subscription with code not found or already active", "subscription_not_found")
        self.cancel_later(subscription, False)
        return self.yes("Subscription enabled successfully")

    @route("GET /subscription/{}/manage/link")
    def manage_link(self, request, code):
        return self.yes("Link generated", {"link": f"{self.base_url}/manage/{self.subscription(code).id}"})

    # -- webhooks --------------------------------------------------------------------------------------------------

    def event(self, kind: str, shown) -> None:
        self.tell(kind, lambda: {"event": kind, "data": shown})

    def told_payment(self, payment):
        # There is no event of a failure.
        if payment.status == "succeeded":
            checkout = self.checkouts.get(payment.checkout)
            if checkout and payment.sent_metadata is None:
                payment.sent_metadata = checkout.extra["sent"]
            self.event("charge.success", self.transaction_shown(payment))

    def told_refund(self, refund):
        payment = self.payments[refund.payment]
        buyer = self.customers[payment.customer]
        if refund.status == "pending":
            self.event("refund.pending", objects.refund_told(refund, payment, buyer, "pending"))
            self.event("refund.processing", objects.refund_told(refund, payment, buyer, "processing"))
            return
        word = "processed" if refund.status == "succeeded" else "failed"
        self.event(f"refund.{word}", objects.refund_told(refund, payment, buyer, word))

    def told_dispute(self, payment):
        self.event("charge.dispute.create", objects.dispute(payment, self.customers[payment.customer]))

    def told_subscription(self, subscription, what, payment, was=None):
        if what == "created":
            if payment.amount:
                self.told_payment(payment)
            self.event("subscription.create", self.made_shown(subscription))
        elif what == "not_renewing":
            self.event("subscription.not_renew", self.subscription_shown(subscription))
        elif what == "ended":
            self.event("subscription.disable", {**self.subscription_shown(subscription), "next_payment_date": clock.millis(subscription.end)})
        elif what == "failed":
            self.event("invoice.create", {**self.invoice_shown(payment, subscription), "paid": False, "transaction": {}})
            self.event("invoice.payment_failed", self.invoice_shown(payment, subscription))
        elif what in ("renewed", "trial_ended", "recovered"):
            payment.sent_metadata = {"invoice_action": "update"}
            shown = self.invoice_shown(payment, subscription)
            self.event("invoice.create", {**shown, "status": "pending", "paid": False, "paid_at": None, "transaction": {}})
            self.told_payment(payment)
            self.event("invoice.update", shown)

    def made_shown(self, subscription: Subscription) -> dict:
        """The event of its beginning lacks what only calls show."""
        shown = self.subscription_shown(subscription)
        for name in ("id", "email_token", "integration", "invoices", "invoices_history", "invoice_limit", "split_code", "most_recent_invoice"):
            shown.pop(name)
        return shown
