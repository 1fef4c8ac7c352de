"""Philox-4x32-10 against its published vectors, as a source of uniform words, and without compilation."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from mpgg_env.core.philox import below, draw_words, fill_words, philox_4x32
from tests.support import fresh_python

# The file kat_vectors of Random123 ([Salmon2011]), the lines "philox4x32 10": counter, key, result.
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
ADDRESSES = [(0, 0, 0, 0), (7, 149, 99_999, 2), (2**64 - 1, 2**32 - 1, 2**64 - 1, 2**32 - 1), (2**40, 3, 2**33, 1)]

WITHOUT_COMPILATION = """
import json, sys
import numpy as np
from mpgg_env.core.philox import below, draw_words, fill_words
addresses = json.loads(sys.argv[1])
words = np.zeros((4, 5), np.uint32)
fill_words(words, np.uint64(3), np.uint64(11), np.uint64(2**32 + 5), np.uint64(2))
drawn = [[int(word) for word in draw_words(*map(np.uint64, address))] for address in addresses]
print(json.dumps([drawn, words.tolist(), [int(below(np.uint64(word), 7)) for word in drawn[0]]]))
"""


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_published_known_answers(counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]) -> None:
    words = philox_4x32(*(np.uint64(word) for word in (*counter, *key)))
    assert tuple(int(word) for word in words) == expected


# An address is laid out as counter (agent, low and high word of the step, purpose) and key (low, high of the seed).
@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_an_address_reaches_the_published_words(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    seed = np.uint64(key[0] | key[1] << 32)
    step = np.uint64(counter[1] | counter[2] << 32)
    assert tuple(int(word) for word in draw_words(seed, counter[0], step, counter[3])) == expected


def test_filled_words_are_those_of_each_agent() -> None:
    words = np.zeros((4, 6), np.uint32)
    fill_words(words, 2, 9, 2**35, 1)
    assert words.T.tolist() == [[int(word) for word in draw_words(9, 2 + i, 2**35, 1)] for i in range(6)]


@pytest.mark.parametrize("part", ["seed", "agent", "step", "purpose"])
def test_words_are_uniform_along_every_part_of_the_address(part: str) -> None:
    place = ["seed", "agent", "step", "purpose"].index(part)
    words = np.array([draw_words(*(i if place == j else 5 for j in range(4))) for i in range(4096)], np.uint64)
    for shift in (0, 8, 16, 24):
        octets = (words >> np.uint64(shift)) & np.uint64(0xFF)
        for column in octets.T:
            assert chisquare(np.bincount(column.astype(int), minlength=256)).pvalue > 1e-5
    assert len(np.unique(words[:, 0] << np.uint64(32) | words[:, 1])) == 4096


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31))
def test_below_stays_below_and_is_the_scaled_word(word: int, bound: int) -> None:
    assert below(np.uint64(word), bound) == word * bound // 2**32


@pytest.mark.parametrize("bound", [1, 2, 3, 5, 9, 25, 10_000, 2**31])
def test_below_takes_both_ends(bound: int) -> None:
    assert below(np.uint64(0), bound) == 0
    assert below(np.uint64(2**32 - 1), bound) == bound - 1


# Value v of 5 comes from the words in [v 2**32 / 5, (v + 1) 2**32 / 5): each step lies at the next integer.
def test_the_values_of_below_have_equal_shares_of_the_words() -> None:
    for value in range(1, 5):
        first = -(-value * 2**32 // 5)
        assert below(np.uint64(first), 5) == value
        assert below(np.uint64(first - 1), 5) == value - 1


def test_without_compilation_the_words_are_the_same() -> None:
    output = fresh_python(WITHOUT_COMPILATION, json.dumps(ADDRESSES), NUMBA_DISABLE_JIT="1")
    drawn = [[int(word) for word in draw_words(*map(np.uint64, address))] for address in ADDRESSES]
    words = np.zeros((4, 5), np.uint32)
    fill_words(words, np.uint64(3), np.uint64(11), np.uint64(2**32 + 5), np.uint64(2))
    assert json.loads(output) == [drawn, words.tolist(), [int(below(np.uint64(word), 7)) for word in drawn[0]]]
