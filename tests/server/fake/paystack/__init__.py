"""Paystack: plans, customers, transactions, refunds; `subscriptions` holds the rest."""

import datetime as dt
import json
import math
import re

from .. import clock, web
from ..model import Checkout, Customer, Payment, Price, Product
from ..web import route
from . import objects
from .subscriptions import Subscriptions

PREFIX = {"customer": "CUS_", "method": "AUTH_", "payment": "T", "subscription": "SUB_", "product": "PRD_", "price": "PLN_",
          "refund": "RF_", "event": "", "invoice": "INV_", "setup": "S", "checkout": "C"}


class Paystack(Subscriptions):
    provider = "paystack"

    def make_webhook_secret(self) -> str:
        return self.secret_key

    def name(self, kind: str) -> str:
        return f"{PREFIX[kind]}fake{self.number()}"

    def payment_name(self, checkout: str | None) -> str:
        # A page is its transaction.
        return checkout or self.name("payment")

    # -- the envelope ----------------------------------------------------------------------------------------------

    def failure(self, status: int) -> tuple[dict, dict]:
        words = {401: ("Invalid key", "invalid_Key"), 404: ("Not found", "not_found"), 429: ("Too many requests", "rate_limited")}
        message, code = words.get(status, ("An error occurred", "unknown"))
        kind = "api_error" if status >= 500 else "validation_error"
        return {}, {"status": False, "message": message, "meta": {"nextStep": "Try again later"}, "type": kind, "code": code}

    def no(self, status: int, message: str, code: str) -> web.Answered:
        return web.Answered(status, {"status": False, "message": message, "meta": {"nextStep": "Check what was sent"},
                                     "type": "validation_error", "code": code})

    def yes(self, message: str, data=None, **more) -> dict:
        return {"status": True, "message": message, **({} if data is None else {"data": data}), **more}

    def needed(self, given: dict, **kinds: type) -> None:
        for name, kind in kinds.items():
            if given.get(name) in (None, ""):
                raise self.no(400, f"{name} is required", "missing_params")
            if not isinstance(given[name], kind) or isinstance(given[name], bool):
                raise self.no(400, f"{name} is of the wrong type", "invalid_params")

    def listed(self, items: list, given: dict, message: str) -> dict:
        size, number = int(given.get("perPage", 50)), int(given.get("page", 1))
        meta = {"total": len(items), "skipped": (number - 1) * size, "perPage": size, "page": number,
                "pageCount": math.ceil(len(items) / size)}
        return self.yes(message, items[(number - 1) * size: number * size], meta=meta)

    # -- plans -----------------------------------------------------------------------------------------------------

    def plan_shown(self, price: Price) -> dict:
        created = clock.millis(price.created)
        more = {"is_archived": not price.active, "is_deleted": False, "subscriptions": [], "createdAt": created, "domain": "test"}
        return {**objects.plan(price, self.products[price.product]), **more}

    @route("POST /plan", 201)
    def plan_create(self, request):
        given = request.json
        self.needed(given, name=str, amount=int, interval=str)
        if given["interval"] not in objects.INTERVALS:
            raise self.no(400, "Invalid interval", "invalid_params")
        product = Product(self.name("product"), self.number(), self.now(), given["name"], given.get("description"))
        interval, count = objects.INTERVALS[given["interval"]]
        price = Price(self.name("price"), product.id, self.now(), given.get("currency", "NGN"), given["amount"], interval, count)
        self.products[product.id], self.prices[price.id] = product, price
        return self.yes("Plan created", self.plan_shown(price))

    @route("GET /plan")
    def plan_list(self, request):
        given = request.params
        items = [self.plan_shown(price) for price in self.prices.values()]
        items = [item for item in items if all(str(item[name]) == given.get(name, str(item[name])) for name in ("amount", "interval"))]
        return self.listed(items, given, "Plans retrieved")

    @route("GET /plan/{}")
    def plan_get(self, request, code):
        return self.yes("Plan retrieved", self.plan_shown(self.plan(code)))

    def plan(self, code: str) -> Price:
        if code not in self.prices:
            raise self.no(404, "Plan not found", "plan_not_found")
        return self.prices[code]

    # -- customers -------------------------------------------------------------------------------------------------

    def customer(self, name: str) -> Customer:
        for customer in self.customers.values():
            if name.lower() in (customer.id.lower(), customer.email, str(customer.number)):
                return customer
        raise self.no(404, "Customer not found", "customer_not_found")

    def is_buyer(self, customer, page, email):
        return customer.email == email.lower()

    @route("POST /customer")
    def customer_create(self, request):
        given = request.json
        self.needed(given, email=str)
        metadata = given.get("metadata") or {}
        name = " ".join(part for part in (given.get("first_name"), given.get("last_name")) if part)
        try:
            customer = self.customer(given["email"])
        except web.Answered:
            customer = self.make_customer(
                email=given["email"].lower(), name=name or None, phone=given.get("phone"),
                metadata=json.loads(metadata) if isinstance(metadata, str) else metadata)
        return self.yes("Customer created", objects.customer(customer))

    @route("GET /customer/{}")
    def customer_get(self, request, name):
        customer = self.customer(name)
        cards = [objects.authorization(method) for method in self.methods_of(customer)]
        subscriptions = [self.subscription_shown(each) for each in self.subscriptions.values() if each.customer == customer.id]
        return self.yes("Customer retrieved", {**objects.customer(customer), "authorizations": cards, "subscriptions": subscriptions})

    @route("POST /customer/authorization/deactivate")
    def authorization_deactivate(self, request):
        method = self.methods.get(request.json.get("authorization_code"))
        if not method or not method.attached:
            raise self.no(404, "Authorization code not found", "authorization_not_found")
        self.detach(method)
        return self.yes("Authorization has been deactivated")

    # -- transactions ----------------------------------------------------------------------------------------------

    def fresh(self, reference: str) -> str:
        """A reference that nobody has used."""
        if not re.fullmatch(r"[A-Za-z0-9.=-]+", reference):
            raise self.no(400, "Invalid transaction reference", "invalid_params")
        if reference in self.payments or reference in self.checkouts:
            raise self.no(400, "Duplicate Transaction Reference", "duplicate_reference")
        return reference

    @route("POST /transaction/initialize")
    def initialize(self, request):
        given = request.json
        self.needed(given, email=str, amount=int)
        reference = self.fresh(given.get("reference") or self.name("payment"))
        plan = self.plan(given["plan"]) if given.get("plan") else None
        metadata = given.get("metadata") or {}
        amount, currency = (plan.amount, plan.currency) if plan else (given["amount"], given.get("currency", "NGN"))
        self.checkouts[reference] = Checkout(
            reference, "subscription" if plan else "payment", self.now(), None, f"{self.base_url}/pay/{reference}",
            email=given["email"].lower(), price=plan.id if plan else None, amount=amount, currency=currency,
            deep_metadata=json.loads(metadata) if isinstance(metadata, str) else metadata, extra={"sent": given.get("metadata")})
        return self.yes("Authorization URL created", {
            "authorization_url": f"{self.base_url}/pay/{reference}", "access_code": f"AC_{self.number()}", "reference": reference})

    def transaction_shown(self, payment: Payment) -> dict:
        price = self.prices.get(payment.price)
        method = self.methods.get(payment.method)
        plan = objects.plan(price, self.products[price.product]) if price else {}
        return objects.transaction(payment, self.customers[payment.customer], method, plan)

    @route("GET /transaction/verify/{}")
    def verify(self, request, reference):
        payment = self.payments.get(reference)
        if payment:
            shown = self.transaction_shown(payment)
            # Here the plan is its code, and the object stands beside it.
            return self.yes("Verification successful", {
                **shown, "plan": shown["plan"].get("plan_code"), "plan_object": shown["plan"]})
        checkout = self.checkouts.get(reference)
        if not checkout:
            raise self.no(400, "Transaction reference not found.", "transaction_not_found")
        return self.yes("Verification successful", {
            "id": 1, "domain": "test", "status": "abandoned", "reference": reference, "amount": checkout.amount,
            "currency": checkout.currency, "gateway_response": "The transaction was not completed", "paid_at": None,
            "authorization": {}, "customer": {}, "plan": None, "metadata": checkout.extra["sent"]})

    @route("POST /transaction/charge_authorization")
    def charge_authorization(self, request):
        given = request.json
        self.needed(given, authorization_code=str, email=str, amount=int)
        reference = self.fresh(given.get("reference") or self.name("payment"))
        method = self.methods.get(given["authorization_code"])
        if not method or not method.attached:
            raise self.no(400, "Authorization code not found", "authorization_not_found")
        if self.customers[method.customer].email != given["email"].lower():
            raise self.no(400, "Email does not match Authorization code. Please confirm.", "invalid_params")
        metadata = given.get("metadata") or {}
        payment = self.ask(
            method.card, given["amount"], given.get("currency", "NGN"), method.customer, reason="off_session", method=method.id,
            checkout=reference, metadata=json.loads(metadata) if isinstance(metadata, str) else metadata,
            sent_metadata=given.get("metadata"))
        self.told_payment(payment)
        # Also for a card that was declined.
        return self.yes("Charge attempted", self.transaction_shown(payment))

    # -- refunds ---------------------------------------------------------------------------------------------------

    def transaction(self, name) -> Payment:
        for payment in self.payments.values():
            if str(name) in (payment.id, str(payment.number)) and payment.status == "succeeded":
                return payment
        raise self.no(404, "Transaction not found", "transaction_not_found")

    @route("POST /refund")
    def refund_create(self, request):
        given = request.json
        payment = self.transaction(given.get("transaction"))
        left = payment.amount - payment.refunded
        if not left:
            raise self.no(400, "Transaction has been fully reversed", "transaction_reversed")
        amount = given.get("amount", left)
        if not isinstance(amount, int) or not 0 < amount <= left:
            raise self.no(400, "Refund amount cannot be more than the transaction amount", "invalid_params")
        refund = self.give_back(payment, amount, reason=given.get("customer_note"), note=given.get("merchant_note"),
                                metadata={"owo_operation": (given.get("merchant_note") or "").rpartition("owo:")[2] or None})
        answer = objects.refund(refund, payment, True)
        self.told_refund(refund)
        self.settle(refund)
        return self.yes("Refund has been queued for processing", answer)

    @route("GET /refund")
    def refund_list(self, request):
        given = request.params
        since = dt.datetime.fromisoformat(given["from"]) if "from" in given else None
        items = [objects.refund(refund, self.payments[refund.payment], False) for refund in self.refunds.values()
                 if given.get("transaction") in (None, str(self.payments[refund.payment].number)) and (not since or refund.created >= since)]
        return self.listed(items, given, "Refunds retrieved")

    @route("GET /refund/{}")
    def refund_get(self, request, name):
        for refund in self.refunds.values():
            if str(refund.number) == name:
                return self.yes("Refund retrieved", objects.refund(refund, self.payments[refund.payment], False))
        raise self.no(404, "Refund not found", "refund_not_found")
