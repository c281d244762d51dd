import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { recordings } from '../../domain/functions/function.ts'
import { signatureNames } from '../../domain/functions/signature.ts'
import type { Upload } from '../../domain/functions/upload.ts'
import type { FunctionFields } from '../../services/functions/function-fields.ts'
import { mediaType } from '../connection/body.ts'
import { destination, retries } from '../executions/run-option-fields.ts'
import { choice, field, flag, integer, nullable, number, parseFields, text } from '../fields.ts'
import type { Ctx } from '../request-context.ts'
import { readFunctionUpload, type UploadLimits } from './function-upload.ts'
import { toCors, toHosts, toPaths, toPlacement, toSecrets, toStrings } from './function-values.ts'

/** Requests that create or update functions: the only ones that may be JSON, a form, or a bare ZIP. */

const networks = ['egress', 'none'] as const

const accesses = ['token', 'public'] as const

const code = field(
  {
    type: ['object', 'string'],
    description: 'Where the code is: {"source": "package" | "inline" | "image" | "swift", …}.',
  },
  (value) => value,
)

/** In the order in which the contract checks them. */
const changeable = {
  code,
  timeout: integer(
    "Seconds that a run may take; default of a new function: that of the signature's platform or the server's, the larger.",
  ),
  cpu: integer('Guaranteed share of the processors, in thousandths of one.'),
  memory_size: integer('Bytes.'),
  name: text(255, 'Letters, digits, "-" and "_"; unique inside the project.'),
  description: text(),
  entry: text(80, "module.callable; default: the runtime's, such as main.main."),
  signature: nullable(choice(signatureNames, "How the function is called; null: the runtime's way.")),
  env: field({ type: 'object', description: 'Environment variables: an object of strings.' }, (value) =>
    toStrings(value, '{"GREETING": "hello"}'),
  ),
  secrets: field(
    {
      type: 'array',
      description:
        'Secrets of the project that the function gets: names, or {"name", "as": "env" | "file", "to"}; files are in /run/secrets.',
    },
    toSecrets,
  ),
  max_running: nullable(integer('Maximum number of running calls in all its workers; null: no limit.')),
  max_rate: nullable(number('Maximum calls per second, with bursts of ten times this number; null: no limit.')),
  max_gb_seconds_per_day: nullable(
    number('GB-seconds of its workers while calls run in them, from midnight to midnight (UTC); null: no limit.'),
  ),
  sandbox: nullable(
    text(
      64,
      "OCI runtime of its containers, such as runsc: one that the operator allows and the engine has; null: the engine's default.",
    ),
  ),
  placement: nullable(
    field(
      {
        type: ['object', 'null'],
        description: 'On a swarm, labels of the nodes that may run it, such as {"gpu": "true"}; null: all nodes.',
      },
      toPlacement,
    ),
  ),
  record: choice(recordings, 'How much of its executions is recorded; default full.'),
  concurrency: integer('Concurrent calls in one worker; default 1.'),
  min_workers: integer('Workers that are always warm; default 0.'),
  max_workers: nullable(integer('Maximum number of workers; null: as many as the memory budget allows.')),
  idle_timeout: nullable(
    integer('Seconds after which an idle worker is removed; null: only when its memory is needed.'),
  ),
  network: choice(networks, 'Which network the function has; default egress.'),
  api: flag('Whether it may call this API: its workers get the address and a token of their own; default false.'),
  access: choice(accesses, 'Who may call /fn/{name}: callers with a token of the project (default), or everybody.'),
  cors: nullable(
    field(
      {
        type: ['object', 'null'],
        description:
          'Origins whose pages may call (CORS): {"origins": each a scheme and host, or "*", "methods", "headers", "credentials"}; null: none.',
      },
      toCors,
    ),
  ),
  hosts: field({ type: 'array', description: 'Host names of the function, at which it is reached at /.' }, toHosts),
  tmp_size: nullable(
    integer("Size of /tmp in bytes, which is part of the worker's memory; null: the operator's default."),
  ),
  writable: field(
    {
      type: 'array',
      description: "Writable folders of an image, which are part of the worker's memory: absolute paths.",
    },
    toPaths,
  ),
  cpu_max: nullable(integer('Hard cap of the processors, in thousandths of one; null: none.')),
  retries: nullable(retries("How accepted runs are retried; null: the platform's default.")),
  on_success: nullable(destination('Destination of the result of a successful accepted run; null: none.')),
  on_failure: nullable(destination('Destination of the result of a failed run that will not be retried; null: none.')),
}

