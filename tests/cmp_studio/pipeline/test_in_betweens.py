import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.motion import eased
from cmp_studio.pipeline.in_betweens import InBetweens, name_of, plan_blends

POINTS = [(12.0, 24.0), (60.0, 24.0)]


def poses_to(dx, dy, count=24):
    """An arrow on its way there, and a pin."""
    return [np.array([[dx, dy], [0, 0]]) * eased("ease", i / (count - 1)) for i in range(count)]


class Quadratic:
    """Answers with the square of the first arrow's way: what a mixture gets wrong."""

    image_hw = (8, 8)
    reach_px = 50.0

    def __init__(self):
        self.asked = []

    def predict_many(self, guidance, *, size_hw=None):
        self.asked += [tuple(np.asarray(vectors)[0]) for _, vectors in guidance]
        answers = [np.square(np.asarray(vectors, np.float32)[0]) for _, vectors in guidance]
        return np.stack([np.broadcast_to(answer, (*(size_hw or (8, 8)), 2)) for answer in answers])


def test_in_betweens_when_asked_for_a_key_pose_then_answers_as_the_predictor():
    poses = poses_to(10, 0)
    predictor = Quadratic()
    inside = InBetweens(predictor, POINTS, poses, spacing_px=4)
    answer = inside.predict_many([(POINTS, poses[-1])])
    np.testing.assert_array_equal(answer, predictor.predict_many([(POINTS, poses[-1])]))


def test_in_betweens_when_asked_for_all_then_predicts_few_and_is_near():
    poses = poses_to(10, 0)
    predictor = Quadratic()
    inside = InBetweens(predictor, POINTS, poses, spacing_px=4)
    flows = inside.predict_many([(POINTS, pose) for pose in poses[1:]])
    assert len(predictor.asked) == 3
    exact = np.array([pose[0, 0] ** 2 for pose in poses[1:]])
    # A straight line between points of x² that are d apart is off by at most d²/4.
    assert np.abs(flows[:, 0, 0, 0] - exact).max() <= 4.0


def test_in_betweens_when_asked_one_by_one_then_gives_the_same_and_asks_no_more():
    poses = poses_to(10, 0)
    together, apart = Quadratic(), Quadratic()
    once = InBetweens(together, POINTS, poses, spacing_px=4).predict_many(
        [(POINTS, pose) for pose in poses[1:]]
    )
    inside = InBetweens(apart, POINTS, poses, spacing_px=4)
    singly = [inside.predict_many([(POINTS, pose)])[0] for pose in poses[1:]]
    np.testing.assert_array_equal(once, singly)
    assert len(apart.asked) == len(together.asked)


def test_in_betweens_when_the_size_changes_then_forgets_the_old_flows():
    poses = poses_to(10, 0)
    inside = InBetweens(Quadratic(), POINTS, poses, spacing_px=4)
    assert inside.predict_many([(POINTS, poses[5])]).shape == (1, 8, 8, 2)
    assert inside.predict_many([(POINTS, poses[5])], size_hw=(4, 6)).shape == (1, 4, 6, 2)


@pytest.mark.parametrize(
    ("points", "pose"),
    [(POINTS, [[3.3, 0.1], [0, 0]]), ([(1, 1), (2, 2)], [[10, 0], [0, 0]])],
)
def test_in_betweens_when_the_pose_is_not_of_the_film_then_predicts_it_as_it_is(points, pose):
    predictor = Quadratic()
    inside = InBetweens(predictor, POINTS, poses_to(10, 0), spacing_px=4)
    inside.predict_many([(points, pose)])
    assert predictor.asked == [tuple(pose[0])]


def test_in_betweens_when_there_is_no_track_then_has_nothing_to_blend():
    inside = InBetweens(Quadratic(), [], [[]] * 3, spacing_px=4)
    assert (inside.image_hw, inside.reach_px) == ((8, 8), 50.0)


PATHS = st.lists(st.tuples(st.floats(-40, 40), st.floats(-40, 40), st.floats(-40, 40)), max_size=25)


@given(path=PATHS, spacing=st.floats(0.5, 60))
def test_plan_blends_when_any_way_then_every_pose_is_near_its_mixture(path, spacing):
    poses = {name_of(pose): pose for x, y, z in path for pose in [np.array([[x, y], [z, 0.0]])]}
    blends = plan_blends(list(poses.values()), spacing)
    assert set(blends) == {name for name, pose in poses.items() if pose.any()}
    for name, blend in blends.items():
        before, after = poses[blend.before], poses[blend.after]
        mixture = before + blend.share * (after - before)
        assert 0 <= blend.share <= 1
        assert np.hypot(*(mixture - poses[name]).T).max() <= spacing / 16 + 1e-3
        assert np.hypot(*(after - before).T).max() <= spacing + 1e-3


def test_plan_blends_when_a_slow_film_then_takes_a_key_pose_per_spacing():
    poses = poses_to(20, 0, count=200)
    unique = {name_of(pose): pose for pose in poses}
    blends = plan_blends(list(unique.values()), 4.0)
    keys = {blend.before for blend in blends.values()} | {blend.after for blend in blends.values()}
    assert 6 <= len(keys) <= 11
