"""Distances between origins and sites."""
