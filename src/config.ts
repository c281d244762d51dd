import { totalmem } from 'node:os'
import { delimiter, resolve } from 'node:path'
import { z } from 'zod'
import { isExecutable, runtimesFolder } from './assets.ts'
import { cacheFolderIn, cliVariables, defaults } from './cli-settings.ts'
import { type LimitName, limitNames } from './domain/limits.ts'

/** The settings: one schema with a default and a sentence each; the only reader of the environment. The tables of docs/settings.md are made from it. */

const kib = 1024
const mib = 1024 * kib
const int = (min: number, max = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(min).max(max)
const flag = z.union([z.boolean(), z.stringbool()])
const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
])
const egressEntry = /^(host|metadata|\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?)(:\d{1,5})?$/
const secret = { secret: true }
/** Three quarters of the memory: what remains is for the system, the engine and this process. */
const defaultBudgetMb = Math.floor((totalmem() / mib) * 0.75)

export const settings = z.object({
  host: z.string().default(defaults.host).describe('Address to listen on; 0.0.0.0 for every interface.'),
  port: int(0, 65535).default(defaults.port).describe('Port to listen on; 0 takes a free one.'),
  dataDir: z
    .string()
    .default(defaults.dataDir)
    .transform((path) => resolve(path))
    .describe('Folder of everything that lasts: databases, packages, secret key, admin token.'),
  runtimesDir: z
    .string()
    .default(isExecutable ? '' : runtimesFolder(''))
    .describe('Folder of the runtimes; one sub-folder each. The executable brings its own.'),
  runtimes: list
    .default([])
    .describe(
      'Further versions of languages, separated by commas, that functions may ask for: nodejs22, python311. Their images are made with the others.',
    ),
  cacheDir: z
    .string()
    .default('')
    .describe('Folder for what the executable has to unpack; programs must be allowed there. Default: <data>/program.'),
  publicUrl: z
    .string()
    .optional()
    .describe('Base of webhook URLs as the outside sees it; default: the host and port of the request.'),
  trustProxy: flag
    .default(false)
    .describe('Believe X-Forwarded-Proto, -Host, -Prefix and -For: switch on only behind a proxy that sets them.'),
  functionHosts: list
    .default([])
    .describe(
      'Host names, separated by commas, that members may give to their functions; *.example.org for all below one. Admins may give any.',
    ),
  corsOrigins: list.default([]).describe('Origins, separated by commas, that browsers may call the API from.'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level that is logged, as JSON lines on standard output.'),
  logExecutions: z
    .enum(['failed', 'all'])
    .default('failed')
    .describe(
      'Executions that leave a line in the log: those that did not succeed, or all. Every execution has a record in any case.',
    ),

  otlpUrl: z
    .url({ protocol: /^https?$/, message: 'an address such as http://127.0.0.1:4318' })
    .optional()
    .describe('Receiver of traces (OTLP over HTTP): spans go to /v1/traces below it. Default: no traces are made.'),
  otlpHeaders: list
    .default([])
    .refine((headers) => headers.every((header) => header.indexOf('=') > 0), {
      message: 'headers are name=value, separated by commas',
    })
    .meta(secret)
    .describe('Headers for that receiver, as name=value, separated by commas.'),
  traceRatio: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of the traces that begin here and are sent; callers who keep theirs (traceparent) decide for it.'),

  auth: z
    .enum(['token', 'keystone', 'none'])
    .default('token')
    .describe('Who may call: holders of API tokens, of Keystone tokens (and API tokens), or everybody (open mode).'),
  adminToken: z
    .string()
    .min(16)
    .optional()
    .meta(secret)
    .describe('Admin token to use; default: made at the first start and kept in <data>/admin.token.'),
  secretKey: z
    .string()
    .optional()
    .meta(secret)
    .describe(
      'Key of the secrets, 32 bytes in base64 or hex; default: made at the first start and kept in <data>/secret.key.',
    ),
  secretKeyFile: z.string().optional().describe('A file that holds this key, in place of <data>/secret.key.'),
  iKnowThisIsOpen: flag
    .default(false)
    .describe(
      'Allows open mode or the process engine to listen beyond loopback: whoever reaches the port can then run code here.',
    ),

  keystoneAuthUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('With keystone: base of its Identity API, such as http://host:5000/v3.'),
  keystoneUser: z
    .string()
    .default('taibai')
    .describe('Service user: it checks tokens, and the trusts of functions are made for it.'),
  keystonePassword: z.string().optional().meta(secret).describe('Password of the service user; no function sees it.'),
  keystoneProject: z
    .string()
    .default('service')
    .describe('Project of the service user; its role there must be admin or service.'),
  keystoneUserDomain: z.string().default('Default').describe('Name of the domain of the service user.'),
  keystoneProjectDomain: z.string().default('Default').describe('Name of the domain of its project.'),
  keystoneCacheSeconds: int(1, 3600)
    .default(30)
    .describe(
      'Time for which a checked Keystone token is not checked again; a revoked one is refused after it at the latest.',
    ),
  openstackInterface: z
    .enum(['public', 'internal', 'admin'])
    .default('public')
    .describe('Interface of the endpoints in the Keystone catalogue that are used for Swift.'),
  openstackRegion: z.string().optional().describe('Region of those endpoints; default: the first there is.'),
  openstackTimeoutMs: int(100).default(5000).describe('Longest wait for an answer of Keystone or Swift.'),
  maxSwiftObjectBytes: int(1)
    .default(51 * mib)
    .describe('Largest object in Swift that can be the code of a function.'),
  swiftCheckSeconds: int(1)
    .default(10)
    .describe(
      'Seconds between two checks of the object of a function from Swift while it is called; it is also checked before the first worker.',
    ),

  engine: z
    .enum(['docker', 'process'])
    .default('docker')
    .describe('docker: containers. process: child processes without isolation, for development, loopback only.'),
  dockerHost: z
    .string()
    .optional()
    .describe('Address of the Docker engine; default: DOCKER_HOST, else the local socket.'),
  link: z
    .enum(['auto', 'folder', 'tcp'])
    .default('auto')
    .describe(
      'How workers and the server find each other. folder: by a folder that the engine sees too; tcp: workers connect to the server. auto: folder where the engine sees our files, else tcp.',
    ),
  linkAddress: z
    .string()
    .regex(/^[\w.-]+(:\d{1,5})?$/, 'must be an address, with :PORT where the port is to be a certain one')
    .optional()
    .describe(
      "With tcp: address of this machine as the engine's containers reach it, with :PORT where a firewall has to know it; default: found out.",
    ),
  untrustedOciRuntime: z
    .string()
    .optional()
    .describe('OCI runtime (as the engine names it, such as runsc) for workers of runtimes that are not trusted.'),
  workerUid: int(1).default(64000).describe('User id of the first worker, and group of all.'),
  workerUids: int(1)
    .default(1000)
    .describe('User ids from there on, one for each worker: what the kernel counts by user is used up for no other.'),

  imagesHighWaterMb: int(0)
    .default(0)
    .describe(
      'Size of the images that this server fetched for functions, in MiB: beyond it those that nothing uses are removed, oldest first; 0: never.',
    ),
  egressAllow: list
    .default([])
    .refine((entries) => entries.every((entry) => egressEntry.test(entry)), {
      message: 'each entry is host, metadata or an IPv4 address or network, with a :port where only that is meant',
    })
    .describe(
      "Destinations, separated by commas, that functions with a network may reach although they are blocked by default: host (the host's own services), host:PORT, metadata (the cloud's address 169.254.169.254 and all of 169.254.0.0/16), or an address, such as 169.254.1.1:80.",
    ),
  maxWorkerConnections: int(1)
    .default(1000)
    .describe(
      'Most connections of one worker at once, including UDP flows of the last minutes; each takes an entry of the connection table of the host.',
    ),

  build: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe(
      'auto: packages that bring a list of dependencies and not the modules are built here before they are deployed. never: only those of callers who ask for it.',
    ),
  buildNetwork: z
    .string()
    .regex(/^[\w.-]+$/, 'must be egress, host, none, or the name of a network of the engine')
    .default('egress')
    .describe(
      "Network of builds. egress: that of functions; host: the engine's machine's own, for registries and proxies that only it reaches; none; or the name of a network of the engine.",
    ),
  buildCertificatesFile: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('File of certificate authorities (PEM) that builds trust beside those of the runtime images.'),
  buildPackages: list
    .default([])
    .refine((names) => names.every((name) => /^[a-z0-9][a-z0-9.+-]+$/.test(name)), {
      message: 'must be names of Debian packages',
    })
    .describe(
      'Debian packages that the images of builds get, separated by commas: compilers and libraries, such as g++,make,python3.',
    ),
  buildTimeoutSeconds: int(1).default(600).describe('Longest time of one build.'),
  buildMemoryMb: int(64).default(2048).describe('Most memory of one build, in MiB.'),
  buildMaxMb: int(1).default(1024).describe('Most that one build writes, in MiB.'),
  buildMaxFiles: int(1).default(100_000).describe('Most files that one build installs.'),
  maxBuilds: int(1).default(2).describe('Most builds at once: one of each project, which take turns.'),
  maxBuildLogBytes: int(1024)
    .default(1024 * kib)
    .describe('Most bytes of output that are kept of one build.'),
  keepBuilds: int(1).default(100).describe('Most builds of one project of which a record is kept.'),

  memoryBudgetMb: int(64)
    .default(defaultBudgetMb)
    .describe(
      'Sum of the memory limits of all workers, in MiB; idle workers are removed when others need their memory. Default: three quarters of the memory of the machine.',
    ),
  genericWorkers: int(0, 1000)
    .default(2)
    .describe(
      'Least number of generic workers of each runtime image that are kept ready while no function needs their memory.',
    ),
  maxParallelStarts: int(1, 1000).default(4).describe('Most containers that are started at the same time.'),
  maxWaiting: int(0)
    .default(1000)
    .describe('Most calls of one function that wait for a worker; further ones are refused.'),
  acquireTimeoutMs: int(1).default(60_000).describe('Longest wait of a call for a worker.'),
  startTimeoutMs: int(100)
    .default(60_000)
    .describe('Longest time from the start of a container to the first message of its shim.'),
  streamIdleMs: int(100)
    .default(60_000)
    .describe(
      'Longest pause of a streamed answer that goes on past the timeout of its function; after a longer one it is cut off.',
    ),
  loadTimeoutMs: int(100).default(30_000).describe("Longest time for loading a function's code."),
  pauseAfterMs: int(0)
    .default(0)
    .describe(
      'Idle workers are paused after this time and woken by their next call (15 to 30 ms); 0: never. 100 idle workers together use 0.02 % of a processor (npm run bench -- idle): it only pays for functions that leave timers behind.',
    ),
  drainMs: int(0).default(30_000).describe('Longest time that running calls go on after the server was told to stop.'),
  removalMs: int(0)
    .default(10_000)
    .describe('Longest time after that for removing the workers; the next start removes those that are left.'),

  stopGraceMs: int(0, 60_000)
    .default(2000)
    .describe('Longest time between SIGTERM and SIGKILL for an idle worker that is removed; 0: it is killed at once.'),

  pidsLimit: int(8).default(128).describe('Most processes and threads in one worker.'),
  openFilesLimit: int(64).default(1024).describe('Most open files of one process in a worker.'),
  tmpSizeMb: int(1)
    .default(64)
    .describe('Size of /tmp in the workers of functions that name none (tmp_size), in MiB; counts as memory.'),

  memoryMinBytes: int(1)
    .default(32 * mib)
    .describe('Least memory_size of a function.'),
  memoryDefaultBytes: int(1)
    .default(32 * mib)
    .describe("memory_size of a function that names none; the runtime's least memory is the floor in effect."),
  memoryMaxBytes: int(1)
    .default(1024 * mib)
    .describe('Most memory_size of a function.'),
  cpuMinMillicpu: int(1).default(100).describe('Least cpu of a function.'),
  cpuDefaultMillicpu: int(1)
    .default(100)
    .describe('cpu of a function that names none: its share when the host is contended.'),
  cpuMaxMillicpu: int(1).default(2000).describe('Most cpu of a function.'),
  timeoutMinSeconds: int(1).default(1).describe('Least timeout of a function.'),
  timeoutDefaultSeconds: int(1).default(5).describe('timeout of a function that names none.'),
  timeoutMaxSeconds: int(1).default(900).describe('Most timeout of a function.'),
  maxConcurrency: int(1).default(256).describe('Most calls at once in one worker that a function may ask for.'),
  maxEnvBytes: int(0)
    .default(64 * kib)
    .describe('Largest environment of a function: names and values together.'),
  maxVersions: int(1).default(10).describe('Most versions of one function.'),

  maxPackageBytes: int(1)
    .default(50 * mib)
    .describe('Largest uploaded ZIP.'),
  maxUnpackedBytes: int(1)
    .default(512 * mib)
    .describe('Largest size of a package when it is unpacked.'),
  maxPackageEntries: int(1).default(20_000).describe('Most files and folders in a package.'),
  maxBodyBytes: int(1)
    .default(6 * mib)
    .describe('Largest request body that is not a package, so also the largest input of a call.'),
  maxBodiesBytes: int(1)
    .default(256 * mib)
    .describe(
      'Most bytes of all request bodies that are being received or processed; callers without a token can use a quarter of it. Further bodies are refused with 503.',
    ),
  bodyTimeoutMs: int(1000).default(120_000).describe('Longest time for receiving a whole request.'),
  maxCallDepth: int(1, 1000)
    .default(16)
    .describe(
      'Most functions that call each other in a row, with the tokens of their contexts; a ring of them ends there.',
    ),
  maxResultBytes: int(1)
    .default(10 * mib)
    .describe('Largest answer that a function returns at once; streamed answers have no limit.'),
  maxLogBytes: int(0)
    .default(256 * kib)
    .describe('Most bytes of output that are kept of one execution.'),

  maxQueued: int(1)
    .default(100_000)
    .describe('Most accepted async executions that wait; further ones are refused with 503.'),
  maxQueuedBytes: int(1)
    .default(256 * mib)
    .describe('Most bytes of input of all async executions that wait.'),
  maxAsyncRunning: int(1).default(64).describe('Most async executions that run at the same time.'),
  maxAsyncRunningPerFunction: int(1)
    .default(16)
    .describe('Most async executions of one function that run at the same time.'),
  maxAttempts: int(1)
    .default(5)
    .describe('Most attempts of an async execution when the platform (not the function) fails while it runs.'),
  maxAsyncAgeMs: int(1000)
    .default(21_600_000)
    .describe(
      'Longest time for which an async execution is tried while the platform cannot run it; then it ends as `error`.',
    ),
  retryPauseMs: int(1)
    .default(1000)
    .describe('Pause before an async execution is tried again; doubles with each further one, up to a minute.'),
  deliveryTimeoutMs: int(100, 600_000)
    .default(10_000)
    .describe('How long a destination of results may take to answer; then it is tried again later.'),

  backupDir: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('Folder of the backups; default: backups in the data folder. Another disk is better.'),
  backupEveryHours: int(0).default(0).describe('Hours between two backups that the server makes by itself; 0: none.'),
  backupKeep: int(0).default(7).describe('Most backups made by the server itself that are kept; 0 keeps all.'),

  projectLimits: list
    .default(['functions=10000', 'jobs=10000', 'webhooks=10000', 'record_bytes=100000000000'])
    .transform((entries, context) => {
      const limits: Record<string, number | null> = {}
      for (const entry of entries) {
        const [name = '', value = ''] = entry.split('=')
        if (!limitNames.includes(name as LimitName) || !/^(none|\d+(\.\d+)?)$/.test(value)) {
          context.addIssue({
            code: 'custom',
            message: `${entry} is no limit: write NAME=NUMBER or NAME=none with one of ${limitNames.join(', ')}`,
          })
        } else limits[name] = value === 'none' ? null : Number(value)
      }
      return limits
    })
    .describe(
      'Limits of each project for which admins set none, as NAME=NUMBER separated by commas; [Limits](limits.md) has the names.',
    ),
  webhookRate: z.coerce
    .number()
    .positive()
    .default(100)
    .describe('Calls a second of one webhook that names no rate of its own; ten times as many at once.'),
  wrongTokensPerMinute: int(1)
    .default(300)
    .describe(
      'Wrong tokens from one address in a minute; more are refused with 429. Right tokens are not held up by them.',
    ),

  keepUnusedPackagesDays: int(0)
    .default(7)
    .describe('Packages that no function or version uses any more are removed after this time.'),
  diskReserveMb: int(0)
    .default(256)
    .describe(
      'Free space of the disk of the data folder that new things leave, in MiB: below it nothing more is accepted, and what was accepted still ends well; below half of it calls are not recorded any more. 0: none.',
    ),
  keepExecutionsDays: int(0).default(30).describe('Finished executions older than this are removed; 0 keeps them.'),
  keepExecutionsPerProject: int(0)
    .default(1_000_000)
    .describe('Most finished executions that are kept of one project; 0 keeps all.'),
  keepDeadLettersDays: int(0)
    .default(90)
    .describe('Dead letters older than this become plain records, and are removed as those are; 0 keeps them.'),
  keepDeadLettersPerProject: int(1)
    .default(10_000)
    .describe('Most dead letters that are kept of one project; the oldest beyond them become plain records.'),
  keepUsageDays: int(0)
    .default(400)
    .describe('What functions used on a day (taibai usage) is kept for so many days; 0 keeps it.'),
  keepAuditDays: int(0).default(365).describe('Entries of the audit log older than this are removed; 0 keeps them.'),
  keepAuditEntries: int(0).default(100_000).describe('Most entries of the audit log that are kept; 0 keeps all.'),
})

export type Config = z.output<typeof settings> & {
  /** Variables that builds have: those of the environment that begin with TAIBAI_BUILD_ENV_, and what package managers are told there. */
  buildEnv: Record<string, string>
}

/** The subjects of docs/settings.md, by the setting that each begins with. */
export const settingSubjects: Partial<Record<keyof Config, string>> = {
  host: 'The server',
  otlpUrl: 'Traces',
  auth: 'Who may call',
  keystoneAuthUrl: 'OpenStack',
  engine: 'The engine',
  build: 'Builds',
  memoryBudgetMb: 'Workers and their memory',
  pidsLimit: 'Limits of a worker',
  memoryMinBytes: 'Limits of a function',
  maxPackageBytes: 'Sizes of what is sent and kept',
  maxQueued: 'Async executions',
  backupDir: 'Backups',
  projectLimits: 'Limits of projects',
  keepUnusedPackagesDays: 'Retention',
}

/** `maxLogBytes` → `TAIBAI_MAX_LOG_BYTES`. */
export const environmentName = (setting: string): string =>
  `TAIBAI_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** Throws an Error whose message is a line per setting that is wrong. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, string> = {}
  for (const setting of Object.keys(settings.shape)) {
    const value = environment[environmentName(setting)]
    if (value !== undefined && value !== '') given[setting] = value
  }
  const unknown = Object.keys(environment).filter((name) => name.startsWith('TAIBAI_') && !isKnown(name))
  const parsed = settings.safeParse(given)
  const wrong = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${environmentName(String(issue.path[0]))}: ${issue.message}`)
  wrong.push(...unknown.map((name) => `${name}: there is no such setting`))
  if (!parsed.success || wrong.length > 0) throw new Error(`Settings that cannot be used:\n  ${wrong.join('\n  ')}`)
  refuseOpenDoors(parsed.data)
  refuseVersionsOfHost(parsed.data)
  const cacheDir = parsed.data.cacheDir || cacheFolderIn(parsed.data.dataDir)
  const runtimesDir = parsed.data.runtimesDir || runtimesFolder(cacheDir)
  const dockerHost = parsed.data.dockerHost ?? environment.DOCKER_HOST
  return { ...parsed.data, cacheDir, runtimesDir, dockerHost, buildEnv: readBuildEnvironment(environment) }
}

