"""Asks the network what it believes: what is rigid, what turns about what, who follows whom.

    predictor.set_image(image)
    shape = rigidity_map(predictor, (x, y)).rigidity       # (h, w) in 0..1
    kind = shift_or_rotate(predictor, (x, y))              # kind.kind, kind.center
    parts = rigid_parts(predictor)                         # parts.labels

Every function takes a `cmp_engine.MotionPredictor` whose picture is set, and returns a frozen
value. Points, pulls and distances are in px of the picture. Arrays lie on a grid over the picture,
at most `ProbeOptions.max_side` px a side; each result carries its `ProbeGrid`, which maps between
the two. Flows are forward and, as everywhere, in px of the grid that they are stored on. Angles are
clockwise on the screen, because y points down.

Source: paper sec. 4.2, "CMP's Characteristics", and figure 6; the measures are our own choice.
"""

from __future__ import annotations

from cmp_engine.probe_compare import (
    Comparison,
    Sufficiency,
    compare,
    compare_flows,
    sufficiency,
)
from cmp_engine.probe_grid import ProbeGrid, ProbeOptions, default_length, directions
from cmp_engine.probe_influence import (
    InfluenceMatrix,
    SaturationCurve,
    influence_matrix,
    saturation_curve,
)
from cmp_engine.probe_motion import MotionKind, motion_of_flows, shift_or_rotate
from cmp_engine.probe_parts import RigidParts, rigid_parts
from cmp_engine.probe_response import (
    Isoline,
    LineProfile,
    Reading,
    Response,
    isolines,
    line_profile,
    read_flow_at,
    respond,
)
from cmp_engine.probe_rigidity import RigidityMap, rigidity_map
from cmp_engine.rigid_fit import RigidFit, divergence_and_curl

__all__ = [
    "Comparison",
    "InfluenceMatrix",
    "Isoline",
    "LineProfile",
    "MotionKind",
    "ProbeGrid",
    "ProbeOptions",
    "Reading",
    "Response",
    "RigidFit",
    "RigidParts",
    "RigidityMap",
    "SaturationCurve",
    "Sufficiency",
    "compare",
    "compare_flows",
    "default_length",
    "directions",
    "divergence_and_curl",
    "influence_matrix",
    "isolines",
    "line_profile",
    "motion_of_flows",
    "read_flow_at",
    "respond",
    "rigid_parts",
    "rigidity_map",
    "saturation_curve",
    "shift_or_rotate",
    "sufficiency",
]
