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
r.walk --quiet elevation=height friction=friction output=walk8_lambda start_coordinates=$from lambda=0.3
r.walk --quiet -k elevation=height friction=friction output=walk16_lambda start_coordinates=$from lambda=2
r.cost --quiet input=wall output=cost8_wall start_coordinates=$from
r.walk --quiet elevation=height friction=zero output=back8 outdir=to8 start_coordinates=$from
r.walk --quiet -k elevation=height friction=zero output=back16 outdir=to16 start_coordinates=$from
for end in 450,350 7550,550 6850,5750; do
    for k in 8 16; do
        r.path --quiet input=to$k start_coordinates=$end vector_path=path
        v.out.ascii --quiet input=path format=standard |
            awk -v k=$k -v e="${end%,*}" '/^ +[0-9.]+ +[0-9.]+ *$/ && $1 > 1 {print k, e, $1, $2}' >> paths.txt
        g.remove -f --quiet type=vector name=path
    done
done
for map in walk8 walk16 walk16_other walk8_lambda walk16_lambda cost8 cost8_wall; do
    r.out.gdal --quiet input=$map output=$map.bin format=ENVI type=Float64 nodata=-1
done
RUN
cat > "$work/rough.sh" <<'RUN'
set -eu
cd "$1"
# Grids of 300 x 300 with oblong cells, 50 m wide and 30 m high. (In degrees r.walk counts degrees, not metres.)
for name in rough holes corners; do
    r.in.bin --quiet -f input=$name.bin output=$name bytes=4 anull=-9999 north=9000 south=0 east=15000 west=0 rows=300 cols=300
done
g.region raster=rough
r.mapcalc --quiet "zero = 0.0"
r.cost --quiet input=holes output=rough_cost8 start_coordinates=7025,4485
r.walk --quiet elevation=rough friction=zero output=rough_walk8 start_coordinates=7025,4485
r.walk --quiet -k elevation=rough friction=zero output=rough_walk16 start_coordinates=7025,4485
r.cost --quiet input=corners output=corner_cost8 start_coordinates=7025,4485
for map in rough_cost8 rough_walk8 rough_walk16 corner_cost8; do
    r.out.gdal --quiet input=$map output=$map.bin format=ENVI type=Float64 nodata=-1
done
RUN
grass --tmp-location EPSG:32644 --exec sh "$work/run.sh" "$work"
grass --tmp-location EPSG:32644 --exec sh "$work/rough.sh" "$work"
python3 "$here/make_terrain.py" "$work" "$here/grass_reference.npz"
