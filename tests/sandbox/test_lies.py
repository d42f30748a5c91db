"""Responses of a compromised decoder are validated; an invalid one immediately fails its own file only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from converter import engine
from converter.engine import raster
from converter.sandbox import Probed, Refused, Rendered, answers
from converter.sandbox.messages import Malformed
from tests.conftest import make_photo
from tests.sandbox.hostile import PNG, Attacker, attacker

pytestmark = pytest.mark.system

WEBP = engine.Recipe.parse({"format": "webp"})


@pytest.fixture(scope="module")
def there() -> Iterator[Attacker]:
    with attacker(make_photo(64)) as made:
        yield made


# An honest response, to be modified.
HONEST = """
result = render(source, recipe, {})
truth = {
    "index": 0, "format": "png", "mime": "image/png", "width": result.width, "height": result.height,
    "report": result.report.to_dict(), "milliseconds": 1,
}
data = result.data
def answer(**bent):
    messages.send(lines[0], {**truth, **bent}, data)
def report(**bent):
    answer(report={**truth["report"], **bent})
def raw(text):
    lines[0].sendall(struct.pack(">I", len(text)) + text)
note = {"code": "upright", "params": {}, "text": "Rotated upright"}
"""

LIES = {
    "2 GB of JSON": "lines[0].sendall(struct.pack('>I', 2**31))\nwhile True: lines[0].sendall(b' ' * 10**6)",
    "2 GB of JSON that do not come": "lines[0].sendall(struct.pack('>I', 2**31)); time.sleep(600)",
    "4 GB of bytes": "messages.send(lines[0], truth | {'sizes': [2**32]})",
    "bytes without end": "raw(json.dumps(truth | {'sizes': [2**40]}).encode())\nwhile True: lines[0].sendall(b' ' * 10**6)",
    "bytes of negative length": "raw(json.dumps(truth | {'sizes': [-1]}).encode())",
    "bytes of odd length": "raw(json.dumps(truth | {'sizes': [True]}).encode())",
    "two results in one": "messages.send(lines[0], truth, data, data)",
    "no result": "messages.send(lines[0], truth)",
    "no sizes": "raw(json.dumps(truth).encode())",
    "no JSON": "raw(b'<html>')",
    "no text": "raw(bytes([255] * 100))",
    "deep JSON": "raw(b'[' * 200_000)",
    "deep objects": "raw(b'{\"a\":' * 40_000)",
    "not a number": "raw(json.dumps(truth | {'width': float('nan'), 'sizes': []}).encode())",
    "infinity": 'raw(b\'{"index": 1e999, "sizes": []}\')',
    "a number of a million digits": "raw(b'{\"index\": ' + b'1' * 200_000 + b', \"sizes\": []}')",
    "a list": "raw(b'[]')",
    "a string": "raw(b'\"x\"')",
    "nothing": "raw(b'{\"sizes\": []}')",
    "another output": "answer(index=1)",
    "an output before": "answer(index=-1)",
    "an output that is true": "answer(index=False)",
    "an output that is a fraction": "answer(index=0.0)",
    "another key": "answer(owner='somebody else')",
    "another format": "answer(format='webp', mime='image/webp')",
    "an unknown format": "answer(format='exe')",
    "a format that is a list": "answer(format=['png'])",
    "another type": "answer(mime='text/html')",
    "negative width": "answer(width=-1)",
    "no width": "answer(width=0)",
    "a width in words": "answer(width='wide')",
    "a huge picture": "answer(width=65535, height=65535)",
    "no time": "answer(milliseconds=None)",
    "HTML as PNG": "data = b'<html>' * 99; report(bytes_after=len(data))",
    "a report of another size": "report(bytes_after=1)",
    "no report": "answer(report=None)",
    "a report that is a list": "answer(report=[])",
    "a report that is a string": "answer(report='fine')",
    "an empty report": "answer(report={})",
    "one more word": "report(owner='somebody else')",
    "notes that are words": "report(notes=['fine'])",
    "notes that are an object": "report(notes={'code': 'x'})",
    "a note without words": "report(notes=[{'code': 'upright'}])",
    "an unknown note": "report(notes=[note | {'code': 'x'}])",
    "a note whose code is a list": "report(notes=[note | {'code': ['upright']}])",
    "a note that lacks what it tells": "report(notes=[note | {'code': 'cropped'}])",
    "a note of odd numbers": "report(notes=[note | {'code': 'bytes_met', 'params': {'quality': 1, 'target': 'x'}}])",
    "a thousand notes": "report(notes=[note] * 1000)",
    "frames in words": "report(frames={'in': 'one', 'kept': 'one'})",
    "an encoder that is a number": "report(encoder=7)",
    "likeness in words": "report(similarity='very')",
    "sizes of three": "report(resized={'from': [1, 2, 3], 'to': [1, 2, 3]})",
    "versions that are objects": "report(engine={'pillow': {}})",
    "deep settings": "report(encoder={'name': 'x', 'settings': {'a': {'a': {'a': {'a': {'a': {'a': 1}}}}}}})",
    "half a letter": "report(metadata_removed=[chr(0xd800)])",
    "a long word": "report(metadata_removed=['x' * 10_000])",
    "a large number": "report(bytes_before=2**70)",
    "an unknown reason": "messages.send(lines[0], {'index': 0, 'code': 'paid', 'params': {}})",
    "a reason that is a list": "messages.send(lines[0], {'index': 0, 'code': ['corrupt'], 'params': {}})",
    "a reason without parameters": "messages.send(lines[0], {'index': 0, 'code': 'corrupt', 'params': None})",
    "a reason of an unknown kind": "messages.send(lines[0], {'index': 0, 'code': 'corrupt', 'params': {'kind': 'x'}})",
    "a reason that lacks what it tells": "messages.send(lines[0], {'index': 0, 'code': 'too_many_frames', 'params': {}})",
    "a reason within itself": "messages.send(lines[0], {'index': 0, 'code': 'invalid_recipe', 'params': {'problems': [{}]}})",
    "a reason too long to be said": "messages.send(lines[0], {'index': 0, 'code': 'invalid_recipe', 'params': {'problems': ['x' * 900] * 9}})",
    "a reason and a result": "messages.send(lines[0], {'index': 0, 'code': 'corrupt', 'params': {}}, data)",
    "a log in numbers": "messages.send(lines[0], {'log': 7, 'cause': 'x'})",
    "too much for the log": "for _ in range(100): messages.send(lines[0], {'log': 'x', 'cause': 'x'})",
    "a log of a million letters": "messages.send(lines[0], {'log': 'x' * 10**6, 'cause': 'x'})",
    "found again": "messages.send(lines[0], {'facts': source.facts.to_dict()})",
    "decoded again": "messages.send(lines[0], {'decoded': True})",
}


@pytest.mark.parametrize("lie", LIES)
def test_an_invalid_answer_fails_only_its_file(there: Attacker, lie: str) -> None:
    began = time.monotonic()
    _, *others = there.answers(HONEST + LIES[lie] + "\ntime.sleep(600)", PNG, WEBP)
    assert time.monotonic() - began < 20
    assert [(answer.index, answer.code) for answer in others if isinstance(answer, Refused)] == [
        (0, "crashed"),
        (1, "crashed"),
    ]
    assert isinstance(there.answers("", WEBP)[-1], Rendered)


@pytest.mark.parametrize(
    "bent",
    [
        {"owner": "somebody else"},
        {"format": "exe"},
        {"format": ["png"]},
        {"width": "64"},
        {"width": 0},
        {"height": True},
        {"camera": ["x"]},
        {"location": [1, 2, 3]},
        {"profile": 7},
        {"animated": 1},
        {"software": "x" * 10_000},
    ],
)
def test_the_facts_of_a_file_are_checked_too(bent: dict[str, Any]) -> None:
    facts = raster.probe(make_photo(64)).to_dict()
    limits = engine.Limits()
    assert answers.parse({"facts": facts}, b"", 0, PNG, limits) == Probed(facts)
    messages: list[dict[str, Any]] = [
        {"facts": {**facts, **bent}},
        {"facts": facts, **bent},
        {"facts": None},
        {"facts": {}},
    ]
    for message in messages:
        with pytest.raises(Malformed):
            answers.parse(message, b"", 0, PNG, limits)


def test_a_slow_answer_ends_at_the_time_limit_of_the_file(there: Attacker) -> None:
    code = "while True: lines[0].sendall(bytes(1)); time.sleep(0.2)"
    began = time.monotonic()
    answer = there.answers(code, limits=engine.Limits(seconds=3))[-1]
    assert isinstance(answer, Refused)
    assert answer.code in ("timed_out", "crashed")
    assert time.monotonic() - began < 20


def test_notes_have_the_engines_own_text(there: Attacker) -> None:
    code = """
    note = {"code": "upright", "params": {"x": "<script>"}, "text": "<script>alert(1)</script>"}
    report(notes=[note], metadata_removed=["a\\x00\\x1b[31mb"])
    time.sleep(600)
    """
    answer = there.answers(HONEST + "\n".join(line[4:] for line in code.splitlines()))[-1]
    assert isinstance(answer, Rendered)
    assert [note["text"] for note in answer.report["notes"]] == ["Rotated upright"]
    assert answer.report["metadata_removed"] == ["a[31mb"]


def test_valid_answers_are_accepted(there: Attacker) -> None:
    probed, answer = there.answers(HONEST + "answer(); time.sleep(600)")
    assert isinstance(probed, Probed)
    assert isinstance(answer, Rendered)
    assert answer.data.startswith(b"\x89PNG")


def test_each_fact_is_known_to_the_reader() -> None:
    assert set(answers._FACTS) == {field.name for field in fields(raster.Facts)}
