import type { Build, Builder, BuilderFacts, BuildMode, BuildStore, HeldLayer, LayerStore } from '../../domain/build.ts'
import type { Clock } from '../../domain/clock.ts'
import { FaasError, invalid, notFound } from '../../domain/errors.ts'
import type { Fn, PackageStore, StoredPackage } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { type ListQuery, matchesCondition, selectRows } from '../../domain/list.ts'
import type { Log } from '../../domain/log.ts'
import { canSee, type Principal } from '../../domain/principal.ts'
import type { Runtime, RuntimeStore } from '../../domain/runtime.ts'
import type { SecretReader, SecretStore } from '../../domain/secret.ts'
import type { Signature } from '../../domain/signature.ts'
import { BuildLog } from './build-log.ts'
import { BuildQueue, serverStopping } from './build-queue.ts'
import { buildRefusal, type RequiredBuild, requiredBuild } from './dependency-list.ts'
import { Superseded } from './deployment-order.ts'
import type { PackageQuota } from './package-quota.ts'

export interface BuildsParts {
  store: BuildStore
  layers: LayerStore
  packages: PackageStore
  /** Null: the engine cannot build. */
  builder: Builder | null
  /** Undefined: packages of such functions are not built. */
  factsOf(runtimeImage: string, signature: Signature): BuilderFacts | undefined
  runtimes: Pick<RuntimeStore, 'find'>
  secrets: Pick<SecretStore, 'list'>
  vault: Pick<SecretReader, 'open'>
  share: Pick<PackageQuota, 'makeRoom'>
  clock: Clock
  newId: NewId
  log: Log
  rules: BuildRules
}

export interface BuildRules {
  /** Default for requests without `build`. */
  build: 'auto' | 'never'
  /** Concurrent builds of all projects. */
  maxBuilds: number
  /** Unfinished builds of one project, including waiting ones. */
  maxOpenBuilds: number
  /** Finished builds that are kept of one project. */
  keepBuilds: number
  maxBuildLogBytes: number
  /** Bytes of all build logs of one project. */
  maxBuildLogsBytes: number
}

/** How a deployment wants its package to be built. */
export interface DeploymentBuildOptions {
  /** Null: the operator's default. */
  mode: BuildMode | null
  bundle: boolean
  /** Called when a build is necessary, before any output. */
  onBegun?: (build: Build) => void
  /** Called with output as it arrives. */
  onOutput?: (text: string) => void
}

/** One deployment; a build that it needs ends with it. */
export interface Deployment extends DeploymentBuildOptions {
  running?: Running
}

/** A build for a follower. */
export interface FollowedBuild {
  /** Output so far. */
  text: string
  /** Subscribes to later output and the end; undefined: it has ended. Returns how to stop. */
  follow?: (onText: (text: string) => void, onEnd: () => void) => () => void
}

/** Prefix of project secrets that become variables of builds, without the prefix. */
export const buildSecretPrefix = 'BUILD_'

interface Running {
  build: Build
  log: BuildLog
  stop: AbortController
  cached: boolean
  sizeBytes: number | null
  /** Resolves when the build has ended and its record is final. */
  ended: PromiseWithResolvers<void>
}

/** Installs the dependencies of packages before they are deployed. */
export class Builds {
  #parts: BuildsParts
  #line: BuildQueue
  #running = new Map<string, Running>()

  constructor(parts: BuildsParts) {
    this.#parts = parts
    this.#line = new BuildQueue(parts.rules.maxBuilds)
  }

  /** Runs `deploy`; a build that it needs succeeds when its result is deployed, and ends with it in any case. */
  async deploy<T>(
    asked: DeploymentBuildOptions | undefined,
    deploy: (deployment?: Deployment) => Promise<T>,
  ): Promise<T> {
    if (asked === undefined) return deploy()
    const deployment: Deployment = { ...asked }
    try {
      const done = await deploy(deployment)
      this.#end(deployment.running, { status: 'success' })
      return done
    } catch (error) {
      throw this.#failed(deployment.running, error)
    }
  }

