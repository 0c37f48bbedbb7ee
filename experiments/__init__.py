"""Experiments: one command per question, and the tools that measure speed and make weights."""
