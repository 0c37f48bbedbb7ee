from gan.balance import build
from gan.config import BalanceConfig


def test_learning_rate_scales_multiply():
    both = build.build_balance(BalanceConfig(pause_accuracy=0.9, pause_loss=0.1), seed=0)
    both.controls[0].paused.assign(1.0)
    assert float(both.learning_rate_scale("discriminator")) == 0.0
    assert float(both.learning_rate_scale("generator")) == 1.0
