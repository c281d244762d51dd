import { readdirSync } from 'node:fs'
import { FaasError } from '../../domain/errors.ts'
import { noPackageBeside } from '../../domain/functions/package-beside-image.ts'
import { bridgeHelperBytes, runtimeApi } from '../../domain/functions/revision.ts'
import { manifestOf, type RuntimeManifest } from '../../domain/functions/runtime.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import { type Outcome, platformFailure } from '../../domain/runs/outcome.ts'
import type { PoolWorker, Shape, WorkerFactory } from '../pool/pool-worker.ts'
import type {
  ApiOpener,
  Exit,
  OnOutput,
  Sandbox,
  SandboxEngine,
  SandboxLimits,
  SandboxSpec,
} from '../sandbox/sandbox.ts'
import { startBridged } from './bridged-image.ts'
import { Channel } from './channel.ts'
import { fissionFolders, isOfEnvironment, specialize } from './fission-image.ts'
import { HttpImageWorker } from './http-image-worker.ts'
import { defaultQuietMs, EarlyOutput } from './image-output.ts'
import { whyImageIsNotReady } from './image-start.ts'
import { environmentOfLambda, helperLimits, helperRevision, memoryOfLambda, runtimeApiPort } from './lambda-image.ts'
import { LambdaImageWorker } from './lambda-image-worker.ts'
import type { LinkConnection, WorkerLink, WorkerLinks } from './link.ts'
import { killed, timedOut } from './outcomes.ts'
import { type Frame, FrameType, parseMeta } from './protocol.ts'
import { ReadOnlyRoot } from './read-only-root.ts'
import { environmentOfImage } from './whisk-image-calls.ts'
import { WhiskImageWorker } from './whisk-image-worker.ts'
import { ShimWorker, type WorkerParts } from './worker.ts'
import { workerLog } from './worker-log.ts'

export interface WorkersParts extends WorkerParts {
  engine: SandboxEngine
  manifests: RuntimeManifest[]
  links: WorkerLinks
  newName: () => string
  startTimeoutMs: number
  /** CPU share of a generic worker: the default of functions. */
  cpuDefaultMillicpu: number
  /** The API that the engine opens to functions that may call it. */
  apiOpener?: ApiOpener
  /** Language versions that shims report, by image; written here. */
  languageVersions: Map<string, string>
}

/** Creates real workers: a sandbox, its link and its connection. */
export class SandboxWorkers implements WorkerFactory {
  #parts: WorkersParts

  constructor(parts: WorkersParts) {
    this.#parts = parts
  }

