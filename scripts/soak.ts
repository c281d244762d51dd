// Long runs against a server of their own: a load of everything with faults, or `kill -9` again and again.
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

const usage = `npm run soak                          10 minutes of everything, with a fault every few seconds
npm run soak -- --minutes 60          so many minutes
npm run soak -- --kill                200 rounds of kill -9 under a load of everything, and what was counted
npm run soak -- --kill --rounds 20 --engine docker --seed 7`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    kill: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '200' },
    engine: { type: 'string', default: 'process' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(usage)
else process.exitCode = await (values.kill ? killRounds() : soakMinutes())

function soakMinutes(): Promise<number> {
  return run(process.execPath, ['scripts/bench/main.ts', 'soak'], { BENCH_MINUTES: values.minutes })
}

/** The test that the ring of whole servers runs for a few rounds. */
function killRounds(): Promise<number> {
  const { rounds, engine, seed } = values
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'process', 'test/process/crash.test.ts']
  const env = {
    TAIBAI_TEST_CRASH_ROUNDS: rounds,
    ...(seed === undefined ? {} : { TAIBAI_TEST_CRASH_SEED: seed }),
    ...(engine === 'docker' ? { TAIBAI_TEST_DOCKER: '1' } : {}),
  }
  return run('node_modules/.bin/vitest', [...args, '-t', `with the ${engine} engine`], env)
}

function run(program: string, args: string[], env: Record<string, string>): Promise<number> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code) => resolve(code ?? 1))
  })
}
