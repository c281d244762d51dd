/** The part of a container's create request that we use: names and types are those of the Docker API. */
export interface ContainerOptions {
  name: string
  Image: string
  Cmd?: string[]
  Entrypoint?: string[]
  WorkingDir?: string
  User?: string
  Env?: string[]
  Labels?: Record<string, string>
  NetworkDisabled?: boolean
  AttachStdout?: boolean
  AttachStderr?: boolean
  HostConfig: HostConfig
}

export interface HostConfig {
  AutoRemove: boolean
  ReadonlyRootfs: boolean
  CapDrop: string[]
  SecurityOpt: string[]
  NetworkMode: string
  PidsLimit: number
  Ulimits: { Name: string; Soft: number; Hard: number }[]
  Tmpfs: Record<string, string>
  LogConfig: { Type: string; Config: Record<string, string> }
  Mounts?: (BindMount | OwnVolume)[]
  Runtime?: string
  CgroupParent?: string
  Init?: boolean
  ExtraHosts?: string[]
  Dns?: string[]
  Memory: number
  MemorySwap: number
  CpuShares: number
  CpuPeriod?: number
  CpuQuota?: number
}

export interface BindMount {
  Type: 'bind'
  Source: string
  Target: string
  ReadOnly: boolean
}

/** A volume that is created and removed with the container. */
export interface OwnVolume {
  Type: 'volume'
  Target: string
}

/** State of a container, from `GET /containers/{id}/json`. */
export interface ContainerState {
  Status: string
  Running: boolean
  ExitCode: number
  OOMKilled: boolean
  /** Process id of its first process on the engine's machine. */
  Pid?: number
}

export interface NetworkOptions {
  Name: string
  Driver: string
  EnableIPv6: boolean
  /** True for a network that reaches only the engine's own machine. */
  Internal?: boolean
  Labels: Record<string, string>
  Options?: Record<string, string>
  /** Absent: the engine chooses a subnet. */
  IPAM?: { Config: { Subnet: string }[] }
}
