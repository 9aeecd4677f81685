import numpy as np

def place(
    circuit_ptr: np.ndarray,
    block: np.ndarray,
    offset: np.ndarray,
    duration: np.ndarray,
    anchor: np.ndarray,
    grid: np.ndarray,
    qubits: np.ndarray,
    set_ptr: np.ndarray,
    set_items: np.ndarray,
    alap: bool,
    free: np.ndarray,
    start: np.ndarray,
    total: np.ndarray,
) -> int: ...
def overlap(
    circuit_ptr: np.ndarray, t0: np.ndarray, duration: np.ndarray, channel: np.ndarray, busy: np.ndarray
) -> int: ...
def sort_rows(
    circuit_ptr: np.ndarray,
    t0: np.ndarray,
    duration: np.ndarray,
    key: np.ndarray,
    swap: np.ndarray,
    order: np.ndarray,
    other: np.ndarray,
) -> None: ...
def add_parameters(
    row: np.ndarray,
    column: np.ndarray,
    amount: np.ndarray,
    value: np.ndarray,
    angle: np.ndarray,
    touched: np.ndarray,
) -> None: ...
