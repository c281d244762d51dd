import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { EngineReport } from '../domain/platform/engine-report.ts'
import type { RegistrySecret } from '../domain/platform/registry.ts'
import { EngineApi, EngineRefusal, type Query } from '../engine/api/engine-api.ts'
import { fetchEngineReport } from '../engine/api/engine-report.ts'
import { registryHeader } from '../engine/api/registry-header.ts'
import { lastLines } from './command.ts'
import { SetupProblem } from './problem.ts'

/** The container engine's API for preparing a machine; the docker command is not needed. */

/** An engine that does not answer within this time counts as absent. */
const answerLimitMs = 5000
/** A registry that sends nothing within this time counts as absent. */
const silenceLimitMs = 15_000
const pullLimitMs = 10 * 60_000

export const localEngine = 'unix:///var/run/docker.sock'

export type EngineAnswer = 'yes' | 'denied' | 'no'

export interface BuildResult {
  context: Readable
  tags: string[]
  arguments: Record<string, string>
  labels: Record<string, string>
  /** Network of the build's commands. */
  network?: 'host'
}

export interface FoundImage {
  id: string
  labels: Record<string, string>
  bytes: number
}

export interface EngineClient {
  readonly address: string
  /** Whether the engine answers, is absent, or refuses this user. */
  ask(): Promise<EngineAnswer>
  /** The engine's report; rejects when it does not answer. */
  report(): Promise<EngineReport>
  /** A local image: its id and labels. */
  inspect(image: string): Promise<FoundImage | undefined>
  /** Throws SetupProblem with the end of the build's output. */
  build(purpose: string, built: BuildResult): Promise<void>
  /** Returns whether the image exists now. Gives up early on silence, but lets a slow download finish. */
  pull(image: string): Promise<boolean>
  /** Creates an image from a tar of a root file system; `changes` are Dockerfile lines. */
  importTree(tar: Readable, image: string, changes: string[]): Promise<void>
  /** These images as one archive stream. Throws SetupProblem when one is missing. */
  save(images: string[]): Promise<Readable>
  /** Loads the images of an archive that an engine saved. */
  load(archive: Readable): Promise<void>
  /** Removes an unused image; one in use stays. */
  remove(image: string): Promise<void>
  close(): void
}

export type Credentials = (image: string) => RegistrySecret | null

const nobody: Credentials = () => null

/** `credentials`: login for the registry of an image. Throws FaasError for an invalid address. */
export function makeEngineClient(address: string | undefined, credentials = nobody): EngineClient {
  const api = new EngineApi(address)
  return {
    address: address ?? localEngine,
    ask: () => answerOf(api),
    report: () => fetchEngineReport(api, answerLimitMs),
    inspect: (image) => inspectImage(api, image),
    build: (purpose, built) => build(api, purpose, built),
    pull: (image) => pull(api, image, credentials(image)),
    importTree: (tar, image, changes) => importTree(api, tar, image, changes),
    save: (images) => save(api, images),
    load: (archive) => followed(api, 'Loading the images', '/images/load', [], archive),
    remove: async (image) => {
      await api.ask('DELETE', `/images/${image}`).catch(() => {})
    },
    close: () => api.close(),
  }
}

async function answerOf(api: EngineApi): Promise<EngineAnswer> {
  try {
    const answer = await api.stream('GET', '/_ping', {}, { signal: AbortSignal.timeout(answerLimitMs) })
    answer.resume()
    return 'yes'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'no'
  }
}

async function inspectImage(api: EngineApi, image: string): ReturnType<EngineClient['inspect']> {
  try {
    const path = `/images/${image}/json`
    type Answer = { Id: string; Size?: number; Config: { Labels?: Record<string, string> } }
    const { Id, Size, Config } = await api.ask<Answer>('GET', path)
    return { id: Id, labels: Config.Labels ?? {}, bytes: Size ?? 0 }
  } catch (error) {
    if (error instanceof EngineRefusal && error.status === 404) return undefined
    throw new SetupProblem(`The engine could not say whether ${image} is there: ${(error as Error).message}`)
  }
}

async function build(api: EngineApi, purpose: string, built: BuildResult): Promise<void> {
  const { context, tags, arguments: buildargs, labels, network } = built
  const query: [string, string][] = [
    ...tags.map((tag): [string, string] => ['t', tag]),
    ['buildargs', JSON.stringify(buildargs)],
    ['labels', JSON.stringify(labels)],
    ['rm', '1'],
    ['forcerm', '1'],
    ...(network === undefined ? [] : [['networkmode', network] as [string, string]]),
  ]
  await followed(api, purpose, '/build', query, context)
}

async function pull(api: EngineApi, image: string, secret: RegistrySecret | null): Promise<boolean> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), silenceLimitMs)
  const signal = AbortSignal.any([silence.signal, AbortSignal.timeout(pullLimitMs)])
  const query: Query = isTagged(image) ? { fromImage: image } : { fromImage: image, tag: 'latest' }
  try {
    const answer = await api.stream('POST', '/images/create', query, { signal, ...registryHeader(secret) })
    await readToEnd(answer, () => clearTimeout(timer))
    return true
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}

async function save(api: EngineApi, images: string[]): Promise<Readable> {
  try {
    return await api.stream(
      'GET',
      '/images/get',
      images.map((name): [string, string] => ['names', name]),
    )
  } catch (error) {
    throw new SetupProblem(`The engine could not save the images: ${(error as Error).message}`)
  }
}

async function importTree(api: EngineApi, tar: Readable, image: string, changes: string[]): Promise<void> {
  const [repo = '', tag = 'latest'] = image.split(':')
  const query: [string, string][] = [
    ['fromSrc', '-'],
    ['repo', repo],
    ['tag', tag],
    ...changes.map((change): [string, string] => ['changes', change]),
  ]
  await followed(api, `Importing ${image}`, '/images/create', query, tar)
}

/** Sends a tar and waits until the engine has processed it. */
async function followed(
  api: EngineApi,
  purpose: string,
  path: string,
  query: [string, string][],
  upload: Readable,
): Promise<void> {
  const output: string[] = []
  try {
    const answer = await api.stream('POST', path, query, { upload })
    await readToEnd(answer, ({ stream }) => void (stream !== undefined && output.push(stream)))
  } catch (error) {
    const text = lastLines(output.join(''), 15)
    throw new SetupProblem(`${purpose} failed: ${(error as Error).message}\n${text}`.trimEnd())
  }
}

interface ProgressLine {
  stream?: string
  error?: string
}

/** The engine reports progress and failures in the response's stream. */
async function readToEnd(answer: IncomingMessage, onLine: (line: ProgressLine) => void): Promise<void> {
  for await (const text of createInterface({ input: answer })) {
    if (text.trim() === '') continue
    const line = JSON.parse(text) as ProgressLine
    if (line.error !== undefined) throw new Error(line.error)
    onLine(line)
  }
  if (!answer.complete) throw new Error('the engine broke off')
}

/** Without a tag an engine would pull every tag of the name. */
const isTagged = (image: string): boolean => image.slice(image.lastIndexOf('/')).includes(':') || image.includes('@')
