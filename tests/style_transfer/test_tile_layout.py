import itertools

import numpy as np
import pytest

from style_transfer.tile_layout import smallest_side, spans, tiles

FIELDS = [(1, 0), (1, 3), (2, 2), (4, 10), (16, 70)]  # stride, radius


@pytest.mark.parametrize(("stride", "radius"), FIELDS)
def test_the_interiors_partition_an_axis_and_see_enough(stride, radius):
    least = smallest_side(stride, radius)
    for side, more in itertools.product((least, least + stride, 3 * least), (1, 2, 7, 31, 400)):
        side, length = side // stride * stride, side + more
        parts = spans(length, side, stride, radius)
        edges = [0, *(part.inner_stop for part in parts)]
        assert [part.inner_start for part in parts] == edges[:-1]
        assert edges[-1] == parts[-1].stop == length
        assert all(first < last for first, last in itertools.pairwise(edges))
        for part in parts:
            assert part.start % stride == part.inner_start % stride == 0
            assert part.start == 0 or part.inner_start - part.start >= radius
            assert part.stop == length or part.stop - part.inner_stop >= radius
        sizes = {part.stop - part.start for part in parts[:-1]}
        assert sizes == {side}  # few shapes
        assert side - stride < parts[-1].stop - parts[-1].start <= side


def test_a_short_axis_is_one_tile():
    assert spans(15, 16, 4, 2) == [(0, 15, 0, 15)]


def test_the_tiles_of_the_example():
    assert spans(21, 16, 4, 2) == [(0, 16, 0, 12), (8, 21, 12, 21)]


@pytest.mark.parametrize("side", [8, 13])
def test_tiles_without_an_interior_or_off_the_grid_are_refused(side):
    with pytest.raises(ValueError, match="multiple of 4"):
        spans(100, side, 4, 4)


def test_the_interiors_cover_every_place_of_a_layer_once():
    count = np.zeros((1, 13, 9, 1))  # of an image of 49x36 pixels, at a quarter
    for tile in tiles(49, 36, side=20, stride=4, radius=4):
        own = count[:, tile.rows.start // 4 : -(-tile.rows.stop // 4),
                    tile.columns.start // 4 : -(-tile.columns.stop // 4)]  # fmt: skip
        count[tile.interior(4)] += 1
        assert np.shares_memory(own[tile.interior(4, origin=False)], count[tile.interior(4)])
        assert (own[tile.interior(4, origin=False)] == 1).all()
    assert (count == 1).all()
