"""Figures as they stand in tables."""

from __future__ import annotations

from sem_plugins.training.cells import shown


def test_that_shares_are_percent_and_other_numbers_are_as_they_are():
    assert shown({"value": 0.5, "low": 0.4, "high": 0.6}, "accuracy") == "50.0 (40.0–60.0)"
    assert shown({"value": 0.5, "low": 0.4, "high": 0.6}, "preference_bias") == "0.50 (0.40–0.60)"


def test_that_nats_have_a_third_decimal_and_delays_and_alarms_are_no_shares():
    assert shown({"value": 0.0211, "low": 0.0043, "high": 0.04}, "gain_over_table") == "0.021 (0.004–0.040)"
    assert shown({"value": 1.5}, "delay") == "1.50"
    assert shown({"value": 8.25}, "false_alarms") == "8.25"


def test_that_a_range_below_zero_has_no_two_dashes_and_nothing_is_minus_zero():
    assert shown({"value": -0.001, "low": -0.16, "high": -0.13}, "ces") == "0.00 (-0.16 to -0.13)"


def test_that_what_is_not_there_is_a_dash_and_no_zero():
    assert shown(None, "accuracy") == "–"
    assert shown({"value": 0.0}, "accuracy") == "0.0"
