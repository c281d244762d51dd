/** The part of a service's create request that we use: names and types are those of the Docker API. */
export interface ServiceOptions {
  Name: string
  Labels: Record<string, string>
  TaskTemplate: {
    ContainerSpec: ContainerSpec
    Resources: {
      Limits: { MemoryBytes: number; Pids: number; NanoCPUs?: number }
      /** Resources that the swarm requires on a node before it places the task there. */
      Reservations: { MemoryBytes: number }
    }
    Placement?: { Constraints: string[] }
    RestartPolicy: { Condition: 'none' }
    LogDriver: { Name: 'none' } | { Name: 'local'; Options: Record<string, string> }
    Networks: { Target: string; Aliases?: string[] }[]
  }
  Mode: { Replicated: { Replicas: number } }
  /** DNS round robin avoids the kernel's load balancer: nobody addresses a worker by name. */
  EndpointSpec: { Mode: 'dnsrr' }
}

export interface ContainerSpec {
  Image: string
  /** Replaces the image's entry point. */
  Command?: string[]
  /** Replaces the image's command; its entry point stays. */
  Args?: string[]
  Dir?: string
  Env: string[]
  User: string
  ReadOnly: true
  Init?: true
  CapabilityDrop: string[]
  /** Engines before API 1.44 ignore these. */
  Privileges: { NoNewPrivileges: true; Seccomp: { Mode: 'custom'; Profile: string } }
  Ulimits: { Name: string; Soft: number; Hard: number }[]
  Hosts?: string[]
  Mounts: MemoryMount[]
  Secrets?: { SecretID: string; SecretName: string; File: FileTarget }[]
  /** Nanoseconds between SIGTERM and SIGKILL. */
  StopGracePeriod: number
}

/** A folder in memory, as a volume that is removed with its container: mounts of type `tmpfs` are noexec. */
export interface MemoryMount {
  Type: 'volume'
  Target: string
  VolumeOptions: {
    NoCopy: true
    DriverConfig: { Name: 'local'; Options: { type: 'tmpfs'; device: 'tmpfs'; o: string } }
  }
}

export interface FileTarget {
  Name: string
  UID: string
  GID: string
  Mode: number
}

export interface NodeAnswer {
  ID: string
  Version?: { Index: number }
  Spec: { Availability: string; Labels?: Record<string, string> }
  Status: { State: string; Addr?: string }
  Description?: {
    Hostname?: string
    Resources?: { NanoCPUs?: number; MemoryBytes?: number }
  }
}

export interface TaskAnswer {
  ID: string
  ServiceID: string
  NodeID?: string
  DesiredState: string
  Status: { State: string; Message?: string; Err?: string; ContainerStatus?: { ExitCode?: number } }
}
