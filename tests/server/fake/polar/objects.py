"""Polar's objects, made from the samples."""

from .. import templates
from ..clock import micros
from ..model import Checkout, Customer, Method, Payment, Price, Product, Refund, Subscription

ORGANIZATION = "0f0e0d0c-0b0a-4a0b-8c0d-000000000001"
REASON = {"first": "subscription_create", "renewal": "subscription_cycle", "update": "subscription_update"}


def sample(name: str, /, **fields) -> dict:
    return templates.data("polar", name, **fields)


def price(it: Price) -> dict:
    found = sample("subscription.active")["prices"][0]
    return templates.changed(found, id=it.id, created_at=micros(it.created), price_currency=it.currency.lower(), product_id=it.product,
                             price_amount=it.amount)


def product(it: Product, of: list[Price]) -> dict:
    found = sample("subscription.active")["product"]
    first = of[0]
    return templates.changed(
        found, id=it.id, created_at=micros(it.created), name=it.name, description=it.description, metadata=it.metadata,
        recurring_interval=first.interval, recurring_interval_count=first.count if first.interval else None,
        is_recurring=first.interval is not None, is_archived=not it.active, prices=[price(each) for each in of])


def customer(it: Customer) -> dict:
    return sample("customer.created", id=it.id, created_at=micros(it.created), modified_at=micros(it.modified), metadata=it.metadata,
                  external_id=it.external_id, email=it.email, name=it.name, default_payment_method_id=it.default_method)


def method(it: Method) -> dict:
    card = it.card
    return {
        "id": it.id, "created_at": micros(it.created), "modified_at": None, "processor": "stripe", "customer_id": it.customer, "type": "card",
        "method_metadata": {"brand": card.brand, "last4": card.number, "exp_month": card.exp_month, "exp_year": card.exp_year, "wallet": None}}


def subscription(it: Subscription, of: Price, about: Product, buyer: Customer, prices: list[Price]) -> dict:
    pending = it.pending and {
        "created_at": micros(it.pending["created"]), "modified_at": None, "id": it.pending["id"], "applies_at": micros(it.end),
        "product_id": it.pending["product"], "seats": None, "units": None}
    return sample(
        "subscription.active", id=it.id, created_at=micros(it.created), modified_at=micros(it.modified), amount=of.amount,
        currency=of.currency.lower(), recurring_interval=of.interval, recurring_interval_count=of.count, status=it.status,
        current_period_start=micros(it.start), current_period_end=micros(it.end), trial_start=micros(it.trial_start),
        trial_end=micros(it.trial_end), cancel_at_period_end=it.cancels, canceled_at=micros(it.canceled), started_at=micros(it.created),
        ends_at=micros(it.cancel_at or it.ended), ended_at=micros(it.ended), past_due_at=micros(it.past_due), pause_at_period_end=it.pauses,
        paused_at=micros(it.paused), customer_id=it.customer, product_id=of.product, checkout_id=it.checkout, metadata=dict(it.metadata),
        customer=customer(buyer), product=product(about, prices), prices=[price(of)], pending_update=pending or None,
        customer_cancellation_reason=None)


def status(it: Payment) -> str:
    if it.status == "succeeded":
        return "refunded" if it.refunded and it.refunded == it.amount else "partially_refunded" if it.refunded else "paid"
    return it.status if it.status == "draft" else "pending"


def order(it: Payment, buyer: Customer, about: Product, of: Price, within: dict | None) -> dict:
    paid = it.status == "succeeded"
    plain = {**product(about, [of])}
    for name in ("prices", "benefits", "medias", "attached_custom_fields", "is_deletable"):
        plain.pop(name, None)
    inner = within and {name: value for name, value in within.items()
                        if name not in ("customer", "product", "discount", "prices", "meters", "pending_update", "custom_field_data")}
    found = sample(
        "order.paid", id=it.id, created_at=micros(it.created), modified_at=micros(it.modified), status=status(it), paid=paid,
        subtotal_amount=it.amount, net_amount=it.amount, tax_amount=it.tax, total_amount=it.total, due_amount=0 if paid else it.total,
        refunded_amount=it.refunded, refunded_tax_amount=it.refunded_tax, currency=it.currency.lower(),
        billing_reason=REASON.get(it.reason, "purchase"), invoice_number=f"FAKE-{it.number}", customer_id=it.customer,
        product_id=it.product, subscription_id=it.subscription, checkout_id=it.checkout, metadata=it.metadata,
        next_payment_attempt_at=micros(it.next_attempt), customer=customer(buyer), product=plain, subscription=inner,
        description=about.name, refundable_amount=it.amount - it.refunded if paid else 0,
        refundable_tax_amount=it.tax - it.refunded_tax if paid else 0)
    templates.changed(found["items"][0], created_at=micros(it.created), label=about.name, amount=it.amount, tax_amount=it.tax,
                      product_price_id=of.id)
    return found


def refund(it: Refund, of: Payment) -> dict:
    return sample("refund.created", id=it.id, created_at=micros(it.created), modified_at=micros(it.modified), metadata=it.metadata,
                  status=it.status, reason=it.reason or "other", amount=it.amount, tax_amount=it.tax, currency=it.currency.lower(),
                  order_id=of.id, subscription_id=of.subscription, customer_id=of.customer)


def checkout(it: Checkout, about: Product, of: Price, prices: list[Price]) -> dict:
    whole = product(about, prices)
    shown = {name: value for name, value in whole.items() if name not in ("metadata", "is_deletable", "attached_custom_fields")}
    found = sample(
        "checkout.updated", id=it.id, created_at=micros(it.created), modified_at=micros(it.modified),
        status={"complete": "succeeded"}.get(it.status, it.status), url=it.url, client_secret=f"polar_c_{it.id}",
        expires_at=micros(it.expires), success_url=it.extra["success_url"], return_url=it.extra["return_url"], amount=it.amount,
        net_amount=it.amount, tax_amount=it.extra["tax"], total_amount=it.amount + it.extra["tax"], currency=it.currency.lower(),
        product_id=about.id, product_price_id=of.id, customer_id=it.customer, customer_name=it.name, customer_email=it.email,
        metadata=it.metadata, external_customer_id=it.external_id, products=[shown], product=shown, product_price=price(of),
        prices={about.id: [price(of)]}, subscription_id=None, customer_metadata=it.customer_metadata,
        trial_interval="day" if it.trial_end_days else None, trial_interval_count=it.trial_end_days,
        active_trial_interval="day" if it.trial_end_days else None, active_trial_interval_count=it.trial_end_days)
    return found
