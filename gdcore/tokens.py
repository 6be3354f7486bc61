"""Text, plain or LaTeX → tokens with positions, by whitelist."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


class FormulaError(ValueError):
    """A formula that is refused: what is wrong, where, and the remedy, in at most 160 characters.

    position: offset in the user's text for a caret, or None where no single place is to blame.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if len(message) <= 160 else message[:159] + "…")
        self.position = position


@dataclass(frozen=True, slots=True)
class Token:
    """kind: number, word, op, open, close, bar, comma, frac, root, sup, subscript, end; text and place in the source."""

    kind: str
    text: str
    position: int
    glued: bool = True  # no space before it
    latex: bool = False


MOST_CHARACTERS = 2000
MOST_TOKENS = 1000
NUMBER = re.compile(r"(?:[0-9]+(?:\.(?![\^*/])[0-9]*)?|\.[0-9]+)(?:[eE][+\-−–]?[0-9]+)?")
WORD = re.compile(r"(?i:log1p|expm1|exp2)(?![A-Za-z0-9_])|[A-Za-z]+[0-9]*(?:_[A-Za-z0-9]+)*")
COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)
SPACES = " \t\n\r\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
OPERATORS = {
    "+": "+", "-": "-", "*": "*", "/": "/", "^": "^", "·": "*", "×": "*", "∙": "*", "⋅": "*", "∗": "*", "•": "*",
    "÷": "/", "⁄": "/", "∕": "/", "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "ˆ": "^", "＋": "+",
}  # fmt: skip
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
}  # fmt: skip
GREEK_LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega"
).split()
GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", GREEK_LETTERS, strict=True)) | {"ϕ": "phi", "ϑ": "theta", "ϵ": "epsilon"}
GREEK |= {"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi"}
GREEK |= {"Ψ": "Psi", "Ω": "Omega", "µ": "mu"}
GREEK_WORDS = frozenset(GREEK.values())
GREEK_COMMANDS = {rf"\{name}": name for name in GREEK_WORDS} | {
    r"\varphi": "phi", r"\vartheta": "theta", r"\varepsilon": "epsilon", r"\varrho": "rho",
}  # fmt: skip
COMMAND_FUNCTIONS = (
    "exp ln log sin cos tan arcsin arccos arctan sinh cosh tanh sec csc cot max min arsinh arcosh artanh"
).split()
IGNORED = {
    r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\quad", r"\qquad", r"\displaystyle", r"\textstyle", r"\limits",
    r"\big", r"\Big", r"\bigg", r"\Bigg", r"\bigl", r"\Bigl", r"\biggl", r"\Biggl", r"\bigr", r"\Bigr", r"\biggr",
    r"\Biggr", r"\bigm", r"\left", r"\right", "~",
}  # fmt: skip
SIMPLE_COMMANDS = {
    r"\cdot": ("op", "*"), r"\times": ("op", "*"), r"\ast": ("op", "*"), r"\div": ("op", "/"),
    r"\frac": ("frac", "frac"), r"\tfrac": ("frac", "frac"), r"\dfrac": ("frac", "frac"), r"\cfrac": ("frac", "frac"),
    r"\sqrt": ("root", "sqrt"), r"\lvert": ("bar", "("), r"\rvert": ("bar", ")"), r"\vert": ("bar", "|"),
    r"\mid": ("bar", "|"), r"\{": ("open", "{"), r"\}": ("close", "}"), r"\lbrace": ("open", "{"),
    r"\rbrace": ("close", "}"), r"\lfloor": ("open", "⌊"), r"\rfloor": ("close", "⌋"), r"\lceil": ("open", "⌈"),
    r"\rceil": ("close", "⌉"), r"\lbrack": ("open", "["), r"\rbrack": ("close", "]"),
}  # fmt: skip
FONT_COMMANDS = (r"\mathrm", r"\operatorname", r"\text", r"\mathit", r"\textrm", r"\rm")
FONT_ARGUMENT = re.compile(r"\s*\{\s*([A-Za-z]+[0-9]*(?:\\?_[A-Za-z0-9]+)*)\s*\}")
BRACED_INDEX = re.compile(r"_\{\s*([A-Za-z0-9]+)\s*\}")
PLAIN_INDEX = re.compile(r"_([A-Za-z0-9]+)")
LATEX_INDEX = re.compile(r"_([0-9]+|[A-Za-z])")
REMEDIES = {
    "!": "factorials are not offered: they have no derivative here",
    "%": "use mod(a, b) for a remainder",
    "=": "type only the right-hand side, without '='",
    ";": "type one formula only",
    ":": "type one formula only",
    "&": "conditions are not offered: use max, min or abs",
    "<": "comparisons are not offered: use max, min or abs",
    ">": "comparisons are not offered: use max, min or abs",
    "~": "conditions are not offered: use max, min or abs",
    "?": "conditions are not offered: use max, min or abs",
    "@": "use * for a product",
    "'": "quotes have no meaning in a formula: leave them out",
    '"': "quotes have no meaning in a formula: leave them out",
    "`": "quotes have no meaning in a formula: leave them out",
    "#": "comments are not offered: leave them out",
    ".": "a point belongs inside a number, as in 0.5",
    "_": "an index needs a name before it, as in x_1",
    "\\": "this is no LaTeX command of a formula",
    "$": "leave out dollar signs inside the formula",
    "∞": "type a finite number",
}


