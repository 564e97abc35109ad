"""What a text asks for: its terms, each a word or a telephone number, and what an entry must have to match them.

Groups of digits beside each other are one number, however it is written: ``+1 (415) 555-01``.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from search.words_field import AllOf, AnyOf, Condition, Word
from storage import folding

INSIDE = "\u00b7"
"""Begins words of the index that are the end of a longer one, from its second letter or digit on."""
SPOKEN = "\u00a4"
"""Begins words of the index that a transcription has: not everybody may read these."""
SHORTEST_INSIDE = 3
MAX_WORD_LENGTH = 100
_MAX_TERMS = 8
_MAX_LENGTH = 300
_GROUP = re.compile(r"(?:tel:)?[+(]*[0-9][0-9().\-/+\u2010-\u2015]*", re.IGNORECASE)
_NO_WORD = re.compile(r"[^0-9a-z\u0080-\U0010ffff]|[\ud800-\udfff]|\s")
_SUBSCRIBER_DIGITS = 7
_COUNTRY_DIGITS = 3
_PREFIX_DIGITS = 4


class Likeness(IntEnum):
    """How an entry matches, the likeliest first."""

    EXACT = 0
    PREFIX = 1
    INSIDE = 2


@dataclass(frozen=True)
class Term:
    """A word or a number that is searched for."""

    text: str
    """As it was typed."""
    word: str
    """Folded; of a number, its digits."""
    is_number: bool = False
    groups: tuple[str, ...] = ()
    """The digits of each group of a number."""

    def condition(self, likeness: Likeness, *, spoken: bool) -> Condition:
        """What an entry must have to match as well as that; what is `spoken` counts if so."""
        if not self.is_number:
            return _word_condition(self.word, likeness, spoken=spoken)
        conditions: list[Condition] = [
            _word_condition(digits, likeness, spoken=spoken) for digits in _spellings(self.word)
        ]
        conditions += [Word(digits) for digits in self._shorter_numbers(_PREFIX_DIGITS, _SUBSCRIBER_DIGITS)]
        if likeness > Likeness.EXACT and self._is_international:
            shorter = self._shorter_numbers(_COUNTRY_DIGITS, _SUBSCRIBER_DIGITS - 1)
            conditions += [Word(digits, is_prefix=True) for digits in shorter]
        if likeness == Likeness.INSIDE and self._may_be_several:
            conditions.append(
                AllOf(tuple(_word_condition(digits, likeness, spoken=spoken) for digits in self.groups))
            )
        return AnyOf(tuple(conditions))

    @property
    def _is_international(self) -> bool:
        return self.text.lower().removeprefix("tel:").lstrip("(").startswith(("+", "00"))

    @property
    def _may_be_several(self) -> bool:
        """Whether the groups may be numbers of their own, such as that of a mailbox and that of a caller."""
        return len(self.groups) > 1 and min(map(len, self.groups)) >= SHORTEST_INSIDE

    def _shorter_numbers(self, dropped: int, shortest: int) -> list[str]:
        """The number without up to so many digits in front, which the stored number may lack."""
        digits = self.word.lstrip("0")
        return [digits[count:] for count in range(1, dropped + 1) if len(digits) - count >= shortest]


def parse(text: str) -> list[Term]:
    """Return the terms of a text, the first eight at most; none if it has no letter and no digit."""
    terms: list[Term] = []
    groups: list[str] = []

    def end_number() -> None:
        digits = folding.telephone_digits(" ".join(groups))
        if digits:
            parts = tuple(filter(None, (re.sub(r"[^0-9]", "", group) for group in groups)))
            terms.append(Term(" ".join(groups), digits[:MAX_WORD_LENGTH], is_number=True, groups=parts))
        groups.clear()

    for chunk in unicodedata.normalize("NFKC", text[:_MAX_LENGTH]).split():
        if _GROUP.fullmatch(chunk) and folding.telephone_digits(chunk):
            groups.append(chunk)
            continue
        words = [word for word in map(clean_word, folding.search_words(chunk)) if word]
        if words:
            end_number()
            terms += [Term(chunk, word) for word in words]
    end_number()
    return terms[:_MAX_TERMS]


def match_all(terms: Sequence[Term], likeness: Likeness, *, spoken: bool) -> Condition:
    """What an entry must have to match all terms."""
    return AllOf(tuple(term.condition(likeness, spoken=spoken) for term in terms))


def match_any(terms: Sequence[Term], likeness: Likeness, *, spoken: bool) -> Condition:
    """What an entry must have to match one of the terms."""
    return AnyOf(tuple(term.condition(likeness, spoken=spoken) for term in terms))


def clean_word(word: str) -> str:
    """Return a folded word without what the full-text index would take for its end."""
    return _NO_WORD.sub("", word)[:MAX_WORD_LENGTH]


def _spellings(digits: str) -> list[str]:
    """Digits as they are, and without the zeros that stand for a country or a town."""
    short = digits.lstrip("0")
    return [digits, short] if short and short != digits and len(short) >= SHORTEST_INSIDE else [digits]


def _word_condition(word: str, likeness: Likeness, *, spoken: bool) -> Condition:
    is_prefix = likeness > Likeness.EXACT
    conditions = [Word(word, is_prefix)]
    if likeness == Likeness.INSIDE and len(word) >= SHORTEST_INSIDE:
        conditions.append(Word(INSIDE + word, is_prefix))
    if spoken:
        conditions.append(Word(SPOKEN + word, is_prefix))
    return AnyOf(tuple(conditions))
