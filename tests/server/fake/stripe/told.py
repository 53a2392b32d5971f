"""What Stripe's webhooks say. An event shows its object as it was when the event happened."""

from .. import templates
from ..clock import unix
from ..fake import Fake
from ..model import Payment
from . import objects, wire


class Told(Fake):
    def event(self, kind: str, shown: dict, previous: dict | None = None) -> None:
        body = templates.event("stripe", "customer.created")
        data = {"object": shown, "previous_attributes": previous} if previous is not None else {"object": shown}
        body.update(created=unix(self.now()), type=kind, data=data, api_version=wire.VERSION)
        told = self.tell(kind, lambda: body)
        body["id"] = told.id

    def ready(self, payment: Payment) -> Payment:
        """Gives a payment of a subscription its invoice and charge."""
        payment.charge = payment.charge or self.name("charge")
        if payment.subscription:
            payment.invoice = payment.invoice or self.name("invoice")
        return payment

    def invoice_shown(self, payment: Payment) -> dict:
        subscription = self.subscriptions[payment.subscription]
        return objects.invoice(payment, subscription, self.prices[payment.price], self.customers[payment.customer])

    def told_customer(self, customer):
        self.event("customer.created", objects.customer(customer))

    def told_method(self, method, left):
        if left:
            self.event("payment_method.detached", objects.method(method), {"customer": left.id})
        else:
            self.event("payment_method.attached", objects.method(method))

    def told_checkout(self, checkout, what):
        if checkout.mode == "setup" and what == "completed":
            self.event("setup_intent.succeeded", objects.setup(checkout))
        if checkout.payment and checkout.mode == "subscription":
            checkout.invoice = self.payments[checkout.payment].invoice
        self.event(f"checkout.session.{what}", objects.session(checkout))

    def told_payment(self, payment):
        self.ready(payment)
        kind = "succeeded" if payment.status == "succeeded" else "payment_failed"
        self.event(f"payment_intent.{kind}", objects.intent(payment, payment.invoice is not None))
        if payment.status == "succeeded":
            self.event("charge.succeeded", objects.charge(payment))

    def told_refund_created(self, refund):
        payment = self.payments[refund.payment]
        before = payment.refunded - refund.amount
        self.event("refund.created", objects.refund(refund, payment))
        self.event("charge.refunded", objects.charge(payment), {"amount_refunded": before})

    def told_refund(self, refund):
        shown = objects.refund(refund, self.payments[refund.payment])
        if refund.status == "pending":
            refund.status = "succeeded"
            return self.told_refund_created(refund)
        self.event("refund.failed" if refund.status == "failed" else "refund.updated", shown, {})

    def told_dispute(self, payment):
        self.ready(payment)
        self.event("charge.dispute.created", {
            "id": f"du_{payment.number}", "object": "dispute", "amount": payment.amount, "charge": payment.charge,
            "created": unix(self.now()), "currency": payment.currency.lower(), "livemode": False, "metadata": {},
            "payment_intent": payment.id, "reason": "fraudulent", "status": "needs_response"})

    def told_schedule(self, what, schedule):
        self.event(f"subscription_schedule.{what}", objects.schedule(schedule))
        self.event("customer.subscription.updated", self.subscription_shown(self.subscriptions[schedule["subscription"]]), {"schedule": None})

    def told_subscription(self, subscription, what, payment, was=None):
        if payment:
            self.ready(payment)
            subscription.invoice = payment.invoice
        shown = self.subscription_shown(subscription)
        if what == "created":
            # Until its first payment it is incomplete; that comes within the same second.
            first = {**shown, "status": "incomplete"} if shown["status"] == "active" else shown
            self.event("customer.subscription.created", first)
            if first is not shown:
                self.event("customer.subscription.updated", shown, {"status": "incomplete"})
        elif what == "ended":
            self.event("customer.subscription.deleted", shown)
        elif what in ("paused", "resumed"):
            self.event(f"customer.subscription.{what}", shown)
            self.event("customer.subscription.updated", shown, {"status": "active" if what == "paused" else "paused"})
        elif what == "trial_ending":
            self.event("customer.subscription.trial_will_end", shown)
        elif what == "failed":
            self.told_failure(shown, payment)
        else:
            self.event("customer.subscription.updated", shown, {})
        if payment and payment.status == "succeeded":
            self.told_invoice(payment)

    def told_failure(self, shown: dict, payment: Payment):
        """A renewal begins its period as if it were paid, and is overdue a moment later."""
        if payment.attempt == 1:
            self.event("customer.subscription.updated", {**shown, "status": "active"}, {"latest_invoice": None})
        self.event("payment_intent.payment_failed", objects.intent(payment, True))
        self.event("invoice.payment_failed", self.invoice_shown(payment))
        if payment.attempt == 1:
            self.event("customer.subscription.updated", shown, {"status": "active"})

    def told_invoice(self, payment: Payment):
        shown = self.invoice_shown(payment)
        self.event("invoice.created", {**shown, "status": "draft"})
        self.event("invoice.finalized", {**shown, "status": "open"})
        if payment.amount:
            self.event("payment_intent.succeeded", objects.intent(payment, True))
            self.event("charge.succeeded", objects.charge(payment))
        self.event("invoice.paid", shown)
        self.event("invoice.payment_succeeded", shown)
        if payment.amount:
            self.event("invoice_payment.paid", objects.invoice_payment(payment))
