"""The Hamiltonian grammar, against matrices and against what must be refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsekit.device import snapshots
from pulsekit.device.hamiltonian import parse_hamiltonian, parse_term
from pulsekit.device.snapshots import load_snapshot
from pulsekit.errors import DeviceError

DIM = 8  # of each oscillator; products of few operators are exact far below the cut
KEEP = 3


A = np.diag(np.sqrt(np.arange(1, DIM)), 1).astype(complex)
NUMBER = A.T @ A
ONE = {
    "I": np.eye(DIM),
    "X": A + A.T,
    "Y": 1j * (A.T - A),
    "Z": np.eye(DIM) - 2 * NUMBER,
    "Sp": A.T,
    "Sm": A,
    "O": NUMBER,
    "N": NUMBER,
    "P": NUMBER,
}


def matrix_of_factors(factors):
    """Product of named operators on two oscillators."""
    parts = [np.eye(DIM), np.eye(DIM)]
    for name, q in factors:
        parts[q] = parts[q] @ ONE[name]
    return np.kron(*parts)


def matrix_of_polynomial(polynomial):
    out = np.zeros((DIM**2, DIM**2), complex)
    for monomial, value in polynomial.items():
        out += value * matrix_of_factors([f for q, m, k in monomial for f in [("Sp", q)] * m + [("Sm", q)] * k])
    return out


def low(matrix):
    keep = [i for i in range(DIM**2) if i // DIM < KEEP and i % DIM < KEEP]
    return matrix[np.ix_(keep, keep)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["X", "Y", "Z", "Sp", "Sm", "O", "N", "P", "I"]), st.integers(0, 1)),
        min_size=1,
        max_size=4,
    ),
    st.floats(-3, 3, allow_nan=False),
)
def test_products_are_the_matrices(factors, coefficient):
    text = "*".join([f"({coefficient!r})", *(f"{name}{q}" for name, q in factors)])
    ((channel, polynomial),) = parse_term(text, {})
    expected = coefficient * matrix_of_factors(factors)
    assert channel is None
    assert np.allclose(low(matrix_of_polynomial(polynomial)), low(expected), atol=1e-9)


def test_sums_powers_brackets_and_indices():
    variables = {"w0": 5.0, "w1": 7.0, "d": -0.3}
    (first,) = parse_term("w0 / 2 * (I0 - Z0)", variables)
    assert first[1] == {(): 0, ((0, 1, 1),): 5.0}
    terms = parse_term("_SUM[i,0,1,w{i}*O{i} + d/2*(O{i}^2 - O{i})]", variables)
    assert [p[((q, 1, 1),)] for q, (_, p) in enumerate(terms)] == [5.0, 7.0]
    assert [p[((q, 2, 2),)] for q, (_, p) in enumerate(terms)] == [-0.15, -0.15]
    assert parse_term("_SUM[i,0,1,d*X{i}||D{i}]", variables)[1][0] == "d1"
    nested = parse_term("_SUM[i,0,1,_SUM[j,0,1,w{i}*O{j}]]", variables)
    assert len(nested) == 4
    (shifted,) = parse_term("_SUM[i,1,1,w{i}*Sp{i}*Sm{i-1}]", variables)
    assert ((0, 0, 1), (1, 1, 0)) in shifted[1]
    assert parse_term("2*np.pi*O0**2", {})[0][1][((0, 2, 2),)] == pytest.approx(2 * np.pi)


def test_a_chain_however_it_is_written():
    variables = {"w": 30.0, "a": -2.0, "j": 0.01, "r": 1.5}
    ways = [
        ["w/2*(I0-Z0)", "a/2*O0*O0", "-a/2*O0", "w*O1", "a/2*Sp1*Sp1*Sm1*Sm1", "j*Sp0*Sm1", "j*Sm0*Sp1"],
        ["w*N0+a/2*N0*(N0-I0)", "w*N1+a/2*(N1^2-N1)", "j*(Sp0*Sm1+Sp1*Sm0)"],
        ["w*O0+a/2*(O0^2-O0)", "w*O1+a/2*(O1^2-O1)", "j/2*(X0*X1+Y0*Y1)"],
        ["w*O0+a/2*(O0^2-O0)", "w*O1+a/2*(O1^2-O1)", "j*X0*X1"],
    ]
    for way in ways:
        found = parse_hamiltonian([*way, "r*X0||D0", "r*Y1||U2"], variables)
        assert found.frequency == pytest.approx({0: 30.0, 1: 30.0})
        assert found.anharmonicity == pytest.approx({0: -2.0, 1: -2.0})
        assert found.exchange == pytest.approx({(0, 1): 0.01})
        assert found.lines == {"d0": ((0, 1.5),), "u2": ((1, -1.5j),)}


def test_a_line_of_strength_zero_still_names_its_qubit():
    assert parse_hamiltonian(["r*X3||U7"], {"r": 0}).lines == {"u7": ((3, 0),)}


@pytest.mark.parametrize(
    "term",
    [
        "Q0",
        "w*A0",
        "2*(O0",
        "w*O0)",
        "O0*O1",
        "w*Sp0",
        "O0||D0",
        "X0||M0",
        "X0||D0||D1",
        "w*j*Sp0*Sm1",
        "O0/O1",
        "O0^99",
        "_SUM[i,0,1,O{i}",
        "_SUM[i,0,999999999,O{i}]",
        "__import__('os').system('true')",
        "w.real*O0",
        "lambda: 0",
        "",
    ],
)
def test_anything_else_is_a_clear_error(term):
    with pytest.raises(DeviceError, match="Hamiltonian term"):
        parse_hamiltonian([term], {"w": 1.0, "j": 1.0})


def test_variables_must_be_finite_numbers():
    for value in (float("nan"), float("inf"), "5", None, True):
        with pytest.raises(DeviceError, match="variable 'w'"):
            parse_hamiltonian(["w*O0"], {"w": value})


def test_every_shipped_hamiltonian_is_a_duffing_chain():
    for name in ("ibm_perth", "ibmq_poughkeepsie", "ibm_washington"):
        configuration, _, _ = load_snapshot(name)
        hamiltonian = configuration["hamiltonian"]
        found = parse_hamiltonian(hamiltonian["h_str"], hamiltonian["vars"])
        variables = hamiltonian["vars"]
        assert len(found.frequency) == configuration["n_qubits"]
        for q, w in found.frequency.items():
            assert w == pytest.approx(variables[f"wq{q}"], rel=1e-12)
        for (a, b), j in found.exchange.items():
            assert j == variables[f"jq{a}q{b}"]
        assert all(len(found.lines[f"u{u}"]) == 1 for u in range(configuration["n_uchannels"])), json.dumps(
            configuration["n_uchannels"]
        )
    assert len(snapshots()) >= 33
