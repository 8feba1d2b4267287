"""Pictures to learn from: scenes, film, damage, capture, and pictures that are no colour negatives."""
