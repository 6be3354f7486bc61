"""Basin maps: closed forms, the same runs made one by one, areas and differences counted by hand."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Problem, Starts, Stopping, certify, run
from gdcore.basins import MOST_PIXELS, BasinMap, Window, basin_map, changed, colours, shares
from gdcore.experiment import run_from
from gdcore.stopping import CODE, ENDINGS

PEAKS = GALLERY["peaks"]
WELLS = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-1, 1)})


def descent(problem, rate, epochs=300, optimizer="gd"):
    return Experiment(problem, OPTIMIZERS[optimizer], {"lr": rate}, stopping=Stopping(epochs))


@pytest.fixture(scope="module")
def peaks():
    return basin_map(descent(PEAKS, 0.01), Window.of(PEAKS), 48, 40)


# -- windows -----------------------------------------------------------------------------------------------------------


def test_a_window_of_a_problem_is_its_box_through_the_centre():
    problem = Problem.from_text("a^2+b^2+c^2", box={"a": (0, 2), "b": (-1, 5), "c": (4, 5)})
    assert Window.of(problem) == Window((0, 1), (0.0, 2.0), (-1.0, 5.0), (1.0, 2.0, 4.5))
    assert Window.of(problem, (2, 0), (7, 8, 9)) == Window((2, 0), (4.0, 5.0), (0.0, 2.0), (1.0, 8.0, 4.5))
    assert Window.of(problem, (1,)) == Window((1,), (-1.0, 5.0), None, (1.0, 2.0, 4.5))
    assert Window.of(Problem.from_text("x^2", box={"x": (-1, 3)})) == Window((0,), (-1, 3), None, (0,))
    assert hash(Window.of(problem)) == hash(Window([0, 1], [0, 2], [-1, 5], [3, 3, 4.5]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((0, 0), (0, 1), (0, 1), (0, 0)), "two different"),
        (((0, 2), (0, 1), (0, 1), (0, 0)), "from 0 to 1"),
        (((0, -1), (0, 1), (0, 1), (0, 0)), "from 0 to 1"),
        (((0, 1), (0, 1), None, (0, 0)), "one and no y"),
        (((0,), (0, 1), (0, 1), (0,)), "one and no y"),
        (((0, 1), (1, 1), (0, 1), (0, 0)), "x runs from 1 to 1"),
        (((0, 1), (0, 1), (2, 1), (0, 0)), "y runs from 2 to 1"),
        (((0, 1), (0, np.inf), (0, 1), (0, 0)), "finite"),
        (((0, 1), (np.nan, 1), (0, 1), (0, 0)), "finite"),
        (((0, 1), (0, 1), (0, 1), (0, 0, np.nan)), "held variables need finite"),
    ],
)
def test_what_is_no_window_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words) as refused:
        Window(*arguments)
    assert len(str(refused.value)) <= 160


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [(0, 5, "columns"), (5, 0, "rows"), (MOST_PIXELS + 1, 5, "columns"), (5, MOST_PIXELS + 1, "rows"), (5.0, 5, "columns"), (True, 5, "columns")],
)
def test_impossible_sizes_are_refused(columns, rows, words):
    with pytest.raises(ValueError, match=f"{words} of pixels"):
        basin_map(descent(PEAKS, 0.01), Window.of(PEAKS), columns, rows)


def test_a_strip_has_one_row_and_a_window_the_variables_of_its_problem():
    with pytest.raises(ValueError, match="give 1 row"):
        basin_map(descent(PEAKS, 0.01), Window.of(PEAKS, (0,)), 5, 2)
    with pytest.raises(ValueError, match="3 variables and the problem 2"):
        basin_map(descent(PEAKS, 0.01), Window((0, 1), (0, 1), (0, 1), (0, 0, 0)), 5, 5)
    with pytest.raises(ValueError, match="no plane of 2 variables"):
        Window.of(PEAKS, (0, 2))


def test_pixels_narrower_than_numbers_are_apart_are_refused():
    narrow = Window((0, 1), (1, 1 + 1e-13), (0, 1), (0, 0))
    narrow.starts(4, 1_000)
    with pytest.raises(ValueError, match="widen the window"):
        narrow.starts(1_000, 4)


@given(
    st.tuples(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3)), st.tuples(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3)),
    st.integers(1, 9), st.integers(1, 9),
)  # fmt: skip
def test_each_pixel_finds_its_own_centre(x, y, columns, rows):
    window = Window((1, 0), (x[0], x[0] + x[1]), (y[0], y[0] + y[1]), (0, 0))
    codes = np.zeros((rows, columns), np.int8)
    one = BasinMap(descent(PEAKS, 0.01), window, columns, rows, codes, codes, codes, (), None)
    centres = one.starts()
    assert centres.shape == (rows, columns, 2)
    assert [[one.at(c[1], c[0]) for c in row] for row in centres] == [[(i, j) for j in range(columns)] for i in range(rows)]
    assert one.at(window.x[0], window.y[0]) == (0, 0) and one.at(window.x[1], window.y[1]) == (rows - 1, columns - 1)
    assert (np.diff(centres[..., 0], axis=0) > 0).all() and (np.diff(centres[..., 1], axis=1) > 0).all()
    with pytest.raises(ValueError, match="outside the window"):
        one.at(window.x[1] + 1, window.y[0])


# -- maps --------------------------------------------------------------------------------------------------------------


def test_two_wells_part_at_their_ridge():
    found = basin_map(descent(WELLS, 0.02, 2000), Window.of(WELLS), 30, 8)
    x = found.starts()[..., 0]
    assert found.labels.shape == found.codes.shape == found.epochs.shape == (8, 30)
    ends = np.array([m.point[0] for m in found.minima])[found.labels]
    assert (np.sign(ends) == np.sign(x)).all() and (found.codes == CODE[Ending.MINIMUM]).all()
    assert found.at(-1, -1) == (0, 7) and found.at(-1, 1) == (7, 7)


def test_the_other_variables_are_held_and_rows_go_up():
    problem = Problem.from_text("(x^2-1)^2 + (y^2-1)^2 + (z^2-1)^2", box={"x": (-2, 2), "y": (-2, 2), "z": (-2, 2)})
    found = basin_map(descent(problem, 0.02, 2000), Window((2, 0), (-1.7, 1.7), (-1.2, 1.2), (9.0, -0.5, 9.0)), 6, 4)
    ends = np.sign(np.array([m.point for m in found.minima])[found.labels])
    assert (ends[..., 1] == -1).all()
    assert (ends[..., 2] == [-1, -1, -1, 1, 1, 1]).all() and (ends[..., 0].T == [-1, -1, 1, 1]).all()


def test_a_map_is_the_same_as_its_runs(peaks):
    """Also those that end in no minimum, with their epochs; the starts of the experiment play no part."""
    found = run(replace(peaks.experiment, starts=Starts.at(peaks.starts().reshape(-1, 2))))
    assert (peaks.labels.ravel() == found.labels).all() and (peaks.codes.ravel() == found.ending_codes).all()
    assert (peaks.epochs.ravel() == found.epochs).all() and peaks.minima == found.minima
    assert len(np.unique(peaks.codes)) >= 3
    given = replace(peaks.experiment, starts=Starts.at([[9.0, 9.0]]))
    assert (basin_map(given, peaks.window, 48, 40).labels == peaks.labels).all()


def test_engines_and_executors_draw_the_same_map(peaks):
    pytest.importorskip("numba")
    with ThreadPoolExecutor(2) as pool:
        others = [
            basin_map(peaks.experiment, peaks.window, 48, 40, engine=engine, executor=executor)
            for engine, executor in (("compiled", None), ("numpy", None), ("numpy", pool))
        ]
    for other in others:
        assert (other.labels == peaks.labels).all() and (other.codes == peaks.codes).all() and (other.epochs == peaks.epochs).all()
    assert [other.computed.engine for other in others] == ["compiled", "numpy", "numpy"]
    assert others[2].computed.ranges > 1 and others[2].computed.here == 0 and others[2].computed.trouble == ""


def test_where_f_is_undefined_a_pixel_says_so():
    problem = Problem.from_text("x - log(x) + y^2", box={"x": (-2, 2), "y": (-1, 1)})
    found = basin_map(descent(problem, 0.1, 3000), Window.of(problem), 20, 4)
    undefined = found.starts()[..., 0] < 0
    assert ((found.codes == CODE[Ending.UNDEFINED]) == undefined).all() and (found.labels[undefined] == -1).all()
    assert (found.labels[~undefined] == 0).all()
    part = {area.ending: area.share for area in shares(found)}
    assert part == {Ending.MINIMUM: 0.5, Ending.UNDEFINED: 0.5}


def test_a_strip_of_one_variable():
    problem = Problem.from_text("x^4/4 - x^2/2", box={"x": (-2, 2)})
    found = basin_map(descent(problem, 0.05), Window.of(problem), 40, 1)
    assert found.labels.shape == (1, 40) and found.starts().shape == (1, 40, 1) and found.at(-2) == (0, 0)
    assert (np.array([m.point[0] for m in found.minima])[found.labels[0]] > 0).tolist() == [False] * 20 + [True] * 20
    assert [(area.share, area.low, area.high) for area in shares(found)] == [(0.5, 19 / 40, 21 / 40)] * 2


def test_a_certificate_proves_the_minima_and_progress_can_cancel():
    found = basin_map(descent(PEAKS, 0.01), Window.of(PEAKS), 8, 8, certificate=certify(PEAKS))
    assert [m.proved for m in found.minima] == [True] * 3
    heard = []
    basin_map(descent(PEAKS, 0.01), Window.of(PEAKS), 8, 8, on_progress=lambda *numbers: heard.append(numbers))
    assert heard and all(total == 300 for _, total, _ in heard)

    def stop(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        basin_map(descent(PEAKS, 0.01), Window.of(PEAKS), 8, 8, on_progress=stop)


@pytest.mark.parametrize("points", [np.zeros(2), np.zeros((0, 2)), np.zeros((3, 1))])
def test_points_of_another_shape_are_refused(points):
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        run_from(descent(PEAKS, 0.01), points)


# -- shares ------------------------------------------------------------------------------------------------------------


def test_shares_add_up_and_name_every_pixel(peaks):
    areas = shares(peaks)
    assert sum(area.share for area in areas) == pytest.approx(1, abs=1e-12)
    assert [area.label for area in areas[:3]] == [0, 1, 2] and all(area.low <= area.share <= area.high for area in areas)
    for area in areas:
        own = peaks.labels == area.label if area.label >= 0 else (peaks.codes == CODE[area.ending]) & (peaks.labels < 0)
        assert area.share == own.mean() and (area.label >= 0) == (area.ending == Ending.MINIMUM)
    assert {area.ending for area in areas} == {ENDINGS[code] for code in np.unique(peaks.codes)}


def test_a_minimum_that_nothing_reaches_has_no_area():
    """The window holds one of the two wells; the other one is known all the same."""
    found = basin_map(descent(WELLS, 0.02, 2000), Window((0, 1), (0.5, 1.5), (-1, 1), (0, 0)), 9, 9)
    assert sorted((area.share, area.low, area.high) for area in shares(found)) == [(0, 0, 0), (1, 1, 1)]


def test_finer_maps_narrow_the_interval_about_the_same_area():
    """Both wells have half of the box."""
    widths = []
    for n in (10, 40, 160):
        areas = shares(basin_map(descent(WELLS, 0.02, 2000), Window((0, 1), (-1.9, 1.4), (-1, 1), (0, 0)), n, n))
        right = max(areas, key=lambda area: area.label)
        assert right.low <= 1.4 / 3.3 <= right.high
        widths.append(right.high - right.low)
    assert widths[0] > 3.9 * widths[1] > 15 * widths[2]


# -- differences -------------------------------------------------------------------------------------------------------


def test_a_map_does_not_differ_from_itself_however_its_minima_are_numbered(peaks):
    assert changed(peaks, peaks).share == changed(peaks, peaks).high == 0 and changed(peaks, peaks).transitions == ()
    turned = replace(peaks, minima=peaks.minima[::-1], labels=np.where(peaks.labels >= 0, 2 - peaks.labels, -1))
    assert not changed(peaks, turned).pixels.any() and not changed(turned, peaks).pixels.any()


def test_what_differs_is_told_by_the_place_that_was_reached(peaks):
    other = basin_map(replace(peaks.experiment, settings={"lr": 0.06}), peaks.window, 48, 40)
    other = replace(other, minima=other.minima[::-1], labels=np.where(other.labels >= 0, len(other.minima) - 1 - other.labels, -1))
    change = changed(peaks, other)

    def places(some):
        """The point reached, or far away a number for the ending."""
        known = np.array([m.point for m in some.minima])
        return np.where((some.labels >= 0)[..., None], known[some.labels], 100.0 + some.codes[..., None])

    expected = np.abs(places(peaks) - places(other)).max(axis=-1) > 1e-4
    assert (change.pixels == expected).all() and change.share == expected.mean() > 0.05
    assert change.low < change.share < change.high
    for step in change.transitions:
        own = (colours(peaks) == colour_of(peaks, step.before)) & (colours(other) == colour_of(other, step.after))
        assert step.share == own.mean() and (own <= expected).all()
    assert sum(step.share for step in change.transitions) == pytest.approx(change.share)
    listed = [step.share for step in change.transitions]
    assert listed == sorted(listed, reverse=True)


def colour_of(some, reached):
    return reached.label if reached.label >= 0 else len(some.minima) + CODE[reached.ending]


def test_a_minimum_that_only_one_map_knows_is_another_one(peaks):
    fewer = replace(peaks, minima=peaks.minima[:2], labels=np.where(peaks.labels == 2, -1, peaks.labels))
    assert (changed(peaks, fewer).pixels == (peaks.labels == 2)).all()
    assert (changed(fewer, peaks).pixels == (peaks.labels == 2)).all()


def test_only_maps_of_the_same_pixels_can_be_compared(peaks):
    for other in (
        replace(peaks, window=Window((0, 1), (-3, 3), (-3, 2), (0, 0))),
        basin_map(peaks.experiment, peaks.window, 40, 40),
    ):
        with pytest.raises(ValueError, match="different windows or sizes"):
            changed(peaks, other)
    with pytest.raises(ValueError, match="different problems"):
        changed(peaks, replace(peaks, experiment=descent(WELLS, 0.02)))


def test_the_frame_has_a_row_for_every_pixel() -> None:
    problem = GALLERY["peaks"]
    found = basin_map(Experiment(problem, OPTIMIZERS["gd"], stopping=Stopping(200)), Window.of(problem), 6, 4)
    frame = found.to_frame()
    assert list(frame) == ["x", "y", "ending", "minimum", "epochs"] and len(frame) == 24
    for k in (0, 7, 23):
        row, column = found.at(frame["x"][k], frame["y"][k])
        assert (row, column) == divmod(k, 6) and frame["epochs"][k] == found.epochs[row, column]
        assert frame["ending"][k] == ENDINGS[found.codes[row, column]].label
        assert (frame["minimum"].isna()[k] and found.labels[row, column] < 0) or frame["minimum"][k] == found.labels[row, column] + 1
