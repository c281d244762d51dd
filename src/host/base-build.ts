import { type ContextFile, packContext } from './build-context.ts'
import type { EngineClient } from './engine-client.ts'
import { hostProxyEnvironment } from './host-apt.ts'
import { hostCertificates } from './host-certificates.ts'
import type { LanguagePrograms } from './language-programs.ts'
import type { Report } from './progress.ts'
import type { RuntimeFolder } from './runtime-folder.ts'

/** Builds a runtime's base image from another image, adding certificates, programs and packages. */

const sourceLabel = 'io.taibai.source'

export interface BaseBuild {
  runtime: RuntimeFolder
  /** The image to start from. */
  from: string
  debian: string[]
  programs?: LanguagePrograms | undefined
  /** Stored as a label that tells whether an existing base is current. */
  identity: string
}

/** A shim changes more often than its base: a current base is kept. */
export async function buildBase(
  build: BaseBuild,
  { engine, refresh, report }: { engine: EngineClient; refresh: boolean; report: Report },
): Promise<string> {
  const image = baseImage(build.runtime)
  const present = await engine.inspect(image)
  if (!refresh && fits(build.identity, present?.labels[sourceLabel])) return image
  report(`making ${image}`)
  await engine.build(`Building ${image}`, {
    context: packContext(await baseContext(build, hostCertificates())),
    tags: [image],
    arguments: await hostProxyEnvironment(),
    labels: { [sourceLabel]: build.identity },
    // The host's network resolves names and reaches mirrors as the machine's own apt does.
    network: 'host',
  })
  return image
}

/** A machine without certificates of its own accepts a base that was built elsewhere. */
const fits = (identity: string, present: string | undefined): boolean =>
  present === identity || (hostCertificates() === '' && present?.startsWith(identity) === true)

export const baseImage = (runtime: RuntimeFolder): string => `${runtime.repository}-base`

async function baseContext({ from, debian, programs }: BaseBuild, certificates: string): Promise<ContextFile[]> {
  const hasCertificates = certificates !== ''
  const dockerfile = baseDockerfile(from, { debian, hasPrograms: programs !== undefined, hasCertificates })
  return [
    { name: 'Dockerfile', content: dockerfile },
    ...(hasCertificates ? [{ name: 'ca-certificates.crt', content: certificates }] : []),
    ...((await programs?.files()) ?? []),
  ]
}

/** The Dockerfile of a base. Without certificates on this machine, the image keeps its own. */
export function baseDockerfile(
  from: string,
  recipe: { debian: string[]; hasPrograms: boolean; hasCertificates: boolean },
): string {
  const lines = [`FROM ${from}`]
  if (recipe.hasCertificates) lines.push('COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt')
  if (recipe.hasPrograms) lines.push('COPY bin/ /usr/local/bin/')
  if (recipe.debian.length > 0) lines.push(installLine(recipe.debian))
  return `${lines.join('\n')}\n`
}

function installLine(packages: string[]): string {
  return `RUN apt-get update -q && apt-get install -y -q --no-install-recommends ${packages.join(' ')} && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*`
}
