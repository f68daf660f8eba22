"""Models, releases and their cards: what can be asked for."""
