"""Measures a model as it is served, and fits what a manifest says of it."""
