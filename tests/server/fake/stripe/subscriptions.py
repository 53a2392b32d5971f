"""Stripe's checkout sessions, subscriptions, their schedules and invoices."""

import datetime as dt

from .. import clock
from ..billing import Declined
from ..fake import Fake
from ..model import Checkout, Subscription
from ..web import route
from . import objects, wire
from .wire import error, missing, needed, page, unknown_parameters

SESSION_PARAMETERS = (
    "mode success_url cancel_url client_reference_id customer customer_email expires_at line_items subscription_data "
    "payment_intent_data setup_intent_data customer_creation currency payment_method_collection allow_promotion_codes locale")
UPDATE_PARAMETERS = (
    "items proration_behavior payment_behavior cancel_at_period_end cancel_at default_payment_method cancellation_details "
    "proration_date trial_end off_session")


class Subscriptions(Fake):
    # -- checkout --------------------------------------------------------------------------------------------------

    @route("POST /v1/checkout/sessions")
    def session_create(self, request):
        given = request.data
        unknown_parameters(given, SESSION_PARAMETERS)
        needed(given, "mode", "success_url")
        if given.get("customer") and given.get("customer_email"):
            raise error(400, "You may only specify one of these parameters: customer, customer_email.")
        if given.get("customer"):
            self.found(self.customers, given["customer"], "customer", "customer", 400)
        if given["mode"] == "subscription" and given.get("customer_creation"):
            raise error(400, "`customer_creation` can only be used in `payment` and `setup` mode.", None, "customer_creation")
        now = self.now()
        expires = clock.from_unix(given["expires_at"]) if given.get("expires_at") else now + dt.timedelta(hours=24)
        if not dt.timedelta(minutes=29) <= expires - now <= dt.timedelta(hours=24, seconds=5):
            raise error(400, "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", None, "expires_at")
        name = self.name("checkout")
        checkout = Checkout(
            name, given["mode"], now, expires, f"{self.base_url}/pay/{name}", customer=given.get("customer"),
            email=given.get("customer_email"), metadata=given.get("metadata") or {})
        checkout.extra = {key: given.get(key) for key in ("success_url", "cancel_url")} | {
            "reference": given.get("client_reference_id"), "total": 0}
        self.fill(checkout, given)
        self.checkouts[name] = checkout
        return objects.session(checkout)

    def fill(self, checkout: Checkout, given: dict) -> None:
        """What the session is for."""
        if checkout.mode == "setup":
            needed(given, "currency")
            checkout.currency = given["currency"].upper()
            checkout.deep_metadata = (given.get("setup_intent_data") or {}).get("metadata") or {}
            return
        needed(given, "line_items")
        item = given["line_items"][0]
        checkout.quantity = int(item.get("quantity", 1))
        if checkout.mode == "subscription":
            price = self.found(self.prices, item.get("price", ""), "price", "line_items[0][price]", 400)
            more = given.get("subscription_data") or {}
            checkout.price, checkout.product, checkout.currency = price.id, price.product, price.currency
            checkout.trial_end_days = int(more["trial_period_days"]) if more.get("trial_period_days") else None
            checkout.deep_metadata = more.get("metadata") or {}
            checkout.amount = price.amount * checkout.quantity
            checkout.extra["total"] = 0 if checkout.trial_end_days else checkout.amount
            return
        more = given.get("payment_intent_data") or {}
        data = item["price_data"]
        checkout.currency = data["currency"].upper()
        checkout.amount = checkout.extra["total"] = int(data["unit_amount"]) * checkout.quantity
        checkout.deep_metadata = more.get("metadata") or {}
        checkout.saves = more.get("setup_future_usage") == "off_session"

    @route("GET /v1/checkout/sessions/{}")
    def session_get(self, request, name):
        return objects.session(self.found(self.checkouts, name, "checkout.session", "session"))

    @route("POST /v1/checkout/sessions/{}/expire")
    def session_expire(self, request, name):
        checkout = self.found(self.checkouts, name, "checkout.session", "session")
        if checkout.status != "open":
            raise error(400, f"Only Checkout Sessions with a status in [\"open\"] can be expired. This one is {checkout.status}.")
        return objects.session(self.expire(checkout))

    # -- subscriptions ---------------------------------------------------------------------------------------------

    def subscription_shown(self, subscription: Subscription) -> dict:
        return objects.subscription(subscription, self.prices[subscription.price])

    @route("POST /v1/subscriptions")
    def subscription_create(self, request):
        given = request.data
        unknown_parameters(given, "customer items default_payment_method off_session payment_behavior trial_end trial_period_days payment_settings")
        needed(given, "customer", "items")
        customer = self.found(self.customers, given["customer"], "customer", "customer", 400)
        item = given["items"][0]
        price = self.found(self.prices, item.get("price", ""), "price", "items[0][price]", 400)
        method = self.found(self.methods, given.get("default_payment_method") or customer.default_method or "", "PaymentMethod",
                            "default_payment_method", 400)
        if not method.attached:
            raise missing("PaymentMethod", method.id, "default_payment_method", 400)
        trial_end = clock.from_unix(given["trial_end"]) if given.get("trial_end") else None
        try:
            subscription, payment = self.begin(customer, price, method, int(item.get("quantity", 1)), trial_end, given.get("metadata"))
        except Declined as no:
            self.ready(no.payment)
            raise self.declined(no.payment) from no
        self.told_subscription(subscription, "created", payment)
        return self.subscription_shown(subscription)

    @route("GET /v1/subscriptions/{}")
    def subscription_get(self, request, name):
        return self.subscription_shown(self.found(self.subscriptions, name, "subscription"))

    @route("GET /v1/subscriptions")
    def subscription_list(self, request):
        given = request.data
        items = [self.subscription_shown(each) for each in self.subscriptions.values()
                 if given.get("customer") in (None, each.customer) and (each.lives or given.get("status") in ("all", each.status))]
        return page(wire.since(items, given), given, request.path)

    def free(self, name: str) -> Subscription:
        """A subscription that can be changed."""
        subscription = self.found(self.subscriptions, name, "subscription")
        if not subscription.lives:
            raise error(400, "A canceled subscription can only update its cancellation_details and metadata.")
        if subscription.schedule:
            raise error(400, "The subscription is managed by the subscription schedule, and updating it directly is not allowed.")
        return subscription

    @route("POST /v1/subscriptions/{}")
    def subscription_update(self, request, name):
        given = request.data
        unknown_parameters(given, UPDATE_PARAMETERS)
        subscription = self.free(name)
        if given.get("items"):
            self.update_items(subscription, given)
        subscription.metadata.update(given.get("metadata") or {})
        if "cancel_at_period_end" in given and wire.true(given["cancel_at_period_end"]) != subscription.cancels:
            self.cancel_later(subscription, wire.true(given["cancel_at_period_end"]))
        elif given.get("cancel_at") == "":
            self.cancel_later(subscription, False)
        if given.get("default_payment_method"):
            subscription.method = self.found(self.methods, given["default_payment_method"], "PaymentMethod", "default_payment_method", 400).id
        return self.subscription_shown(subscription)

    def update_items(self, subscription: Subscription, given: dict) -> None:
        item = given["items"][0]
        if item.get("id") != objects.item_of(subscription):
            raise error(400, "Without the id of an item another one would be added, which nobody wants here.", None, "items[0][id]")
        price = self.found(self.prices, item["price"], "price", "items[0][price]", 400)
        money = {"always_invoice": "now", "none": "none"}.get(given.get("proration_behavior"), "next")
        try:
            self.change(subscription, price, int(item.get("quantity", subscription.quantity)), money)
        except Declined as no:
            self.ready(no.payment)
            raise self.declined(no.payment) from no

    @route("DELETE /v1/subscriptions/{}")
    def subscription_delete(self, request, name):
        subscription = self.found(self.subscriptions, name, "subscription")
        if not subscription.lives:
            raise missing("subscription", name, "id")
        if subscription.schedule:
            self.schedules[subscription.schedule]["released"] = self.now()
        self.end(subscription, "cancellation_requested")
        return self.subscription_shown(subscription)

    @route("POST /v1/subscriptions/{}/pause")
    def subscription_pause(self, request, name):
        subscription = self.free(name)
        if subscription.status not in ("active", "trialing"):
            raise error(400, f"A subscription that is {subscription.status} cannot be paused.")
        self.pause(subscription)
        return self.subscription_shown(subscription)

    @route("POST /v1/subscriptions/{}/resume")
    def subscription_resume(self, request, name):
        subscription = self.free(name)
        if subscription.status != "paused":
            raise error(400, "Only paused subscriptions can be resumed.")
        self.resume(subscription)
        return self.subscription_shown(subscription)

    # -- schedules -------------------------------------------------------------------------------------------------

    @route("POST /v1/subscription_schedules")
    def schedule_create(self, request):
        unknown_parameters(request.data, "from_subscription")
        needed(request.data, "from_subscription")
        subscription = self.free(request.data["from_subscription"])
        phase = {
            "start_date": clock.unix(subscription.start), "end_date": clock.unix(subscription.end), "metadata": {},
            "currency": self.prices[subscription.price].currency, "items": [{"price": subscription.price, "quantity": subscription.quantity}]}
        schedule = {"id": self.name("schedule"), "created": self.now(), "customer": subscription.customer, "phases": [phase],
                    "subscription": subscription.id}
        self.schedules[schedule["id"]] = schedule
        subscription.schedule = schedule["id"]
        self.told_schedule("created", schedule)
        return objects.schedule(schedule)

    @route("GET /v1/subscription_schedules/{}")
    def schedule_get(self, request, name):
        return objects.schedule(self.found(self.schedules, name, "subscription_schedule", "schedule"))

    @route("POST /v1/subscription_schedules/{}")
    def schedule_update(self, request, name):
        given = request.data
        unknown_parameters(given, "end_behavior phases proration_behavior")
        schedule = self.found(self.schedules, name, "subscription_schedule", "schedule")
        subscription = self.subscriptions[schedule["subscription"]]
        phases = given.get("phases") or []
        if not phases or int(phases[0].get("start_date", 0)) != schedule["phases"][0]["start_date"]:
            raise error(400, "The start date of the running phase cannot be changed.", None, "phases[0][start_date]")
        kept = []
        for place, phase in enumerate(phases):
            item = phase["items"][0]
            price = self.found(self.prices, item["price"], "price", f"phases[{place}][items][0][price]", 400)
            start = int(phase.get("start_date") or kept[-1]["end_date"])
            end = int(phase["end_date"]) if phase.get("end_date") else clock.unix(
                clock.add(clock.from_unix(start), phase["duration"]["interval"], int(phase["duration"]["interval_count"])))
            kept.append({"start_date": start, "end_date": end, "metadata": phase.get("metadata") or {}, "currency": price.currency,
                         "items": [{"price": price.id, "quantity": int(item.get("quantity", 1))}]})
        schedule["phases"] = kept
        subscription.pending = {"price": kept[1]["items"][0]["price"], "quantity": kept[1]["items"][0]["quantity"]} if kept[1:] else None
        self.told_schedule("updated", schedule)
        return objects.schedule(schedule)

    @route("POST /v1/subscription_schedules/{}/release")
    def schedule_release(self, request, name):
        schedule = self.found(self.schedules, name, "subscription_schedule", "schedule")
        subscription = self.subscriptions[schedule["subscription"]]
        if schedule.get("released"):
            raise error(400, "You cannot release a subscription schedule that is currently in the `released` status.")
        schedule["released"] = self.now()
        subscription.schedule, subscription.pending = None, None
        self.told_schedule("released", schedule)
        return objects.schedule(schedule)

    # -- invoices --------------------------------------------------------------------------------------------------

    @route("GET /v1/invoices/{}")
    def invoice_get(self, request, name):
        for payment in self.payments.values():
            if payment.invoice == name:
                return self.invoice_shown(payment)
        raise missing("invoice", name, "invoice")

    @route("GET /v1/invoice_payments")
    def invoice_payments(self, request):
        items = [objects.invoice_payment(payment) for payment in self.payments.values()
                 if payment.invoice == request.data.get("invoice") and payment.status == "succeeded" and payment.amount]
        return page(items, request.data, request.path)
