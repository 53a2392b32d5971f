"""Stripe's objects, made from the samples."""

from .. import templates
from ..clock import unix
from ..model import Checkout, Customer, Method, Payment, Price, Product, Refund, Subscription

STATUS = {"succeeded": "succeeded", "failed": "requires_payment_method", "pending": "processing"}
BILLING_REASON = {"first": "subscription_create", "renewal": "subscription_cycle", "update": "subscription_update"}


def sample(name: str, /, **fields) -> dict:
    return templates.data("stripe", name, **fields)


def product(it: Product) -> dict:
    return {
        "id": it.id, "object": "product", "active": it.active, "created": unix(it.created), "default_price": it.extra.get("default"),
        "description": it.description, "images": [], "livemode": False, "marketing_features": [], "metadata": it.metadata,
        "name": it.name, "package_dimensions": None, "shippable": None, "statement_descriptor": None, "tax_code": it.extra.get("tax"), "tax_details": None,
        "type": "service", "unit_label": None, "updated": unix(it.created), "url": None,
    }


def price(it: Price) -> dict:
    found = sample("customer.subscription.created")["items"]["data"][0]["price"]
    recurring = {**found["recurring"], "interval": it.interval, "interval_count": it.count}
    return templates.changed(
        found, id=it.id, active=it.active, created=unix(it.created), currency=it.currency.lower(), lookup_key=it.lookup_key,
        metadata=it.metadata, product=it.product, recurring=recurring if it.interval else None,
        type="recurring" if it.interval else "one_time", unit_amount=it.amount, unit_amount_decimal=str(it.amount))


def customer(it: Customer) -> dict:
    found = sample("customer.created", id=it.id, created=unix(it.created), email=it.email, name=it.name, phone=it.phone,
                   metadata=it.metadata)
    found["invoice_settings"]["default_payment_method"] = None
    return found


def method(it: Method) -> dict:
    found = sample("payment_method.attached", id=it.id, created=unix(it.created), customer=it.customer if it.attached else None)
    templates.changed(found["card"], brand=it.card.brand, last4=it.card.number, exp_month=it.card.exp_month,
                      exp_year=it.card.exp_year, fingerprint=f"fp{id(it.card)}")
    return found


def session(it: Checkout) -> dict:
    done = it.status == "complete"
    paid = "no_payment_required" if it.mode == "setup" else "paid"
    found = sample(
        "checkout.session.completed.subscription", id=it.id, amount_subtotal=it.amount if it.mode != "setup" else None,
        amount_total=it.extra.get("total") if it.mode != "setup" else None, cancel_url=it.extra.get("cancel_url"),
        client_reference_id=it.extra.get("reference"), created=unix(it.created), currency=it.currency.lower(),
        customer=it.customer, customer_email=it.email, expires_at=unix(it.expires), invoice=it.invoice,
        metadata=it.metadata, mode=it.mode, payment_intent=it.payment if it.mode == "payment" else None,
        payment_status=paid if done else "unpaid", setup_intent=it.setup, status=it.status, subscription=it.subscription,
        success_url=it.extra.get("success_url"), url=it.url if it.status == "open" else None)
    found["customer_details"] = {**found["customer_details"], "email": it.email or it.extra.get("email"), "name": it.name} if done else None
    return found


def setup(it: Checkout) -> dict:
    return sample("setup_intent.succeeded", id=it.setup, created=unix(it.modified or it.created), customer=it.customer,
                  client_secret=f"{it.setup}_secret_x", metadata=it.deep_metadata, payment_method=it.extra["method"])


def subscription(it: Subscription, of: Price) -> dict:
    found = sample(
        "customer.subscription.created", id=it.id, billing_cycle_anchor=unix(it.trial_end or it.created),
        cancel_at=unix(it.cancel_at), cancel_at_period_end=it.cancels, canceled_at=unix(it.canceled), created=unix(it.created),
        currency=of.currency.lower(), customer=it.customer, default_payment_method=it.method, ended_at=unix(it.ended),
        latest_invoice=it.invoice, metadata=dict(it.metadata), schedule=it.schedule, start_date=unix(it.created), status=it.status,
        trial_end=unix(it.trial_end), trial_start=unix(it.trial_start))
    found["cancellation_details"]["reason"] = it.end_reason or ("cancellation_requested" if it.canceled else None)
    item = templates.changed(
        found["items"]["data"][0], id=item_of(it), created=unix(it.created), current_period_end=unix(it.end),
        current_period_start=unix(it.start), price=price(of), quantity=it.quantity, subscription=it.id)
    templates.changed(item["plan"], id=of.id, amount=of.amount, amount_decimal=str(of.amount), currency=of.currency.lower(),
                      interval=of.interval, interval_count=of.count, product=of.product, created=unix(of.created))
    found["items"]["url"] = f"/v1/subscription_items?subscription={it.id}"
    return found


def item_of(it: Subscription) -> str:
    return f"si_{it.id.removeprefix('sub_')}"


