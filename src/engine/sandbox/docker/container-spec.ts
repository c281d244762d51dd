import { join } from 'node:path'
import { apiHostName } from '../../../domain/platform/api-access.ts'
import {
  environmentOf,
  folderInside,
  isWorker,
  keyFolder,
  secretsInside,
  workerLabel,
} from '../container/container-paths.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import type { SandboxLimits, SandboxSpec } from '../sandbox.ts'
import type { ContainerOptions, HostConfig } from './container-options.ts'

/** The operator's settings for all containers. */
export interface ContainerDefaults {
  instance: string
  egressNetwork: string
  /** Network of workers without egress that must connect to the server; undefined: there are none. */
  closedNetwork?: string | undefined
  /** Network of sandboxes that may call this server's API, and the server's address there; undefined: not opened yet. */
  api?: { network: string; address: string } | undefined
  /** Extra host names inside containers, as `name:address`. */
  extraHosts?: string[]
  /** True when the engine does not see our files. */
  isApart?: boolean
  /** True when tmpfs mounts cannot have an owner, as with Podman. */
  hasOwnerlessMemory?: boolean
  /** Space for code that a worker receives over its connection. */
  codeSizeMb?: number
  pidsLimit: number
  openFilesLimit: number
  tmpSizeMb: number
  /** Folder with `group`, `hosts` and a `passwd` file for each user, mounted into workers' containers. */
  etcFolder: string
  /** True when the engine has an init process that reaps orphans. */
  hasInit: boolean
  /** A value for `SecurityOpt`; null: the engine's default profile. */
  seccomp: string | null
  /** Maps a folder of ours to the engine's path; undefined: both are the same. */
  hostPath?: ((path: string) => string) | undefined
  /** OCI runtime for untrusted sandboxes; undefined: the engine's default. */
  untrustedOciRuntime?: string | undefined
  /** Parent control group of all containers; undefined: the engine's default. */
  cgroupParent?: string | undefined
}

/** Name of the passwd file for this user. */
export const passwdOf = (uid: number): string => `passwd-${uid}`

/** The complete request to Docker for one sandbox, as a value. */
export function containerOptions(spec: SandboxSpec, defaults: ContainerDefaults, user: WorkerUser): ContainerOptions {
  const options: ContainerOptions = {
    name: containerName(spec.name, defaults),
    Image: spec.image,
    User: `${user.uid}:${user.gid}`,
    Env: Object.entries({ ...environmentOf(spec), ...spec.env }).map(([name, value]) => `${name}=${value}`),
    Labels: { 'io.taibai.instance': defaults.instance, [workerLabel]: spec.name },
    HostConfig: hostConfig(spec, defaults, user),
  }
  if (spec.command !== null) options.Cmd = spec.command
  if (spec.entryPoint !== undefined) options.Entrypoint = spec.entryPoint
  if (spec.workingDirectory !== undefined) options.WorkingDir = spec.workingDirectory
  if (networkOf(spec, defaults) === 'none') options.NetworkDisabled = true
  return options
}

const containerName = (worker: string, { instance }: ContainerDefaults): string => `taibai-${instance}-${worker}`

