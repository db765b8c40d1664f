"""What a run's process measures: one pass a file, each a function `measure(job, device, seen)` that fills the observations."""
