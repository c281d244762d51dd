import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Client } from '../client/client.ts'
import type { Deploying } from '../client/deployment.ts'
import type { FunctionFields, FunctionRow } from '../client/resources/functions.ts'
import type { JobFields } from '../client/resources/jobs.ts'
import type { WebhookFields, WebhookRow } from '../client/resources/webhooks.ts'
import { codeOf } from './code-of.ts'
import { CliError } from './command.ts'
import type { Manifest, ManifestFunction, ManifestJob } from './manifest.ts'
import { weightsText } from './shown.ts'

/** The difference between the manifest and the server, as steps. Nothing changes before a step is performed. */

export interface Step {
  kind: 'create' | 'change' | 'remove'
  /** For example `function greet` or `job greet/morning`. */
  what: string
  /** The differences, for people. */
  details: string[]
  take(): Promise<void>
}

const mib = 1024 * 1024

/** A function's fields in the manifest, with the API's names. */
function fieldsOf(fn: ManifestFunction): FunctionFields {
  const {
    code: _code,
    image: _image,
    mode: _mode,
    port: _port,
    command: _command,
    entry_point: _entryPoint,
    working_directory: _folder,
    memory_mb,
    tmp_mb,
    jobs: _jobs,
    webhooks: _webhooks,
    aliases: _aliases,
    runtime: _runtime,
    build: _build,
    ...same
  } = fn
  return {
    ...same,
    ...(memory_mb !== undefined && { memory_size: memory_mb * mib }),
    ...(tmp_mb !== undefined && { tmp_size: tmp_mb * mib }),
  }
}

export interface WantedFunction {
  name: string
  fields: FunctionFields
  runtime: string | undefined
  zip?: Buffer
  image?: ImageCode
}

type ImageCode = { source: 'image'; image: string; mode?: string; port?: number } & ImageStart

/** Overrides of an image's command; absent: the image's own. */
type ImageStart = Pick<ManifestFunction, 'command' | 'entry_point' | 'working_directory'>

