import numpy as np
import pytest

from cmp_engine.errors import ProbeError
from cmp_engine.spectral import k_means, spectral_clusters


def blocks(*sizes, between=0.02):
    """An affinity of groups of the given sizes, and its true labels."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    affinity = np.where(labels[:, None] == labels, 0.9, between)
    np.fill_diagonal(affinity, 1)
    return affinity, labels


@pytest.mark.parametrize("sizes", [(5, 5), (4, 9, 6), (3, 3, 3, 3, 3)])
def test_clusters_when_the_number_is_open_then_the_eigengap_finds_the_groups(sizes):
    affinity, labels = blocks(*sizes)
    found = spectral_clusters(affinity)
    assert found.count == len(sizes)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.eigenvalues[0] == pytest.approx(0, abs=1e-9)


def test_clusters_when_the_number_is_given_then_it_is_kept():
    affinity, labels = blocks(6, 6, 6)
    assert spectral_clusters(affinity, 1).labels.tolist() == [0] * 18
    np.testing.assert_array_equal(spectral_clusters(affinity, 3).labels, labels)


def test_clusters_when_shuffled_then_the_groups_are_the_same():
    affinity, labels = blocks(4, 9, 6)
    order = np.random.default_rng(1).permutation(len(labels))
    found = spectral_clusters(affinity[np.ix_(order, order)]).labels
    same = found[:, None] == found
    np.testing.assert_array_equal(same, labels[order][:, None] == labels[order])


def test_clusters_when_asked_twice_then_answer_alike():
    affinity = np.random.default_rng(0).random((20, 20))
    affinity = (affinity + affinity.T) / 2
    first, again = (spectral_clusters(affinity, 4).labels for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_clusters_when_there_is_one_thing_then_it_is_one_group():
    assert spectral_clusters(np.ones((1, 1))).count == 1


def test_clusters_when_the_numbers_make_no_sense_then_says_so():
    with pytest.raises(ProbeError, match="nothing to group"):
        spectral_clusters(np.ones((0, 0)))
    with pytest.raises(ProbeError, match="from 1 to 3, got 4"):
        spectral_clusters(np.ones((3, 3)), 4)


def test_k_means_when_groups_are_far_apart_then_finds_them():
    rng = np.random.default_rng(5)
    features = np.concatenate([rng.normal(middle, 0.1, (30, 2)) for middle in (0, 5, 10)])
    labels = k_means(features, 3)
    assert [len(set(labels[start : start + 30])) for start in (0, 30, 60)] == [1, 1, 1]
    assert len(set(labels)) == 3
