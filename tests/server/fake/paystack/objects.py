"""Paystack's objects, made from the samples."""

from .. import templates
from ..clock import millis
from ..model import Customer, Method, Payment, Price, Product, Refund, Subscription

INTERVALS = {"hourly": ("hour", 1), "daily": ("day", 1), "weekly": ("week", 1), "monthly": ("month", 1),
             "quarterly": ("month", 3), "biannually": ("month", 6), "annually": ("year", 1)}
STATUS = {"succeeded": "success", "failed": "failed", "pending": "abandoned"}


def sample(name: str, /, **fields) -> dict:
    return templates.data("paystack", name, **fields)


def plan(it: Price, of: Product) -> dict:
    word = next(name for name, (interval, count) in INTERVALS.items() if (interval, count) == (it.interval, it.count))
    return templates.changed(
        sample("charge.success.plan")["plan"], id=of.number, name=of.name, plan_code=it.id, description=of.description,
        amount=it.amount, interval=word, currency=it.currency)


def customer(it: Customer) -> dict:
    first, _, last = (it.name or "").partition(" ")
    return templates.changed(
        sample("charge.success.plan")["customer"], id=it.number, first_name=first or None, last_name=last or None, email=it.email,
        customer_code=it.id, phone=it.phone, metadata=it.metadata or None)


def authorization(it: Method) -> dict:
    return templates.changed(
        sample("charge.success.plan")["authorization"], authorization_code=it.id, last4=it.card.number, brand=it.card.brand,
        card_type=it.card.brand + " ", exp_month=f"{it.card.exp_month:02}", exp_year=str(it.card.exp_year),
        signature=f"SIG_{id(it.card)}")


def transaction(it: Payment, buyer: Customer, method: Method | None, about: dict) -> dict:
    failed = it.status == "failed"
    return sample(
        "charge.success.plan", id=it.number, status=STATUS[it.status], reference=it.id, amount=it.amount, requested_amount=it.amount,
        gateway_response=f"Declined: {it.failure}" if failed else "Successful", paid_at=millis(it.paid), paidAt=millis(it.paid),
        created_at=millis(it.created), currency=it.currency, plan=about, customer=customer(buyer),
        metadata=it.metadata if it.sent_metadata is None else it.sent_metadata,
        authorization=authorization(method) if method else {})


def status(it: Subscription) -> str:
    if it.ended:
        return "completed" if it.end_reason == "completed" else "cancelled"
    if it.cancels:
        return "non-renewing"
    return "attention" if it.status == "past_due" else "active"


def subscription(it: Subscription, about: dict, buyer: Customer, method: Method | None, last: dict | None) -> dict:
    created = millis(it.created)
    # One that does not renew has no next payment.
    after = None if it.cancels and it.lives else millis(it.end)
    return sample(
        "subscription.not_renew", id=it.number, status=status(it), subscription_code=it.id, email_token=it.token,
        amount=about["amount"], next_payment_date=after, createdAt=created, created_at=created, plan=about,
        authorization=authorization(method) if method else {}, customer=customer(buyer), most_recent_invoice=last)


def invoice(it: Payment, of: Subscription, about: dict, buyer: Customer, method: Method | None) -> dict:
    paid = it.status == "succeeded"
    found = sample(
        "invoice.update", invoice_code=it.invoice, amount=it.amount, period_start=millis(it.start), period_end=millis(it.end),
        status="success" if paid else "pending", paid=paid, paid_at=millis(it.paid), created_at=millis(it.created),
        authorization=authorization(method) if method else {}, customer=customer(buyer))
    found["customer"].pop("international_format_phone")
    templates.changed(
        found["subscription"], status=status(of), subscription_code=of.id, email_token=of.token, amount=about["amount"],
        next_payment_date=millis(of.end), open_invoice=None if paid else it.invoice)
    found["transaction"] = {"reference": it.id, "status": "success", "amount": it.amount, "currency": it.currency} if paid else {}
    return found


def refund(it: Refund, of: Payment, whole: bool) -> dict:
    """A refund as calls show it; lists name the transaction by its number alone."""
    word = {"succeeded": "processed", "failed": "failed"}.get(it.status, "pending")
    return {
        "id": it.number, "integration": 100042, "domain": "test", "amount": it.amount, "currency": it.currency, "status": word,
        "transaction": {"id": of.number, "reference": of.id, "amount": of.amount, "currency": of.currency} if whole else of.number,
        "transaction_reference": of.id, "customer_note": it.reason, "merchant_note": it.note, "channel": "card",
        "deducted_amount": 0, "fully_deducted": it.status == "succeeded", "refunded_by": "fake@example.test",
        "createdAt": millis(it.created), "updatedAt": millis(it.modified or it.created), "refunded_at": millis(it.modified),
        "expected_at": millis(it.created),
    }


def refund_told(it: Refund, of: Payment, buyer: Customer, word: str) -> dict:
    """A refund as webhooks show it: without its own id, and with a text for an amount."""
    found = sample("refund.pending", status=word, transaction_reference=of.id, amount=str(it.amount), currency=it.currency,
                   refund_reference=None if word == "pending" else f"TRF_{it.number}")
    first, _, last = (buyer.name or "").partition(" ")
    found["customer"] = {"first_name": first, "last_name": last, "email": buyer.email}
    return found


def dispute(it: Payment, buyer: Customer) -> dict:
    found = sample("charge.dispute.create", id=it.number + 1, refund_amount=it.amount, currency=it.currency, customer=customer(buyer))
    templates.changed(found["transaction"], id=it.number, reference=it.id, amount=it.amount, currency=it.currency)
    return found
