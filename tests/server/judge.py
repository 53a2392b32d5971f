"""Judges of request bodies that know nothing of this repository.

Prism holds a request against the provider's own OpenAPI document; only Paystack's is in a package. The compiler of
TypeScript holds a body against the type that the provider's own library wants for that call: a field that is missing,
that nobody knows, or of another kind is an error. Both are installed by `tests/lib/node.sh`.
"""

import http.client
import json
import re
import socket
import subprocess
from urllib.parse import parse_qsl, urlsplit

from conftest import ROOT
from conversation import Request
from preloaded import wait_for

MODULES = ROOT / "build/node"
NODE = MODULES / "node"
DOCUMENTS = {"paystack": "@alexasomba/paystack-node/openapi.yaml"}

HEADS = {
    # On the wire of a form each value is text.
    "stripe": """import type Stripe from "stripe";
type Wire<T> = T extends number ? `${number}` : T extends boolean ? `${T}` : T extends string | null | undefined ? T
    : T extends Stripe.Decimal ? `${number}` : T extends object ? { [K in keyof T]: Wire<T[K]> } : T;
""",
    "dodo": 'import type Dodo from "dodopayments";\ntype Wire<T> = T;\n',
    "polar": """import type { Polar } from "@polar-sh/sdk/2026-10";
type Of<S extends keyof Polar, F extends keyof Polar[S], N extends 0 | 1> = Polar[S][F] extends (...all: infer A) => unknown ? A[N] : never;
type Wire<T> = T;
""",
    "paystack": """import type { paths } from "../node_modules/@alexasomba/paystack-node/dist/openapi-types.js";
type Of<P extends keyof paths> = paths[P] extends { post: { requestBody?: { content: { "application/json": infer B } } } } ? B : never;
// An object of which the document says nothing more may hold anything.
type Wire<T> = { [K in keyof T]: string extends keyof NonNullable<T[K]> ? Record<string, unknown> : T[K] };
""",
}
TYPES = {
    "stripe": (
        ("POST /v1/customers", "Stripe.CustomerCreateParams"), ("POST /v1/products", "Stripe.ProductCreateParams"),
        ("POST /v1/prices", "Stripe.PriceCreateParams"), ("POST /v1/checkout/sessions", "Stripe.Checkout.SessionCreateParams"),
        ("POST /v1/checkout/sessions/*/expire", "Stripe.Checkout.SessionExpireParams"),
        ("POST /v1/payment_intents", "Stripe.PaymentIntentCreateParams"), ("POST /v1/refunds", "Stripe.RefundCreateParams"),
        ("POST /v1/payment_methods/*/detach", "Stripe.PaymentMethodDetachParams"),
        ("POST /v1/subscriptions", "Stripe.SubscriptionCreateParams"), ("POST /v1/subscriptions/*", "Stripe.SubscriptionUpdateParams"),
        ("DELETE /v1/subscriptions/*", "Stripe.SubscriptionCancelParams"), ("POST /v1/subscriptions/*/pause", "Stripe.SubscriptionPauseParams"),
        ("POST /v1/subscriptions/*/resume", "Stripe.SubscriptionResumeParams"),
        ("POST /v1/subscription_schedules", "Stripe.SubscriptionScheduleCreateParams"),
        ("POST /v1/subscription_schedules/*", "Stripe.SubscriptionScheduleUpdateParams"),
        ("POST /v1/subscription_schedules/*/release", "Stripe.SubscriptionScheduleReleaseParams")),
    "dodo": (
        ("POST /customers", "Dodo.CustomerCreateParams"), ("POST /products", "Dodo.ProductCreateParams"),
        ("POST /checkouts", "Dodo.CheckoutSessionCreateParams"), ("POST /refunds", "Dodo.RefundCreateParams"),
        ("PATCH /subscriptions/*", "Dodo.SubscriptionUpdateParams"), ("POST /subscriptions/*/charge", "Dodo.SubscriptionChargeParams"),
        ("POST /subscriptions/*/change-plan", "Dodo.SubscriptionChangePlanParams")),
    "polar": (
        ("POST /v1/customers/", 'Of<"customers", "create", 0>'), ("PATCH /v1/customers/*", 'Of<"customers", "update", 1>'),
        ("POST /v1/products/", 'Of<"products", "create", 0>'), ("POST /v1/checkouts/", 'Of<"checkouts", "create", 0>'),
        ("POST /v1/customer-sessions/", 'Of<"customerSessions", "create", 0>'), ("POST /v1/orders/", 'Of<"orders", "create", 0>'),
        ("POST /v1/orders/*/finalize", 'Of<"orders", "finalize", 1>'), ("PATCH /v1/subscriptions/*", 'Of<"subscriptions", "update", 1>'),
        ("POST /v1/refunds/", 'Of<"refunds", "create", 0>')),
    "paystack": tuple((f"POST {path}", f'Of<"{path}">') for path in (
        "/customer", "/customer/authorization/deactivate", "/plan", "/refund", "/subscription", "/subscription/disable",
        "/subscription/enable", "/transaction/charge_authorization", "/transaction/initialize")),
}


