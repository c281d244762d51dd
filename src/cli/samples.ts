import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { zipSync } from 'fflate'
import type { Client } from '../client/client.ts'
import { ApiError } from '../client/problems.ts'
import type { ExecutionRow } from '../client/resources/executions.ts'
import type { Config } from '../config.ts'
import { findProgram } from '../host/host-facts.ts'
import { SetupProblem } from '../host/problem.ts'
import type { Progress } from '../host/progress.ts'
import { type RuntimeFolder, readRuntimeFolders } from '../host/runtime-folder.ts'
import { callsTable } from './terminal/calls-table.ts'
import type { Output } from './terminal/output.ts'

/** Deploys every runtime's template once, then calls it cold and warm. */

const input = { name: 'Taibai' }
const waitLimitMs = 10_000
const pollMs = 100

export interface Sample {
  name: string
  runtime: string
}

interface Context {
  out: Output
  progress: Progress
  settings: Config
  client: Client
}

export async function deploySamples(context: Context, engine: Config['engine']): Promise<Sample[]> {
  const { settings, client, progress } = context
  progress.step('Sample functions')
  const samples: Sample[] = []
  for (const runtime of readRuntimeFolders(settings.runtimesDir)) {
    const template = join(runtime.folder, 'template')
    if (!existsSync(template) || !canRun(runtime, engine, progress)) continue
    const sample = { name: `hello-${runtime.name}`, runtime: runtime.name }
    if (await deploy(client, sample, template)) progress.done(`${sample.name} is deployed`)
    else progress.skipped(`${sample.name} is there`)
    samples.push(sample)
  }
  return samples
}

/** False when a function of that name exists already. */
async function deploy(client: Client, sample: Sample, folder: string): Promise<boolean> {
  try {
    await client.functions.createFromZip(sample, zipFolder(folder))
    return true
  } catch (error) {
    if (error instanceof ApiError && error.code === 'conflict') return false
    throw error
  }
}

/** Without containers, a language runs only where it is installed. Node.js always is. */
function canRun(
  { name, command: [program = ''] }: RuntimeFolder,
  engine: Config['engine'],
  progress: Progress,
): boolean {
  if (engine !== 'process' || program === 'node' || findProgram(program) !== undefined) return true
  progress.warn(`${name} is left out: ${program} is not installed on this machine, and there are no containers`)
  return false
}

/** Calls every sample with each kind of start, and shows results and phases. */
export async function runSamples({ client, progress, out }: Context, samples: Sample[]): Promise<ExecutionRow[]> {
  progress.step('Calls, with the milliseconds of each phase (acquire includes load)')
  await waitForWorkers(client, samples)
  const all: ExecutionRow[] = []
  for (const { name } of samples) {
    const executions = [
      await callAnew(client, name, limits.ofNoGenericWorker),
      await callAnew(client, name, limits.usual),
      await call(client, name),
    ]
    all.push(...executions)
    out.line(callsTable(name, executions))
    const failed = executions.find((execution) => execution.status !== 'success')
    if (failed) throw new SetupProblem(`${name} did not succeed: ${failed.error?.message ?? failed.result}`)
  }
  out.line(legend)
  return all
}

const legend = `
  cold       no worker was there: one was started for this call
  prewarmed  a worker that waited for any function took this one
  warm       the function's own worker was still there`

/** Every engine can start such workers; one without a network needs an engine that shares a folder with the server. */
const limits = { ofNoGenericWorker: { tmp_size: 8 * 1024 * 1024 }, usual: { tmp_size: null } }

async function callAnew(client: Client, name: string, changes: { tmp_size: number | null }): Promise<ExecutionRow> {
  await client.functions.update(name, changes)
  await client.functions.detach(name)
  return call(client, name)
}

const call = (client: Client, name: string): Promise<ExecutionRow> =>
  client.executions.create({ function_id: name, input: JSON.stringify(input) })

/** Right after its start, the server is busy starting workers, which would distort the measurement. */
async function waitForWorkers(client: Client, samples: Sample[]): Promise<void> {
  const deadline = performance.now() + waitLimitMs
  const asked = samples.map(({ runtime }) => runtime)
  while (performance.now() < deadline && !(await areWaiting(client, asked))) await sleep(pollMs)
}

/** Whether each of these runtimes has a generic worker. */
async function areWaiting(client: Client, names: string[]): Promise<boolean> {
  const runtimes = (await client.runtimes.list()).filter(({ name }) => name !== null && names.includes(name))
  const capacities = await Promise.all(runtimes.map(({ id }) => client.runtimes.capacity(id)))
  return capacities.every(({ available }) => available > 0)
}

function zipFolder(folder: string): Uint8Array {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const content = files
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(folder.length + 1), readFileSync(path)])
  return zipSync(Object.fromEntries(content))
}
