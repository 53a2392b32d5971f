"""Polar: products, customers, checkouts, orders, refunds; `subscriptions` holds the rest."""

import datetime as dt
import secrets
import uuid

from .. import web
from ..clock import micros
from ..model import Checkout, Customer, Payment, Price, Product
from ..web import route
from . import objects
from .subscriptions import Subscriptions

COLLECTIONS = ("products", "checkouts", "customers", "refunds", "orders", "customer-sessions", "subscriptions")
REFUND_REASONS = ("duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "dispute_prevention", "other")


class Polar(Subscriptions):
    provider = "polar"
    KEY = "polar_oat_"
    # Whether the organization may charge without the customer.
    off_session_allowed = True

    def __init__(self, *arguments, **options):
        self.sessions: dict[str, str] = {}
        super().__init__(*arguments, **options)

    def make_webhook_secret(self) -> str:
        return "whsec_" + secrets.token_urlsafe(32).replace("-", "A").replace("_", "B")

    def name(self, kind: str) -> str:
        return str(uuid.uuid4())

    # -- the envelope ----------------------------------------------------------------------------------------------

    def failure(self, status: int) -> tuple[dict, dict]:
        errors = {401: "invalid_token", 404: "ResourceNotFound", 429: "RateLimitExceeded"}
        return {}, {"error": errors.get(status, "InternalServerError"), "detail": "No such thing, or not now."}

    def no(self, status: int, error: str, detail: str) -> web.Answered:
        return web.Answered(status, {"error": error, "detail": detail})

    def invalid(self, *place, why: str = "Field required", kind: str = "missing") -> web.Answered:
        return web.Answered(422, {"error": "RequestValidationError",
                                  "detail": [{"loc": ["body", *place], "msg": why, "type": kind, "input": None}]})

    def needed(self, given: dict, **kinds: type) -> None:
        for name, kind in kinds.items():
            if not isinstance(given.get(name), kind) or isinstance(given[name], bool):
                raise self.invalid(name)

    def one(self, kept: dict, name, what: str = ""):
        if name not in kept:
            raise self.no(404, "ResourceNotFound", f"Not found{what and ': ' + what}")
        return kept[name]

    def authorize(self, request: web.Request) -> None:
        if request.path.startswith("/v1/customer-portal/"):
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.sessions:
                raise web.Answered(401, {"error": "invalid_token", "detail": "The access token is not valid."})
            request.data["customer"] = self.sessions[token]
            return
        super().authorize(request)

    def dispatch(self, request: web.Request):
        if request.path.removeprefix("/v1/") in COLLECTIONS:
            query = f"?{request.query}" if request.query else ""
            raise web.Answered(307, b"", {"Location": f"{self.base_url}{request.path}/{query}"})
        return super().dispatch(request)

    def listed(self, items: list, request) -> dict:
        given = request.params
        size, number = int(given.get("limit", 10)), int(given.get("page", 1))
        for name, value in given.items():
            if name.startswith("metadata["):
                key = name[len("metadata["):-1]
                items = [item for item in items if str(item["metadata"].get(key)) == value]
        pages = -(-len(items) // size)
        return {"items": items[size * (number - 1): size * number], "pagination": {"total_count": len(items), "max_page": pages}}

    # -- products --------------------------------------------------------------------------------------------------

    def prices_of(self, product: Product) -> list[Price]:
        return [self.prices[name] for name in product.extra["prices"]]

    def product_shown(self, product: Product) -> dict:
        return objects.product(product, self.prices_of(product))

    @route("POST /v1/products/", 201)
    def product_create(self, request):
        given = request.json
        self.needed(given, name=str, prices=list)
        if len(given["name"]) < 3:
            raise self.invalid("name", why="String should have at least 3 characters", kind="string_too_short")
        product = Product(self.name("product"), self.number(), self.now(), given["name"], given.get("description"),
                          given.get("metadata") or {}, extra={"prices": []})
        for place, price in enumerate(given["prices"]):
            if price.get("amount_type") != "fixed" or not isinstance(price.get("price_amount"), int):
                raise self.invalid("prices", place, why="Input should be a fixed price", kind="union_tag_invalid")
            made = Price(self.name("price"), product.id, self.now(), price.get("price_currency", "usd").upper(), price["price_amount"],
                         given.get("recurring_interval"), given.get("recurring_interval_count") or 1)
            self.prices[made.id] = made
            product.extra["prices"].append(made.id)
        self.products[product.id] = product
        self.event("product.created", self.product_shown(product))
        return self.product_shown(product)

    @route("GET /v1/products/")
    def product_list(self, request):
        return self.listed([self.product_shown(each) for each in self.products.values() if each.active], request)

    @route("GET /v1/products/{}")
    def product_get(self, request, name):
        return self.product_shown(self.one(self.products, name))

    # -- customers -------------------------------------------------------------------------------------------------

    def by_external(self, name: str | None) -> Customer | None:
        return next((each for each in self.customers.values() if name and each.external_id == name), None)

    @route("POST /v1/customers/", 201)
    def customer_create(self, request):
        given = request.json
        self.needed(given, email=str)
        if self.by_external(given.get("external_id")):
            raise self.invalid("external_id", why="A customer with this external ID already exists.", kind="value_error")
        if any(each.email.lower() == given["email"].lower() for each in self.customers.values()):
            raise self.invalid("email", why="A customer with this email address already exists.", kind="value_error")
        return objects.customer(self.make_customer(
            email=given["email"], name=given.get("name"), external_id=given.get("external_id"), metadata=given.get("metadata") or {}))

    @route("GET /v1/customers/external/{}")
    def customer_external(self, request, name):
        customer = self.by_external(name)
        if not customer:
            raise self.no(404, "ResourceNotFound", "Not found")
        return objects.customer(customer)

    @route("GET /v1/customers/")
    def customer_list(self, request):
        wanted = request.params.get("email")
        return self.listed([objects.customer(each) for each in self.customers.values() if wanted in (None, each.email)], request)

    @route("GET /v1/customers/{}")
    def customer_get(self, request, name):
        return objects.customer(self.one(self.customers, name))

    @route("PATCH /v1/customers/{}")
    def customer_update(self, request, name):
        given, customer = request.json, self.one(self.customers, name)
        if given.get("external_id") and customer.external_id not in (None, given["external_id"]):
            raise self.invalid("external_id", why="Customer external ID cannot be updated.", kind="value_error")
        customer.external_id = given.get("external_id") or customer.external_id
        customer.modified = self.now()
        self.event("customer.updated", objects.customer(customer))
        return objects.customer(customer)

    @route("GET /v1/customers/{}/payment-methods")
    def methods_list(self, request, name):
        return self.listed([objects.method(each) for each in self.methods_of(self.one(self.customers, name))], request)

    @route("POST /v1/customer-sessions/", 201)
    def session_create(self, request):
        given = request.json
        customer = self.customers.get(given.get("customer_id")) or self.by_external(given.get("external_customer_id"))
        if not customer:
            raise self.invalid("customer_id", why="Customer does not exist.", kind="value_error")
        token = "polar_cst_" + secrets.token_hex(16)
        self.sessions[token] = customer.id
        return {
            "created_at": micros(self.now()), "modified_at": None, "id": self.name("session"), "token": token,
            "expires_at": micros(self.now() + dt.timedelta(hours=1)), "return_url": given.get("return_url"),
            "customer_portal_url": f"{self.base_url}/portal?customer_session_token={token}", "customer_id": customer.id,
            "customer": objects.customer(customer)}

    @route("DELETE /v1/customer-portal/customers/me/payment-methods/{}", 204)
    def method_delete(self, request, name):
        method = self.one(self.methods, name)
        if not method.attached or method.customer != request.data["customer"]:
            raise self.no(404, "ResourceNotFound", "Not found")
        self.detach(method)

    # -- checkouts -------------------------------------------------------------------------------------------------

    @route("POST /v1/checkouts/", 201)
    def checkout_create(self, request):
        given = request.json
        self.needed(given, products=list)
        product = self.products.get(given["products"][0])
        if not product:
            raise self.invalid("products", 0, why="Product does not exist.", kind="value_error")
        customer = self.customers.get(given.get("customer_id")) or self.by_external(given.get("external_customer_id"))
        if given.get("customer_id") and not customer:
            raise self.invalid("customer_id", why="Customer does not exist.", kind="value_error")
        price = self.prices_of(product)[0]
        special = ((given.get("prices") or {}).get(product.id) or [None])[0]
        amount = special["price_amount"] if special else price.amount
        name, now = self.name("checkout"), self.now()
        days = given.get("trial_interval_count") if given.get("allow_trial", True) else None
        checkout = Checkout(
            name, "subscription" if price.interval else "payment", now, now + dt.timedelta(hours=1), f"{self.base_url}/pay/{name}",
            customer=customer.id if customer else None, external_id=customer.external_id if customer else given.get("external_customer_id"),
            email=customer.email if customer else given.get("customer_email"), name=customer.name if customer else given.get("customer_name"),
            product=product.id, price=price.id, amount=amount, currency=price.currency, trial_end_days=days,
            metadata=given.get("metadata") or {}, deep_metadata=given.get("metadata") or {},
            customer_metadata=given.get("customer_metadata") or {},
            extra={"success_url": given.get("success_url") or f"{self.base_url}/done", "return_url": given.get("return_url"),
                   "tax": self.taxed(amount)})
        self.checkouts[name] = checkout
        self.event("checkout.created", self.checkout_shown(checkout))
        return self.checkout_shown(checkout)

    @route("GET /v1/checkouts/{}")
    def checkout_get(self, request, name):
        return self.checkout_shown(self.one(self.checkouts, name))

    def is_buyer(self, customer: Customer, page: Checkout, email: str) -> bool:
        return customer.email.lower() == email.lower() and page.external_id in (None, customer.external_id)

    # -- orders ----------------------------------------------------------------------------------------------------

    @route("POST /v1/orders/", 201)
    def order_create(self, request):
        given = request.json
        self.needed(given, customer_id=str, product_id=str)
        if not self.off_session_allowed:
            raise self.no(403, "OffSessionChargesNotEnabled", "Off-session charges are not enabled for this organization.")
        customer = self.one(self.customers, given["customer_id"], "customer")
        product = self.one(self.products, given["product_id"], "product")
        price = self.prices_of(product)[0]
        if price.interval:
            raise self.invalid("product_id", why="Product must be a one-time product.", kind="value_error")
        amount = given.get("amount", price.amount)
        order = Payment(self.name("payment"), self.number(), self.now(), amount, given.get("currency", "usd").upper(), customer.id, "draft",
                        reason="off_session", product=product.id, price=price.id, metadata=given.get("metadata") or {},
                        tax=self.taxed(amount), modified=self.now())
        self.payments[order.id] = order
        return self.order_shown(order)

    @route("POST /v1/orders/{}/finalize")
    def order_finalize(self, request, name):
        order = self.one(self.payments, name)
        if order.status != "draft":
            raise self.no(412, "OrderNotDraft", "The order is not a draft.")
        customer = self.customers[order.customer]
        method = self.methods.get(request.json.get("payment_method_id") or customer.default_method)
        if not method or not method.attached or method.customer != customer.id:
            raise self.no(402, "PaymentMethodRequired", "The customer has no such payment method.")
        order.method = method.id
        self.ask(method.card, order.amount, order.currency, order.customer, payment=order)
        if order.status == "failed":
            why, order.status = order.failure, "draft"
            error = "PaymentActionRequired" if why == "authentication_required" else "PaymentFailed"
            raise self.no(402, error, f"The payment failed: {why}")
        self.told_payment(order)
        return self.order_shown(order)

    @route("GET /v1/orders/")
    def order_list(self, request):
        given = request.params
        found = [self.order_shown(order) for order in reversed(self.payments.values()) if order.status != "failed" or order.subscription]
        return self.listed([item for item in found if all(given.get(name) in (None, item[name]) for name in (
            "customer_id", "subscription_id", "checkout_id", "status"))], request)

    @route("GET /v1/orders/{}")
    def order_get(self, request, name):
        return self.order_shown(self.one(self.payments, name))

    # -- refunds ---------------------------------------------------------------------------------------------------

    @route("POST /v1/refunds/", 201)
    def refund_create(self, request):
        given = request.json
        self.needed(given, order_id=str, reason=str, amount=int)
        if given["reason"] not in REFUND_REASONS:
            raise self.invalid("reason", why="Input should be one of the reasons", kind="literal_error")
        order = self.payments.get(given["order_id"])
        if not order or order.status != "succeeded":
            raise self.invalid("order_id", why="Order not found", kind="value_error")
        left = order.amount - order.refunded
        if not left:
            raise self.no(403, "RefundedAlready", "Order is already fully refunded")
        if not 1 <= given["amount"] <= left:
            raise self.invalid("amount", why="Refund amount exceeds remaining order balance", kind="value_error")
        refund = self.give_back(order, given["amount"], reason=given["reason"], metadata=given.get("metadata") or {})
        self.told_refund(refund)
        answer = objects.refund(refund, order)
        self.settle(refund)
        return answer

    @route("GET /v1/refunds/")
    def refund_list(self, request):
        given = request.params
        found = [objects.refund(refund, self.payments[refund.payment]) for refund in self.refunds.values()]
        return self.listed([item for item in found if all(given.get(name) in (None, item[name]) for name in ("id", "order_id"))], request)
