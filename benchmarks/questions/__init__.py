"""Questions with known answers, made from templates with a fixed seed; what reads an answer and says whether it is right."""
