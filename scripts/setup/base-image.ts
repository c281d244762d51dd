// Which image a runtime is built on: the official slim one where a registry answers, otherwise one made here.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DEBIAN_BASE_IDENTITY, hostProxyEnvironment } from './debian-base.ts'
import { dockerMust, inspectImage } from './docker-cli.ts'
import { hostCertificates, hostHasExtraCertificates } from './host-certificates.ts'
import { HostProblem, SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'
import type { Registries } from './registry.ts'
import type { BaseRecipe, RuntimeFolder } from './runtime-folder.ts'

const LABEL = 'io.taibai.source'

/** Where a base comes from; kept as a label, so that an unchanged image is recognised without asking a registry. */
export type BaseKind = 'official' | 'local'

export interface Base {
  kind: BaseKind
  image: string
}

export interface BaseOptions {
  registries: Registries
  /** Makes the shared local base when first asked. */
  debianBase: () => Promise<string>
  report: Report
  refresh: boolean
  /** False where a registry was silent before: then each changed shim would wait for it again. */
  mayPull: boolean
}

export async function ensureBase(runtime: RuntimeFolder, options: BaseOptions): Promise<Base> {
  try {
    return await findOrMakeBase(runtime, options)
  } catch (error) {
    // Bases come from networks and package managers; our own code has no part in their failures.
    throw error instanceof SetupProblem ? new HostProblem(error.message) : error
  }
}

async function findOrMakeBase(runtime: RuntimeFolder, options: BaseOptions): Promise<Base> {
  if (!(await hasOfficialImage(runtime.base.image, options))) {
    return { kind: 'local', image: await makeLocalBase(runtime, options) }
  }
  return {
    kind: 'official',
    image: hostHasExtraCertificates() ? await addCertificates(runtime, options) : runtime.base.image,
  }
}

async function hasOfficialImage(
  image: string,
  { refresh, mayPull, registries, report }: BaseOptions,
): Promise<boolean> {
  if (!refresh && (await inspectImage(image)) !== undefined) return true
  return mayPull && registries.pull(image, report)
}

/** Changes whenever the base has to be made anew: what the host trusts, and what a local base is made of. */
export function baseIdentity(recipe: BaseRecipe, kind: BaseKind): string {
  const certificates = createHash('sha256').update(hostCertificates()).digest('hex')
  if (kind === 'official') return `official ${recipe.image} ${hostHasExtraCertificates() ? certificates : ''}`
  const programs = recipe.npm ? npmPrograms(recipe.npm).identity : ''
  return `local ${DEBIAN_BASE_IDENTITY} ${recipe.debian.join(' ')} ${programs} ${certificates}`
}

/** The Dockerfile of a base; pure, so that what each case gets can be read in a test. */
export function baseDockerfile(from: string, recipe: { debian: string[]; hasPrograms: boolean }): string {
  const lines = [`FROM ${from}`, 'COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt']
  if (recipe.hasPrograms) lines.push('COPY bin/ /usr/local/bin/')
  if (recipe.debian.length > 0) lines.push(installLine(recipe.debian))
  return `${lines.join('\n')}\n`
}

function installLine(packages: string[]): string {
  return `RUN apt-get update -q && apt-get install -y -q --no-install-recommends ${packages.join(' ')} && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*`
}

async function makeLocalBase(runtime: RuntimeFolder, options: BaseOptions): Promise<string> {
  const from = await options.debianBase()
  const { debian, npm } = runtime.base
  const dockerfile = baseDockerfile(from, { debian, hasPrograms: npm !== undefined })
  return buildBase({ runtime, kind: 'local', dockerfile, npm }, options)
}

function addCertificates(runtime: RuntimeFolder, options: BaseOptions): Promise<string> {
  const dockerfile = baseDockerfile(runtime.base.image, { debian: [], hasPrograms: false })
  return buildBase({ runtime, kind: 'official', dockerfile }, options)
}

interface BaseBuild {
  runtime: RuntimeFolder
  kind: BaseKind
  dockerfile: string
  npm?: string
}

/** A shim changes more often than what it runs on: a base that fits is kept. */
async function buildBase(build: BaseBuild, options: BaseOptions): Promise<string> {
  const image = `${build.runtime.image}-base`
  const label = `${LABEL}=${baseIdentity(build.runtime.base, build.kind)}`
  const present = await inspectImage(image)
  if (!options.refresh && `${LABEL}=${present?.labels[LABEL]}` === label) return image
  options.report(`making ${image}`)
  const context = mkdtempSync(join(tmpdir(), 'taibai-base-'))
  try {
    fillContext(context, build)
    await buildContext(context, image, label)
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
  return image
}

function fillContext(context: string, { dockerfile, npm }: BaseBuild): void {
  writeFileSync(join(context, 'Dockerfile'), dockerfile)
  writeFileSync(join(context, 'ca-certificates.crt'), hostCertificates())
  if (npm) copyPrograms(npm, join(context, 'bin'))
}

async function buildContext(context: string, image: string, label: string): Promise<void> {
  const env = await hostProxyEnvironment()
  const proxies = Object.keys(env).flatMap((name) => ['--build-arg', name])
  // The host's network: names resolve and mirrors answer there as they do for the host's own apt.
  const args = ['build', '--network', 'host', ...proxies, '--label', label, '-t', image, context]
  await dockerMust(`Building ${image}`, args, { env })
}

function copyPrograms(npm: string, target: string): void {
  const { folder, bin } = npmPrograms(npm)
  mkdirSync(target, { recursive: true })
  for (const [name, path] of Object.entries(bin)) cpSync(join(folder, path), join(target, name), { dereference: true })
}

/** The programs that an npm package brings for this processor, as its `bin` field names them. */
function npmPrograms(family: string): { folder: string; bin: Record<string, string>; identity: string } {
  const name = `${family}-${process.arch}`
  const manifestPath = findManifest(name)
  if (manifestPath === undefined)
    throw new SetupProblem(`The npm package ${name} is not installed; is there a version for this processor?`)
  const { bin, version } = JSON.parse(readFileSync(manifestPath, 'utf8'))
  return { folder: dirname(manifestPath), bin, identity: `${name}@${version}` }
}

function findManifest(name: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  return folders.map((folder) => join(folder, name, 'package.json')).find(existsSync)
}
