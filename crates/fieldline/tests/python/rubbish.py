"""Generated rubbish in files and on the standard input, counted and read a second time by Python's own `csv` and `json`:
every record is an event or a dead letter with its text, once, in order, with the same content.

    python rubbish.py target/debug/fieldline [SEED]

Where Python's `csv` reads by another rule, the compared table has none of it, and the broken table counts lines instead:

- after a closing quote Python goes on with the cell, the program refuses the row;
- a quote that is never closed takes the rest of the file in Python, in the program its own row;
- a row over several lines with a cell too many is one row in Python, in the program each of its lines is refused or
  read by itself.
"""

import base64
import collections
import csv
import io
import json
import math
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import plant

ROWS = 4000
MOST_LINE_BYTES = 1 << 20
KEPT_BYTES = 1 << 10  # of a line that is too long
LIMIT = 120  # seconds for a run
FAILED = 3  # exit code of a run that failed some events
BLANK = b" \t\x0c"
BOM = b"\xef\xbb\xbf"

PIPELINE = """
pipeline: rubbish
dead_letter: {{ folder: letters, max_size: 16MiB }}
sources:
{sources}
sinks:
{sinks}
"""

# ---- what is generated --------------------------------------------------------------------------------------------

CELLS = [
    "", " ", "1", "-0", "007", "1.5", "1e3", "1e999", "9223372036854775807", "9223372036854775808", "true", "null",
    "NaN", "Infinity", "-", "21,5", '3"', '"', '""', " \"x\"", "a\nb", "a\r\nb", ",", "\0", "\ufeff", "°C", "名", "\U0001f321", "[1]",
    "{}", "\t", "\\n", "'", "#", "=1+1", "\u00a0x", "\u2028",
]  # fmt: skip

VALUES = [
    b"{}", b'{"a":1}', b'{"t":NaN,"h":40}', b"Infinity", b"nul", b"null", b"1", b"1.0", b"-0", b"01", b"1.", b".5", b"1e3",
    b"1e999", b"9223372036854775807", b"9223372036854775808", b'"\\ud800"', b'"\\ud83c\\udf21"',
    b'"\\x"', b'"\t"', b'"\0"', b"\0", b'"\xb0C"', b"\xff", BOM + b"1", b"[1,]", b"[1,2]", b'{"a":1,"a":2}', b"{'a':1}",
    b"{} {}", b"{}x", b"[" * 100 + b"]" * 100, b'{"":{"":[]}}', b'{"a":1', b'"open', b"", b" ", b"\t", b" \x0c", b"\x0b",
    b"0.1", b"123456789.123456789", b"5e-324", b"1.7976931348623157e308", b'"\xe5\x90\x8d"', b"True", b"// a", b"\xe2\x80\xa8",
]  # fmt: skip


def compared_table(draw):
    """A table that both read by one rule."""
    names = ["id", "temperature", "a name", "°C"]
    text = [BOM, written(names, "\r\n")]
    for number in range(ROWS):
        cells = [str(number)] + [draw.choice(CELLS) for _ in names[1:]]
        kind = draw.random()
        if kind < 0.1:  # a cell missing, or some too many
            cells = [str(number)] + ["x", '3"'] * draw.choice([0, 1, 2, 3])
        end = draw.choice(["\n", "\r\n", "\r"])
        row = written(cells, end)
        if kind > 0.95:
            row = b"%d,\xb0C,\xff,Latin-1\n" % number
        elif kind > 0.9:
            row = b'%d,3",in"side, "x" \n' % number
        text += [row, draw.choice([b"", b"", b"", b"\n", b" \t\r\n", b"\r\r"])]
    text.append(written(["huge", "x" * 100_000, "", ""], "\n"))
    text.append(written(["too long", "x" * MOST_LINE_BYTES, "", ""], "\n"))
    text.append(written(["last", "not", "terminated", "é"], ""))
    return b"".join(text)


def written(cells, end):
    """A row as Python's `csv` writes it; `end` may be empty."""
    row = io.StringIO(newline="")
    csv.writer(row, lineterminator="\n").writerow(cells)
    return row.getvalue().removesuffix("\n").encode() + end.encode()