const buildPrefix = 'TAIBAI_BUILD_ENV_'
/** Of the server's own environment: where packages come from, and by which way. */
const passedToBuilds =
  /^(https?_proxy|no_proxy|npm_config_registry|pip_(extra_)?index_url|uv_(default_index|index)|yarn_npm_registry_server)$/i

function readBuildEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '')
  const passed = given.filter(([name]) => passedToBuilds.test(name))
  const named = given
    .filter(([name]) => name.startsWith(buildPrefix))
    .map(([name, value]): [string, string] => [name.slice(buildPrefix.length), value])
  return Object.fromEntries([...passed, ...named])
}

/** What holds after `readConfig`, for admins: without secrets, and without passwords in addresses. */
export function settingsInEffect(config: Config, environment: NodeJS.ProcessEnv = process.env) {
  let subject = ''
  return Object.entries(settings.shape).map(([setting, schema]) => {
    subject = settingSubjects[setting as keyof Config] ?? subject
    const name = environmentName(setting)
    const isSecret = schema.meta()?.secret === true
    const value = isSecret ? null : textOf(config[setting as keyof Config])
    const about = schema.description ?? ''
    return { name, subject, about, value, isSecret, isGiven: (environment[name] ?? '') !== '' }
  })
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === '') return null
  if (Array.isArray(value)) return value.length === 0 ? null : value.join(',')
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, number]) => `${name}=${number ?? 'none'}`)
      .join(',')
  }
  return String(value).replace(/^(\w+:\/\/)[^/@]+@/, '$1…@')
}

