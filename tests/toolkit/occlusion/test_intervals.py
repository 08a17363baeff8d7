"""Spans by trial: the outputs that change when the inputs of a span do."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.toolkit.occlusion.intervals import Taps, union, windows

SMALL = st.integers(1, 5)


@settings(deadline=None, database=None)
@given(SMALL, SMALL, st.integers(0, 6), SMALL, st.integers(1, 30), st.data())
def test_a_span_holds_exactly_the_outputs_that_read_it(
    kernel: int, stride: int, before: int, dilation: int, inputs: int, data: st.DataObject
) -> None:
    room = inputs + 2 * before - (kernel - 1) * dilation - 1
    if room < 0:
        return
    taps = Taps(kernel, stride, before, dilation, room // stride + 1)
    first = data.draw(st.integers(0, inputs - 1))
    end = data.draw(st.integers(first + 1, inputs))
    read = [
        {o * stride - before + k * dilation for k in range(kernel)} for o in range(taps.outputs)
    ]
    hit = [o for o, pixels in enumerate(read) if pixels & set(range(first, end))]
    (span,) = taps.dirty(np.array([[first, end]])).tolist()
    if dilation == 1 or end - first >= dilation:
        assert span == ([hit[0], hit[-1] + 1] if hit else [0, 0])
    else:  # a kernel with holes: what lies between counts
        assert all(span[0] <= o < span[1] for o in hit)
    assert taps.dirty(np.array([[0, 0]])).tolist() == [[0, 0]]


def test_windows_have_one_size_and_stay_on_the_axis() -> None:
    found = windows(np.array([[0, 2], [6, 10], [9, 10], [0, 0]]), 10)
    assert found.size == 4
    assert found.starts.tolist() == [0, 6, 6, 0]


def test_a_union_leaves_out_what_does_not_change() -> None:
    spans = union([np.array([[3, 5], [0, 0], [0, 0]]), np.array([[4, 9], [2, 3], [0, 0]])])
    assert spans.tolist() == [[3, 9], [2, 3], [0, 0]]
