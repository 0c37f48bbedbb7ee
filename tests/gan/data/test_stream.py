import numpy as np
import pytest

from gan.data import base, stream

ORDER = [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11, 8, 11, 1, 7, 10, 5, 4, 9, 6, 2, 0, 3]


def first_batches(dataset, batch_size, count, **options):
    return list(stream.batches(dataset, batch_size, **options).take(count).as_numpy_iterator())


@pytest.fixture
def numbered():
    """Twelve 2x2 images, each filled with its number."""
    images = np.repeat(np.arange(12, dtype=np.uint8), 4).reshape(12, 2, 2, 1)
    return base.ImageDataset("numbered", images, np.arange(12, dtype=np.int32), (), "")


def test_each_pass_is_a_permutation_and_they_differ(numbered):
    labels = np.concatenate([labels for _, labels in first_batches(numbered, 4, 9, seed=1)])
    passes = labels.reshape(3, 12)
    assert (np.sort(passes, axis=1) == np.arange(12)).all()
    assert len({tuple(order) for order in passes.tolist()}) == 3
    other = np.concatenate([labels for _, labels in first_batches(numbered, 4, 3, seed=2)])
    assert other.tolist() != passes[0].tolist()


def test_the_order_of_a_run_never_changes(numbered):
    labels = np.concatenate([labels for _, labels in first_batches(numbered, 4, 6, seed=1)])
    assert labels.tolist() == ORDER  # as of the first version: old runs must resume


def test_a_tenth_but_not_more_than_a_batch_or_two_is_held_out():
    for count, expected in ((9, 0), (10, 1), (200, 20), (36_000, stream.HELD_OUT)):
        train, held_out = stream.train_held_out_split(count, seed=3)
        assert len(held_out) == expected
        assert sorted([*train, *held_out]) == list(range(count))
    splits = [stream.train_held_out_split(200, seed=seed)[1].tolist() for seed in (3, 4)]
    assert splits[0] != splits[1]


def test_a_stream_can_be_of_some_images_only(numbered):
    among = np.array([1, 4, 7, 10])
    labels = np.concatenate([x for _, x in first_batches(numbered, 3, 4, seed=1, among=among)])
    assert (np.sort(labels.reshape(3, 4), axis=1) == among).all()


def test_replicas_share_every_batch_and_every_update_of_it(numbered):
    assert stream.share(12, 2, 0, 3).tolist() == [0, 1, 6, 7]
    assert stream.share(12, 2, 2, 3).tolist() == [4, 5, 10, 11]
    whole = first_batches(numbered, 6, 8, seed=1, horizontal_flip=True)
    places = [stream.share(6, 1, replica, 3) for replica in range(3)]
    parts = first_batches(numbered, 6, 14, seed=1, start=6, horizontal_flip=True, shares=places[1:])
    for step in range(7):  # two replicas of this process, in turn
        for at, place in enumerate(places[1:]):
            for found, expected in zip(parts[2 * step + at], whole[step + 1], strict=True):
                np.testing.assert_array_equal(found, expected[place])


def test_images_are_scaled_and_keep_their_labels(numbered):
    ((images, labels),) = first_batches(numbered, 12, 1, seed=0)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[:, 0, 0, 0], labels / 127.5 - 1.0, rtol=1e-6)


@pytest.mark.parametrize("horizontal_flip", [False, True])
def test_a_stream_can_start_anywhere(numbered, horizontal_flip):
    whole = first_batches(numbered, 5, 10, seed=3, horizontal_flip=horizontal_flip)
    rest = first_batches(numbered, 5, 4, seed=3, horizontal_flip=horizontal_flip, start=30)
    for (a, b), (c, d) in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_a_horizontal_flip_comes_half_the_time(numbered):
    images = np.tile(np.uint8([0, 255]), (12, 2, 1))[..., None]
    dataset = base.ImageDataset("edges", images, numbered.labels, (), "")
    batches = first_batches(dataset, 12, 50, seed=0, horizontal_flip=True)
    flipped = np.concatenate([x[:, 0, 0, 0] > 0 for x, _ in batches])
    assert 0.4 < flipped.mean() < 0.6


def test_shrinking_averages_areas_and_keeps_labels():
    images = np.random.default_rng(0).integers(256, size=(1030, 16, 16, 3)).astype(np.uint8)
    dataset = base.ImageDataset("noise", images, np.arange(1030, dtype=np.int32), (), "noise-1")
    small = stream.shrink(dataset, 4)
    assert (small.images.shape, small.images.dtype) == ((1030, 4, 4, 3), np.uint8)
    expected = images[1029, 4:8, 8:12].mean(axis=(0, 1))
    np.testing.assert_allclose(small.images[1029, 1, 2], expected, atol=0.5)
    np.testing.assert_array_equal(small.labels, dataset.labels)
    assert stream.shrink(dataset, 16) is dataset
