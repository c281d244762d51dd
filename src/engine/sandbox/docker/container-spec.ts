import type { SandboxLimits, SandboxSpec } from '../sandbox.ts'
import type { ContainerOptions, HostConfig } from './container-options.ts'

/** What the operator decides for all containers. */
export interface ContainerDefaults {
  instance: string
  /** `uid:gid` of the processes inside. */
  user: string
  egressNetwork: string
  pidsLimit: number
  openFilesLimit: number
  tmpSizeMb: number
  /** OCI runtime for what is not trusted; undefined: the engine's default. */
  untrustedOciRuntime?: string | undefined
}

export const instanceLabel = (instance: string): string => `io.taibai.instance=${instance}`
export const workerLabel = 'io.taibai.worker'

/** Where a worker sees its own folder. */
export const folderInside = '/taibai'

/** Everything that Docker is asked for one sandbox, as a value. Design 6 says why each line is there. */
export function containerOptions(spec: SandboxSpec, defaults: ContainerDefaults): ContainerOptions {
  const options: ContainerOptions = {
    name: `taibai-${defaults.instance}-${spec.name}`,
    Image: spec.image,
    User: defaults.user,
    Env: Object.entries({ HOME: '/tmp', TMPDIR: '/tmp', ...spec.env }).map(([name, value]) => `${name}=${value}`),
    Labels: { 'io.taibai.instance': defaults.instance, [workerLabel]: spec.name },
    HostConfig: hostConfig(spec, defaults),
  }
  if (spec.command !== null) options.Cmd = spec.command
  if (spec.network === 'none') options.NetworkDisabled = true
  return options
}

function hostConfig(spec: SandboxSpec, defaults: ContainerDefaults): HostConfig {
  const { pidsLimit, openFilesLimit, tmpSizeMb, untrustedOciRuntime } = defaults
  const host: HostConfig = {
    AutoRemove: true,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    NetworkMode: spec.network === 'none' ? 'none' : defaults.egressNetwork,
    PidsLimit: pidsLimit,
    Ulimits: [
      { Name: 'nofile', Soft: openFilesLimit, Hard: openFilesLimit },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    Tmpfs: { '/tmp': `rw,nosuid,nodev,size=${tmpSizeMb}m,mode=1777` },
    // Nothing that a function prints past its shim is kept by the engine: it would fill the disk.
    LogConfig: { Type: 'none', Config: {} },
    ...resources(spec),
  }
  // Not as `Binds`: for these the engine makes a folder that is not there any more.
  if (spec.folder !== null) host.Mounts = [{ Type: 'bind', Source: spec.folder, Target: folderInside, ReadOnly: true }]
  if (!spec.trusted && untrustedOciRuntime !== undefined) host.Runtime = untrustedOciRuntime
  return host
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
