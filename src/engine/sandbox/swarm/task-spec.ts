import { apiHostName } from '../../../domain/platform/api-access.ts'
import {
  environmentOf,
  folderInside,
  instanceLabel,
  keyFile,
  keyFolder,
  secretsInside,
  workerLabel,
} from '../container/container-paths.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import type { SandboxSpec } from '../sandbox.ts'
import type { FileTarget, MemoryMount, ServiceOptions } from './service-options.ts'

/** The operator's settings for all tasks. */
export interface TaskDefaults {
  instance: string
  /** `host:port` at which workers reach the server. */
  server: string
  /** Address of the API for functions that may call it; undefined: not opened yet. */
  apiAddress?: string | undefined
  pidsLimit: number
  openFilesLimit: number
  tmpSizeMb: number
  codeSizeMb: number
  /** Text of the seccomp profile. */
  seccomp: string
  /** How long a task may take to end after SIGTERM. */
  stopGraceMs: number
}

/** Resources created for this worker alone. */
export interface TaskParts {
  /** How nodes find the image. */
  image: string
  networkId: string
  secret: { id: string; name: string }
  /** The images of runtimes contain this user. */
  user: WorkerUser
}

export const labelsOf = (instance: string, worker: string): Record<string, string> => {
  const [label = '', value = ''] = instanceLabel(instance).split('=')
  return { [label]: value, [workerLabel]: worker }
}

export const nameOf = (instance: string, worker: string): string => `taibai-${instance}-${worker}`

/** The complete request to the swarm for one worker, as a value: a service with one task that is never restarted. */
export function serviceOptions(spec: SandboxSpec, defaults: TaskDefaults, parts: TaskParts): ServiceOptions {
  const { user, secret } = parts
  const template = taskTemplate(spec, defaults, parts, {
    TAIBAI_SERVER: defaults.server,
    TAIBAI_KEY: `${keyFolder}/${keyFile}`,
  })
  const readable = (Name: string): FileTarget => ({ Name, UID: '0', GID: '0', Mode: 0o444 })
  return {
    Name: nameOf(defaults.instance, spec.name),
    Labels: labelsOf(defaults.instance, spec.name),
    TaskTemplate: {
      ...template,
      ContainerSpec: {
        ...template.ContainerSpec,
        ...(spec.command !== null && { Args: spec.command }),
        Init: true,
        ...(spec.reachesApi && { Hosts: [`${defaults.apiAddress} ${apiHostName}`] }),
        Mounts: folders(spec, defaults, user),
        Secrets: [{ SecretID: secret.id, SecretName: secret.name, File: readable(`${keyFolder}/${keyFile}`) }],
      },
      LogDriver: { Name: 'none' },
      Networks: [{ Target: parts.networkId }],
    },
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: 'dnsrr' },
  }
}

type Template = Omit<ServiceOptions['TaskTemplate'], 'LogDriver' | 'Networks'>

/** What the tasks of workers and of functions' own images have in common: limits and isolation. */
export function taskTemplate(
  spec: SandboxSpec,
  defaults: TaskDefaults,
  { image, user }: Pick<TaskParts, 'image' | 'user'>,
  more: Record<string, string> = {},
): Template {
  const { memoryBytes, cpuMaxMillicpu, machine } = spec
  const { pidsLimit, openFilesLimit, seccomp, stopGraceMs } = defaults
  const env = { ...environmentOf(spec), ...spec.env, ...more }
  return {
    ContainerSpec: {
      Image: image,
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      User: `${user.uid}:${user.gid}`,
      ReadOnly: true,
      CapabilityDrop: ['ALL'],
      Privileges: {
        NoNewPrivileges: true,
        Seccomp: { Mode: 'custom', Profile: Buffer.from(seccomp).toString('base64') },
      },
      Ulimits: [
        { Name: 'nofile', Soft: openFilesLimit, Hard: openFilesLimit },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      Mounts: [],
      StopGracePeriod: stopGraceMs * 1e6,
    },
    Resources: {
      Limits: {
        MemoryBytes: memoryBytes,
        Pids: pidsLimit,
        ...(cpuMaxMillicpu !== null && { NanoCPUs: cpuMaxMillicpu * 1e6 }),
      },
      Reservations: { MemoryBytes: memoryBytes },
    },
    ...(machine !== undefined && { Placement: { Constraints: [`node.id==${machine}`] } }),
    RestartPolicy: { Condition: 'none' },
  }
}

function folders({ tmpSizeBytes = null }: SandboxSpec, defaults: TaskDefaults, user: WorkerUser): MemoryMount[] {
  const { tmpSizeMb, codeSizeMb } = defaults
  const own = `uid=${user.uid},gid=${user.gid},mode=700`
  return [
    inMemory('/tmp', `size=${tmpSizeBytes ?? `${tmpSizeMb}m`},mode=1777`),
    inMemory(folderInside, `size=${codeSizeMb}m,${own}`),
    inMemory(secretsInside, `size=8m,${own},noexec`),
  ]
}

export const inMemory = (Target: string, options: string): MemoryMount => ({
  Type: 'volume',
  Target,
  VolumeOptions: {
    NoCopy: true,
    DriverConfig: { Name: 'local', Options: { type: 'tmpfs', device: 'tmpfs', o: `${options},nosuid,nodev` } },
  },
})