  /** The package for workers: the stored one, or one built from it. Throws FaasError `build_failed`, `queue_full`. */
  async built(fn: Fn, stored: StoredPackage, deployment: Deployment): Promise<StoredPackage> {
    const { mode, bundle } = deployment
    const { packages, runtimes, factsOf, rules, builder } = this.#parts
    const runtime = fn.runtimeId === null ? null : runtimes.find(fn.runtimeId)
    if (runtime === null) return stored
    const { hash } = stored
    const files = { hash, names: packages.names(hash), text: (name: string) => packages.text(hash, name) }
    const wish = { mode: mode ?? rules.build, bundle, entry: fn.entry }
    const facts = factsOf(runtime.image, fn.signature ?? runtime.signature)
    const owner = { projectId: fn.projectId, runtimeImage: runtime.image }
    const wanted = requiredBuild(files, facts, wish, owner)
    if (wanted === null || facts === undefined) return stored
    if (builder === null && facts.atLoad === true) return stored
    if (builder === null) throw nothingBuilds(wanted.list)
    const job = { fn, stored, runtime, facts, wanted, wish, builder }
    return this.#installed(job, this.#begin(job, deployment))
  }

  list(query: ListQuery): Build[] {
    const rows = this.#parts.store.list(query.filter.projectId)
    const conditions = query.filter.conditions.filter(({ column }) => column === 'function_id' || column === 'status')
    const isWanted = (build: Build) =>
      conditions.every((one) =>
        matchesCondition(one.column === 'status' ? build.status : (build.functionId ?? ''), one),
      )
    return selectRows(rows.filter(isWanted), query)
  }

  get(who: Principal, id: string): Build {
    const build = this.#parts.store.find(id)
    if (build === null || !canSee(who, build.projectId)) throw notFound('Build', id)
    return build
  }

  /** The output so far, and how to follow the rest. */
  log(who: Principal, id: string): FollowedBuild {
    this.get(who, id)
    const running = this.#running.get(id)
    if (running === undefined) return { text: this.#parts.store.log(id) ?? '' }
    const follow = (onText: (text: string) => void, onEnd: () => void) => {
      void running.ended.promise.then(onEnd)
      return running.log.tell(onText)
    }
    return { text: running.log.text, follow }
  }

  /** Ends builds that an earlier process left unfinished, and removes old ones. */
  start(): void {
    const { store, clock, log } = this.#parts
    const left = store.settle(interruptedText('ended'), clock.now())
    if (left > 0)
      log.warn({ builds: left }, 'builds of an earlier run were interrupted: nothing builds them again by itself')
    void this.prune()
  }

  async prune(): Promise<void> {
    this.#parts.store.prune(this.#parts.rules.keepBuilds, this.#parts.rules.maxBuildLogsBytes)
    await this.#parts.layers.prune()
  }

  /** Aborts running builds. */
  async close(): Promise<void> {
    this.#line.close()
    for (const { stop } of this.#running.values()) stop.abort(serverStopping())
    await Promise.all([...this.#running.values()].map(({ ended }) => ended.promise))
  }

  #begin(job: Job, deployment: Deployment): Running {
    const { store, rules } = this.#parts
    const { projectId } = job.fn
    this.#refuseMore(projectId)
    const secrets = this.#secretsOf(projectId)
    const log = new BuildLog(rules.maxBuildLogBytes, Object.values(secrets))
    if (deployment.onOutput !== undefined) log.tell(deployment.onOutput)
    const running: Running = {
      ...{ build: this.#newBuild(job), log, stop: new AbortController() },
      ...{ cached: false, sizeBytes: null, ended: Promise.withResolvers<void>() },
    }
    store.insert(running.build)
    this.#running.set(running.build.id, running)
    deployment.running = running
    deployment.onBegun?.(running.build)
    return running
  }

  #refuseMore(projectId: string): void {
    const { maxOpenBuilds } = this.#parts.rules
    const open = [...this.#running.values()].filter(({ build }) => build.projectId === projectId).length
    if (open < maxOpenBuilds) return
    throw new FaasError(
      'queue_full',
      `${open} builds of this project have not ended (TAIBAI_MAX_OPEN_BUILDS): wait for one of them, and deploy again.`,
    )
  }

  /** The error for the caller. */
  #failed(running: Running | undefined, error: unknown): unknown {
    running?.log.end()
    if (running === undefined) return error
    const code = error instanceof FaasError ? error.code : null
    const why = error instanceof FaasError ? error.message : 'the server is at fault; its log has the reason.'
    if (code === 'shutting_down') this.#end(running, { status: 'interrupted', error: interruptedText('stopped') })
    else this.#end(running, { status: error instanceof Superseded ? 'superseded' : 'failed', error: why })
    return code === 'build_failed' ? buildRefusal(why, running.log.text, running.build.id) : error
  }

  /** Never throws: a deployment stands even if its build record cannot be written. */
  #end(running: Running | undefined, end: Pick<Build, 'status'> & { error?: string }): void {
    if (running === undefined) return
    const { store, clock, rules, log, share } = this.#parts
    const { build, cached, sizeBytes } = running
    running.log.end()
    try {
      store.end({ ...build, cached, sizeBytes, ...end, endedAt: clock.now() }, running.log.text)
      store.prune(rules.keepBuilds, rules.maxBuildLogsBytes)
    } catch (err) {
      log.error({ build: build.id, err }, 'the end of a build could not be recorded')
    }
    this.#running.delete(build.id)
    running.ended.resolve()
    share
      .makeRoom(build.projectId)
      .catch((err: unknown) => log.error({ err }, 'what builds have installed could not be looked through'))
  }

  /** The package with an existing layer or a new one. The second of two builds with the same key finds the layer of the first. */
  async #installed(job: Job, running: Running): Promise<StoredPackage> {
    const { layers } = this.#parts
    const { wanted, wish, fn } = job
    const kept = () => (wish.mode === 'always' ? null : layers.find(wanted.key))
    const found = await kept()
    if (found !== null) return this.#cached(job, found, running)
    const done = await this.#line.turn(fn.projectId, () => running.log.push('Waiting for other builds to end.\n'))
    try {
      const meanwhile = await kept()
      if (meanwhile !== null) return await this.#cached(job, meanwhile, running)
      return await this.#laidOut(job, await this.#run(job, running), running)
    } finally {
      done()
    }
  }

  #cached(job: Job, layer: HeldLayer, running: Running): Promise<StoredPackage> {
    running.log.push('What is needed was installed before, from the same lists for the same runtime.\n')
    running.cached = true
    return this.#laidOut(job, layer, running)
  }

