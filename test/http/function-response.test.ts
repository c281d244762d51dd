import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { Execution } from '../../src/domain/runs/execution.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { sendFunctionResponse } from '../../src/http/functions/function-response.ts'
import { aFinishedExecution } from '../support/builders.ts'

async function answered(execution: Execution, body: Buffer): Promise<{ headers: Headers; body: Buffer }> {
  const usage = { runMs: 1, cpuMs: null, memoryPeakMb: null }
  const outcome: Outcome = { kind: 'returned', value: { kind: 'json', body }, ...usage }
  const server = createServer((_incoming, outgoing) =>
    sendFunctionResponse(outgoing, execution, outcome, { isOwn: true, failure: 'fault' }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const came = Buffer.from(await response.arrayBuffer())
  server.close()
  return { headers: response.headers, body: came }
}

test('An answer from a record has the date of the answer, not of the run', async () => {
  const execution = aFinishedExecution({ output: '1', updatedAt: Date.UTC(2020, 0, 1) })
  const { headers } = await answered(execution, Buffer.from('1'))
  expect(Date.now() - Date.parse(headers.get('Date') ?? '')).toBeLessThan(3_600_000)
})

test.each(['"hello"', '"grüße"', '"\xe9"', '"\ufffd"'])('The bytes of %j are answered as they are', async (text) => {
  const body = Buffer.from(text, text === '"\xe9"' ? 'latin1' : 'utf8')
  const came = await answered(aFinishedExecution({ output: body.toString('utf8') }), body)
  expect(came.body).toEqual(body)
})
