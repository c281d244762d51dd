import { availableParallelism, totalmem } from 'node:os'
import { customAlphabet } from 'nanoid'
import { nodeCommand } from '../assets.ts'
import type { Config } from '../config.ts'
import type { PackageStore } from '../domain/functions/function.ts'
import type { RuntimeManifest } from '../domain/functions/runtime.ts'
import type { ProjectLimits } from '../domain/platform/limits.ts'
import type { Machine } from '../domain/platform/machine.ts'
import type { MachineLimit } from '../engine/pool/memory.ts'
import type { PoolOptions } from '../engine/pool/pool.ts'
import type { EngineOptions } from '../engine/sandbox/connect-engine.ts'
import type { SandboxEngine } from '../engine/sandbox/sandbox.ts'
import type { WorkersParts } from '../engine/worker/worker-factory.ts'
import type { HttpSettings } from '../http/settings.ts'
import type { OpenStackSettings } from '../openstack/openstack.ts'
import { budgetOf, defaultBudgetMb } from '../settings/workers.ts'
import type { DataFolder } from '../store/data-folder.ts'
import type { LayerOptions } from '../store/layers.ts'
import type { PackageLimits } from '../store/zip-check.ts'
import type { HealthSettings, ServiceSettings } from './infrastructure.ts'

/** Selects the settings of each part by name. No password or token goes to a part that does not need it. */

export const engineOptions = (
  config: Config,
  data: DataFolder,
  manifests: RuntimeManifest[],
  { certificates, searchPath }: { certificates: string | undefined; searchPath: string[] },
): EngineOptions => ({
  engine: config.engine,
  host: config.dockerHost,
  link: config.link,
  linkAddress: config.linkAddress,
  linkTls: config.linkTls,
  weakEngine: config.weakEngine,
  stopGraceMs: config.stopGraceMs,
  startTimeoutMs: config.startTimeoutMs,
  instance: data.instance,
  workersDir: data.workersDir,
  etcFolder: data.etcFolder,
  manifests,
  users: { firstUid: config.workerUid, count: config.workerUids },
  pidsLimit: config.pidsLimit,
  openFilesLimit: config.openFilesLimit,
  tmpSizeMb: config.tmpSizeMb,
  codeSizeMb: Math.max(Math.ceil(config.maxUnpackedBytes / 1024 / 1024), config.buildMaxMb),
  untrustedOciRuntime: config.untrustedOciRuntime,
  cgroupParent: config.cgroupParent,
  egressAllow: config.egressAllow,
  maxWorkerConnections: config.maxWorkerConnections,
  nodeCommand: nodeCommand(),
  build: {
    buildNetwork: config.buildNetwork,
    buildTimeoutSeconds: config.buildTimeoutSeconds,
    buildMemoryMb: config.buildMemoryMb,
    buildMaxMb: config.buildMaxMb,
    buildEnv: config.buildEnv,
    buildCertificates: certificates,
    buildPackages: config.buildPackages,
    searchPath,
  },
})

export const workersParts = (
  config: Config,
  manifests: RuntimeManifest[],
  parts: Pick<
    WorkersParts,
    'engine' | 'links' | 'clock' | 'log' | 'languageVersions' | 'secrets' | 'apiOpener' | 'workerTokens'
  > & { packages: PackageStore },
): WorkersParts => ({
  engine: parts.engine,
  links: parts.links,
  clock: parts.clock,
  log: parts.log,
  languageVersions: parts.languageVersions,
  secrets: parts.secrets,
  apiOpener: parts.apiOpener,
  workerTokens: parts.workerTokens,
  manifests,
  codeFolder: (hash) => parts.packages.folder(hash),
  newName: customAlphabet('abcdefghijkmnpqrstuvwxyz23456789', 10),
  startTimeoutMs: config.startTimeoutMs,
  loadTimeoutMs: config.loadTimeoutMs,
  streamIdleMs: config.streamIdleMs,
  stopGraceMs: config.stopGraceMs,
  maxResultBytes: config.maxResultBytes,
  cpuDefaultMillicpu: config.cpuDefaultMillicpu,
})

