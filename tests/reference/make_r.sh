#!/bin/sh
# Makes tests/reference/r_reference.npz. Needs R with the packages terra, raster and gdistance, and numpy.
#   sh tests/reference/make_r.sh
# The terrain and the friction are those of make_terrain.py. Hours on foot follow the vignette of gdistance, with the
# slope of each move; `accCost` and `costDist` give the cost from the start. terra counts no friction in the start cell.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/make_terrain.py" "$work"
cat > "$work/run.R" <<'RUN'
suppressMessages({library(raster); library(gdistance); library(terra)})
from <- scan("start.txt", sep = ",", quiet = TRUE)
put <- function(x, name) writeBin(as.double(t(x)), paste0(name, ".bin"))
height <- raster("height.asc"); crs(height) <- "EPSG:32644"
friction <- raster("friction.asc"); crs(friction) <- "EPSG:32644"
for (k in c(8, 16)) {
  slope <- geoCorrection(suppressWarnings(transition(height, function(x) x[2] - x[1], k, symm = FALSE)))
  near <- adjacent(height, cells = 1:ncell(height), pairs = TRUE, directions = k)
  speed <- slope
  speed[near] <- 6 / 3.6 * exp(-3.5 * abs(slope[near] + 0.05))
  put(as.matrix(accCost(geoCorrection(speed), from)), paste0("tobler", k))
  ease <- geoCorrection(transition(friction, function(x) 1 / mean(x), k))
  put(as.matrix(accCost(ease, from)), paste0("cost", k))
}
grid <- rast("friction.asc"); crs(grid) <- "EPSG:32644"
grid[cellFromXY(grid, matrix(from, 1))] <- 0
put(as.matrix(costDist(grid, target = 0, scale = 1), wide = TRUE), "terra")
writeLines(sapply(c("gdistance", "terra"), function(p) as.character(packageVersion(p))), "versions.txt")
RUN
(cd "$work" && Rscript run.R)
python3 - "$here" "$work" <<'PACK'
import sys
from pathlib import Path

import numpy as np

here, work = map(Path, sys.argv[1:])
sys.path.insert(0, str(here))
import make_terrain

arrays = {
    name: np.fromfile(work / f"{name}.bin").reshape(make_terrain.SHAPE).astype(np.float32)
    for name in ("tobler8", "tobler16", "cost8", "cost16", "terra")
}
versions = (work / "versions.txt").read_text().split()
np.savez_compressed(here / "r_reference.npz", versions=versions, **arrays)
PACK
