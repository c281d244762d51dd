import type { Builder } from '../../../domain/functions/build.ts'
import type { RegistrySecret } from '../../../domain/platform/registry.ts'
import type { LinkTls } from '../container/link-tls.ts'
import type { UserRange } from '../container/worker-users.ts'

export interface SwarmEngineOptions {
  /** Address of a manager's engine; undefined: the local socket. */
  host: string | undefined
  instance: string
  users: UserRange
  /** `host` or `host:port` at which workers on all nodes reach the server; undefined: detected. */
  linkAddress?: string | undefined
  /** Whether they speak TLS; undefined: yes. */
  linkTls?: LinkTls | undefined
  pidsLimit: number
  openFilesLimit: number
  tmpSizeMb: number
  codeSizeMb?: number | undefined
  stopGraceMs?: number | undefined
  /** Longest time until a task runs. */
  startTimeoutMs?: number | undefined
  untrustedOciRuntime?: string | undefined
  /** As whom an image is fetched; null: as nobody in particular. Absent: nobody ever. */
  credentials?: ((image: string) => RegistrySecret | null) | undefined
  /** Fetches an image to the manager; undefined: what is not there is refused. */
  pull?: ((image: string) => Promise<void>) | undefined
}

/** Runs builds beside the swarm, in containers of the manager's engine. */
export interface ManagerBuilder extends Builder {
  removeLeftovers(): Promise<void>
  close(): Promise<void>
}
