"""Optimizers as update equations: a few lines of text each, with their settings described."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gdcore.composition import compose
from gdcore.equations import Equations, Update, read_equations, rehearse
from gdcore.formula import Node, canonical_name
from gdcore.notation import name_latex, to_latex
from gdcore.problem import Problem
from gdcore.setting import Setting
from gdcore.survey import survey

OF_THE_PROBLEM = ("lr", "f_star")  # settings that no problem can take over from another
UNDESCRIBED = 0.1  # the default of a setting that the equations name and nobody described


@dataclass(frozen=True)
class Optimizer:
    """Update equations, run top to bottom once per coordinate and step. Make one with Optimizer.from_text.

    In them x is the position, g the gradient at x, f the value at x, t the step (from 1), T the number of epochs. Any
    other assigned name is a state that starts at 0, or at the value of a line `state name = ...`; every other name is a
    setting. norm(v) and dot(u, v) reduce over the coordinates of one start.
    """

    name: str
    equations: str
    setting_items: tuple[tuple[str, Setting], ...]
    parsed: Equations = field(repr=False, compare=False)
    source: str = field(default="", compare=False)
    about: str = field(default="", compare=False)

    @classmethod
    def from_text(
        cls,
        name: str,
        equations: str,
        settings: Mapping[str, Setting | float] | None = None,
        source: str = "",
        about: str = "",
    ) -> Optimizer:
        """The optimizer that the equations state; FormulaError names the line and place of a mistake.

        A name that nobody assigns or describes becomes a setting with default 0.1, and its help says so. Equations that
        divide by a state while it is 0, grow without bound where the gradient is 0, or have no real value, are refused.
        """
        optimizer = _as_stated(name, equations, settings, source=source, about=about)
        compose(optimizer, 2)
        rehearse(optimizer.parsed, tuple(optimizer.defaults.items()))
        return optimizer

    @property
    def settings(self) -> dict[str, Setting]:
        return dict(self.setting_items)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The lines in order, each with the name it assigns and the tree of its right-hand side."""
        return self.parsed.updates

    @property
    def initial(self) -> tuple[tuple[str, Node | None], ...]:
        """Each state with the tree of its start value, or None for 0."""
        return self.parsed.initial

    @property
    def states(self) -> tuple[str, ...]:
        """Names of what is remembered from step to step, in order."""
        return tuple(name for name, _ in self.initial)

    @property
    def defaults(self) -> dict[str, float]:
        return {name: setting.default for name, setting in self.setting_items}

    def defaults_for(self, problem: Problem) -> dict[str, float]:
        """The defaults, with what the problem knows: its own rate where steps are those of plain descent, its lowest f.

        f_star becomes the lowest value among the minima that minima.survey finds, if it finds one.
        """
        values = self.defaults
        if self.settings.get("lr") == LEARNING_RATE:
            values["lr"] = LEARNING_RATE.clip(problem.rate)
        found = survey(problem) if "f_star" in values else ()
        if found:
            values["f_star"] = min(minimum.value for minimum in found)
        return values

    def latex(self) -> list[str]:
        """The update equations in LaTeX, one per line."""
        lines = [rf"{name_latex(name)}_0 = {to_latex(tree)}" for name, tree in self.initial if tree is not None]
        return lines + [rf"{name_latex(u.target)} \leftarrow {to_latex(u.tree)}" for u in self.updates]

    def to_dict(self) -> dict[str, Any]:
        """What defines the optimizer, as plain values."""
        described = {
            name: [s.default, _finite(s.low), _finite(s.high), s.log, s.label, s.help] for name, s in self.setting_items
        }
        return {"name": self.name, "equations": self.equations, "settings": described}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Optimizer:
        """The inverse of to_dict, through the same checks as typed text."""
        settings = {
            name: Setting(
                default,
                low=-float("inf") if low is None else low,
                high=float("inf") if high is None else high,
                log=log,
                label=label,
                help=text,
            )
            for name, (default, low, high, log, label, text) in data["settings"].items()
        }
        return cls.from_text(data["name"], data["equations"], settings)


