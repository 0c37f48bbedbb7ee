import inspect
import json

from style_transfer import config as configuration
from style_transfer import demo
from style_transfer.config import Config
from tests.style_transfer.quick import QUICK


def test_a_preview_is_small_and_without_refinement():
    assert configuration.resolve(Config(size=400)) == Config(size=400)
    preview = configuration.resolve(Config(preview=True, size=1024))
    assert preview.size == 256
    assert (preview.optimization.refine, preview.optimization.correct) == (0.0, 0)
    assert preview.optimization.iterations == 80
    smaller = configuration.resolve(Config(preview=True, size=100, optimization=QUICK))
    assert smaller.size == 100
    assert smaller.optimization.iterations == 6


def test_a_resolved_configuration_is_resolved():
    preview = configuration.resolve(Config(preview=True, size=1024))
    assert configuration.resolve(preview) == preview


def test_the_configuration_is_json():
    config = Config(content=demo.photograph(), style=(demo.photograph(),))
    fields = json.loads(json.dumps(configuration.to_dict(config)))
    assert fields["appearance"]["strength"] == 0.5
    assert fields["content"] == str(demo.photograph())


def test_the_help_explains_every_statistic():
    source = inspect.getsource(configuration.AppearanceConfig)
    about = source.partition("statistic: ")[2].partition("content_distance: ")[0]
    assert [name for name in configuration.STYLES if f" {name}: " not in about] == []
