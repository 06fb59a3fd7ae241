"""Land in zones in parts: the zones of a tile with the parcels that reach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geosettle.covers import overlay_table
from geosettle.crs import lonlat
from geosettle.distance._protocol import positions
from geosettle.errors import InputError
from geosettle.jobs.parts import Job, Part, digest, row_hashes, tiles
from geosettle.raster import Raster

_ZONES: Final = 1_000
"""Zones of a part at most."""
_KM_PER_DEGREE: Final = 110.0  # at least, along a meridian; a longer margin takes no harm
_POLAR: Final = 89.0


@dataclass(frozen=True, eq=False)
class MakeOverlay:
    """Makes the rows of some zones; the same for all parts.

    Parameters
    ----------
    cover
        A raster, or rasters by year, that all parts share; None where each gets its parcels.
    by, radii_km
        As of `overlay_table`.
    """

    cover: Any
    by: str | None
    radii_km: Sequence[float] | None

    def __call__(
        self, zones: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame | None
    ) -> gpd.GeoDataFrame:
        """Measure the land in some zones, along the Hilbert curve of the zones."""
        cover = self.cover if parcels is None else parcels
        table = overlay_table(zones, cover, by=self.by, buffer_km=self.radii_km)
        at = zones.index.get_indexer(table["zone_id"])
        order = np.argsort(at, kind="stable")
        shapes = lonlat(zones)[at[order]]
        return gpd.GeoDataFrame(table.iloc[order], geometry=shapes, crs="EPSG:4326")


def overlay_job(
    zones: gpd.GeoDataFrame,
    cover: gpd.GeoDataFrame | Raster | Mapping[int, Raster],
    by: str | None = None,
    radii_km: Sequence[float] | None = None,
    *,
    inputs: Mapping[str, str] | None = None,
) -> Job:
    """Plan the table of `geosettle.covers.overlay_table` in parts.

    Parameters
    ----------
    zones, cover, by
        As of `overlay_table`.
    radii_km
        Radii of discs around the zones.
    inputs
        Name of a layer to what its file holds (a hash): of a raster, so that parts are made again
        where it changes.

    Returns
    -------
    Job
        For `run_job`. The rows are those of `overlay_table`; geometry is that of the zone, also
        where the row is of a disc around it. A part has the parcels that reach its zones, and no
        others: land under several of them is in the same class as in the whole.

    Raises
    ------
    InputError
        The zones are a raster, or two of them have one id.

    Examples
    --------
    >>> at = gpd.points_from_xy([76.0, -60.0], [39.0, 10.0])
    >>> zones = gpd.GeoDataFrame(index=["A", "B"], geometry=at, crs=4326)
    >>> cover = gpd.GeoDataFrame(geometry=[shapely.box(75, 38, 77, 40)], crs=4326)
    >>> job = overlay_job(zones, cover, radii_km=[1])
    >>> [[len(frame) for frame in job.inputs(part)] for part in job.parts]
    [[2, 1]]
    """
    if isinstance(zones, Raster):
        raise InputError("zones of a raster are not measured in parts", mend="Give polygons.")
    zones = zones.set_axis(zones.index.astype("str"), axis=0)
    if not zones.index.is_unique:
        twice = zones.index[zones.index.duplicated()][0]
        raise InputError("two zones have one id", value=twice, mend="Make ids unique.")
    shapes = lonlat(zones)
    placed = gpd.GeoDataFrame(index=zones.index, geometry=shapes, crs="EPSG:4326")
    boxes = _reached(shapely.bounds(shapes), max(radii_km or [0.0]))
    parcels = cover if isinstance(cover, gpd.GeoDataFrame) else None
    ground = None if parcels is None else lonlat(parcels)
    tree = shapely.STRtree([] if ground is None else ground)
    about = {"version": 1, "by": by, "radii_km": radii_km, "layers": dict(inputs or {})}
    hashes, held = row_hashes(zones), None if parcels is None else row_hashes(parcels)

    def reaching(rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Parcels that reach some zones, on either side of the 180th meridian."""
        some = boxes[rows][np.isfinite(boxes[rows]).all(axis=1)]
        some = np.concatenate([some + np.array([turn, 0, turn, 0]) for turn in (-360, 0, 360)])
        return np.unique(tree.query(shapely.box(*some.T))[1])

    parts = []
    for name, rows in tiles(*positions(placed), _ZONES):
        facts = [hashes[rows], *(() if held is None else (held[reaching(rows)],))]
        parts.append(Part(name, digest(about, *facts), rows, rows.size))

    def given(part: Part) -> tuple[Any, ...]:
        some = None if parcels is None else parcels.iloc[reaching(part.rows)]
        return zones.iloc[part.rows], some

    make = MakeOverlay(None if parcels is not None else cover, by, radii_km)
    return Job("overlay", about, parts, given, make)


def _reached(boxes: NDArray[np.float64], km: float) -> NDArray[np.float64]:
    """Boxes of zones, wider by a radius on each side; round the world near a pole."""
    high = km / _KM_PER_DEGREE
    far = np.maximum(np.abs(boxes[:, 1]), np.abs(boxes[:, 3])) + high
    with np.errstate(invalid="ignore"):
        wide = np.where(far < _POLAR, high / np.cos(np.radians(np.minimum(far, _POLAR))), 360)
    return np.asarray(boxes + np.column_stack([-wide, -high + 0 * wide, wide, high + 0 * wide]))
