import type { Clock } from '../../domain/clock.ts'
import type { MissingImage } from '../../domain/functions/image-use.ts'
import type { RuntimeStore } from '../../domain/functions/runtime.ts'
import type { BackupStore } from '../../domain/platform/backup.ts'
import { type DataFacts, dataFindings, sizeText } from '../../domain/platform/data-facts.ts'
import { type EngineReport, engineFindings } from '../../domain/platform/engine-report.ts'
import { type Finding, type FindingState, ok, problem, warning, worstOf } from '../../domain/platform/finding.ts'
import type { LedgerGauges } from '../../domain/platform/gauges.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Ledger } from '../../domain/runs/execution.ts'

export interface HealthParts {
  /** Rejects when the engine does not answer. */
  engine(): Promise<EngineReport>
  data(): DataFacts
  backups: Pick<BackupStore, 'list'>
  runtimes: Pick<RuntimeStore, 'list'>
  images: { missing(): Promise<MissingImage[]> }
  pool: Pick<Pool, 'reservedBytes'>
  ledger: Pick<Ledger, 'vitals'>
  clock: Clock
  facts: HealthFacts
  /** Of functions that ask for certain machines, or for what the engine cannot do. */
  ofFunctions(): Finding[]
}

/** Values that the server was started with. */
export interface HealthFacts {
  version: string
  startedAt: number
  backupEveryHours: number
  /** That workers may have, and that all machines have together that they run on; as it is now. */
  memory(): { budgetBytes: number; hostBytes: number }
}

export interface HealthReport {
  version: string
  startedAt: number
  now: number
  state: FindingState
  findings: Finding[]
  /** Null: the engine does not answer. */
  engine: EngineReport | null
  data: DataFacts
  memory: { budgetBytes: number; reservedBytes: number; hostBytes: number }
  lastBackupAt: number | null
}

const dayMs = 86_400_000
/** An older backup counts as a problem. */
const oldBackupMs = 7 * dayMs
/** Largest share of the host's memory for workers; the rest is for the system, the engine and the server. */
const mostBudget = 0.9

/** The installation's state, including what only the server knows, for `taibai doctor` and the console. */
export class Health {
  #parts: HealthParts

  constructor(parts: HealthParts) {
    this.#parts = parts
  }

  async report(who: Principal): Promise<HealthReport> {
    requireAdmin(who, 'Reading the health of the server')
    const { clock, pool, facts } = this.#parts
    const { version, startedAt } = facts
    const [engine, backups, missing] = await Promise.all([
      this.#parts.engine().catch(() => null),
      this.#parts.backups.list(),
      this.#parts.images.missing(),
    ])
    const data = this.#parts.data()
    const lastBackupAt = backups.at(-1)?.createdAt ?? null
    const memory = { ...facts.memory(), reservedBytes: pool.reservedBytes }
    const findings = [
      ...engineFindings(engine),
      ...runtimeFindings(this.#parts.runtimes),
      ...missingFindings(missing),
      ...dataFindings(data),
      recordsFinding(this.#parts.ledger.vitals()),
      backupFinding(lastBackupAt, clock.now(), facts.backupEveryHours),
      memoryFinding(memory),
      ...this.#parts.ofFunctions(),
    ]
    const state = worstOf(findings)
    return { version, startedAt, now: clock.now(), state, findings, engine, data, memory, lastBackupAt }
  }
}

function runtimeFindings(runtimes: HealthParts['runtimes']): Finding[] {
  return runtimes.list().map(({ id, name, status, image }) => {
    const says = `${name ?? id} (${image}) is ${status}.`
    if (status === 'available') return ok('runtimes', says)
    if (status === 'error') {
      return problem(
        'runtimes',
        says,
        'Make its image with "taibai up" or bring it with "taibai images load", then start the server again.',
      )
    }
    return warning('runtimes', says, null)
  })
}

/** Maximum number of images that only functions use, and of their users, that are named. */
const mostNamed = 5

/** Without the image of a runtime the installation does not work; any member may create a function of an image that is missing. */
function missingFindings(missing: readonly MissingImage[]): Finding[] {
  const ofRuntimes = missing.filter(({ usedBy }) => usedBy.some(isRuntime))
  const ofFunctions = missing.filter(({ usedBy }) => !usedBy.some(isRuntime))
  const named = ofFunctions
    .slice(0, mostNamed)
    .map((image) => warning('images', missingSays(image), missingRemedy(image)))
  const further = ofFunctions.length - named.length
  if (further > 0) {
    const says = `The engine does not have ${further} further images of functions.`
    named.push(warning('images', says, '"taibai doctor" names the next ones when these have been fetched.'))
  }
  return [...ofRuntimes.map((image) => problem('images', missingSays(image), missingRemedy(image))), ...named]
}

const isRuntime = (user: string): boolean => user.startsWith('runtime ')

function missingSays({ name, usedBy }: MissingImage): string {
  const further = usedBy.length > mostNamed ? [`${usedBy.length - mostNamed} more`] : []
  const users = [...usedBy.slice(0, mostNamed), ...further].join(', ')
  return `The engine does not have the image ${name} of ${users}: calls that need a new worker fail.`
}

const missingRemedy = ({ name }: MissingImage): string =>
  name.startsWith('taibai/')
    ? 'Make it with "taibai runtimes build", or bring it with "taibai images load".'
    : `Fetch it with "taibai images pull ${name}", or bring it with "taibai images load".`

function recordsFinding({ isFailing, lostRows, pendingBytes }: LedgerGauges): Finding {
  const lost = lostRows > 0 ? ` ${lostRows} could not be saved since the server started.` : ''
  const makeRoom = 'Make room on the disk of the data folder: what waits is written then.'
  if (isFailing) {
    return problem(
      'records',
      `Records of executions cannot be written; ${sizeText(pendingBytes)} wait in memory.${lost}`,
      makeRoom,
    )
  }
  if (lostRows > 0) return warning('records', `Records of executions are written.${lost}`, makeRoom)
  return ok('records', 'Records of executions are written.')
}

function backupFinding(lastAt: number | null, now: number, everyHours: number): Finding {
  const howTo =
    everyHours > 0
      ? 'The server makes one by itself; "taibai backup" makes one now.'
      : 'Make one with "taibai backup FILE", or let the server make them: TAIBAI_BACKUP_EVERY_HOURS=24.'
  if (lastAt === null) return warning('backups', 'The server has no backup.', howTo)
  const days = Math.floor((now - lastAt) / dayMs)
  const says = `The last backup is ${days === 0 ? 'from today' : `${days} days old`}.`
  return now - lastAt > oldBackupMs ? warning('backups', says, howTo) : ok('backups', says)
}

function memoryFinding({ budgetBytes, reservedBytes, hostBytes }: HealthReport['memory']): Finding {
  const says = `Workers may have ${sizeText(budgetBytes)} of the host's ${sizeText(hostBytes)}; ${sizeText(reservedBytes)} are reserved.`
  const less = 'Set a smaller TAIBAI_MEMORY_BUDGET_MB: the system, the engine and the server need memory, too.'
  if (budgetBytes > hostBytes) return problem('memory', says, less)
  return budgetBytes > hostBytes * mostBudget ? warning('memory', says, less) : ok('memory', says)
}
