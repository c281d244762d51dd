import type { Client } from '../../client/client.ts'
import { destinationToRead } from '../../client/destination-text.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { Cli } from '../command.ts'
import { timeText } from './table-columns.ts'

/** A function as lines to read: `taibai show`. */

const mib = 1024 * 1024

/** Undefined: the function is an image. */
export async function runtimeName(client: Client, { runtime_id }: FunctionRow): Promise<string | null | undefined> {
  return (await client.runtimes.list()).find(({ id }) => id === runtime_id)?.name
}

interface Shown {
  url: string
  runtime: string | null | undefined
}

export function showFunction(out: Cli['out'], fn: FunctionRow, { url, runtime }: Shown): void {
  out.fields([
    ['name', fn.name],
    ['id', fn.id],
    ['description', fn.description],
    ['address', `${url}/fn/${fn.name ?? fn.id}`],
    ['runtime', runtime],
    ['code', codeText(fn.code)],
    ['entry', fn.entry],
    ['signature', fn.signature],
    ['memory', `${Math.round(fn.memory_size / mib)} MiB`],
    ['/tmp', fn.tmp_size === null ? null : `${Math.round(fn.tmp_size / mib)} MiB`],
    ['timeout', `${fn.timeout} s`],
    ['concurrency', fn.concurrency],
    ['workers', workersText(fn)],
    ['limits', limitsText(fn)],
    ['sandbox', fn.sandbox],
    ['placement', labelsText(fn.placement) || null],
    ['recorded', fn.record],
    ['retries', fn.retries && JSON.stringify(fn.retries)],
    ['on success', fn.on_success && destinationToRead(fn.on_success)],
    ['on failure', fn.on_failure && destinationToRead(fn.on_failure)],
    ['callers', fn.access === 'public' ? 'everybody' : 'with a token'],
    ['hosts', (fn.hosts ?? []).join(', ')],
    ['network', fn.network],
    ['may call the API', fn.api ? 'yes' : 'no'],
    ['environment', Object.keys(fn.env ?? {}).join(', ')],
    ['secrets', (fn.secrets ?? []).map(({ name }) => name).join(', ')],
    ['versions', fn.latest_version],
    ['calls', fn.count],
    ['created', timeText(fn.created_at)],
    ['changed or called', timeText(fn.updated_at)],
  ])
}

function codeText(code: FunctionRow['code']): string {
  if (code.source === 'image') return `image ${code.image}`
  if (code.source === 'swift') return `object ${JSON.stringify(code.swift)} in Swift`
  return code.source
}

const limitsText = ({ max_running, max_rate, max_gb_seconds_per_day: perDay }: FunctionRow): string =>
  [max_running && `${max_running} at once`, max_rate && `${max_rate} a second`, perDay && `${perDay} GB-seconds a day`]
    .filter(Boolean)
    .join(', ')

const workersText = ({ min_workers, max_workers }: FunctionRow): string =>
  `${min_workers} or more, ${max_workers === null ? 'as many as memory allows' : `at most ${max_workers}`}`

const labelsText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
