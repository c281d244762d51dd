import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Control groups of the engine's containers, as files of this machine. */

/** What the kernel has for one container. */
export interface ControlGroup {
  /** Processor time of all its processes so far, in ms; null: it is gone, or cannot be read. */
  cpuMs(): Promise<number | null>
  /** Memory in use, in bytes, without pages of files that the kernel may reclaim; null: it is gone, or cannot be read. */
  memoryUsedBytes(): Promise<number | null>
  /** Absent: we may not. */
  freezer?: Freezer
}

/** In force within a moment; rejects when the group is gone. */
export interface Freezer {
  freeze(): Promise<void>
  thaw(): Promise<void>
}

interface Files {
  cpu: string
  memory: string | null
  freezer: string | null
}

const root = '/sys/fs/cgroup'
/** Containers that are asked about before the groups count as unseen. */
const mostTries = 5
/** Stands in paths for the id of a container. */
const idMark = '{id}'

/**
 * Where the groups of an engine's containers are: learned from the first process of one of them, then known for all. Nothing is
 * known of an engine on another machine, nor where this process cannot see the engine's processes.
 */
export class ControlGroups {
  #files: Files | null | undefined
  #tries = 0

  /** False once it is clear whether the groups can be seen. */
  get isUnknown(): boolean {
    return this.#files === undefined
  }

  /** `pid`: the first process of the container, as the engine says. It may have ended meanwhile. */
  learn(pid: number, container: string): void {
    if (!this.isUnknown || !(pid > 0)) return
    const files = found(pid, container)
    if (files !== null || ++this.#tries >= mostTries) this.#files = files
  }

  /** Null: it cannot be seen. */
  of(container: string): ControlGroup | null {
    if (this.#files == null) return null
    const { cpu, memory, freezer } = this.#files
    const here = (path: string): string => path.replace(idMark, container)
    return {
      cpuMs: () => readFile(here(cpu), 'utf8').then(cpuMsIn, () => null),
      memoryUsedBytes: () => (memory === null ? Promise.resolve(null) : memoryUsedAt(here(memory))),
      ...(freezer !== null && { freezer: freezerAt(here(freezer)) }),
    }
  }
}

/** Version 1 counts nanoseconds in a file of its own, version 2 microseconds in a line of `cpu.stat`. */
export function cpuMsIn(text: string): number | null {
  const [, microseconds] = /^usage_usec (\d+)$/m.exec(text) ?? []
  if (microseconds !== undefined) return Number(microseconds) / 1000
  return /^\d+\s*$/.test(text) ? Number(text) / 1_000_000 : null
}

/** `usage`: all memory of the group; `stat`: its `memory.stat`, whose totals have `total_` in front in version 1. */
export function memoryUsedIn(usage: string, stat: string): number | null {
  const [, reclaimable] = /^total_inactive_file (\d+)$/m.exec(stat) ?? /^inactive_file (\d+)$/m.exec(stat) ?? []
  if (!/^\d+\s*$/.test(usage) || reclaimable === undefined) return null
  return Math.max(0, Number(usage) - Number(reclaimable))
}

async function memoryUsedAt(usageFile: string): Promise<number | null> {
  const files = [usageFile, join(dirname(usageFile), 'memory.stat')]
  return Promise.all(files.map((file) => readFile(file, 'utf8'))).then(
    ([usage = '', stat = '']) => memoryUsedIn(usage, stat),
    () => null,
  )
}

function freezerAt(file: string): Freezer {
  const [frozen, thawed] = file.endsWith('freezer.state') ? ['FROZEN', 'THAWED'] : ['1', '0']
  return { freeze: () => writeFile(file, frozen), thaw: () => writeFile(file, thawed) }
}

function found(pid: number, container: string): Files | null {
  try {
    const groups = groupsIn(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), container)
    const cpu = groups.cpu.find(existsSync)
    if (cpu === undefined) return null
    const marked = (path: string | undefined): string | null => path?.replace(container, idMark) ?? null
    return {
      cpu: marked(cpu) as string,
      memory: marked(groups.memory.find(existsSync)),
      freezer: marked(groups.freezer.find(isWritable)),
    }
  } catch {
    return null
  }
}

/** Where they may be, the likeliest first; nowhere for a process that is not the container's: an engine elsewhere has the same pids. */
export function groupsIn(text: string, container: string): Record<'cpu' | 'memory' | 'freezer', string[]> {
  const lines = text.split('\n').map((line) => line.split(':'))
  const pathOf = (name: string): string[] =>
    lines.flatMap(([, names = '', path = '']) =>
      path.includes(container) && names.split(',').includes(name) ? [path] : [],
    )
  const unified = pathOf('')
  return {
    cpu: [
      ...pathOf('cpuacct').map((path) => `${root}/cpuacct${path}/cpuacct.usage`),
      ...unified.map((path) => `${root}${path}/cpu.stat`),
    ],
    memory: [
      ...pathOf('memory').map((path) => `${root}/memory${path}/memory.usage_in_bytes`),
      ...unified.map((path) => `${root}${path}/memory.current`),
    ],
    freezer: [
      ...pathOf('freezer').map((path) => `${root}/freezer${path}/freezer.state`),
      ...unified.map((path) => `${root}${path}/cgroup.freeze`),
    ],
  }
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}
