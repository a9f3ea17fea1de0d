"""Limits of keys, with a clock that stands still until it is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.access import KeyLimits
from agent.api_keys import ApiKey
from ui.http.errors import ApiError
from ui.http.metering import Allowance, Meter, WrongKeys, as_duration

LIMITS = KeyLimits(per_minute=3, concurrent=100, tenant_per_minute=1000, tenant_concurrent=100)


class Clock:
    """Seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    return Meter(clock)


def a_key(key_id: str = "k", tenant: str = "acme", **more: int) -> ApiKey:
    return ApiKey(key_id, tenant, "", datetime(2026, 1, 1, tzinfo=UTC), **more)  # type: ignore[arg-type]


def told(allowance: Allowance) -> tuple[int, str | None, str | None]:
    refusal = allowance.refusal
    if refusal is None:
        return 200, None, None
    return refusal.status, refusal.code, refusal.headers["Retry-After"]


def test_that_a_minute_holds_so_many_and_fills_again(meter: Meter, clock: Clock):
    first = [told(meter.take(a_key(), LIMITS)) for _ in range(4)]
    assert first == [(200, None, None)] * 3 + [(429, "rate_limit_exceeded", "20")]
    clock.now += 19.9
    assert told(meter.take(a_key(), LIMITS)) == (429, "rate_limit_exceeded", "1")
    clock.now += 0.1
    assert told(meter.take(a_key(), LIMITS))[0] == 200
    clock.now += 3600
    assert [told(meter.take(a_key(), LIMITS))[0] for _ in range(4)] == [200, 200, 200, 429]


def test_that_the_headers_say_what_is_left_as_openai_does(meter: Meter):
    said = [meter.take(a_key(), LIMITS).headers for _ in range(4)]
    assert {each["x-ratelimit-limit-requests"] for each in said} == {"3"}
    assert [each["x-ratelimit-remaining-requests"] for each in said] == ["2", "1", "0", "0"]
    assert [each["x-ratelimit-reset-requests"] for each in said] == ["20s", "40s", "1m0s", "1m0s"]


def test_that_a_key_may_have_limits_of_its_own(meter: Meter):
    assert [told(meter.take(a_key(per_minute=1), LIMITS))[0] for _ in range(2)] == [200, 429]
    assert [told(meter.take(a_key("other", concurrent=1), LIMITS))[1] for _ in range(2)] == [
        None,
        "too_many_at_once",
    ]


def test_that_keys_do_not_share_and_tenants_do(meter: Meter):
    limits = KeyLimits(per_minute=2, tenant_per_minute=3)
    taken = [(name, tenant) for name, tenant in (("a", "acme"), ("a", "acme"), ("b", "acme"), ("b", "acme"))]
    assert [told(meter.take(a_key(*each), limits))[0] for each in taken] == [200, 200, 200, 429]
    refused = meter.take(a_key("c", "acme"), limits)
    assert refused.refusal is not None
    assert "of this tenant" in refused.refusal.message
    assert told(meter.take(a_key("d", "other"), limits))[0] == 200


def test_that_what_is_refused_takes_nothing(meter: Meter, clock: Clock):
    limits = KeyLimits(per_minute=1, tenant_per_minute=2)
    for _ in range(50):
        meter.take(a_key("a"), limits)
    assert told(meter.take(a_key("b"), limits))[0] == 200
    clock.now += 60
    assert told(meter.take(a_key("a"), limits))[0] == 200


def test_that_so_many_run_at_once_and_one_that_ends_makes_room(meter: Meter):
    limits = KeyLimits(concurrent=2)
    first, second = meter.take(a_key(), limits), meter.take(a_key(), limits)
    assert told(meter.take(a_key(), limits)) == (429, "too_many_at_once", "1")
    first.leave()
    first.leave()
    third = meter.take(a_key(), limits)
    assert told(third)[0] == 200
    assert told(meter.take(a_key(), limits))[0] == 429
    second.leave()
    third.leave()
    assert told(meter.take(a_key(), limits))[0] == 200


def test_that_who_is_spared_is_counted_as_the_others_are(meter: Meter):
    limits = KeyLimits(concurrent=1)
    first = meter.take(a_key(), limits)
    refused = meter.take(a_key(), limits)
    meter.spare(refused)
    assert refused.refusal is None
    first.leave()
    assert told(meter.take(a_key(), limits))[0] == 429
    refused.leave()
    assert told(meter.take(a_key(), limits))[0] == 200


def test_that_wrong_keys_are_counted_by_address_and_in_time_forgotten(clock: Clock):
    wrong = WrongKeys(clock)
    for _ in range(2):
        wrong.check("192.0.2.1", 2)
        wrong.note("192.0.2.1", 2)
    with pytest.raises(ApiError) as refused:
        wrong.check("192.0.2.1", 2)
    error = refused.value
    assert (error.status, error.code, error.headers) == (429, "too_many_wrong_keys", {"Retry-After": "30"})
    wrong.check("192.0.2.2", 2)
    clock.now += 30
    wrong.check("192.0.2.1", 2)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "a", False),
    ],
)
def test_that_a_network_of_ipv6_is_one_address(clock: Clock, one: str, other: str, *, same: bool):
    wrong = WrongKeys(clock)
    wrong.note(one, 1)
    if same:
        with pytest.raises(ApiError):
            wrong.check(other, 1)
    else:
        wrong.check(other, 1)


def test_that_the_table_of_addresses_is_bounded(clock: Clock):
    wrong = WrongKeys(clock, most=100)
    for number in range(1000):
        wrong.note(f"10.0.{number // 256}.{number % 256}", 1)
    assert len(wrong) == 100
    wrong.check("10.0.0.0", 1)  # forgotten
    with pytest.raises(ApiError):
        wrong.check("10.0.3.231", 1)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0ms"), (0.0115, "12ms"), (1, "1s"), (8.64, "8.64s"), (360, "6m0s"), (3661.5, "61m1.5s"), (-1, "0ms")],
)
def test_that_durations_are_written_as_openai_does(seconds: float, written: str):
    assert as_duration(seconds) == written
