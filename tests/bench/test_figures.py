"""The bench's own arithmetic: verdicts, ratios, profiles, and what counts as a change."""

from pathlib import Path

import pytest

from libs.eventbus.port import Outgoing
from tests.bench.figures import Row, Sample, Target, cpu_ratios, percentile, ratios
from tests.bench.profiles import top_frames
from tests.bench.records import redelivered
from tests.bench.table import compared

_SVG = """
<g><title>all (10 samples, 100%)</title><rect x="0" y="68" width="100%" fg:x="0" fg:w="10"/></g>
<g><title>outer (10 samples, 100%)</title><rect x="0" y="52" width="1" fg:x="0" fg:w="10"/></g>
<g><title>inner &lt;x&gt; (7 samples, 70%)</title><rect x="0" y="36" width="1" fg:x="3" fg:w="7"/></g>
"""


def test_a_target_asks_the_median_and_spares_no_repeat() -> None:
    target = Target(at_least=1.0, no_repeat_below=0.8)

    assert target.is_met([0.8, 1.0, 1.1])
    assert not target.is_met([0.79, 1.0, 1.1])
    assert not target.is_met([0.9, 0.99, 1.1])
    assert not Target(at_most=35).is_met([1, 36, 40])


def test_ratios_pair_the_repeats() -> None:
    ours = [Sample(units=100, seconds=1, process_us=40, database_us=10), Sample(units=100, seconds=2, process_us=50)]
    theirs = [Sample(units=10, seconds=1, process_us=400, database_us=100), Sample(units=10, seconds=1, process_us=500)]

    assert ratios(ours, theirs) == [10, 5]
    assert cpu_ratios(ours, theirs) == [10, 10]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_a_value_that_occurred(share: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), share) == expected


def test_a_function_s_own_time_is_without_what_it_calls(tmp_path: Path) -> None:
    svg = tmp_path / "graph.svg"
    svg.write_text(_SVG)

    assert top_frames(svg) == ["70% inner <x>", "30% outer"]
    assert top_frames(tmp_path / "none.svg") == []


def test_a_change_counts_where_the_ranges_lie_apart() -> None:
    def run(*values: float) -> dict[str, object]:
        return {"at": "then", "rows": [Row(id="P1", what="intake", values=values, unit="/s").as_json()]}

    [apart] = compared(run(1, 2, 3), run(4, 5, 6)).columns[-1].cells
    [overlapping] = compared(run(1, 2, 3), run(3, 5, 6)).columns[-1].cells
    assert (apart, overlapping) == ("yes", "")


def test_every_twentieth_record_comes_twice() -> None:
    records = [Outgoing("commerce", 1, str(number), "{}", b"") for number in range(100)]

    told = redelivered(records, every=20, behind=30)

    assert len(told) == 105
    assert [told.count(record) for record in records].count(2) == 5
