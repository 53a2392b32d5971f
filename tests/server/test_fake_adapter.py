"""The provider crate's adapters and the fakes understand each other, and whatever becomes of an answer, money moves once."""

import datetime as dt
import uuid

import pytest

import fake
from adapter import Adapter, build
from fake import Card

KINDS = ("rate_limited", "error", "error_after", "hang", "hang_after", "reset", "reset_after", "page", "page_after", "redirect", "half",
         "oversized", "invalid_json", "empty")
# Long enough for a request of the fake on a busy machine, and short enough for hundreds of lost ones.
PATIENCE = 0.4
NO_START, NO_PAUSE, NO_UNDO = ("polar",), ("paystack",), ("paystack",)


@pytest.fixture(scope="session", autouse=True)
def program():
    build()


class Shop:
    """A fake with plans, a customer who has bought one, and the adapter that made all that."""

    def __init__(self, provider: str):
        self.fake = fake.start(provider)
        self.adapter = Adapter(self.fake)
        self.provider, self.currency = provider, "NGN" if provider == "paystack" else "USD"
        self.events = []
        self.fake.webhooks.sink = lambda headers, body: self.events.append(self.adapter.webhook(headers, body))
        self.person = {"id": str(uuid.uuid4()), "reference": None, "email": "ada@example.test", "name": "Ada Obi", "phone": None}
        self.person["reference"] = self.do("ensure_customer", **self.person)["id"]
        self.pro, self.team = self.plan("Pro", 290000), self.plan("Team", 990000)
        any_price = {"open": self.currency}
        self.any = self.plan("Anything", 0, None, any_price)["product"] if provider in ("dodo", "polar") else None
        self.mandate = self.plan("Card", 0, price=any_price)["product"] if provider == "dodo" else None

    def close(self):
        self.adapter.close()
        self.fake.stop()
        assert self.fake.crashes == []
        assert self.fake.unknown == []

    def do(self, word: str, **fields) -> dict:
        return self.adapter.done({word: fields})

    def money(self, amount: int) -> dict:
        return {"amount": amount, "currency": self.currency}

    def plan(self, name: str, amount: int, cadence: str | None = "monthly", price: dict | None = None) -> dict:
        return self.do("ensure_plan", plan_id=str(uuid.uuid4()), key=f"{name}-1", name=name, description=None, cadence=cadence,
                       price=price or {"fixed": self.money(amount)}, tax_category=None)

    def checkout(self, purchase: dict) -> dict:
        return self.do("open_checkout", id=str(uuid.uuid4()), buyer=self.person, purchase=purchase, success_url="https://app.example.test/",
                       cancel_url=None, expires_at=None)

    def buy(self) -> str:
        """A subscription bought on a page."""
        page = self.checkout({"subscription": {"plan": self.pro, "money": self.money(290000), "quantity": 1, "trial_days": None}})
        self.fake.complete(page["id"])
        self.subscription = list(self.fake.subscriptions)[-1]
        self.method = self.do("list_methods", customer=self.person["reference"])[0]["token"]
        return self.subscription

    def charge(self) -> dict:
        return {"charge": {"customer": self.person["reference"], "email": self.person["email"], "method": self.method,
                           "money": self.money(125000), "description": "Usage", "product": self.any}}

    def change(self, plan: dict, timing: str) -> dict:
        return {"change_subscription": {
            "subscription": self.subscription, "plan": plan, "quantity": 1, "timing": timing, "proration": "charge_now",
            "customer": self.person["reference"], "method": self.method, "period_end": None}}

    def told(self) -> list[str]:
        """Delivers what is due: every event is genuine and known; what follows from them, in order."""
        self.events.clear()
        self.fake.deliver()
        for each in self.events:
            assert each["genuine"], each
            assert each["event"]["reading"] != "unknown", each
        return [next(iter(effect["change"])) for each in self.events for effect in each["event"]["effects"]]

    def renew(self) -> None:
        """A day into the next period."""
        self.fake.advance(to=self.fake.subscriptions[self.subscription].end + dt.timedelta(days=1))

    def snapshot(self) -> dict:
        return self.do("fetch", kind="subscription", id=self.subscription)


@pytest.fixture(params=fake.PROVIDERS)
def shop(request):
    made = Shop(request.param)
    yield made
    made.close()


def test_a_subscription_from_its_page_to_its_end(shop):
    assert shop.do("ensure_customer", **shop.person)["id"] == shop.person["reference"]
    assert shop.plan("Pro", 290000) == shop.pro
    shop.buy()
    assert {"subscription", "payment", "checkout"} <= set(shop.told()) | ({"checkout"} if shop.provider == "dodo" else set())
    assert (shop.snapshot()["status"], shop.snapshot()["product"]) == ("active", shop.pro["product"])
    period = {"subscription": shop.subscription}
    shop.do("cancel_subscription", **period, timing="period_end")
    assert shop.snapshot()["cancels"]
    shop.do("keep_subscription", **period)
    assert not shop.snapshot()["cancels"]
    before = shop.snapshot()["period"]
    shop.told()
    shop.renew()
    assert {"subscription", "payment"} <= set(shop.told())
    assert shop.snapshot()["period"]["start"] == before["end"]
    shop.fake.decline_next(shop.subscription, ["insufficient_funds"])
    shop.renew()
    assert {"subscription", "payment"} <= set(shop.told())
    assert shop.snapshot()["status"] == "past_due"
    shop.fake.pay_now(shop.subscription)
    assert "payment" in shop.told()
    assert shop.snapshot()["status"] == "active"
    shop.do("cancel_subscription", **period, timing="now")
    # Paystack ends no subscription at once.
    shop.fake.advance(days=32 if shop.provider == "paystack" else 0)
    assert "subscription" in shop.told()
    assert shop.snapshot()["status"] == "canceled"
    assert len(shop.do("list_subscriptions", cursor=None)["subscriptions"]) == 1


