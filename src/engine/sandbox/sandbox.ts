import type { Builder } from '../../domain/functions/build.ts'
import type { ImageMode, Network } from '../../domain/functions/function.ts'
import type { EngineImages, ImageFolders } from '../../domain/functions/image-use.ts'
import type { EngineReport } from '../../domain/platform/engine-report.ts'
import type { Machines } from '../../domain/platform/machine.ts'
import type { RegistrySecret } from '../../domain/platform/registry.ts'

/** What a sandbox may use. */
export interface SandboxLimits {
  memoryBytes: number
  /** CPU share, which counts while processors are contended. */
  cpuMillicpu: number
  /** CPU cap; null: none. */
  cpuMaxMillicpu: number | null
}

export interface SandboxSpec extends SandboxLimits {
  /** Unique; the container's name is made from it. */
  name: string
  image: string
  /** Null: the image's own command, with the image's own entry point. */
  command: string[] | null
  /** Replaces the image's entry point; absent: the image's own. */
  entryPoint?: string[] | undefined
  workingDirectory?: string | undefined
  /**
   * Name of the sandbox whose network namespace it shares, including the loopback; with `nameBeside` of the engine, whose network it
   * shares. It has no network of its own then.
   */
  beside?: string
  env: Record<string, string>
  network: Network
  /** True when it may reach this server, at the URL that `openApi` returned. */
  reachesApi?: boolean
  /** False requests the hardened OCI runtime, where one is configured. */
  trusted: boolean
  /** Id of the machine on which the sandbox runs; absent: the engine chooses. */
  machine?: string | undefined
  /** OCI runtime that it requests; absent or null: chosen by `trusted`. */
  sandbox?: string | null
  /** The worker's own folder on the host, as `inside` maps it; null: none. */
  folder: string | null
  /** Size of /tmp; absent or null: the operator's default. */
  tmpSizeBytes?: number | null
  /**
   * Secret that proves which worker it is, where it has no folder and connects to the server. Only its shim may read it. Absent:
   * it does not connect.
   */
  key?: string
  /** True when the server connects to it. */
  isReached?: true
  /** Writable folders of the image in addition to /tmp, in memory and of the same size; absent: none. */
  writable?: string[]
  /** Files and folders of this server's disk that it sees, read-only. Throws FaasError `not_supported` where it cannot. */
  readable?: { from: string; at: string }[]
}

/** How a sandbox ended. */
export interface Exit {
  /** Null: unknown. */
  code: number | null
  /** True when the kernel killed it for its memory. */
  memoryExceeded: boolean
  /**
   * True when someone else ended it through the engine, or the engine ended together with it. A kill that the engine does not
   * know of came from inside.
   */
  fromOutside?: boolean
  /** True when a kill for memory is possible but was not reported. */
  mayBeMemory?: boolean
}

/** Writes text of ours into a sandbox's output, after everything that its processes have printed so far. */
export interface OutputMarker {
  /** Writes at once. False: the text cannot be written now. */
  put(stream: 'stdout' | 'stderr', text: string): boolean
  close(): void
}

export interface Listener {
  port: number
  /** True when the address is reachable only from inside the sandbox. */
  onlyLoopback: boolean
}

/**
 * A running sandbox: a container or a child process. After `kill` resolves, nothing of it runs and its name is free. Any method
 * may be called at any time; on a sandbox that has ended they do nothing.
 */
export interface Sandbox {
  readonly name: string
  /** Id of the machine that its spec named. */
  readonly machine?: string | undefined
  /** Resolves once, for any reason; never rejects. */
  readonly exited: Promise<Exit>
  /**
   * Resolves when all output of an ended sandbox has been delivered, or the engine takes too long. Absent: output is always
   * delivered before the end.
   */
  readonly printed?: Promise<void>
  /** True while the engine does not answer: whether and how the sandbox ended is unknown. */
  readonly isLost?: boolean
  /** Sets new limits, which are in force when this resolves. */
  limit(limits: SandboxLimits): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  kill(): Promise<void>
  /** Like `kill`, but its processes first get SIGTERM and `graceMs` to end by themselves. */
  stop(graceMs: number): Promise<void>
  /** Addresses on which its processes listen; null when unknown. */
  listeners(): Promise<Listener[] | null>
  /**
   * Processor time of all its processes so far, in ms, including those that a call left behind; after its end, the last reading.
   * Null or undefined: not known.
   */
  cpuMs?(): Promise<number | null>
  /** Memory in use now, in bytes, without what the kernel may reclaim. Null or absent: not known. */
  memoryUsedBytes?(): Promise<number | null>
  /** Null or absent: output cannot be marked. */
  outputMarker?(): Promise<OutputMarker | null>
  /** Whether it takes connections; absent: that is known by trying its address. */
  connects?(): Promise<boolean>
  /** Host and port at which the server reaches a port of the sandbox. */
  address(port: number): Promise<{ host: string; port: number }>
}