/** What the environment tells of this machine beside the settings; what prepares a host asks for it. */
export interface HostEnvironment {
  /** Somebody chose where the engine is. */
  engineIsChosen: boolean
  /** Files with certificate authorities that are trusted here beside the system's. */
  certificateFiles: string[]
  /** Folders in which programs are looked for. */
  searchPath: string[]
  /** Where a service manager waits for news of the server; undefined: none does. */
  notifySocket: string | undefined
  /** Proxies that programs of this user are told of, by the variable's name. */
  proxies: Record<string, string>
  /** How often the service manager wants to hear from the server, in ms; undefined: it does not. */
  watchdogMs: number | undefined
}

export function readHostEnvironment(environment: NodeJS.ProcessEnv = process.env): HostEnvironment {
  const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, NOTIFY_SOCKET, WATCHDOG_USEC, PATH = '' } = environment
  const isGiven = (text: string | undefined): text is string => text !== undefined && text !== ''
  return {
    engineIsChosen: isGiven(environment.TAIBAI_DOCKER_HOST) || isGiven(environment.DOCKER_HOST),
    certificateFiles: [...new Set([SSL_CERT_FILE, NODE_EXTRA_CA_CERTS])].filter(isGiven),
    searchPath: PATH.split(delimiter).filter(isGiven),
    notifySocket: NOTIFY_SOCKET || undefined,
    proxies: proxiesOf(environment),
    watchdogMs: Number(WATCHDOG_USEC) > 0 ? Number(WATCHDOG_USEC) / 1000 : undefined,
  }
}

function proxiesOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(environment).filter(([name, value]) => /^https?_proxy$/i.test(name) && value)
  return Object.fromEntries(given) as Record<string, string>
}

/** Names that other programs of this project read (the test and set-up scripts) pass too. */
const isKnown = (name: string): boolean =>
  name.startsWith('TAIBAI_TEST_') ||
  name.startsWith(buildPrefix) ||
  name === 'TAIBAI_REQUIRE_DOCKER' ||
  // Of a function that may call the API.
  name === 'TAIBAI_API' ||
  name in cliVariables ||
  Object.keys(settings.shape).some((setting) => environmentName(setting) === name)

function refuseVersionsOfHost({ engine, runtimes }: z.output<typeof settings>): void {
  if (engine === 'docker' || runtimes.length === 0) return
  throw new Error(
    `TAIBAI_RUNTIMES=${runtimes.join(',')} needs containers: the process engine runs functions in the versions of this machine.`,
  )
}

/** Both run anybody's code for anybody who can reach the port. */
function refuseOpenDoors(config: z.output<typeof settings>): void {
  const isLoopback = /^(127\.|::1$|localhost$)/.test(config.host)
  if (isLoopback || config.iKnowThisIsOpen) return
  const why =
    config.auth === 'none'
      ? 'Without authentication everybody'
      : 'The process engine isolates nothing: whoever has a token'
  if (config.auth === 'none' || config.engine === 'process') {
    throw new Error(
      `${why} could run code as this user from ${config.host}. Listen on 127.0.0.1, or say TAIBAI_I_KNOW_THIS_IS_OPEN=1 if you mean it.`,
    )
  }
}
