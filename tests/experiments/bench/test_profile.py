import pytest

from experiments.bench import profile


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("_MklNativeConv2DBackpropFilter", "convolutions"),
        ("_MklNativePadWithConv2D", "convolutions"),
        ("_MklNativeFusedBatchNormGradV3", "normalization"),
        ("LeakyReluGrad", "activations"),
        ("ResourceApplyAdam", "optimizers"),
        ("_MklTranspose", "transposes, casts, copies"),
        ("AddV2", "the rest"),
    ],
)
def test_operations_are_told_apart(operation, kind):
    assert profile.kind(operation) == kind