  #laidOut({ stored }: Job, layer: HeldLayer, running: Running): Promise<StoredPackage> {
    running.sizeBytes = layer.sizeBytes
    return this.#parts.packages.putBuilt(stored, layer).finally(() => layer.release())
  }

  #run(job: Job, { build, log, stop }: Running): Promise<HeldLayer> {
    const { layers, packages } = this.#parts
    const { facts, wanted, runtime, stored, builder, fn } = job
    return builder.run(
      {
        id: build.id,
        runtimeImage: facts.runtimeImage ?? runtime.image,
        facts,
        folder: packages.folder(stored.hash),
        files: wanted.files,
        env: buildVariables(job),
        secrets: this.#secretsOf(fn.projectId),
        signal: stop.signal,
        onOutput: (text) => log.push(text),
      },
      (tar) => layers.put(wanted.key, tar, fn.projectId),
    )
  }

  #secretsOf(projectId: string): Record<string, string> {
    const { secrets, vault } = this.#parts
    const own = secrets.list(projectId).filter(({ name }) => name.startsWith(buildSecretPrefix))
    return Object.fromEntries(
      own.map(({ name }) => [name.slice(buildSecretPrefix.length), vault.open(projectId, name)]),
    )
  }

  #newBuild({ fn, runtime, wanted, stored, wish }: Job): Build {
    return {
      id: this.#parts.newId(),
      projectId: fn.projectId,
      functionId: fn.id,
      functionName: fn.name,
      runtimeName: runtime.name,
      packageHash: stored.hash,
      bundle: wish.bundle,
      list: wanted.list,
      ...{ status: 'running', cached: false, sizeBytes: null, error: null },
      ...{ createdAt: this.#parts.clock.now(), endedAt: null },
    }
  }
}

interface Job {
  fn: Fn
  stored: StoredPackage
  runtime: Runtime
  facts: BuilderFacts
  wanted: RequiredBuild
  wish: { mode: BuildMode; bundle: boolean; entry: string | null }
  builder: Builder
}

const buildVariables = ({ facts, wanted, wish }: Job): Record<string, string> => ({
  DEPENDENCY_LIST: wanted.list,
  ...(wish.bundle && { BUNDLE_ENTRY: wish.entry ?? '' }),
  ...(facts.runtimeImage !== undefined && { BUILD_PROGRAM: facts.programs?.makes ?? '' }),
})

const nothingBuilds = (list: string): FaasError =>
  invalid(
    `The package has a list of dependencies (${list}) and not the modules themselves, and the process engine builds nothing. Install them into the package (npm install, pip install --target .), use a container engine, or deploy it as it is: --no-build (?build=never).`,
  )

const interruptedText = (how: 'stopped' | 'ended'): string =>
  `The server ${how} before it had ended, and nothing was changed: deploy it again, or build it again (taibai builds rebuild).`
