import { destinationFrom, textOfDestination } from '../../client/destination-text.ts'
import type { Destination, FunctionFields, FunctionRow, Retries, SecretUse } from '../../client/resources/functions.ts'
import { numberIn } from '../number-text.ts'
import type { Choice } from '../parts/choices.tsx'

/** Converts a function's settings to form texts, and back. */

export interface FunctionSetting {
  label: string
  hint?: string
  /** Input type; absent: one line. */
  as?: 'lines' | readonly Choice[]
  /** Absent: for both. */
  only?: 'image' | 'package'
  text(fn: FunctionRow): string
  /** Throws an Error with a sentence. */
  change(text: string, fn: FunctionRow): FunctionFields
}

const mib = 1024 * 1024
const numberOrNull = (text: string, label: string, unit = 1): number | null => {
  const number = numberIn(text, label)
  return number === undefined ? null : number * unit
}
const shown = (value: number | null, unit = 1): string => (value === null ? '' : String(value / unit))

/** An optional number. */
const optional = (
  label: string,
  hint: string,
  name: 'max_workers' | 'idle_timeout' | 'max_running' | 'max_rate' | 'max_gb_seconds_per_day' | 'cpu_max',
): FunctionSetting => ({
  label,
  hint,
  text: (fn) => shown(fn[name]),
  change: (text) => ({ [name]: numberOrNull(text, label) }),
})

/** A required number. */
const needed = (
  label: string,
  name: 'timeout' | 'concurrency' | 'min_workers' | 'cpu',
  hint?: string,
): FunctionSetting => ({
  label,
  ...(hint !== undefined && { hint }),
  text: (fn) => String(fn[name]),
  change: (text) => ({ [name]: numberIn(text, label) ?? 0 }),
})

