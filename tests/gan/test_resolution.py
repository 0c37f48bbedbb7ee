import pytest

from gan import resolution as resolutions
from gan.data.base import RESOLUTIONS

SIZES = resolutions.shapes(RESOLUTIONS, max_aspect=2)


@pytest.mark.parametrize(
    ("text", "found"),
    [("64", 64), ("0", 0), ("-1", -1), ("64x96", (64, 96)), (" 32x32 ", 32), ("0x16", (0, 16))],
)
def test_a_resolution_is_read_as_height_by_width(text, found):
    assert resolutions.parse(text) == found
    assert resolutions.parse(resolutions.shown(found)) == found


@pytest.mark.parametrize("text", ["", "x", "64x", "x64", "64x96x3", "6.4", "64 96", "\u0663"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="HEIGHTxWIDTH"):
        resolutions.parse(text)


def test_only_sizes_within_the_aspect_are_made():
    assert (64, 96) in SIZES
    assert (32, 64) in SIZES
    assert (32, 80) not in SIZES
    assert resolutions.shapes((28, (32, 64))) == ((28, 28), (32, 64))


@pytest.mark.parametrize(
    ("sides", "supported", "expected"),
    [
        ([30, 50, 200], RESOLUTIONS, 48),
        ([500], RESOLUTIONS, 64),
        ([500], SIZES, 64),
        ([500], (16, 128), 16),
        ([10], RESOLUTIONS, 16),
        ([40], (64, 128), 64),
    ],
)
def test_the_resolution_is_the_largest_that_does_not_enlarge(sides, supported, expected):
    assert resolutions.auto_resolution(sides, supported) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 600), (64, 96)),
        ((600, 400), (96, 64)),
        ((480, 640), (48, 64)),  # exact; 64x80 would cut off 6 %
        ((1080, 1920), (56, 96)),
        ((100, 400), (48, 96)),  # the widest of all
        ((30, 40), (24, 32)),
        ((12, 18), (16, 24)),  # smaller than all
        ((100, 110), 64),
    ],
)
def test_images_that_are_clearly_not_square_get_a_rectangle(size, expected):
    assert resolutions.auto_size([size], SIZES) == expected
    assert isinstance(resolutions.auto_size([size], RESOLUTIONS), int)


def test_a_rectangle_needs_three_quarters_of_the_images():
    wide, tall, square = (60, 90), (90, 60), (60, 60)
    assert resolutions.auto_size([wide] * 9 + [square] * 2, SIZES) == (56, 80)
    assert resolutions.auto_size([wide] * 2 + [square] * 2, SIZES) == 56
    assert resolutions.auto_size([wide] * 3 + [tall] * 2, SIZES) == 56


@pytest.mark.parametrize("size", [(100, 100), (100, 90), (10, 10), (60, 90)])
def test_without_squares_a_rectangle_is_chosen(size):
    assert resolutions.auto_size([size], ((32, 64), (32, 48))) == (32, 48)
    assert resolutions.auto_resolution([min(size)], ((32, 64), (32, 48))) == (32, 48)
