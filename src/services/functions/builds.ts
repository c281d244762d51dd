import type { Clock } from '../../domain/clock.ts'
import { type FaasError, invalid, notFound } from '../../domain/errors.ts'
import type {
  Build,
  Builder,
  BuilderFacts,
  BuildMode,
  BuildStore,
  HeldLayer,
  LayerStore,
} from '../../domain/functions/build.ts'
import type { Fn, PackageStore, StoredPackage } from '../../domain/functions/function.ts'
import type { Runtime, RuntimeStore } from '../../domain/functions/runtime.ts'
import type { Signature } from '../../domain/functions/signature.ts'
import type { NewId } from '../../domain/ids.ts'
import { type ListQuery, matchesCondition, selectRows } from '../../domain/list.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import { buildSecretPrefix, type SecretReader, type SecretStore } from '../../domain/platform/secret.ts'
import type { Log } from '../../domain/runs/log.ts'
import { BuildQueue } from './build-queue.ts'
import { type RequiredBuild, requiredBuild } from './dependency-list.ts'
import type { PackageQuota } from './package-quota.ts'
import {
  type BuildRules,
  type Deployment,
  type DeploymentBuildOptions,
  type FollowedBuild,
  interruptedText,
  type RunningBuild,
  RunningBuilds,
} from './running-builds.ts'

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

/** Installs the dependencies of packages before they are deployed. */
export class Builds {
  #parts: BuildsParts
  #line: BuildQueue
  #running: RunningBuilds

  constructor(parts: BuildsParts) {
    this.#parts = parts
    this.#line = new BuildQueue(parts.rules.maxBuilds)
    this.#running = new RunningBuilds(parts)
  }

  /** Runs `deploy`; a build that it needs succeeds when its result is deployed, and ends with it in any case. */
  async deploy<T>(
    options: DeploymentBuildOptions | undefined,
    deploy: (deployment?: Deployment) => Promise<T>,
  ): Promise<T> {
    if (options === undefined) return deploy()
    const deployment: Deployment = { ...options }
    try {
      const done = await deploy(deployment)
      this.#running.end(deployment.running, { status: 'success' })
      return done
    } catch (error) {
      throw this.#running.fail(deployment.running, error)
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
    return this.#running.follow(id) ?? { text: this.#parts.store.log(id) ?? '' }
  }

  /** Ends a build that runs or waits, as failed, without a change of its function; one that has ended stays as it is. */
  async cancel(who: Principal, id: string): Promise<Build> {
    this.get(who, id)
    await this.#running.cancel(id)
    return this.get(who, id)
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
    await this.#running.close()
  }

  #begin(job: Job, deployment: Deployment): RunningBuild {
    const { projectId } = job.fn
    return this.#running.begin(
      projectId,
      () => this.#newBuild(job),
      () => this.#secretsOf(projectId),
      deployment,
    )
  }

  /** The package with an existing layer or a new one. The second of two builds with the same key finds the layer of the first. */
  async #installed(job: Job, running: RunningBuild): Promise<StoredPackage> {
    const { layers } = this.#parts
    const { wanted, wish, fn } = job
    const kept = () => (wish.mode === 'always' ? null : layers.find(wanted.key))
    const found = await kept()
    if (found !== null) return this.#cached(job, found, running)
    const onWaiting = () => running.log.push('Waiting for other builds to end.\n')
    const done = await this.#line.turn(fn.projectId, onWaiting, running.stop.signal)
    try {
      const meanwhile = await kept()
      if (meanwhile !== null) return await this.#cached(job, meanwhile, running)
      return await this.#laidOut(job, await this.#run(job, running), running)
    } finally {
      done()
    }
  }

  #cached(job: Job, layer: HeldLayer, running: RunningBuild): Promise<StoredPackage> {
    running.log.push('What is needed was installed before, from the same lists for the same runtime.\n')
    running.cached = true
    return this.#laidOut(job, layer, running)
  }

  #laidOut({ stored }: Job, layer: HeldLayer, running: RunningBuild): Promise<StoredPackage> {
    running.sizeBytes = layer.sizeBytes
    return this.#parts.packages.putBuilt(stored, layer).finally(() => layer.release())
  }

  #run(job: Job, { build, log, stop }: RunningBuild): Promise<HeldLayer> {
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