/** Null: the operator has set no budget. */
const saidBudgetBytes = ({ memoryBudgetMb }: Pick<Config, 'memoryBudgetMb'>): number | null =>
  memoryBudgetMb === defaultBudgetMb ? null : memoryBudgetMb * 1024 * 1024

const sumOf = (machines: Machine[], of: (machine: Machine) => number): number =>
  machines.filter(({ isOpen }) => isOpen).reduce((sum, machine) => sum + of(machine), 0)

/** The memory limit of each machine: the share of one host's memory, or the machine's part of the operator's budget for all. */
export function machineLimits(config: Pick<Config, 'memoryBudgetMb'>, machines: Machine[]): MachineLimit[] {
  const said = saidBudgetBytes(config)
  const all = sumOf(machines, ({ memoryBytes }) => memoryBytes)
  const limitOf = ({ memoryBytes, isOpen }: Machine): number => {
    if (said === null) return budgetOf(memoryBytes)
    return Math.floor(memoryBytes * Math.min(1, said / (isOpen ? all : all + memoryBytes)))
  }
  return machines.map((machine) => ({
    ...{ id: machine.id, labels: machine.labels, isOpen: machine.isOpen },
    limitBytes: limitOf(machine),
  }))
}

/** `engine`: a swarm has the memory and processors of its nodes. */
export const poolOptions = (
  config: Config,
  { machines, isFixedOnceStarted }: Pick<SandboxEngine, 'machines' | 'isFixedOnceStarted'>,
): PoolOptions => ({
  memoryBudgetBytes: config.memoryBudgetMb * 1024 * 1024,
  ...(machines !== undefined && {
    machines: {
      now: () => machineLimits(config, machines.now()),
      onChange: (listener: () => void) => machines.onChange(listener),
    },
  }),
  genericFloor: config.genericWorkers,
  maxParallelStarts: config.maxParallelStarts,
  maxWaiting: config.maxWaiting,
  acquireTimeoutMs: config.acquireTimeoutMs,
  pauseAfterMs: isFixedOnceStarted ? 0 : config.pauseAfterMs,
  freezes: freezes(config, isFixedOnceStarted ?? false),
  processors: () =>
    machines === undefined
      ? availableParallelism()
      : Math.max(
          1,
          sumOf(machines.now(), (one) => one.processors),
        ),
  ...(isFixedOnceStarted && { fixedCpuMillicpu: config.cpuDefaultMillicpu }),
})

/** Throws an Error for an engine that cannot: what was promised would not hold. */
function freezes({ afterCall }: Config, isFixedOnceStarted: boolean): boolean {
  if (afterCall === 'freeze' && isFixedOnceStarted) {
    throw new Error(
      'TAIBAI_AFTER_CALL=freeze needs an engine that can pause workers, and a swarm cannot: leave it out.',
    )
  }
  return afterCall === 'freeze'
}

export const reserveBytes = ({ diskReserveMb }: Pick<Config, 'diskReserveMb'>): number => diskReserveMb * 1024 * 1024

export const packageLimits = (config: Config): PackageLimits => ({
  maxPackageBytes: config.maxPackageBytes,
  maxUnpackedBytes: config.maxUnpackedBytes,
  maxPackageEntries: config.maxPackageEntries,
})

export const layerLimits = (config: Config): Omit<LayerOptions, 'folder' | 'space' | 'clock'> => ({
  maxBytes: config.buildMaxMb * 1024 * 1024,
  maxEntries: config.buildMaxFiles,
  keepUnusedMs: config.keepUnusedPackagesDays * 86_400_000,
})

export const openStackSettings = (config: Config): OpenStackSettings => ({
  keystoneAuthUrl: config.keystoneAuthUrl,
  keystoneUser: config.keystoneUser,
  keystonePassword: config.keystonePassword,
  keystoneProject: config.keystoneProject,
  keystoneUserDomain: config.keystoneUserDomain,
  keystoneProjectDomain: config.keystoneProjectDomain,
  keystoneCacheSeconds: config.keystoneCacheSeconds,
  openstackInterface: config.openstackInterface,
  openstackRegion: config.openstackRegion,
  openstackTimeoutMs: config.openstackTimeoutMs,
  maxSwiftObjectBytes: config.maxSwiftObjectBytes,
})

