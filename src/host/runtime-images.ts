import { createHash } from 'node:crypto'
import { hashFolder } from '../assets.ts'
import { type Base, type BaseKind, type BaseOptions, baseIdentity, ensureBase } from './base-image.ts'
import { packContext, runtimeContext } from './build-context.ts'
import { ensureDebianBase } from './debian-base.ts'
import type { EngineClient } from './engine-client.ts'
import { hostCertificates } from './host-certificates.ts'
import { withLock } from './lock.ts'
import { HostProblem } from './problem.ts'
import type { Progress, Report } from './progress.ts'
import { makeRegistries } from './registry.ts'
import type { RuntimeFolder } from './runtime-folder.ts'

/** Builds the images of runtimes, and skips unchanged ones. */

const sourceLabel = 'io.taibai.source'
const baseLabel = 'io.taibai.base'

export interface BuildOptions {
  engine: EngineClient
  /** The runtimes to build. */
  runtimes: RuntimeFolder[]
  /** Asks registries and mirrors again. */
  refresh?: boolean
  report: Report
  /** Builds with the same lock wait for each other; default: all builds of this user. */
  lock?: string
}

export interface BuiltRuntime {
  image: string
  state: 'built' | 'unchanged'
  base: BaseKind
}

export async function buildRuntimes(options: BuildOptions): Promise<BuiltRuntime[]> {
  const { engine, runtimes, refresh = false, report, lock = 'images' } = options
  const onWait = (pid: number) => report(`waiting for process ${pid}, which is building images too`)
  return withLock(lock, onWait, async () => {
    const registries = makeRegistries(engine.pull)
    const debianBase = oncePer((suite) => ensureDebianBase(engine, report, { suite, refresh }))
    const built: BuiltRuntime[] = []
    for (const runtime of runtimes) {
      built.push(await buildRuntime(runtime, { engine, refresh, report, registries, debianBase }))
    }
    return built
  })
}

/** Reports a line for each image. */
export function showBuilt(built: BuiltRuntime[], progress: Progress): void {
  for (const { image, state, base } of built) {
    if (state === 'unchanged') progress.skipped(`${image} is up to date`)
    else
      progress.done(`${image} is built, on ${base === 'local' ? 'a base made on this machine' : 'the official image'}`)
  }
}

async function buildRuntime(runtime: RuntimeFolder, options: Omit<BaseOptions, 'mayPull'>): Promise<BuiltRuntime> {
  const { engine, refresh, report } = options
  const last = refresh ? undefined : await lastBuild(engine, runtime)
  if (last?.source !== undefined && fits(runtime, last.base, last.source)) {
    return { image: runtime.image, state: 'unchanged', base: last.base }
  }
  let base: Base
  try {
    base = await ensureBase(runtime, { ...options, mayPull: last?.base !== 'local' })
  } catch (error) {
    // An image from an archive has the same files; only the certificates are another machine's.
    if (!(error instanceof HostProblem) || last?.source === undefined) throw error
    report(`${runtime.image} is used as it came: its certificate authorities are those of the machine that made it`)
    return { image: runtime.image, state: 'unchanged', base: last.base }
  }
  report(`building ${runtime.image}`)
  await buildImage(engine, runtime, base)
  return { image: runtime.image, state: 'built', base: base.kind }
}

/** The source of the existing image; without one, the base of the newest image of that name. */
async function lastBuild(
  engine: EngineClient,
  runtime: RuntimeFolder,
): Promise<{ base: BaseKind; source: string | undefined } | undefined> {
  const own = await engine.inspect(runtime.image)
  const base = (own ?? (await engine.inspect(runtime.repository)))?.labels[baseLabel]
  return base === 'official' || base === 'local' ? { base, source: own?.labels[sourceLabel] } : undefined
}

/** A machine without certificates of its own accepts an image of the same files that was built elsewhere. */
const fits = (runtime: RuntimeFolder, kind: BaseKind, source: string): boolean =>
  hostCertificates() === '' || source === sourceOf(runtime, kind)

function sourceOf(runtime: RuntimeFolder, kind: BaseKind): string {
  const parts = [hashFolder(runtime.folder), baseIdentity(runtime.base, kind)]
  return createHash('sha256').update(parts.join('\n')).digest('hex')
}

async function buildImage(engine: EngineClient, runtime: RuntimeFolder, base: Base): Promise<void> {
  const replaced = await engine.inspect(runtime.image)
  await engine.build(`Building ${runtime.image}`, {
    context: packContext(runtimeContext(runtime.folder)),
    tags: [runtime.image, runtime.repository],
    arguments: { BASE: base.image },
    labels: { [sourceLabel]: sourceOf(runtime, base.kind), [baseLabel]: base.kind },
  })
  // The engine refuses while a container still uses the image; then it stays until the next build.
  const current = await engine.inspect(runtime.image)
  if (replaced && replaced.id !== current?.id) await engine.remove(replaced.id)
}

function oncePer<T>(make: (what: string) => Promise<T>): (what: string) => Promise<T> {
  const made = new Map<string, Promise<T>>()
  return (what) => {
    const one = made.get(what) ?? make(what)
    made.set(what, one)
    return one
  }
}
