// All tests: sets up what they need, checks types and style, runs them, and closes with their count. Arguments go to vitest.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupProblem } from '../src/host/problem.ts'
import { ensureHostLanguages } from './setup/host-languages.ts'
import { readyOwnEngine } from './setup/own-engine.ts'
import { progress, runScript } from './setup/terminal.ts'
import { closingLine, countTests, failuresIn, type TestReport } from './setup/test-counts.ts'
import { ensureTestPrograms } from './setup/test-programs.ts'
import { type TimedFile, timesOf } from './setup/test-times.ts'

const vitestArgs = process.argv.slice(2)
const needsDocker = process.env.CI === 'true' || process.env.TAIBAI_REQUIRE_DOCKER === '1'

type Report = { testResults: (TestReport['testResults'][number] & TimedFile)[] }

/** What a part of the work came to. */
interface Done {
  report: Report
  isGood: boolean
}

/** Runs a program; its exit code. The title is that of output which comes in one piece. */
type Run = (program: string, args: string[], env: NodeJS.ProcessEnv, title: string) => Promise<number>

const nothing: Done = { report: { testResults: [] }, isGood: true }

async function main(): Promise<number> {
  await ensureHostLanguages()
  // These need nothing of what is set up next. They compute while that waits for a network, and while tests wait for containers.
  const early = vitestArgs.length > 0 ? Promise.resolve([nothing]) : Promise.all([checkSources(), runFast()])
  const late = await setUpAndTest().catch(async (error: unknown) => {
    await early
    throw error
  })
  const done = [...(await early), late]
  return close(
    { testResults: done.flatMap(({ report }) => report.testResults) },
    done.every(({ isGood }) => isGood),
  )
}

/** The rings that need more than the packages; with arguments, what those name. */
async function setUpAndTest(): Promise<Done> {
  await ensureTestPrograms(process.env.CI === 'true')
  const docker = await readyDocker()
  if (docker === 'absent' && needsDocker) return { ...nothing, isGood: false }
  progress.step('Tests (vitest)')
  const args = vitestArgs.length > 0 ? vitestArgs : ['--project', '!fast']
  const { report, isGood } = await runTests(args, runVisibly, docker === 'ready')
  return { report, isGood: isGood && docker !== 'broken' }
}

const runFast = (): Promise<Done> => runTests(['--project', 'fast'], runCaptured, false)

async function readyDocker(): Promise<'ready' | 'absent' | 'broken'> {
  try {
    const engine = await readyOwnEngine()
    if (engine.kind === 'ready') return 'ready'
    progress.warn(engine.reason)
    progress.warn(
      `NO CONTAINERS${needsDocker ? ', and here they are required: only what needs no more than the packages is tested.' : ': the tests that need them are skipped.'}`,
    )
    return 'absent'
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error
    progress.warn(error.message)
    return 'broken'
  }
}

async function checkSources(): Promise<Done> {
  const checks = [
    await check('Types', 'tsc', ['--noEmit']),
    await check('Types of the console', 'tsc', ['--noEmit', '-p', 'src/console']),
    await check('Style', 'biome', ['check']),
  ]
  return { ...nothing, isGood: !checks.includes(false) }
}

/** The last line is for programs that read along: alone, and the same whatever happened. */
function close(report: Report, isGood: boolean): number {
  const counts = countTests(report)
  tellTimes(report.testResults)
  for (const failure of failuresIn(report)) progress.warn(failure)
  if (counts.passed + counts.failed === 0) progress.warn('No test ran.')
  else if (!isGood && counts.failed === 0) {
    progress.warn(
      'The tests passed; the set-up, the types or the style did not, or vitest failed outside of them: see above.',
    )
  }
  console.log(`\n${closingLine(counts)}`)
  return isGood && counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

async function check(title: string, program: string, args: string[]): Promise<boolean> {
  return (await runCaptured(program, args, {}, `${title} (${[program, ...args].join(' ')})`)) === 0
}

async function runTests(args: string[], run: Run, hasDocker: boolean): Promise<Done> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-tests-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  try {
    const all = ['run', '--config', 'test/vitest.config.ts', ...reporters, ...args]
    const code = await run(
      'vitest',
      all,
      { TAIBAI_TEST_DOCKER: hasDocker ? '1' : '0' },
      'Tests of the ring fast (vitest)',
    )
    return { report: readReport(file), isGood: code === 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tellTimes(files: TimedFile[]): void {
  if (files.length < 2) return
  progress.step('Where the time went')
  for (const line of timesOf(files, ['docker', 'process', 'console', 'engines', 'openstack'])) progress.detail(line)
}

function readReport(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // vitest ended before it wrote a report.
    return { testResults: [] }
  }
}

/** With our own terminal, so that colours and progress are as usual; never with our input. */
const runVisibly: Run = (program, args, env) =>
  ended(program, spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } }))

/** Beside other work: what it prints comes in one piece when it has ended, below a title. */
const runCaptured: Run = async (program, args, env, title) => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text))
  const code = await ended(program, child)
  progress.step(title)
  process.stdout.write(printed)
  return code
}

function ended(program: string, child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      progress.warn(`${program}: ${error.message}`)
      resolve(127)
    })
    child.on('close', (code) => resolve(code ?? 1))
  })
}

await runScript(main)
