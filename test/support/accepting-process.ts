/** Accepts runs without end and prints the id of each accepted one, until it is killed. Arguments: ledger.db, runs at once. */
import { systemClock } from '../../src/domain/clock.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { SqliteLedger } from '../../src/store/ledger.ts'
import { aFinishedExecution, anExecution } from './builders.ts'

const [path, atOnce] = process.argv.slice(2)
const onFatal = () => process.exit(1)
const ledger = new SqliteLedger({ path: path as string, clock: systemClock, log: silentLog, onFatal })

async function acceptForEver(): Promise<never> {
  for (;;) {
    const execution = anExecution({ sync: false, functionId: 'accepted' })
    await ledger.accept(execution)
    process.stdout.write(`${execution.id}\n`)
    const other = aFinishedExecution({ functionId: 'closed' })
    ledger.open(other)
    ledger.close(other)
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, acceptForEver))