/** The object without undefined fields. */
export function imageCode(
  said: { mode?: string | undefined; port?: number } & ImageStart & { image: string },
): ImageCode {
  const given = Object.entries({ ...said, source: 'image' }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as ImageCode
}

/** Reads the manifest's function and the files that it names. Throws CliError. */
export function wantedFunction(
  name: string,
  fn: ManifestFunction,
  folder: string,
  how: Deploying = {},
): WantedFunction {
  const fields = fieldsOf(fn)
  if (fn.image !== undefined) {
    const { image, mode, port, command, entry_point, working_directory } = fn
    const start = { command, entry_point, working_directory }
    return { name, fields, runtime: undefined, image: imageCode({ image, mode, ...(port && { port }), ...start }) }
  }
  const code = codeOf(join(folder, fn.code ?? name), how)
  const runtime = fn.runtime ?? code.runtime
  const entry = fn.entry ?? code.entry
  return { name, fields: { ...fields, ...(entry !== undefined && { entry }) }, runtime, zip: code.zip }
}

/** At most one step. */
export async function functionSteps(client: Client, wanted: WantedFunction, how: Deploying = {}): Promise<Step[]> {
  const there = await existing(client, wanted.name)
  const what = `function ${wanted.name}`
  if (there === null) {
    const details = [
      wanted.zip ? `${wanted.zip.length} bytes of code` : `image ${wanted.image?.image}`,
      ...Object.keys(wanted.fields),
    ]
    return [{ kind: 'create', what, details, take: () => create(client, wanted, how) }]
  }
  const changed = { ...changedFields(wanted.fields, there), ...changedImage(wanted, there) }
  const isNew = wanted.zip !== undefined && (there.code.md5sum !== md5(wanted.zip) || how.build === 'always')
  const newZip = isNew ? wanted.zip : undefined
  refuseOtherKind(wanted, there)
  const image = 'code' in changed || wanted.image?.image === there.code.image ? undefined : wanted.image?.image
  if (Object.keys(changed).length === 0 && newZip === undefined && image === undefined) return []
  const details = [
    ...(newZip ? ['code'] : []),
    ...(image === undefined ? [] : [`image: ${there.code.image} → ${image}`]),
    ...Object.entries(changed).map(
      ([field, value]) =>
        `${field}: ${shownValue(field, there[field as keyof FunctionRow])} → ${shownValue(field, value)}`,
    ),
  ]
  return [
    {
      kind: 'change',
      what,
      details,
      take: () => change(client, there, { fields: changed, zip: newZip, image }, how),
    },
  ]
}

/** A new image of mode lambda, or a new command of it, counts as new code. */
function changedImage({ image }: WantedFunction, { code }: FunctionRow): FunctionFields {
  const isLambda = image?.mode === 'lambda' && code.mode === 'lambda'
  return image === undefined || !isLambda || canonical(image) === canonical(code) ? {} : { code: { ...image } }
}

/** Refuses in advance what the server would refuse in the middle of a deployment; only fields in the manifest count. */
function refuseOtherKind({ name, image }: WantedFunction, { code }: FunctionRow): void {
  const { mode = code.mode ?? 'command', port = code.port } = image ?? {}
  const isSame = code.source === 'image' && mode === (code.mode ?? 'command') && port === code.port
  if (image === undefined || isSame) return
  const is = code.source === 'image' ? `the image ${code.image} (mode ${code.mode ?? 'command'})` : 'code, no image'
  throw new CliError(
    `${name} is ${is}, and what a function is stays as it is, with mode and port: deploy it under another name, or delete it first.`,
    'usage',
  )
}

/** Values of environment variables may be secrets, so only names are shown. */
const shownValue = (field: string, value: unknown): string =>
  field === 'env' ? `{${Object.keys((value as object) ?? {}).join(', ')}}` : JSON.stringify(value ?? null)

async function existing(client: Client, name: string): Promise<FunctionRow | null> {
  try {
    return await client.functions.get(name)
  } catch (error) {
    if ((error as { status?: number }).status === 404) return null
    throw error
  }
}

function changedFields(fields: FunctionFields, there: FunctionRow): FunctionFields {
  const differs = ([field, value]: [string, unknown]) =>
    canonical(there[field as keyof FunctionRow]) !== canonical(value)
  return Object.fromEntries(Object.entries(fields).filter(differs))
}

/** Makes the order of keys irrelevant; that of lists matters. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  if (Array.isArray(value)) return JSON.stringify(value.map(canonical))
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(sorted.map(([key, one]) => [key, canonical(one)]))
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

async function create(
  client: Client,
  { name, fields, runtime, zip, image }: WantedFunction,
  how: Deploying,
): Promise<void> {
  if (image !== undefined) {
    await client.functions.create({ name, ...fields, code: image })
    return
  }
  if (runtime === undefined) {
    throw new CliError(`The runtime of ${name} is not known: pass --runtime, or set "runtime" in taibai.yaml.`, 'usage')
  }
  await client.functions.createFromZip({ name, ...fields, runtime }, zip as Buffer, how)
}

interface Changed extends Pick<WantedFunction, 'fields' | 'zip'> {
  image: string | undefined
}

/** Images are not loaded, so there is no check for them. */
async function change(client: Client, { id, code }: FunctionRow, { fields, zip, image }: Changed, how: Deploying) {
  const { functions } = client
  const named = image === undefined ? fields : { ...fields, image }
  if (zip === undefined) return void (await functions.update(id, named, code.source === 'image' ? {} : how))
  await functions.updateWithZip(id, fields, zip, how)
  // Fields beside a ZIP are text, which cannot express null.
  const cleared = Object.fromEntries(Object.entries(fields).filter(([, value]) => value === null))
  if (Object.keys(cleared).length > 0) await functions.update(id, cleared)
}

/** Jobs, webhooks and aliases of an existing function. */
export async function triggerSteps(client: Client, name: string, fn: ManifestFunction): Promise<Step[]> {
  const there = await existing(client, name)
  return [
    ...(await aliasSteps(client, there?.id, name, fn)),
    ...(await jobSteps(client, there?.id, name, fn)),
    ...(await webhookSteps(client, there?.id, name, fn)),
  ]
}

async function aliasSteps(
  client: Client,
  id: string | undefined,
  name: string,
  { aliases = {} }: ManifestFunction,
): Promise<Step[]> {
  const known = Object.keys(aliases).length === 0 ? [] : await client.aliases.list()
  return Object.entries(aliases).flatMap(([alias, wanted]): Step[] => {
    const { version, weights = {} } = typeof wanted === 'number' ? { version: wanted } : wanted
    const row = known.find((one) => one.name === alias)
    const isSame = row?.function_version === version && canonical(row.weights ?? {}) === canonical(weights)
    if (row?.function_id === id && isSame) return []
    const details = [`version ${version}`, ...(Object.keys(weights).length > 0 ? [weightsText(weights)] : [])]
    const fields = async () => ({
      function_id: (await client.functions.get(name)).id,
      function_version: version,
      weights,
    })
    const take = async () => {
      if (row === undefined) await client.aliases.create({ name: alias, ...(await fields()) })
      else await client.aliases.update(alias, await fields())
    }
    return [{ kind: row === undefined ? 'create' : 'change', what: `alias ${alias}`, details, take }]
  })
}

async function jobSteps(
  client: Client,
  id: string | undefined,
  name: string,
  { jobs = {} }: ManifestFunction,
): Promise<Step[]> {
  const known =
    Object.keys(jobs).length === 0
      ? []
      : (await client.jobs.list()).filter((job) => job.function_id === id && job.status !== 'done')
  return Object.entries(jobs).flatMap(([job, wanted]): Step[] => {
    const fields = jobFields(job, wanted)
    const row = known.find((one) => one.name === job)
    const what = `job ${name}/${job}`
    if (row === undefined) {
      const take = async () => void (await client.jobs.create({ ...fields, function_id: name }))
      return [{ kind: 'create', what, details: [wanted.pattern ?? `at ${wanted.at}`], take }]
    }
    const { first_execution_time: _at, ...comparable } = fields
    const changed = Object.entries(comparable).filter(([field, value]) => row[field as keyof typeof row] !== value)
    if (changed.length === 0) return []
    const details = changed.map(([field, value]) => `${field}: ${row[field as keyof typeof row]} → ${value}`)
    return [
      {
        kind: 'change',
        what,
        details,
        take: async () => void (await client.jobs.update(row.id, Object.fromEntries(changed))),
      },
    ]
  })
}

function jobFields(
  name: string,
  { pattern, at, timezone, input, overlap, missed, missed_limit }: ManifestJob,
): JobFields {
  const fields: JobFields = {
    name,
    pattern,
    timezone,
    overlap,
    missed,
    missed_limit,
    first_execution_time: at,
    function_input: input === undefined ? undefined : typeof input === 'string' ? input : JSON.stringify(input),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

async function webhookSteps(
  client: Client,
  id: string | undefined,
  name: string,
  { webhooks = {} }: ManifestFunction,
): Promise<Step[]> {
  const known = Object.keys(webhooks).length === 0 ? [] : await client.webhooks.list()
  return Object.entries(webhooks).flatMap(([webhook, wanted]): Step[] => {
    const alias = wanted?.alias
    const what = `webhook ${name}/${webhook}`
    const { alias: _alias, ...fields } = wanted ?? {}
    const there = known.find(
      (row) =>
        row.description === webhook && (alias === undefined ? row.function_id === id : row.function_alias === alias),
    )
    if (there === undefined) {
      const target = alias === undefined ? { function_id: name } : { function_alias: alias }
      const take = async () => void (await client.webhooks.create({ ...target, description: webhook, ...fields }))
      return [{ kind: 'create', what, details: [], take }]
    }
    const changed = changedWebhook(fields, there)
    if (Object.keys(changed).length === 0) return []
    const take = async () => void (await client.webhooks.update(there.id, changed))
    return [{ kind: 'change', what, details: Object.keys(changed), take }]
  })
}

/** Fields in which the file differs from the server, in the server's format. */
function changedWebhook({ signature, ...fields }: WebhookFields, there: WebhookRow): WebhookFields {
  const wanted: WebhookFields =
    signature === undefined || signature === null
      ? fields
      : { ...fields, signature: { header: null, tolerance: null, ...signature } }
  const differs = ([field, value]: [string, unknown]) =>
    canonical(there[field as keyof WebhookRow]) !== canonical(value)
  return Object.fromEntries(Object.entries(wanted).filter(differs))
}

/** Build options of the command line have priority over the file. */
export function howOf({ build }: ManifestFunction, how: Deploying): Deploying {
  if (how.build !== undefined || build === undefined) return how
  if (build === false) return { ...how, build: 'never' }
  return { ...how, build: 'auto', withoutModules: build === true }
}

/** All steps of a manifest: functions first, because the others refer to them. */
export async function manifestSteps(
  client: Client,
  manifest: Manifest,
  folder: string,
  how: Deploying = {},
): Promise<Step[]> {
  const functions = await Promise.all(
    Object.entries(manifest.functions).map(([name, fn]) => {
      const own = howOf(fn, how)
      return functionSteps(client, wantedFunction(name, fn, folder, own), own)
    }),
  )
  const triggers = await Promise.all(
    Object.entries(manifest.functions).map(([name, fn]) => triggerSteps(client, name, fn)),
  )
  return [...functions, ...triggers].flat()
}
