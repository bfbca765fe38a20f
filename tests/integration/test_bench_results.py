# SPDX-License-Identifier: MIT
"""The pure parts of tools/bench/run: medians, tables, targets, what is kept
from one invocation to the next, the section of the README."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "bench" / "driver"))

import behind  # noqa: E402
import client  # noqa: E402
import figures  # noqa: E402
import machine  # noqa: E402
import readme  # noqa: E402
import report  # noqa: E402
import systems  # noqa: E402
import targets  # noqa: E402

MACHINE = {"processor": "a processor", "cores": 2, "kernel": "6.1",
           "system": "Debian", "node": None}


def scenario(rows, **more):
    return {"title": "a title", "rows": figures.complete(rows),
            "skipped": {}, "counted": 10, "failed": 0, "runs": {},
            "measured": {"date": "2026-11-27 01:00 UTC", "commit": "abc",
                         "load_average": [0.1, 0.2], "rounds": 5,
                         "busy": 0.01,
                         "command": "tools/bench/run all",
                         "seconds": 12.3}} | more


def results(**scenarios):
    return {"format": report.FORMAT, "machine": dict(MACHINE),
            "scenarios": scenarios}


def cost(**costs):
    return figures.medians(
        {name: [{"cpu_us": value, "p99_us": 1000.0}] * 5
         for name, value in costs.items()})


def verdict(text, **scenarios):
    told = [v for v in targets.verdicts(scenarios) if v.text == text]
    assert len(told) == 1, text
    return told[0]


# --- figures ---

def test_a_median_is_of_the_rounds_that_have_the_figure():
    row = figures.medians({"relay": [
        {"cpu_us": 3.0, "p99_us": None}, {"cpu_us": 1.0, "p99_us": 7.0},
        {"cpu_us": 2.0, "p99_us": 9.0}]})["relay"]
    assert row["rounds"] == 3
    assert (row["cpu_us"], row["cpu_us_min"], row["cpu_us_max"]) == (2, 1, 3)
    assert row["p99_us"] == 8


def test_what_nobody_has_is_none():
    row = figures.medians({"raw": [{"cpu_us": None}]})["raw"]
    assert row["cpu_us"] is None
    assert figures.complete({"raw": row})["raw"]["per_core"] is None


def test_costs_are_compared_with_raw():
    rows = figures.complete(cost(relay=2.0, raw=1.6))
    assert rows["relay"]["against_raw"] == 1.25
    assert rows["relay"]["per_core"] == 500000


def test_slices_are_taken_by_the_time_they_cover():
    told = {"slice_us": 100, "began_us": 1000, "slices": [
        [5000, 1], [5000, 2, 9000, 1], [], [7000, 4]]}
    assert figures.merged(told, [(1100, 1200)]) == {5000: 2, 9000: 1}
    assert figures.merged(told, [(1050, 1101)]) == {5000: 3, 9000: 1}
    # Two intervals that touch the same slice count it once.
    assert figures.merged(told, [(1300, 1310), (1320, 1330)]) == {7000: 4}
    assert figures.merged(told, [(2000, 3000)]) == {}


def test_a_quantile_of_cells_is_the_end_of_the_cell_that_reaches_it():
    cells = {1000: 98, 5000: 1, 9000: 1}
    assert figures.quantile_us(cells, 0.5) == 1
    assert figures.quantile_us(cells, 0.99) == 5
    assert figures.quantile_us(cells, 1) == 9
    assert figures.quantile_us({}, 0.5) is None


# --- targets ---

@pytest.mark.parametrize("relay,state", [
    (1.15, targets.HOLDS), (1.16, targets.MISSED)])
def test_a_ratio_holds_up_to_its_limit(relay, state):
    told = verdict("A, bursts of 1: CPU per delivery against raw",
                   A1=scenario(cost(relay=relay, raw=1.0)))
    assert told.state == state
    assert told.measured.startswith(f"{relay:.2f} ")


def test_what_was_not_run_is_skipped_with_the_reason():
    for told in targets.verdicts({}):
        assert told.state == targets.SKIPPED and told.reason
    told = verdict("B: CPU per delivery against nchan", B=scenario(
        cost(relay=1.0), skipped={"nchan": "it is not installed"}))
    assert (told.state, told.reason) == (targets.SKIPPED,
                                         "it is not installed")


@pytest.mark.parametrize("row,state", [
    ({"connections": 18000, "held_seconds": 600}, targets.HOLDS),
    ({"connections": 8999, "held_seconds": 600}, targets.MISSED),
    ({"connections": 18000, "held_seconds": 30}, targets.SKIPPED)])
def test_connections_must_be_many_and_held_for_long(row, state):
    told = verdict("Connections held for 10 minutes",
                   hold=scenario({"relay": row}))
    assert told.state == state


@pytest.mark.parametrize("p99_us,seconds,state", [
    (5000, 3600, targets.HOLDS), (5001, 3600, targets.MISSED),
    (100, 45, targets.SKIPPED)])
def test_a_first_event_counts_after_an_hour_only(p99_us, seconds, state):
    told = verdict("First event on a stream idle for an hour: p99",
                   first=scenario({"relay": {"p99_us": p99_us,
                                             "idle_seconds": seconds}}))
    assert told.state == state
    assert "0.10 ms after 45 s" in told.reason or seconds == 3600


@pytest.mark.parametrize("name,text,rate", [
    ("B", "B: CPU per delivery against ws", 20000),
    ("C", "C: p99 against raw", 50000),
    ("E", "E: CPU per delivery against raw", 100000)])
@pytest.mark.parametrize("slow", ["relay", "the other"])
def test_a_system_that_falls_behind_its_producer_is_not_compared(
        name, text, rate, slow):
    def of(share):
        return {"cpu_us": 1.0, "p99_us": 1.0, "rate": rate * share}
    other = text.split()[-1]
    rows = {"relay": of(0.96), other: of(0.96)}
    if text.startswith("B"):
        rows["relay"]["cpu_us"] = 0.5
    assert verdict(text, **{name: scenario(rows)}).state == targets.HOLDS
    rows["relay" if slow == "relay" else other]["rate"] = rate * 0.94
    told = verdict(text, **{name: scenario(rows)})
    assert told.state == targets.SKIPPED
    assert f"instead of {rate:,}" in told.reason


def test_memory_of_fewer_connections_is_not_taken_for_that_of_many():
    text = "D: memory per idle connection"
    for connections, state in ((10000, targets.HOLDS),
                               (2096, targets.SKIPPED)):
        told = verdict(text, D=scenario(
            {"relay": {"bytes": 1700, "connections": connections}}))
        assert told.state == state


def test_rates_and_reads_have_their_limits():
    text = "Behind by 100,000 events: catching up"
    for rate, state in ((200000, targets.HOLDS), (199999, targets.MISSED)):
        assert verdict(text, catchup=scenario(
            {"one behind": {"rate": rate,
                            "deliveries": 100000}})).state == state
    assert verdict(text, catchup=scenario(
        {"one behind": {"rate": 300000, "deliveries": 20000}})
    ).state == targets.SKIPPED
    text = "2,000 clients resume 20 streams: reads for each range"
    for reads, state in ((120, targets.HOLDS), (121, targets.MISSED)):
        assert verdict(text, herd=scenario(
            {"relay": {"reads": reads, "ranges": 40}})).state == state


def test_four_workers_need_cores():
    text = "Throughput of 4 and more workers"
    told = verdict(text, workers=scenario(
        cost(), skipped={"4 workers": "there are 2 cores"}))
    assert (told.state, told.reason) == (targets.SKIPPED,
                                         "there are 2 cores")
    told = verdict(text, workers=scenario(
        {"relay, 4 workers": {"rate": 1234567.0}}))
    assert told.measured == "4: 1,234,567/s"


def test_one_run_that_does_not_count_is_a_miss():
    text = "Order and completeness; frames counted as sent have arrived"
    assert verdict(text, A1=scenario({})).state == targets.HOLDS
    assert verdict(text, A1=scenario({}), B=scenario(
        {}, failed=1)).state == targets.MISSED


def test_a_catching_up_that_outlasts_the_live_ones_is_not_passed_over():
    live = {"began_us": 0, "seconds": 10.0, "latency_slices": {
        "slice_us": 1000000, "began_us": 0, "slices": [[5000, 1]] * 10}}

    def behind_for(seconds):
        return {"began_us": 5000000, "seconds": seconds, "delivered": 100000,
                "deliveries_per_second": 100000 / seconds,
                "client": {"core": 0.1}}
    rounds = {}
    behind.add(rounds, live, [behind_for(0.5)], 4000000)
    assert [row["rate"] for row in rounds["one behind"]] == [200000]
    with pytest.raises(client.Failed, match="outlasted"):
        behind.add(rounds, live, [behind_for(0.5), behind_for(6)], 4000000)


def test_what_redis_pays_for_a_followed_event_is_shown():
    lines = report.table({"100,000 streams": {"cpu_us": 36.3,
                                              "redis_us": 40.333}},
                         report.shown_of("followed"))
    assert "Redis µs/event" in lines[0] and "40.3" in lines[2]


# --- what the server says ---

RUN = {"delivered": 100, "probes": 20, "compressed": 120}


def counting(kind, frames):
    """A relay that counts so many frames as sent by the end of a run."""
    relay = object.__new__(kind)
    counts = iter([1000, 1000 + frames])
    relay.frames = lambda: next(counts)
    relay.before_run()
    return relay


@pytest.mark.parametrize("kind", [systems.Relay, systems.RelayDeflate])
def test_frames_that_are_counted_as_sent_must_arrive(kind):
    assert counting(kind, 120).miscounted(RUN) is None
    assert "121 frames" in counting(kind, 121).miscounted(RUN)


def test_every_frame_of_a_compressing_relay_must_come_compressed():
    wrong = counting(systems.RelayDeflate, 120).miscounted(
        RUN | {"compressed": 119})
    assert "119 of 120" in wrong


def test_results_are_no_change_of_what_is_measured(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e",
                        "-C", tmp_path, *words], check=True,
                       stdout=subprocess.DEVNULL)
    results, source = tmp_path / "tools/bench/results/r", tmp_path / "s"
    results.parent.mkdir(parents=True)
    for path in (results, source):
        path.write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "c")
    results.write_text("2")
    assert "dirty" not in machine.commit(tmp_path)
    source.write_text("2")
    assert machine.commit(tmp_path).endswith("-dirty")


# --- report ---

def test_a_table_has_only_columns_that_hold_something():
    lines = report.table(figures.complete(
        {"relay": {"rounds": 1, "cpu_us": 2.5, "p99_us": None},
         "raw": {"rounds": 1, "cpu_us": 2.0, "p99_us": None}}))
    assert lines[0] == ("| | CPU µs/delivery | × raw | "
                        "deliveries per core and s |")
    assert lines[2] == "| relay | 2.5 | 1.25 | 400,000 |"


def test_a_spread_needs_more_than_one_round():
    row = {"rounds": 2, "cpu_us": 2.0, "cpu_us_min": 1.5, "cpu_us_max": 2.5}
    assert report.cell(row, "spread", str) == "1.5 to 2.5"
    assert report.cell(row | {"rounds": 1}, "spread", str) == ""


def test_scenarios_of_several_invocations_stand_together(tmp_path):
    order = ["A1", "B", "C"]
    for name in ("C", "A1"):
        kept = report.begin(tmp_path, dict(MACHINE))
        report.put(kept, order, name, scenario(cost(relay=1.0, raw=1.0)))
        report.write(tmp_path, kept)
    kept = report.read(tmp_path)
    assert list(kept["scenarios"]) == ["A1", "C"]
    text = (tmp_path / "results.md").read_text()
    assert text.index("## A1: a title") < text.index("## C: a title")
    assert "commit abc" in text and "load average 0.1 before" in text
    assert report.begin(tmp_path, dict(MACHINE), anew=True)["scenarios"] == {}


def test_results_of_another_machine_are_not_mixed_in(tmp_path):
    report.write(tmp_path, results(A1=scenario(cost(relay=1.0))))
    with pytest.raises(report.Mixed, match="another machine .cores: 2"):
        report.begin(tmp_path, MACHINE | {"cores": 64})


def test_what_is_kept_is_short_and_whole(tmp_path):
    kept = results(A1=scenario(cost(relay=1.23456789, raw=1.0)))
    report.write(tmp_path, kept)
    told = json.loads((tmp_path / "results.json").read_text())
    assert told["scenarios"]["A1"]["rows"]["relay"]["cpu_us"] == 1.23457
    assert [t["state"] for t in told["targets"]].count("missed") == 1


def test_the_rounds_are_kept_on_a_line_for_each_figure(tmp_path):
    runs = figures.columns({"relay": [{"cpu_us": 1.5, "p99_us": None},
                                      {"cpu_us": 2.5, "p99_us": 7.0}]})
    assert runs == {"relay": {"cpu_us": [1.5, 2.5], "p99_us": [None, 7.0]}}
    report.write(tmp_path, results(A1=scenario(cost(relay=1.0), runs=runs)))
    text = (tmp_path / "results.json").read_text()
    assert '"cpu_us": [1.5, 2.5]' in text
    assert json.loads(text)["scenarios"]["A1"]["runs"] == runs


def test_a_client_that_is_always_busy_is_marked():
    row = {"rounds": 1, "cpu_us": 1.0, "client_core": 0.91}
    assert report.table({"ws": row})[2].endswith("91.00 % **(the limit)** |")
    row["client_core"] = 0.9
    assert "limit" not in report.table({"ws": row})[2]


def test_the_clients_limit_is_told():
    rows = {"raw, no Redis": {"rounds": 1, "cpu_us": 1.0, "client_us": 0.5}}
    text = "\n".join(report.ceiling({"A64": scenario(rows)}))
    assert "bursts of 64: 0.5 µs" in text
    assert "2,000,000 deliveries/s at most" in text
    assert report.ceiling({}) == []


# --- the section of the README ---

def test_the_section_shows_the_measured_figures_and_what_is_missed():
    section = readme.section(results(
        A1=scenario(cost(relay=2.5, raw=2.0, ws=5.0)),
        C=scenario({"relay": {"p99_us": 70000.0}})))
    assert "| relay | 2.5 | 70.00 |" in section
    assert "| ws | 5 |  |" in section
    assert "Missed: A, bursts of 1" in section and "1.25" in section
    assert "a processor, 2 cores, Debian, kernel 6.1, 2026-11-27" in section
    assert "results/deliveries-per-core.svg" in section


def test_the_section_tells_how_many_rounds_its_figures_stand_on():
    hasty = scenario(cost(relay=2.5))
    hasty["measured"]["rounds"] = 3
    alone = scenario({})  # what the section shows nothing of
    alone["measured"]["rounds"] = 1
    text = readme.section(results(A1=scenario(cost(relay=1.0)), B=hasty,
                                  hold=alone))
    assert "medians of 3 to 5 rounds" in text
    assert "medians of 5 rounds" in readme.section(
        results(A1=scenario(cost(relay=1.0))))


def test_what_was_measured_beside_others_is_marked():
    busy = scenario(cost(relay=2.5, raw=2.0))
    busy["measured"]["busy"] = 0.3
    told = results(A1=scenario(cost(relay=1.0)), B=busy)
    text = report.markdown(told)
    assert "1% of the machine used by others before and after" in text
    assert "30% of the machine was used by others before or after" in text
    # Nobody looks meanwhile.
    assert "before or after B ran" in readme.section(told)
    assert "not quiet: 30%" in report.markdown(told)
    assert "not quiet" not in report.markdown(
        results(A1=scenario(cost(relay=1.0))))


def test_without_results_the_section_says_so():
    assert readme.section(None) == readme.section(results())
    assert "Nothing is measured yet" in readme.section(None)
