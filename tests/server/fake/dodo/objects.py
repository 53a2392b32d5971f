"""Dodo's objects, made from the samples."""

from .. import templates
from ..clock import seconds
from ..model import Checkout, Customer, Method, Payment, Price, Product, Refund, Subscription

UNITS = {"Day": "day", "Week": "week", "Month": "month", "Year": "year"}
WORDS = {unit: word for word, unit in UNITS.items()}
BUSINESS = "bus_OwoFixture0001"


def sample(name: str, /, **fields) -> dict:
    found = templates.data("dodo", name, **fields)
    found.pop("payload_type", None)
    return found


def customer(it: Customer) -> dict:
    return {"customer_id": it.id, "email": it.email, "name": it.name, "phone_number": it.phone, "metadata": it.metadata}


def customer_whole(it: Customer) -> dict:
    return {**customer(it), "business_id": BUSINESS, "created_at": seconds(it.created)}


def price(it: Price, of: Product) -> dict:
    if not it.interval:
        return {"type": "one_time_price", "currency": it.currency, "price": it.amount, "discount": 0, "pay_what_you_want": it.open,
                "suggested_price": None, "purchasing_power_parity": False, "tax_inclusive": False}
    return {
        "type": "recurring_price", "currency": it.currency, "price": it.amount, "discount": 0, "purchasing_power_parity": False,
        "payment_frequency_count": it.count, "payment_frequency_interval": WORDS[it.interval],
        "subscription_period_count": of.extra["life"][0], "subscription_period_interval": of.extra["life"][1],
        "tax_inclusive": False, "trial_period_days": of.extra.get("trial") or 0}


def product(it: Product, of: Price) -> dict:
    return {
        "product_id": it.id, "brand_id": BUSINESS, "business_id": BUSINESS, "created_at": seconds(it.created), "description": it.description,
        "is_recurring": of.interval is not None, "license_key_enabled": False, "metadata": it.metadata, "name": it.name,
        "price": price(of, it), "tax_category": it.extra["tax"], "updated_at": seconds(it.created), "addons": None, "image": None,
        "credit_entitlements": [], "entitlements": []}


def product_listed(it: Product, of: Price) -> dict:
    """In a list the price is an amount, and its object stands beside it."""
    names = "business_id created_at description entitlements image is_recurring metadata name product_id tax_category updated_at"
    whole = product(it, of)
    return {**{name: whole[name] for name in names.split()}, "price": of.amount, "currency": of.currency, "price_detail": whole["price"],
            "tax_inclusive": False}


def method(it: Method) -> dict:
    return {
        "payment_method_id": it.id, "payment_method": "card", "payment_method_type": "credit", "recurring_enabled": True,
        "last_used_at": seconds(it.created),
        "card": {"card_network": it.card.brand.upper(), "card_issuing_country": "NG", "card_type": "CREDIT",
                 "expiry_month": f"{it.card.exp_month:02}", "expiry_year": str(it.card.exp_year)[2:], "last4_digits": it.card.number}}


def subscription(it: Subscription, of: Price, buyer: Customer) -> dict:
    status = {"trialing": "active", "canceled": "cancelled"}.get(it.status, it.status)
    pending = it.pending
    change = pending and {
        "id": pending["id"], "addons": [], "created_at": seconds(pending["created"]), "effective_at": seconds(it.end),
        "product_id": pending["product"], "product_name": pending["name"], "product_description": None, "quantity": pending["quantity"]}
    trial = (it.trial_end - it.trial_start).days if it.trial_end else 0
    return sample(
        "subscription.active", subscription_id=it.id, status=status, product_id=of.product, quantity=it.quantity, currency=of.currency,
        recurring_pre_tax_amount=0 if it.on_demand else of.amount * it.quantity, previous_billing_date=seconds(it.start),
        next_billing_date=seconds(it.end), trial_period_days=trial, cancel_at_next_billing_date=it.cancels,
        cancelled_at=seconds(it.canceled), created_at=seconds(it.created), paused_at=seconds(it.paused), on_demand=it.on_demand,
        payment_method_id=it.method, scheduled_change=change, customer=customer(buyer), metadata=dict(it.metadata),
        payment_frequency_count=of.count, payment_frequency_interval=WORDS[of.interval],
        past_due_ends_at=seconds(it.retry_at) if it.status == "past_due" else None)


def subscription_shown(told: dict) -> dict:
    """A subscription as calls show it: without what only webhooks say."""
    return {name: value for name, value in told.items() if name != "past_due_ends_at"}


def subscription_listed(told: dict) -> dict:
    names = (
        "billing cancel_at_next_billing_date created_at currency customer discounts has_payment_method metadata next_billing_date on_demand "
        "payment_frequency_count payment_frequency_interval previous_billing_date product_id quantity recurring_pre_tax_amount status "
        "subscription_id subscription_period_count subscription_period_interval tax_inclusive trial_period_days cancelled_at paused_at "
        "payment_method_id scheduled_change")
    return {name: told[name] for name in names.split()}


def payment_listed(whole: dict) -> dict:
    names = (
        "brand_id created_at currency customer digital_products_delivered is_multi_subscription metadata payment_id payment_provider "
        "subscription_ids total_amount card_last_four card_network invoice_id payment_method payment_method_type refund_status status "
        "subscription_id")
    return {**{name: whole[name] for name in names.split()}, "has_license_key": False}


def payment(it: Payment, buyer: Customer, method_of: Method | None, refunds: list[Refund]) -> dict:
    failed = it.status == "failed"
    card = method_of.card if method_of else None
    cart = None if it.subscription else [{"product_id": it.product, "quantity": 1}]
    return sample(
        "payment.succeeded", payment_id=it.id, status=it.status, total_amount=it.total, tax=it.tax, currency=it.currency,
        settlement_amount=it.total, settlement_currency=it.currency, settlement_tax=it.tax, subscription_id=it.subscription,
        subscription_ids=[it.subscription] if it.subscription else [], checkout_session_id=it.checkout, product_cart=cart,
        payment_method_id=method_of.id if method_of else None, card_last_four=card.number if card else None,
        card_network=card.brand.upper() if card else None, error_code=it.failure.upper() if failed else None,
        error_message="The card was declined." if failed else None, retry_attempt=max(0, it.attempt - 1), created_at=seconds(it.created),
        updated_at=seconds(it.modified), customer=customer(buyer), metadata=it.metadata, invoice_id=None if failed else f"inv_{it.number}",
        refunds=[refund_of(refund, it) for refund in refunds],
        refund_status=None if not it.refunded else "full" if it.refunded == it.amount else "partial")


def refund_of(it: Refund, of: Payment) -> dict:
    """A refund as lists show it: without its metadata."""
    return {"refund_id": it.id, "payment_id": of.id, "business_id": BUSINESS, "created_at": seconds(it.created),
            "amount": it.amount + it.tax, "currency": it.currency, "is_partial": it.amount < of.amount, "reason": it.reason,
            "status": it.status}


def refund(it: Refund, of: Payment, buyer: Customer) -> dict:
    return sample("refund.succeeded", **refund_of(it, of), brand_id=BUSINESS, customer=customer(buyer), metadata=it.metadata)


def checkout(it: Checkout, paid: Payment | None) -> dict:
    return {"id": it.id, "created_at": seconds(it.created), "customer_email": it.email, "customer_name": it.name,
            "payment_id": it.payment, "payment_status": paid.status if paid else None}
