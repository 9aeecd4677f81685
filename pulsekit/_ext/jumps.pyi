import numpy as np

def picked(
    re: np.ndarray,
    im: np.ndarray,
    margin: int,
    rates: np.ndarray,
    first: np.ndarray,
    uniform: np.ndarray,
    reach: np.ndarray,
    which: np.ndarray,
) -> None: ...
def jumped(
    re: np.ndarray,
    im: np.ndarray,
    margin: int,
    origin: np.ndarray,
    factor: np.ndarray,
    ket: np.ndarray,
    which: np.ndarray,
    out_re: np.ndarray,
    out_im: np.ndarray,
) -> None: ...
def normalised(x: np.ndarray, turn: np.ndarray, out: np.ndarray) -> None: ...
