"""What the dashboard draws: a calendar of days and bars, as numbers for SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

WEEKS = 26
_CELL = 12  # units of the picture from one day to the next
_LEVELS = (1, 10, 30, 60)  # minutes, a run counting as two, from which a day is drawn stronger


@dataclass(frozen=True)
class Day:
    """One day of the calendar; x and y are where it is drawn."""

    date: date
    seconds: int
    runs: int
    x: int
    y: int

    @property
    def minutes(self) -> int:
        """Whole ones: 0 is less than one."""
        return self.seconds // 60

    @property
    def level(self) -> int:
        """0 for a day without anything, 4 for one of much."""
        weight = -(-self.seconds // 60) + 2 * self.runs
        return sum(weight >= least for least in _LEVELS)


@dataclass(frozen=True)
class Month:
    """Where in the calendar a month begins."""

    first: date
    x: int


@dataclass(frozen=True)
class Calendar:
    """Half a year of days in columns of weeks, from Monday on, this week last."""

    days: tuple[Day, ...]
    months: tuple[Month, ...]

    # With the names of weekdays on the left and of months on top.
    picture_width = WEEKS * _CELL + 34
    picture_height = 7 * _CELL + 16

    @property
    def weekdays(self) -> tuple[Day, ...]:
        """Those of the first week that are named: not every one, or they would touch."""
        return self.days[0:7:2]

    @property
    def active(self) -> list[Day]:
        return [day for day in self.days if day.level]

    @property
    def minutes(self) -> int:
        """Whole ones of all days together, which may be more than those of the days added up."""
        return sum(day.seconds for day in self.days) // 60

    @property
    def runs(self) -> int:
        return sum(day.runs for day in self.days)


def first_day(today: date) -> date:
    """Of the calendar: a Monday."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def calendar(*, today: date, seconds: Mapping[date, int], runs: Mapping[date, int]) -> Calendar:
    """The days until today, by the seconds studied and the programs run on each."""
    start = first_day(today)
    days = [start + timedelta(days=number) for number in range((today - start).days + 1)]
    return Calendar(
        days=tuple(
            Day(
                date=day,
                seconds=seconds.get(day, 0),
                runs=runs.get(day, 0),
                x=number // 7 * _CELL,
                y=number % 7 * _CELL,
            )
            for number, day in enumerate(days)
        ),
        # Names closer than three weeks to the edge would be cut.
        months=tuple(
            Month(first=day, x=number // 7 * _CELL)
            for number, day in enumerate(days)
            if day.day == 1 and number // 7 < WEEKS - 2
        ),
    )
