import { createHash } from 'node:crypto'
import type { Revision } from '../platform/worker.ts'
import type { Fn, FunctionCode, FunctionVersion, ImageMode, ImageStart } from './function.ts'
import type { Runtime } from './runtime.ts'
import { defaultSignature, type Signature, signatureOfEvents } from './signature.ts'

/** Converts a function to the revision of its workers, and says what a change of each field means for them. */

/** The fields that a caller may change, in addition to the code. */
export type ChangeableField = keyof Pick<
  Fn,
  | 'name'
  | 'description'
  | 'entry'
  | 'timeoutSeconds'
  | 'cpuMillicpu'
  | 'memoryBytes'
  | 'signature'
  | 'maxRunning'
  | 'maxRate'
  | 'maxGbSecondsPerDay'
  | 'record'
  | 'env'
  | 'secrets'
  | 'concurrency'
  | 'minWorkers'
  | 'maxWorkers'
  | 'idleTimeoutSeconds'
  | 'network'
  | 'api'
  | 'cpuMaxMillicpu'
  | 'sandbox'
  | 'tmpSizeBytes'
  | 'placement'
  | 'writable'
  | 'retries'
  | 'onSuccess'
  | 'onFailure'
>

interface FieldFacts {
  /**
   * `row`: workers do not use it. `bounds`: the pool uses it. `worker`: workers contain it; a change drops them and is refused
   * while jobs are unfinished.
   */
  in: 'row' | 'bounds' | 'worker'
  /** Its name in a revision; null: not part of it. */
  revision: keyof Revision | null
  /** The contract forbids changes for an image function. */
  notOfImages?: true
}

/** The only list: a new field must state here what it means. */
export const fieldFacts: Record<ChangeableField, FieldFacts> = {
  name: { in: 'row', revision: 'functionName' },
  description: { in: 'row', revision: null },
  timeoutSeconds: { in: 'row', revision: 'timeoutMs' },
  retries: { in: 'row', revision: null },
  onSuccess: { in: 'row', revision: null },
  onFailure: { in: 'row', revision: null },
  maxRunning: { in: 'row', revision: 'maxRunning' },
  maxRate: { in: 'row', revision: 'maxRate' },
  maxGbSecondsPerDay: { in: 'row', revision: 'maxGbSecondsPerDay' },
  record: { in: 'row', revision: 'record' },
  minWorkers: { in: 'bounds', revision: 'minWorkers' },
  maxWorkers: { in: 'bounds', revision: 'maxWorkers' },
  idleTimeoutSeconds: { in: 'bounds', revision: 'idleTimeoutMs' },
  entry: { in: 'worker', revision: 'entry', notOfImages: true },
  cpuMillicpu: { in: 'worker', revision: 'cpuMillicpu', notOfImages: true },
  memoryBytes: { in: 'worker', revision: 'memoryBytes', notOfImages: true },
  signature: { in: 'worker', revision: 'signature' },
  env: { in: 'worker', revision: 'env' },
  secrets: { in: 'worker', revision: 'secrets' },
  concurrency: { in: 'worker', revision: 'concurrency' },
  network: { in: 'worker', revision: 'network' },
  api: { in: 'worker', revision: 'api' },
  cpuMaxMillicpu: { in: 'worker', revision: 'cpuMaxMillicpu' },
  sandbox: { in: 'worker', revision: 'sandbox' },
  tmpSizeBytes: { in: 'worker', revision: 'tmpSizeBytes' },
  placement: { in: 'worker', revision: 'placement' },
  writable: { in: 'worker', revision: 'writable' },
}

export const fieldsIn = (place: FieldFacts['in']): ChangeableField[] =>
  (Object.keys(fieldFacts) as ChangeableField[]).filter((field) => fieldFacts[field].in === place)

