import { createReadStream, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import type { BuilderRun } from '../../../domain/functions/build.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import type { ContainerOptions, HostConfig } from './container-options.ts'
import { type ContainerDefaults, containerOptions } from './container-spec.ts'

/** The engine's requests for a build, as values. */

export interface BuilderLimits {
  /** `egress`: the network of functions; else a network that the engine knows, such as `host`. */
  buildNetwork: string
  buildTimeoutSeconds: number
  buildMemoryMb: number
  /** Limit for everything that a build writes. */
  buildMaxMb: number
  /** Environment variables of each build. */
  buildEnv: Record<string, string>
  /** Certificate authorities in addition to those of the image, as PEM; undefined: none. */
  buildCertificates: string | undefined
}

/** A volume: the only writable folder besides /tmp. */
export const buildFolder = '/build'
const certificatesInside = `${buildFolder}/in/ca.crt`
const certificatesOfImage = '/etc/ssl/certs/ca-certificates.crt'
/** Minimum process limit: compilers start more processes than functions may. */
const leastPids = 512
const leastOpenFiles = 4096
/** Low CPU share: functions come first while processors are contended. */
const cpuMillicpu = 250

export const buildTooLarge = (mib: number): string => `it wrote more than ${mib} MiB (TAIBAI_BUILD_MAX_MB).`

/** The options of a worker's container, with other limits, another network, and a volume. */
export function builderOptions(
  { id, env }: Pick<BuilderRun, 'id' | 'env'>,
  image: string,
  defaults: ContainerDefaults,
  limits: BuilderLimits,
  user: WorkerUser,
): ContainerOptions {
  const { buildNetwork, buildMemoryMb, buildEnv, buildCertificates } = limits
  const own: ContainerDefaults = {
    ...defaults,
    pidsLimit: Math.max(defaults.pidsLimit, leastPids),
    openFilesLimit: Math.max(defaults.openFilesLimit, leastOpenFiles),
    ...(buildNetwork !== 'egress' && { egressNetwork: buildNetwork }),
  }
  const spec = {
    ...{ name: `build-${id}`, image, command: null, network: 'egress' as const, trusted: true, folder: null },
    env: { ...environment(buildCertificates !== undefined), ...env, ...buildEnv },
    ...{ memoryBytes: buildMemoryMb * 1024 * 1024, cpuMillicpu, cpuMaxMillicpu: null },
  }
  const options = containerOptions(spec, own, user)
  const host: HostConfig = {
    ...options.HostConfig,
    AutoRemove: false,
    Mounts: [...(options.HostConfig.Mounts ?? []), { Type: 'volume', Target: buildFolder }],
  }
  if (defaults.hasInit) host.Init = true
  return { ...options, AttachStdout: true, AttachStderr: true, HostConfig: host }
}

/** Environment for package managers: writable folders and trusted certificates. */
function environment(hasOwnCertificates: boolean): Record<string, string> {
  const trusted = hasOwnCertificates ? certificatesInside : certificatesOfImage
  const names = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'NPM_CONFIG_CAFILE', 'PIP_CERT', 'REQUESTS_CA_BUNDLE']
  return {
    ...{ HOME: `${buildFolder}/home`, TMPDIR: `${buildFolder}/tmp`, LANG: 'C.UTF-8', CI: 'true' },
    ...Object.fromEntries([...names, 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'].map((name) => [name, trusted])),
  }
}

/** `in/` holds the builder's input, `package/` the files, `out/` the result. All belong to the build's user. */
export function packageTar(
  { folder, files, secrets }: Pick<BuilderRun, 'folder' | 'files' | 'secrets'>,
  { uid, gid }: Pick<WorkerUser, 'uid' | 'gid'>,
  { buildCertificates }: Pick<BuilderLimits, 'buildCertificates'>,
): Readable {
  const owner = { uid, gid, mtime: new Date(0) }
  const tar = pack()
  const fill = async () => {
    for (const name of ['in', 'package', 'out', 'home', 'tmp', 'tools']) {
      tar.entry({ ...owner, name, type: 'directory', mode: 0o700 })
    }
    tar.entry({ ...owner, name: 'in/secrets.json', mode: 0o600 }, JSON.stringify(secrets))
    if (buildCertificates !== undefined) {
      tar.entry({ ...owner, name: 'in/ca.crt', mode: 0o600 }, buildCertificates)
    }
    for (const path of files ?? pathsBelow(folder)) await addPath(tar, join(folder, path), `package/${path}`, owner)
    tar.finalize()
  }
  fill().catch((error: Error) => tar.destroy(error))
  return Readable.from(tar)
}

function* pathsBelow(folder: string, prefix = ''): Generator<string> {
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    yield path
    if (entry.isDirectory()) yield* pathsBelow(folder, path)
  }
}

async function addPath(tar: ReturnType<typeof pack>, from: string, name: string, owner: object): Promise<void> {
  const found = lstatSync(from)
  if (found.isDirectory()) tar.entry({ ...owner, name, type: 'directory', mode: 0o755 })
  else if (found.isSymbolicLink()) tar.entry({ ...owner, name, type: 'symlink', linkname: readlinkSync(from) })
  else {
    const mode = (found.mode & 0o100) === 0 ? 0o644 : 0o755
    await pipeline(createReadStream(from), tar.entry({ ...owner, name, size: found.size, mode }))
  }
}
