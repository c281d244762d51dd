"""Route templates of HTTP triggers: literals, `{name}`, `{name?}`, `{name=default}`, `{*rest}`, and constraints behind a colon."""

import re
from urllib.parse import unquote

NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?', re.I)
WHOLE = re.compile(r'\{(\*{0,2})(\w+)((?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?)(\?|=[^{}]*)?\}')
PIECE = re.compile(r'\{(\w+)((?::[^{}]*)?)\}|([^{}]+)')
RULE = re.compile(r':(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?')


def matches(pattern):
    compiled = re.compile(pattern, re.I)
    return lambda text: compiled.fullmatch(text) is not None


def is_number(text):
    return NUMBER.fullmatch(text) is not None


def is_integer(bits):
    whole = matches(r'[+-]?\d+')
    return lambda text: whole(text) and -(2**bits) <= int(text) < 2**bits


def is_date(text):
    from datetime import datetime

    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def between(low, high):
    return lambda text: is_number(text) and low <= float(text) <= high


def long(low, high):
    return lambda text: low <= len(text) <= high


INFINITE = float('inf')
CONSTRAINTS = {
    'int': lambda given: is_integer(31),
    'long': lambda given: is_integer(63),
    'bool': lambda given: matches('true|false'),
    'guid': lambda given: matches(r'\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?'),
    'alpha': lambda given: matches('[a-z]*'),
    'decimal': lambda given: is_number,
    'double': lambda given: is_number,
    'float': lambda given: is_number,
    'datetime': lambda given: is_date,
    'length': lambda given: long(*(2 * numbers(given))[:2]),
    'minlength': lambda given: long(numbers(given)[0], INFINITE),
    'maxlength': lambda given: long(0, numbers(given)[0]),
    'min': lambda given: between(numbers(given)[0], INFINITE),
    'max': lambda given: between(-INFINITE, numbers(given)[0]),
    'range': lambda given: between(*numbers(given)),
    'regex': lambda given: lambda text: re.search(given, text, re.I) is not None,
    'required': lambda given: lambda text: text != '',
}


def numbers(given):
    return [float(part) for part in given.split(',')]


class Route:
    """`match(path)` returns the parameters, or None; of several matches, the smallest `weight` wins."""

    def __init__(self, template):
        self.segments = [segment_of(part) for part in template.split('/') if part]
        self.weight = ''.join(segment['weight'] for segment in self.segments) or '0'

    def match(self, path):
        parts = [part for part in path.split('/') if part]
        params = {}
        for at, segment in enumerate(self.segments):
            if segment.get('rest'):
                rest = '/'.join(unquote(part) for part in parts[at:])
                return {**params, segment['name']: rest} if rest else params
            part = unquote(parts[at]) if at < len(parts) else None
            found = taken(segment, part)
            if found is None:
                return None
            params.update(found)
        return params if len(self.segments) >= len(parts) else None


def taken(segment, part):
    if 'pattern' in segment:
        found = segment['pattern'].fullmatch(part) if part is not None else None
        if found is None or not all(check(text) for text, (_, checks) in zip(found.groups(), segment['names']) for check in checks):
            return None
        return {name: text for text, (name, _) in zip(found.groups(), segment['names'])}
    if part is None:
        if not segment['optional']:
            return None
        return {segment['name']: segment['default']} if segment['default'] is not None else {}
    return {segment['name']: part} if all(check(part) for check in segment['checks']) else None


def segment_of(text):
    whole = WHOLE.fullmatch(text)
    if whole is None:
        return literal_of(text)
    rest, name, rules, ending = whole.groups()
    checks = checks_of(rules)
    ending = ending or ''
    return {
        'name': name,
        'rest': bool(rest),
        'checks': checks,
        'optional': bool(ending),
        'default': ending[1:] if ending.startswith('=') else None,
        'weight': '5' if rest else '2' if checks else '3',
    }


def literal_of(text):
    """A literal, which may contain parameters: `report-{year}.txt`."""
    names, pattern = [], ''
    for name, rules, literal in PIECE.findall(text):
        if name:
            names.append((name, checks_of(rules)))
        pattern += '(.+?)' if name else re.escape(literal)
    return {'pattern': re.compile(pattern, re.I), 'names': names, 'weight': '1' if names else '0'}


def checks_of(rules):
    checks = []
    for name, given in RULE.findall(rules or ''):
        if name.lower() not in CONSTRAINTS:
            raise ValueError(f'a route has the constraint "{name}", which is none')
        checks.append(CONSTRAINTS[name.lower()](given))
    return checks
