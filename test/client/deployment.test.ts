import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { makeClient } from '../../src/client/client.ts'

test('A failed build that was followed is told without the lines that were just printed', async () => {
  const faultstring =
    'The build failed, and nothing was changed: why.\nIts last lines:\nnpm error 404\nnpm error\nIts whole output: taibai builds log one.'
  const lines = [{ output: 'npm error 404\n' }, { error: { code: 'build_failed', faultstring } }]
  const server = createServer((asked, answer) => {
    asked.resume()
    answer.setHeader('Content-Type', 'application/x-ndjson')
    answer.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = makeClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: null })
  try {
    const printed: string[] = []
    const deployed = client.functions.createFromZip({ name: 'a', runtime: 'python3' }, Buffer.from('PK'), {
      onOutput: (text: string) => printed.push(text),
    })
    await expect(deployed).rejects.toMatchObject({
      code: 'build_failed',
      message: 'The build failed, and nothing was changed: why.\nIts whole output: taibai builds log one.',
    })
    expect(printed).toEqual(['npm error 404\n'])
  } finally {
    client.close()
    server.close()
  }
})
