import numpy as np

Array = np.ndarray

def poly(
    x: Array,
    dim: int,
    amp: Array,
    env: Array,
    env_of: Array,
    start: int,
    stop: int,
    turn: Array,
    lab: bool,
    powers: int,
    reach: int,
    row: Array,
    col: Array,
    shift: Array,
    first: Array,
    count: Array,
    more: Array,
    group: Array,
    coef: Array,
    lane_stride: int,
    work: Array,
) -> None: ...
def rho_poly(
    x: Array,
    dim: int,
    amp: Array,
    env: Array,
    env_of: Array,
    start: int,
    stop: int,
    turn: Array,
    lab: bool,
    powers: int,
    reach: int,
    row: Array,
    col: Array,
    shift: Array,
    first: Array,
    count: Array,
    more: Array,
    group: Array,
    coef: Array,
    lane_stride: int,
    work: Array,
    rows: Array,
    sources: Array,
    values: Array,
    skew: Array,
    edge_rows: Array,
    edge_sources: Array,
    edges: Array,
) -> None: ...
def rho_steps(
    x: Array,
    u: Array,
    dim: int,
    steps: int,
    work: Array,
    rows: Array,
    sources: Array,
    values: Array,
    skew: Array,
) -> None: ...
def expm(x: Array, g: Array, dim: int, squarings: int, work: Array) -> None: ...
def taylor(
    x: Array,
    diag: Array,
    amps: Array,
    first: Array,
    column: Array,
    entry: Array,
    ev: Array,
    order: int,
    work: Array,
) -> None: ...
def apply(x: Array, u: Array, dim: int, work: Array) -> None: ...
def scale(x: Array, phase: Array) -> None: ...
def chain(
    x: Array, u: Array, index: Array, angle: Array, number: Array, base: Array, gap: Array, work: Array
) -> None: ...
def modes(
    x: Array,
    inverse_at: Array,
    inverse: Array,
    values: Array,
    columns_at: Array,
    columns: Array,
    span: Array,
    work: Array,
) -> None: ...
