"""XLA through JAX as a compiler."""
