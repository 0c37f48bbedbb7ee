import pytest
import tensorflow as tf

from gan.balance import noise


def test_instance_noise_falls_to_zero():
    control = noise.InstanceNoise(0.5, kimg=2.0, seed=0)
    images = tf.zeros((50, 8, 8, 1))
    for seen, expected in ((0, 0.5), (1000, 0.25), (2000, 0.0), (9000, 0.0)):
        noisy = control.augment(images, tf.constant(seen, tf.int64)).numpy()
        assert noisy.std() == pytest.approx(expected, rel=0.05)
    forever = noise.InstanceNoise(0.5, kimg=0.0, seed=0)
    assert float(forever.level(tf.constant(10**9, tf.int64))) == 0.5