def _as_stated(
    name: str, equations: str, settings: Mapping[str, Setting | float] | None = None, *, source: str = "", about: str = ""
) -> Optimizer:
    """The optimizer, parsed but not rehearsed."""
    described = {canonical_name(key): _described(value) for key, value in (settings or {}).items()}
    parsed = read_equations(equations, tuple(described))
    for free, line in parsed.undescribed:
        described[free] = Setting(UNDESCRIBED, help=f"Named in line {line} and described nowhere: its default is {UNDESCRIBED}.")
    return Optimizer(name, equations, tuple(described.items()), parsed, source, about)


def _finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def _described(value: Setting | float) -> Setting:
    return value if isinstance(value, Setting) else Setting(float(value))


# -- settings that several optimizers share ----------------------------------------------------------------------------

LEARNING_RATE = Setting(
    0.01, low=1e-6, high=10, log=True, label="learning rate", help="How far one step goes along the negative gradient."
)
MOMENTUM = Setting(
    0.9, low=0.0, high=0.9999, label="momentum", help="The share of the previous step that is kept: 0 is plain descent."
)
BETA1 = Setting(0.9, low=0.0, high=0.9999, label="first-moment decay", help="How long the mean of gradients remembers.")
BETA2 = Setting(0.999, low=0.0, high=0.999999, label="second-moment decay", help="How long the mean of squares remembers.")


def _step_size(default: float) -> Setting:
    return Setting(
        default, low=1e-6, high=100, log=True, label="learning rate",
        help="About how far one step moves a coordinate, whatever the size of the gradient.",
    )  # fmt: skip


def _epsilon(default: float) -> Setting:
    return Setting(default, low=1e-16, high=1.0, log=True, label="epsilon", help="Keeps the divisor away from 0.")


def _adam(rate: float, epsilon: float = 1e-8) -> dict[str, Setting | float]:
    return {"lr": _step_size(rate), "beta1": BETA1, "beta2": BETA2, "epsilon": _epsilon(epsilon)}


MOMENTS = "m = beta1*m + (1 - beta1)*g\nv = beta2*v + (1 - beta2)*g^2\n"

