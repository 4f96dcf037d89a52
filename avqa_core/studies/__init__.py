"""Small experiments that a chapter runs live: seconds on one core, measured like large ones."""