def broken_table(draw):
    """Lines of which each begins with a mark, with quotes that nobody closes and text behind those that are."""
    pieces = ['"', ",", "a", '""', '",', ',"', '"x"y', " ", "°", "\0", "9"]
    lines = [b"a,b,c"]
    for number in range(ROWS):
        line = draw.choice(["", '"']) + f"L{number:06}" + "".join(draw.choices(pieces, k=draw.randrange(12)))
        lines.append(draw.choice([b"", b"", b"\xb0"]) + line.encode() + draw.choice([b"", b"", b"\xff"]))
        if draw.random() < 0.1:
            lines.append(draw.choice([b"", b" "]))
    return b"".join(line + draw.choice([b"\n", b"\r\n", b"\r"]) for line in lines) + b'"L999999,never closed'


def lines_of_json(draw):
    """JSON texts, and what only looks like it."""
    lines = [BOM + b'{"first":true}']
    for _ in range(ROWS):
        value = draw.choice(VALUES)
        if draw.random() < 0.2:
            value = b'{"v":' + value + b',"x":' + draw.choice(VALUES) + b"}"
        if draw.random() < 0.1:
            value = bytes(draw.randrange(256) for _ in range(draw.randrange(20)))
        lines.append(value)
    lines += [b'"' + b"x" * 100_000 + b'"', b"[" + b"1," * MOST_LINE_BYTES + b"1]"]
    return b"".join(line + draw.choice([b"\n", b"\r\n", b"\r"]) for line in lines) + b'{"last":'


# ---- what Python reads in it --------------------------------------------------------------------------------------


def lines(text):
    """The lines of a text, and no empty one behind the last end."""
    found = re.split(rb"\r\n|\n|\r", text)
    return found[:-1] if found[-1] == b"" else found


def refused(line):
    """The text of a dead letter."""
    return line if len(line) <= MOST_LINE_BYTES else line[:KEPT_BYTES]


def read_json(line):
    """The value of a JSON text; `ValueError` where RFC 8259 or the program's range of integers has none."""

    def integer(digits):
        if not -(2**63) <= int(digits) < 2**63:
            raise ValueError("no integer of 64 bits")
        return -0.0 if digits == "-0" else int(digits)  # no integer has the sign

    def fraction(digits):
        if math.isinf(float(digits)):
            raise ValueError("no finite number")
        return float(digits)

    def constant(word):
        raise ValueError(word)

    value = json.loads(line.decode(), parse_int=integer, parse_float=fraction, parse_constant=constant)
    json.dumps(value, ensure_ascii=False).encode()  # half a pair of surrogates is no text
    return value


def expected_lines(text):
    """The events and the refused lines of JSON lines."""
    events, letters = [], []
    for number, line in enumerate(lines(text)):
        line = line.removeprefix(BOM) if number == 0 else line
        if not line.strip(BLANK + b"\r\n"):
            continue
        try:
            if len(line) > MOST_LINE_BYTES:
                raise ValueError("too long")
            events.append(read_json(line))
        except ValueError:
            letters.append((number + 1, refused(line)))
    return events, letters


def typed(cell):
    """A cell as the program types it."""
    cell = re.sub("\r\n|\r", "\n", cell).strip()
    try:
        value = read_json(cell.encode())
    except ValueError:
        value = cell
    return (value if isinstance(value, (bool, int, float)) else cell) if cell else None


def expected_table(text):
    """The events and the refused rows of a table that both read by one rule."""
    csv.field_size_limit(2 * MOST_LINE_BYTES)
    physical = lines(text)
    reader = csv.reader(io.StringIO(text.removeprefix(BOM).decode(errors="surrogateescape"), newline=""))
    names, events, letters, before = next(reader), [], [], 1
    for cells in reader:
        first, before = before, reader.line_num
        line = physical[first]
        if not line.strip(BLANK):
            continue
        is_text = all(not 0xDC80 <= ord(char) < 0xDD00 for cell in cells for char in cell)
        if is_text and len(cells) == len(names) and len(line) <= MOST_LINE_BYTES:
            events.append(dict(zip(names, map(typed, cells))))
        else:
            assert before == first + 1, "a bad row stands on one line"
            letters.append((first + 1, refused(line)))
    return events, letters


