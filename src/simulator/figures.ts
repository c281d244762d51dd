/** What a simulation counts. */
export interface Figures {
  calls: number
  /** Calls served by a worker that was started for them. */
  cold: number
  /** Cold calls that were the first of their function, which no rule can avoid. */
  first: number
  /** Cold calls while others of the function ran: one worker was not enough. */
  scaleOut: number
  /** Calls served by a ready generic worker. */
  prewarmed: number
  /** Calls that waited for a busy worker, and their total wait. */
  waited: number
  waitedMs: number
  /** Total wait of all calls for a worker, new or busy. */
  delayMs: number
  /** Memory of idle workers, including generic and starting ones: mean over time, and peak. */
  idleMib: number
  peakIdleMib: number
  busyMib: number
  /** The part of the idle memory that generic workers take. */
  genericMib: number
  /** Workers started ahead, and those of them that served no call. */
  warmed: number
  warmedInVain: number
}

/** Figures of workers' memory. */
export type MemoryFigures = Pick<Figures, 'idleMib' | 'peakIdleMib' | 'busyMib' | 'genericMib'>

/** Figures that are counted call by call, before the first. */
export const noCalls = (): Omit<Figures, keyof MemoryFigures> => ({
  calls: 0,
  cold: 0,
  prewarmed: 0,
  first: 0,
  scaleOut: 0,
  waited: 0,
  waitedMs: 0,
  delayMs: 0,
  warmed: 0,
  warmedInVain: 0,
})
