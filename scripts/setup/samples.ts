// The sample functions: every runtime's template, deployed once, then called from nothing and again.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { zipSync } from 'fflate'
import type { Api, Execution } from './api.ts'
import { callsTable } from './calls-table.ts'
import type { Engine } from './choose-engine.ts'
import { SetupProblem } from './problem.ts'
import { done, skipped, step, warn } from './progress.ts'
import { RUNTIMES_FOLDER } from './project.ts'
import { type RuntimeFolder, readRuntimeFolders } from './runtime-folder.ts'
import { findProgram } from './this-host.ts'

const INPUT = { name: 'Taibai' }
const WAIT_LIMIT_MS = 10_000
const POLL_MS = 100

export interface Sample {
  name: string
  runtime: string
}

export async function deploySamples(api: Api, engine: Engine): Promise<Sample[]> {
  step('Sample functions')
  const samples: Sample[] = []
  for (const runtime of readRuntimeFolders(RUNTIMES_FOLDER)) {
    const template = join(runtime.folder, 'template')
    if (!existsSync(template) || !canRun(runtime, engine)) continue
    const sample = { name: `hello-${runtime.name}`, runtime: runtime.name }
    if (await api.createFunction(sample.name, sample.runtime, zipFolder(template))) done(`${sample.name} is deployed`)
    else skipped(`${sample.name} is there`)
    samples.push(sample)
  }
  return samples
}

/** Without containers a language runs only where the host has it. */
function canRun({ name, command: [program = ''] }: RuntimeFolder, engine: Engine): boolean {
  if (engine === 'docker' || findProgram(program) !== undefined) return true
  warn(`${name} is left out: ${program} is not installed on this host, and there are no containers`)
  return false
}

/** Calls every sample in each way a call can start, and shows what came back and what each phase took. */
export async function runSamples(api: Api, samples: Sample[]): Promise<void> {
  step('Calls, with the milliseconds of each phase (acquire includes load)')
  await waitForWorkers(api, samples)
  for (const { name } of samples) {
    const executions = [await callCold(api, name), await callPrewarmed(api, name), await api.invoke(name, INPUT)]
    console.log(callsTable(name, executions))
    const failed = executions.find((execution) => execution.status !== 'success')
    if (failed) throw new SetupProblem(`${name} did not succeed: ${failed.error?.message ?? failed.result}`)
  }
  console.log(LEGEND)
}

const LEGEND = `
  cold       no worker was there: one was started for this call
  prewarmed  a worker that waited for any function took this one
  warm       the function's own worker was still there`

/** Workers wait with the network that most functions have; a function without one needs a worker of its own. */
async function callCold(api: Api, name: string): Promise<Execution> {
  await api.setNetwork(name, 'none')
  await api.detach(name)
  return api.invoke(name, INPUT)
}

async function callPrewarmed(api: Api, name: string): Promise<Execution> {
  await api.setNetwork(name, 'egress')
  await api.detach(name)
  return api.invoke(name, INPUT)
}

/** Right after its start the server is busy starting workers; a call now would measure that crowd. */
async function waitForWorkers(api: Api, samples: Sample[]): Promise<void> {
  const deadline = performance.now() + WAIT_LIMIT_MS
  const runtimes = samples.map(({ runtime }) => runtime)
  while (performance.now() < deadline && !(await api.hasWaitingWorkers(runtimes))) await sleep(POLL_MS)
}

function zipFolder(folder: string): Uint8Array<ArrayBuffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const content = files
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(folder.length + 1), readFileSync(path)])
  return zipSync(Object.fromEntries(content)) as Uint8Array<ArrayBuffer>
}
