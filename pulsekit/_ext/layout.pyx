"""Place gates in time, and merge their rows in order of time."""

from libc.stdint cimport int32_t, int64_t, uint8_t


def place(const int64_t[::1] circuit_ptr, const int32_t[::1] block, const int64_t[::1] offset,
          const int64_t[::1] duration, const int64_t[::1] anchor, const int64_t[::1] grid,
          const int32_t[::1] qubits, const int64_t[::1] set_ptr, const int32_t[::1] set_items,
          bint alap, int64_t[::1] free, int64_t[::1] start, int64_t[::1] total):
    """Write the start of every gate and the length of every circuit.

    Blocks (runs of equal ``block``) go where all of their qubits are free.
    ``free`` is scratch of one entry per qubit. Returns -1, or the gate whose
    block no shift can bring onto its grids.
    """
    cdef Py_ssize_t c, failed = -1
    cdef Py_ssize_t circuits = circuit_ptr.shape[0] - 1
    with nogil:
        for c in range(circuits):
            if alap:
                failed = _late(circuit_ptr[c], circuit_ptr[c + 1], block, offset, duration, anchor, grid,
                               qubits, set_ptr, set_items, free, start, total, c)
            else:
                failed = _soon(circuit_ptr[c], circuit_ptr[c + 1], block, offset, duration, anchor, grid,
                               qubits, set_ptr, set_items, free, start, total, c)
            if failed >= 0:
                break
    return failed


cdef inline void _clear(Py_ssize_t lo, Py_ssize_t hi, const int32_t[::1] qubits, const int64_t[::1] set_ptr,
                        const int32_t[::1] set_items, int64_t[::1] free) noexcept nogil:
    cdef Py_ssize_t i, k
    for i in range(lo, hi):
        for k in range(set_ptr[qubits[i]], set_ptr[qubits[i] + 1]):
            free[set_items[k]] = 0


cdef inline int64_t _latest(Py_ssize_t lo, Py_ssize_t hi, const int32_t[::1] qubits, const int64_t[::1] set_ptr,
                            const int32_t[::1] set_items, int64_t[::1] free) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef int64_t when = 0
    for i in range(lo, hi):
        for k in range(set_ptr[qubits[i]], set_ptr[qubits[i] + 1]):
            if free[set_items[k]] > when:
                when = free[set_items[k]]
    return when


cdef inline void _take(Py_ssize_t lo, Py_ssize_t hi, int64_t until, const int32_t[::1] qubits,
                       const int64_t[::1] set_ptr, const int32_t[::1] set_items, int64_t[::1] free) noexcept nogil:
    cdef Py_ssize_t i, k
    for i in range(lo, hi):
        for k in range(set_ptr[qubits[i]], set_ptr[qubits[i] + 1]):
            free[set_items[k]] = until


cdef inline int64_t _length(Py_ssize_t lo, Py_ssize_t hi, const int64_t[::1] offset,
                            const int64_t[::1] duration) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t longest = 0
    for i in range(lo, hi):
        if offset[i] + duration[i] > longest:
            longest = offset[i] + duration[i]
    return longest


cdef inline int64_t _align(Py_ssize_t lo, Py_ssize_t hi, int64_t when, int64_t length, bint backwards,
                           const int64_t[::1] offset, const int64_t[::1] anchor,
                           const int64_t[::1] grid) noexcept nogil:
    """The least time >= when that suits every grid of a block, or -1."""
    cdef Py_ssize_t i, sweep
    cdef int64_t rest
    cdef bint moved
    for sweep in range(64):
        moved = False
        for i in range(lo, hi):
            if grid[i] > 1:
                if backwards:
                    rest = (when + length - offset[i] - anchor[i]) % grid[i]
                else:
                    rest = (when + offset[i] + anchor[i]) % grid[i]
                if rest < 0:
                    rest += grid[i]
                if rest:
                    when += grid[i] - rest
                    moved = True
        if not moved:
            return when
    return -1


cdef inline int64_t _common_grid(Py_ssize_t lo, Py_ssize_t hi, const int64_t[::1] grid) noexcept nogil:
    cdef Py_ssize_t i
    cdef int64_t a, b, rest, common = 1
    for i in range(lo, hi):
        if grid[i] > 1 and common % grid[i]:
            a = common
            b = grid[i]
            while b:
                rest = a % b
                a = b
                b = rest
            common = common // a * grid[i]
    return common