# ---- what the program makes of it ---------------------------------------------------------------------------------


def run(program, sources, standard_input):
    """The events and the dead letters of each source."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for node, (_, text) in sources.items():
            (folder / f"{node}.in").write_bytes(text)
        nodes = [f"  {node}: {{ {config} }}" for node, (config, _) in sources.items()]
        sinks = [f"  {node}_out: {{ type: file, inputs: {node}, path: {node}.out }}" for node in sources]
        text = PIPELINE.format(sources="\n".join(nodes), sinks="\n".join(sinks))
        (folder / "rubbish.yaml").write_text(text)
        command = [program, "run", "rubbish.yaml", "--no-admin", "--no-watch", "--data-dir", "data"]
        with open(folder / "log", "w") as log, open(folder / f"{standard_input}.in", "rb") as given:
            ended = subprocess.run(command, cwd=folder, stdin=given, stdout=log, stderr=log, timeout=LIMIT)
        if ended.returncode not in (0, FAILED):
            raise SystemExit(f"exit code {ended.returncode}:\n" + (folder / "log").read_text()[-4000:])
        letters = collections.defaultdict(list)
        for path in sorted((folder / "data/letters").iterdir()):
            for line in path.read_bytes().splitlines():
                letter = json.loads(line)
                letters[letter["node"].removeprefix("rubbish/")].append(letter)
        return {node: (read_events(folder / f"{node}.out"), letters[node]) for node in sources}


def read_events(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


def text_of(letter):
    """The bytes that were refused."""
    body = letter["body"]
    return body["text"].encode() if "text" in body else base64.b64decode(body["payload"], validate=True)


def alike(what, found, expected):
    """Compares two lists, types included: `1`, `1.0` and `True` are equal in Python."""
    for place, (one, other) in enumerate(zip(found, expected)):
        if repr(one) != repr(other):
            raise SystemExit(f"{what} {place}: {other!r:.500} expected, {one!r:.500} found")
    plant.equal(what, len(found), len(expected))


def check(node, found, expected):
    events, letters = found
    alike(f"{node}, events", events, expected[0])
    alike(f"{node}, dead letters", [(letter["meta"]["line"], text_of(letter)) for letter in letters], expected[1])


def check_broken(found, text):
    """Each line is in one event or one dead letter, and a letter has the whole line."""
    events, letters = found
    physical = lines(text)
    for letter in letters:
        if text_of(letter) != physical[letter["meta"]["line"] - 1]:
            raise SystemExit(f"not the text of line {letter['meta']['line']}: {letter}")
    told = [mark for event in events for mark in re.findall(r"L\d{6}", json.dumps(event))]
    told += [mark for letter in letters for mark in re.findall(r"L\d{6}", text_of(letter).decode(errors="replace"))]
    marks = re.findall(rb"L\d{6}", text)
    alike("broken, lines", sorted(told), sorted(mark.decode() for mark in marks))


def main(program, seed="1"):
    draw = random.Random(int(seed))
    table, broken, jsonl = compared_table(draw), broken_table(draw), lines_of_json(draw)
    sources = {
        "table": ("type: file, path: table.in, format: csv", table),
        "broken": ("type: file, path: broken.in, format: csv", broken),
        "jsonl": ("type: file, path: jsonl.in", jsonl),
        "piped": ("type: stdin", jsonl),
    }
    program = pathlib.Path(program).resolve()
    found = run(program, sources, "piped")
    check("table", found["table"], expected_table(table))
    check_broken(found["broken"], broken)
    check("jsonl", found["jsonl"], expected_lines(jsonl))
    check("piped", found["piped"], expected_lines(jsonl))
    short = [line.removeprefix(BOM) if number == 0 else line for number, line in enumerate(lines(jsonl))]
    texts = [{"text": line.decode(errors="replace")} for line in short if len(line) <= MOST_LINE_BYTES]
    long = [(number + 1, refused(line)) for number, line in enumerate(short) if len(line) > MOST_LINE_BYTES]
    found = run(program, {"typed": ("type: stdin, format: text", jsonl)}, "typed")
    check("typed", found["typed"], (texts, long))


if __name__ == "__main__":
    main(*sys.argv[1:])
