import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Document, isMap, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { CliError } from '../command.ts'

/** `taibai.yaml`: the functions of a folder with their jobs, webhooks and aliases. */

export const manifestName = 'taibai.yaml'

const job = z
  .strictObject({
    pattern: z.string().optional().describe('Cron pattern; without one the job runs once, at `at`.'),
    at: z.string().optional().describe('First run, in UTC.'),
    timezone: z.string().optional().describe('Zone of the pattern; default UTC.'),
    input: z.unknown().optional().describe('Input of each run: text, or any value, which becomes JSON.'),
    overlap: z.enum(['allow', 'skip', 'queue']).optional(),
    missed: z.enum(['skip', 'once', 'all']).optional(),
    missed_limit: z.int().optional(),
  })
  .refine(({ pattern, at }) => pattern !== undefined || at !== undefined, {
    message: 'a job needs "pattern", or "at" for a single run',
  })

const secretUse = z.strictObject({
  name: z.string(),
  as: z.enum(['env', 'file']).optional(),
  to: z.string().optional().describe('Name of the variable, or of the file in /run/secrets; default: the name.'),
})

/** The server's complete form, so that equal settings compare as equal. */
const withPlace = ({ name, as = 'env', to = name }: z.output<typeof secretUse>) => ({ name, as, to })
const asVariable = (name: string) => withPlace({ name })

const weightedAlias = z.strictObject({
  version: z.int().min(0),
  weights: z.record(z.string().regex(/^\d+$/), z.number().min(0).max(1)),
})

const webhook = z.strictObject({
  alias: z.string().optional(),
  sync: z.boolean().optional(),
  signature: z
    .strictObject({
      scheme: z.enum(['github', 'gitlab', 'slack', 'stripe', 'standard', 'hmac']),
      secret: z.string(),
      header: z.string().optional(),
      tolerance: z.int().optional(),
    })
    .optional()
    .describe('Callers must sign with this secret.'),
  max_rate: z.number().optional().describe('Maximum calls per second.'),
})

const retries = z.strictObject({
  max_attempts: z.int().optional().describe('Maximum number of attempts.'),
  max_age: z.number().optional().describe('Seconds.'),
  on: z
    .array(z.enum(['error', 'failed', 'timeout']))
    .optional()
    .describe('Results after which a run is retried; default: error, which is a failure of the platform.'),
  backoff: z
    .strictObject({ first: z.number().optional(), factor: z.number().optional(), longest: z.number().optional() })
    .optional()
    .describe('Pauses between attempts, in seconds.'),
})

const destination = z.union([
  z.strictObject({ function: z.string() }),
  z.strictObject({ url: z.string() }),
  z.strictObject({ queue: z.string(), ttl: z.int().optional() }),
])

const cors = z
  .strictObject({
    origins: z.array(z.string()),
    methods: z.array(z.string()).optional(),
    headers: z.array(z.string()).optional(),
    credentials: z.boolean().optional(),
  })
  .transform(({ origins, methods = null, headers = null, credentials = false }) => ({
    origins,
    methods,
    headers,
    credentials,
  }))

const fn = z
  .strictObject({
    code: z.string().optional().describe("Folder, file or ZIP, relative to this file's folder."),
    image: z.string().optional().describe('Container image instead of code.'),
    mode: z
      .enum(['command', 'http', 'openwhisk', 'lambda', 'fission', 'azure'])
      .optional()
      .describe(
        'How an image runs: once for each call, as an HTTP server, as an OpenWhisk action image, as an AWS Lambda image, as the app in an image of Azure Functions, or as a Fission environment, which loads "code".',
      ),
    command: z
      .array(z.string())
      .optional()
      .describe("The handler of an image of mode lambda, instead of the image's command."),
    entry_point: z.array(z.string()).optional(),
    working_directory: z.string().optional(),
    port: z.int().optional().describe('Port on which an image of mode http listens.'),
    runtime: z.string().optional().describe('Runtime of the function; default: detected from its files.'),
    entry: z.string().optional(),
    signature: z.string().optional(),
    build: z
      .union([z.boolean(), z.literal('auto')], { error: 'must be true, false or auto' })
      .optional()
      .describe(
        'Whether the server installs the listed dependencies. auto (default): if the modules are not in the folder; true: always, and the modules of the folder are not uploaded; false: never, the code is deployed as it is.',
      ),
    description: z.string().optional(),
    memory_mb: z.int().positive().optional().describe('Memory of a worker, in MiB.'),
    tmp_mb: z.int().positive().optional().describe('Size of /tmp in MiB, which is part of the memory.'),
    timeout: z.int().optional().describe('Maximum duration of a call, in seconds.'),
    cpu: z.int().optional().describe('Guaranteed share, in thousandths of a processor.'),
    cpu_max: z.int().optional(),
    writable: z.array(z.string()).optional().describe('Writable folders of an image.'),
    concurrency: z.int().optional(),
    min_workers: z.int().optional(),
    max_workers: z.int().optional(),
    max_running: z.int().optional().describe('Maximum number of running calls in all its workers.'),
    max_rate: z.number().optional().describe('Maximum calls per second.'),
    max_gb_seconds_per_day: z
      .number()
      .optional()
      .describe('Maximum GB-seconds per day of its workers while calls run in them.'),
    sandbox: z.string().optional().describe('OCI runtime of its containers, such as runsc.'),
    placement: z
      .record(z.string(), z.string())
      .optional()
      .describe('Labels of the swarm nodes that may run it, such as {gpu: "true"}.'),
    record: z
      .enum(['full', 'summary', 'failures', 'none'])
      .optional()
      .describe('How much of its executions is recorded.'),
    idle_timeout: z.int().optional(),
    network: z.enum(['egress', 'none']).optional(),
    api: z.boolean().optional().describe('Whether it may call the API of the server.'),
    access: z.enum(['token', 'public']).optional().describe('Who may call /fn/NAME; default: with a token.'),
    cors: cors.optional().describe('Origins whose pages may call (CORS).'),
    hosts: z
      .array(z.string().transform((host) => host.toLowerCase()))
      .optional()
      .describe('Host names of the function, at which it is reached at /.'),
    retries: retries.optional().describe('How accepted runs are retried.'),
    on_success: destination
      .optional()
      .describe('Destination of the result of an accepted run: a function, a url, or a Zaqar queue.'),
    on_failure: destination.optional().describe('Destination of the result of a failed run that will not be retried.'),
    env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).optional(),
    secrets: z
      .array(z.union([z.string().transform(asVariable), secretUse.transform(withPlace)]))
      .optional()
      .describe('Secrets that it sees: names, or name, as (env or file) and to.'),
    jobs: z.record(z.string(), job).optional().describe('By name.'),
    webhooks: z.record(z.string(), webhook.nullable()).optional().describe('By name, which is their description.'),
    aliases: z
      .record(z.string(), z.union([z.int().min(0), weightedAlias]))
      .optional()
      .describe(
        'Version that each alias points to; 0: the function as it is. Or version and weights: shares of calls, from 0 to 1, that run further versions.',
      ),
  })
  .refine(({ code, image, mode }) => code === undefined || image === undefined || mode === 'fission', {
    message: 'a function has "code" or "image", not both; an image of mode fission loads "code"',
  })
  .refine(({ build, image }) => build === undefined || image === undefined, {
    path: ['build'],
    message: 'an image is taken as it is: leave "build" out',
  })

