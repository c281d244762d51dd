// Builds a runtime's base image out of another one: certificates, programs and packages added.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dockerMust, inspectImage } from './docker-cli.ts'
import { hostProxyEnvironment } from './host-apt.ts'
import { hostCertificates } from './host-certificates.ts'
import { copyPrograms } from './npm-programs.ts'
import type { Report } from './progress.ts'
import type { RuntimeFolder } from './runtime-folder.ts'

const LABEL = 'io.taibai.source'

export interface BaseBuild {
  runtime: RuntimeFolder
  /** Kept as a label: says whether a base that is there still fits. */
  identity: string
  dockerfile: string
  npm?: string
}

/** A shim changes more often than what it runs on: a base that fits is kept. */
export async function buildBase(build: BaseBuild, options: { refresh: boolean; report: Report }): Promise<string> {
  const image = `${build.runtime.repository}-base`
  const present = await inspectImage(image)
  if (!options.refresh && present?.labels[LABEL] === build.identity) return image
  options.report(`making ${image}`)
  const context = mkdtempSync(join(tmpdir(), 'taibai-base-'))
  try {
    fillContext(context, build)
    await buildContext(context, image, `${LABEL}=${build.identity}`)
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
