"""What a fake answered and told, as a TypeScript file: the types of the provider's own library are the judge.

Each answer is written as a value of the type that the library promises for that call, and each event as one of its
types; a field too much, too few or of another kind is an error of the compiler. Polar's library checks by itself.
"""

import json
import re

# In Stripe's types an amount with decimals is an object that the library makes; on the wire it is text.
HEADS = {
    "stripe": """import Stripe from "stripe";
type Wire<T> = T extends Stripe.Decimal ? string : T extends Function ? T : T extends object ? { [K in keyof T]: Wire<T[K]> } : T;
type List<T> = Stripe.ApiList<T>;
""",
    "dodo": """import Dodo from "dodopayments";
type Wire<T> = T;
type List<T> = { items: T[] };
""",
}
TYPES = {
    "stripe": (
        (r"(POST|GET) /v1/products(/|$)", "Product"), (r"POST /v1/prices|GET /v1/prices/", "Price"), (r"GET /v1/prices$", "List<Price>"),
        (r"POST /v1/customers$|GET /v1/customers/[^/]+$", "Customer"), (r"GET /v1/customers$", "List<Customer>"),
        (r"/payment_methods$", "List<PaymentMethod>"), (r"/v1/payment_methods/", "PaymentMethod"), (r"/v1/setup_intents/", "SetupIntent"),
        (r"POST /v1/payment_intents$|GET /v1/payment_intents/", "PaymentIntent"), (r"GET /v1/payment_intents$", "List<PaymentIntent>"),
        (r"POST /v1/refunds$|GET /v1/refunds/", "Refund"), (r"GET /v1/refunds$", "List<Refund>"),
        (r"/v1/checkout/sessions", "Checkout.Session"), (r"/v1/subscription_schedules", "SubscriptionSchedule"),
        (r"GET /v1/subscriptions$", "List<Subscription>"), (r" /v1/subscriptions", "Subscription"),
        (r"/v1/invoice_payments", "List<InvoicePayment>"), (r"/v1/invoices/", "Invoice"), (r"/v1/charges/", "Charge")),
    "dodo": (
        (r"GET /products$", "List<ProductListResponse>"), (r" /products", "Product"), (r"GET /customers$", "List<Customer>"),
        (r"/payment-methods$", "CustomerRetrievePaymentMethodsResponse"), (r" /customers", "Customer"),
        (r"POST /checkouts", "CheckoutSessionResponse"), (r"GET /checkouts/", "CheckoutSessionStatus"),
        (r"GET /payments$", "List<PaymentListResponse>"), (r"/line-items$", "PaymentRetrieveLineItemsResponse"), (r" /payments/", "Payment"),
        (r"GET /refunds$", "List<RefundListItem>"), (r" /refunds", "Refund"), (r"/charge$", "SubscriptionChargeResponse"),
        (r"/change-plan$", "SubscriptionChangePlanResponse"), (r"GET /subscriptions$", "List<SubscriptionListResponse>"),
        (r"(GET|PATCH) /subscriptions/", "Subscription")),
}


def of_call(provider: str, name: str) -> str:
    for pattern, kind in TYPES[provider]:
        if re.search(pattern, name):
            prefix = {"stripe": "Stripe", "dodo": "Dodo"}[provider]
            return re.sub(r"(?<![\w.])(?!List<)(?=[A-Z])", f"{prefix}.", kind)
    raise AssertionError(f"{name} has no type")


def source(account) -> str:
    """The TypeScript of all that the fake has answered well and told."""
    lines = [HEADS[account.provider]]
    for place, request in enumerate(account.requests):
        if 200 <= request.status < 300 and request.answer not in (None, b""):
            kind = of_call(account.provider, request.name)
            lines.append(f"// {request.name}\nexport const answer{place}: Wire<{kind}> = {json.dumps(request.answer)};")
    if account.provider == "stripe":
        for place, event in enumerate(account.webhooks.told):
            lines.append(f"export const event{place}: Wire<Extract<Stripe.Event, {{ type: '{event.type}' }}>> = {json.dumps(event.body())};")
    return "\n".join(lines)
