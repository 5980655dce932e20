"""Sub-commands of `koemorph` that need the extra `train`."""