OPTIMIZERS: dict[str, Optimizer] = {
    "gd": _as_stated(
        "Gradient descent",
        "x = x - lr*g",
        {"lr": LEARNING_RATE},
        source="A. Cauchy (1847), Méthode générale pour la résolution des systèmes d'équations simultanées",
        about="Straight down the slope, in steps proportional to it.",
    ),
    "momentum": _as_stated(
        "Momentum (heavy ball)",
        "v = momentum*v + g\nx = x - lr*v",
        {"lr": LEARNING_RATE, "momentum": MOMENTUM},
        source="B. T. Polyak (1964), Some methods of speeding up the convergence of iteration methods",
        about="A ball with inertia: it rolls through shallow dips and along valleys.",
    ),
    "nesterov": _as_stated(
        "Nesterov momentum",
        "v = momentum*v + g\nx = x - lr*(g + momentum*v)",
        {"lr": LEARNING_RATE, "momentum": MOMENTUM},
        source="Y. Nesterov (1983), in the form of Sutskever et al. (2013) that torch.optim.SGD uses",
        about="Momentum that looks ahead before it steps.",
    ),
    "adagrad": _as_stated(
        "Adagrad",
        "v = v + g^2\nx = x - lr*g/(sqrt(v) + epsilon)",
        {"lr": _step_size(0.01), "epsilon": _epsilon(1e-10)},
        source="J. Duchi, E. Hazan, Y. Singer (2011), Adaptive subgradient methods, JMLR 12; as torch.optim.Adagrad",
        about="Each coordinate slows down with all the slope it has ever seen.",
    ),
    "rmsprop": _as_stated(
        "RMSprop",
        "v = alpha*v + (1 - alpha)*g^2\nx = x - lr*g/(sqrt(v) + epsilon)",
        {
            "lr": _step_size(0.01),
            "alpha": Setting(0.99, low=0.0, high=0.999999, label="square decay", help="How long the mean of squares remembers."),
            "epsilon": _epsilon(1e-8),
        },
        source="T. Tieleman, G. Hinton (2012), Lecture 6.5 of Neural Networks for Machine Learning; as torch.optim.RMSprop",
        about="Each coordinate scaled by the recent size of its slope.",
    ),
    "adadelta": _as_stated(
        "Adadelta",
        "v = rho*v + (1 - rho)*g^2\nd = sqrt(u + epsilon)/sqrt(v + epsilon)*g\nu = rho*u + (1 - rho)*d^2\nx = x - lr*d",
        {
            "lr": Setting(1.0, low=1e-6, high=1000, log=True, label="learning rate", help="Scales every step; the paper has 1."),
            "rho": Setting(0.9, low=0.0, high=0.999999, label="decay", help="How long both means of squares remember."),
            "epsilon": _epsilon(1e-6),
        },
        source="M. D. Zeiler (2012), ADADELTA: an adaptive learning rate method, arXiv:1212.5701; as torch.optim.Adadelta",
        about="Steps in units of its own earlier steps: it needs no rate, and starts slowly.",
    ),
    "adam": _as_stated(
        "Adam",
        MOMENTS + "x = x - lr*(m/(1 - beta1^t))/(sqrt(v/(1 - beta2^t)) + epsilon)",
        _adam(0.001),
        source="D. P. Kingma, J. Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980",
        about="Each coordinate scaled by the recent size of its gradient.",
    ),
    "adamw": _as_stated(
        "AdamW",
        "x = x - lr*weight_decay*x\n" + MOMENTS + "x = x - lr*(m/(1 - beta1^t))/(sqrt(v/(1 - beta2^t)) + epsilon)",
        _adam(0.001)
        | {"weight_decay": Setting(0.01, low=0.0, high=1.0, label="weight decay", help="How strongly every step pulls towards 0.")},
        source="I. Loshchilov, F. Hutter (2019), Decoupled weight decay regularization, arXiv:1711.05101; as torch.optim.AdamW",
        about="Adam with a pull towards 0: its resting points are not quite the minima.",
    ),
    "amsgrad": _as_stated(
        "AMSGrad",
        MOMENTS + "w = max(w, v)\nx = x - lr*(m/(1 - beta1^t))/(sqrt(w/(1 - beta2^t)) + epsilon)",
        _adam(0.001),
        source="S. Reddi, S. Kale, S. Kumar (2018), On the convergence of Adam and beyond; as torch.optim.Adam(amsgrad=True)",
        about="Adam that never forgets its largest squares: its steps only shrink.",
    ),
    "adamax": _as_stated(
        "Adamax",
        "m = beta1*m + (1 - beta1)*g\nu = max(beta2*u, abs(g) + epsilon)\nx = x - lr/(1 - beta1^t)*m/u",
        _adam(0.002),
        source="D. P. Kingma, J. Ba (2015), section 7.1, arXiv:1412.6980; as torch.optim.Adamax",
        about="Adam with the largest recent slope in place of the mean square.",
    ),
    "nadam": _as_stated(
        "NAdam",
        "state p = 1\n"
        "c = beta1*(1 - 0.96^(t*momentum_decay)/2)\n"
        "d = beta1*(1 - 0.96^((t + 1)*momentum_decay)/2)\n"
        "p = p*c\n" + MOMENTS + "x = x - lr*((1 - c)/(1 - p)*g + d/(1 - p*d)*m)/(sqrt(v/(1 - beta2^t)) + epsilon)",
        _adam(0.002)
        | {
            "momentum_decay": Setting(
                0.004, low=0.0, high=1.0, label="momentum decay", help="How fast the first-moment decay reaches its full value."
            )
        },
        source="T. Dozat (2016), Incorporating Nesterov momentum into Adam; as torch.optim.NAdam",
        about="Adam with Nesterov's look ahead.",
    ),
    "radam": _as_stated(
        "RAdam",
        MOMENTS + "r = 2/(1 - beta2) - 1\n"
        "q = r - 2*t*beta2^t/(1 - beta2^t)\n"
        "s = sqrt((q - 4)*(q - 2)*r/((r - 4)*(r - 2)*q))*sqrt(1 - beta2^t)\n"
        "x = x - lr*m/(1 - beta1^t)*where(q > 5, s/(sqrt(v) + epsilon), 1)",
        _adam(0.001),
        source="L. Liu et al. (2020), On the variance of the adaptive learning rate and beyond, arXiv:1908.03265; as torch.optim.RAdam",
        about="Adam that starts as momentum until its mean of squares can be trusted.",
    ),
    "rprop": _as_stated(
        "Rprop",
        "state h = lr\n"
        "c = p*g\n"
        "h = min(max(h*where(c > 0, eta_plus, where(c < 0, eta_minus, 1)), step_min), step_max)\n"
        "p = where(c < 0, 0, g)\n"
        "x = x - h*sign(p)",
        {
            "lr": Setting(0.01, low=1e-6, high=10, log=True, label="first step", help="The length of every coordinate's first step."),
            "eta_minus": Setting(0.5, low=0.01, high=0.99, label="shrink factor", help="Scales the step when the slope changes sign."),
            "eta_plus": Setting(1.2, low=1.01, high=10.0, label="growth factor", help="Scales the step while the slope keeps its sign."),
            "step_min": Setting(1e-6, low=1e-15, high=1.0, log=True, label="shortest step", help="No step gets shorter than this."),
            "step_max": Setting(50.0, low=1e-3, high=1000.0, log=True, label="longest step", help="No step gets longer than this."),
        },
        source="M. Riedmiller, H. Braun (1993), The RPROP algorithm, without weight backtracking; as torch.optim.Rprop",
        about="Only the signs of the slope count: steps grow while it keeps its sign and shrink when it flips.",
    ),
    "lion": _as_stated(
        "Lion",
        "c = beta1*m + (1 - beta1)*g\nm = beta2*m + (1 - beta2)*g\nx = x - lr*sign(c)",
        {
            "lr": _step_size(1e-4),
            "beta1": Setting(0.9, low=0.0, high=0.9999, label="step mix", help="The share of the mean in the sign that is followed."),
            "beta2": Setting(0.99, low=0.0, high=0.999999, label="mean decay", help="How long the mean of gradients remembers."),
        },
        source="X. Chen et al. (2023), Symbolic discovery of optimization algorithms, arXiv:2302.06675, without weight decay",
        about="Every coordinate moves by the same length each step; only signs count.",
    ),
    "yogi": _as_stated(
        "Yogi",
        "m = beta1*m + (1 - beta1)*g\n"
        "v = v - (1 - beta2)*sign(v - g^2)*g^2\n"
        "x = x - lr*m/(sqrt(v) + epsilon)",
        _adam(0.01, 1e-3),
        source="M. Zaheer et al. (2018), Adaptive methods for nonconvex optimization, NeurIPS 31, algorithm 2",
        about="Adam whose mean of squares moves by small, even steps.",
    ),
    "adabelief": _as_stated(
        "AdaBelief",
        "m = beta1*m + (1 - beta1)*g\n"
        "s = beta2*s + (1 - beta2)*(g - m)^2 + epsilon\n"
        "x = x - lr*(m/(1 - beta1^t))/(sqrt(s/(1 - beta2^t)) + epsilon)",
        _adam(0.001),
        source="J. Zhuang et al. (2020), AdaBelief optimizer, arXiv:2010.07468, algorithm 2",
        about="Adam that takes long steps where the gradient is what it expected.",
    ),
    "normalized_gd": _as_stated(
        "Normalised gradient descent",
        "x = x - lr*where(norm(g) > 0, g/norm(g), 0)",
        {"lr": Setting(0.01, low=1e-6, high=10, log=True, label="step length", help="The length of every step, in the unit of x.")},
        source="Y. Nesterov (1984), Minimization methods for nonsmooth convex and quasiconvex functions",
        about="Down the slope in steps of one length: flat land does not slow it, and nothing lets it settle.",
    ),
    "polyak": _as_stated(
        "Polyak's step",
        "x = x - lr*where(norm(g) > 0, (f - f_star)/dot(g, g)*g, 0)",
        {
            "lr": Setting(1.0, low=1e-3, high=2.0, log=True, label="relaxation", help="Scales every step; Polyak's own is 1."),
            "f_star": Setting(
                0.0, low=-1e12, high=1e12, label="lowest value", help="The value of f that the steps aim at: that of the deepest minimum."
            ),
        },
        source="B. T. Polyak (1969), Minimization of unsmooth functionals",
        about="Steps just long enough for the lowest value, were the function a straight slope.",
    ),
}


def key_of(optimizer: Optimizer) -> str | None:
    """Under which key it is built in; None where it is not, to the last word of its description."""
    return next((key for key, known in OPTIMIZERS.items() if identical(known, optimizer)), None)


def identical(one: Optimizer, other: Optimizer) -> bool:
    """Whether two optimizers make the same experiments, with the same digests."""
    return json.dumps(one.to_dict()) == json.dumps(other.to_dict())
