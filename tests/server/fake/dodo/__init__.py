"""Dodo Payments: products, customers, checkouts, payments, refunds; `subscriptions` holds the rest."""

import base64
import secrets

from .. import web
from ..clock import parse
from ..model import Checkout, Customer, Payment, Price, Product
from ..web import route
from . import objects
from .subscriptions import Subscriptions

PREFIX = {"customer": "cus_", "method": "pm_", "product": "pdt_", "price": "price_", "payment": "pay_", "refund": "ref_",
          "subscription": "sub_", "checkout": "cks_", "setup": "set_", "event": "msg_"}
TAX_CATEGORIES = ("digital_products", "saas", "e_book", "edtech", "live_tutoring")


class Dodo(Subscriptions):
    provider = "dodo"
    KEY = "dodo_test_"

    def make_webhook_secret(self) -> str:
        return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    def name(self, kind: str) -> str:
        return f"{PREFIX[kind]}Fake{self.number()}"

    # -- the envelope ----------------------------------------------------------------------------------------------

    def failure(self, status: int) -> tuple[dict, dict]:
        codes = {401: "UNAUTHORIZED", 404: "NOT_FOUND", 429: "RATE_LIMITED"}
        return {}, {"code": codes.get(status, "INTERNAL_SERVER_ERROR"), "message": "No such thing, or not now."}

    def no(self, status: int, code: str, message: str) -> web.Answered:
        return web.Answered(status, {"code": code, "message": message})

    def needed(self, given: dict, **kinds: type) -> None:
        for name, kind in kinds.items():
            if not isinstance(given.get(name), kind) or isinstance(given[name], bool):
                raise self.no(422, "INVALID_REQUEST_BODY", f"{name} is missing or of the wrong type")

    def one(self, kept: dict, name, what: str):
        if name not in kept:
            raise self.no(404, "NOT_FOUND", f"{what} {name} was not found")
        return kept[name]

    def listed(self, items: list, request) -> dict:
        size, number = int(request.params.get("page_size", 10)), int(request.params.get("page_number", 0))
        if not 1 <= size <= 100:
            raise self.no(422, "INVALID_QUERY_PARAMS", "page_size is at most 100")
        return {"items": items[size * number: size * (number + 1)]}

    # -- products --------------------------------------------------------------------------------------------------

    def price_of(self, product: Product) -> Price:
        return self.prices[product.extra["price"]]

    @route("POST /products")
    def product_create(self, request):
        given = request.json
        self.needed(given, name=str, tax_category=str, price=dict)
        price = given["price"]
        self.needed(price, type=str, currency=str, price=int)
        if given["tax_category"] not in TAX_CATEGORIES:
            raise self.no(422, "UNSUPPORTED_TAX_CATEGORY", "there is no such tax category")
        interval, count, life = None, 1, None
        if price["type"] == "recurring_price":
            self.needed(price, payment_frequency_interval=str, payment_frequency_count=int, subscription_period_interval=str,
                        subscription_period_count=int)
            interval, count = objects.UNITS[price["payment_frequency_interval"]], price["payment_frequency_count"]
            life = (price["subscription_period_count"], price["subscription_period_interval"])
        product = Product(self.name("product"), self.number(), self.now(), given["name"], given.get("description"), given.get("metadata") or {})
        made = Price(self.name("price"), product.id, self.now(), price["currency"], price["price"], interval, count,
                     open=bool(price.get("pay_what_you_want")))
        product.extra = {"tax": given["tax_category"], "price": made.id, "life": life, "trial": price.get("trial_period_days")}
        self.products[product.id], self.prices[made.id] = product, made
        return objects.product(product, made)

    @route("GET /products")
    def product_list(self, request):
        wanted = request.params.get("recurring")
        found = [objects.product_listed(each, self.price_of(each)) for each in self.products.values() if each.active]
        return self.listed([item for item in found if wanted in (None, str(item["is_recurring"]).lower())], request)

    @route("GET /products/{}")
    def product_get(self, request, name):
        product = self.one(self.products, name, "product")
        return objects.product(product, self.price_of(product))

    # -- customers -------------------------------------------------------------------------------------------------

    @route("POST /customers")
    def customer_create(self, request):
        given = request.json
        self.needed(given, email=str, name=str)
        return objects.customer_whole(self.make_customer(
            email=given["email"], name=given["name"], phone=given.get("phone_number"), metadata=given.get("metadata") or {}))

    @route("GET /customers")
    def customer_list(self, request):
        wanted = request.params.get("email")
        return self.listed([objects.customer_whole(each) for each in self.customers.values() if wanted in (None, each.email)], request)

    @route("GET /customers/{}")
    def customer_get(self, request, name):
        return objects.customer_whole(self.one(self.customers, name, "customer"))

    @route("GET /customers/{}/payment-methods")
    def methods_list(self, request, name):
        return {"items": [objects.method(each) for each in self.methods_of(self.one(self.customers, name, "customer"))]}

    @route("DELETE /customers/{}/payment-methods/{}")
    def method_delete(self, request, name, method):
        found = self.one(self.methods, method, "payment method")
        if not found.attached or found.customer != name:
            raise self.no(404, "NOT_FOUND", "payment method was not found")
        self.detach(found)

    def is_buyer(self, customer: Customer, page: Checkout, email: str) -> bool:
        return customer.email == email

    # -- checkouts -------------------------------------------------------------------------------------------------

    @route("POST /checkouts")
    def checkout_create(self, request):
        given = request.json
        self.needed(given, product_cart=list)
        item = given["product_cart"][0]
        product = self.one(self.products, item.get("product_id"), "product")
        price = self.price_of(product)
        if item.get("amount") is not None and not price.open:
            raise self.no(422, "INVALID_REQUEST_BODY", "amount is for products that are paid what one wants")
        buyer = given.get("customer") or {}
        if buyer.get("customer_id"):
            self.one(self.customers, buyer["customer_id"], "customer")
        name, quantity = self.name("checkout"), item.get("quantity", 1)
        data = given.get("subscription_data") or {}
        days = data.get("trial_period_days", product.extra.get("trial")) or None
        demand = data.get("on_demand")
        mode = "payment" if not price.interval else "setup" if demand and demand.get("mandate_only") else "subscription"
        amount = item.get("amount") or price.amount * quantity
        checkout = Checkout(
            name, mode, self.now(), None, f"{self.base_url}/pay/{name}", customer=buyer.get("customer_id"), email=buyer.get("email"),
            name=buyer.get("name"), product=product.id, price=price.id, quantity=quantity, amount=amount,
            currency=given.get("billing_currency") or price.currency, trial_end_days=days, metadata=given.get("metadata") or {},
            deep_metadata=given.get("metadata") or {}, saves=mode != "payment" or bool(given.get("payment_method_id")))
        self.checkouts[name] = checkout
        if given.get("payment_method_id"):
            return self.confirmed(checkout, given)
        return {"session_id": name, "checkout_url": checkout.url, "payment_id": None, "client_secret": None}

    def confirmed(self, checkout: Checkout, given: dict) -> dict:
        """A checkout that a saved card pays at once; its outcome is told by webhook."""
        method = self.one(self.methods, given["payment_method_id"], "payment method")
        if not given.get("confirm") or not method.attached or method.customer != checkout.customer:
            raise self.no(422, "INVALID_REQUEST_BODY", "the payment method is not of this customer, or confirm is missing")
        self.complete(checkout.id, method.card)
        if checkout.status == "open":
            checkout.status = "failed"
        return {"session_id": checkout.id, "checkout_url": None, "payment_id": checkout.payment, "client_secret": None}

    @route("GET /checkouts/{}")
    def checkout_get(self, request, name):
        checkout = self.one(self.checkouts, name, "checkout")
        return objects.checkout(checkout, self.payments.get(checkout.payment))

    def pay(self, page, customer, card):
        if page.mode != "setup":
            return super().pay(page, customer, card)
        # A saved card is a subscription of nothing.
        method = self.save_card(customer, card)
        self.mandate(page, customer, method)

    # -- payments --------------------------------------------------------------------------------------------------

    def payment_shown(self, payment: Payment) -> dict:
        refunds = [refund for refund in self.refunds.values() if refund.payment == payment.id]
        return objects.payment(payment, self.customers[payment.customer], self.methods.get(payment.method), refunds)

    @route("GET /payments")
    def payment_list(self, request):
        given = request.params
        since = parse(given["created_at_gte"]) if given.get("created_at_gte") else None
        found = [objects.payment_listed(self.payment_shown(payment)) for payment in reversed(self.payments.values())
                 if given.get("customer_id") in (None, payment.customer) and given.get("subscription_id") in (None, payment.subscription)
                 and (since is None or payment.created >= since)]
        return self.listed(found, request)

    @route("GET /payments/{}")
    def payment_get(self, request, name):
        return self.payment_shown(self.one(self.payments, name, "payment"))

    @route("GET /payments/{}/line-items")
    def line_items(self, request, name):
        payment = self.one(self.payments, name, "payment")
        left = payment.total - payment.refunded - payment.refunded_tax
        return {"currency": payment.currency, "items": [
            {"items_id": payment.product, "amount": payment.total, "refundable_amount": left, "tax": payment.tax, "name": None,
             "description": None}]}

    @route("POST /refunds")
    def refund_create(self, request):
        given = request.json
        self.needed(given, payment_id=str)
        if "amount" in given:
            raise self.no(422, "INVALID_REQUEST_BODY", "a refund has no amount as a whole")
        payment = self.one(self.payments, given["payment_id"], "payment")
        left = payment.total - payment.refunded - payment.refunded_tax
        parts = given.get("items")
        if parts and any(part["item_id"] != payment.product or not part.get("tax_inclusive") for part in parts):
            raise self.no(422, "INVALID_REQUEST_BODY", "there is no such item")
        wanted = sum(part["amount"] for part in parts) if parts else left
        if payment.status != "succeeded" or not 0 < wanted <= left:
            raise self.no(400, "INVALID_REQUEST_BODY", "more than what is left of the payment")
        tax = payment.tax * wanted // payment.total if wanted < left else payment.tax - payment.refunded_tax
        refund = self.give_back(payment, wanted - tax, tax, reason=given.get("reason"), metadata=given.get("metadata") or {})
        answer = objects.refund(refund, payment, self.customers[payment.customer])
        self.settle(refund)
        return answer

    @route("GET /refunds")
    def refund_list(self, request):
        # Here the metadata do not show.
        found = [objects.refund_of(refund, self.payments[refund.payment]) for refund in self.refunds.values()]
        return self.listed(found, request)

    @route("GET /refunds/{}")
    def refund_get(self, request, name):
        refund = self.one(self.refunds, name, "refund")
        payment = self.payments[refund.payment]
        return objects.refund(refund, payment, self.customers[payment.customer])

    def charged(self, method, amount: int, currency: str, customer: str, **fields) -> Payment:
        payment = self.ask(method.card if method else None, amount, currency, customer, method=method.id if method else None, **fields)
        self.told_payment(payment)
        return payment

