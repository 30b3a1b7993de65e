"""Conference and Hadamard matrices, by Paley's constructions (R. Paley, "On orthogonal matrices", 1933).

A conference matrix C has zeros on its diagonal, else 1 and -1, and orthogonal columns; a Hadamard matrix has no zeros.
Both are made of the quadratic character of a finite field: 1 for squares, -1 for other elements, 0 for 0. The field has
q elements, an odd prime p or its square. In the field of p^2 elements a + b w, where w^2 is the non-square n of the
field of p, an element is a square where its norm a^2 - n b^2 is one.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int_]


@functools.lru_cache(maxsize=64)
def conference_matrix(order: int) -> Matrix | None:
    """Return a conference matrix of this order: symmetric where order - 1 is 1 modulo 4, else skew; None without one.

    There is one where order - 1 is an odd prime or its square.
    """
    characters = _characters(order - 1)
    if characters is None:
        return None
    matrix: Matrix = np.zeros((order, order), dtype=np.int_)
    matrix[0, 1:] = 1
    matrix[1:, 0] = 1 if order % 4 == 2 else -1
    matrix[1:, 1:] = characters
    return matrix


@functools.lru_cache(maxsize=64)
def hadamard_matrix(order: int) -> Matrix | None:
    """Return a Hadamard matrix of this order whose first row is all 1, None where these constructions have none.

    Of the multiples of 4 up to 200 they lack 92, 116, 156, 172, 184 and 188.
    """
    matrix = _hadamard(order)
    return None if matrix is None else matrix * matrix[0]


def _hadamard(order: int) -> Matrix | None:
    if order in {1, 2}:
        return np.array([[1, 1], [1, -1]], dtype=np.int_)[:order, :order]
    if order % 4:
        return None
    identity: Matrix = np.eye(order, dtype=np.int_)
    skew = conference_matrix(order)
    if skew is not None:
        return skew + identity
    symmetric = conference_matrix(order // 2) if order % 8 == 4 else None
    if symmetric is not None:
        half = identity[: order // 2, : order // 2]
        return np.block([[symmetric + half, symmetric - half], [symmetric - half, -symmetric - half]])
    smaller = _hadamard(order // 2)
    return None if smaller is None else np.kron(np.array([[1, 1], [1, -1]]), smaller)


def _characters(size: int) -> Matrix | None:
    """Return the character of the difference of any two elements of a field of this size; None without the field."""
    root = math.isqrt(size)
    if size % 2 and _is_prime(size):
        elements = np.arange(size)
        found: Matrix = _legendre(size)[(elements[:, np.newaxis] - elements) % size]
        return found
    if size % 2 and root * root == size and _is_prime(root):
        of_root = _legendre(root)
        other = int(np.argmin(of_root))  # the first that is no square
        high, low = np.divmod(np.arange(size), root)
        a = (low[:, np.newaxis] - low) % root
        b = (high[:, np.newaxis] - high) % root
        characters: Matrix = of_root[(a * a - other * b * b) % root]
        return characters
    return None


def _legendre(prime: int) -> Matrix:
    found: Matrix = np.full(prime, -1, dtype=np.int_)
    found[np.arange(1, prime) ** 2 % prime] = 1
    found[0] = 0
    return found


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % factor for factor in range(2, math.isqrt(number) + 1))
