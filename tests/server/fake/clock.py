"""The fake's clock, its calendar, and the ways in which providers write a moment.

Either it runs beside the machine's clock, or it stands still until it is moved, as a sandbox organization's does.
"""

import calendar
import datetime as dt

UTC = dt.timezone.utc


class Clock:
    """Where a fake reads the time; it never goes back."""

    def __init__(self, at: dt.datetime | None = None):
        self._still = at.astimezone(UTC) if at else None
        self._ahead = dt.timedelta()

    def now(self) -> dt.datetime:
        # Whole seconds: not every provider writes more of a moment.
        return self._still or (dt.datetime.now(UTC) + self._ahead).replace(microsecond=0)

    def step(self) -> None:
        """A second more goes by: no provider does two things at one moment."""
        if self._still:
            self._still += dt.timedelta(seconds=1)
        else:
            self._ahead += dt.timedelta(seconds=1)

    def set(self, at: dt.datetime) -> None:
        if self._still:
            self._still = max(self._still, at.astimezone(UTC))
        else:
            # It may have passed that moment by itself.
            self._ahead += max(dt.timedelta(), at - self.now())


def add(start: dt.datetime, interval: str, count: int, anchor_day: int | None = None) -> dt.datetime:
    """That many intervals later; a month that lacks the anchor's day ends on its last."""
    if interval == "hour":
        return start + dt.timedelta(hours=count)
    if interval == "day":
        return start + dt.timedelta(days=count)
    if interval == "week":
        return start + dt.timedelta(weeks=count)
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(anchor_day or start.day, last))


def unix(at: dt.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def seconds(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def micros(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> dt.datetime:
    at = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def from_unix(seconds_since: str | int) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(seconds_since), UTC)
