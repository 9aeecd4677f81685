"""Walk circuit instructions at the speed of attribute reads.

Works on any objects that have the attributes of terra's CircuitInstruction;
imports nothing, and leaves whatever is unusual to Python callbacks.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItem
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

cdef enum:
    TYPES = 64  # operation types remembered

PLAIN, SHARED, OTHER = range(3)
cdef int64_t EMPTY = -1


cdef inline uint64_t _mix(uint64_t x) noexcept nogil:
    x ^= x >> 33
    x *= <uint64_t>0xff51afd7ed558ccdU
    x ^= x >> 33
    return x


cdef class _Map:
    """Open-addressing hash map from int64 keys (never -1) to int64 values."""

    cdef int64_t *keys
    cdef int64_t *values
    cdef Py_ssize_t size, used

    def __cinit__(self, Py_ssize_t size=64):
        self.keys = NULL
        self.values = NULL
        self._allocate(size)

    def __dealloc__(self):
        free(self.keys)
        free(self.values)

    cdef int _allocate(self, Py_ssize_t size) except -1:
        self.keys = <int64_t *>malloc(size * sizeof(int64_t))
        self.values = <int64_t *>malloc(size * sizeof(int64_t))
        if self.keys == NULL or self.values == NULL:
            raise MemoryError
        memset(self.keys, 0xff, size * sizeof(int64_t))
        self.size = size
        self.used = 0
        return 0

    cdef void clear(self) noexcept:
        memset(self.keys, 0xff, self.size * sizeof(int64_t))
        self.used = 0

    cdef inline int64_t get(self, int64_t key) noexcept:
        cdef Py_ssize_t k = _mix(<uint64_t>key) & (self.size - 1)
        while self.keys[k] != EMPTY:
            if self.keys[k] == key:
                return self.values[k]
            k = (k + 1) & (self.size - 1)
        return EMPTY

    cdef int put(self, int64_t key, int64_t value) except -1:
        cdef int64_t *keys
        cdef int64_t *values
        cdef Py_ssize_t k, old
        if 2 * (self.used + 1) > self.size:
            keys, values, old = self.keys, self.values, self.size
            self._allocate(2 * old)
            for k in range(old):
                if keys[k] != EMPTY:
                    self.put(keys[k], values[k])
            free(keys)
            free(values)
        k = _mix(<uint64_t>key) & (self.size - 1)
        while self.keys[k] != EMPTY and self.keys[k] != key:
            k = (k + 1) & (self.size - 1)
        if self.keys[k] == EMPTY:
            self.used += 1
        self.keys[k] = key
        self.values[k] = value
        return 0


cdef class Scanner:
    """Turns instructions into codes and parameters.

    Args:
        classify: (operation) -> PLAIN (its ``_name`` and ``_params`` count),
            SHARED (an immutable object without parameters) or OTHER (read the
            public attributes).
        new_key: (instruction, name, qubits, clbits) -> (code, flags); flag 1:
            always ``slow``, flag 2: has no parameters whatever it says.
        slow: (row, first free parameter slot, operation, code) -> floats.
        refuse: called with (operation, qubits) on a condition; must raise.
    """

    cdef object classify, new_key, slow, refuse
    cdef dict names, wide
    cdef list keep
    cdef _Map codes_of, shared, bits, clbits
    cdef int32_t *codes
    cdef int32_t *counts
    cdef int64_t *rows
    cdef double *params
    cdef int32_t *flags
    cdef readonly Py_ssize_t n, n_rows, n_params
    cdef Py_ssize_t room, room_rows, room_params, room_flags
    cdef PyObject *types[TYPES]
    cdef int kinds[TYPES]
    cdef int n_types

    def __cinit__(self, classify, new_key, slow, refuse):
        self.classify, self.new_key, self.slow, self.refuse = classify, new_key, slow, refuse
        self.names, self.wide, self.keep = {}, {}, []
        self.codes_of, self.shared, self.bits, self.clbits = _Map(256), _Map(), _Map(), _Map()
        self.room = self.room_rows = self.room_params = self.room_flags = 1024
        self.codes = <int32_t *>malloc(self.room * sizeof(int32_t))
        self.counts = <int32_t *>malloc(self.room_rows * sizeof(int32_t))
        self.rows = <int64_t *>malloc(self.room_rows * sizeof(int64_t))
        self.params = <double *>malloc(self.room_params * sizeof(double))
        self.flags = <int32_t *>malloc(self.room_flags * sizeof(int32_t))
        if not (self.codes and self.counts and self.rows and self.params and self.flags):
            raise MemoryError

    def __dealloc__(self):
        free(self.codes)
        free(self.counts)
        free(self.rows)
        free(self.params)
        free(self.flags)

    def read(self, list data, list qubits, list clbits, own=None):
        """Append the instructions of one circuit.

        Args:
            data: its instructions.
            qubits: its qubits; likewise ``clbits``.
            own: None, or called with (row, operation, qubits, clbits) for
                every instruction of a circuit with calibrations.
        """
        cdef Py_ssize_t k
        cdef int32_t code
        self._number_bits(qubits, clbits)
        cdef Py_ssize_t length = PyList_GET_SIZE(data)
        while self.room < self.n + length:
            self.room *= 2
            self.codes = <int32_t *>realloc(self.codes, self.room * sizeof(int32_t))
            if self.codes == NULL:
                raise MemoryError
        for k in range(length):
            code = self._one(<object>PyList_GET_ITEM(data, k), own)
            self.codes[self.n] = code
            self.n += 1

    cdef int _number_bits(self, list qubits, list clbits) except -1:
        cdef Py_ssize_t k
        self.bits.clear()
        self.clbits.clear()
        for k in range(PyList_GET_SIZE(qubits)):
            self.bits.put(<int64_t>PyList_GET_ITEM(qubits, k), k)
        for k in range(PyList_GET_SIZE(clbits)):
            self.clbits.put(<int64_t>PyList_GET_ITEM(clbits, k), k)
        return 0

    cdef int _kind(self, object operation) except -1:
        cdef object kept = type(operation)
        cdef PyObject *cls = <PyObject *>kept
        cdef int k
        for k in range(self.n_types):
            if self.types[k] == cls:
                return self.kinds[k]
        cdef int kind = self.classify(operation)
        if self.n_types < TYPES:
            self.keep.append(kept)
            self.types[self.n_types] = cls
            self.kinds[self.n_types] = kind
            self.n_types += 1
        return kind

    cdef int64_t _name(self, object name) except -1:
        cdef PyObject *found = PyDict_GetItem(self.names, name)
        if found != NULL:
            return <object>found
        self.names[name] = len(self.names)
        return self.names[name]

    cdef int32_t _one(self, object instruction, object own) except -1:
        cdef object operation = instruction.operation
        cdef int kind = self._kind(operation)
        cdef int64_t name = EMPTY
        cdef object params = None
        cdef int32_t code
        if kind == 1:
            name = self.shared.get(<int64_t><PyObject *>operation)
            if name == EMPTY:
                name = self._name(operation.name)
                self.keep.append(operation)
                self.shared.put(<int64_t><PyObject *>operation, name)
        elif kind == 0:
            name = self._name(operation._name)
            params = operation._params
        else:
            name = self._name(operation.name)
            params = getattr(operation, "params", None)
        code = self._code(instruction, name)
        if kind != 1 and getattr(operation, "_condition", None) is not None:
            self.refuse(operation, instruction.qubits)
        if self.flags[code] & 1 or (params and not self.flags[code] & 2):
            self._parameters(operation, params, code)
        if own is not None:
            own(self.n, operation, instruction.qubits, instruction.clbits)
        return code

    cdef int32_t _code(self, object instruction, int64_t name) except -1:
        cdef tuple qubits = instruction.qubits
        cdef tuple clbits = instruction.clbits
        cdef Py_ssize_t n = PyTuple_GET_SIZE(qubits), m = PyTuple_GET_SIZE(clbits)
        cdef int64_t a = 0, b = 0, c = 0, key, code
        if 0 < n <= 2 and m <= 1 and name < 2048:
            a = self.bits.get(<int64_t>PyTuple_GET_ITEM(qubits, 0))
            if n == 2:
                b = self.bits.get(<int64_t>PyTuple_GET_ITEM(qubits, 1)) + 1
                if b == 0:
                    a = EMPTY
            if m:
                c = self.clbits.get(<int64_t>PyTuple_GET_ITEM(clbits, 0)) + 1
                if c == 0:
                    a = EMPTY
            if a != EMPTY and a < 131072 and b < 131072 and c < 131072:
                key = (((name << 17 | a) << 17) | b) << 17 | c
                code = self.codes_of.get(key)
                if code == EMPTY:
                    code = self._new(instruction, name, qubits, clbits)
                    self.codes_of.put(key, code)
                return code
        wide = (name, tuple([self._bit(self.bits, q) for q in qubits]), tuple([self._bit(self.clbits, q) for q in clbits]))
        if wide not in self.wide:
            self.wide[wide] = self._new(instruction, name, qubits, clbits)
        return self.wide[wide]

    cdef object _bit(self, _Map bits, object bit):
        cdef int64_t found = bits.get(<int64_t><PyObject *>bit)
        return bit if found == EMPTY else found

    cdef int32_t _new(self, object instruction, int64_t name, tuple qubits, tuple clbits) except -1:
        text = list(self.names)[name]
        q = tuple([self._bit(self.bits, x) for x in qubits])
        c = tuple([self._bit(self.clbits, x) for x in clbits])
        cdef int32_t code, flags
        code, flags = self.new_key(instruction, text, q, c)
        while code >= self.room_flags:
            self.room_flags *= 2
            self.flags = <int32_t *>realloc(self.flags, self.room_flags * sizeof(int32_t))
            if self.flags == NULL:
                raise MemoryError
        self.flags[code] = flags
        return code

    cdef int _parameters(self, object operation, object params, int32_t code) except -1:
        cdef Py_ssize_t k, count = 0
        cdef bint plain = not self.flags[code] & 1 and type(params) is list
        cdef object value
        cdef double number
        if plain:
            count = PyList_GET_SIZE(params)
            for k in range(count):
                value = <object>PyList_GET_ITEM(params, k)
                if not PyFloat_Check(value) or not isfinite(PyFloat_AS_DOUBLE(value)):
                    plain = False
                    break
        if not plain:
            params = self.slow(self.n, self.n_params, operation, code)
            count = PyList_GET_SIZE(params)
        if not count:
            return 0
        while self.room_params < self.n_params + count:
            self.room_params *= 2
            self.params = <double *>realloc(self.params, self.room_params * sizeof(double))
            if self.params == NULL:
                raise MemoryError
        if self.room_rows == self.n_rows:
            self.room_rows *= 2
            self.rows = <int64_t *>realloc(self.rows, self.room_rows * sizeof(int64_t))
            self.counts = <int32_t *>realloc(self.counts, self.room_rows * sizeof(int32_t))
            if self.rows == NULL or self.counts == NULL:
                raise MemoryError
        for k in range(count):
            number = <object>PyList_GET_ITEM(params, k)
            self.params[self.n_params + k] = number
        self.rows[self.n_rows] = self.n
        self.counts[self.n_rows] = <int32_t>count
        self.n_rows += 1
        self.n_params += count
        return 0

    def result(self):
        """Return bytes of: codes int32, rows with parameters int64, their counts int32, parameters float64."""
        return (
            PyBytes_FromStringAndSize(<char *>self.codes, self.n * sizeof(int32_t)),
            PyBytes_FromStringAndSize(<char *>self.rows, self.n_rows * sizeof(int64_t)),
            PyBytes_FromStringAndSize(<char *>self.counts, self.n_rows * sizeof(int32_t)),
            PyBytes_FromStringAndSize(<char *>self.params, self.n_params * sizeof(double)),
        )
