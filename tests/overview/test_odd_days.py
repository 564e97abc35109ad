"""Days with ten times the usual number of messages."""

from datetime import date, timedelta

from overview.odd_days import OddDay, find_odd_days

TODAY = date(2026, 11, 29)
LONG_AGO = date(2020, 1, 1)


def odd(numbers: dict[int, int], created: date = LONG_AGO) -> list[OddDay]:
    """The odd days of an account that got so many messages so many days ago."""
    return list(find_odd_days({TODAY - timedelta(days=age): n for age, n in numbers.items()}, TODAY, created))


def test_a_day_is_odd_from_ten_times_the_mean_of_four_weeks_on() -> None:
    usual = dict.fromkeys(range(1, 35), 3)
    assert odd({**usual, 0: 29}) == []
    assert odd({**usual, 0: 30}) == [OddDay(TODAY, 30, 3)]


def test_an_account_that_gets_few_messages_counts_as_if_it_got_one_a_day() -> None:
    assert odd({0: 9}) == []
    assert odd({0: 10}) == [OddDay(TODAY, 10, 1)]


def test_the_last_week_is_looked_at_the_latest_day_first() -> None:
    days = [odd_day.day for odd_day in odd({0: 100, 6: 10, 7: 10})]
    assert days == [TODAY, TODAY - timedelta(days=6)]


def test_an_account_has_no_usual_day_in_its_first_week() -> None:
    assert odd({0: 500}, created=TODAY - timedelta(days=6)) == []
    young = TODAY - timedelta(days=10)
    assert odd({**dict.fromkeys(range(1, 11), 5), 0: 49}, created=young) == []
    assert odd({**dict.fromkeys(range(1, 11), 5), 0: 50}, created=young) == [OddDay(TODAY, 50, 5)]
