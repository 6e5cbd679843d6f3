"""Tests, by tier: unit, chaos, integration, browser, container; and measurements, in bench."""
