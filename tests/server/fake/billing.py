"""What all providers have in common: customers, cards, subscriptions that renew, money that moves once.

A provider's class inherits from it, shows the objects on its wire and tells in `told_*` what its webhooks say.
Every method is called with the lock held. Amounts are minor units as the provider counts them.
"""

import datetime as dt
import functools
import itertools
import os
import threading

from . import clock
from .model import Card, Customer, Ledger, Method, Movement, Payment, Price, Refund, Subscription


def alone(function):
    """For methods that are called from outside: one at a time, between requests."""

    @functools.wraps(function)
    def run(self, *arguments, **options):
        with self.lock:
            return function(self, *arguments, **options)

    return run


class Declined(Exception):
    """A bank said no."""

    def __init__(self, payment: Payment):
        super().__init__(payment.failure)
        self.payment = payment


class Billing:
    """The state of one account and the rules by which it changes."""

    # Days after a failure at which it is tried again; afterwards the subscription ends.
    RETRY_DAYS = (3, 5, 7)
    # Whether the running period moves on although its payment failed.
    MOVES_ON_UNPAID = True
    # Whether a change at once begins a new period.
    CHANGE_RESTARTS = False
    # Tax that the provider adds, in thousandths; merchants of record only.
    tax_permille = 0

    def __init__(self, moments: clock.Clock):
        self.clock = moments
        self.lock = threading.RLock()
        self.customers, self.methods, self.products, self.prices = {}, {}, {}, {}
        self.checkouts, self.subscriptions, self.payments, self.refunds = {}, {}, {}, {}
        self.ledger = Ledger()
        self.refund_script = []
        self._numbers = itertools.count(int.from_bytes(os.urandom(3), "big") * 1000 + 1)
        self._due = None

    # -- the time, and names ---------------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        """The moment that is being lived: while the clock is moved, that of what falls due."""
        return self._due or self.clock.now()

    def step(self) -> None:
        """A moment goes by between one thing that is told and the next."""
        if self._due:
            self._due += dt.timedelta(seconds=1)
        else:
            self.clock.step()

    def number(self) -> int:
        return next(self._numbers)

    def name(self, kind: str) -> str:
        raise NotImplementedError

    def payment_name(self, checkout: str | None) -> str:
        return self.name("payment")

    # -- customers and cards ---------------------------------------------------------------------------------------

    def make_customer(self, **fields) -> Customer:
        customer = Customer(self.name("customer"), self.number(), self.now(), **fields)
        self.customers[customer.id] = customer
        self.told_customer(customer)
        return customer

    def save_card(self, customer: Customer, card: Card) -> Method:
        for method in self.methods.values():
            if method.customer == customer.id and method.card is card and method.attached:
                return method
        method = Method(self.name("method"), customer.id, card, self.now())
        self.methods[method.id] = method
        customer.default_method = customer.default_method or method.id
        self.told_method(method, None)
        return method

    def detach(self, method: Method) -> None:
        customer = self.customers[method.customer]
        method.attached = False
        if customer.default_method == method.id:
            others = [other.id for other in self.methods_of(customer)]
            customer.default_method = others[0] if others else None
        self.told_method(method, customer)

    def methods_of(self, customer: Customer) -> list[Method]:
        return [method for method in self.methods.values() if method.customer == customer.id and method.attached]

    # -- money -----------------------------------------------------------------------------------------------------

    def taxed(self, amount: int) -> int:
        return (amount * self.tax_permille + 500) // 1000

    def ask(self, card: Card | None, amount: int, currency: str, customer: str | None, **fields) -> Payment:
        """Asks a card for money: the payment that has succeeded or failed. Nothing else moves money towards the seller."""
        payment = fields.pop("payment", None)
        if payment is None:
            name = self.payment_name(fields.get("checkout"))
            payment = Payment(name, self.number(), self.now(), amount, currency, customer, "pending", **fields)
            payment.tax = self.taxed(amount)
        self.payments[payment.id] = payment
        payment.failure = ("no_card" if card is None else card.answer()) if payment.total > 0 else None
        payment.status = "failed" if payment.failure else "succeeded"
        payment.modified = self.now()
        if payment.status == "succeeded":
            payment.paid = self.now()
            payment.next_attempt = None
            self.moved("charge", payment.total, payment, payment.metadata)
        return payment

    def moved(self, kind: str, amount: int, payment: Payment, metadata: dict) -> None:
        if amount:
            operation = metadata.get("owo_operation")
            self.ledger.append(Movement(self.now(), kind, amount, payment.currency, payment.id, payment.customer, operation))

    def give_back(self, payment: Payment, amount: int | None = None, tax: int | None = None, **fields) -> Refund:
        """Begins a refund of a net amount and its tax; none: of all that is left."""
        amount = payment.amount - payment.refunded if amount is None else amount
        if tax is None:
            rest = payment.amount - payment.refunded
            tax = (payment.tax - payment.refunded_tax) * amount // rest if rest else 0
        refund = Refund(self.name("refund"), self.number(), self.now(), payment.id, amount, tax, payment.currency, **fields)
        self.refunds[refund.id] = refund
        payment.refunded += amount
        payment.refunded_tax += tax
        payment.modified = self.now()
        self.moved("refund", -(amount + tax), payment, refund.metadata)
        return refund

    def settle(self, refund: Refund) -> None:
        """The end of a refund, as the bank decides it: what could not be given back stays with the seller."""
        payment = self.payments[refund.payment]
        word = self.refund_script.pop(0) if self.refund_script else None
        refund.status = "failed" if word else "succeeded"
        refund.modified = self.now()
        if word:
            payment.refunded -= refund.amount
            payment.refunded_tax -= refund.tax
            self.moved("refund_failed", refund.amount + refund.tax, payment, refund.metadata)
        self.told_refund(refund)

    # -- subscriptions ---------------------------------------------------------------------------------------------

    def begin(self, customer: Customer, price: Price, method: Method | None, quantity: int = 1,
              trial_end: dt.datetime | None = None, metadata: dict | None = None, **fields) -> tuple[Subscription, Payment]:
        """A subscription and its first payment. Without its money there is none."""
        now = self.now()
        end = trial_end or clock.add(now, price.interval, price.count)
        subscription = Subscription(
            self.name("subscription"), self.number(), customer.id, price.id, now, "trialing" if trial_end else "active",
            now, end, (trial_end or now).day, quantity, method.id if method else None, dict(metadata or {}),
            trial_start=now if trial_end else None, trial_end=trial_end, modified=now, **fields)
        payment = self.ask(
            method.card if method else None, 0 if trial_end else price.amount * quantity, price.currency, customer.id,
            reason="first", subscription=subscription.id, checkout=subscription.checkout, product=price.product,
            price=price.id, start=now, end=end, method=subscription.method, metadata=dict(subscription.metadata))
        if payment.status == "failed":
            payment.subscription = None
            raise Declined(payment)
        self.subscriptions[subscription.id] = subscription
        return subscription, payment

    def card_of(self, subscription: Subscription) -> Card | None:
        method = self.methods.get(subscription.method or self.customers[subscription.customer].default_method)
        return method.card if method and method.attached else None

    def renew(self, subscription: Subscription) -> None:
        """The next period and its payment, at the end of one."""
        price = self.prices[subscription.price]
        start = subscription.end
        end = clock.add(start, price.interval, price.count, subscription.anchor)
        amount = max(0, price.amount * subscription.quantity + subscription.balance)
        payment = Payment(
            self.name("payment"), self.number(), self.now(), amount, price.currency, subscription.customer, "pending",
            reason="renewal", subscription=subscription.id, product=price.product, price=price.id, start=start, end=end,
            method=subscription.method, metadata=dict(subscription.metadata), tax=self.taxed(amount))
        subscription.balance = min(0, price.amount * subscription.quantity + subscription.balance)
        if self.MOVES_ON_UNPAID:
            subscription.start, subscription.end = start, end
        was_trial = subscription.status == "trialing"
        self.collect(subscription, payment, "trial_ended" if was_trial else "renewed")

    def collect(self, subscription: Subscription, payment: Payment, what: str) -> None:
        """Asks for what a subscription owes; a failure is tried again by the calendar of the provider."""
        payment.attempt += 1
        payment.method = subscription.method
        subscription.attempt = payment.attempt
        self.ask(self.card_of(subscription), payment.amount, payment.currency, payment.customer, payment=payment)
        subscription.modified = self.now()
        if payment.status == "succeeded":
            subscription.start, subscription.end = payment.start, payment.end
            subscription.status, subscription.past_due, subscription.unpaid = "active", None, None
            subscription.attempt, subscription.retry_at = 0, None
            self.told_subscription(subscription, what, payment)
            return
        days = self.RETRY_DAYS[payment.attempt - 1: payment.attempt]
        subscription.status = "past_due"
        subscription.past_due = subscription.past_due or self.now()
        subscription.unpaid = payment.id
        subscription.retry_at = self.now() + dt.timedelta(days=days[0]) if days else None
        payment.next_attempt = subscription.retry_at
        self.told_subscription(subscription, "failed", payment)
        if not days:
            self.give_up(subscription)

    def give_up(self, subscription: Subscription) -> None:
        self.end(subscription, "payment_failed")

    def retry(self, subscription: Subscription) -> None:
        """Another attempt at what is owed."""
        self.collect(subscription, self.payments[subscription.unpaid], "recovered")

    def end(self, subscription: Subscription, reason: str) -> None:
        subscription.status, subscription.ended, subscription.end_reason = "canceled", self.now(), reason
        subscription.canceled = subscription.canceled or self.now()
        subscription.retry_at, subscription.pending, subscription.modified = None, None, self.now()
        self.told_subscription(subscription, "ended", None)

    def cancel_later(self, subscription: Subscription, cancels: bool = True) -> None:
        subscription.cancels = cancels
        subscription.cancel_at = subscription.end if cancels else None
        subscription.canceled = self.now() if cancels else None
        subscription.modified = self.now()
        self.told_subscription(subscription, "not_renewing" if cancels else "kept", None)

    def change(self, subscription: Subscription, price: Price, quantity: int = 1, money: str = "now") -> Payment | None:
        """Another price at once: `money` is now, next or none. Without the money nothing changes."""
        old, now = self.prices[subscription.price], self.now()
        was = (subscription.start, subscription.end)
        end = clock.add(now, price.interval, price.count) if self.CHANGE_RESTARTS else subscription.end
        whole = (subscription.end - subscription.start).total_seconds() or 1
        left = 0 if subscription.status == "trialing" else max(0.0, (subscription.end - now).total_seconds()) / whole
        unused = round(old.amount * subscription.quantity * left)
        wanted = round(price.amount * quantity * (1 if self.CHANGE_RESTARTS and left else left))
        payment, lines = None, [(old, -unused), (price, wanted)]
        if money == "now" and wanted > unused:
            payment = self.ask(
                self.card_of(subscription), wanted - unused, price.currency, subscription.customer, reason="update",
                subscription=subscription.id, product=price.product, price=price.id, start=now, end=end,
                method=subscription.method, metadata=dict(subscription.metadata), lines=lines)
            if payment.status == "failed":
                raise Declined(payment)
        elif money != "none":
            subscription.balance += wanted - unused
        subscription.price, subscription.quantity, subscription.pending = price.id, quantity, None
        subscription.modified = now
        if self.CHANGE_RESTARTS and subscription.status != "trialing":
            subscription.start, subscription.end, subscription.anchor = now, end, now.day
        self.told_subscription(subscription, "changed", payment, was)
        return payment

    # -- what a provider tells -------------------------------------------------------------------------------------

    def told_customer(self, customer: Customer) -> None: ...

    def told_method(self, method: Method, left: Customer | None) -> None: ...

    def told_payment(self, payment: Payment) -> None: ...

    def told_refund(self, refund: Refund) -> None: ...

    def told_subscription(self, subscription: Subscription, what: str, payment: Payment | None, was=None) -> None: ...
