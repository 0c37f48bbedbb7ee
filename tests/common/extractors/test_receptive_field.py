import pytest

from common.extractors.receptive_field import receptive_field

CONVOLUTION, POOLING = (3, 1), (2, 2)


@pytest.mark.parametrize(
    ("operations", "stride", "radius"),
    [
        ([], 1, 0),
        ([(1, 1)], 1, 0),
        ([CONVOLUTION], 1, 1),
        ([(7, 1)], 1, 3),
        ([POOLING], 2, 0),  # sees its own pixels
        ([POOLING, CONVOLUTION], 2, 2),
        ([(3, 2)], 2, 1),
        ([(5, 2), (3, 2)], 4, 4),  # 2 at stride 1, 1 at stride 2
        ([CONVOLUTION] * 2 + [POOLING] + [CONVOLUTION] * 2 + [POOLING, CONVOLUTION], 4, 10),
        ([(3, 4)], 4, 0),  # leaves pixels out
    ],
)
def test_the_radius_is_that_computed_by_hand(operations, stride, radius):
    assert receptive_field(operations) == (stride, radius)
