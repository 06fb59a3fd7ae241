#!/usr/bin/env bash
# Checks the map's scripts with TypeScript, as package.json pins it: each file, and all joined into one function as in
# the page, which shows the names that nothing uses. Without npm or the network it says so and passes.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null; then
  echo "The map's scripts were not checked: npm is not installed."
  exit 0
fi
if ! cmp -s package-lock.json node_modules/.installed; then
  if ! npm ci --loglevel error --no-audit --no-fund --ignore-scripts --fetch-retries 1; then
    echo "The map's scripts were not checked: npm could not install what package-lock.json pins."
    exit 0
  fi
  cp package-lock.json node_modules/.installed
fi

mkdir -p build
{
  echo '(() => {'
  "${PYTHON:-python3}" -c '
from importlib.resources import files
from geosettle.maps.offline import SCRIPTS
for name in SCRIPTS:
    print((files("geosettle.maps") / "static" / name).read_text("utf-8"))'
  echo '})();'
} >build/map_joined.js
node_modules/.bin/tsc --project .
