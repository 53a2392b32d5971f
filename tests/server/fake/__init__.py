"""A fake of each payment provider: real HTTP on a loopback port, state, signed webhooks, and faults by script.

`start("stripe")` starts one; `fake.py` says what a test does with it. Nothing here knows about owostack but the samples
of `src/provider/tests/fixtures`, from which objects are made.
"""

from .fake import Fake
from .model import Card

PROVIDERS = ("stripe", "paystack", "dodo", "polar")


def start(provider: str, **options) -> Fake:
    """A running fake of that provider."""
    if provider == "stripe":
        from .stripe import Stripe as kind
    elif provider == "paystack":
        from .paystack import Paystack as kind
    elif provider == "dodo":
        from .dodo import Dodo as kind
    else:
        from .polar import Polar as kind
    return kind(**options)


__all__ = ["PROVIDERS", "Card", "Fake", "start"]
