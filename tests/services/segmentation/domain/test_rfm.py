"""Groups that partition all pairs of scores, and the arithmetic of the quintiles."""

from math import ceil

import pytest

from services.segmentation.domain.rfm import GROUPS, group_of, value_score


@pytest.mark.parametrize("fifth", [1, 2, 3, 4])
def test_the_databases_binary_fractions_name_the_same_places(fifth: int) -> None:
    # PostgreSQL's percentile_disc takes the place ceil(fraction * n) with a binary fraction.
    assert all(ceil(fifth / 5 * n) == -(-fifth * n // 5) for n in range(1, 200_000))


def test_groups_partition_every_pair_of_scores() -> None:
    pairs = [(recency, value) for recency in range(1, 6) for value in range(1, 6)]
    homes = {
        pair: [
            group.name
            for group in GROUPS
            if group.recency[0] <= pair[0] <= group.recency[1] and group.value[0] <= pair[1] <= group.value[1]
        ]
        for pair in pairs
    }

    assert all(len(names) == 1 for names in homes.values())
    assert {group_of(*pair).name for pair in pairs} == {group.name for group in GROUPS}


def test_the_value_score_is_the_mean_with_halves_rounded_up() -> None:
    assert [value_score(1, 1), value_score(1, 2), value_score(2, 5), value_score(5, 5)] == [1, 2, 4, 5]


def test_scores_out_of_range_have_no_group() -> None:
    with pytest.raises(ValueError, match="not 1 to 5"):
        group_of(0, 3)