export type OnOutput = (stream: 'stdout' | 'stderr', text: string) => void

export interface CommandResult {
  exit: Exit
  timedOut: boolean
}

export interface SandboxImages extends EngineImages, ImageFolders {
  /**
   * Whether the registry accepts the credentials; `unknown`: it cannot be reached. Throws FaasError `invalid_request` when it
   * refuses them.
   */
  check(secret: RegistrySecret): Promise<'accepted' | 'unknown'>
}

/** The server's API, as the engine opens it to sandboxes. */
export interface ApiOpener {
  /**
   * Makes the server listen at this address of this machine, for callers of the given network only, unless it listens there
   * already. Returns the port; repeated calls return the same one. Rejects with the system's error.
   */
  listen(address: string, network: string): Promise<number>
}

/** Where the server must listen for workers that share no disk with it. */
export interface WorkerCallers {
  /** Port 0: any free port. */
  listenOn: { host: string; port: number }[]
  /** What they and the server say never leaves this machine. */
  staysHere: boolean
  /** They speak TLS, and are given the certificate that the server shows. */
  isEncrypted: boolean
  /** Called once, before the first worker, with the ports in the order of `listenOn`. */
  listening(ports: number[]): Promise<void>
}

/**
 * An engine that runs sandboxes. The implementations are `docker/`, `swarm/` and `process/`; code outside this folder does not
 * know which one it uses. Methods throw FaasError `engine_failed` (the engine refuses or does not answer) and `not_supported`
 * (this engine lacks the feature).
 */
export interface SandboxEngine {
  /** False while the engine does not answer. */
  readonly isUp: boolean
  /** Undefined: the engine sees the workers' folders. Else shims connect over TCP. */
  readonly callers?: WorkerCallers | undefined
  /** Maps a worker's folder to its path inside the sandbox. */
  inside(folder: string): string
  /** Null: the engine has no images. */
  readonly images: SandboxImages | null
  /** Null: the engine builds nothing. */
  readonly builder: Builder | null
  /** Folder in which a worker's function finds secrets as files; in memory where the engine supports it. */
  secretsFolder(folder: string): string
  /** True when code must be copied into the worker's folder; false when workers may read it where it is stored. */
  readonly isolatesFiles: boolean
  /** True when limits are fixed at the start and a sandbox cannot be paused; absent: both are possible. */
  readonly isFixedOnceStarted?: boolean
  /** Name of an image for the sandbox that it runs beside, where the server cannot reach images itself; absent: it can. */
  readonly nameBeside?: string
  /** Why it cannot run such a function; null: it can. Absent: it runs all. */
  refusal?(wanted: { network: Network; mode: ImageMode | null; hasPackage: boolean }): string | null
  /** The machines on which it runs sandboxes; absent: this machine. */
  readonly machines?: Machines
  /** `onOutput` receives what the sandbox prints directly, not through a shim. */
  start(spec: SandboxSpec, onOutput?: OnOutput): Promise<Sandbox>
  /**
   * Runs an image to its end with these arguments; kills it at the deadline or when the signal fires. When this resolves, all
   * output has been delivered and the sandbox is removed. `onRunning`: called when it has started.
   */
  runToEnd(
    spec: SandboxSpec & { args: string[]; timeoutMs: number; signal?: AbortSignal; onRunning?(): void },
    onOutput: OnOutput,
  ): Promise<CommandResult>
  /**
   * Opens the API to sandboxes that may use it (`reachesApi`) and returns its URL for them; repeated calls return the same.
   * Throws FaasError `not_supported` where no route exists.
   */
  openApi(opener: ApiOpener): Promise<string>
  /** Ensures that the image exists, pulling it if necessary. */
  prepareImage(image: string): Promise<void>
  /** The engine's current properties and what it cannot do. */
  report(): Promise<EngineReport>
  /** Removes what an earlier run of this instance left behind. Returns the number of removed sandboxes. */
  removeLeftovers(): Promise<number>
  close(): Promise<void>
}
