"""Pages of a Parquet file → what they claim to unpack to, told before one of them is unpacked.

A reader makes room for what a page's header claims, up to 2 GB each, whatever the footer says of the column. A header is a
structure in Thrift's compact protocol: a byte for each field, with its kind and the distance to the number of the one before,
and 0 at the end (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

MOST_PAGES = 100_000  # of a file
MOST_CLAIMED = 2**31
TRUE, FALSE, SHORT, WHOLE, LONG, TEXT, STRUCTURE = 1, 2, 4, 5, 6, 8, 12  # kinds of fields that a page's header has
CLAIMED, HELD = 2, 3  # numbers of its fields: bytes unpacked, and bytes in the file
WRITER = "parquet-cpp-arrow"  # for files of others, readers know exceptions to where pages end
Fields = dict[int, tuple[int, int]]


def check_pages(data: bytes, said: pq.FileMetaData) -> None:
    """ValueError where the pages of a column claim more bytes than the footer says, or do not fill their column exactly."""
    if not said.created_by.startswith(WRITER):
        raise ValueError("this file is by another writer")
    left = MOST_PAGES
    for column in _columns(said):
        at, end, claimed = _first(column), _first(column) + column.total_compressed_size, 0
        while at < end:
            fields, at = _structure(data, at)
            claimed, at, left = claimed + _size(fields, CLAIMED), at + _size(fields, HELD), left - 1
            if claimed > column.total_uncompressed_size or left < 0:
                raise ValueError("the pages are too large or too many")
        if at != end or at > len(data):
            raise ValueError("the pages do not fill their column")


def _columns(said: pq.FileMetaData) -> Iterator[Any]:
    for group in range(said.num_row_groups):
        for column in range(said.num_columns):
            yield said.row_group(group).column(column)


def _first(column: Any) -> int:
    """Where a reader looks for the first page."""
    data, words = column.data_page_offset, column.dictionary_page_offset
    first: int = words if words and 0 < words < data else data
    if first < 0:
        raise ValueError("a page is nowhere")
    return first


def _size(fields: Fields, number: int) -> int:
    kind, size = fields[number]
    if kind != WHOLE or not 0 <= size < MOST_CLAIMED:
        raise ValueError("a page has no size")
    return size


def _structure(data: bytes, at: int, depth: int = 3) -> tuple[Fields, int]:
    """The fields of a structure by number, in ascending order, each its kind and value; and where it ends."""
    fields: Fields = {}
    number = 0
    while data[at]:
        distance, kind = divmod(data[at], 16)
        if not distance or not depth:
            raise ValueError("the fields of a page's header are in no order")
        number += distance
        value, at = _value(data, at + 1, kind, depth)
        fields[number] = kind, value
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[int, int]:
    """A field's number, or 0 where it is none; and where it ends."""
    if kind in (TRUE, FALSE):
        return 0, at
    if kind in (SHORT, WHOLE, LONG):
        value, at = _varint(data, at)
        return (value >> 1) ^ -(value & 1), at
    if kind == TEXT:
        length, at = _varint(data, at)
        return 0, at + length
    if kind == STRUCTURE:
        return 0, _structure(data, at, depth - 1)[1]
    raise ValueError("a page's header has no such field")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of 7 bits, the lowest first; and where it ends."""
    value = 0
    for shift in range(0, 64, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise ValueError("a number is too long")