export const manifestSchema = z.strictObject({
  functions: z.record(z.string().regex(/^[\w-]+$/, 'a name has letters, digits, "-" and "_"'), fn),
})

export type Manifest = z.output<typeof manifestSchema>
/** `inline`: the only module of a function that a file of another platform contains, instead of `code`. */
export type ManifestFunction = z.output<typeof fn> & { inline?: { file: string; text: string } }
export type ManifestJob = z.output<typeof job>

/** The JSON schema for editors. */
export const manifestJsonSchema = (): unknown => ({
  ...z.toJSONSchema(manifestSchema, { io: 'input', unrepresentable: 'any' }),
  title: manifestName,
})

/** The manifest of a folder, or the file itself; undefined: none. */
export function manifestFile(path: string): string | undefined {
  if (/\.ya?ml$/.test(path)) return path
  return [manifestName, 'taibai.yml'].map((name) => join(path, name)).find((file) => existsSync(file))
}

/** Throws CliError with a line for each problem: file, line, column, sentence. */
export function readManifest(file: string): { manifest: Manifest; folder: string } {
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  if (document.errors.length > 0) {
    throw new CliError(document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`).join('\n'), 'usage')
  }
  const parsed = manifestSchema.safeParse(document.toJS() ?? {})
  if (parsed.success) return { manifest: parsed.data, folder: dirname(file) }
  const wrong = parsed.error.issues.map((issue) => {
    const path = issue.path as (string | number)[]
    const where = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0] as string] : path
    const what = path.length === 0 ? '' : `${path.join('.')}: `
    const message =
      issue.code === 'unrecognized_keys'
        ? unknownKeys(issue.keys, path)
        : issue.code === 'invalid_key'
          ? (issue.issues[0]?.message ?? issue.message)
          : issue.message
    return `${at(offsetOf(document, where))}: ${what}${message}`
  })
  throw new CliError(wrong.join('\n'), 'usage')
}

interface SchemaNode {
  properties?: Record<string, SchemaNode>
  additionalProperties?: SchemaNode | false
}

/** What is written where it has no meaning, and what may be there. */
function unknownKeys(keys: string[], path: (string | number)[]): string {
  const root = manifestJsonSchema() as SchemaNode
  const below = (node: SchemaNode | undefined, key: string | number) =>
    node?.properties?.[key] ?? (node?.additionalProperties || undefined)
  const known = Object.keys(path.reduce(below, root)?.properties ?? {})
  const ofFunctions = below(below(root, 'functions'), 'any')?.properties ?? {}
  const isMisplaced = path.length === 0 && keys.every((key) => key in ofFunctions)
  const names = keys.map((key) => `"${key}"`).join(', ')
  if (isMisplaced) return `${names} belongs to a function: write it below one of "functions"`
  return `${names} is not known here${known.length === 0 ? '' : `; known are ${known.join(', ')}`}`
}

/** Offset of the key, or of its nearest existing parent. */
function offsetOf(document: Document, path: (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    if (!isMap(parent)) continue
    const pair = parent.items.find(({ key }) => (key as { value?: unknown } | null)?.value === path[length - 1])
    const range = (pair?.key as { range?: [number, number, number] } | undefined)?.range
    if (range !== undefined) return range[0]
  }
  return 0
}
