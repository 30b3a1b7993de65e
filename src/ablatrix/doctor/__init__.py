"""Is this machine fit to run studies, and what on it makes times scatter: findings with their remedies."""
