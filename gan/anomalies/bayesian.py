"""A dense layer whose weights are uncertain."""

import keras
from keras import ops

UNCERTAIN = 0.1  # initial deviation of a weight, relative to that of the prior


@keras.saving.register_keras_serializable("gan")
class BayesianDense(keras.layers.Layer):
    """A dense layer with a mean-field normal posterior over its weights (Blundell et al. 2015).

    Every weight has a mean m and a deviation s = softplus(r), equation 1 of
    section 3.2. In training, and with `sample=True`, the weights are drawn; the
    layer draws its output instead, normal with the mean x M + m_b and the variance
    x^2 S^2 + s_b^2, independently for each example. This is the same distribution
    of each output, with a gradient of less variance: Kingma et al. 2015,
    Variational Dropout and the Local Reparameterization Trick, equation 6.

    The divergence from the prior N(0, `prior_deviation`^2) is added to the model's
    losses at every call. Deviation: it is computed in closed form and the prior is
    one normal distribution, where Blundell et al. draw samples from a mixture of two.

    Args:
        units: Size of the output.
        divergence_weight: Weight of the divergence in the loss. For the negative
            log-likelihood of one of N examples it is 1 / N.
        prior_deviation: Standard deviation of a weight in the prior. By default
            1 / sqrt(inputs), so that inputs of unit size have outputs like N(0, 1).
        activation: Applied to the output.
        seed: Seed of the draws.

    Example:
        >>> layer = BayesianDense(8, divergence_weight=1 / 1000)
        >>> layer(ops.ones((2, 16)), sample=True).shape
        TensorShape([2, 8])
        >>> len(layer.losses)
        1
    """

    def __init__(
        self,
        units: int,
        divergence_weight: float = 1.0,
        prior_deviation: float | None = None,
        activation: str | None = None,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.seed = units, seed
        self.divergence_weight, self.prior_deviation = divergence_weight, prior_deviation
        self.activation = keras.activations.get(activation)
        self.draws = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        inputs = input_shape[-1]
        self.prior = self.prior_deviation or inputs**-0.5
        start = keras.initializers.Constant(_inverse_softplus(UNCERTAIN * self.prior))
        kernel, bias = (inputs, self.units), (self.units,)
        self.kernel_mean = self.add_weight(
            shape=kernel,
            initializer=keras.initializers.GlorotUniform(self.seed),
            name="kernel_mean",
        )
        self.kernel_rho = self.add_weight(shape=kernel, initializer=start, name="kernel_rho")
        self.bias_mean = self.add_weight(shape=bias, initializer="zeros", name="bias_mean")
        self.bias_rho = self.add_weight(shape=bias, initializer=start, name="bias_rho")
        self.built = True

    def call(self, inputs, training=False, sample=None):
        """Compute the output (B, units) of inputs (B, N).

        Args:
            inputs: (B, N).
            training: Whether the layer trains.
            sample: Whether to draw; by default only in training. Otherwise the
                weights are their means.
        """
        self.add_loss(self.divergence_weight * self.divergence())
        outputs = ops.matmul(inputs, self.kernel_mean) + self.bias_mean
        if training if sample is None else sample:
            kernel, bias = ops.softplus(self.kernel_rho), ops.softplus(self.bias_rho)
            variance = ops.matmul(ops.square(inputs), ops.square(kernel)) + ops.square(bias)
            noise = keras.random.normal(ops.shape(outputs), dtype=outputs.dtype, seed=self.draws)
            outputs += ops.sqrt(variance + keras.config.epsilon() ** 2) * noise
        return self.activation(outputs)

    def restart(self, seed: int) -> None:
        """Start the draws anew from a seed."""
        self.draws.state.assign(keras.random.SeedGenerator(seed).state)

    def divergence(self):
        """Compute the Kullback-Leibler divergence of the posterior from the prior, in nats.

        Per weight log(p / s) + (s^2 + m^2) / (2 p^2) - 1 / 2, with the prior's deviation p.
        """
        total = 0.0
        for mean, rho in ((self.kernel_mean, self.kernel_rho), (self.bias_mean, self.bias_rho)):
            deviation = ops.softplus(ops.cast(rho, "float32")) / self.prior
            size = ops.square(deviation) + ops.square(ops.cast(mean, "float32") / self.prior)
            total += ops.sum(0.5 * (size - 1.0) - ops.log(deviation))
        return total

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "divergence_weight": self.divergence_weight,
            "prior_deviation": self.prior_deviation,
            "activation": keras.activations.serialize(self.activation),
            "seed": self.seed,
        }


def _inverse_softplus(value: float) -> float:
    return float(ops.log(ops.expm1(value)))
