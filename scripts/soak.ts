// Long runs against a server of their own: a mixed load with faults, or repeated `kill -9`.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { endSignals, runInGroup } from './setup/run-in-group.ts'

const usage = `npm run soak                          10 minutes of everything, with a fault every few seconds
npm run soak -- --minutes 60          for this number of minutes
npm run soak -- --kill                200 rounds of kill -9 under a load of everything, and what was counted
npm run soak -- --kill --rounds 20 --engine docker --seed 7

--kill tells every tenth round, ends with a line of PASSED or FAILED, and with 0 only where every promise was kept. Asked to end
(Ctrl-C, SIGTERM), it finishes the round, checks what was promised so far, and removes what it made; asked again, it ends at once
and checks nothing. In the background:
  nohup npm run soak -- --kill > kill.log 2>&1 &`

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
else {
  const wrong = wrongIn(values)
  if (wrong !== null) console.error(`${wrong}\n\n${usage}`)
  process.exitCode = wrong !== null ? 2 : await (values.kill ? killRounds() : soakMinutes())
}

/** Null: the arguments are valid. */
function wrongIn({ minutes, rounds, engine, seed }: typeof values): string | null {
  if (!(Number(minutes) > 0)) return `--minutes has to be a number above 0, and is ${JSON.stringify(minutes)}.`
  if (!/^[1-9]\d*$/.test(rounds)) return `--rounds has to be a number of rounds, and is ${JSON.stringify(rounds)}.`
  if (!['process', 'docker'].includes(engine))
    return `--engine has to be process or docker, and is ${JSON.stringify(engine)}.`
  if (seed !== undefined && !/^\d+$/.test(seed)) return `--seed has to be a number, and is ${JSON.stringify(seed)}.`
  return null
}

function soakMinutes(): Promise<number> {
  return run(process.execPath, ['scripts/bench/main.ts', 'soak'], { BENCH_MINUTES: values.minutes }, {})
}

/** The test that the process ring runs for a few rounds. */
async function killRounds(): Promise<number> {
  const { rounds, engine, seed } = values
  const folder = mkdtempSync(join(tmpdir(), 'taibai-kill-'))
  const news = join(folder, 'news')
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'process', 'test/process/crash.test.ts']
  const env = {
    TAIBAI_TEST_CRASH_ROUNDS: rounds,
    TAIBAI_TEST_CRASH_NEWS: news,
    ...(seed === undefined ? {} : { TAIBAI_TEST_CRASH_SEED: seed }),
    ...(engine === 'docker' ? { TAIBAI_TEST_DOCKER: '1' } : {}),
  }
  const follow = new AbortController()
  void told(news, follow.signal)
  const askToEnd = () => {
    console.log('Asked to end: this round is the last, and what was promised so far is checked.')
    writeFileSync(`${news}.stop`, '')
  }
  try {
    const code = await run('node_modules/.bin/vitest', [...args, '-t', `with the ${engine} engine`], env, { askToEnd })
    const counts = newsIn(news).find((each) => each.counts !== undefined)?.counts
    const last = newsIn(news).findLast(({ round }) => round !== undefined)?.round ?? 0
    console.log(counts ?? `Ended after ${last} rounds without its counts.`)
    console.log(
      code === 0 && counts !== undefined ? `PASSED: ${last} rounds` : `FAILED after ${last} rounds, with ${code}`,
    )
    return code === 0 && counts === undefined ? 1 : code
  } finally {
    follow.abort()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface News {
  round?: number
  accepted?: number
  syncCalls?: number
  counts?: string
}

function newsIn(file: string): News[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line))
}

/** Prints every tenth round as it ends. */
async function told(file: string, signal: AbortSignal): Promise<void> {
  for (let from = 0; !signal.aborted; await pause(1000, undefined, { ref: false })) {
    const rounds = newsIn(file).filter(({ round }) => round !== undefined)
    for (const { round = 0, accepted, syncCalls } of rounds.slice(from)) {
      if (round % 10 === 0)
        console.log(`round ${round} of ${values.rounds}: ${accepted} accepted, ${syncCalls} sync calls`)
    }
    from = rounds.length
  }
}

/** `askToEnd`: what the first signal does; absent: it is passed on. */
function run(
  program: string,
  args: string[],
  env: Record<string, string>,
  { askToEnd }: { askToEnd?: () => void },
): Promise<number> {
  const options = { env: { ...process.env, ...env }, stdio: 'inherit' } as const
  if (askToEnd !== undefined) return runInGroup(program, args, options, askToEnd)
  const child = spawn(program, args, options)
  for (const signal of endSignals) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code) => resolve(code ?? 1))
  })
}
