"""Seconds for a report of Many starts and its pictures, and megabytes of the file; the first one also fetches Vega's code."""

import time

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, certify, run
from gdcore.crossings import crossings
from gdcore.structure import structure
from gdui import report, scripts


def found(count):
    """Findings of peaks with all that the page knows of them."""
    peaks = GALLERY["peaks"]
    certificate = certify(peaks)
    findings = run(Experiment(peaks, OPTIMIZERS["gd"], {}, Starts(count=count)), certificate=certificate)
    landscape = structure(peaks, certificate.points)
    return findings, crossings(findings, landscape), landscape


def main():
    print(f"{'starts':>10}{'report':>9}{'file':>7}{'in all':>8}{'pictures':>10}{'MB':>6}")
    for count in (1_000, 1_000, 1_000_000):
        findings, carried, landscape = found(count)
        times = [time.perf_counter()]
        made = report.of_findings(findings, carried=carried, structure=landscape, script=scripts.of_runs(findings.experiment, proved=True))
        times.append(time.perf_counter())
        text = report.html(made)
        times.append(time.perf_counter())
        report.pictures(made)
        times.append(time.perf_counter())
        first, second, third = (later - before for before, later in zip(times, times[1:], strict=False))
        print(f"{count:>10,}{first:>9.2f}{second:>7.2f}{first + second:>8.2f}{third:>10.2f}{len(text) / 1e6:>6.1f}")


if __name__ == "__main__":
    main()
