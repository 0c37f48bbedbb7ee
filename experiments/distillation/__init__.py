"""Parts of `experiments.distill_extractor` and `experiments.distill_reference`."""
