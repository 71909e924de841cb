"""A LightGBM model in its C library, without the Python package above it.

`import lightgbm` brings SciPy and, where they are installed, pandas and scikit-learn: 150 MB of a worker's memory and
of an image, none of which a contribution needs. The library is the one that the package ships; the functions are those
of its documented C API (https://lightgbm.readthedocs.io/en/stable/C-API.html).
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_void_p
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import finalize

import numpy as np

from portfolio.errors import BundleError

LIBRARIES = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")
FLOAT32, ROW_MAJOR, CONTRIBUTIONS, ALL_ROUNDS = 0, 1, 3, -1  # C_API_DTYPE_…, is_row_major, C_API_PREDICT_…
ONE_THREAD = b"num_threads=1"

Matrix = np.ndarray[Any, np.dtype[np.float64]]


class Booster:
    """Trees read from LightGBM's text form; raises BundleError for a text that holds none."""

    def __init__(self, text: bytes) -> None:
        self._library = _library()
        self._trees = c_void_p()
        rounds = c_int()
        if self._library.LGBM_BoosterLoadModelFromString(text, byref(rounds), byref(self._trees)):
            raise BundleError(f"No LightGBM model: {self._reason()}.")
        finalize(self, self._library.LGBM_BoosterFree, self._trees)
        classes = c_int()
        if self._library.LGBM_BoosterGetNumClasses(self._trees, byref(classes)) or classes.value != 1:
            raise BundleError(f"A LightGBM model of one score is expected, this has {classes.value}.")

    def contributions(self, encoded: np.ndarray[Any, Any]) -> Matrix:
        """SHAP values of encoded rows [N, k] as [N, k + 1]; the last column is the base."""
        rows, columns = encoded.shape
        matrix = np.ascontiguousarray(encoded, dtype=np.float32)
        answer = np.empty((rows, columns + 1))
        length = c_int64()
        failed = self._library.LGBM_BoosterPredictForMat(
            self._trees, matrix.ctypes.data, FLOAT32, rows, columns, ROW_MAJOR,
            CONTRIBUTIONS, 0, ALL_ROUNDS, ONE_THREAD, byref(length), answer.ctypes.data,
        )  # fmt: skip
        if failed or length.value != answer.size:
            raise BundleError(f"LightGBM gives no contributions: {self._reason()}.")
        return answer

    def _reason(self) -> str:
        return str(self._library.LGBM_GetLastError().decode(errors="replace"))


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    package = find_spec("lightgbm")
    folders = [Path(place) / "lib" for place in (package.submodule_search_locations or ())] if package else []
    found = [folder / name for folder in folders for name in LIBRARIES if (folder / name).exists()]
    if not found:
        raise BundleError("Explanations need LightGBM.", remedy="pip install lightgbm")
    library = ctypes.CDLL(str(found[0]))
    library.LGBM_GetLastError.restype = c_char_p
    library.LGBM_BoosterFree.argtypes = [c_void_p]
    library.LGBM_BoosterGetNumClasses.argtypes = [c_void_p, POINTER(c_int)]
    library.LGBM_BoosterLoadModelFromString.argtypes = [c_char_p, POINTER(c_int), POINTER(c_void_p)]
    library.LGBM_BoosterPredictForMat.argtypes = [
        c_void_p, c_void_p, c_int, c_int32, c_int32, c_int, c_int, c_int, c_int, c_char_p, POINTER(c_int64), c_void_p,
    ]  # fmt: skip
    return library
