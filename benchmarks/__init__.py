"""Compare pulsekit with its peers on the same work, in one run."""