def test_a_change_of_plan_now_and_later_and_its_undoing(shop):
    shop.buy()
    shop.told()
    found = shop.adapter.done(shop.change(shop.team, "now"))
    assert found["product"] == shop.team["product"]
    assert "subscription" in shop.told()
    if shop.provider in NO_UNDO:
        return
    assert shop.adapter.done(shop.change(shop.pro, "period_end"))["pending"]
    assert shop.do("undo_change", subscription=shop.subscription)["pending"] is None
    shop.adapter.done(shop.change(shop.pro, "period_end"))
    shop.fake.advance(days=32)
    assert "subscription" in shop.told()
    assert shop.snapshot()["product"] == shop.pro["product"]
    assert shop.snapshot()["pending"] is None


def test_a_pause_and_its_end(shop):
    shop.buy()
    if shop.provider in NO_PAUSE:
        assert shop.adapter.run({"pause_subscription": {"subscription": shop.subscription}})[0] == "refused"
        return
    shop.do("pause_subscription", subscription=shop.subscription)
    shop.fake.advance(days=32)
    assert shop.snapshot()["status"] == "paused"
    shop.told()
    shop.do("resume_subscription", subscription=shop.subscription)
    assert "subscription" in shop.told()
    assert shop.snapshot()["status"] == "active"


def test_saved_cards_pay_are_declined_get_money_back_and_are_forgotten(shop):
    shop.buy()
    shop.told()
    payment = shop.adapter.done(shop.charge())
    assert payment["money"] == shop.money(125000)
    assert "payment" in shop.told()
    shop.fake.decline_next(shop.subscription, ["insufficient_funds"])
    assert shop.adapter.run(shop.charge())[0] == "declined"
    assert shop.do("refund", payment=payment["id"], money=shop.money(100000), reason="asked")["money"] == shop.money(100000)
    assert shop.do("refund", payment=payment["id"], money=None, reason="asked")["money"] == shop.money(25000)
    assert shop.told().count("refund") >= 2
    assert shop.adapter.run({"refund": {"payment": payment["id"], "money": None, "reason": "asked"}})[0] in ("exists", "invalid")
    assert sum(line.amount for line in shop.fake.ledger) == 290000
    forget = {"customer": shop.person["reference"], "method": shop.method}
    shop.adapter.run({"remove_method": forget})
    shop.adapter.run({"remove_method": forget})
    assert shop.do("list_methods", customer=shop.person["reference"]) == []


def test_pages_for_a_card_a_pack_and_a_trial(shop):
    if shop.provider != "polar":
        page = shop.checkout({"card_setup": {"currency": shop.currency, "product": shop.mandate}})
        shop.fake.complete(page["id"], Card("1881"))
        assert "method_saved" in shop.told()
    pack = shop.any
    if shop.provider == "dodo":
        pack = shop.plan("Pack", 50000, None)["product"]
    page = shop.checkout({"one_time": {"product": pack, "name": "Pack", "money": shop.money(50000), "quantity": 2, "save_method": True}})
    shop.fake.complete(page["id"])
    assert {"checkout", "payment"} <= set(shop.told())
    assert shop.fake.ledger[-1].amount == 100000
    page = shop.checkout({"subscription": {"plan": shop.pro, "money": shop.money(290000), "quantity": 1, "trial_days": 7}})
    shop.fake.complete(page["id"])
    shop.told()
    if shop.provider == "paystack":
        # It has no trial: the page saved the card.
        assert shop.fake.subscriptions == {}
        return
    shop.subscription = list(shop.fake.subscriptions)[-1]
    assert shop.snapshot()["status"] == "trialing"
    shop.fake.advance(days=8)
    assert {"subscription", "payment"} <= set(shop.told())
    assert (shop.snapshot()["status"], shop.fake.ledger[-1].amount) == ("active", 290000)


def operations(shop: Shop) -> dict:
    """What moves money, each made anew."""
    made = {
        "charge": shop.charge,
        "refund": lambda: {"refund": {"payment": shop.adapter.done(shop.charge())["id"], "money": shop.money(40000), "reason": "asked"}},
    }
    if shop.provider not in NO_START:
        # At Paystack a customer has a plan but once.
        made["start"] = lambda: {"start_subscription": {
            "customer": shop.person["reference"], "method": shop.method, "plan": shop.plan(f"Start {uuid.uuid4()}", 70000),
            "quantity": 1, "first_payment_at": None}}
    if shop.provider != "paystack":
        made["change"] = lambda: shop.buy() and shop.change(shop.team, "now")
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_money_moves_once_whatever_becomes_of_any_answer(shop, kind):
    shop.buy()
    shop.adapter.timeout = PATIENCE
    for word, make in operations(shop).items():
        place, steps = 0, 1
        while place < steps:
            operation, job = make(), str(uuid.uuid4())
            before, sent = len(shop.fake.ledger), len(shop.adapter.sent)
            fault = shop.fake.fail("* *", kind, skip=place, detail={"hang": 5, "hang_after": 5, "oversized": 2_000_000}.get(kind))
            outcome, held = shop.adapter.run(operation, job)
            assert place > 0 or fault.times == 0
            fault.times = 0
            steps = max(steps, len(shop.adapter.sent) - sent) if place == 0 else steps
            moved = [line.amount for line in shop.fake.ledger[before:]]
            assert (outcome, len(moved)) == ("done", 1), f"{word}, answer {place}: {outcome} {held}, moved {moved}: {shop.adapter.sent[sent:]}"
            place += 1
