"""A package of somebody else: one file and one template add a model family."""
