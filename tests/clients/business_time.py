"""Answers questions of working time with the library `businesstimedelta`: an oracle for our own calendars.

Reads a JSON list of cases from standard input, writes a JSON list of answers."""

import datetime
import json
import sys

import pytz
from businesstimedelta import BusinessTimeDelta, HolidayRule, LunchTimeRule, Rules, WorkDayRule


def time(second):
    return (datetime.datetime.min + datetime.timedelta(seconds=second)).time()


def answer(case):
    zone = pytz.timezone(case["zone"])
    days = {datetime.date(1970, 1, 1) + datetime.timedelta(days=day) for day in case["holidays"]}
    # The library looks for a next holiday and wants there to be one.
    start = datetime.datetime.fromtimestamp(case["start"], pytz.utc)
    days.add(start.date() + datetime.timedelta(days=1500))
    rules = Rules([
        WorkDayRule(time(case["open"]), time(case["close"]), case["days"], tz=zone),
        LunchTimeRule(time(case["break"][0]), time(case["break"][1]), case["days"], tz=zone),
        HolidayRule(days, tz=zone),
    ])
    due = start + BusinessTimeDelta(rules, seconds=case["seconds"])
    until = datetime.datetime.fromtimestamp(case["until"], pytz.utc)
    between = rules.difference(start, until).timedelta
    return {"due": int(due.timestamp()), "between": int(between.total_seconds())}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
