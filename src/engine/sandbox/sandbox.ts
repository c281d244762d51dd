import type { Builder } from '../../domain/build.ts'
import type { EngineReport } from '../../domain/engine-report.ts'
import type { Network } from '../../domain/function.ts'
import type { EngineImages } from '../../domain/image-use.ts'
import type { RegistrySecret } from '../../domain/registry.ts'

/** What a sandbox may use. */
export interface SandboxLimits {
  memoryBytes: number
  /** Share of the processors when they are contended. */
  cpuMillicpu: number
  /** Hard cap, null: none. */
  cpuMaxMillicpu: number | null
}

export interface SandboxSpec extends SandboxLimits {
  /** Unique; the container's name is made from it. */
  name: string
  image: string
  /** Null: the image's own command with the image's own entry point. */
  command: string[] | null
  /** In place of the image's own; absent: that. */
  entryPoint?: string[] | undefined
  workingDirectory?: string | undefined
  /** Name of the sandbox whose network it shares, its loopback included: it has none of its own. */
  beside?: string
  env: Record<string, string>
  network: Network
  /** It reaches this server, by the URL that `openApi` told. */
  reachesApi?: boolean
  /** False asks for the hardened OCI runtime, where one is configured. */
  trusted: boolean
  /** OCI runtime that it asks for; absent or null: as `trusted` says. */
  sandbox?: string | null
  /** The worker's own folder on the host, seen from inside as the engine says; null: none. */
  folder: string | null
  /** Of /tmp; absent or null: the operator's. */
  tmpSizeBytes?: number | null
  /** Proves who the worker is, where it has no folder and has to connect to the server: for its shim alone. Absent: it does not connect. */
  key?: string
  /** The server connects to it. */
  isReached?: true
  /** Folders of the image that can be written to beside /tmp, as large as that, in the sandbox's memory; absent: none. */
  writable?: string[]
}

/** How a sandbox ended. */
export interface Exit {
  /** Null when it is not known. */
  code: number | null
  /** It was killed for its memory: the kernel says so. */
  memoryExceeded: boolean
  /** The engine was told to end it, and not by us, or ended it with itself. A kill that no engine knows of came from inside. */
  fromOutside?: boolean
  /** Whether it was its memory that it was killed for is not told here. */
  mayBeMemory?: boolean
}

/** Puts text of ours into what a sandbox prints, behind all that its processes have printed so far. */
export interface OutputMarker {
  /** At once. False: it cannot be put there now. */
  put(stream: 'stdout' | 'stderr', text: string): boolean
  close(): void
}

export interface Listener {
  port: number
  /** Nobody outside of the sandbox reaches it. */
  onlyLoopback: boolean
}

/**
 * One running sandbox: a container, or a child process. After `kill` resolves nothing of it runs any more and its name is
 * free. Any method may be called at any time; on one that has ended they do nothing.
 */
export interface Sandbox {
  readonly name: string
  /** Resolves once, whatever the reason; never rejects. */
  readonly exited: Promise<Exit>
  /** When it has ended: all that it printed has been told, or the engine takes too long to. Absent: it is told before the end. */
  readonly printed?: Promise<void>
  /** The engine does not answer: how the sandbox ended cannot be known, nor whether it has. */
  readonly isLost?: boolean
  /** New limits, in force when this resolves. */
  limit(limits: SandboxLimits): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  kill(): Promise<void>
  /** As `kill`, but its processes are told first (SIGTERM) and have this time to end by themselves. */
  stop(graceMs: number): Promise<void>
  /** Where its processes listen; null when that cannot be told. */
  listeners(): Promise<Listener[] | null>
  /** Null, or absent: nothing can be put there. */
  outputMarker?(): Promise<OutputMarker | null>
  /** Host and port where the server reaches a port of the sandbox. */
  address(port: number): Promise<{ host: string; port: number }>
}

export type OnOutput = (stream: 'stdout' | 'stderr', text: string) => void

export interface CommandResult {
  exit: Exit
  timedOut: boolean
}

export interface SandboxImages extends EngineImages {
  /**
   * Whether the registry accepts the credentials; `unknown`: it cannot be asked. Throws FaasError `invalid_request` when it
   * says no.
   */
  check(secret: RegistrySecret): Promise<'accepted' | 'unknown'>
}

/** The server, as the engine opens it to sandboxes. */
export interface ApiDoor {
  /**
   * Makes the server take calls at this address of this machine, from callers of the network alone, where it does not listen
   * there anyway. Returns the port; again: the same. Rejects with the system's error.
   */
  listen(address: string, network: string): Promise<number>
}

/** Where the server is to listen for workers that share no disk with it. */
export interface WorkerCallers {
  /** Port 0: a free one. */
  listenOn: { host: string; port: number }[]
  /** Called once, before the first worker, with the ports in the order of `listenOn`. */
  listening(ports: number[]): Promise<void>
}

export interface EngineCapacity {
  memoryBytes: number
  processors: number
}

/**
 * What runs sandboxes. Three stand behind it: `docker/`, `swarm/` and `process/`; nothing outside this folder knows which. Throws FaasError
 * `engine_failed` (the engine says no, or is not there) and `not_supported` (this engine cannot do that).
 */
export interface SandboxEngine {
  /** False while the engine does not answer. */
  readonly isUp: boolean
  /** Undefined: the engine sees the folders of workers. Else their shims have to call. */
  readonly callers?: WorkerCallers | undefined
  /** Folder name of a worker's folder as seen from inside. */
  inside(folder: string): string
  /** Null: it has none. */
  readonly images: SandboxImages | null
  /** Null: it builds nothing. */
  readonly builder: Builder | null
  /** Folder in which a worker's function finds the secrets that it wants as files; of memory where the engine can. */
  secretsFolder(folder: string): string
  /** Whether the code must be put into the worker's folder, or may be read where it is stored. */
  readonly isolatesFiles: boolean
  /** Limits are set when a sandbox starts, and it cannot be paused; absent: it can, and `limit` changes them. */
  readonly isFixedOnceStarted?: boolean
  /** Of all machines that it runs sandboxes on; absent: it is this one. */
  readonly capacity?: EngineCapacity
  /** `onOutput`: what the sandbox prints itself, past any shim. */
  start(spec: SandboxSpec, onOutput?: OnOutput): Promise<Sandbox>
  /**
   * Runs an image to its end with these arguments; kills it at the deadline, or when the signal fires. When this resolves, all
   * output has been passed on and nothing of it is left. `onRunning`: called when it has started.
   */
  runToEnd(
    spec: SandboxSpec & { args: string[]; timeoutMs: number; signal?: AbortSignal; onRunning?(): void },
    onOutput: OnOutput,
  ): Promise<CommandResult>
  /**
   * URL by which sandboxes that ask for it (`reachesApi`) reach this server; opens the way there. Again: the same.
   * Throws FaasError `not_supported` where there is no way.
   */
  openApi(door: ApiDoor): Promise<string>
  /** Makes sure that the image is there, pulling it when it is not. */
  prepareImage(image: string): Promise<void>
  /** What it is and what it cannot do, as it is now. */
  report(): Promise<EngineReport>
  /** Removes what an earlier run of this instance left behind. Returns how many. */
  removeLeftovers(): Promise<number>
  close(): Promise<void>
}
