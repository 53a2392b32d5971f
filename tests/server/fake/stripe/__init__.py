"""Stripe: the routes over catalog, customers, cards, single payments and refunds; `subscriptions` and `told` hold the rest."""

from .. import web
from ..model import Price, Product
from ..web import route
from . import objects, wire
from .subscriptions import Subscriptions
from .told import Told
from .wire import error, missing, needed, page, unknown_parameters

PREFIX = {"customer": "cus_", "method": "pm_", "product": "prod_", "price": "price_", "payment": "pi_", "refund": "re_",
          "subscription": "sub_", "checkout": "cs_test_", "setup": "seti_", "event": "evt_", "invoice": "in_", "charge": "ch_",
          "schedule": "sub_sched_"}


class Stripe(Subscriptions, Told):
    provider = "stripe"
    TRIAL_NOTICE_DAYS = 3

    def __init__(self, *arguments, **options):
        self.keys, self.schedules = wire.Keys(), {}
        super().__init__(*arguments, **options)

    def name(self, kind: str) -> str:
        return f"{PREFIX[kind]}Fake{self.number()}"

    # -- the envelope ----------------------------------------------------------------------------------------------

    def extra_headers(self) -> dict:
        return {"Request-Id": f"req_{self.number()}", "Stripe-Version": wire.VERSION}

    def failure(self, status: int) -> tuple[dict, dict]:
        kinds = {401: "Invalid API Key provided", 404: "Unrecognized request URL", 429: "Request rate limit exceeded."}
        code = {429: "rate_limit"}.get(status)
        kind = "api_error" if status >= 500 else "invalid_request_error"
        return {}, error(status, kinds.get(status, "An unknown error occurred"), code, None, kind).body

    def carried_out(self, request: web.Request) -> tuple[int, dict, object]:
        self.authorize(request)
        kept = self.keys.find(request, self.now())
        if kept:
            return kept
        request.data = wire.form(request.raw.decode() if request.method == "POST" else request.query)
        try:
            status, body = self.dispatch(request)
        except web.Answered as other:
            self.keys.keep(request, self.now(), other.status, other.body)
            raise
        body = self.expanded(body, request.data.get("expand") or [])
        self.keys.keep(request, self.now(), status, body)
        return status, {}, body

    def replace_answer(self, request: web.Request, status: int, body) -> None:
        # Stripe remembers a failure, too, and gives it again for as long as the key lives.
        self.keys.keep(request, self.now(), status, body)

    def answer_second(self, request: web.Request):
        request.data = wire.form(request.raw.decode() if request.method == "POST" else request.query)
        return super().answer_second(request)

    def expanded(self, body, paths: list):
        for path in paths:
            body = self.expand(body, path.split("."))
        return body

    def expand(self, value, path: list):
        if isinstance(value, list):
            return [self.expand(each, path) for each in value]
        if not path:
            return self.shown(value) if isinstance(value, str) else value
        if isinstance(value, dict) and value.get(path[0]) is not None:
            return {**value, path[0]: self.expand(value[path[0]], path[1:])}
        return value

    def shown(self, name: str):
        """The object of an id."""
        for kept, show in ((self.products, objects.product), (self.prices, objects.price), (self.customers, objects.customer),
                           (self.methods, objects.method), (self.subscriptions, self.subscription_shown)):
            if name in kept:
                return show(kept[name])
        return name

    def found(self, kept: dict, name: str, what: str, param: str = "id", status: int = 404):
        if name not in kept:
            raise missing(what, name, param, status)
        return kept[name]

    # -- catalog ---------------------------------------------------------------------------------------------------

    @route("POST /v1/products")
    def product_create(self, request):
        given = request.data
        unknown_parameters(given, "id name description active tax_code default_price_data images url unit_label")
        needed(given, "name")
        name = given.get("id") or self.name("product")
        if name in self.products:
            raise error(400, "Product already exists.", "resource_already_exists", "id")
        product = Product(name, self.number(), self.now(), given["name"], given.get("description"), given.get("metadata") or {},
                          extra={"tax": given.get("tax_code")})
        self.products[name] = product
        return objects.product(product)

    @route("GET /v1/products/{}")
    def product_get(self, request, name):
        return objects.product(self.found(self.products, name, "product"))

    @route("GET /v1/products")
    def product_list(self, request):
        items = [objects.product(product) for product in self.products.values()]
        return page([item for item in items if matches(item, request.data, "active")], request.data, request.path)

    @route("POST /v1/prices")
    def price_create(self, request):
        given = request.data
        unknown_parameters(given, "currency unit_amount product product_data recurring lookup_key nickname active transfer_lookup_key")
        needed(given, "currency", "unit_amount", "product")
        self.found(self.products, given["product"], "product", "product", 400)
        key = given.get("lookup_key")
        if key and any(price.lookup_key == key for price in self.prices.values()):
            raise error(400, "A price already uses that lookup key.", None, "lookup_key")
        recurring = given.get("recurring") or {}
        price = Price(self.name("price"), given["product"], self.now(), given["currency"].upper(), int(given["unit_amount"]),
                      recurring.get("interval"), int(recurring.get("interval_count", 1)), given.get("metadata") or {}, key)
        self.prices[price.id] = price
        return objects.price(price)

    @route("GET /v1/prices/{}")
    def price_get(self, request, name):
        return objects.price(self.found(self.prices, name, "price", "price"))

    @route("GET /v1/prices")
    def price_list(self, request):
        given = request.data
        keys = given.get("lookup_keys")
        items = [objects.price(price) for price in self.prices.values()
                 if (keys is None or price.lookup_key in keys) and given.get("product") in (None, price.product)]
        return page([item for item in items if matches(item, given, "active", "type")], given, request.path)

    @route("POST /v1/prices/{}")
    def price_update(self, request, name):
        price = self.found(self.prices, name, "price", "price")
        price.active = wire.true(request.data.get("active", str(price.active).lower()))
        return objects.price(price)

    # -- customers and cards ---------------------------------------------------------------------------------------

    @route("POST /v1/customers")
    def customer_create(self, request):
        given = request.data
        unknown_parameters(given, "email name phone description address payment_method invoice_settings")
        return objects.customer(self.make_customer(
            email=given.get("email"), name=given.get("name"), phone=given.get("phone"), metadata=given.get("metadata") or {}))

    @route("GET /v1/customers/{}")
    def customer_get(self, request, name):
        return objects.customer(self.found(self.customers, name, "customer"))

    @route("GET /v1/customers")
    def customer_list(self, request):
        items = [objects.customer(each) for each in self.customers.values()]
        return page([item for item in items if matches(item, request.data, "email")], request.data, request.path)

    @route("GET /v1/customers/{}/payment_methods")
    def methods_list(self, request, name):
        customer = self.found(self.customers, name, "customer", "customer")
        return page([objects.method(each) for each in self.methods_of(customer)], request.data, request.path)

    @route("GET /v1/payment_methods/{}")
    def method_get(self, request, name):
        return objects.method(self.found(self.methods, name, "PaymentMethod", "payment_method"))

    @route("POST /v1/payment_methods/{}/detach")
    def method_detach(self, request, name):
        method = self.found(self.methods, name, "PaymentMethod", "payment_method")
        if not method.attached:
            raise error(400, "The payment method you provided is not attached to a customer so detachment is impossible.")
        self.detach(method)
        return objects.method(method)

    @route("GET /v1/setup_intents/{}")
    def setup_get(self, request, name):
        for checkout in self.checkouts.values():
            if checkout.setup == name:
                return objects.setup(checkout)
        raise missing("setupintent", name, "intent")

    # -- single payments -------------------------------------------------------------------------------------------

    @route("POST /v1/payment_intents")
    def intent_create(self, request):
        given = request.data
        unknown_parameters(given, "amount currency customer payment_method confirm off_session description receipt_email error_on_requires_action")
        needed(given, "amount", "currency")
        customer = self.found(self.customers, given.get("customer", ""), "customer", "customer", 400)
        method = self.found(self.methods, given.get("payment_method", ""), "PaymentMethod", "payment_method", 400)
        if not method.attached or method.customer != customer.id:
            raise error(400, "The PaymentMethod does not belong to the Customer.", "payment_method_unexpected_state", "payment_method")
        assert wire.true(given.get("confirm")), "only charges at once"
        payment = self.ask(method.card, int(given["amount"]), given["currency"].upper(), customer.id, reason="off_session",
                           method=method.id, metadata=given.get("metadata") or {}, charge=self.name("charge"))
        self.told_payment(payment)
        if payment.status == "failed":
            raise self.declined(payment)
        return objects.intent(payment, False)

    def declined(self, payment) -> web.Answered:
        body = {**objects.decline(payment), "payment_intent": objects.intent(payment, payment.invoice is not None)}
        return web.Answered(402, {"error": body})

    @route("GET /v1/payment_intents")
    def intent_list(self, request):
        items = [objects.intent(payment, payment.invoice is not None) for payment in self.payments.values()
                 if payment.amount and request.data.get("customer") in (None, payment.customer)]
        return page(wire.since(items, request.data), request.data, request.path)

    @route("GET /v1/payment_intents/{}")
    def intent_get(self, request, name):
        payment = self.found(self.payments, name, "payment_intent", "intent")
        return objects.intent(payment, payment.invoice is not None)

    def by_charge(self, name: str):
        return next((payment for payment in self.payments.values() if payment.charge == name), None)

    @route("GET /v1/charges/{}")
    def charge_get(self, request, name):
        payment = self.by_charge(name)
        if not payment:
            raise missing("charge", name, "charge")
        return objects.charge(payment)

    @route("POST /v1/refunds")
    def refund_create(self, request):
        given = request.data
        unknown_parameters(given, "payment_intent charge amount reason")
        payment = self.payments.get(given.get("payment_intent")) or self.by_charge(given.get("charge"))
        if not payment:
            raise missing("payment_intent", given.get("payment_intent") or given.get("charge", ""), "payment_intent")
        if payment.status != "succeeded":
            raise error(400, "This PaymentIntent does not have a successful charge to refund.", "charge_not_refundable")
        left = payment.amount - payment.refunded
        if not left:
            raise error(400, f"Charge {payment.charge} has already been refunded.", "charge_already_refunded")
        amount = int(given.get("amount", left))
        if not 0 < amount <= left:
            raise error(400, "Refund amount is greater than unrefunded amount on charge", None, "amount")
        refund = self.give_back(payment, amount, reason=given.get("reason"), metadata=given.get("metadata") or {})
        # Cards are given back to at once; that it failed is found out later.
        refund.status = "succeeded"
        self.told_refund_created(refund)
        answer = objects.refund(refund, payment)
        self.settle(refund)
        return answer

    @route("GET /v1/refunds")
    def refund_list(self, request):
        given = request.data
        items = [objects.refund(refund, self.payments[refund.payment]) for refund in self.refunds.values()]
        return page([item for item in items if matches(item, given, "payment_intent", "charge")], given, request.path)

    @route("GET /v1/refunds/{}")
    def refund_get(self, request, name):
        refund = self.found(self.refunds, name, "refund")
        return objects.refund(refund, self.payments[refund.payment])


def matches(item: dict, given: dict, *names: str) -> bool:
    """Whether the fields of an item are those of the query."""
    def text(value):
        return str(value).lower() if isinstance(value, bool) else value

    return all(given.get(name) is None or text(item.get(name)) == given[name] for name in names)
