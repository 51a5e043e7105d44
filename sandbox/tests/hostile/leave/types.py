# Changes the interpreter's own types and constants, in memory, where Python would not let it.
# outcome: ok or failed
# container: kept
import ctypes
import gc

gc.get_referents(str.__dict__)[0]["left"] = "left"
gc.get_referents(int.__dict__)[0]["__add__"] = lambda a, b: 5
ctypes.pythonapi.PyType_Modified(ctypes.py_object(str))
ctypes.memset(id(256) + 24, 7, 4)
