/** What the engine's API is asked for a service, as far as we ask: names and types are the API's. */
export interface ServiceOptions {
  Name: string
  Labels: Record<string, string>
  TaskTemplate: {
    ContainerSpec: ContainerSpec
    Resources: {
      Limits: { MemoryBytes: number; Pids: number; NanoCPUs?: number }
      /** What the swarm looks for on a node before it places the task there. */
      Reservations: { MemoryBytes: number }
    }
    RestartPolicy: { Condition: 'none' }
    LogDriver: { Name: 'none' }
    Networks: { Target: string }[]
  }
  Mode: { Replicated: { Replicas: number } }
  /** The kernel's load balancer is not asked for: nobody calls a worker by a name. */
  EndpointSpec: { Mode: 'dnsrr' }
}

export interface ContainerSpec {
  Image: string
  /** In place of the image's command; its entry point stays. */
  Args?: string[]
  Env: string[]
  User: string
  ReadOnly: true
  Init?: true
  CapabilityDrop: string[]
  /** Engines before API 1.44 pass over these. */
  Privileges: { NoNewPrivileges: true; Seccomp: { Mode: 'custom'; Profile: string } }
  Ulimits: { Name: string; Soft: number; Hard: number }[]
  Hosts?: string[]
  Mounts: MemoryMount[]
  Secrets: { SecretID: string; SecretName: string; File: FileTarget }[]
  /** Nanoseconds between SIGTERM and SIGKILL. */
  StopGracePeriod: number
}

/** A folder in memory, as a volume that goes with its container: mounts of type `tmpfs` run no programs. */
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
  Spec: { Availability: string }
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
