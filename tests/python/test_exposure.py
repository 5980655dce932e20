"""The darkening of a rig's hidden surfaces, such as the inside of a mouth."""

from __future__ import annotations

import numpy as np
import trimesh

from koemorph.preview.exposure import darken_interior, exposure


def test_hidden_vertices_of_a_surface_are_darkened_and_hidden_parts_keep_their_colors() -> None:
    outer = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
    inner = trimesh.creation.icosphere(subdivisions=2, radius=0.5)
    positions = np.concatenate([outer.vertices, inner.vertices])
    triangles = np.concatenate([outer.faces, inner.faces + len(outer.vertices)])
    exposed = exposure(positions, triangles)
    count = len(outer.vertices)
    assert exposed[:count].min() > 0.3
    assert exposed[count:].max() == 0
    colors = np.full((len(positions), 3), 200, np.uint8)
    as_one_part = darken_interior(colors, exposed, triangles)
    np.testing.assert_array_equal(as_one_part[:count], 200)
    assert as_one_part[count:].max() < 100
    teeth = darken_interior(colors[count:], exposed[count:], inner.faces)
    np.testing.assert_array_equal(teeth, 200)
