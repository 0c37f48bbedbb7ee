import pytest

from common.errors import InputError
from gan.balance import options
from gan.config import BalanceConfig


def test_an_option_has_the_type_of_its_default():
    config = BalanceConfig(options=("fade.kimg=50", "fade.on=True", "fade.name=linear"))
    assert options.option(config, "fade.kimg", 20.0) == 50.0
    assert isinstance(options.option(config, "fade.kimg", 20.0), float)
    assert options.option(config, "fade.on", False) is True
    assert options.option(config, "fade.name", "constant") == "linear"
    assert options.option(config, "fade.power", 2) == 2
    for wrong in (lambda: options.option(config, "fade.name", 1.0),
                  lambda: options.option(config, "fade.on", 1)):  # fmt: skip
        with pytest.raises(InputError, match=r"balance.options fade\.\w+=\w+: got"):
            wrong()


def test_the_options_are_those_that_controls_read(monkeypatch, tmp_path):
    (tmp_path / "gan/balance").mkdir(parents=True)
    (tmp_path / "gan/balance/fade.py").write_text('kimg = option(\n    config, "fade.kimg", 1.0)\n')
    monkeypatch.setattr(options.registry, "ROOT", tmp_path)
    assert options.names() == ("fade",)
    assert options.known() == ("fade.kimg",)
    options.check_options(("fade.kimg=3",))
    with pytest.raises(InputError, match=r"expected one of fade\.kimg; did you mean fade\.kimg\?"):
        options.check_options(("fade.kimgs=3",))


def test_every_module_of_the_package_is_a_control_or_named_as_none():
    assert options.names() == (
        "adaptive_rate", "augment", "auto", "clip", "labels", "noise", "throttle", "update_limit"
    )  # fmt: skip
