"""The built-in world: rendered and sounded stages whose answers are computable."""
