import {
  type Trace,
  type TracedCall,
  type TracedFunction,
  type TracedRuntime,
  traceOf,
} from '../../src/simulator/trace.ts'
import { Random } from './random.ts'

/**
 * Traces with the published shape of a large provider's: M. Shahrad et al., "Serverless in the Wild: Characterizing and
 * Optimizing the Serverless Workload at a Large Cloud Provider", USENIX ATC 2020 (arXiv 2003.03423).
 *
 * - Rates: 45 % of the applications are called at most once an hour on average, 81 % at most once a minute; the other 19 %
 *   make 99.6 % of the calls. Those are cut here at `hottestPerMinute`: they are never cold, and there would be 10⁸ calls.
 * - Triggers: 29 % have a timer, about 15 % nothing else. Half of those with timers only are exactly periodic (the rest
 *   have several timers); of those without any, a tenth is as good as periodic (devices that report).
 * - Gaps: about 40 % of all have a coefficient of variation above 1 (they come in bursts), the others are Poisson-like.
 * - A run takes 0.7 s in the median, log-normal with σ 2.36; memory is 170 MB in the median, 400 MB at the 90th percentile.
 * - Languages are not in the paper. 47 % of another provider's functions are in Python and 39 % for Node (Datadog, "The State
 *   of Serverless", 2020); the rest has images of its own here, for which no generic worker can be kept.
 * - By day there is twice as much to do as at night, at weekends less. Timers do not care.
 */
export interface Mix {
  /** Shares of all functions; the rest have no timer and are neither regular nor bursty: Poisson. */
  timer: number
  timerAndOther: number
  regular: number
  bursty: number
  /** Share of functions with only timers that have a single one. */
  singleTimer: number
}

export const published: Mix = { timer: 0.15, timerAndOther: 0.14, regular: 0.07, bursty: 0.4, singleTimer: 0.5 }

export const mixes: Record<string, Mix> = {
  published,
  'no timers': { ...published, timer: 0, timerAndOther: 0, regular: 0 },
  'all Poisson': { timer: 0, timerAndOther: 0, regular: 0, bursty: 0, singleTimer: 0 },
}

export interface GenerateOptions {
  functions: number
  days: number
  seed: number
  mix: Mix
  hottestPerMinute: number
}

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const mib = 1024 * 1024
/** Container, language and code; constant, so that cold starts can be counted as well as added up. */
const coldMs = 500
/** The part of a cold start that remains when container and language are ready. */
const bindMs = 20
/** A function with more concurrent calls does not fit one host. */
const mostAtOnce = 8
const visitorShare = 0.5

const runtimes: TracedRuntime[] = [64, 128].map((memoryMib) => ({
  memoryBytes: memoryMib * mib,
  startMs: coldMs - bindMs,
  bindMs,
}))
const shares = [
  [0, 47],
  [1, 39],
  [null, 14],
] as const

const periods = [
  [minuteMs, 15],
  [5 * minuteMs, 25],
  [10 * minuteMs, 12],
  [15 * minuteMs, 14],
  [30 * minuteMs, 10],
  [hourMs, 14],
  [6 * hourMs, 4],
  [12 * hourMs, 2],
  [dayMs, 4],
] as const

export function generate(options: GenerateOptions): Trace {
  const random = new Random(options.seed)
  const language = new Random(options.seed + 1_000_000)
  const lengthMs = options.days * dayMs
  const functions: TracedFunction[] = []
  const calls: TracedCall[][] = []
  for (let n = 0; n < options.functions; n++) {
    const runtime = language.pick(shares)
    const memoryBytes = Math.max(
      memoryOf(random),
      runtime === null ? 0 : (runtimes[runtime] as TracedRuntime).memoryBytes,
    )
    functions.push({ memoryBytes, coldMs, concurrency: 1, runtime })
    const meanGapMs = meanGapOf(random, options.hottestPerMinute)
    const runMs = Math.min(random.logNormal(Math.exp(-0.38) * secondMs, 2.36), 5 * minuteMs, mostAtOnce * meanGapMs)
    calls.push(withRuns(random, timesOf(random, options, { meanGapMs, runMs, lengthMs }), runMs))
  }
  return traceOf(functions, calls, lengthMs, runtimes)
}