/** Everything that decides which workers may serve a function version. `bridged`: the engine starts a helper beside each image. Pure. */
export function makeRevision(
  fn: Fn,
  runtime: Runtime | null,
  version: FunctionVersion | null,
  bridged = false,
): Revision {
  const revision: Omit<Revision, 'key'> = {
    functionId: fn.id,
    functionName: fn.name,
    functionVersion: version?.number ?? 0,
    projectId: fn.projectId,
    runtimeId: runtime?.id ?? null,
    image: runtime?.image ?? String(fn.code.image),
    kind: runtime === null ? (fn.code.mode ?? 'command') : 'shim',
    port: runtime === null ? portOf(fn.code) : null,
    init: runtime === null ? (fn.code.init ?? null) : null,
    start: runtime === null ? startOf(fn.code) : null,
    trusted: runtime?.trusted ?? false,
    packageHash: version?.packageHash ?? fn.packageHash,
    entry: fn.entry,
    signature: fn.signature ?? runtime?.signature ?? signatureOfImage(fn.code.mode),
    env: fn.env,
    secrets: fn.secrets,
    network: fn.network,
    maxRunning: fn.maxRunning,
    maxRate: fn.maxRate,
    maxGbSecondsPerDay: fn.maxGbSecondsPerDay,
    record: fn.record,
    api: fn.api,
    memoryBytes:
      Math.max(fn.memoryBytes, runtime?.minMemoryBytes ?? 0) +
      besideImage(runtime === null ? fn.code.mode : undefined, bridged),
    cpuMillicpu: fn.cpuMillicpu,
    cpuMaxMillicpu: fn.cpuMaxMillicpu,
    sandbox: fn.sandbox,
    tmpSizeBytes: fn.tmpSizeBytes,
    placement: fn.placement,
    writable: fn.writable,
    timeoutMs: fn.timeoutSeconds * 1000,
    concurrency: fn.concurrency,
    minWorkers: fn.minWorkers,
    maxWorkers: fn.maxWorkers,
    idleTimeoutMs: fn.idleTimeoutSeconds === null ? null : fn.idleTimeoutSeconds * 1000,
  }
  return { ...revision, key: workerKey(revision) }
}

function signatureOfImage(mode: ImageMode | undefined): Signature {
  if (mode === 'lambda') return runtimeApi
  if (mode === 'fission') return 'fission'
  return mode === 'openwhisk' ? signatureOfEvents('openwhisk') : defaultSignature
}

/** The signature of programs that fetch their own events. */
export const runtimeApi: Signature = 'runtime-api'

/** The usual port of images of this mode. */
const portOf = ({ mode, port }: FunctionCode): number => port ?? (mode === 'fission' ? 8888 : 8080)

function startOf({ mode, entry_point, command, working_directory }: FunctionCode): ImageStart | null {
  return mode === 'lambda' ? { entry_point, command, working_directory } : null
}

/** Memory of the helper that serves the Runtime API to an image. It counts as the worker's, because it lives as long. */
export const runtimeApiHelperBytes = 96 * 1024 * 1024

/** Memory of the helper through which the server reaches an image that it cannot call itself. It counts as the worker's, too. */
export const bridgeHelperBytes = 64 * 1024 * 1024

function besideImage(mode: ImageMode | undefined, bridged: boolean): number {
  if (mode === 'lambda') return runtimeApiHelperBytes
  return bridged && mode !== undefined && mode !== 'command' ? bridgeHelperBytes : 0
}

const outsideWorkers = new Set<string | null>(
  Object.values(fieldFacts).map((facts) => (facts.in === 'worker' ? null : facts.revision)),
)

/** The hash of everything that a worker contains; changes of other fields keep the workers. */
function workerKey(revision: Omit<Revision, 'key'>): string {
  const inWorker = Object.entries(revision).filter(([field]) => !outsideWorkers.has(field))
  const texts = inWorker.map(([field, value]) => `${field} ${canonicalText(field, value)}`)
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 32)
}

/** Lists whose order says nothing. */
const sets = new Set<string>(['secrets', 'writable'] satisfies ChangeableField[])

/** The same text for values of a field that mean the same to a worker: names and sets may come in any order. */
export function canonicalText(field: string, value: unknown): string {
  if (sets.has(field) && Array.isArray(value)) return `[${value.map((one) => canonicalText('', one)).sort()}]`
  return JSON.stringify(value, (_name, part) => (isPlain(part) ? sortedByName(part) : part))
}

const isPlain = (part: unknown): part is object => typeof part === 'object' && part !== null && !Array.isArray(part)

const sortedByName = (part: object): object =>
  Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
