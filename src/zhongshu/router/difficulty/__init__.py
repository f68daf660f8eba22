"""How hard a question is, and whether a draft answer can be trusted: features, a linear model, its training, measures."""