export const healthSettings = (config: Config, { machines }: Pick<SandboxEngine, 'machines'>): HealthSettings => ({
  memory: () => {
    const all = machines?.now()
    if (all === undefined) return { budgetBytes: config.memoryBudgetMb * 1024 * 1024, hostBytes: totalmem() }
    const limits = machineLimits(config, all).filter(({ isOpen }) => isOpen)
    const budgetBytes = limits.reduce((sum, { limitBytes }) => sum + limitBytes, 0)
    return { budgetBytes, hostBytes: sumOf(all, ({ memoryBytes }) => memoryBytes) }
  },
  backupEveryHours: config.backupEveryHours,
})

export const httpSettings = (config: Config): HttpSettings => ({
  maxBodyBytes: config.maxBodyBytes,
  maxBodiesBytes: config.maxBodiesBytes,
  isOpen: config.auth === 'none',
  host: config.host,
  maxPackageBytes: config.maxPackageBytes,
  timeoutMaxSeconds: config.timeoutMaxSeconds,
  trustProxy: config.trustProxy,
  wrongTokensPerMinute: config.wrongTokensPerMinute,
  corsOrigins: config.corsOrigins,
  publicUrl: config.publicUrl,
})

export const projectLimits = (config: Config): Partial<ProjectLimits> => config.projectLimits

export const serviceSettings = (config: Config): ServiceSettings => ({
  functions: {
    memoryMinBytes: config.memoryMinBytes,
    memoryDefaultBytes: config.memoryDefaultBytes,
    memoryMaxBytes: config.memoryMaxBytes,
    cpuMinMillicpu: config.cpuMinMillicpu,
    cpuDefaultMillicpu: config.cpuDefaultMillicpu,
    cpuMaxMillicpu: config.cpuMaxMillicpu,
    timeoutMinSeconds: config.timeoutMinSeconds,
    timeoutDefaultSeconds: config.timeoutDefaultSeconds,
    timeoutMaxSeconds: config.timeoutMaxSeconds,
    maxConcurrency: config.maxConcurrency,
    maxEnvBytes: config.maxEnvBytes,
    functionHosts: config.functionHosts,
    imageAllow: config.imageAllow,
  },
  maxAppBytes: config.maxUnpackedBytes,
  sandboxes: config.sandboxes,
  swift: { maxSwiftObjectBytes: config.maxSwiftObjectBytes, swiftCheckSeconds: config.swiftCheckSeconds },
  runs: {
    maxQueued: config.maxQueued,
    maxQueuedBytes: config.maxQueuedBytes,
    maxAsyncRunning: config.maxAsyncRunning,
    maxAsyncRunningPerFunction: config.maxAsyncRunningPerFunction,
    maxAttempts: config.maxAttempts,
    maxAsyncAgeMs: config.maxAsyncAgeMs,
    maxCallDepth: config.maxCallDepth,
    retryPauseMs: config.retryPauseMs,
    maxLogBytes: config.maxLogBytes,
    cancelGraceMs: config.stopGraceMs,
    logExecutions: config.logExecutions,
  },
  retention: {
    keepExecutionsDays: config.keepExecutionsDays,
    keepExecutionsPerProject: config.keepExecutionsPerProject,
    keepDeadLettersDays: config.keepDeadLettersDays,
    keepDeadLettersPerProject: config.keepDeadLettersPerProject,
  },
  audit: { keepAuditDays: config.keepAuditDays, keepAuditEntries: config.keepAuditEntries },
  builds: {
    build: config.build,
    maxBuilds: config.maxBuilds,
    maxOpenBuilds: config.maxOpenBuilds,
    keepBuilds: config.keepBuilds,
    maxBuildLogBytes: config.maxBuildLogBytes,
    maxBuildLogsBytes: config.maxBuildLogsMb * 1024 * 1024,
  },
  backups: { backupEveryHours: config.backupEveryHours, backupKeep: config.backupKeep },
  keepUsageDays: config.keepUsageDays,
  maxVersions: config.maxVersions,
  traceRatio: config.traceRatio,
  webhookRate: config.webhookRate,
})
