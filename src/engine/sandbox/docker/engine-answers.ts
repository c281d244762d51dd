import { FaasError } from '../../../domain/errors.ts'
import { isImageReference } from '../../../domain/functions/image.ts'
import { EngineRefusal } from '../../api/engine-api.ts'

/** What the engine's refusals and streams mean. */

/** Longest wait until a stream is open. */
export const streamMs = 120_000

export const engineFailed = (message: string, cause: unknown): FaasError =>
  new FaasError('engine_failed', message, { cause })

/** Asks the engine; `what`: what it could not do when that fails. */
export async function askEngine<T>(what: string, question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (cause) {
    throw engineFailed(`The Docker engine could not ${what}.`, cause)
  }
}

/** The reference becomes part of a URL of the engine's API, so it is checked here again regardless of who stored it. */
export function checkImage(image: string): void {
  if (isImageReference(image)) return
  throw new FaasError('engine_failed', `${JSON.stringify(image.slice(0, 100))} is not a name of a container image.`)
}

export const engineStatusOf = (error: unknown): number | undefined =>
  error instanceof EngineRefusal ? error.status : undefined

export const errorTextOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Podman answers 500 for a container that is being removed. */
export const isGone = (error: unknown): boolean =>
  engineStatusOf(error) === 404 || (engineStatusOf(error) === 500 && /no such container/i.test(String(error)))

/** 404: it is gone; 409: it does not run, or is being removed. */
export const unlessGone = (message: string) => (cause: unknown) => {
  if (!isGone(cause) && engineStatusOf(cause) !== 409) throw engineFailed(message, cause)
}

/** Each line is a JSON object. Other lines are skipped: what an engine sends must not end the process. */
export function readLines<Line>(stream: NodeJS.ReadableStream, onLine: (line: Line) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const value = parsed(line)
      if (typeof value === 'object' && value !== null) onLine(value as Line)
    }
  })
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
