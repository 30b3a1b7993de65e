"""Checks whether this machine can run studies and what makes its times scatter: findings with remedies."""
