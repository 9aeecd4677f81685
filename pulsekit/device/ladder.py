"""Multiply ladder operators symbolically, in normal order.

A monomial is a tuple of (qubit, m, n), sorted by qubit, and means the product
of a_q^dag^m a_q^n; a polynomial maps monomials to complex coefficients. The
empty monomial is the identity.
"""

from __future__ import annotations

from itertools import product
from math import comb, factorial
from typing import Dict, List, Optional, Tuple

__all__ = ["Polynomial", "constant", "is_constant", "ladder", "multiply", "power", "scale", "total"]

Monomial = Tuple[Tuple[int, int, int], ...]
Polynomial = Dict[Monomial, complex]

_OPERATORS: Dict[str, Dict[Tuple[int, int], complex]] = {
    "I": {(0, 0): 1.0},
    "X": {(0, 1): 1.0, (1, 0): 1.0},
    "Y": {(0, 1): -1j, (1, 0): 1j},
    "Z": {(0, 0): 1.0, (1, 1): -2.0},
    "Sp": {(1, 0): 1.0},
    "Sm": {(0, 1): 1.0},
    "O": {(1, 1): 1.0},
    "P": {(1, 1): 1.0},
    "N": {(1, 1): 1.0},
}


def constant(value: complex) -> Polynomial:
    """Return a number times the identity."""
    return {(): complex(value)}


def is_constant(polynomial: Polynomial) -> Optional[complex]:
    """Return the number that the polynomial is, or None."""
    return polynomial.get((), 0j) if set(polynomial) <= {()} else None


def ladder(name: str, qubit: int) -> Polynomial:
    """Return an operator by its name in OpenPulse Hamiltonians."""
    return {((qubit, m, n),) if m or n else (): complex(c) for (m, n), c in _OPERATORS[name].items()}


def scale(polynomial: Polynomial, factor: complex) -> Polynomial:
    """Return a multiple."""
    return {k: v * factor for k, v in polynomial.items()}


def total(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a sum; monomials with coefficient 0 stay (a drive of strength 0 still names its qubit)."""
    out = dict(a)
    for key, value in b.items():
        out[key] = out.get(key, 0j) + value
    return out


def power(polynomial: Polynomial, exponent: int) -> Polynomial:
    """Return an integer power."""
    out = constant(1.0)
    for _ in range(exponent):
        out = multiply(out, polynomial)
    return out


def multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a product in normal order."""
    out: Polynomial = {}
    for (x, u), (y, v) in product(a.items(), b.items()):
        for monomial, weight in _times(x, y):
            out[monomial] = out.get(monomial, 0j) + u * v * weight
    return out


def _times(x: Monomial, y: Monomial) -> List[Tuple[Monomial, float]]:
    """Use a^n a^dag^m = sum_k k! C(n,k) C(m,k) a^dag^(m-k) a^(n-k)."""
    left, right = {q: (m, n) for q, m, n in x}, {q: (m, n) for q, m, n in y}
    out: List[Tuple[Monomial, float]] = [((), 1.0)]
    for qubit in sorted(set(left) | set(right)):
        m1, n1 = left.get(qubit, (0, 0))
        m2, n2 = right.get(qubit, (0, 0))
        parts = [
            (m1 + m2 - k, n1 + n2 - k, float(factorial(k) * comb(n1, k) * comb(m2, k))) for k in range(min(n1, m2) + 1)
        ]
        out = [
            (monomial + (((qubit, m, n),) if m or n else ()), weight * w)
            for monomial, weight in out
            for m, n, w in parts
        ]
    return out
