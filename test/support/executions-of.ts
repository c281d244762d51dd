import type { ServerProcess } from './server-process.ts'
import { waitUntil } from './wait-until.ts'

// biome-ignore lint/suspicious/noExplicitAny: as the API shows it
type Shown = any

/** The execution when it has ended. */
export function ended(server: ServerProcess, id: string, timeoutMs?: number): Promise<Shown> {
  return waitUntil(
    `execution ${id} has ended`,
    async () => {
      const { json } = await server.must('GET', `/v1/executions/${id}`)
      return json.status !== 'running' && json
    },
    timeoutMs,
  )
}

/** Fulfilled when this many runs have got their workers. */
export async function atWork(server: ServerProcess, count = 1): Promise<void> {
  await waitUntil(`${count} runs are at work`, async () => {
    const listed: Shown[] = (await server.must('GET', '/v1/executions?status=running')).json.executions
    // A list shows what is written down; who works on a run is known to the run itself.
    const shown = await Promise.all(listed.map(({ id }) => server.must('GET', `/v1/executions/${id}`)))
    return shown.filter(({ json }) => json.worker !== null).length >= count
  })
}
