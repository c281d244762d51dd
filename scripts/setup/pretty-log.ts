// Formats a JSON log line for people; other text is unchanged.
import { styleText } from 'node:util'

const colours: Record<number, Parameters<typeof styleText>[0]> = {
  20: 'dim',
  30: 'green',
  40: 'yellow',
  50: 'red',
  60: 'red',
}
const names: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }
/** Keys that are constant, or shown elsewhere in the line. */
const hidden = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'name', 'v'])

export function prettyLogLine(line: string): string {
  const entry = parse(line)
  if (entry === undefined) return line
  const level = Number(entry.level)
  const label = styleText(colours[level] ?? 'dim', (names[level] ?? String(level)).padEnd(5))
  const rest = Object.entries(entry).filter(([key]) => !hidden.has(key))
  const details = styleText('dim', rest.map(([key, value]) => `${key}=${show(value)}`).join(' '))
  return [clock(entry.time), label, entry.msg, details].filter(Boolean).join(' ')
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'level' in value ? value : undefined
  } catch {
    return undefined
  }
}

function clock(time: unknown): string {
  const date = new Date(time as number | string)
  return Number.isNaN(date.getTime()) ? '' : styleText('dim', date.toISOString().slice(11, 23))
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
