import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from common import images as image_io

sizes = st.integers(1, 9)


def deep(channels):
    return arrays.arrays(np.uint16, st.tuples(sizes, sizes, st.sampled_from(channels)))


@settings(deadline=None)
@given(deep([1, 3, 4]))
def test_16_bit_tiff_is_read_by_others(tmp_path_factory, image_array):
    path = tmp_path_factory.mktemp("deep") / "image_array.tif"
    image_io.write_image(path, image_array)
    with path.open("rb") as file, Image.open(file) as image:
        tags = image.tag_v2
        assert tags[258] == (16,) * image_array.shape[2]
        (place,) = tags[273] if isinstance(tags[273], tuple) else (tags[273],)
        values = np.frombuffer(path.read_bytes()[place:], "<u2").reshape(image_array.shape)
        np.testing.assert_array_equal(values, image_array)
        seen = np.asarray(image).reshape(image_array.shape)
    if image_array.shape[2] == 1:
        np.testing.assert_array_equal(seen, image_array)
    else:
        np.testing.assert_array_equal(seen, image_array >> 8)
