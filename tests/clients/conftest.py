"""Tuned devices, made once for all client tests."""

from __future__ import annotations

import client_sites
import pytest


@pytest.fixture(scope="session")
def lone():
    return client_sites.lone()


@pytest.fixture(scope="session")
def pair():
    return client_sites.pair()


@pytest.fixture(scope="session")
def perth():
    return client_sites.snapshot("ibm_perth")


@pytest.fixture(scope="session")
def manila():
    return client_sites.snapshot("ibmq_manila")


@pytest.fixture(params=["scratch q0", "ibm_perth q5"])
def site(request):
    """A qubit of a device from scratch, and a hub of a snapshot."""
    if request.param == "scratch q0":
        return client_sites.Site(request.getfixturevalue("lone"), 0)
    return client_sites.Site(request.getfixturevalue("perth"), 5)
