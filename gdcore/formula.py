"""Text, plain or LaTeX → syntax tree, by whitelist: nothing else ever sees a user's text.

Readings where a text could mean two things: implicit multiplication has the precedence of *, left to right, so 1/2x is
(1/2)x; -x^2 is -(x^2); x^2^3 is x^(2^3); sin x y is refused, sin 2x cos y is sin(2x) cos(y); log is the natural one.
"""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Collection, Mapping

from gdcore.budgets import MOST_ARGUMENTS, check_budgets, check_names
from gdcore.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Name,
    Negate,
    Node,
    Number,
    array_value,
    children,
    constant_value,
    count_nodes,
    names_in,
)
from gdcore.tokens import FRACTIONS, GREEK_WORDS, FormulaError, Token, tokenize

__all__ = [
    "FUNCTIONS", "UPDATE_FUNCTIONS", "Binary", "Call", "Compare", "Constant", "FormulaError", "Name", "Negate", "Node",
    "Number", "array_value", "canonical_name", "children", "constant_value", "count_nodes", "names_in",
    "parse",
]  # fmt: skip

MOST_DEPTH = 40
_ONE, _TWO = (1, 1), (2, 2)
FUNCTIONS: dict[str, tuple[int, int]] = {
    "exp": _ONE, "log": _ONE, "log10": _ONE, "log2": _ONE, "sqrt": _ONE, "cbrt": _ONE, "sin": _ONE, "cos": _ONE,
    "tan": _ONE, "asin": _ONE, "acos": _ONE, "atan": _ONE, "sinh": _ONE, "cosh": _ONE, "tanh": _ONE, "asinh": _ONE,
    "acosh": _ONE, "atanh": _ONE, "abs": _ONE, "sign": _ONE, "min": (2, MOST_ARGUMENTS), "max": (2, MOST_ARGUMENTS),
    "atan2": _TWO, "floor": _ONE, "ceil": _ONE, "mod": _TWO, "erf": _ONE, "hypot": _TWO, "sec": _ONE, "csc": _ONE,
    "cot": _ONE,
}  # fmt: skip
UPDATE_FUNCTIONS: dict[str, tuple[int, int]] = {"norm": _ONE, "dot": _TWO, "where": (3, 3)}
ALIASES = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arsinh": "asinh", "arccosh": "acosh", "arcosh": "acosh", "arctanh": "atanh", "artanh": "atanh", "tg": "tan",
    "sen": "sin", "sgn": "sign", "maximum": "max", "minimum": "min", "ceiling": "ceil", "cosec": "csc", "ctg": "cot",
    "fabs": "abs", "absolute": "abs", "cotan": "cot", "sh": "sinh", "ch": "cosh", "th": "tanh", "lg": "log10",
}  # fmt: skip
REWRITTEN = {"sqr": 1, "square": 1, "pow": 2, "power": 2, "log1p": 1, "expm1": 1, "exp2": 1}
NOT_OFFERED = {"factorial", "gamma", "binomial", "fibonacci", "harmonic", "zeta", "bessel", "diff", "integrate"}
RESERVED = {"nan", "inf", "infinity", "true", "false", "none", "zoo", "oo", "print", "eval", "exec", "import", "lambda"}
PREFIXES = re.compile(r"(?<![A-Za-z0-9_.])(?:np|numpy|math|Math)\.(?=[A-Za-z])")
HEADER = re.compile(r"\s*[A-Za-z]\w{0,9}\s*(?:\\left\s*)?\(([\w\s,{}\\]{1,80}?)(?:\\right\s*)?\)\s*:?=(?!=)")
ASSIGNED = re.compile(r"\s*([A-Za-z])\s*=(?!=)")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
PRODUCT_LETTERS = "xyzuvwte"  # in an open formula, xy and xe are products of these, not names
CLOSING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉"}


