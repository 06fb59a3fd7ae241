"""Make geosettle/land.json, the outline of land on the locator's globe, from Natural Earth's 1:110m
land.

``npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz && python tests/reference/make_land.py
package/land-110m.json``

The data are in the public domain; the npm package that carries them is under the ISC licence. Land
only: no border of any state is in the file. The outline is simplified to half a degree (it is drawn
2 cm wide) and cut into pieces of at most 30 degrees, none of which reaches from the near side of
the globe round to the point opposite.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import shapely

OUT = Path(__file__).parents[2] / "geosettle" / "land.json"
TOLERANCE = 0.5
SMALLEST = 0.5
"""Square degrees below which an island is not drawn."""


def polygons(topology: dict) -> list[shapely.Polygon]:
    """Polygons of the object `land`, arcs joined and steps added up (TopoJSON 1.0)."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(indices: list[int]) -> np.ndarray:
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
        return unwrapped(np.vstack([parts[0], *[part[1:] for part in parts[1:]]]))

    found = []
    for geometry in topology["objects"]["land"]["geometries"]:
        shapes = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        found += [
            shapely.Polygon(ring(shape[0]), [ring(hole) for hole in shape[1:]]) for shape in shapes
        ]
    return found


def unwrapped(ring: np.ndarray) -> np.ndarray:
    """Longitudes run on across 180 degrees; a ring round a pole is closed by way of that pole."""
    lon = np.rad2deg(np.unwrap(np.deg2rad(ring[:, 0])))
    out = np.column_stack([lon, ring[:, 1]])
    if abs(lon[-1] - lon[0]) > 180:
        pole = np.copysign(90.0, ring[:, 1].mean())
        out = np.vstack([out, [[lon[-1], pole], [lon[0], pole]]])
    return out


def main(source: str) -> None:
    land = shapely.union_all(
        shapely.make_valid(polygons(json.loads(Path(source).read_text(encoding="utf-8"))))
    )
    land = shapely.simplify(land, TOLERANCE)
    cells = [
        shapely.box(x, y, x + 30, y + 30) for x in range(-540, 540, 30) for y in range(-90, 90, 30)
    ]
    pieces = shapely.get_parts(shapely.intersection(land, cells))
    pieces = pieces[(shapely.get_type_id(pieces) == 3) & (shapely.area(pieces) > SMALLEST)]
    assert not shapely.get_num_interior_rings(pieces).any(), "a ring alone is filled: no holes"
    middle = shapely.get_x(shapely.centroid(pieces))
    rings = [
        np.round(
            (shapely.get_coordinates(p.exterior)[:-1] - [360 * np.floor((x + 180) / 360), 0]) * 10
        )
        .astype(int)
        .tolist()
        for p, x in zip(pieces, middle, strict=True)
    ]
    text = ",\n".join(json.dumps(ring, separators=(",", ":")) for ring in sorted(rings))
    said = "Natural Earth 1:110m land, public domain; tenths of a degree, longitude first; see tests/reference/make_land.py"
    OUT.write_text(f'{{"source": {json.dumps(said)},\n"rings": [\n{text}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
