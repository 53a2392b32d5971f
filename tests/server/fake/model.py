"""What every provider keeps, in no provider's words; a provider's own file says how it looks on the wire."""

import datetime as dt
from dataclasses import dataclass, field


@dataclass(eq=False)
class Card:
    """A buyer's card, and what its bank will say: the words in `script` in turn, then always `decline` (None: yes)."""

    number: str = "4242"
    brand: str = "visa"
    exp_month: int = 12
    exp_year: int = 2031
    decline: str | None = None
    script: list = field(default_factory=list)

    def answer(self) -> str | None:
        return self.script.pop(0) if self.script else self.decline


@dataclass(eq=False)
class Customer:
    id: str
    number: int
    created: dt.datetime
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    external_id: str | None = None
    metadata: dict = field(default_factory=dict)
    default_method: str | None = None
    modified: dt.datetime | None = None


@dataclass(eq=False)
class Method:
    id: str
    customer: str
    card: Card
    created: dt.datetime
    attached: bool = True
    secret: str = ""


@dataclass(eq=False)
class Product:
    id: str
    number: int
    created: dt.datetime
    name: str
    description: str | None = None
    metadata: dict = field(default_factory=dict)
    active: bool = True
    extra: dict = field(default_factory=dict)


@dataclass(eq=False)
class Price:
    """An amount of a product; where a provider knows products only, each has one price."""

    id: str
    product: str
    created: dt.datetime
    currency: str
    amount: int
    interval: str | None = None
    count: int = 1
    metadata: dict = field(default_factory=dict)
    lookup_key: str | None = None
    active: bool = True
    open: bool = False


@dataclass(eq=False)
class Checkout:
    id: str
    mode: str
    created: dt.datetime
    expires: dt.datetime | None
    url: str
    status: str = "open"
    customer: str | None = None
    email: str | None = None
    name: str | None = None
    external_id: str | None = None
    product: str | None = None
    price: str | None = None
    quantity: int = 1
    amount: int = 0
    currency: str = "USD"
    trial_end_days: int | None = None
    metadata: dict = field(default_factory=dict)
    deep_metadata: dict = field(default_factory=dict)
    customer_metadata: dict = field(default_factory=dict)
    saves: bool = True
    subscription: str | None = None
    payment: str | None = None
    setup: str | None = None
    invoice: str | None = None
    extra: dict = field(default_factory=dict)
    modified: dt.datetime | None = None


@dataclass(eq=False)
class Subscription:
    id: str
    number: int
    customer: str
    price: str
    created: dt.datetime
    status: str
    start: dt.datetime
    end: dt.datetime | None
    anchor: int
    quantity: int = 1
    method: str | None = None
    metadata: dict = field(default_factory=dict)
    trial_start: dt.datetime | None = None
    trial_end: dt.datetime | None = None
    cancels: bool = False
    cancel_at: dt.datetime | None = None
    canceled: dt.datetime | None = None
    ended: dt.datetime | None = None
    end_reason: str | None = None
    pauses: bool = False
    paused: dt.datetime | None = None
    past_due: dt.datetime | None = None
    pending: dict | None = None
    schedule: str | None = None
    balance: int = 0
    attempt: int = 0
    retry_at: dt.datetime | None = None
    unpaid: str | None = None
    invoice: str | None = None
    checkout: str | None = None
    on_demand: bool = False
    trial_told: bool = False
    token: str = ""
    modified: dt.datetime | None = None

    @property
    def lives(self) -> bool:
        return self.ended is None


@dataclass(eq=False)
class Payment:
    """Money that was asked for: `status` is succeeded, failed or pending. `id` is the provider's name of it."""

    id: str
    number: int
    created: dt.datetime
    amount: int
    currency: str
    customer: str | None
    status: str
    reason: str = "one_off"
    tax: int = 0
    subscription: str | None = None
    checkout: str | None = None
    invoice: str | None = None
    charge: str | None = None
    method: str | None = None
    product: str | None = None
    price: str | None = None
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    metadata: dict = field(default_factory=dict)
    failure: str | None = None
    next_attempt: dt.datetime | None = None
    attempt: int = 0
    refunded: int = 0
    refunded_tax: int = 0
    paid: dt.datetime | None = None
    modified: dt.datetime | None = None
    lines: list = field(default_factory=list)
    sent_metadata: object = None

    @property
    def total(self) -> int:
        return self.amount + self.tax


@dataclass(eq=False)
class Refund:
    id: str
    number: int
    created: dt.datetime
    payment: str
    amount: int
    tax: int
    currency: str
    status: str = "pending"
    reason: str | None = None
    note: str | None = None
    metadata: dict = field(default_factory=dict)
    modified: dt.datetime | None = None


@dataclass(frozen=True)
class Movement:
    """A line of the ledger: money that moved, towards the seller or back."""

    at: dt.datetime
    kind: str
    amount: int
    currency: str
    object: str
    customer: str | None
    operation: str | None


class Ledger(list):
    """Every movement of money, so that a test can say that it moved exactly once."""

    def of(self, kind: str) -> list[Movement]:
        return [line for line in self if line.kind == kind]

    def sum(self, currency: str) -> int:
        return sum(line.amount for line in self if line.currency == currency)

    def by_operation(self, operation: str) -> list[Movement]:
        return [line for line in self if line.operation == operation]
