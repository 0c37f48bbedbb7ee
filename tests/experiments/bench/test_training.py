from experiments.bench import training
from experiments.bench.cases import CASES


def test_the_input_is_timed_alone():
    assert 100 < training.pipeline("default", seconds=0.2)["images_per_second"] < 1e9


def test_every_case_names_networks_that_exist():
    for case in CASES.values():
        config = training.configure(case, "float32")
        assert (config.networks.name, config.batch_size) == (case.family, case.batch_size)
        assert training.noise(case, 3).images.shape[1:] == (
            case.resolution,
            case.resolution,
            case.channels,
        )
