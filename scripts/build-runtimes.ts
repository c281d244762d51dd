// Builds the container image of every runtime in runtimes/, and skips those that have not changed. `--refresh` asks registries and mirrors again.
import { createHash } from 'node:crypto'
import { hashFolder } from '../src/assets.ts'
import { type Base, type BaseKind, type BaseOptions, baseIdentity, ensureBase } from './setup/base-image.ts'
import { ensureDebianBase } from './setup/debian-base.ts'
import { docker, dockerMust, inspectImage } from './setup/docker-cli.ts'
import { withLock } from './setup/lock.ts'
import { runCommand } from './setup/problem.ts'
import { detail, done, type Report, skipped, step } from './setup/progress.ts'
import { RUNTIMES_FOLDER } from './setup/project.ts'
import { createRegistries } from './setup/registry.ts'
import { type RuntimeFolder, readRuntimeFolders } from './setup/runtime-folder.ts'

const SOURCE_LABEL = 'io.taibai.source'
const BASE_LABEL = 'io.taibai.base'

export interface BuildOptions {
  root?: string
  refresh?: boolean
  report?: Report
}

export interface BuiltRuntime {
  image: string
  state: 'built' | 'unchanged'
  base: BaseKind
}

export async function buildRuntimes(options: BuildOptions = {}): Promise<BuiltRuntime[]> {
  const { root = RUNTIMES_FOLDER, refresh = false, report = detail } = options
  const onWait = (pid: number) => report(`waiting for process ${pid}, which is building images too`)
  return withLock('images', onWait, async () => {
    const shared = {
      refresh,
      report,
      registries: createRegistries(),
      debianBase: once(() => ensureDebianBase(report, refresh)),
    }
    const built: BuiltRuntime[] = []
    for (const runtime of readRuntimeFolders(root)) built.push(await buildRuntime(runtime, shared))
    return built
  })
}

/** A line for each image: what was done about it. */
export function showBuilt(built: BuiltRuntime[]): void {
  for (const { image, state, base } of built) {
    if (state === 'unchanged') skipped(`${image} is up to date`)
    else done(`${image} is built, on ${base === 'local' ? 'a base made on this machine' : 'the official image'}`)
  }
}

async function buildRuntime(runtime: RuntimeFolder, options: Omit<BaseOptions, 'mayPull'>): Promise<BuiltRuntime> {
  const last = options.refresh ? undefined : await lastBuild(runtime)
  if (last && last.source === sourceOf(runtime, last.base)) {
    return { image: runtime.image, state: 'unchanged', base: last.base }
  }
  const base = await ensureBase(runtime, { ...options, mayPull: last?.base !== 'local' })
  options.report(`building ${runtime.image}`)
  await buildImage(runtime, base)
  return { image: runtime.image, state: 'built', base: base.kind }
}

/** From what the image was built; when it is not there, from what base the newest of its name was. */
async function lastBuild(runtime: RuntimeFolder): Promise<{ base: BaseKind; source?: string } | undefined> {
  const own = await inspectImage(runtime.image)
  const base = (own ?? (await inspectImage(runtime.repository)))?.labels[BASE_LABEL]
  return base === 'official' || base === 'local' ? { base, source: own?.labels[SOURCE_LABEL] } : undefined
}

function sourceOf(runtime: RuntimeFolder, kind: BaseKind): string {
  const parts = [hashFolder(runtime.folder), baseIdentity(runtime.base, kind)]
  return createHash('sha256').update(parts.join('\n')).digest('hex')
}

async function buildImage(runtime: RuntimeFolder, base: Base): Promise<void> {
  const labels = [`${SOURCE_LABEL}=${sourceOf(runtime, base.kind)}`, `${BASE_LABEL}=${base.kind}`]
  const options = ['--build-arg', `BASE=${base.image}`, ...labels.flatMap((label) => ['--label', label])]
  const replaced = await inspectImage(runtime.image)
  await dockerMust(`Building ${runtime.image}`, [
    'build',
    ...options,
    '-t',
    runtime.image,
    '-t',
    runtime.repository,
    runtime.folder,
  ])
  // Refused while a container still uses it; then it stays until the next build.
  const current = await inspectImage(runtime.image)
  if (replaced && replaced.id !== current?.id) await docker(['image', 'rm', replaced.id])
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

async function main(): Promise<undefined> {
  step('Runtime images')
  showBuilt(await buildRuntimes({ refresh: process.argv.includes('--refresh') }))
}

if (import.meta.main) await runCommand(main)