  async startGeneric(shape: Shape, machine?: string): Promise<PoolWorker> {
    const { image, network, trusted, sandbox = null, tmpSizeBytes = null, memoryBytes } = shape
    const { millicpu, maxMillicpu } = shape.cpu ?? { millicpu: this.#parts.cpuDefaultMillicpu, maxMillicpu: null }
    const limits = { memoryBytes, cpuMillicpu: millicpu, cpuMaxMillicpu: maxMillicpu }
    const closed = { network, trusted, sandbox, tmpSizeBytes, reachesApi: shape.api, machine }
    return this.#startShim(image, limits, { ...closed, apiUrl: await this.#apiUrl(shape.api) })
  }

  async #startShim(
    image: string,
    limits: SandboxLimits,
    { apiUrl, env, ...closed }: Closed & { apiUrl?: string | undefined; env?: Record<string, string> },
  ): Promise<ShimWorker> {
    const { engine, links } = this.#parts
    const name = this.#parts.newName()
    const link = await links.make(name)
    try {
      const command = manifestOf(this.#parts.manifests, image)?.command ?? null
      const { given } = link
      const spec = { name, image, command, ...closed, ...given, env: { ...given.env, ...env }, ...limits }
      const sandbox = await engine.start(spec)
      const channel = await this.#connect(sandbox, link, image)
      return new ShimWorker(this.#parts, sandbox, link, channel, limits, apiUrl)
    } catch (error) {
      await link.remove()
      throw error
    }
  }

  /**
   * What keeps the image from serving is the function's fault and is reported by the worker; failures of the engine are thrown.
   */
  async startImage(whole: Revision, onRunning?: () => void, machine?: string): Promise<PoolWorker> {
    if (whole.kind === 'lambda') return this.#startLambda(whole, onRunning, machine)
    const revision = this.#withoutHelper(whole)
    const { engine, clock, log, maxResultBytes, streamIdleMs, stopGraceMs } = this.#parts
    const port = revision.port ?? 8080
    const output = new EarlyOutput()
    const spec = { ...(await this.#imageSpec(revision, { PORT: String(port) }, machine)), isReached: true as const }
    if (revision.kind === 'openwhisk') spec.env = environmentOfImage(spec.env, revision)
    if (revision.kind === 'fission') Object.assign(spec, this.#packageBeside(revision))
    const sandbox =
      engine.nameBeside === undefined
        ? await engine.start(spec, output.take)
        : await startBridged(this.#parts, spec, port, output.take)
    const onOther = workerLog(log, clock, sandbox.name)
    const { memoryBytes } = revision
    const limits = { maxResultBytes, stopGraceMs, quietMs: defaultQuietMs }
    const token = revision.api ? this.#parts.workerTokens?.give(revision) : undefined
    const about = { clock, ...limits, onOther, token }
    const worker =
      revision.kind === 'openwhisk'
        ? new WhiskImageWorker(sandbox, revision, { ...about, apiUrl: await this.#apiUrl(revision.api) })
        : new HttpImageWorker(sandbox, { ...about, memoryBytes, streamIdleMs })
    void worker.gone.then(() => token?.end())
    output.passTo(worker)
    onRunning?.()
    try {
      const address = await sandbox.address(port)
      const problem = await whyImageIsNotReady(sandbox, revision, address, this.#parts)
      if (problem !== null) await worker.notReady(problem)
      else if (worker instanceof WhiskImageWorker) await worker.ready(address, this.#parts.startTimeoutMs)
      else {
        worker.ready(address)
        const unfit =
          revision.kind === 'fission' ? await specialize(worker, revision, this.#parts.startTimeoutMs) : null
        if (unfit !== null) worker.refuse(unfit.outcome, unfit.log)
        if (revision.kind === 'fission') worker.closeTo(isOfEnvironment)
        const marker = await sandbox.outputMarker?.()
        if (marker) worker.markWith(marker)
      }
      return worker
    } catch (error) {
      await sandbox.kill()
      throw error
    }
  }

  /** The image's own limits: a helper beside it has its part of the memory. */
  #withoutHelper(revision: Revision): Revision {
    if (this.#parts.engine.nameBeside === undefined) return revision
    return { ...revision, memoryBytes: revision.memoryBytes - bridgeHelperBytes }
  }

  /** The package that an environment of Fission loads. */
  #packageBeside(revision: Revision): Pick<SandboxSpec, 'writable' | 'readable'> {
    const { engine, codeFolder } = this.#parts
    const stored = revision.packageHash === null ? null : codeFolder(revision.packageHash)
    if (stored !== null && engine.callers !== undefined) {
      throw new FaasError('not_supported', noPackageBeside)
    }
    return fissionFolders(revision, stored, (folder) => readdirSync(folder))
  }

  /** The helper starts first: the network namespace is its own, and it listens before the image connects. */
  async #startLambda(revision: Revision, onRunning?: () => void, machine?: string): Promise<PoolWorker> {
    const { engine, clock, log, stopGraceMs } = this.#parts
    // An engine without images has no network namespaces: refused before a helper is started.
    if (engine.images === null) throw new FaasError('not_supported', noLambda)
    const helper = await this.#startHelper(revision)
    try {
      const spec = await this.#imageSpec({ ...revision, memoryBytes: memoryOfLambda(revision) }, {}, machine)
      const output = new EarlyOutput()
      const { entry_point: entryPoint, command = null, working_directory: workingDirectory } = revision.start ?? {}
      const own = { entryPoint, command, workingDirectory, beside: helper.name, reachesApi: false }
      const image = await engine.start({ ...spec, ...own, env: environmentOfLambda(spec.env, revision) }, output.take)
      const onOther = workerLog(log, clock, image.name)
      const worker = new LambdaImageWorker(image, helper, revision, {
        ...{ clock, stopGraceMs, quietMs: defaultQuietMs, onOther },
      })
      output.passTo(worker)
      onRunning?.()
      await worker.begin(helper.bind(helperRevision(revision)))
      return worker
    } catch (error) {
      await helper.kill()
      throw error
    }
  }

  /** A worker of the runtime whose shim serves the Runtime API. The helper is ours, but it has the isolation of the image. */
  async #startHelper({ network, api: reachesApi }: Revision): Promise<ShimWorker> {
    const manifest = this.#parts.manifests.find(({ signatures }) => signatures.includes(runtimeApi))
    if (manifest === undefined) {
      throw new FaasError(
        'not_supported',
        'Images of mode "lambda" need the runtime "provided", which this server does not have.',
      )
    }
    const env = { TAIBAI_RUNTIME_API_PORT: String(runtimeApiPort) }
    if (reachesApi) await this.#apiUrl(true)
    return this.#startShim(manifest.image, helperLimits, {
      network,
      trusted: true,
      sandbox: null,
      tmpSizeBytes: null,
      reachesApi,
      env,
    })
  }

  async runCommand(
    revision: Revision,
    call: Call,
    stop: AbortSignal,
    onRunning?: () => void,
    machine?: string,
  ): Promise<Outcome> {
    const { engine, clock } = this.#parts
    const startedAt = clock.elapsed()
    const { timeoutMs } = revision
    const root = new ReadOnlyRoot()
    const print: OnOutput = (stream, text) => call.onLog(stream, text + root.lineAfter(text))
    try {
      const image = await this.#imageSpec(revision, {}, machine)
      const spec = { ...image, args: argumentsOf(call), timeoutMs, signal: stop, onRunning }
      const { exit, timedOut: missed } = await engine.runToEnd(spec, print)
      return root.explain(commandOutcome(exit, missed, stop.aborted, revision, clock.elapsed() - startedAt))
    } catch (error) {
      const message = error instanceof FaasError ? error.message : 'The image could not be run; see the server log.'
      return platformFailure(message, clock.elapsed() - startedAt)
    }
  }

  async #imageSpec(revision: Revision, extra: Record<string, string>, machine?: string): Promise<SandboxSpec> {
    const { image, memoryBytes, cpuMillicpu, cpuMaxMillicpu, network, trusted, sandbox, tmpSizeBytes, writable } =
      revision
    const apiUrl = await this.#apiUrl(revision.api)
    const env = { ...revision.env, ...extra, ...(apiUrl !== undefined && { TAIBAI_API: apiUrl }) }
    const name = this.#parts.newName()
    const limits = { memoryBytes, cpuMillicpu, cpuMaxMillicpu, tmpSizeBytes }
    const closed = { trusted, sandbox, network, reachesApi: revision.api, folder: null, machine }
    return { name, image, command: null, env, writable, ...closed, ...limits }
  }

  /** URL of the API for workers of functions that may call it. */
  async #apiUrl(isWanted: boolean): Promise<string | undefined> {
    if (!isWanted) return undefined
    const { apiOpener, engine } = this.#parts
    if (apiOpener === undefined) throw new FaasError('not_supported', 'Functions cannot call the API of this server.')
    return engine.openApi(apiOpener)
  }

  #channel({ frames, stdout, stderr }: LinkConnection, sandbox: Sandbox): Channel {
    const { clock, log } = this.#parts
    const channel = new Channel(frames, clock, workerLog(log, clock, sandbox.name))
    channel.descriptor('stdout', stdout)
    channel.descriptor('stderr', stderr)
    return channel
  }

  /** Waits for the shim's connection and hello; ends the sandbox when they do not arrive in time. */
  async #connect(sandbox: Sandbox, link: WorkerLink, image: string): Promise<Channel> {
    const { clock, startTimeoutMs } = this.#parts
    const late = Promise.withResolvers<'late'>()
    const stopTimer = clock.after(startTimeoutMs, () => late.resolve('late'))
    const ended = sandbox.exited.then(() => 'ended' as const)
    const connection = await Promise.race([link.connection(), ended, late.promise])
    const channel = typeof connection === 'string' ? null : this.#channel(connection, sandbox)
    const hello = channel && (await Promise.race([channel.workerFrame(() => {}), ended, late.promise]))
    stopTimer()
    if (channel !== null && typeof hello === 'object' && hello?.type === FrameType.hello) {
      const version = versionIn(hello)
      if (version !== null) this.#parts.languageVersions.set(image, version)
      return channel
    }
    channel?.close()
    const inTime = connection === 'late' || hello === 'late' ? ` within ${startTimeoutMs / 1000} s` : ''
    const { code } = connection === 'ended' || hello === 'ended' ? await sandbox.exited : { code: null }
    await sandbox.kill()
    const how = code === null ? '' : `: it ended with code ${code}`
    throw new FaasError(
      'engine_failed',
      `Worker ${sandbox.name} started, but its shim did not say hello${inTime}${how}.`,
    )
  }
}

const noLambda =
  'Images of mode "lambda" need the docker engine, and TAIBAI_ENGINE of this server names another one: let the image serve HTTP (mode "http").'

/** The isolation of a sandbox. */
type Closed = Required<Pick<SandboxSpec, 'network' | 'trusted' | 'sandbox' | 'tmpSizeBytes' | 'reachesApi'>> &
  Pick<SandboxSpec, 'machine'>

/** Node.js reports a version with a leading v. An image is not trusted: anything unexpected is shown as it is. */
function versionIn(hello: Frame): string | null {
  try {
    const { version } = parseMeta(hello)
    return typeof version === 'string' && /^v?\d[\w.+-]{0,40}$/.test(version) ? version.replace(/^v/, '') : null
  } catch {
    return null
  }
}

function commandOutcome(exit: Exit, missed: boolean, stopped: boolean, revision: Revision, runMs: number): Outcome {
  if (missed) return timedOut(revision.timeoutMs, runMs)
  if (stopped) return platformFailure('The image was stopped while it ran.', runMs)
  if (exit.code !== 0) return killed(exit, revision.memoryBytes, runMs)
  const value = { kind: 'json' as const, body: Buffer.from('null') }
  return { kind: 'returned', value, runMs, cpuMs: null, memoryPeakMb: null }
}

/** Plain text is split at white space, as in Qinling; a JSON object is one argument. */
function argumentsOf(call: Call): string[] {
  const text = call.input.body.toString('utf8').trim()
  if (call.input.kind === 'none' || text === '') return []
  return text.startsWith('{') ? [text] : text.split(/\s+/)
}
