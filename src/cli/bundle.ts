import { unzipSync, zipSync } from 'fflate'
import type { Client } from '../client/client.ts'
import type { AliasRow } from '../client/resources/aliases.ts'
import type { FunctionFields, FunctionRow } from '../client/resources/functions.ts'
import type { JobRow } from '../client/resources/jobs.ts'
import type { VersionRow } from '../client/resources/versions.ts'
import type { WebhookRow } from '../client/resources/webhooks.ts'
import { CliError } from './command.ts'

/** A project in one file: a ZIP of `taibai-export.json` and the functions' packages. */

export interface Bundle {
  format: 1
  functions: (FunctionRow & { runtime: string | null; versions: VersionRow[] })[]
  aliases: AliasRow[]
  jobs: JobRow[]
  webhooks: WebhookRow[]
}

const indexName = 'taibai-export.json'
export const packageName = (fn: string, version = 0): string =>
  `packages/${fn}${version === 0 ? '' : `-${version}`}.zip`

export async function exportProject(client: Client): Promise<{ bundle: Bundle; packages: Map<string, Buffer> }> {
  const packages = new Map<string, Buffer>()
  const runtimes = new Map((await client.runtimes.list()).map(({ id, name }) => [id, name]))
  const functions: Bundle['functions'] = []
  for (const fn of await client.functions.list()) {
    const key = fn.name ?? fn.id
    const versions = fn.latest_version === 0 ? [] : await client.versions.list(fn.id)
    if (fn.code.source === 'package') {
      packages.set(packageName(key), await client.functions.download(fn.id))
      for (const { version_number } of versions) {
        packages.set(packageName(key, version_number), await client.functions.download(fn.id, version_number))
      }
    }
    functions.push({ ...fn, runtime: runtimes.get(fn.runtime_id ?? '') ?? null, versions })
  }
  const [aliases, jobs, webhooks] = await Promise.all([
    client.aliases.list(),
    client.jobs.list(),
    client.webhooks.list(),
  ])
  return { bundle: { format: 1, functions, aliases, jobs, webhooks }, packages }
}

export function writeBundle(bundle: Bundle, packages: Map<string, Buffer>): Buffer {
  const files = Object.fromEntries([...packages].map(([name, bytes]) => [name, [bytes, { level: 0 }] as const]))
  return Buffer.from(zipSync({ [indexName]: Buffer.from(JSON.stringify(bundle, null, 2)), ...files }))
}

/** Throws CliError when the file has another format, or a newer one. */
export function readBundle(bytes: Buffer): { bundle: Bundle; packages: Map<string, Buffer> } {
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes)
  } catch {
    throw new CliError('The file is not an export of Taibai: it cannot be read as a ZIP.', 'usage')
  }
  const index = files[indexName]
  if (index === undefined) throw new CliError(`The file is not an export of Taibai: it has no ${indexName}.`, 'usage')
  const bundle = JSON.parse(Buffer.from(index).toString('utf8')) as Bundle
  if (bundle.format !== 1)
    throw new CliError(`The export has format ${bundle.format}; this program reads format 1.`, 'usage')
  const packages = new Map(
    Object.entries(files)
      .filter(([name]) => name !== indexName)
      .map(([name, body]) => [name, Buffer.from(body)]),
  )
  return { bundle, packages }
}

/** Every field that the API accepts except the code; the type ensures that an export is complete. */
type Settings = Record<Exclude<keyof FunctionFields, 'code' | 'runtime'>, unknown>

/** Selects the fields that the API accepts from those that it shows. */
export function fieldsOfBundle(fn: FunctionRow): FunctionFields {
  const {
    name,
    description,
    entry,
    timeout,
    cpu,
    memory_size,
    signature,
    env,
    secrets,
    max_running,
    max_rate,
    max_gb_seconds_per_day,
    sandbox,
    placement,
    record,
    concurrency,
    min_workers,
    max_workers,
    idle_timeout,
    network,
    api,
    cpu_max,
    tmp_size,
    writable,
    access,
    cors,
    hosts,
    retries,
    on_success,
    on_failure,
  } = fn
  const fields: Settings = {
    description,
    entry,
    signature,
    max_workers,
    max_running: max_running ?? null,
    max_rate: max_rate ?? null,
    max_gb_seconds_per_day: max_gb_seconds_per_day ?? null,
    sandbox: sandbox ?? null,
    placement: Object.keys(placement ?? {}).length > 0 ? placement : null,
    record: record ?? null,
    idle_timeout,
    cpu_max,
    name,
    timeout,
    cpu,
    memory_size,
    env,
    concurrency,
    min_workers,
    network,
    // An export of an older server lacks these.
    tmp_size: tmp_size ?? null,
    api: api ? true : null,
    writable: (writable ?? []).length > 0 ? writable : null,
    access: access === 'public' ? access : null,
    cors: cors ?? null,
    hosts: (hosts ?? []).length > 0 ? hosts : null,
    retries: retries ?? null,
    on_success: on_success ?? null,
    on_failure: on_failure ?? null,
    // Names only: no server shows values.
    secrets: (secrets ?? []).length > 0 ? secrets : null,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as FunctionFields
}
