"""A voice on its way through the model to any number of outputs, while it is spoken."""
