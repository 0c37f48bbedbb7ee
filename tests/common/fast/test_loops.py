import numpy as np
import pytest
import tensorflow as tf

from common.fast.loops import clip_and_average, repeat


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("count", [1, 4])
def test_a_repeated_step_is_a_python_loop_and_returns_the_last_logs(compiled, count):
    def step_of(variable):
        def step():
            variable.assign(0.5 * variable + 1.0)
            return {"value": variable.read_value(), "twice": 2.0 * variable}

        return step

    together, one_by_one = tf.Variable(0.0), tf.Variable(0.0)
    logs = repeat(step_of(together), compiled)(count)
    for _ in range(count):
        last = step_of(one_by_one)()
    assert float(together) == pytest.approx(float(one_by_one))
    assert logs == {name: pytest.approx(float(value)) for name, value in last.items()}


def test_the_average_is_a_plain_mean_then_an_exponential_one():
    image, average, iteration = tf.Variable([0.0, 0.0]), tf.Variable([0.5, 0.5]), tf.Variable(0.0)
    expected = None
    for number, value in enumerate((0.2, 0.4, 0.9, 1.7)):
        image.assign([value, -value])
        clip_and_average(image, average, iteration, tf.constant(2.0))
        share = max(1.0 / (number + 1), 1.0 / 2.0)
        clipped = np.clip([value, -value], 0.0, 1.0)
        expected = clipped if expected is None else expected + share * (clipped - expected)
        np.testing.assert_array_equal(image, np.float32(clipped))
        np.testing.assert_allclose(average, expected, rtol=1e-6)
    assert float(iteration) == 4.0
