"""gdcore: from where you start, with this optimizer, which local minimum do you end in? Pure numpy, scipy and sympy."""

__version__ = "0.2.0"  # workers elsewhere must have the same; stands before the imports that read it

from gdcore.certify import certify
from gdcore.experiment import Experiment, Findings, Minimum, Trace, run, trace
from gdcore.formula import FormulaError
from gdcore.gallery import GALLERY
from gdcore.optimizers import OPTIMIZERS, Optimizer
from gdcore.problem import Problem
from gdcore.setting import Setting
from gdcore.starts import DESIGNS, Starts
from gdcore.stopping import Ending, Stopping

__all__ = [
    "DESIGNS", "GALLERY", "OPTIMIZERS", "Ending", "Experiment", "Findings", "FormulaError", "Minimum", "Optimizer", "Problem",
    "Setting", "Starts", "Stopping", "Trace", "certify", "run", "trace",
]  # fmt: skip
