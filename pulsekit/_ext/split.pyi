from typing import List

import numpy as np

def local_products(
    diagonal: np.ndarray, tau: np.ndarray, f1: np.ndarray, f2: np.ndarray, first: np.ndarray, out: np.ndarray
) -> None: ...
def steps(
    re: np.ndarray,
    im: np.ndarray,
    margin: int,
    total: int,
    levels: np.ndarray,
    strides: np.ndarray,
    group: int,
    dp: int,
    busy: np.ndarray,
    tables: List[np.ndarray],
    start: int,
    count: int,
    layers: np.ndarray,
    pool: np.ndarray,
    diagonals: np.ndarray,
    diagonal: np.ndarray,
    opening: int,
    closing: int,
    floor: float,
) -> int: ...
def norm(re: np.ndarray, im: np.ndarray, margin: int, total: int) -> float: ...
def compose(fine: np.ndarray, out: np.ndarray, d: int) -> None: ...
def products(fine: np.ndarray, first: np.ndarray, out: np.ndarray, d: int) -> None: ...
def turned(u: np.ndarray, which: np.ndarray, turn: np.ndarray, d: int, out: np.ndarray) -> None: ...
def sparse_times(start: np.ndarray, column: np.ndarray, value: np.ndarray, x: np.ndarray, out: np.ndarray) -> None: ...