def parse(
    text: str,
    *,
    names: Collection[str] | None = None,
    functions: Mapping[str, tuple[int, int]] = FUNCTIONS,
    comparisons: bool = False,
) -> Node:
    """The syntax tree of a formula.

    names: the known names, in canonical spelling; any other is refused with the nearest known one. None accepts every
    well-formed name, at most ten. functions: name → (fewest, most) arguments. comparisons: allow a < b in where.
    Raises FormulaError, and nothing else, whatever the text.
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, not {type(text).__name__}: type one such as x^2 + y^2")
    if not text.strip():
        raise FormulaError("type a formula, for instance x^2 + y^2", 0)
    cleaned = _blank_prefixes(_blank_header(text, names))
    tokens = tokenize(cleaned, comparisons=comparisons)
    if tokens[0].kind == "end":
        raise FormulaError("type a formula, for instance x^2 + y^2", 0)
    tree = _Parser(tokens, names, functions).whole()
    check_budgets(tree)
    if names is None:
        check_names(tree)
    return tree


def canonical_name(text: str) -> str:
    """The one spelling of a name: x_1, x_{1} and x₁ are x1, θ and \\theta are theta. FormulaError where it is no name."""
    tokens = tokenize(text) if text.strip() else []
    if len(tokens) != 2 or tokens[0].kind != "word":
        raise FormulaError(f"'{text[:20]}' is no name: use letters, then digits, as in x1 or theta", 0)
    name = _canonical(tokens[0].text)
    if not NAME.fullmatch(name) or len(name) > 20:
        raise FormulaError(f"'{text[:20]}' is no name: use at most 20 letters, then digits, as in x1 or theta", 0)
    if name in ("e", "pi", "Pi", "PI"):
        raise FormulaError(f"'{name}' is a constant: choose another name", 0)
    if name in FUNCTIONS or name in ALIASES or name in REWRITTEN or name in UPDATE_FUNCTIONS:
        raise FormulaError(f"'{name}' is a function: choose another name", 0)
    if name.lower() in RESERVED or keyword.iskeyword(name) and name != "lambda":
        raise FormulaError(f"'{name}' has a fixed meaning: choose another name", 0)
    return name


def _canonical(word: str) -> str:
    head, bar, tail = word.rpartition("_")
    return head + tail if bar and tail.isdigit() and not head[-1:].isdigit() else word


def _blank_header(text: str, names: Collection[str] | None) -> str:
    """The text with a leading "f(x, y) =" or "z =" blanked out, so that positions stay those of the user."""
    if len(text) > 4000:
        return text
    if match := HEADER.match(text):
        inner = [part.strip() for part in match.group(1).split(",")]
        known = all(_is_known_variable(part, names) for part in inner)
        return " " * match.end() + text[match.end() :] if known else text
    if match := ASSIGNED.match(text):
        target, rest = match.group(1), text[match.end() :]
        free = target not in (names or ()) and not re.search(rf"(?<![A-Za-z]){target}(?![A-Za-z])", rest)
        if free and (names is not None or target in "zfghywuFVEUJL") and "=" not in rest:
            return " " * match.end() + rest
    return text


def _is_known_variable(text: str, names: Collection[str] | None) -> bool:
    try:
        name = canonical_name(text)
    except FormulaError:
        return False
    return names is None or name in names


def _blank_prefixes(text: str) -> str:
    """np.sin → sin, with blanks in place of the prefix; only before a name that formulas offer."""

    def blank(match: re.Match[str]) -> str:
        following = NAME.match(text, match.end())
        known = following and (_function(following.group(), FUNCTIONS) or following.group() in ("pi", "PI", "e", *REWRITTEN))
        return " " * len(match.group()) if known else match.group()

    return PREFIXES.sub(blank, text) if len(text) <= 4000 else text


def _function(word: str, functions: Mapping[str, tuple[int, int]]) -> str | None:
    """The canonical function a word names, whatever its case; None when it names none."""
    for candidate in (word, word.lower()):
        name = ALIASES.get(candidate, candidate)
        if name in functions:
            return name
    return None


class _Parser:
    """Precedence climbing over the token list."""

    def __init__(self, tokens: list[Token], names: Collection[str] | None, functions: Mapping[str, tuple[int, int]]) -> None:
        self.tokens, self.at = tokens, 0
        self.names, self.functions = names, functions
        self.depth = 0
        self.bars = [0]  # open |…| groups at each bracket level

    # -- tokens --------------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def _take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def _is_op(self, *texts: str) -> bool:
        return self.token.kind == "op" and self.token.text in texts

    def _fail(self, what: str, remedy: str, token: Token | None = None) -> FormulaError:
        place = (token or self.token).position
        return FormulaError(f"{what} at {place + 1}: {remedy}", place)

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self._fail("nesting too deep", f"use at most {MOST_DEPTH} levels")

    # -- expressions ---------------------------------------------------------------------------------------------------

    def whole(self) -> Node:
        tree = self._expression()
        if self.token.kind == "end":
            return tree
        raise self._unexpected()

    def _unexpected(self) -> FormulaError:
        token = self.token
        if token.kind == "close":
            return self._fail(f"'{token.text}'", "it closes nothing, remove it")
        if token.kind == "comma":
            return self._fail("','", "commas belong between the arguments of a function only")
        if token.kind == "number":
            return self._fail(f"number '{token.text[:20]}' directly after a value", "write * or ^ between them")
        if token.kind == "compare":
            return self._fail(f"'{token.text}'", "comparisons belong into where(condition, a, b) only")
        return self._fail(f"'{token.text[:20]}'", "write an operator before it")

    def _expression(self) -> Node:
        self._deeper()
        position = self.token.position
        if self._is_op("-"):
            self._take()
            tree: Node = Negate(self._term(), position)
        else:
            if self._is_op("+"):
                self._take()
            tree = self._term()
        while self._is_op("+", "-"):
            operator = self._take()
            tree = Binary(operator.text, tree, self._term(), operator.position)
        self.depth -= 1
        return tree

    def _term(self) -> Node:
        tree = self._factor()
        while True:
            token = self.token
            if self._is_op("*", "/"):
                self._take()
                tree = Binary(token.text, tree, self._factor(), token.position)
            elif token.kind == "word" and token.text == "mod" and "mod" not in (self.names or ()):
                self._take()
                tree = Call("mod", (tree, self._factor()), token.position)
            elif self._starts_operand(token):
                tree = Binary("*", tree, self._power(), token.position)
            else:
                return tree

    def _starts_operand(self, token: Token) -> bool:
        """Whether an implicit product continues with this token."""
        if token.kind == "open" and token.text == "[":
            raise self._fail("'['", "write * before it, or ( ) instead")
        if token.kind == "bar":
            return token.text == "(" or token.text == "|" and self.bars[-1] == 0
        return token.kind in ("word", "open", "frac", "root", "fraction")

    def _factor(self) -> Node:
        position = self.token.position
        if self._is_op("-", "+"):
            sign = self._take()
            self._deeper()
            inner = self._factor()
            self.depth -= 1
            return Negate(inner, position) if sign.text == "-" else inner
        return self._power()

    def _power(self) -> Node:
        return self._raised(self._atom())

    def _raised(self, base: Node) -> Node:
        token = self.token
        if token.kind == "sup":
            self._take()
            value: Node = Number(float(token.text.lstrip("+-")), token.position)
            exponent = Negate(value, token.position) if token.text.startswith("-") else value
            return self._raised(self._make_power(base, exponent, token.position))
        if self._is_op("^"):
            self._take()
            return self._make_power(base, self._exponent(), token.position)
        return base

    def _make_power(self, base: Node, exponent: Node, position: int) -> Node:
        if isinstance(base, Constant) and base.name == "e":
            return Call("exp", (exponent,), position)
        return Binary("^", base, exponent, position)

    def _exponent(self) -> Node:
        self._deeper()
        position = self.token.position
        if self._is_op("-", "+"):
            sign = self._take()
            inner = self._exponent()
            tree: Node = Negate(inner, position) if sign.text == "-" else inner
        else:
            tree = self._power()
        self.depth -= 1
        return tree

    # -- atoms ---------------------------------------------------------------------------------------------------------

    def _atom(self) -> Node:
        token = self.token
        match token.kind:
            case "number":
                self._take()
                return Number(float(token.text), token.position)
            case "fraction":
                self._take()
                above, below = FRACTIONS[token.text]
                return Binary("/", Number(float(above)), Number(float(below)), token.position)
            case "word":
                return self._word()
            case "open":
                return self._group()
            case "bar" if token.text != ")":
                return self._absolute()
            case "frac":
                self._take()
                above_node = self._argument("\\frac")
                return Binary("/", above_node, self._argument("\\frac"), token.position)
            case "root":
                return self._root()
        raise self._missing(token)

    def _missing(self, token: Token) -> FormulaError:
        if token.kind == "end":
            return self._fail("the formula ends too early", "something is missing there")
        if token.kind == "op":
            return self._fail(f"'{token.text}'", "a value is missing before it")
        if token.kind == "close":
            return self._fail(f"'{token.text}'", "a value is missing before it, or the bracket is one too many")
        return self._fail(f"'{token.text[:20]}'", "a value is expected there")

    def _group(self) -> Node:
        opening = self._take()
        self.bars.append(0)
        tree = self._expression()
        self._close(opening)
        self.bars.pop()
        rounding = {"⌊": "floor", "⌈": "ceil"}.get(opening.text)
        return Call(rounding, (tree,), opening.position) if rounding else tree

    def _close(self, opening: Token) -> None:
        expected = CLOSING[opening.text]
        if self.token.kind == "end":
            raise self._fail(f"'{opening.text}'", f"it is never closed, add '{expected}'", opening)
        if self.token.kind != "close":
            raise self._unexpected()
        if self.token.text != expected:
            raise self._fail(f"'{self.token.text}'", f"'{opening.text}' at {opening.position + 1} needs '{expected}'")
        self._take()

    def _absolute(self) -> Node:
        opening = self._take()
        self.bars[-1] += 1
        tree = self._expression()
        self.bars[-1] -= 1
        if self.token.kind != "bar" or self.token.text == "(":
            raise self._fail("'|'", "it is never closed, add another '|'", opening)
        self._take()
        return Call("abs", (tree,), opening.position)

    def _argument(self, owner: str) -> Node:
        """What \\frac or \\sqrt takes: a braced group, or a single digit or letter."""
        token = self.token
        if token.kind == "open" and token.text == "{":
            return self._group()
        if token.kind == "number" and token.text.isdigit():
            if len(token.text) > 1:
                rest = Token("number", token.text[1:], token.position + 1, True, token.latex)
                self.tokens[self.at : self.at + 1] = [Token("number", token.text[0], token.position), rest]
            return Number(float(self._take().text), token.position)
        if token.kind == "word":
            self._split_letters(token, first_only=True)
            return self._word()
        if token.kind == "frac":
            return self._atom()
        raise self._fail(f"{owner} without its argument", "write it in braces { }")

    def _root(self) -> Node:
        token = self._take()
        if token.text in "√∛":
            inner = self._atom()
            if self.token.kind == "sup" or self._is_op("^"):
                raise self._fail(f"'{token.text}' before a power", "put the root's argument into brackets", token)
            return Call("sqrt" if token.text == "√" else "cbrt", (inner,), token.position)
        if not (self.token.kind == "open" and self.token.text in "[("):
            return Call("sqrt", (self._argument("\\sqrt"),), token.position)
        if self.token.text == "(":
            return Call("sqrt", (self._group(),), token.position)
        degree = self._group()
        inner = self._argument("\\sqrt")
        if isinstance(degree, Number) and degree.value in (2.0, 3.0):
            return Call("sqrt" if degree.value == 2 else "cbrt", (inner,), token.position)
        return Binary("^", inner, Binary("/", Number(1.0), degree, token.position), token.position)

    # -- words ---------------------------------------------------------------------------------------------------------

    def _word(self) -> Node:
        token = self.token
        word = _canonical(token.text)
        if self.names is not None and word in self.names:
            self._take()
            return Name(word, token.position)
        if token.text in ("e", "pi", "Pi", "PI"):
            self._take()
            return Constant("e" if token.text == "e" else "pi", token.position)
        if token.text.lower().startswith("log_"):
            return self._logarithm()
        if (function := _function(token.text, self.functions)) is not None:
            self._take()
            return self._call(function, token)
        if token.text.lower() in REWRITTEN:
            self._take()
            return self._rewritten(token)
        if self._split_letters(token):
            return self._word()
        if self.names is None and self._is_free_name(word):
            self._take()
            return Name(word, token.position)
        raise self._unknown(token)

    def _is_free_name(self, word: str) -> bool:
        """Whether an open formula may call something by this word."""
        following = self.tokens[self.at + 1]
        called = following.kind == "open" and following.text in "([" and len(word) > 1 and word not in GREEK_WORDS
        try:
            return not called and canonical_name(word) == word
        except FormulaError:
            return False

    def _split_letters(self, token: Token, *, first_only: bool = False) -> bool:
        """Replace a run of letters such as xy or xsin by its parts, where that is the only reading. Whether it did."""
        parts = self._letters(token, first_only=first_only)
        if len(parts) < 2:
            return False
        places = [token.position + sum(map(len, parts[:k])) for k in range(len(parts))]
        split = [Token("word", part, place, True, token.latex) for part, place in zip(parts, places, strict=True)]
        self.tokens[self.at : self.at + 1] = split
        return True

    def _letters(self, token: Token, *, first_only: bool) -> list[str]:
        word = token.text
        if word in GREEK_WORDS or (self.names is not None and _canonical(word) in self.names):
            return [word]
        if _function(word, self.functions) and not first_only:
            return [word]
        head = re.match(r"[A-Za-z]*", word).group()  # type: ignore[union-attr]
        if len(head) < 2:
            return [word]
        if self.names is None and len(word) <= 3 and set(word) <= set(PRODUCT_LETTERS):
            return list(word)
        if token.latex and self.names is None or first_only and word.isalpha():
            return [*head[:-1], word[len(head) - 1 :]]
        for length in range(len(head), 0, -1):
            letters, tail = head[:length], word[length:]
            if all(letter == "e" or letter in (self.names or ()) for letter in letters[: len(letters) - (tail.isdigit())]):
                if not tail:
                    return list(letters)
                if _function(tail, self.functions):
                    return [*letters, tail]
                if (tail.isdigit() or tail.startswith("_")) and _canonical(letters[-1] + tail) in (self.names or ()):
                    return [*letters[:-1], letters[-1] + tail]
        return [word]

    def _unknown(self, token: Token) -> FormulaError:
        following = self.tokens[self.at + 1]
        known = [*(self.names or ()), *self.functions, "pi", "e"]
        if token.text.lower() in NOT_OFFERED:
            return self._fail(f"'{token.text[:20]}'", "this function is not offered, use exp, sin, sqrt, abs and the like")
        near = difflib.get_close_matches(token.text[:30], known, n=1, cutoff=0.5)
        names = ", ".join(list(self.names or ())[:6])
        hint = f"did you mean {near[0]}?" if near else f"known are {names} and functions such as exp" if names else "rename it"
        kind = "function" if following.kind == "open" and following.text in "([" else "name"
        return self._fail(f"unknown {kind} '{token.text[:30]}'", hint)

    # -- function calls ------------------------------------------------------------------------------------------------

    def _call(self, function: str, token: Token) -> Node:
        power = self._function_power(token)
        arguments = self._arguments(function, token)
        tree: Node = Call(function, arguments, token.position)
        return Binary("^", tree, power, token.position) if power is not None else tree

    def _function_power(self, token: Token) -> Node | None:
        """The 2 of sin^2 x; sin^-1 could be arcsin or 1/sin, so it is refused."""
        if self.token.kind == "sup":
            sup = self._take()
            exponent: Node = Number(float(sup.text.lstrip("+-")), sup.position)
            negative = sup.text.startswith("-")
        elif self._is_op("^"):
            self._take()
            exponent = self._exponent()
            negative = isinstance(exponent, Negate)
        else:
            return None
        if negative:
            name = token.text
            raise self._fail(f"'{name}' with a negative power", f"write arc{name}(x) or 1/{name}(x)", token)
        return exponent

    def _arguments(self, function: str, token: Token) -> tuple[Node, ...]:
        fewest, most = self.functions[function]
        if self.token.kind == "open" and self.token.text in "([{":
            arguments = self._bracketed()
        elif fewest > 1:
            raise self._fail(f"'{token.text}' without brackets", f"write {function}(a, b)", token)
        else:
            arguments = (self._bare_argument(token),)
        compared = [part for part in arguments if isinstance(part, Compare)]
        if compared and (function != "where" or compared != [arguments[0]]):
            raise self._fail("comparison", "it belongs into where(condition, a, b) as the condition", token)
        if not fewest <= len(arguments) <= most:
            wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise self._fail(f"'{token.text}' with {len(arguments)} arguments", f"it takes {wanted}", token)
        return arguments

    def _bracketed(self) -> tuple[Node, ...]:
        opening = self._take()
        if self.token.kind == "close":
            raise self._fail("empty brackets", "write the argument into them", opening)
        self.bars.append(0)
        arguments = [self._comparison()]
        while self.token.kind == "comma":
            self._take()
            arguments.append(self._comparison())
        self._close(opening)
        self.bars.pop()
        return tuple(arguments)

    def _comparison(self) -> Node:
        left = self._expression()
        if self.token.kind != "compare":
            return left
        operator = self._take()
        return Compare(operator.text, left, self._expression(), operator.position)

    def _bare_argument(self, token: Token) -> Node:
        """The argument of a function without brackets: a number, constants, then one name, fraction, root or |…|."""
        if self._is_op("-", "+"):
            raise self._fail(f"'{token.text}' before a sign", f"put its argument into brackets, as in {token.text}(-x)", token)
        tree: Node | None = None
        while True:
            part = self.token
            plain = part.kind == "number" and tree is None
            constant = part.kind == "word" and part.text in ("pi", "e", "Pi", "PI") and part.text not in (self.names or ())
            value = part.kind in ("frac", "root", "fraction") or part.kind == "bar" and self._opens(part)
            value = value or part.kind == "word" and not constant and self._is_value_word(part)
            if not (plain or constant or value):
                break
            piece = self._raised(self._atom())
            tree = piece if tree is None else Binary("*", tree, piece, part.position)
            if value:
                break
        if tree is None:
            raise self._fail(f"'{token.text}' without an argument", f"write {token.text}(x)", token)
        after = self.token
        follows = after.kind == "open" or after.kind == "number"
        if follows or after.kind == "word" and self._is_value_word(after) and after.text != "mod":
            where = f"'{token.text}' with several factors"
            raise self._fail(where, f"write {token.text}(…) with brackets round its argument", token)
        return tree

    def _opens(self, bar: Token) -> bool:
        return bar.text == "(" or bar.text == "|" and self.bars[-1] == 0

    def _is_value_word(self, token: Token) -> bool:
        if self.names is not None and _canonical(token.text) in self.names:
            return True
        text = token.text.lower()
        return _function(token.text, self.functions) is None and not text.startswith("log_") and text not in REWRITTEN

    def _logarithm(self) -> Node:
        token = self._take()
        base = token.text.partition("_")[2]
        if not base.isdigit() or int(base) < 2:
            raise self._fail(f"the base of '{token.text[:20]}'", "write a whole number from 2 up", token)
        power = self._function_power(token)
        arguments = self._arguments("log", token)
        tree: Node
        if base in ("2", "10"):
            tree = Call(f"log{base}", arguments, token.position)
        else:
            below = Call("log", (Number(float(base)),), token.position)
            tree = Binary("/", Call("log", arguments, token.position), below, token.position)
        return Binary("^", tree, power, token.position) if power is not None else tree

    def _rewritten(self, token: Token) -> Node:
        """Functions that are short for something else: pow(a, b), sqr(x), log1p(x), expm1(x), exp2(x)."""
        word, place = token.text.lower(), token.position
        if not (self.token.kind == "open" and self.token.text in "(["):
            raise self._fail(f"'{token.text}' without brackets", f"write {word}(…)", token)
        arguments = self._bracketed()
        if len(arguments) != REWRITTEN[word]:
            raise self._fail(f"'{token.text}' with {len(arguments)} arguments", f"it takes {REWRITTEN[word]}", token)
        first = arguments[0]
        if word in ("sqr", "square"):
            return self._make_power(first, Number(2.0), place)
        if word == "log1p":
            return Call("log", (Binary("+", Number(1.0), first, place),), place)
        if word == "expm1":
            return Binary("-", Call("exp", (first,), place), Number(1.0), place)
        if word == "exp2":
            return Binary("^", Number(2.0), first, place)
        return self._make_power(first, arguments[1], place)