const newFunction = z.object({
  ...changeable,
  runtime_id: text(255, 'Runtime of the function, by id or name.'),
  runtime: text(255, 'The same, by name or id.'),
})
const functionChange = z.object({
  ...changeable,
  image: text(512, 'For a function that is an image: another image or tag; mode and port stay.'),
})

const file = { package: z.any().openapi({ type: 'string', format: 'binary', description: 'The ZIP.' }) }
const zipBody = z.any().openapi({ type: 'string', format: 'binary', description: 'The ZIP; fields go into the query.' })

const bodiesOf = (schema: z.ZodObject): Record<string, z.ZodType> => ({
  'application/json': schema,
  'multipart/form-data': schema.extend(file),
  'application/x-www-form-urlencoded': schema,
  'application/zip': zipBody,
})

/** For /openapi.json. */
export const newFunctionBodies = bodiesOf(newFunction)
export const functionChangeBodies = bodiesOf(functionChange)

export type NewFunctionFields = FunctionFields & { code: unknown; runtime?: string; zip?: Upload }
export type FunctionChangeFields = FunctionFields & { code?: unknown; image?: string | undefined; zip?: Upload }

export async function readNewFunction(c: Ctx, limits: UploadLimits): Promise<NewFunctionFields> {
  const { fields, unknownKeys, zip } = await readFunctionUpload(c, limits)
  if (mediaType(c) === 'application/zip') fields.code ??= { source: 'package' }
  if (fields.code === undefined || fields.code === null || fields.code === '') {
    throw invalid('"code" is required: say where the code is, such as {"source": "package"}.')
  }
  const { runtime_id, runtime, ...given } = parseFields(newFunction, fields, unknownKeys)
  return { ...named(given), code: given.code, runtime: runtime_id || runtime || undefined, zip }
}

/** Updates ignore keys that no function has, in every format: the contract and its CLI require it. */
export async function readFunctionChange(c: Ctx, limits: UploadLimits): Promise<FunctionChangeFields> {
  const { fields, zip } = await readFunctionUpload(c, limits)
  const given = parseFields(functionChange, fields, 'ignore')
  return { ...named(given), code: given.code === '' ? undefined : given.code, image: given.image || undefined, zip }
}

/** Maps the API's field names to ours. An empty name or entry counts as none. */
function named(given: Omit<z.output<typeof functionChange>, 'image'>): FunctionFields {
  return {
    name: given.name || undefined,
    description: given.description,
    entry: given.entry || undefined,
    timeoutSeconds: given.timeout,
    cpuMillicpu: given.cpu,
    memoryBytes: given.memory_size,
    signature: given.signature,
    env: given.env,
    secrets: given.secrets,
    maxRunning: given.max_running,
    maxRate: given.max_rate,
    maxGbSecondsPerDay: given.max_gb_seconds_per_day,
    sandbox: given.sandbox,
    placement: given.placement === null ? {} : given.placement,
    record: given.record,
    concurrency: given.concurrency,
    minWorkers: given.min_workers,
    maxWorkers: given.max_workers,
    idleTimeoutSeconds: given.idle_timeout,
    network: given.network,
    api: given.api,
    cpuMaxMillicpu: given.cpu_max,
    access: given.access,
    cors: given.cors,
    hosts: given.hosts,
    tmpSizeBytes: given.tmp_size,
    writable: given.writable,
    retries: given.retries,
    onSuccess: given.on_success,
    onFailure: given.on_failure,
  }
}
