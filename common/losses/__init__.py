"""Losses as pure functions that return one value per example; the caller reduces them."""
