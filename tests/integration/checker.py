# SPDX-License-Identifier: MIT
"""The judge of every load and fault test. Three sources: what the publisher
was acknowledged, what Redis holds (XRANGE - +), what each subscriber got over
all its connections together. Six figures, and each must be 0."""

import json

from harness import digest, events_key, id_key

FIGURES = ("lost", "duplicated", "reordered", "altered",
           "unannounced_gaps", "acknowledged_but_absent")


def covered(entry, gaps):
    """Does an announced gap cover this id?"""
    key = id_key(entry)
    return any(id_key(g["after"]) < key <= id_key(g["through"]) for g in gaps)


def truth_of(client, key):
    """[(id, digest)] of the stream as Redis holds it."""
    return [(entry.decode(), digest(fields.get(b"event", b"")))
            for entry, fields in client.xrange(key)]


def judge_log(truth, acknowledged, log):
    """The verdict on one subscriber against one stream's truth."""
    figures = dict.fromkeys(FIGURES, 0)
    start = id_key(log.start)
    kept = {entry: d for entry, d in truth if id_key(entry) > start}
    owed = dict(kept)
    for entry, _, d in acknowledged:
        if id_key(entry) > start:
            owed.setdefault(entry, d)
    seen = {}
    last = start
    for cursor, got in log.got:
        if cursor in seen:
            figures["duplicated"] += 1
        elif id_key(cursor) <= last:
            figures["reordered"] += 1
        last = max(last, id_key(cursor))
        seen[cursor] = got
        if cursor not in owed or owed[cursor] != got:
            figures["altered"] += 1
    for entry in owed:
        if entry in seen or covered(entry, log.gaps):
            continue
        # Redis still has it: the relay lost it. Redis has it no more: the
        # subscriber should have been told.
        figures["lost" if entry in kept else "unannounced_gaps"] += 1
    return figures


def judge(client, publisher, logs, trimmed=False):
    """Sums over all subscribers; `trimmed`: the test removes entries itself,
    so that absence from Redis is no fault of anybody's."""
    total = dict.fromkeys(FIGURES, 0)
    truths = {}
    for key, acknowledged in publisher.acknowledged.items():
        truths[key] = truth_of(client, key)
        if not trimmed:
            held = {entry for entry, _ in truths[key]}
            total["acknowledged_but_absent"] += sum(
                entry not in held for entry, _, _ in acknowledged)
    for log in logs:
        key = log.key or events_key(log.session)
        if key not in truths:
            truths[key] = truth_of(client, key)
        figures = judge_log(
            truths[key], publisher.acknowledged.get(key, []), log)
        for name in FIGURES:
            total[name] += figures[name]
    return total


def assert_six_zeros(client, publisher, logs, trimmed=False):
    figures = judge(client, publisher, logs, trimmed)
    assert not any(figures.values()), json.dumps(figures)
    assert any(log.got for log in logs), "nobody got anything"
