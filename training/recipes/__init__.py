"""Recipes: how the training data of a model is made from published data."""
