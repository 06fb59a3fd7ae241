"""Open data: the only package that opens a connection, and only when `geosettle fetch` asks."""
