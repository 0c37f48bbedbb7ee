import numpy as np
import pytest
from PIL import Image

from common import images as image_io
from gan.data import crop, load
from gan.resolution import shapes

SIZES = shapes((16, 24, 32), max_aspect=2)


def red_disk(side, hidden):
    """A red disk with a soft edge; transparent pixels hide another color."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2.0
    alpha = np.clip(0.35 * side - np.hypot(x, y) + 0.5, 0.0, 1.0)
    image = np.zeros((side, side, 4), np.uint8)
    image[...] = (255, 0, 0, 0)
    image[alpha == 0.0, :3] = hidden
    image[..., 3] = np.rint(255 * alpha)
    return Image.fromarray(image)


@pytest.mark.parametrize("hidden", [(0, 0, 0), (0, 255, 0)])
@pytest.mark.parametrize("side", [16, 100])
def test_colors_behind_transparency_leave_no_fringe(tmp_path, hidden, side):
    (tmp_path / "images").mkdir()
    red_disk(side, hidden).save(tmp_path / "images" / "disk.png")
    folder = str(tmp_path / "images")
    white = load.load(folder, tmp_path / "cache", 16, channels=3).images[0].astype(int)
    assert white[8, 8].tolist() == [255, 0, 0]
    assert white[0, 0].tolist() == [255, 255, 255]
    assert white[..., 0].min() >= 253  # from red to white, never darker
    np.testing.assert_allclose(white[..., 1], white[..., 2], atol=1)  # never greener
    kept = load.load(folder, tmp_path / "cache", 16, channels=4).images[0].astype(int)
    np.testing.assert_allclose(kept[..., :3] - [255, 0, 0], 0, atol=3)  # red everywhere
    assert (kept[8, 8, 3], kept[0, 0, 3]) == (255, 0)


def test_opaque_images_get_an_opaque_channel(tmp_path):
    Image.new("RGB", (20, 20), (9, 8, 7)).save(tmp_path / "a.png")
    found = load.load(str(tmp_path), tmp_path / ".cache", 16, channels=4).images
    assert (found == (9, 8, 7, 255)).all()


def test_what_fitting_did_is_recorded_and_kept_in_the_cache(tmp_path):
    sizes = [(24, 36), (48, 72), (10, 15), (20, 80)]  # height, width
    for number, (height, width) in enumerate(sizes):
        mode = "RGBA" if number == 1 else "RGB"
        Image.new(mode, (width, height)).save(tmp_path / f"{number}.png")
    for _ in range(2):
        found = load.load(str(tmp_path), tmp_path / ".cache", supported=SIZES)
        assert found.images.shape == (4, 16, 24, 3)
        assert found.fitting == crop.Fitting(
            images=4, enlarged=1, cropped=1, transparent=1, aspect=1.5
        )
    lines = list(crop.describe(found.fitting, 200, (16, 24), 3, 0))
    assert lines == [
        "16x24 (height x width) follows the median aspect, width / height = 1.50; "
        "--resolution 16 takes squares",
        "1 of 4 images are smaller than 16x24 and were enlarged",
        "1 of 4 images lost more than 25% of their area to the crop",
        "1 of 4 images are transparent: over white; --channels 4 keeps alpha",
    ]
    assert list(crop.describe(None, 200, (16, 16), 3, 0)) == []
    (few,) = crop.describe(None, 5, (16, 16), 3, 0)
    assert few.startswith("only 5 images")


def test_the_aspect_is_that_of_the_upright_image(tmp_path):
    image = Image.fromarray(np.zeros((20, 40), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    image.save(tmp_path / "a.jpg", exif=exif)
    found = load.load(str(tmp_path), tmp_path / ".cache", supported=SIZES)
    assert found.images.shape == (1, 32, 16, 1)
    assert found.fitting.aspect == 0.5


def test_any_resolution_is_taken_without_networks(tmp_path):
    Image.fromarray(np.arange(200, dtype=np.uint8).reshape(10, 20)).save(tmp_path / "a.png")
    found = load.load(str(tmp_path), tmp_path / ".cache", (10, 20)).images[0, :, :, 0]
    np.testing.assert_array_equal(found, image_io.to_array(Image.open(tmp_path / "a.png"))[..., 0])