def tokenize(text: str, *, comparisons: bool = False) -> list[Token]:
    """The tokens of a formula, an "end" token last; FormulaError at the first character that has no meaning."""
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(f"the formula has {len(text):,} characters (at most {MOST_CHARACTERS:,}): shorten it", MOST_CHARACTERS)
    return _Tokenizer(text, comparisons).run()


class _Tokenizer:
    def __init__(self, text: str, comparisons: bool) -> None:
        self.text, self.at, self.comparisons = text, 0, comparisons
        self.latex = "\\" in text
        self.tokens: list[Token] = []
        self.spaced = False

    def run(self) -> list[Token]:
        self._strip_wrappers()
        while self.at < self.stop:
            self._next()
            if len(self.tokens) > MOST_TOKENS:
                raise FormulaError(f"the formula has more than {MOST_TOKENS} parts: shorten it", self.at)
        self.tokens.append(Token("end", "", min(self.stop, len(self.text.rstrip(SPACES)))))
        return self.tokens

    def _strip_wrappers(self) -> None:
        start, stop = 0, len(self.text)
        for _ in range(3):
            while start < stop and self.text[start] in SPACES:
                start += 1
            while stop > start and self.text[stop - 1] in SPACES:
                stop -= 1
            inside = self.text[start:stop]
            for left, right in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
                if inside.startswith(left) and inside.endswith(right) and len(inside) > len(left) + len(right):
                    start, stop = start + len(left), stop - len(right)
                    break
            else:
                if inside[-1:] in (";", ".", ",") and inside[-2:-1] not in (";", ".", ",", ""):
                    stop -= 1
                    continue
                break
        self.at, self.stop = start, stop

    def _add(self, kind: str, text: str, length: int) -> None:
        self.tokens.append(Token(kind, text, self.at, not self.spaced, self.latex))
        self.at += length
        self.spaced = False

    def _next(self) -> None:
        character = self.text[self.at]
        if character in SPACES:
            self.at += 1
            self.spaced = True
        elif character == "\\":
            self._command()
        elif match := NUMBER.match(self.text, self.at, self.stop):
            self._number(match.group())
        elif character.isascii() and character.isalpha():
            self._word()
        elif character in GREEK:
            self._indexed(GREEK[character], 1)
        else:
            self._symbol(character)

    def _number(self, typed: str) -> None:
        digits = typed.replace("−", "-").replace("–", "-")
        follows = self.text[self.at + len(digits) : self.at + len(digits) + 2]
        if re.match(r",[0-9]", follows) and not self._inside_call():
            raise FormulaError(f"comma in a number at {self.at + len(digits) + 1}: write the decimal point as in 0.5", self.at)
        value = float(digits)
        if value == float("inf") or (value == 0 and digits.strip("0.eE+-") and any(c in "123456789" for c in re.split("[eE]", digits)[0])):
            raise FormulaError(f"the number at {self.at + 1} is outside the 64-bit range: use a smaller exponent", self.at)
        self._add("number", digits, len(digits))

    def _inside_call(self) -> bool:
        depth = 0
        for token in reversed(self.tokens):
            depth += {"close": 1, "open": -1}.get(token.kind, 0)
            if depth < 0:
                return True
        return False

    def _word(self) -> None:
        match = WORD.match(self.text, self.at, self.stop)
        assert match is not None
        word = match.group()
        if self.latex and "_" in word:  # in LaTeX an index is one character unless braced
            head, _, tail = word.partition("_")
            word = f"{head}_{tail[0]}" if tail[0].isalpha() else f"{head}_{re.match('[0-9]+', tail).group()}"  # type: ignore[union-attr]
        self._indexed(word, len(word))

    def _indexed(self, word: str, length: int) -> None:
        """A word with the index that may follow it: _1, _{1}, ₁."""
        start = self.at
        end = start + length
        if braced := BRACED_INDEX.match(self.text, end, self.stop):
            word, end = f"{word}_{braced.group(1)}", braced.end()
        elif (word in GREEK_WORDS or word == "log") and (plain := self._plain_index().match(self.text, end, self.stop)):
            word, end = f"{word}_{plain.group(1)}", plain.end()
        elif end < self.stop and self.text[end] in "₀₁₂₃₄₅₆₇₈₉":
            digits = ""
            while end < self.stop and self.text[end] in "₀₁₂₃₄₅₆₇₈₉":
                digits, end = digits + self.text[end].translate(SUBSCRIPTS), end + 1
            word += digits
        if end < self.stop and self.text[end] == "_":
            raise FormulaError(f"index at {end + 1} is not understood: write names like x1 or x_1", end)
        self._add("word", word, end - start)

    def _plain_index(self) -> re.Pattern[str]:
        return LATEX_INDEX if self.latex else PLAIN_INDEX

    def _command(self) -> None:
        match = COMMAND.match(self.text, self.at, self.stop)
        name = match.group() if match else "\\"
        if name in IGNORED:
            self.at += len(name)
            self.spaced = True
            if name in (r"\left", r"\right") and self.text[self.at : self.at + 1] == ".":
                raise FormulaError(f"{name}. at {self.at} has no bracket: write one", self.at)
        elif name in SIMPLE_COMMANDS:
            self._add(*SIMPLE_COMMANDS[name], len(name))
        elif name in GREEK_COMMANDS:
            word = GREEK_COMMANDS[name]
            self._indexed(word, len(name))
        elif name[1:] in COMMAND_FUNCTIONS:
            self._indexed(name[1:], len(name))
        elif name in FONT_COMMANDS and (inner := FONT_ARGUMENT.match(self.text, self.at + len(name), self.stop)):
            self._add("word", inner.group(1).replace("\\_", "_"), inner.end() - self.at)
        else:
            shown = name if name.isprintable() else repr(name)[1:-1]
            raise FormulaError(f"'{shown[:30]}' at {self.at + 1} is not offered in formulas: rewrite that part", self.at)

    def _symbol(self, character: str) -> None:
        two = self.text[self.at : min(self.at + 2, self.stop)]
        if two == "**":
            self._add("op", "^", 2)
        elif two in (".^", ".*", "./"):
            self._add("op", two[1], 2)
        elif self.comparisons and character in "<>":
            self._add("compare", two if two in ("<=", ">=") else character, 2 if two in ("<=", ">=") else 1)
        elif self.comparisons and character in "≤≥":
            self._add("compare", {"≤": "<=", "≥": ">="}[character], 1)
        elif character in OPERATORS:
            self._add("op", OPERATORS[character], 1)
        elif character in "([{⌊⌈":
            self._add("open", character, 1)
        elif character in ")]}⌋⌉":
            self._add("close", character, 1)
        elif character in "|∣":
            self._add("bar", "|", 1)
        elif character == ",":
            self._add("comma", ",", 1)
        elif character in "√∛":
            self._add("root", "√" if character == "√" else "∛", 1)
        elif character in FRACTIONS:
            self._add("fraction", character, 1)
        elif character in "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻":
            self._superscript()
        elif character == "~" and self.latex:
            self.at += 1
            self.spaced = True
        else:
            self._refuse(character)

    def _superscript(self) -> None:
        end = self.at
        while end < self.stop and self.text[end] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻":
            end += 1
        digits = self.text[self.at : end].translate(SUPERSCRIPTS)
        if not re.fullmatch(r"[+-]?[0-9]+", digits):
            raise FormulaError(f"the exponent at {self.at + 1} is not understood: write it after ^", self.at)
        self._add("sup", digits, end - self.at)

    def _refuse(self, character: str) -> None:
        if character in REMEDIES:
            raise FormulaError(f"'{character}' at {self.at + 1} is not understood: {REMEDIES[character]}", self.at)
        plain = unicodedata.normalize("NFKC", character)
        hint = f"type a plain {plain!r}" if plain.isascii() and plain.isprintable() and plain.strip() else "leave it out"
        shown = f"'{character}' (U+{ord(character):04X})" if character.isprintable() else f"the character U+{ord(character):04X}"
        raise FormulaError(f"{shown} at {self.at + 1} is not allowed in formulas: {hint}", self.at)