cdef Py_ssize_t _soon(Py_ssize_t first, Py_ssize_t last, const int32_t[::1] block, const int64_t[::1] offset,
                      const int64_t[::1] duration, const int64_t[::1] anchor, const int64_t[::1] grid,
                      const int32_t[::1] qubits, const int64_t[::1] set_ptr, const int32_t[::1] set_items,
                      int64_t[::1] free, int64_t[::1] start, int64_t[::1] total, Py_ssize_t circuit) noexcept nogil:
    cdef Py_ssize_t lo = first, hi, i
    cdef int64_t when, length, end = 0
    _clear(first, last, qubits, set_ptr, set_items, free)
    while lo < last:
        hi = lo + 1
        while hi < last and block[hi] == block[lo]:
            hi += 1
        length = _length(lo, hi, offset, duration)
        when = _align(lo, hi, _latest(lo, hi, qubits, set_ptr, set_items, free), length, False, offset, anchor, grid)
        if when < 0:
            return lo
        for i in range(lo, hi):
            start[i] = when + offset[i]
        _take(lo, hi, when + length, qubits, set_ptr, set_items, free)
        if when + length > end:
            end = when + length
        lo = hi
    total[circuit] = end
    return -1


cdef Py_ssize_t _late(Py_ssize_t first, Py_ssize_t last, const int32_t[::1] block, const int64_t[::1] offset,
                      const int64_t[::1] duration, const int64_t[::1] anchor, const int64_t[::1] grid,
                      const int32_t[::1] qubits, const int64_t[::1] set_ptr, const int32_t[::1] set_items,
                      int64_t[::1] free, int64_t[::1] start, int64_t[::1] total, Py_ssize_t circuit) noexcept nogil:
    cdef Py_ssize_t hi = last, lo, i
    cdef int64_t when, length, common, end = 0
    _clear(first, last, qubits, set_ptr, set_items, free)
    while hi > first:
        lo = hi - 1
        while lo > first and block[lo - 1] == block[hi - 1]:
            lo -= 1
        length = _length(lo, hi, offset, duration)
        when = _align(lo, hi, _latest(lo, hi, qubits, set_ptr, set_items, free), length, True, offset, anchor, grid)
        if when < 0:
            return lo
        for i in range(lo, hi):
            start[i] = when + length - offset[i]
        _take(lo, hi, when + length, qubits, set_ptr, set_items, free)
        if when + length > end:
            end = when + length
        hi = lo
    common = _common_grid(first, last, grid)
    end = (end + common - 1) // common * common
    for i in range(first, last):
        start[i] = end - start[i]
    total[circuit] = end
    return -1


def overlap(const int64_t[::1] circuit_ptr, const int64_t[::1] t0, const int64_t[::1] duration,
            const int32_t[::1] channel, int64_t[::1] busy):
    """Return the first row that starts while its channel is taken, or -1.

    Rows of each circuit are sorted by ``t0``, those of no length first.
    ``busy`` is scratch of one entry per channel.
    """
    cdef Py_ssize_t c, i, found = -1
    cdef Py_ssize_t circuits = circuit_ptr.shape[0] - 1
    with nogil:
        for c in range(circuits):
            for i in range(busy.shape[0]):
                busy[i] = 0
            for i in range(circuit_ptr[c], circuit_ptr[c + 1]):
                if t0[i] < busy[channel[i]]:
                    found = i
                    break
                if duration[i]:
                    busy[channel[i]] = t0[i] + duration[i]
            if found >= 0:
                break
    return found


def sort_rows(const int64_t[::1] circuit_ptr, const int64_t[::1] t0, const int64_t[::1] duration,
              int64_t[::1] key, int64_t[::1] swap, int64_t[::1] order, int64_t[::1] other):
    """Write the stable order of each circuit's rows by time, no length first.

    Least-significant-digit radix sort, 11 bits at a time; linear. ``key``,
    ``swap`` and ``other`` are scratch, one entry per row.
    """
    cdef Py_ssize_t c
    with nogil:
        for c in range(circuit_ptr.shape[0] - 1):
            _sort(circuit_ptr[c], circuit_ptr[c + 1], t0, duration, key, swap, order, other)