def kind(request: Request) -> str:
    """The type that the library wants of a request's body."""
    for pattern, name in TYPES[request.provider]:
        if re.fullmatch(pattern.replace("*", "[^/]+"), request.name):
            return name
    raise AssertionError(f"{request.name} has no type")


def value(request: Request):
    """The body of a request, as its author meant it."""
    return nested(request.body) if request.provider == "stripe" else json.loads(request.body)


def nested(form: str):
    """The object that a form with brackets stands for."""
    root = {}
    for name, text in parse_qsl(form, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        place = root
        for key in rest:
            place, first = place.setdefault(first, {}), key
        assert first not in place, name
        place[first] = text

    def listed(found):
        if not isinstance(found, dict):
            return found
        inner = {key: listed(each) for key, each in found.items()}
        return list(inner.values()) if inner and list(inner) == [str(number) for number in range(len(inner))] else inner

    return listed(root)


def compiled(provider: str, bodies: list[tuple]) -> list[str]:
    """What the compiler says against bodies, given as (type, value, remark); the empty list is its consent."""
    folder = MODULES / "asked"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    lines = [HEADS[provider]]
    lines += [f"export const body{place}: Wire<{name}> = {json.dumps(body)}; // {remark}" for place, (name, body, remark) in enumerate(bodies)]
    source = "\n".join(lines)
    (folder / f"{provider}.ts").write_text(source)
    (folder / "tsconfig.json").write_text(json.dumps({"extends": "../tsconfig.json", "include": ["*.ts"]}))
    done = subprocess.run([NODE, "node_modules/typescript/bin/tsc", "-p", "asked"], cwd=MODULES, capture_output=True, text=True)
    assert (done.returncode == 0) == (done.stdout == ""), done.stderr
    at = source.split("\n")
    found = re.findall(r"\.ts\((\d+),\d+\): (error .*)", done.stdout)
    return [f"{message}\n    {at[int(line) - 1]}" for line, message in found] or done.stdout.splitlines()


class Prism:
    """A Prism that knows the document of a provider, on a port of its own."""

    def __init__(self, provider: str):
        self.provider = provider
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        document = MODULES / "node_modules" / DOCUMENTS[provider]
        program = MODULES / "node_modules/@stoplight/prism-cli/dist/index.js"
        command = [NODE, program, "mock", "-p", str(self.port), "-h", "127.0.0.1", "--errors", document]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.is_up, "Prism listens")

    def is_up(self) -> bool:
        assert self.process.poll() is None, "Prism ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, request: Request) -> tuple[int, list[str]]:
        """The status of its answer to a request, and what it finds against it."""
        address = urlsplit(request.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        target = address.path + (f"?{address.query}" if address.query else "")
        connection.request(request.method, target, request.body or None, request.headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, [each["message"] for each in json.loads(answer.getheader("sl-violations") or "[]")]
