import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { info, type Line, mean, ratios, type Spread, show, spread } from './figures.ts'
import { load, type Round, type Target } from './load.ts'
import { type Noise, noteNoise } from './noise.ts'
import { type Cpu, cpuSince } from './processes.ts'

/** A participant in a comparison under load. */
export interface Contestant {
  name: string
  target: Target
  /** Processor time that its processes have used so far. */
  cpu(): Cpu
  /** Called after its round: waits until its remaining work is done. */
  settle?(): Promise<void>
}

export type Measured = Round & { cpuMs: Cpu; noise: Noise }

export interface RoundOptions {
  rounds: number
  seconds: number
}

/** `onStart`: told of each program that makes load. All in turns of some seconds, so that noise falls on all alike. */
export async function alternate(
  contestants: Contestant[],
  connections: number,
  { rounds, seconds }: RoundOptions,
  onStart?: (pid: number) => void,
): Promise<Map<string, Measured[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-load-'))
  try {
    const measured = new Map<string, Measured[]>(contestants.map(({ name }) => [name, []]))
    for (const each of contestants) await measure(each, connections, 1, folder, onStart)
    for (let round = 0; round < rounds; round++) {
      // Alternates the order, because earlier turns warm or heat the machine.
      for (const each of round % 2 === 0 ? contestants : contestants.toReversed())
        measured.get(each.name)?.push(await measure(each, connections, seconds, folder, onStart))
    }
    return measured
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(
  { target, cpu, settle }: Contestant,
  connections: number,
  seconds: number,
  folder: string,
  onStart?: (pid: number) => void,
): Promise<Measured> {
  const noise = await noteNoise()
  const before = cpu()
  const round = await load(target, connections, seconds, folder, onStart)
  const cpuMs = cpuSince(before, cpu())
  await settle?.()
  return { ...round, cpuMs, noise }
}

/** The rate of a contestant and the CPU cost in each of its processes. */
export function rateLine(name: string, rounds: Measured[]): Line {
  const rate = spread(rounds.map((round) => round.requestsPerSecond))
  const errors = rounds.reduce((sum, round) => sum + round.errors, 0)
  const failed = errors > 0 ? `; ${errors} ERRORS` : ''
  return info(`${name}: calls/s; CPU µs a call${failed}`, `${show(rate, 0)}; ${cpuText(rounds)}`)
}

function cpuText(rounds: Measured[]): string {
  const names = Object.keys(rounds[0]?.cpuMs ?? {})
  const micros = (name: string) =>
    mean(rounds.map(({ cpuMs, requests }) => ((cpuMs[name] as number) * 1000) / requests))
  return names.map((name) => `${name} ${micros(name).toFixed(0)}`).join(' + ')
}

export const rateRatio = (own: Measured[], base: Measured[]): Spread =>
  ratios(
    own.map((round) => round.requestsPerSecond),
    base.map((round) => round.requestsPerSecond),
  )

export const difference = (own: Measured[], base: Measured[], of: (round: Measured) => number): Spread =>
  spread(own.map((round, at) => of(round) - of(base[at] as Measured)))
