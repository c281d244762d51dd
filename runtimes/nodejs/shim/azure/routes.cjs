/** Route templates of HTTP triggers: literals, `{name}`, `{name?}`, `{name=default}`, `{*rest}`, and constraints behind a colon. */

const integer = (low, high) => (text) => /^[+-]?\d+$/.test(text) && BigInt(text) >= low && BigInt(text) <= high

const constraints = {
  int: () => integer(-(2n ** 31n), 2n ** 31n - 1n),
  long: () => integer(-(2n ** 63n), 2n ** 63n - 1n),
  bool: () => (text) => /^(true|false)$/i.test(text),
  guid: () => (text) => /^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i.test(text),
  alpha: () => (text) => /^[a-z]*$/i.test(text),
  decimal: () => isNumber,
  double: () => isNumber,
  float: () => isNumber,
  datetime: () => (text) => !Number.isNaN(Date.parse(text)),
  length:
    ([low, high = low]) =>
    (text) =>
      text.length >= low && text.length <= high,
  minlength:
    ([low]) =>
    (text) =>
      text.length >= low,
  maxlength:
    ([high]) =>
    (text) =>
      text.length <= high,
  min:
    ([low]) =>
    (text) =>
      isNumber(text) && Number(text) >= low,
  max:
    ([high]) =>
    (text) =>
      isNumber(text) && Number(text) <= high,
  range:
    ([low, high]) =>
    (text) =>
      isNumber(text) && Number(text) >= low && Number(text) <= high,
  regex: (_numbers, pattern) => (text) => new RegExp(pattern, 'i').test(text),
  required: () => (text) => text !== '',
}

const isNumber = (text) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)

/** `{match(path) → params or null, weight}`; of several matches, the smallest weight wins. */
function compileRoute(template) {
  const segments = template
    .split('/')
    .filter((segment) => segment !== '')
    .map(segmentOf)
  return {
    match: (path) =>
      matched(
        segments,
        path.split('/').filter((part) => part !== ''),
      ),
    weight: segments.map(({ weight }) => weight).join('') || '0',
  }
}

function segmentOf(text) {
  const whole = /^\{(\*{0,2})(\w+)((?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?)(\?|=[^{}]*)?\}$/.exec(text)
  if (whole === null) return literalOf(text)
  const [, rest, name, rules, ending = ''] = whole
  const checks = checksOf(rules)
  const isOptional = ending === '?' || ending.startsWith('=') || rest !== ''
  const fallback = ending.startsWith('=') ? ending.slice(1) : undefined
  const weight = rest !== '' ? '5' : checks.length > 0 ? '2' : '3'
  return { name, rest: rest !== '', checks, isOptional, fallback, weight }
}

/** A literal, which may contain parameters: `report-{year}.txt`. */
function literalOf(text) {
  const names = []
  const pattern = text.replaceAll(/\{(\w+)((?::[^{}]*)?)\}|([^{}]+)/g, (_all, name, rules, literal) => {
    if (name === undefined) return literal.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')
    names.push({ name, checks: checksOf(rules) })
    return '(.+?)'
  })
  return { pattern: new RegExp(`^${pattern}$`, 'i'), names, weight: names.length > 0 ? '1' : '0' }
}

function checksOf(rules) {
  return [...rules.matchAll(/:(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?/g)].map(([, name, given = '']) => {
    const make = constraints[name.toLowerCase()]
    if (make === undefined) throw new Error(`a route has the constraint "${name}", which is none`)
    return make(given.split(',').map(Number), given)
  })
}

function matched(segments, parts) {
  const params = {}
  let at = 0
  for (const segment of segments) {
    if (segment.rest) {
      const rest = parts.slice(at).map(decoded).join('/')
      if (rest !== '') params[segment.name] = rest
      return params
    }
    const part = parts[at]
    if (segment.pattern !== undefined) {
      const found = part === undefined ? null : segment.pattern.exec(decoded(part))
      if (found === null || !segment.names.every(({ checks }, n) => checks.every((check) => check(found[n + 1]))))
        return null
      segment.names.forEach(({ name }, n) => {
        params[name] = found[n + 1]
      })
    } else if (part === undefined) {
      if (!segment.isOptional) return null
      if (segment.fallback !== undefined) params[segment.name] = segment.fallback
    } else {
      const value = decoded(part)
      if (!segment.checks.every((check) => check(value))) return null
      params[segment.name] = value
    }
    at++
  }
  return at >= parts.length ? params : null
}

function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

module.exports = { compileRoute }
