import type { IncomingMessage } from 'node:http'
import { AttachedOutput } from '../container/attached-output.ts'
import type { OnOutput } from '../sandbox.ts'
import type { SwarmClient } from './swarm-client.ts'

/** Nodes deliver output a moment after it was printed, and say of no piece that it is the last. */
const quietMs = 700
const longestRestMs = 3000

/** What a task prints, followed through the manager from its beginning. */
export class TaskOutput {
  #stream: IncomingMessage | undefined
  /** Called with each piece. */
  #onPiece: () => void = () => {}
  #output: AttachedOutput

  constructor(onOutput: OnOutput) {
    this.#output = new AttachedOutput(onOutput)
  }

  /** When the manager cannot say it, the output is missing. */
  async follow(swarm: Pick<SwarmClient, 'output'>, serviceId: string): Promise<void> {
    this.#stream = await swarm.output(serviceId, true).catch(() => undefined)
    this.#stream?.on('data', (chunk: Buffer) => {
      this.#output.push(chunk)
      this.#onPiece()
    })
  }

  /** Resolves when nothing more is expected of a task that has ended. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      const last = setTimeout(resolve, longestRestMs)
      const quiet = setTimeout(resolve, quietMs)
      this.#onPiece = () => void quiet.refresh()
      for (const timer of [last, quiet]) timer.unref()
    })
    this.#onPiece = () => {}
    this.#stream?.destroy()
    this.#output.end()
  }
}

/** All that a task which has ended has printed. */
export async function outputOfEnded(
  swarm: Pick<SwarmClient, 'output'>,
  serviceId: string,
  onOutput: OnOutput,
): Promise<void> {
  const stream = await swarm.output(serviceId, false).catch(() => undefined)
  if (stream === undefined) return
  const output = new AttachedOutput(onOutput)
  const late = setTimeout(() => stream.destroy(), longestRestMs * 3)
  try {
    for await (const chunk of stream) output.push(chunk as Buffer)
  } catch {
    // What has come is kept.
  }
  clearTimeout(late)
  output.end()
}
