import type { EngineReport } from '../../domain/platform/engine-report.ts'
import { type Finding, ok, problem, warning } from '../../domain/platform/finding.ts'
import type { EngineApi } from './engine-api.ts'

/** The engine's answers about itself, combined into a report. A missing field counts as supported. */

export interface VersionAnswer {
  Version?: string
  ApiVersion?: string
  Components?: { Name?: string; Version?: string }[]
}

export interface InfoAnswer {
  CgroupVersion?: string
  CgroupDriver?: string
  Driver?: string
  OperatingSystem?: string
  Runtimes?: Record<string, unknown>
  SecurityOptions?: string[]
  MemoryLimit?: boolean
  SwapLimit?: boolean
  PidsLimit?: boolean
  CPUShares?: boolean
  CpuCfsQuota?: boolean
  InitBinary?: string
  InitCommit?: { ID?: string }
  HttpProxy?: string
  HttpsProxy?: string
}

/** Rejects when the engine does not answer. */
export async function fetchEngineReport(api: EngineApi, timeoutMs: number): Promise<EngineReport> {
  const [version, info] = await Promise.all([
    api.ask<VersionAnswer>('GET', '/version', {}, undefined, timeoutMs),
    api.ask<InfoAnswer>('GET', '/info', {}, undefined, timeoutMs),
  ])
  return engineReport(version, info)
}

export const isPodman = ({ Components = [] }: VersionAnswer): boolean =>
  Components.some(({ Name }) => /podman/i.test(Name ?? ''))

export function engineReport(version: VersionAnswer, info: InfoAnswer): EngineReport {
  const podman = isPodman(version)
  const isRootless = (info.SecurityOptions ?? []).some((option) => option.includes('name=rootless'))
  return {
    name: podman ? 'Podman' : 'Docker',
    version: version.Version ?? 'unknown',
    apiVersion: version.ApiVersion ?? null,
    cgroupVersion: info.CgroupVersion ?? null,
    isRootless,
    storage: info.Driver ?? null,
    ociRuntimes: Object.keys(info.Runtimes ?? {}).sort(),
    proxies: [info.HttpProxy, info.HttpsProxy].filter((proxy) => proxy !== undefined && proxy !== '') as string[],
    findings: [...filtersOf(info), ...limitsOf(info, { isPodman: podman, isRootless })],
  }
}

/** Engines name an init program even when it is not installed; a missing one has no version. */
export const hasInit = ({ InitBinary, InitCommit }: InfoAnswer): boolean =>
  (InitBinary ?? '') !== '' && InitCommit?.ID !== 'N/A'

const filtersCalls = (info: InfoAnswer): boolean =>
  info.SecurityOptions?.some((option) => option.includes('name=seccomp')) ?? false

const filtersOf = (info: InfoAnswer): Finding[] =>
  filtersCalls(info) ? [ok('seccomp', 'System calls of functions are filtered by a profile of our own.')] : []

const area = 'engine'

function limitsOf(info: InfoAnswer, { isPodman, isRootless }: { isPodman: boolean; isRootless: boolean }): Finding[] {
  const ignoresLimits = isRootless && info.CgroupVersion === '1'
  const rules: [holds: boolean, finding: Finding][] = [
    [
      ignoresLimits,
      problem(
        area,
        'It runs without root on control groups of version 1: the limits of functions are ignored.',
        'Boot with control groups of version 2 (systemd.unified_cgroup_hierarchy=1), or use an engine that runs as root.',
      ),
    ],
    [
      info.MemoryLimit === false && !ignoresLimits,
      problem(
        area,
        'It cannot limit memory.',
        'Switch the memory controller on: cgroup_enable=memory on the kernel command line.',
      ),
    ],
    [
      info.SwapLimit === false,
      warning(
        area,
        'It cannot limit swap: a function may use as much swap as memory, in addition to its memory.',
        'Add swapaccount=1 to the kernel command line, or switch swap off.',
      ),
    ],
    [
      info.PidsLimit === false,
      warning(
        area,
        'It cannot limit the number of processes.',
        'Use a kernel with the pids controller (CONFIG_CGROUP_PIDS).',
      ),
    ],
    [
      info.CPUShares === false || info.CpuCfsQuota === false,
      warning(
        area,
        'It cannot share or cap processors: cpu and cpu_max of functions have no effect.',
        'Give the engine the cpu controller; without root this is "Delegate=cpu" in the unit user@.service.',
      ),
    ],
    [
      info.SecurityOptions !== undefined && !filtersCalls(info),
      problem(
        area,
        'It filters no system calls (seccomp): functions reach more of the kernel than they should.',
        'Use a kernel and an engine with seccomp.',
      ),
    ],
    [
      isPodman,
      problem(
        area,
        'Networks of Podman let functions reach each other, and its containers may write where no limit holds.',
        'Use Docker; where functions trust each other, give those that can do without a network "network": "none".',
      ),
    ],
    [
      !isPodman && info.InitBinary !== undefined && !hasInit(info),
      warning(
        area,
        'It has no docker-init: processes that functions leave behind stay in their worker as zombies.',
        'Install it; in Debian it is the package tini.',
      ),
    ],
  ]
  return rules.filter(([holds]) => holds).map(([, finding]) => finding)
}
