"""Measurements, not tests: what pages and batches cost beside plain SQL on the same rows."""
