import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

/** Processor time of processes, from /proc. */

/** The kernel counts in hundredths of a second, whatever its own clock does. */
const msPerTick = 10

interface Times {
  group: number
  /** CPU time of the process and of the children that it has waited for. */
  ms: number
}

/** One look at all processes: those that end between two looks, and that nobody waited for, are not seen. */
export async function timesOfGroups(): Promise<Map<number, number>> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const sums = new Map<number, number>()
  for (const pid of pids) {
    const times = timesIn(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))
    if (times !== null) sums.set(times.group, (sums.get(times.group) ?? 0) + times.ms)
  }
  return sums
}

/** Null: it is gone. */
export function timeOf(pid: number): number | null {
  try {
    return timesIn(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.ms ?? null
  } catch {
    return null
  }
}

/** A program may have spaces and brackets in its name. */
export function timesIn(stat: string): Times | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).map(Number)
  if (fields.length < 15 || ticks.some(Number.isNaN)) return null
  return { group: Number(fields[2]), ms: ticks.reduce((sum, each) => sum + each, 0) * msPerTick }
}
