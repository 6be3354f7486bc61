"""Server time from a changed widget to the charts sent, on the opening page, in Streamlit's own test harness."""

import statistics
import time
from pathlib import Path

import streamlit.testing.v1.app_test as harness
from streamlit.testing.v1 import AppTest


class NavigationPages(harness.PagesManager):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        NavigationPages.uses_pages_directory = False


def main():
    harness.PagesManager = NavigationPages
    app = AppTest.from_file(str(Path(__file__).parents[1] / "dashboard.py"), default_timeout=60)
    started = time.perf_counter()
    app.run()
    print(f"opening page, first of the server: {time.perf_counter() - started:.2f} s")
    seconds = []
    for rate in (0.011, 0.012, 0.013, 0.014, 0.015, 0.02, 0.03):
        started = time.perf_counter()
        app.number_input("setting lr").set_value(rate).run()
        seconds.append(time.perf_counter() - started)
    print(f"a changed learning rate at 1,000 starts: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