function hostConfig(spec: SandboxSpec, defaults: ContainerDefaults, user: WorkerUser): HostConfig {
  const { pidsLimit, openFilesLimit, hasInit, seccomp, untrustedOciRuntime, cgroupParent } = defaults
  const host: HostConfig = {
    AutoRemove: true,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges', ...(seccomp === null ? [] : [`seccomp=${seccomp}`])],
    NetworkMode: networkOf(spec, defaults),
    PidsLimit: pidsLimit,
    Ulimits: [
      { Name: 'nofile', Soft: openFilesLimit, Hard: openFilesLimit },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    Tmpfs: ownerless(defaults, {
      ...foldersInMemory(spec, defaults, user),
      ...(isWorker(spec) && secretsFolder(user)),
    }),
    // The engine keeps no output of functions: it would fill the disk.
    LogConfig: { Type: 'none', Config: {} },
    ...resources(spec),
  }
  // Functions' own images are left out: some bring an init process that must have pid 1.
  if (isWorker(spec) && hasInit) host.Init = true
  const names = spec.beside === undefined ? hostsOf(spec, defaults) : []
  if (names.length > 0) host.ExtraHosts = names
  const mounts = mountsOf(spec, defaults, user)
  if (mounts.length > 0) host.Mounts = mounts
  if (cgroupParent !== undefined) host.CgroupParent = cgroupParent
  const ociRuntime = ociRuntimeOf(spec, untrustedOciRuntime)
  if (ociRuntime !== undefined) host.Runtime = ociRuntime
  return host
}

/** The operator's OCI runtime for untrusted sandboxes wins over the function's own choice. */
export const ociRuntimeOf = ({ trusted, sandbox }: SandboxSpec, untrusted: string | undefined): string | undefined =>
  (trusted ? undefined : untrusted) ?? sandbox ?? undefined

function networkOf({ network, key, reachesApi, beside }: SandboxSpec, defaults: ContainerDefaults): string {
  if (beside !== undefined) return `container:${containerName(beside, defaults)}`
  const { egressNetwork, closedNetwork, api } = defaults
  if (network === 'egress') return (reachesApi && api?.network) || egressNetwork
  return key === undefined ? 'none' : (closedNetwork ?? 'none')
}

function hostsOf({ reachesApi }: SandboxSpec, { extraHosts = [], api }: ContainerDefaults): string[] {
  if (!reachesApi || api === undefined) return extraHosts
  return [...extraHosts.filter((host) => !host.startsWith(`${apiHostName}:`)), `${apiHostName}:${api.address}`]
}

/** Where the image has the folder, the engine copies its mode: the worker's user must own it. */
function foldersInMemory(
  { tmpSizeBytes = null, writable = [], key }: SandboxSpec,
  { tmpSizeMb, codeSizeMb }: ContainerDefaults,
  { uid, gid }: WorkerUser,
): Record<string, string> {
  const size = tmpSizeBytes === null ? `${tmpSizeMb}m` : tmpSizeBytes
  const options = `rw,exec,nosuid,nodev,size=${size},mode=1777`
  const owned = writable.map((path) => [path, `${options},uid=${uid},gid=${gid}`])
  const code = `rw,exec,nosuid,nodev,size=${codeSizeMb ?? tmpSizeMb}m,mode=700,uid=${uid},gid=${gid}`
  return { '/tmp': options, ...Object.fromEntries(owned), ...(key !== undefined && { [folderInside]: code }) }
}

const secretsFolder = ({ uid, gid }: WorkerUser): Record<string, string> => ({
  [secretsInside]: `rw,noexec,nosuid,nodev,size=8m,mode=0700,uid=${uid},gid=${gid}`,
})

/** All processes of a container belong to one user, so a world-writable folder is safe where tmpfs mounts have no owner. */
function ownerless(
  { hasOwnerlessMemory = false }: ContainerDefaults,
  folders: Record<string, string>,
): Record<string, string> {
  if (!hasOwnerlessMemory) return folders
  const plain = (options: string) => options.replace(/,mode=\d+,uid=\d+,gid=\d+$/, ',mode=1777')
  return Object.fromEntries(Object.entries(folders).map(([path, options]) => [path, plain(options)]))
}

/**
 * Uses `Mounts` instead of `Binds`, because the engine creates a missing source folder for the latter. A worker gets a passwd
 * file that names its user, and a hosts file: without a network the engine does not resolve `localhost`.
 */
function mountsOf(
  spec: SandboxSpec,
  defaults: ContainerDefaults,
  { uid }: WorkerUser,
): NonNullable<HostConfig['Mounts']> {
  const { folder, network, key } = spec
  // A worker on another disk gets a volume instead of our folder.
  if (key !== undefined) return [{ Type: 'volume', Target: keyFolder }]
  const { etcFolder, hostPath = (path: string) => path } = defaults
  const readOnly = (path: string, Target: string) => {
    return { Type: 'bind' as const, Source: hostPath(path), Target, ReadOnly: true }
  }
  const etc = (name: string, of = name) => readOnly(join(etcFolder, of), `/etc/${name}`)
  const own = folder === null ? [] : [readOnly(folder, folderInside), etc('passwd', passwdOf(uid)), etc('group')]
  const shown = (spec.readable ?? []).map(({ from, at }) => readOnly(from, at))
  const etcHosts = network === 'none' && !defaults.isApart ? [etc('hosts')] : []
  return [...own, ...shown, ...etcHosts]
}

/** One processor has 1024 shares; the kernel's minimum is 2. The swap limit equals the memory limit, which disables swap. */
export function resources(limits: SandboxLimits): {
  Memory: number
  MemorySwap: number
  CpuShares: number
  CpuPeriod?: number
  CpuQuota?: number
} {
  const share = Math.max(2, Math.round((limits.cpuMillicpu * 1024) / 1000))
  const base = { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes, CpuShares: share }
  if (limits.cpuMaxMillicpu === null) return base
  return { ...base, CpuPeriod: 100_000, CpuQuota: limits.cpuMaxMillicpu * 100 }
}
