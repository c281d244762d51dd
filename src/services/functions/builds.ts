import type { Build, Builder, BuilderFacts, BuildMode, BuildStore, Layer, LayerStore } from '../../domain/build.ts'
import type { Clock } from '../../domain/clock.ts'
import { FaasError, invalid, notFound } from '../../domain/errors.ts'
import type { Fn, PackageStore, StoredPackage } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { type ListQuery, selected } from '../../domain/list.ts'
import type { Log } from '../../domain/log.ts'
import { canSee, type Principal } from '../../domain/principal.ts'
import type { Runtime, RuntimeStore } from '../../domain/runtime.ts'
import type { SecretReader, SecretStore } from '../../domain/secret.ts'
import { BuildLine } from './build-line.ts'
import { BuildLog } from './build-log.ts'
import { buildRefusal, type WantedBuild, wantedBuild } from './dependency-list.ts'

export interface BuildsParts {
  store: BuildStore
  layers: LayerStore
  packages: PackageStore
  /** Null: the engine builds nothing. */
  builder: Builder | null
  /** Undefined: nothing is built for functions of this image. */
  factsOf(runtimeImage: string): BuilderFacts | undefined
  runtimes: Pick<RuntimeStore, 'find'>
  secrets: Pick<SecretStore, 'list'>
  vault: Pick<SecretReader, 'open'>
  clock: Clock
  newId: NewId
  log: Log
  rules: BuildRules
}

export interface BuildRules {
  /** What callers ask for that say nothing. */
  build: 'auto' | 'never'
  /** At once, of all projects. */
  maxBuilds: number
  /** Of one project. */
  keepBuilds: number
  maxBuildLogBytes: number
}

/** How a deployment wants its package to be built. */
export interface BuildAsked {
  /** Null: as the operator says. */
  mode: BuildMode | null
  bundle: boolean
  /** Sees the output as it comes. */
  onOutput?: (text: string) => void
}

/** Secrets of a project whose names begin so are variables of its builds, without this. */
export const buildSecretPrefix = 'BUILD_'

interface Running {
  build: Build
  log: BuildLog
  stop: AbortController
}

/** Installs what packages need, before they are deployed. */
export class Builds {
  #parts: BuildsParts
  #line: BuildLine
  #running = new Map<string, Running>()
  #ended = new Set<Promise<unknown>>()

  constructor(parts: BuildsParts) {
    this.#parts = parts
    this.#line = new BuildLine(parts.rules.maxBuilds)
  }

