"""The model artifact and what its answers mean: manifest, runtime, calibration, scope, interpretation."""
