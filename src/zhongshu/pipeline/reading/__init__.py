"""What is made into text for models that take no documents, sound or pictures."""