export const settingGroups: [title: string, settings: FunctionSetting[]][] = [
  [
    'Limits',
    [
      {
        label: 'Description',
        text: (fn) => fn.description ?? '',
        change: (text) => ({ description: text }),
      },
      {
        label: 'Entry',
        hint: 'module.callable',
        only: 'package',
        text: (fn) => fn.entry ?? '',
        change: (text) => (text === '' ? {} : { entry: text }),
      },
      needed('Timeout (seconds)', 'timeout'),
      {
        label: 'Memory (MiB)',
        only: 'package',
        text: (fn) => shown(fn.memory_size, mib),
        change: (text) => ({ memory_size: (numberIn(text, 'Memory (MiB)') ?? 0) * mib }),
      },
      {
        label: 'Size of /tmp (MiB)',
        hint: 'counts as memory; empty: the server’s default',
        text: (fn) => shown(fn.tmp_size, mib),
        change: (text) => ({ tmp_size: numberOrNull(text, 'Size of /tmp (MiB)', mib) }),
      },
      needed('CPU share (millicpu)', 'cpu', 'share while the host is contended'),
      optional('CPU limit (millicpu)', 'hard limit; empty: none', 'cpu_max'),
      optional('Concurrent calls', 'across all workers; empty: no limit', 'max_running'),
      optional('Calls per second', 'empty: no limit', 'max_rate'),
      optional('GB-seconds per day', 'while calls run; empty: no limit', 'max_gb_seconds_per_day'),
      {
        label: 'Sandbox',
        hint: 'OCI runtime, such as runsc; empty: the default',
        text: (fn) => fn.sandbox ?? '',
        change: (text) => ({ sandbox: text === '' ? null : text }),
      },
      {
        label: 'Placement',
        hint: 'labels of swarm nodes, NAME=VALUE, one per line; empty: all nodes',
        as: 'lines',
        text: (fn) =>
          Object.entries(fn.placement)
            .map(([name, value]) => `${name}=${value}`)
            .join('\n'),
        change: (text) => ({ placement: Object.fromEntries(linesOf(text).map(labelOf)) }),
      },
    ],
  ],
  [
    'Workers',
    [
      needed('Concurrency per worker', 'concurrency'),
      needed('Minimum workers', 'min_workers'),
      optional('Maximum workers', 'empty: limited by memory only', 'max_workers'),
      optional('Idle timeout (seconds)', 'empty: until its memory is needed', 'idle_timeout'),
    ],
  ],
  [
    'Async executions and records',
    [
      {
        label: 'Execution records',
        as: [
          ['full', 'full: all'],
          ['summary', 'summary: no input, output and log of successful runs'],
          ['failures', 'failures: failed runs only'],
          ['none', 'none'],
        ],
        text: (fn) => fn.record,
        change: (text) => ({ record: text as FunctionRow['record'] }),
      },
      {
        label: 'Retries',
        hint: 'such as {"max_attempts": 3, "on": ["failed"]}; empty: the server’s default',
        text: (fn) => (fn.retries === null ? '' : JSON.stringify(fn.retries)),
        change: (text) => ({ retries: retriesOf(text) }),
      },
      {
        label: 'Destination of results',
        hint: 'of accepted runs: a function, a URL or zaqar://QUEUE; empty: none',
        text: (fn) => placeOf(fn.on_success),
        change: (text) => ({ on_success: destinationOf(text) }),
      },
      {
        label: 'Destination of failures',
        hint: 'accepted runs that failed for good; as above',
        text: (fn) => placeOf(fn.on_failure),
        change: (text) => ({ on_failure: destinationOf(text) }),
      },
    ],
  ],
  [
    'Network and access',
    [
      {
        label: 'Access',
        as: [
          ['token', 'token: callers with a token of the project'],
          ['public', 'everybody'],
        ],
        text: (fn) => fn.access,
        change: (text) => ({ access: text as FunctionRow['access'] }),
      },
      {
        label: 'Hosts',
        hint: 'host names of the function, one per line',
        as: 'lines',
        text: (fn) => fn.hosts.join('\n'),
        change: (text) => ({ hosts: linesOf(text) }),
      },
      {
        label: 'CORS origins',
        hint: 'such as https://shop.example.org, one per line; *: any',
        as: 'lines',
        text: (fn) => fn.cors?.origins.join('\n') ?? '',
        change: (text, { cors }) => ({ cors: text.trim() === '' ? null : { ...cors, origins: linesOf(text) } }),
      },
      {
        label: 'Network',
        as: [
          ['egress', 'egress: outgoing connections are allowed'],
          ['none', 'none'],
        ],
        text: (fn) => fn.network,
        change: (text) => ({ network: text as FunctionRow['network'] }),
      },
      {
        label: 'The API of this server',
        as: [
          ['false', 'not allowed'],
          ['true', 'allowed: it may call other functions'],
        ],
        text: (fn) => String(fn.api),
        change: (text) => ({ api: text === 'true' }),
      },
    ],
  ],
  [
    'Environment and secrets',
    [
      {
        label: 'Environment',
        hint: 'NAME=value, one per line',
        as: 'lines',
        text: (fn) =>
          Object.entries(fn.env)
            .map(([name, value]) => `${name}=${value}`)
            .join('\n'),
        change: (text) => ({ env: environmentOf(text) }),
      },
      {
        label: 'Secrets',
        hint: 'names of secrets, one per line; NAME file PATH: as a file below /run/secrets',
        as: 'lines',
        text: (fn) => fn.secrets.map(secretText).join('\n'),
        change: (text) => ({ secrets: linesOf(text).map(secretOf) }),
      },
      {
        label: 'Writable folders',
        hint: 'absolute paths, one per line; all else but /tmp is read-only',
        as: 'lines',
        only: 'image',
        text: (fn) => fn.writable.join('\n'),
        change: (text) => ({ writable: linesOf(text) }),
      },
    ],
  ],
]

/** What has no value is refused by the server, by its name. */
function labelOf(line: string): [string, string] {
  const [name = '', ...value] = line.split('=')
  return [name.trim(), value.join('=').trim()]
}

const placeOf = (to: Destination | null): string => (to === null ? '' : textOfDestination(to))

const destinationOf = (place: string): Destination | null => (place === '' ? null : destinationFrom(place))

function retriesOf(text: string): Retries | null {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('"Retries" must be JSON, such as {"max_attempts": 3, "on": ["failed"]}.')
  }
}

/** `DB_URL`, `DB_URL env URL`, `TLS_KEY file key.pem`. */
const secretText = ({ name, as, to }: SecretUse): string => (as === 'env' && to === name ? name : `${name} ${as} ${to}`)

function secretOf(line: string): string | SecretUse {
  const [name = '', as, to = name] = line.split(/\s+/)
  if (as === undefined) return name
  if (as === 'env' || as === 'file') return { name, as, to }
  throw new Error(`"${line}" is not a secret: write NAME, NAME env VARIABLE or NAME file PATH.`)
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function environmentOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      if (at < 1) throw new Error(`"${line}" is not a variable: write NAME=value.`)
      return [line.slice(0, at).trim(), line.slice(at + 1)]
    }),
  )
}
