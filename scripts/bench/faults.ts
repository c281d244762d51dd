import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { EngineProxy } from '../setup/engine-proxy.ts'
import { changeWorkers } from './engine.ts'
import type { Taibai } from './taibai.ts'

/** Faults that a soak injects one after the other, and the failures that each explains. */

/** An unexpected result of a call. */
export interface Failure {
  from: number
  to: number
  status: number
  text: string
}

export interface InjectedFault {
  name: string
  from: number
  to: number
  /** Statuses that it explains, during the fault and shortly after. */
  explains: number[]
}

interface Kind {
  name: string
  explains: number[]
  make(taibai: Taibai, line: EngineProxy): Promise<unknown>
}

const betweenMs = 4000
/** How long after the fault a call that began during it may end. */
const afterMs = 2000

const kinds: Kind[] = [
  { name: 'a worker is killed', explains: [503], make: ({ dataDir }) => changeWorkers(dataDir, 1, 'kill') },
  { name: 'the engine hangs for 3 s', explains: [503], make: (_taibai, line) => heldUp(line) },
  { name: 'a worker is frozen for 0.5 s', explains: [504], make: ({ dataDir }) => frozen(dataDir) },
  { name: 'the engine is away for 3 s', explains: [503], make: (_taibai, line) => cutOff(line) },
  { name: 'every worker is killed', explains: [503], make: ({ dataDir }) => changeWorkers(dataDir, 100, 'kill') },
  { name: 'the ledger is locked for 1 s', explains: [], make: ({ dataDir }) => locked(join(dataDir, 'ledger.db')) },
]

export async function injectFaults(
  taibai: Taibai,
  line: EngineProxy,
  made: InjectedFault[],
  goesOn: () => boolean,
): Promise<void> {
  for (let n = 0; goesOn(); n++) {
    await pause(betweenMs)
    const { name, explains, make } = kinds[n % kinds.length] as Kind
    const from = performance.now()
    await make(taibai, line)
    made.push({ name, explains, from, to: performance.now() })
  }
}

/** Separates failures explained by a fault from unexplained ones. */
export function faultsOf(
  failures: Failure[],
  troubles: InjectedFault[],
): { ofFaults: { name: string; times: number; calls: number }[]; unexplained: Failure[] } {
  const calls = new Map<string, number>()
  const unexplained = failures.filter((failure) => {
    const why = troubles.find((each) => explains(each, failure))
    if (why !== undefined) calls.set(why.name, (calls.get(why.name) ?? 0) + 1)
    return why === undefined
  })
  const names = [...new Set(troubles.map(({ name }) => name))]
  const times = (of: string) => troubles.filter(({ name }) => name === of).length
  return { ofFaults: names.map((name) => ({ name, times: times(name), calls: calls.get(name) ?? 0 })), unexplained }
}

const explains = ({ from, to, explains: statuses }: InjectedFault, failure: Failure): boolean =>
  statuses.includes(failure.status) && failure.to >= from && failure.from <= to + afterMs

async function heldUp(line: EngineProxy): Promise<void> {
  line.hold()
  await pause(3000)
  line.mend()
}

async function cutOff(line: EngineProxy): Promise<void> {
  line.cut()
  await pause(3000)
  line.mend()
}

async function frozen(dataDir: string): Promise<void> {
  await changeWorkers(dataDir, 1, 'pause')
  await pause(500)
  await changeWorkers(dataDir, 100, 'unpause')
}

async function locked(file: string): Promise<void> {
  const database = new Sqlite(file)
  database.exec('BEGIN IMMEDIATE')
  await pause(1000)
  database.exec('ROLLBACK')
  database.close()
}
