"""Reads OpenMetrics text strictly: each sample below the type and help of its metric, named as its type wants it, and there once."""
import re

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_0-9]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')
ENDINGS = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}


def samples(text):
    """{name: {labels as a frozenset: value}}."""
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""], lines[-3:]
    found, names, kind = {}, [], None
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            names.append(line.split()[2])
            kind = line.split()[3]
        elif line.startswith("# "):
            assert line.split()[2] == names[-1], line
        else:
            match = SAMPLE.match(line)
            assert match, line
            assert match[1] in [names[-1] + ending for ending in ENDINGS[kind]], line
            labels = frozenset(re.findall(r'([a-z_0-9]+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            of_name = found.setdefault(match[1], {})
            assert labels not in of_name, line
            of_name[labels] = float(match[3])
    assert len(names) == len(set(names)), names
    return found


def names(text):
    """The metrics that are declared, with or without samples."""
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


def total(found, name, **labels):
    """The sum of a metric's samples that have these labels."""
    return sum(value for key, value in found.get(name, {}).items() if set(labels.items()) <= key)
