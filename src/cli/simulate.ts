import { installationOf, pastCallOf } from '../client/simulator-input.ts'
import type { Installation, PastCall } from '../domain/runs/history.ts'
import { traceOfHistory } from '../simulator/history.ts'
import { comparePolicies, type PolicyFigures } from '../simulator/policies.ts'
import { type Cli, type CommandSpec, numberOption, type Options, textOption, usageError } from './command.ts'
import type { Column } from './terminal/output.ts'
import { milliseconds } from './terminal/table-columns.ts'

const mib = 1024 * 1024
const dayMs = 86_400_000
const usualDays = 7
const usualMemoryMib = 128
const usualBudgetMib = 1024
const usualKeep = ['600', '30']

export const commands: CommandSpec[] = [
  {
    name: 'simulate',
    summary: "replay the server's past calls with other memory budgets and other keep-alive policies (for admins)",
    options: [
      ['--days <days>', `how far back; default: ${usualDays}`],
      ['--budget <mib...>', "memory of all workers, in MiB; default: the server's, half and twice of it"],
      ['--keep <seconds...>', 'idle times after which other platforms remove a worker; default: 600 30'],
      ['--memory <mib>', `memory of a worker whose function no longer exists; default: ${usualMemoryMib}`],
      ['--ledger <file>', 'read this ledger.db instead of asking a server; it stays unchanged'],
    ],
    examples: [
      'taibai simulate',
      'taibai simulate --budget 2048 4096 --keep 300',
      'taibai simulate --ledger data/ledger.db --json',
    ],
    run: (cli, _args, options) => simulate(cli, options),
  },
]

async function simulate(cli: Cli, options: Options): Promise<void> {
  const days = numberOption(options, 'days', '--days') ?? usualDays
  const file = textOption(options, 'ledger')
  const sinceMs = cli.now() - days * dayMs
  cli.out.progress('reading the calls …')
  const past = file === undefined ? await askServer(cli, sinceMs) : await readFile(cli, file, sinceMs)
  if (past.calls.length === 0) throw usageError(`No call ended in the last ${days} days: choose more with --days.`)
  const memoryMib = numberOption(options, 'memory', '--memory') ?? usualMemoryMib
  const trace = traceOfHistory(past.calls, past.installation, memoryMib * mib)
  const wanted = {
    budgetsMib: numbersOption(options, 'budget', '--budget') ?? budgetsAround(past.budgetMib),
    keepSeconds: numbersOption(options, 'keep', '--keep') ?? usualKeep.map(Number),
  }
  const policies = comparePolicies(trace, wanted, (name) => cli.out.progress(`trying ${name} …`))
  cli.out.progress('')
  const about = {
    calls: past.calls.length,
    functions: trace.functions.length,
    hours: round(trace.lengthMs / 3_600_000),
  }
  cli.out.value({ ...about, policies: policies.map(asJson) }, () => show(cli, about, policies))
}

interface Past {
  calls: PastCall[]
  installation: Installation
  /** Memory budget of the server. */
  budgetMib: number
}

const budgetsAround = (mibs: number): number[] => [mibs, Math.max(64, Math.round(mibs / 2)), mibs * 2]

async function readFile(cli: Cli, file: string, sinceMs: number): Promise<Past> {
  return { ...(await cli.local.history(file, sinceMs)), budgetMib: usualBudgetMib }
}

async function askServer(cli: Cli, sinceMs: number): Promise<Past> {
  const client = cli.client()
  const [health, functions, runtimes] = await Promise.all([
    client.health(),
    client.functions.list({ all_projects: true }),
    client.runtimes.list(),
  ])
  const calls: PastCall[] = []
  for await (const line of client.history(new Date(sinceMs).toISOString())) calls.push(pastCallOf(line))
  return { calls, installation: installationOf(functions, runtimes), budgetMib: health.memory.budget_bytes / mib }
}

function numbersOption(options: Options, name: string, flag: string): number[] | undefined {
  const given = options[name]
  if (!Array.isArray(given)) return undefined
  return given.map((text) => {
    const number = Number(text)
    if (number > 0) return number
    throw usageError(`${flag} takes numbers above 0, not "${text}".`)
  })
}

const round = (value: number): number => Math.round(value * 10) / 10

const asJson = (row: PolicyFigures) => ({
  policy: row.policy,
  budget_mib: row.budgetMib,
  calls: row.calls,
  cold: row.cold,
  prewarmed: row.prewarmed,
  waited_ms: round(row.waitedMs),
  idle_mib: round(row.idleMib),
  peak_idle_mib: round(row.peakIdleMib),
  busy_mib: round(row.busyMib),
})

const columns: Column<PolicyFigures>[] = [
  { title: 'POLICY', value: ({ policy }) => policy },
  {
    title: 'BUDGET',
    value: ({ budgetMib }) => (budgetMib === null ? 'none' : `${Math.round(budgetMib)} MiB`),
    right: true,
  },
  { title: 'COLD', value: ({ cold }) => cold, right: true },
  { title: 'OF CALLS', value: ({ cold, calls }) => `${((100 * cold) / calls).toFixed(2)} %`, right: true },
  { title: 'PREWARMED', value: ({ prewarmed }) => prewarmed, right: true },
  { title: 'WAITED', value: ({ waitedMs }) => milliseconds(waitedMs), right: true },
  { title: 'A CALL', value: ({ waitedMs, calls }) => milliseconds(waitedMs / calls), right: true },
  { title: 'IDLE MEMORY', value: ({ idleMib }) => `${Math.round(idleMib)} MiB`, right: true },
  { title: 'PEAK', value: ({ peakIdleMib }) => `${Math.round(peakIdleMib)} MiB`, right: true },
]

function show(
  { out }: Cli,
  about: { calls: number; functions: number; hours: number },
  policies: PolicyFigures[],
): void {
  out.line(`${about.calls} calls of ${about.functions} function versions in ${about.hours} hours, replayed:`)
  out.line()
  out.rows(policies, columns, '')
  out.line()
  out.line(
    'COLD: a worker was started for the call. PREWARMED: a generic worker that was ready took it. WAITED: all calls',
  )
  out.line(
    'together, for workers. IDLE MEMORY: of workers that serve nobody, generic ones too; mean over time, and maximum.',
  )
}
