import numpy as np

def local_products(
    diagonal: np.ndarray, tau: np.ndarray, f1: np.ndarray, f2: np.ndarray, first: np.ndarray, out: np.ndarray
) -> None: ...
def run(
    re: np.ndarray,
    im: np.ndarray,
    margin: int,
    total: int,
    levels: np.ndarray,
    strides: np.ndarray,
    group: int,
    dp: int,
    segments: np.ndarray,
    busy: np.ndarray,
    tables: np.ndarray,
    layers: np.ndarray,
    pool: np.ndarray,
    kinds: np.ndarray,
    diagonal: np.ndarray,
    place: np.ndarray,
    fresh: bool,
    budget: int,
    span: np.ndarray,
    rate: np.ndarray,
    threshold: float,
    norms: np.ndarray,
) -> bool: ...
def layer(
    re: np.ndarray, im: np.ndarray, margin: int, total: int, dp: int, gates: np.ndarray, pool: np.ndarray
) -> None: ...
def products(fine: np.ndarray, sites: np.ndarray, levels: np.ndarray, count: np.ndarray, out: np.ndarray) -> None: ...
def carried(
    energies: np.ndarray,
    levels: np.ndarray,
    sites: np.ndarray,
    tones: np.ndarray,
    numbers: np.ndarray,
    samples: np.ndarray,
    tau: float,
    per: int,
    out: np.ndarray,
) -> None: ...
def straightened(
    fine: np.ndarray,
    sites: np.ndarray,
    levels: np.ndarray,
    place: np.ndarray,
    tones: np.ndarray,
    numbers: np.ndarray,
    samples: np.ndarray,
    dt: float,
    weight: float,
    kick: np.ndarray,
    rough: np.ndarray,
    out: np.ndarray,
) -> None: ...
def sparse_times(start: np.ndarray, column: np.ndarray, value: np.ndarray, x: np.ndarray, out: np.ndarray) -> None: ...
def turned(
    start: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    x: np.ndarray,
    sign: float,
    work: np.ndarray,
    out: np.ndarray,
) -> None: ...
