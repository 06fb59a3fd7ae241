"""The interactive map; the only place that knows folium."""
