"""Probes: each reads one raw signal of a run and changes nothing about it."""
