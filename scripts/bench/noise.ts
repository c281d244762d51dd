import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { median } from './figures.ts'

/** Load of the machine by others, measured in an idle moment before each round. */

export interface Noise {
  /** Load average of the last minute; includes our own rounds. */
  load1: number
  /** Cores used by others. */
  foreign: number
}

const lookMs = 250
/** Above this, absolute figures are unreliable. */
const noticeable = 0.5

/** Measurements during this suite. */
let noises: Noise[] = []

export async function noteNoise(): Promise<Noise> {
  const [busyBefore, from] = [busyMs(), performance.now()]
  await pause(lookMs)
  const noise = { load1: loadavg()[0] as number, foreign: (busyMs() - busyBefore) / (performance.now() - from) }
  noises.push(noise)
  return noise
}

/** Others use so much of the machine that absolute figures are unreliable. */
export const isNoisy = ({ foreign }: Noise): boolean => foreign > noticeable

export function measuredNoise(): Noise[] {
  const taken = noises
  noises = []
  return taken
}

export function warnOfNoise(all: Noise[]): void {
  if (all.length === 0) return
  const foreign = median(all.map((noise) => noise.foreign))
  const load = median(all.map((noise) => noise.load1))
  const share = `between rounds ${foreign.toFixed(1)} cores were busy with other work (load average ${load.toFixed(1)})`
  console.log(foreign > noticeable ? `  WARNING: ${share}: believe ratios and CPU, not absolute figures` : `  ${share}`)
}

/** Processor time of the whole machine so far, without I/O wait. */
function busyMs(): number {
  const [user, nice, system, , , irq, softirq] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string)
    .split(/\s+/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number]
  return (user + nice + system + irq + softirq) * 10
}
