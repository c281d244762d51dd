import { join } from 'node:path'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { noUsage, type Outcome } from '../../domain/runs/outcome.ts'
import type { SandboxSpec } from '../sandbox/sandbox.ts'
import type { HttpImageWorker } from './http-image-worker.ts'
import { longestStartLog } from './image-output.ts'
import { loadFailureOutcome } from './outcomes.ts'

/** An environment of Fission: a server that loads one package, by `/v2/specialize` or `/specialize`, and then is the function. */

/** Where the environments find code; some write beside it. */
const userFolder = '/userfunc'
const packageInside = `${userFolder}/deployarchive`
/** The single file that a first version of an environment loads. */
const fileInside = `${userFolder}/user`

/** What its container sees in addition: the stored package, read-only. Without one, the code is in the image. */
export function fissionFolders(
  { writable }: Pick<Revision, 'writable'>,
  stored: string | null,
  namesIn: (folder: string) => string[],
): Pick<SandboxSpec, 'writable' | 'readable'> {
  if (stored === null) return { writable }
  const [only, ...others] = namesIn(stored)
  const file = only !== undefined && others.length === 0 ? [{ from: join(stored, only), at: fileInside }] : []
  return { writable: [...writable, userFolder], readable: [{ from: stored, at: packageInside }, ...file] }
}

/** Has it load the package. Null: it is the function now. Else the failure, with what was printed. */
export async function specialize(
  worker: HttpImageWorker,
  revision: Revision,
  timeoutMs: number,
): Promise<{ outcome: Outcome; log: string } | null> {
  let log = ''
  const ask = (target: string, body: Buffer) =>
    worker.call(
      request(target, body, (_stream, text) => {
        if (log.length < longestStartLog) log += text
      }),
      timeoutMs,
    )
  const outcome = await ask('/v2/specialize', specializeBody(revision))
  const isOfFirstVersion = outcome.kind === 'returned' && outcome.value.http?.status === 404
  const failure = failureOf(isOfFirstVersion ? await ask('/specialize', Buffer.alloc(0)) : outcome, revision)
  return failure === null ? null : { outcome: loadFailureOutcome(failure), log }
}

/**
 * Whether a request would have the environment load another function, which is not for callers: some environments do so at any
 * time. Servers read paths in different ways, so this one reads them in the widest.
 */
export function isOfEnvironment(target: string): boolean {
  const parts: string[] = []
  for (const part of decoded(target.split(/[?#]/, 1)[0] as string).split(/[/\\]/)) {
    const name = (part.split(';', 1)[0] as string).trim().toLowerCase()
    if (name === '..') parts.pop()
    else if (name !== '' && name !== '.') parts.push(name)
  }
  return ['specialize', 'v2/specialize'].includes(parts.join('/'))
}

function decoded(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

export function specializeBody({ functionName, functionId, projectId, init }: Revision): Buffer {
  const FunctionMetadata = { name: functionName ?? functionId, namespace: projectId, uid: functionId }
  const wanted = { filepath: packageInside, functionName: init?.main ?? '', url: '', FunctionMetadata, envVersion: 2 }
  return Buffer.from(JSON.stringify(wanted))
}

/** Environments answer 200 or 202, and a text when they cannot load it. */
function failureOf(outcome: Outcome, { image }: Revision): Outcome | null {
  if (outcome.kind !== 'returned') return outcome
  const { http, body } = outcome.value
  const status = http?.status ?? 0
  if (status === 200 || status === 202) return null
  const said = body.toString('utf8').slice(0, longestStartLog).trim()
  const message = `the environment ${image} answered ${status} when it was asked to load the function${said === '' || said === '{}' ? '' : `: ${said}`}`
  return { kind: 'raised', error: { type: 'SpecializeError', message, stack: null }, runMs: outcome.runMs, ...noUsage }
}

function request(target: string, body: Buffer, onLog: Call['onLog']): Call {
  const headers: [string, string][] = [['content-type', 'application/json']]
  const http = { method: 'POST', target, prefix: '', url: `http://localhost${target}`, headers }
  return { executionId: 'specialize', trigger: 'api', input: { kind: 'json', body }, http, onLog }
}
