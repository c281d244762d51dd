import type { BuildAsked } from '../services/functions/builds.ts'
import type { Ctx } from './endpoint.ts'
import { lateErrorBody, type Told } from './error-response.ts'

/** Media type of an answer that tells how a build goes, a JSON object a line. */
export const linesType = 'application/x-ndjson'

export const linesDescription = `With "Accept: ${linesType}" a build is followed: from its first output on the answer is 200 and a line for each event, {"output": text} and at last {"function": …} or {"error": …}. What is refused before, and what needs no build, is answered as ever.`

interface Deployed {
  status: 200 | 201
  json: object
}

/**
 * The answer to a deployment. For a caller who asks for lines it begins with the first output of a build; all others wait
 * for its end. A caller who leaves does not end the build.
 */
export async function deploymentAnswer(
  c: Ctx,
  asked: BuildAsked,
  deploy: (build: BuildAsked) => Promise<Deployed>,
  told: Told,
): Promise<Response> {
  if (!c.req.header('Accept')?.includes(linesType)) {
    const { status, json } = await deploy(asked)
    return c.json(json, status)
  }
  const lines = new OutputLines()
  const work = deploy({ ...asked, onOutput: (output) => lines.output(output) })
  const first = await Promise.race([work, lines.begun])
  if (first !== 'begun') return c.json(first.json, first.status)
  work.then(
    ({ json }) => lines.end({ function: json }),
    (error: unknown) => lines.end({ error: lateErrorBody(c, error, told) }),
  )
  return c.body(lines.stream, 200, {
    'Content-Type': linesType,
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  })
}

/** Of output that a slow reader has not taken; what comes then is left out. */
const mostUnreadBytes = 1024 * 1024

class OutputLines {
  readonly begun: Promise<'begun'>
  readonly stream: ReadableStream<Uint8Array>
  #begin: (begun: 'begun') => void = () => {}
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #left = false
  #leftOut = false

  constructor() {
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        cancel: () => {
          this.#left = true
        },
      },
      { highWaterMark: mostUnreadBytes, size: ({ byteLength }) => byteLength },
    )
  }

  /** What is left out, the log of the build has. */
  output(output: string): void {
    this.#begin('begun')
    if ((this.#controller?.desiredSize ?? 0) <= 0) this.#leftOut = true
    else {
      if (this.#leftOut) this.#write({ output: '\n[…]\n' })
      this.#leftOut = false
      this.#write({ output })
    }
  }

  end(line: object): void {
    if (this.#leftOut) this.#write({ output: '\n[…]\n' })
    this.#write(line)
    if (!this.#left) this.#controller?.close()
  }

  #write(line: object): void {
    if (!this.#left) this.#controller?.enqueue(Buffer.from(`${JSON.stringify(line)}\n`))
  }
}
