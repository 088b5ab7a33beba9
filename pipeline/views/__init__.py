"""Pages that start, watch and cancel machine work, and those that need to know its rules."""
