import { createHash } from 'node:crypto'
import type { Alias } from '../../src/domain/functions/alias.ts'
import type { Build } from '../../src/domain/functions/build.ts'
import type { Fn, FunctionVersion } from '../../src/domain/functions/function.ts'
import type { Runtime } from '../../src/domain/functions/runtime.ts'
import { timeOrderedId } from '../../src/domain/ids.ts'
import type { Token } from '../../src/domain/platform/token.ts'
import type { Execution } from '../../src/domain/runs/execution.ts'
import type { HttpRequestHead } from '../../src/domain/runs/http-request.ts'
import type { Job } from '../../src/domain/triggers/job.ts'
import type { Source } from '../../src/domain/triggers/source.ts'
import type { Webhook } from '../../src/domain/triggers/webhook.ts'
import { newFunction } from '../../src/services/functions/new-function.ts'

/** Valid values of the domain with new ids; a test names only what it is about. */

/** When everything was made, unless a test says otherwise. */
export const builtAt = Date.parse('2030-01-02T03:04:05Z')

const mib = 1024 * 1024
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

export function aRuntime(overrides: Partial<Runtime> = {}): Runtime {
  return {
    id: timeOrderedId(),
    projectId: 'default',
    name: 'nodejs',
    description: null,
    image: 'taibai/nodejs:test',
    isPublic: true,
    trusted: true,
    status: 'available',
    signature: 'event',
    minMemoryBytes: 64 * mib,
    languages: ['javascript'],
    builtin: false,
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

export function aBuild(overrides: Partial<Build> = {}): Build {
  return {
    id: timeOrderedId(),
    projectId: 'default',
    functionId: timeOrderedId(),
    functionName: 'web',
    runtimeName: 'nodejs',
    packageHash: sha256('package'),
    bundle: false,
    list: 'package.json',
    status: 'running',
    cached: false,
    sizeBytes: null,
    error: null,
    createdAt: builtAt,
    endedAt: null,
    ...overrides,
  }
}

/** A package function without a name: names are unique inside a project. */
export function aFn(overrides: Partial<Fn> = {}): Fn {
  const id = overrides.id ?? timeOrderedId()
  const code = { source: 'package', md5sum: md5(id) } as const
  return {
    ...newFunction({ id, projectId: 'default', code, createdAt: builtAt }, functionDefaults),
    runtimeId: timeOrderedId(),
    packageHash: sha256(id),
    entry: 'main.main',
    ...overrides,
  }
}

const functionDefaults = { cpuDefaultMillicpu: 100, memoryDefaultBytes: 32 * mib, timeoutDefaultSeconds: 5 }

export function aVersion(overrides: Partial<FunctionVersion> = {}): FunctionVersion {
  const id = overrides.id ?? timeOrderedId()
  return {
    id,
    functionId: timeOrderedId(),
    projectId: 'default',
    number: 1,
    description: null,
    packageHash: sha256(id),
    md5sum: md5(id),
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

export function anAlias(overrides: Partial<Alias> = {}): Alias {
  const id = overrides.id ?? timeOrderedId()
  return {
    id,
    projectId: 'default',
    name: `alias-${id}`,
    description: null,
    functionId: timeOrderedId(),
    functionVersion: 0,
    weights: null,
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

/** A sync run that has just begun. */
export function anExecution(overrides: Partial<Execution> = {}): Execution {
  return {
    id: timeOrderedId(),
    projectId: 'default',
    functionId: '0190a000-0000-7000-8000-000000000001',
    functionVersion: 0,
    functionAlias: null,
    description: null,
    status: 'running',
    sync: true,
    trigger: 'api',
    triggerId: null,
    request: null,
    input: null,
    inputKind: 'none',
    output: null,
    error: null,
    durationMs: null,
    isImageRun: false,
    log: '',
    attempt: 1,
    startKind: null,
    coldReason: null,
    phases: null,
    worker: null,
    memoryPeakMb: null,
    cpuMs: null,
    outputs: null,
    terms: null,
    runAt: null,
    deadAt: null,
    delivery: null,
    deliverAt: null,
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

/** A sync run that returned an answer. */
export function aFinishedExecution(overrides: Partial<Execution> = {}): Execution {
  return anExecution({
    status: 'success',
    input: '{"name":"world"}',
    inputKind: 'json',
    output: '"hello, world"',
    durationMs: 12.5,
    log: 'Start execution\nhello\n',
    startKind: 'warm',
    phases: { queue: 0, acquire: 0.25, load: 0, resume: 0, run: 12.5, total: 12.75 },
    worker: 'taibai-worker-1',
    memoryPeakMb: 42.5,
    cpuMs: 3.25,
    updatedAt: builtAt + 13,
    ...overrides,
  })
}

/** A job that runs every five minutes for ever. */
export function aJob(overrides: Partial<Job> = {}): Job {
  return {
    id: timeOrderedId(),
    projectId: 'default',
    name: null,
    functionId: timeOrderedId(),
    functionVersion: 0,
    functionAlias: null,
    functionInput: null,
    status: 'running',
    pattern: '*/5 * * * *',
    timezone: 'UTC',
    count: null,
    overlap: 'allow',
    missed: 'once',
    missedLimit: 100,
    firstExecutionTime: builtAt + 55_000,
    nextExecutionTime: builtAt + 55_000,
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

export function aWebhook(overrides: Partial<Webhook> = {}): Webhook {
  return {
    id: timeOrderedId(),
    projectId: 'default',
    functionId: timeOrderedId(),
    functionVersion: 0,
    functionAlias: null,
    description: null,
    sync: false,
    signature: null,
    maxRate: null,
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

export function aSource(overrides: Partial<Source> = {}): Source {
  return {
    id: timeOrderedId(),
    projectId: 'default',
    name: null,
    type: 'swift',
    container: 'inbox',
    prefix: null,
    events: ['created', 'changed'],
    functionId: timeOrderedId(),
    functionVersion: 0,
    functionAlias: null,
    intervalSeconds: 10,
    status: 'running',
    sinceMs: 0,
    createdAt: builtAt,
    updatedAt: null,
    ...overrides,
  }
}

export function aToken(overrides: Partial<Token> = {}): Token {
  const id = overrides.id ?? timeOrderedId()
  return {
    id,
    name: `token-${id}`,
    hash: sha256(id),
    projectId: 'default',
    roles: ['member'],
    scopes: null,
    functionId: null,
    createdAt: builtAt,
    expiresAt: null,
    lastUsedAt: null,
    previousHash: null,
    previousUntil: null,
    ...overrides,
  }
}

/** A request for `target` of a web function that lives at /fn/web. */
export function aRequestHead(overrides: Partial<HttpRequestHead> = {}): HttpRequestHead {
  const { target = '/' } = overrides
  const prefix = '/fn/web'
  return { method: 'GET', target, prefix, url: `http://localhost${prefix}${target}`, headers: [], ...overrides }
}
