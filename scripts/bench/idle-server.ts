import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { atMost, info, printTable, spread } from './figures.ts'
import { noteNoise } from './noise.ts'
import { type Cpu, cpuSince, rssMb } from './processes.ts'
import { handlerFile, invoke, startTaibai } from './taibai.ts'

/** An idle server with twenty idle workers. */

const workers = 20

export async function idleServer({ rounds, seconds }: { rounds: number; seconds: number }): Promise<object> {
  const taibai = await startTaibai({ MEMORY_BUDGET_MB: 128 * (workers + 8) })
  try {
    for (let n = 0; n < workers; n++) {
      await taibai.deploy(`f${n}`, readFileSync(handlerFile, 'utf8'))
      await invoke(taibai, `f${n}`)
    }
    await pause(5000)
    const measured: { cpuMs: Cpu; rss: number }[] = []
    for (let round = 0; round < rounds; round++) {
      await noteNoise()
      const before = taibai.cpu()
      await pause(seconds * 1000)
      measured.push({ cpuMs: cpuSince(before, taibai.cpu()), rss: rssMb(taibai.pid) })
    }
    const share = (of: (cpu: Cpu) => number) => spread(measured.map(({ cpuMs }) => of(cpuMs) / (seconds * 10)))
    const all = (name: string) => share((cpu) => cpu[name] as number).median.toFixed(2)
    printTable(`idle beside ${workers} idle workers`, [
      atMost(
        'server, % of a core',
        1,
        share(({ main, ledger, rest }) => (main ?? 0) + (ledger ?? 0) + (rest ?? 0)),
      ),
      info('of it: event loop + ledger + rest, %', `${all('main')} + ${all('ledger')} + ${all('rest')}`),
      info('the workers together, %', all('workers')),
      atMost('memory of the server, MB', 120, spread(measured.map(({ rss }) => rss)), 0),
    ])
    return measured
  } finally {
    await taibai.stop()
  }
}