  /** The package that workers get: the one that was stored, or one that was built of it. Throws FaasError `build_failed`. */
  async built(fn: Fn, stored: StoredPackage, { mode, bundle, onOutput }: BuildAsked): Promise<StoredPackage> {
    const { packages, runtimes, factsOf, rules, builder } = this.#parts
    const runtime = fn.runtimeId === null ? null : runtimes.find(fn.runtimeId)
    if (runtime === null) return stored
    const { hash } = stored
    const files = { hash, names: packages.names(hash), text: (name: string) => packages.text(hash, name) }
    const wish = { mode: mode ?? rules.build, bundle, entry: fn.entry }
    const facts = factsOf(runtime.image)
    const owner = { projectId: fn.projectId, runtimeImage: runtime.image }
    const wanted = wantedBuild(files, facts, wish, owner)
    if (wanted === null || facts === undefined) return stored
    if (builder === null) throw nothingBuilds(wanted.list)
    const work = this.#build({ fn, stored, runtime, facts, wanted, wish, builder }, onOutput)
    const ended = work.catch(() => {}).finally(() => this.#ended.delete(ended))
    this.#ended.add(ended)
    return work
  }

  list(query: ListQuery): Build[] {
    return selected(this.#parts.store.list(query.filter.projectId), query)
  }

  get(who: Principal, id: string): Build {
    const build = this.#parts.store.find(id)
    if (build === null || !canSee(who, build.projectId)) throw notFound('Build', id)
    return build
  }

  /** What it has printed so far. */
  log(who: Principal, id: string): string {
    this.get(who, id)
    return this.#running.get(id)?.log.text ?? this.#parts.store.log(id) ?? ''
  }

  /** What a server left that has ended, and what is too old. */
  start(): void {
    const { store, clock, log } = this.#parts
    const left = store.settle('The server ended while it built.', clock.now())
    if (left > 0) log.warn({ builds: left }, 'builds of an earlier run have failed')
    void this.prune()
  }

  async prune(): Promise<void> {
    this.#parts.store.prune(this.#parts.rules.keepBuilds)
    await this.#parts.layers.prune()
  }

  /** Those at work are ended. */
  async close(): Promise<void> {
    this.#line.close()
    for (const { stop } of this.#running.values()) stop.abort()
    await Promise.all(this.#ended)
  }

  async #build(job: Job, onOutput: BuildAsked['onOutput']): Promise<StoredPackage> {
    const { store, clock } = this.#parts
    const secrets = this.#secretsOf(job.fn.projectId)
    const log = new BuildLog(this.#parts.rules.maxBuildLogBytes, Object.values(secrets), onOutput)
    const build = this.#newBuild(job)
    const running = { build, log, stop: new AbortController() }
    store.insert(build)
    this.#running.set(build.id, running)
    let end: Partial<Build> = { status: 'failed' }
    try {
      const { built, sizeBytes, cached } = await this.#installed(job, running, secrets)
      end = { status: 'success', cached, sizeBytes }
      return built
    } catch (error) {
      log.end()
      const why = error instanceof FaasError ? error.message : 'the server is at fault; its log has the reason.'
      end = { status: 'failed', error: why }
      throw error instanceof FaasError && error.code === 'build_failed' ? buildRefusal(why, log.text, build.id) : error
    } finally {
      log.end()
      this.#running.delete(build.id)
      store.end({ ...build, ...end, endedAt: clock.now() }, log.text)
      store.prune(this.#parts.rules.keepBuilds)
    }
  }

  /**
   * With what lies there already, or is made now. Of two that want the same the second finds what the first has made; what
   * is made stays until its package is laid out, when another makes the same anew.
   */
  async #installed(job: Job, running: Running, secrets: Record<string, string>): Promise<Installed> {
    const { layers } = this.#parts
    const { wanted, wish, fn } = job
    const kept = () => (wish.mode === 'always' ? null : layers.find(wanted.key))
    const found = await kept()
    if (found !== null) return this.#cached(job, found, running)
    const done = await this.#line.turn(fn.projectId)
    try {
      const meanwhile = await kept()
      if (meanwhile !== null) return await this.#cached(job, meanwhile, running)
      return await this.#laidOut(job, await this.#run(job, running, secrets), false)
    } finally {
      done()
    }
  }

  #cached(job: Job, layer: Layer, { log }: Running): Promise<Installed> {
    log.push('What is needed was installed before, from the same lists for the same runtime.\n')
    return this.#laidOut(job, layer, true)
  }

  async #laidOut({ stored }: Job, layer: Layer, cached: boolean): Promise<Installed> {
    return { built: await this.#parts.packages.putBuilt(stored, layer), sizeBytes: layer.sizeBytes, cached }
  }

  #run(job: Job, { build, log, stop }: Running, secrets: Record<string, string>): Promise<Layer> {
    const { layers, packages } = this.#parts
    const { facts, wanted, runtime, stored, wish, builder } = job
    return builder.run(
      {
        id: build.id,
        runtimeImage: runtime.image,
        facts,
        folder: packages.folder(stored.hash),
        files: wanted.files,
        env: { DEPENDENCY_LIST: wanted.list, ...(wish.bundle && { BUNDLE_ENTRY: wish.entry ?? '' }) },
        secrets,
        signal: stop.signal,
        onOutput: (text) => log.push(text),
      },
      (tar) => layers.put(wanted.key, tar),
    )
  }

  #secretsOf(projectId: string): Record<string, string> {
    const { secrets, vault } = this.#parts
    const own = secrets.list(projectId).filter(({ name }) => name.startsWith(buildSecretPrefix))
    return Object.fromEntries(
      own.map(({ name }) => [name.slice(buildSecretPrefix.length), vault.open(projectId, name)]),
    )
  }

  #newBuild({ fn, runtime, wanted }: Job): Build {
    return {
      id: this.#parts.newId(),
      projectId: fn.projectId,
      functionId: fn.id,
      functionName: fn.name,
      runtimeName: runtime.name,
      list: wanted.list,
      ...{ status: 'running', cached: false, sizeBytes: null, error: null },
      ...{ createdAt: this.#parts.clock.now(), endedAt: null },
    }
  }
}

interface Installed {
  built: StoredPackage
  sizeBytes: number
  cached: boolean
}

interface Job {
  fn: Fn
  stored: StoredPackage
  runtime: Runtime
  facts: BuilderFacts
  wanted: WantedBuild
  wish: { mode: BuildMode; bundle: boolean; entry: string | null }
  builder: Builder
}

const nothingBuilds = (list: string): FaasError =>
  invalid(
    `The package has a list of dependencies (${list}) and not the modules themselves, and the process engine builds nothing. Install them into the package (npm install, pip install --target .), use a container engine, or deploy it as it is: --no-build (?build=never).`,
  )
