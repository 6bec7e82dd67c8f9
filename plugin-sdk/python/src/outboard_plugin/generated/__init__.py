"""What is generated from the protocol's method table; imported by whoever wants its words as types."""
