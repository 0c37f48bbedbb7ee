"""Devices, replicas of a model and clusters of processes."""
