// The sample functions: every runtime's template, deployed once, then called from nothing and again.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import type { Api, Execution } from './api.ts'
import { SetupProblem } from './problem.ts'
import { done, skipped, step } from './progress.ts'
import { RUNTIMES_FOLDER } from './project.ts'
import { readRuntimeFolders } from './runtime-folder.ts'

const INPUT = { name: 'Taibai' }

/** Gives back the names of the functions. */
export async function deploySamples(api: Api): Promise<string[]> {
  step('Sample functions')
  const names: string[] = []
  for (const runtime of readRuntimeFolders(RUNTIMES_FOLDER)) {
    const template = join(runtime.folder, 'template')
    if (!existsSync(template)) continue
    const name = `hello-${runtime.name}`
    if (await api.createFunction(name, runtime.name, zipFolder(template))) done(`${name} is deployed`)
    else skipped(`${name} is there`)
    names.push(name)
  }
  return names
}

/** Calls every function from nothing and again, and shows what came back and what each phase took. */
export async function runSamples(api: Api, names: string[]): Promise<void> {
  step('Calls, with the time of each phase in milliseconds')
  for (const name of names) {
    await api.detach(name)
    const rows = [await api.invoke(name, INPUT), await api.invoke(name, INPUT)]
    console.log(callsTable(name, rows))
    const failed = rows.find((execution) => execution.status !== 'success')
    if (failed) throw new SetupProblem(`${name} did not succeed: ${failed.error?.message ?? failed.result}`)
  }
}

const PHASES = ['queue', 'acquire', 'load', 'run', 'total']

/** Columns that line up; pure. */
export function callsTable(name: string, executions: Execution[]): string {
  const header = [name, ...PHASES, 'answer'].map((cell) => cell)
  const rows = executions.map((execution) => [
    startOf(execution),
    ...PHASES.map((phase) => execution.phases?.[phase]?.toFixed(1) ?? '-'),
    JSON.stringify(execution.output ?? execution.error?.message ?? null),
  ])
  const widths = header.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [header, ...rows]
    .map((row) => `  ${row.map((cell, column) => align(cell, widths[column] ?? 0, column)).join('  ')}`.trimEnd())
    .join('\n')
}

function startOf({ start_kind, cold_reason }: Execution): string {
  return cold_reason ? `${start_kind} (${cold_reason})` : `${start_kind ?? '-'}`
}

/** Numbers to the right, text to the left. */
function align(cell: string, width: number, column: number): string {
  return column >= 1 && column <= PHASES.length ? cell.padStart(width) : cell.padEnd(width)
}

function zipFolder(folder: string): Uint8Array<ArrayBuffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const content = files
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(folder.length + 1), readFileSync(path)])
  return zipSync(Object.fromEntries(content)) as Uint8Array<ArrayBuffer>
}