def invoice(it: Payment, about: Subscription, of: Price, buyer: Customer) -> dict:
    paid = it.status == "succeeded"
    address = f"https://invoice.stripe.test/i/{it.invoice}"
    found = sample(
        "invoice.paid", id=it.invoice, amount_due=it.amount, amount_paid=it.amount if paid else 0,
        amount_remaining=0 if paid else it.amount, attempt_count=it.attempt, billing_reason=BILLING_REASON[it.reason],
        created=unix(it.created), currency=it.currency.lower(), customer=it.customer, customer_email=buyer.email,
        customer_name=buyer.name, effective_at=unix(it.created), hosted_invoice_url=address, invoice_pdf=address + "/pdf",
        next_payment_attempt=unix(it.next_attempt), number=f"F-{it.number}", period_start=unix(it.start), period_end=unix(it.start),
        status="paid" if paid else "open", subtotal=it.amount, subtotal_excluding_tax=it.amount, total=it.amount,
        total_excluding_tax=it.amount)
    templates.changed(found["status_transitions"], finalized_at=unix(it.created), paid_at=unix(it.paid))
    found["parent"]["subscription_details"] = {"metadata": it.metadata, "subscription": it.subscription}
    model = found["lines"]["data"][0]
    lines = it.lines or [(of, it.amount)]
    found["lines"]["data"] = [line(model, it, about, *each, bool(it.lines), place) for place, each in enumerate(lines)]
    found["lines"]["url"] = f"/v1/invoices/{it.invoice}/lines"
    return found


def line(model: dict, it: Payment, about: Subscription, of: Price, amount: int, proration: bool, place: int) -> dict:
    details = {**model["parent"]["subscription_item_details"], "proration": proration, "subscription": it.subscription,
               "subscription_item": item_of(about)}
    return {
        **model, "id": f"il_{it.number}{place}", "amount": amount, "subtotal": amount, "currency": it.currency.lower(),
        "description": of.product, "invoice": it.invoice, "metadata": it.metadata, "quantity": about.quantity,
        "parent": {**model["parent"], "subscription_item_details": details}, "subscription": it.subscription,
        "period": {"start": unix(it.start), "end": unix(it.end)},
        "pricing": {**model["pricing"], "price_details": {"price": of.id, "product": of.product}},
    }


def invoice_payment(it: Payment) -> dict:
    return sample(
        "invoice_payment.paid", id=f"inpay_{it.number}", amount_paid=it.amount, amount_requested=it.amount, created=unix(it.created),
        currency=it.currency.lower(), invoice=it.invoice, payment={"payment_intent": it.id, "type": "payment_intent"},
        status_transitions={"canceled_at": None, "paid_at": unix(it.paid)})


def intent(it: Payment, invoice_owned: bool) -> dict:
    failed = it.status == "failed"
    return sample(
        "payment_intent.succeeded.off_session", id=it.id, amount=it.amount, amount_received=0 if failed else it.amount,
        client_secret=f"{it.id}_secret_x", created=unix(it.created), currency=it.currency.lower(), customer=it.customer,
        last_payment_error=decline(it) if failed else None, latest_charge=it.charge, receipt_email=None,
        metadata={} if invoice_owned else it.metadata, payment_method=None if failed else it.method, status=STATUS[it.status])


def decline(it: Payment) -> dict:
    needs_buyer = it.failure == "authentication_required"
    return {"charge": it.charge, "code": "authentication_required" if needs_buyer else "card_declined", "decline_code": it.failure,
            "doc_url": "https://docs.stripe.test/declines", "message": "Your card was declined.", "type": "card_error"}


def charge(it: Payment) -> dict:
    return sample(
        "charge.refunded", id=it.charge, amount=it.amount, amount_captured=it.amount, amount_refunded=it.refunded,
        created=unix(it.created), currency=it.currency.lower(), customer=it.customer, metadata=it.metadata, payment_intent=it.id,
        payment_method=it.method, refunded=it.refunded == it.amount, status="failed" if it.status == "failed" else "succeeded",
        paid=it.status == "succeeded", failure_code=it.failure)


def refund(it: Refund, of: Payment) -> dict:
    found = sample("refund.created", id=it.id, amount=it.amount, charge=of.charge, created=unix(it.created),
                   currency=it.currency.lower(), customer=of.customer, metadata=it.metadata, payment_intent=of.id,
                   payment_method=of.method, reason=it.reason, status=it.status)
    if it.status == "failed":
        found["failure_reason"] = "lost_or_stolen_card"
    return found


def schedule(it: dict) -> dict:
    phases = [phase(each) for each in it["phases"]]
    defaults = {"application_fee_percent": None, "billing_cycle_anchor": "automatic", "billing_thresholds": None,
                "collection_method": "charge_automatically", "default_payment_method": None, "description": None,
                "invoice_settings": {"account_tax_ids": None, "custom_fields": None, "days_until_due": None, "description": None,
                                     "footer": None, "issuer": {"type": "self"}},
                "on_behalf_of": None, "transfer_data": None}
    return {
        "id": it["id"], "object": "subscription_schedule", "application": None, "billing_mode": {"flexible": None, "type": "flexible"},
        "canceled_at": None, "completed_at": None, "created": unix(it["created"]),
        "current_phase": {"start_date": phases[0]["start_date"], "end_date": phases[0]["end_date"]}, "customer": it["customer"],
        "customer_account": None, "default_settings": defaults, "end_behavior": "release", "livemode": False, "metadata": {},
        "pause_schedules": [], "phases": phases, "released_at": unix(it.get("released")),
        "released_subscription": it["subscription"] if it.get("released") else None,
        "status": "released" if it.get("released") else "active", "subscription": None if it.get("released") else it["subscription"],
        "test_clock": None}


def phase(it: dict) -> dict:
    items = [{"billing_thresholds": None, "discounts": [], "metadata": {}, "plan": each["price"], **each} for each in it["items"]]
    return {
        "add_invoice_items": [], "application_fee_percent": None, "billing_cycle_anchor": None, "billing_thresholds": None,
        "collection_method": None, "currency": it["currency"].lower(), "default_payment_method": None, "default_tax_rates": [],
        "description": None, "discounts": [], "end_date": it["end_date"], "invoice_settings": None, "items": items,
        "metadata": it["metadata"], "on_behalf_of": None, "proration_behavior": "create_prorations", "start_date": it["start_date"],
        "transfer_data": None, "trial_end": None}
