"""What happens without a request: buyers on hosted pages and in portals, people in dashboards, banks, and time.

These are the methods that a test drives a fake with; `fake.http` offers the same ones to other languages.
"""

import datetime as dt

from . import clock
from .billing import Billing, Declined, alone
from .model import Card, Checkout, Customer, Method, Payment, Refund, Subscription

# More steps than this within one move of the clock are a mistake of the fake.
STEPS_MAX = 10_000


class Life(Billing):
    """A provider's account with the world around it."""

    # Days before the end of a trial at which it is announced; none: not at all.
    TRIAL_NOTICE_DAYS = None

    # -- time ------------------------------------------------------------------------------------------------------

    @alone
    def advance(self, days: float = 0, seconds: float = 0, to: dt.datetime | None = None) -> None:
        """Moves the clock; what falls due happens in its order and at its own moment."""
        target = to or self.clock.now() + dt.timedelta(days=days, seconds=seconds)
        for _ in range(STEPS_MAX):
            due = self.next_due(target)
            if due is None:
                break
            self._due, step = max(due[0], self._due or due[0]), due[2]
            step()
        else:
            raise AssertionError("time does not end")
        self._due = None
        self.clock.set(target)

    def next_due(self, target: dt.datetime):
        steps = []
        for checkout in self.checkouts.values():
            if checkout.status == "open" and checkout.expires:
                steps.append((checkout.expires, checkout.id, lambda it=checkout: self.expire(it)))
        for subscription in self.subscriptions.values():
            if not subscription.lives or subscription.status in ("paused", "on_hold") or subscription.on_demand:
                continue
            notice = self.notice_at(subscription)
            if notice:
                steps.append((notice, subscription.id, lambda it=subscription: self.trial_ends_soon(it)))
            if subscription.retry_at:
                steps.append((subscription.retry_at, subscription.id, lambda it=subscription: self.retry(it)))
            elif subscription.end:
                steps.append((subscription.end, subscription.id, lambda it=subscription: self.period_ends(it)))
        due = [step for step in steps if step[0] <= target]
        return min(due, key=lambda step: step[:2], default=None)

    def notice_at(self, subscription: Subscription) -> dt.datetime | None:
        if self.TRIAL_NOTICE_DAYS is None or subscription.trial_told or subscription.status != "trialing":
            return None
        return max(subscription.start, subscription.trial_end - dt.timedelta(days=self.TRIAL_NOTICE_DAYS))

    def trial_ends_soon(self, subscription: Subscription) -> None:
        subscription.trial_told = True
        self.told_subscription(subscription, "trial_ending", None)

    def period_ends(self, subscription: Subscription) -> None:
        if subscription.cancels:
            self.end(subscription, "cancellation_requested")
        elif subscription.pauses:
            self.pause(subscription)
        else:
            if subscription.pending:
                self.apply_pending(subscription)
            self.renew(subscription)

    def apply_pending(self, subscription: Subscription) -> None:
        subscription.price = subscription.pending["price"]
        subscription.quantity = subscription.pending["quantity"]
        subscription.pending, subscription.schedule = None, None
        subscription.modified = self.now()
        self.told_subscription(subscription, "changed", None, (subscription.start, subscription.end))

    def pause(self, subscription: Subscription) -> None:
        subscription.status, subscription.paused, subscription.pauses = "paused", self.now(), False
        subscription.modified = self.now()
        self.told_subscription(subscription, "paused", None)

    def resume(self, subscription: Subscription) -> None:
        """A paused one goes on: at once while its period runs, else with a new one that is paid."""
        subscription.paused, subscription.status = None, "active"
        subscription.modified = self.now()
        if subscription.end <= self.now():
            subscription.end, subscription.anchor = self.now(), self.now().day
            self.told_subscription(subscription, "resumed", None)
            self.renew(subscription)
        else:
            self.told_subscription(subscription, "resumed", None)

    # -- a buyer on a hosted page ----------------------------------------------------------------------------------

    @alone
    def complete(self, checkout: str, card: Card | None = None, email: str | None = None, name: str | None = None) -> Checkout:
        """The buyer fills the page in. A card that is declined leaves it open."""
        page = self.checkouts[checkout]
        assert page.status == "open", f"the page is {page.status}"
        card = card or Card()
        customer = self.buyer(page, email, name)
        try:
            self.pay(page, customer, card)
        except Declined as no:
            page.payment = no.payment.id
            self.told_payment(no.payment)
            return page
        page.status, page.modified = "complete", self.now()
        self.told_checkout(page, "completed")
        return page

    def buyer(self, page: Checkout, email: str | None, name: str | None) -> Customer:
        """Whom the page was opened for, else the customer with that address, else a new one."""
        if page.customer:
            return self.customers[page.customer]
        email = page.email or email or f"buyer{self.number()}@example.test"
        found = [one for one in self.customers.values() if self.is_buyer(one, page, email)]
        customer = found[0] if found else self.make_customer(
            email=email, name=page.name or name or "Ada Obi", external_id=page.external_id,
            metadata=dict(page.customer_metadata))
        page.customer = customer.id
        return customer

    def is_buyer(self, customer: Customer, page: Checkout, email: str) -> bool:
        return False

    def pay(self, page: Checkout, customer: Customer, card: Card) -> None:
        """What the page is for."""
        if page.mode == "setup":
            page.setup = self.name("setup")
            page.extra["method"] = self.save_card(customer, card).id
            return
        if page.mode == "subscription":
            price = self.prices[page.price]
            days = page.trial_end_days
            trial_end = self.now() + dt.timedelta(days=days) if days else None
            if not trial_end:
                self.try_card(card, price.amount * page.quantity, price.currency, customer, page)
            method = self.save_card(customer, card)
            subscription, payment = self.begin(
                customer, price, method, page.quantity, trial_end, page.deep_metadata, checkout=page.id)
            page.subscription, page.payment = subscription.id, payment.id
            self.told_subscription(subscription, "created", payment)
            return
        self.try_card(card, page.amount, page.currency, customer, page)
        method = self.save_card(customer, card) if page.saves else None
        payment = self.ask(
            card, page.amount, page.currency, customer.id, checkout=page.id, product=page.product, price=page.price,
            method=method.id if method else None, metadata=dict(page.deep_metadata))
        page.payment = payment.id
        self.told_payment(payment)

    def try_card(self, card: Card, amount: int, currency: str, customer: Customer, page: Checkout) -> None:
        """A card that will be declined is not saved: its answer is taken before anything is made."""
        word = card.answer()
        if word is None:
            card.script.insert(0, None)
            return
        payment = self.ask(Card(decline=word), amount, currency, customer.id, product=page.product, price=page.price,
                           checkout=page.id, metadata=dict(page.deep_metadata))
        raise Declined(payment)

    @alone
    def expire(self, checkout: Checkout | str) -> Checkout:
        """The page ends unused."""
        page = self.checkouts[checkout] if isinstance(checkout, str) else checkout
        page.status, page.modified = "expired", self.now()
        self.told_checkout(page, "expired")
        return page

    # -- portals and dashboards ------------------------------------------------------------------------------------

    @alone
    def cancel_in_portal(self, subscription: str, now: bool = False) -> Subscription:
        """The buyer ends a subscription, at once or with its period."""
        found = self.subscriptions[subscription]
        if now:
            self.end(found, "cancellation_requested")
        else:
            self.cancel_later(found)
        return found

    @alone
    def keep_in_portal(self, subscription: str) -> Subscription:
        self.cancel_later(self.subscriptions[subscription], False)
        return self.subscriptions[subscription]

    @alone
    def change_in_portal(self, subscription: str, price: str, money: str = "now") -> Subscription:
        """The buyer takes another price of the catalog."""
        found = self.subscriptions[subscription]
        self.change(found, self.prices[price], found.quantity, money)
        return found

    @alone
    def pay_now(self, subscription: str, card: Card | None = None) -> Subscription:
        """The buyer pays what is owed, perhaps with another card."""
        found = self.subscriptions[subscription]
        if card:
            found.method = self.save_card(self.customers[found.customer], card).id
        self.retry(found)
        return found

    @alone
    def decline_next(self, subscription: str, words: list[str | None]) -> Subscription:
        """The bank's next answers for the card of a subscription; None is yes."""
        found = self.subscriptions[subscription]
        self.card_of(found).script.extend(words)
        return found

    @alone
    def save_in_portal(self, customer: str, card: Card | None = None) -> Method:
        """The buyer saves a card."""
        return self.save_card(self.customers[customer], card or Card())

    @alone
    def detach_in_portal(self, method: str) -> Method:
        self.detach(self.methods[method])
        return self.methods[method]

    @alone
    def refund_in_dashboard(self, payment: str, amount: int | None = None) -> Refund:
        """A person gives money back without us."""
        refund = self.give_back(self.payments[payment], amount)
        self.told_refund(refund)
        self.settle(refund)
        return refund

    @alone
    def dispute(self, payment: str) -> Payment:
        """The buyer's bank wants the money back."""
        self.told_dispute(self.payments[payment])
        return self.payments[payment]

    def told_checkout(self, checkout: Checkout, what: str) -> None: ...

    def told_dispute(self, payment: Payment) -> None: ...
