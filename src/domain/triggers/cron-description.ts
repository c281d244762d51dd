/** Describes cron patterns in words, for editors. */

const shortcuts: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
]

/** The description of a valid pattern: `at 09:00, Monday to Friday`. Pure. */
export function describeCron(pattern: string): string {
  const text = pattern.trim().toLowerCase()
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*', second = '0'] = (
    shortcuts[text] ?? text
  ).split(/\s+/)
  const dates = [
    isAny(day) ? null : listed(day, 'on day', (one) => one, 'of the month'),
    isAny(weekday) ? null : listed(weekday, 'on', (one) => nameIn(days, one, 0)),
  ].filter((part) => part !== null)
  return [
    timeInWords(second, minute, hour),
    // In cron, either field is enough when both are set.
    dates.length > 0 && dates.join(' or '),
    !isAny(month) && listed(month, 'in', (one) => nameIn(months, one, 1)),
  ]
    .filter(Boolean)
    .join(', ')
}

const isAny = (field: string): boolean => field === '*' || field === '?'
const isNumber = (field: string): boolean => /^\d+$/.test(field)
const two = (text: string): string => text.padStart(2, '0')

function timeInWords(second: string, minute: string, hour: string): string {
  if ([minute, second].every(isNumber) && hour.split(',').every(isNumber)) {
    const end = Number(second) === 0 ? '' : `:${two(second)}`
    return `at ${joined(hour.split(',').map((one) => `${two(one)}:${two(minute)}${end}`))}`
  }
  const parts = [
    second === '0' ? null : every(second, 'second'),
    isAny(minute) && second !== '0' && !isAny(second) ? null : every(minute, 'minute'),
    isAny(hour) ? null : `${isNumber(hour) ? `in the hour from ${two(hour)}:00` : every(hour, 'hour')}`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}

/** `every 5 minutes`, `at minute 10 and 40`. */
function every(field: string, unit: string): string {
  if (isAny(field)) return `every ${unit}`
  const step = /^\*\/(\d+)$/.exec(field)?.[1]
  if (step !== undefined) return step === '1' ? `every ${unit}` : `every ${step} ${unit}s`
  return listed(field, `at ${unit}`, (one) => one)
}

/** Lists, ranges and steps of a field. */
function listed(field: string, before: string, word: (one: string) => string, behind = ''): string {
  const parts = field.split(',').map((part) => {
    const [range = '', step] = part.split('/')
    const [from = '', to] = range.split('-')
    const span = isAny(range) ? 'any' : to === undefined ? word(from) : `${word(from)} to ${word(to)}`
    if (step === undefined) return span
    return to === undefined && !isAny(range) ? `${span} and every ${step} after it` : `every ${step} of ${span}`
  })
  return `${before} ${joined(parts)}${behind === '' ? '' : ` ${behind}`}`
}

const joined = (parts: string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`

/** The name of `mon`, `1`, `1#2` or `5L`, if it has one. */
function nameIn(names: readonly string[], text: string, first: number): string {
  const [, start = '', rest = ''] = /^([a-z]{3}|\d+)(.*)$/.exec(text) ?? []
  const found = isNumber(start)
    ? names[Number(start) - first]
    : names.find((name) => name.toLowerCase().startsWith(start))
  if (found === undefined || start === '') return text
  if (rest === 'l') return `the last ${found}`
  return rest.startsWith('#') ? `${found} number ${rest.slice(1)}` : `${found}${rest}`
}
