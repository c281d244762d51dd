import { join } from 'node:path'
import { hostNameInside } from '../../../domain/api-access.ts'
import { environmentOf, folderInside, isWorker, keyFolder, secretsInside, workerLabel } from '../container/inside.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import type { SandboxLimits, SandboxSpec } from '../sandbox.ts'
import type { ContainerOptions, HostConfig } from './container-options.ts'

/** What the operator decides for all containers. */
export interface ContainerDefaults {
  instance: string
  egressNetwork: string
  /** Network of workers without egress that have to call the server; undefined: there are none. */
  closedNetwork?: string | undefined
  /** For sandboxes that reach this server's API: their network, and its address there; undefined: none has asked yet. */
  api?: { network: string; address: string } | undefined
  /** Names that containers know beside their own, as `name:address`. */
  extraHosts?: string[]
  /** The engine does not see our files. */
  isApart?: boolean
  /** Folders in memory cannot be given an owner: so it is with Podman. */
  hasOwnerlessMemory?: boolean
  /** Room for the code of a worker that it comes to by the connection. */
  codeSizeMb?: number
  pidsLimit: number
  openFilesLimit: number
  tmpSizeMb: number
  /** Folder with `group`, `hosts` and a `passwd` for each user, for the containers of workers. */
  etcFolder: string
  /** The engine has a small first process that reaps whom nobody waits for. */
  hasInit: boolean
  /** As `SecurityOpt` wants it; null: the engine's own. */
  seccomp: string | null
  /** How the engine calls a folder of ours; undefined: as we do. */
  hostPath?: ((path: string) => string) | undefined
  /** OCI runtime for what is not trusted; undefined: the engine's default. */
  untrustedOciRuntime?: string | undefined
  /** Control group that all are below; undefined: the engine's. */
  cgroupParent?: string | undefined
}

/** Name of the file that names this user. */
export const passwdOf = (uid: number): string => `passwd-${uid}`

/** Everything that Docker is asked for one sandbox, as a value. */
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
    // Nothing that a function prints past its shim is kept by the engine: it would fill the disk.
    LogConfig: { Type: 'none', Config: {} },
    ...resources(spec),
  }
  // Not for images of functions' own: some bring a first process that wants to be the first.
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

/** What the operator wants for what is not trusted holds, whatever it asks for. */
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
  return [...extraHosts.filter((host) => !host.startsWith(`${hostNameInside}:`)), `${hostNameInside}:${api.address}`]
}

/** Where the image has the folder, the engine takes its mode from there: its user must own it. */
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

/** All processes of a container are of one user: a folder that everybody may write to is that user's. */
function ownerless(
  { hasOwnerlessMemory = false }: ContainerDefaults,
  folders: Record<string, string>,
): Record<string, string> {
  if (!hasOwnerlessMemory) return folders
  const plain = (options: string) => options.replace(/,mode=\d+,uid=\d+,gid=\d+$/, ',mode=1777')
  return Object.fromEntries(Object.entries(folders).map(([path, options]) => [path, plain(options)]))
}

/**
 * Not as `Binds`: for these the engine makes a folder that is not there any more. In a worker its user has a name; without a
 * network the engine says nobody what `localhost` is.
 */
function mountsOf(
  spec: SandboxSpec,
  defaults: ContainerDefaults,
  { uid }: WorkerUser,
): NonNullable<HostConfig['Mounts']> {
  const { folder, network, key } = spec
  // What lies on our disk it cannot have.
  if (key !== undefined) return [{ Type: 'volume', Target: keyFolder }]
  const { etcFolder, hostPath = (path: string) => path } = defaults
  const readOnly = (path: string, Target: string) => {
    return { Type: 'bind' as const, Source: hostPath(path), Target, ReadOnly: true }
  }
  const etc = (name: string, of = name) => readOnly(join(etcFolder, of), `/etc/${name}`)
  const own = folder === null ? [] : [readOnly(folder, folderInside), etc('passwd', passwdOf(uid)), etc('group')]
  return network === 'none' && !defaults.isApart ? [...own, etc('hosts')] : own
}

/** One processor has 1024 shares; the least the kernel takes is 2. Swap is not more than memory: there is none. */
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
