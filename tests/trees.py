"""Random syntax trees in the form the parser returns, for property tests."""

from hypothesis import strategies as st

from gdcore.formula import FUNCTIONS, UPDATE_FUNCTIONS
from gdcore.nodes import Binary, Call, Compare, Constant, Name, Negate, Node, Number

NAMES = ("x", "y", "x1", "x12", "theta", "alpha2", "weight_decay", "a_b", "lr", "Gamma")
ALL_FUNCTIONS = {**FUNCTIONS, **UPDATE_FUNCTIONS}
NUMBERS = st.one_of(
    st.integers(0, 12).map(float),
    st.sampled_from([0.1, 0.5, 1e-12, 1e-5, 2.5e-7, 1e15, 1e16, 1.5e22, 1e100, 123456789.0, 1 / 3, 5e-324]),
    st.floats(0, 1e6, allow_nan=False).map(abs),
)


def leaves(names: tuple[str, ...]) -> st.SearchStrategy[Node]:
    return st.one_of(st.sampled_from(names).map(Name), NUMBERS.map(Number), st.sampled_from(["pi", "e"]).map(Constant))


def _is_euler(node: Node) -> bool:
    return isinstance(node, Constant) and node.name == "e"


def trees(names: tuple[str, ...] = NAMES, *, update: bool = False, most: int = 20) -> st.SearchStrategy[Node]:
    """Trees over `names`; with update=True also where(a < b, …), norm and dot."""
    offered = {name: count for name, count in FUNCTIONS.items()}
    if update:
        offered |= {name: count for name, count in UPDATE_FUNCTIONS.items() if name != "where"}

    def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        calls = st.sampled_from(sorted(offered)).flatmap(
            lambda name: st.lists(inner, min_size=offered[name][0], max_size=min(offered[name][1], 4)).map(
                lambda arguments: Call(name, tuple(arguments))
            )
        )
        # the parser turns e^u into exp(u), so no canonical tree has a power of the constant e
        powers = st.builds(Binary, st.just("^"), inner.filter(lambda node: not _is_euler(node)), inner)
        parts = [st.builds(Negate, inner), st.builds(Binary, st.sampled_from("+-*/"), inner, inner), powers, calls]
        if update:
            compare = st.builds(Compare, st.sampled_from(["<", "<=", ">", ">="]), inner, inner)
            parts.append(st.builds(lambda c, a, b: Call("where", (c, a, b)), compare, inner, inner))
        return st.one_of(parts)

    return st.recursive(leaves(names), grow, max_leaves=most)
