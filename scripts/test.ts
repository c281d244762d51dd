// All tests: sets up what they need, checks types and style, runs them, and closes with their count. Arguments go to vitest.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupProblem } from '../src/host/problem.ts'
import { ensureHostLanguages } from './setup/host-languages.ts'
import { readyOwnEngine } from './setup/own-engine.ts'
import { progress, runScript } from './setup/terminal.ts'
import { closingLine, countTests, type TestCounts, type TestReport } from './setup/test-counts.ts'
import { ensureTestPrograms } from './setup/test-programs.ts'
import { type TimedFile, timesOf } from './setup/test-times.ts'

const vitestArgs = process.argv.slice(2)
const needsDocker = process.env.CI === 'true' || process.env.TAIBAI_REQUIRE_DOCKER === '1'

async function main(): Promise<number> {
  await ensureHostLanguages()
  await ensureTestPrograms(process.env.CI === 'true')
  const docker = await readyDocker()
  if (docker === 'absent' && needsDocker) return close({ passed: 0, failed: 0, skipped: 0 }, false)
  const checks = [docker !== 'broken', ...(vitestArgs.length > 0 ? [] : await checkSources())]
  const { counts, code } = await runTests(docker === 'ready')
  if (counts.passed + counts.failed === 0) progress.warn('No test ran.')
  else if (code !== 0 && counts.failed === 0) {
    progress.warn('The tests passed, but vitest reported an error outside of them; see above.')
  }
  if (checks.includes(false)) progress.warn('The images, the types or the style need work; see above.')
  return close(counts, code === 0 && counts.failed === 0 && counts.passed > 0 && !checks.includes(false))
}

async function readyDocker(): Promise<'ready' | 'absent' | 'broken'> {
  try {
    const engine = await readyOwnEngine()
    if (engine.kind === 'ready') return 'ready'
    progress.warn(engine.reason)
    progress.warn(
      `NO CONTAINERS${needsDocker ? ', and here they are required: nothing is tested.' : ': the tests that need them are skipped.'}`,
    )
    return 'absent'
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error
    progress.warn(error.message)
    return 'broken'
  }
}

async function checkSources(): Promise<boolean[]> {
  return [
    await check('Types', 'tsc', ['--noEmit']),
    await check('Types of the console', 'tsc', ['--noEmit', '-p', 'src/console']),
    await check('Style', 'biome', ['check']),
  ]
}

/** The last line is for programs that read along: alone, and the same whatever happened. */
function close(counts: TestCounts, isGood: boolean): number {
  console.log(`\n${closingLine(counts)}`)
  return isGood ? 0 : 1
}

async function check(title: string, program: string, args: string[]): Promise<boolean> {
  progress.step(`${title} (${[program, ...args].join(' ')})`)
  return (await runVisibly(program, args)) === 0
}

async function runTests(hasDocker: boolean): Promise<{ counts: TestCounts; code: number }> {
  progress.step('Tests (vitest)')
  const folder = mkdtempSync(join(tmpdir(), 'taibai-tests-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  try {
    const args = ['run', '--config', 'test/vitest.config.ts', ...reporters, ...vitestArgs]
    const code = await runVisibly('vitest', args, { TAIBAI_TEST_DOCKER: hasDocker ? '1' : '0' })
    const report = readReport(file)
    tellTimes(report.testResults)
    return { code, counts: countTests(report) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tellTimes(files: TimedFile[]): void {
  if (files.length < 2) return
  progress.step('Where the time went')
  for (const line of timesOf(files, ['docker', 'process', 'console', 'engines', 'openstack'])) progress.detail(line)
}

function readReport(file: string): { testResults: (TestReport['testResults'][number] & TimedFile)[] } {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // vitest did not get as far as writing one.
    return { testResults: [] }
  }
}

/** With our own terminal, so that colours and progress are as usual; never with our input. */
function runVisibly(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
  child.on('error', (error) => {
    progress.warn(`${program}: ${error.message}`)
    resolve(127)
  })
  child.on('exit', (code) => resolve(code ?? 1))
  return promise
}

await runScript(main)
