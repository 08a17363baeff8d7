"""Arrays are read without NumPy: what NumPy writes is read, all else is refused with a reason."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from jobs.settings import Settings
from service.problems import Problem
from service.uploads.array_validation import validate_array
from tests.service.arrays import described, handmade, npy
from workers.toolkit.errors import UnreadableArray
from workers.toolkit.images.array import read_array

SETTINGS = Settings(max_array_values=1000)
VALUES = np.random.default_rng(0).normal(size=(3, 4, 5))


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<f2", ">f4", ">f8", ">f2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_what_numpy_writes_is_understood_by_both_sides(
    dtype: str, order: str, version: tuple[int, int]
) -> None:
    array = np.asarray(VALUES, dtype=dtype, order=order)
    data = npy(array, version)
    facts = validate_array(data, SETTINGS)
    assert (facts.shape, facts.dtype) == ([3, 4, 5], np.dtype(dtype).name)
    read = read_array(data)
    assert read.dtype == np.float32 and read.flags.c_contiguous
    np.testing.assert_array_equal(read, array.astype(np.float32))


class _Trap:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return print, ("pickled code was run",)


GOOD = npy(VALUES.astype(np.float32))
BAD: dict[str, tuple[bytes, str, str]] = {
    "a text": (b"no array", "not_an_array", "numpy.save"),
    "nothing": (b"", "not_an_array", "numpy.save"),
    "a zip of arrays": (b"PK\x03\x04" + bytes(30), "not_an_array", "numpy.save"),
    "pickled objects": (npy(np.array([_Trap()], dtype=object)), "not_an_array", "|O"),
    "integers": (npy(np.arange(4)), "not_an_array", "<i8"),
    "complex numbers": (npy(np.ones(4, complex)), "not_an_array", "<c16"),
    "a record": (npy(np.zeros(4, [("a", "<f4"), ("b", "<f4")])), "not_an_array", "float32"),
    "texts": (npy(np.array(["a"])), "not_an_array", "<U1"),
    "only the magic": (GOOD[:6], "broken_array", "version"),
    "cut in its length": (GOOD[:9], "broken_array", "header"),
    "cut in its header": (GOOD[:40], "broken_array", "header"),
    "cut in its values": (GOOD[:-1], "broken_array", "cut off"),
    "a byte too many": (GOOD + b"x", "broken_array", "needs 240 bytes"),
    "version 4": (handmade("{}", version=4), "broken_array", "version"),
    "a header of megabytes": (handmade(" " * (1 << 20), version=2), "broken_array", "header"),
    "a header of code": (handmade("__import__('os').abort()"), "broken_array", "literal"),
    "deep brackets": (handmade("(" * 9000), "broken_array", "literal"),
    "a long chain": (handmade("-" * 9000 + "1"), "broken_array", "literal"),
    "a huge number": (handmade("{'shape': (" + "9" * 9000 + ",)}"), "broken_array", "header"),
    "no UTF-8": (handmade(b"\xff\xfe{}"), "broken_array", "literal"),
    "zero bytes": (handmade(bytes(60)), "broken_array", "literal"),
    "a list": (handmade("[1, 2]"), "broken_array", "descr"),
    "a dictionary of lists": (handmade("{[1]: 2}"), "broken_array", "literal"),
    "a missing entry": (
        handmade("{'descr': '<f4', 'shape': (4,)}"),
        "broken_array",
        "fortran_order",
    ),
    "an entry more": (described(extra=1), "broken_array", "descr"),
    "no order": (described(fortran_order=0), "broken_array", "fortran_order"),
    "no axes": (npy(np.float32(3) * np.ones(())), "broken_array", "axes"),
    "nine axes": (described(shape=(1,) * 9), "broken_array", "axes"),
    "an empty axis": (npy(np.zeros((0, 4), np.float32)), "broken_array", "entry"),
    "a negative axis": (described(shape=(-4,)), "broken_array", "entry"),
    "two negative axes": (described(shape=(-2, -2)), "broken_array", "entry"),
    "an axis of truth": (described(shape=(True, 4)), "broken_array", "entry"),
    "an axis of text": (described(shape=("4",)), "broken_array", "entry"),
    "a list for a shape": (described(shape=[4]), "broken_array", "axes"),
    "more than it has": (described(shape=(5,)), "broken_array", "20 bytes"),
    "a lie of billions": (described(shape=(1 << 31, 1 << 31)), "array_too_large", "1,000"),
    "more than the limit": (npy(np.ones(1001, np.float32)), "array_too_large", "1,001"),
    "NaN": (npy(np.array([1, np.nan], np.float32)), "broken_array", "NaN"),
    "infinity at its end": (npy(np.array([1] * 900 + [np.inf], np.float16)), "broken_array", "NaN"),
}


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    data, code, words = BAD[name]
    with pytest.raises(Problem) as caught:
        validate_array(data, SETTINGS)
    assert caught.value.code == code
    assert words in caught.value.detail
    assert "run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(BAD.keys() - {"a byte too many", "more than the limit"}))
def test_the_worker_does_not_trust_either(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name in ("no axes", "an axis of truth", "nine axes", "a list for a shape"):
        pytest.skip("harmless to numpy")
    with pytest.raises(UnreadableArray):
        read_array(BAD[name][0])
    assert "run" not in capsys.readouterr().out


def test_a_number_too_large_for_float32_is_refused_by_the_worker() -> None:
    with pytest.raises(UnreadableArray, match="float32"):
        read_array(npy(np.array([1e300])))


def test_an_array_of_many_chunks_is_read_to_its_end() -> None:
    big = np.ones(200_000, np.float32)
    validate_array(npy(big), Settings())
    big[-1] = np.nan
    with pytest.raises(Problem, match="NaN"):
        validate_array(npy(big), Settings())


def test_it_is_read_without_numpy() -> None:
    code = "import sys, service.uploads.array_validation; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
