"""Ask the processor which instruction-set level it has."""

cdef extern from *:
    """
    #if (defined(__x86_64__) || defined(__amd64__)) && (defined(__GNUC__) || defined(__clang__))
    static int pulsekit_level(void) {
        __builtin_cpu_init();
        int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
              && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
        int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
              && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
              && __builtin_cpu_supports("avx512vl");
        return v4 ? 4 : (v3 ? 3 : 1);
    }
    #else
    static int pulsekit_level(void) { return 1; }
    #endif
    """
    int pulsekit_level() nogil


def level():
    """Return 4 (x86-64-v4), 3 (x86-64-v3) or 1 (anything else)."""
    return pulsekit_level()
