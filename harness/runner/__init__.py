"""Runs: plan, one fresh process each, supervision, rows on disk as each ends."""
