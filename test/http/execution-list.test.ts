import { setImmediate } from 'node:timers/promises'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import type { Execution } from '../../src/domain/runs/execution.ts'
import { ReadTurns } from '../../src/http/connection/read-turns.ts'
import { sendExecutions } from '../../src/http/executions/execution-list.ts'
import type { Ctx } from '../../src/http/request-context.ts'

test('searches of one project through many rows leave turns to the reads of another', async () => {
  const reads = new ReadTurns()
  let isRead = false
  async function* search(): AsyncGenerator<Execution[]> {
    for (let window = 0; window < 1000 && !isRead; window++) {
      yield []
      await setImmediate()
    }
    if (!isRead) throw new Error('The other project had no turn.')
  }
  const app = new Hono().get('/', (c) => {
    const ctx = c as unknown as Ctx
    ctx.set('who', { projectId: 'searching' } as Ctx['var']['who'])
    return sendExecutions(ctx, reads, 'executions', search())
  })
  const searches = Array.from({ length: 10 }, () => app.request('/', {}, { outgoing: { destroyed: false } }))
  await setImmediate()
  await reads.run('other', async () => {
    isRead = true
  })
  for (const response of await Promise.all(searches)) expect(await response.json()).toEqual({ executions: [] })
})
