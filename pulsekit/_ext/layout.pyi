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
def expand(
    used: np.ndarray,
    which: np.ndarray,
    ptr: np.ndarray,
    model_t0: np.ndarray,
    model_duration: np.ndarray,
    model_value: np.ndarray,
    model_angle: np.ndarray,
    stretch: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    entry_ptr: np.ndarray,
    entry_row: np.ndarray,
    entry_column: np.ndarray,
    entry_parameter: np.ndarray,
    entry_coefficient: np.ndarray,
    param_at: np.ndarray,
    params: np.ndarray,
    gate: np.ndarray,
    pool_row: np.ndarray,
    t0: np.ndarray,
    duration: np.ndarray,
    value: np.ndarray,
    angle: np.ndarray,
    touched: np.ndarray,
) -> None: ...
