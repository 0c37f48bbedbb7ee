"""Feature extractors whose weights are part of the repository."""
