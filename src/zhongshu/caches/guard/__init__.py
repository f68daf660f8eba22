"""Whether two questions can mean the same, by their words alone: English and Chinese."""
