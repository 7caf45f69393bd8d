from dataclasses import replace

import numpy as np
import pytest

from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.scene import FilmSettings
from cmp_studio.pipeline.flow import predicted_flow, scene_flow


def test_scene_flow_when_no_time_is_given_then_every_track_is_at_its_goal(scene, predictor):
    flow = scene_flow(scene, predictor)
    assert (flow.shape, flow.dtype) == ((48, 64, 2), np.float32)
    assert flow[24, 12] == pytest.approx([12, 0])
    assert flow[24, 60] == pytest.approx([0, 0])


def test_scene_flow_when_a_time_is_given_then_follows_the_easing(scene, predictor):
    once = replace(scene, film=FilmSettings(1.0, 8.0, "once"))
    assert scene_flow(once, predictor, time=0.5)[24, 12] == pytest.approx([6, 0])
    assert scene_flow(once, predictor, time=1.0, size_hw=(24, 32))[12, 6] == pytest.approx([6, 0])


def test_scene_flow_when_frozen_then_is_zero_there_and_the_bare_prediction_is_not(scene, predictor):
    mask = np.zeros((48, 64), np.uint8)
    mask[30:] = 255
    frozen = replace(scene, freeze=mask_from_array(mask))
    assert not scene_flow(frozen, predictor)[31:].any()
    bare = predicted_flow(frozen, predictor, upsampling="bilinear")
    assert bare[40, 12] == pytest.approx([12, 0])