cdef void _sort(Py_ssize_t lo, Py_ssize_t hi, const int64_t[::1] t0, const int64_t[::1] duration,
                int64_t[::1] key, int64_t[::1] swap, int64_t[::1] order, int64_t[::1] other) noexcept nogil:
    cdef Py_ssize_t i, digit
    cdef int64_t largest = 0, total, held
    cdef int shift = 0
    cdef int64_t[2048] count
    cdef bint sorted_already = True
    for i in range(lo, hi):
        key[i] = 2 * t0[i] + (duration[i] > 0)
        order[i] = i
        if i > lo and key[i] < key[i - 1]:
            sorted_already = False
        if key[i] > largest:
            largest = key[i]
    if sorted_already:
        return
    while largest >> shift:
        for digit in range(2048):
            count[digit] = 0
        for i in range(lo, hi):
            count[(key[i] >> shift) & 2047] += 1
        total = lo
        for digit in range(2048):
            held = count[digit]
            count[digit] = total
            total += held
        for i in range(lo, hi):
            digit = (key[i] >> shift) & 2047
            swap[count[digit]] = key[i]
            other[count[digit]] = order[i]
            count[digit] += 1
        for i in range(lo, hi):
            key[i] = swap[i]
            order[i] = other[i]
        shift += 11


def lower_rows(const int64_t[::1] circuit_ptr, const int64_t[::1] row_ptr, const int32_t[::1] snippet,
               const int64_t[::1] start, const int64_t[::1] length, const int32_t[::1] clbit,
               const int64_t[::1] param_at, const double[::1] params, const int64_t[::1] ptr,
               const int64_t[::1] model_t0, const int64_t[::1] model_duration, const uint8_t[::1] model_op,
               const int32_t[::1] model_channel, const int32_t[::1] model_ref, const double[::1] model_value,
               const double[::1] model_angle, const int32_t[::1] model_slot, const int32_t[::1] model_calibration,
               const int32_t[::1] model_label, const uint8_t[::1] stretch, const uint8_t[::1] from_clbit,
               const int64_t[::1] entry_ptr, const int32_t[::1] entry_row, const uint8_t[::1] entry_column,
               const int32_t[::1] entry_parameter, const double[::1] entry_coefficient,
               int64_t[::1] t0, int64_t[::1] duration, uint8_t[::1] op, int32_t[::1] channel, int32_t[::1] ref,
               double[::1] value, double[::1] angle, int32_t[::1] slot, int32_t[::1] source,
               int32_t[::1] calibration, int32_t[::1] label, int64_t[::1] gate, int64_t[::1] pool_row,
               uint8_t[::1] touched, int64_t[:, ::1] whole, double[:, ::1] real, uint8_t[::1] marked):
    """Copy the body of every gate to its time, with its parameters, sorted by time within each circuit.

    ``row_ptr`` holds where each circuit's rows go. ``whole`` (8 rows),
    ``real`` (2 rows) and ``marked`` are scratch as long as the largest
    circuit. Gates with snippet -1 have no rows.
    """
    cdef Py_ssize_t c, g, s, k, n, r, p, e, at, first
    cdef double amount
    cdef int64_t[::1] own_t0 = whole[0], own_duration = whole[1], own_gate = whole[2], own_row = whole[3]
    cdef int64_t[::1] key = whole[4], swap = whole[5], order = whole[6], other = whole[7]
    cdef double[::1] own_value = real[0], own_angle = real[1]
    with nogil:
        for c in range(circuit_ptr.shape[0] - 1):
            n = 0
            for g in range(circuit_ptr[c], circuit_ptr[c + 1]):
                s = snippet[g]
                if s < 0:
                    continue
                first = n
                for p in range(ptr[s], ptr[s + 1]):
                    own_t0[n] = start[g] + model_t0[p]
                    own_duration[n] = length[g] if stretch[p] else model_duration[p]
                    own_gate[n] = g
                    own_row[n] = p
                    own_value[n] = model_value[p]
                    own_angle[n] = model_angle[p]
                    marked[n] = 0
                    n += 1
                for e in range(entry_ptr[s], entry_ptr[s + 1]):
                    amount = entry_coefficient[e] * params[param_at[g] + entry_parameter[e]]
                    r = first + entry_row[e]
                    if entry_column[e]:
                        own_angle[r] += amount
                    else:
                        own_value[r] += amount
                    marked[r] = 1
            _sort(0, n, own_t0, own_duration, key, swap, order, other)
            at = row_ptr[c]
            for k in range(n):
                r = order[k]
                p = own_row[r]
                g = own_gate[r]
                t0[at] = own_t0[r]
                duration[at] = own_duration[r]
                op[at] = model_op[p]
                channel[at] = model_channel[p]
                ref[at] = model_ref[p]
                value[at] = own_value[r]
                angle[at] = own_angle[r]
                slot[at] = clbit[g] if from_clbit[p] and clbit[g] >= 0 else model_slot[p]
                source[at] = <int32_t>(g - circuit_ptr[c])
                calibration[at] = model_calibration[p]
                label[at] = model_label[p]
                gate[at] = g
                pool_row[at] = p
                touched[at] = marked[r]
                at += 1
