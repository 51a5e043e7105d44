# Takes the interpreter down.
# outcome: failed
import ctypes

ctypes.string_at(0)
