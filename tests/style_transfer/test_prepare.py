import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from common.images import as_image
from style_transfer import prepare
from tests.style_transfer.quick import quick


def test_styles_shrink_with_the_level_and_never_grow(content):
    styles = [Image.new("RGB", (200, 100)), Image.new("RGB", (30, 20))]
    image = as_image(content)
    config = quick(style_scale=2.0)
    _, small = prepare.prepare(image, styles, (36, 48), config)
    _, large = prepare.prepare(image, styles, (360, 480), config)
    assert [style.shape for style in small] == [(48, 96, 3), (20, 30, 3)]
    assert [style.shape for style in large] == [(100, 200, 3), (20, 30, 3)]


def test_large_styles_are_decoded_near_the_size_needed(tmp_path):
    Image.new("RGB", (2400, 1800), (90, 50, 10)).save(tmp_path / "large.png")
    Image.new("RGB", (90, 60), (90, 50, 10)).save(tmp_path / "small.png")
    for scale, longest in ((1.0, 64), (4.0, 256)):
        config = quick(64, style_scale=scale)
        paths = [tmp_path / "large.png", str(tmp_path / "small.png")]
        large, small = prepare.read_styles(paths, config)
        assert 2 * longest <= large.height <= 6 * longest  # the file's height is 1800
        assert small.size == (90, 60)
        _, (reference, _) = prepare.prepare(large, [large, small], (64, 48), config)
        assert max(reference.shape) == longest
    tiny = quick(16, style_scale=0.05)
    _, (reference,) = prepare.prepare(large, prepare.read_styles(paths[:1], tiny), (16, 12), tiny)
    assert reference.shape == (12, 16, 3)


@pytest.mark.parametrize(
    ("content", "style", "size", "message"),
    [
        ((1, 1), (64, 64), 64, "--content: an image of 1x1"),
        ((64, 64), (64, 1), 64, "--style: an image of 64x1"),
        ((2000, 40), (64, 64), 64, "--size 64: would make 64x1 "),
    ],
)
def test_images_that_are_too_small_are_refused(content, style, size, message):
    images = [np.zeros((height, width, 3), np.uint8) for width, height in (content, style)]
    with pytest.raises(InputError, match=message):
        prepare.read(*images, quick(size))


def test_a_file_that_cannot_be_used_is_named_with_its_flag(tmp_path, content):
    (tmp_path / "text.jpg").write_bytes(b"no image")
    Image.new("RGB", (64, 8)).save(tmp_path / "line.png")
    for name, message in (("text.jpg", "not an image"), ("line.png", "an image of 64x8")):
        path = tmp_path / name
        for flag, images in (("--content", (path, content)), ("--style", (content, path))):
            with pytest.raises(InputError, match=f"^{flag} {path}: {message}"):
                prepare.read(*images, quick())


def test_the_start_is_the_content_noise_or_a_style():
    content, style = np.zeros((4, 6, 3), np.float32), np.full((8, 8, 3), 0.6, np.float32)
    assert prepare.initial_image(quick(), content, style) is content
    noise = prepare.initial_image(quick(init="noise"), content, style)
    assert noise.shape == content.shape
    assert noise.std() > 0.2
    stretched = prepare.initial_image(quick(init="style"), content, style)
    assert stretched.shape == content.shape
    np.testing.assert_allclose(stretched, 0.6, atol=0.01)


def test_a_result_of_an_early_level_is_enlarged_and_clipped():
    content = Image.new("RGB", (40, 30))
    result = prepare.finish(np.full((3, 4, 3), 1.5), content, (40, 30), quick())
    assert result.shape == (30, 40, 3)
    assert result.dtype == np.float32
    assert result.max() == 1.0


def test_the_content_takes_the_colors_of_the_style_by_strength(content):
    image, red = as_image(content), Image.new("RGB", (40, 40), (200, 20, 20))

    def redness(**appearance):
        goal, _ = prepare.prepare(image, [red], (36, 48), quick(**appearance))
        return float((goal[..., 0] - goal[..., 1:].mean(axis=-1)).mean())

    plain, _ = prepare.prepare(image, [red], (36, 48), quick(), palette=False)
    own = float((plain[..., 0] - plain[..., 1:].mean(axis=-1)).mean())
    assert redness(strength=0.001) == pytest.approx(own, abs=0.01)
    assert redness(strength=0.25) == pytest.approx(0.5 * (own + 180 / 255), abs=0.02)
    assert redness(strength=0.5) == redness(strength=0.9) == pytest.approx(180 / 255, abs=0.02)
    assert redness(colors="matched") == pytest.approx(own, abs=1e-6)
