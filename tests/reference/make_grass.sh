#!/bin/sh
# Makes the GRASS reference arrays of this folder: tests/reference/grass_*.npz. Needs Debian's grass-core and numpy.
#   sh tests/reference/make_grass.sh
# The terrain and the friction are made by make_terrain.py (fixed formulas, no random numbers), so that the tests can
# make the same grids again. Every command's output is the array of the same name.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/make_terrain.py" "$work"
cat > "$work/run.sh" <<'RUN'
set -eu
cd "$1"
r.in.gdal -o --quiet input=height.asc output=height
r.in.gdal -o --quiet input=friction.asc output=friction
r.in.gdal -o --quiet input=wall.asc output=wall
g.region raster=height
r.mapcalc --quiet "zero = 0.0"
from=$(cat start.txt)
r.walk --quiet elevation=height friction=zero output=walk8 start_coordinates=$from
r.walk --quiet -k elevation=height friction=zero output=walk16 start_coordinates=$from
r.walk --quiet -k elevation=height friction=zero output=walk16_other start_coordinates=$from walk_coeff=0.8,5.0,1.5,-2.5 slope_factor=-0.3
r.cost --quiet input=friction output=cost8 start_coordinates=$from
r.cost --quiet input=wall output=cost8_wall start_coordinates=$from
for map in walk8 walk16 walk16_other cost8 cost8_wall; do
    r.out.gdal --quiet input=$map output=$map.bin format=ENVI type=Float64 nodata=-1
done
RUN
grass --tmp-location EPSG:32644 --exec sh "$work/run.sh" "$work"
python3 "$here/make_terrain.py" "$work" "$here/grass_reference.npz"