function memoryOf(random: Random): number {
  const mb = random.logNormal(170, Math.log(400 / 170) / 1.2816)
  return Math.min(1024, Math.max(64, Math.round(mb / 16) * 16)) * mib
}

function timesOf(
  random: Random,
  options: GenerateOptions,
  { meanGapMs, runMs, lengthMs }: Record<'meanGapMs' | 'runMs' | 'lengthMs', number>,
): number[] {
  const { timer, timerAndOther, regular, bursty, singleTimer } = options.mix
  const kind = random.pick([
    ['timer', timer],
    ['timerAndOther', timerAndOther],
    ['regular', regular],
    ['bursty', bursty],
    ['poisson', 1 - timer - timerAndOther - regular - bursty],
  ])
  switch (kind) {
    case 'timer': {
      const count = random.next() < singleTimer ? 1 : 2 + Math.floor(random.next() * 2)
      return Array.from({ length: count }, () => timerTimes(random, lengthMs)).flat()
    }
    case 'timerAndOther':
      return [...timerTimes(random, lengthMs), ...poissonTimes(random, meanGapMs, lengthMs)]
    case 'regular':
      return regularTimes(random, meanGapMs, lengthMs)
    case 'bursty':
      return burstyTimes(random, meanGapMs, runMs, lengthMs)
    default:
      return poissonTimes(random, meanGapMs, lengthMs)
  }
}

function meanGapOf(random: Random, hottestPerMinute: number): number {
  const [low, high] = random.pick([
    [[hourMs, 7 * dayMs], 45],
    [[minuteMs, hourMs], 36],
    [[minuteMs / hottestPerMinute, minuteMs], 19],
  ] as const)
  return random.logBetween(low, high)
}

/** A cron expression: exact, except for the scheduler's lateness. */
function timerTimes(random: Random, lengthMs: number): number[] {
  const periodMs = random.pick(periods)
  const times: number[] = []
  for (let at = random.between(0, periodMs); at < lengthMs; at += periodMs) times.push(at + random.exponential(100))
  return times
}

/** A device that reports when it is ready: each time slightly later than the period. */
function regularTimes(random: Random, periodMs: number, lengthMs: number): number[] {
  const times: number[] = []
  for (let at = random.between(0, periodMs); at < lengthMs; at += periodMs * (1 + 0.01 * random.normal()))
    times.push(at)
  return times
}

function poissonTimes(random: Random, meanGapMs: number, lengthMs: number): number[] {
  const times: number[] = []
  // Thinning: candidates come at the rate of the busiest hour.
  for (let at = random.exponential(meanGapMs / 1.5); at < lengthMs; at += random.exponential(meanGapMs / 1.5)) {
    if (random.next() * 1.5 < busyness(at)) times.push(at)
  }
  return times
}

/**
 * Sessions of several calls: of a visitor, who waits for each response before the next call, or of a batch, whose calls do not
 * wait.
 */
function burstyTimes(random: Random, meanGapMs: number, runMs: number, lengthMs: number): number[] {
  const perSession = random.logBetween(3, 30)
  const pauseMs = Math.min(random.logNormal(20 * secondMs, 1.2), meanGapMs / 2)
  const awaitedMs = random.next() < visitorShare ? 1.5 * runMs : 0
  return poissonTimes(random, meanGapMs * perSession, lengthMs).flatMap((begin) => {
    const times: number[] = []
    for (let at = begin; at < lengthMs; at += awaitedMs + random.exponential(pauseMs)) {
      times.push(at)
      if (random.next() < 1 / perSession) break
    }
    return times
  })
}

/** The mean over a week is 1. */
function busyness(atMs: number): number {
  const day = Math.floor(atMs / dayMs) % 7
  const ofDay = 1 - 0.35 * Math.cos((2 * Math.PI * (atMs % dayMs)) / dayMs)
  return ofDay * (day >= 5 ? 0.75 : 1.1)
}

const withRuns = (random: Random, times: number[], medianMs: number): TracedCall[] =>
  times.map((atMs) => ({ atMs, runMs: Math.max(1, Math.min(random.logNormal(medianMs, 0.5), 10 * minuteMs)) }))
