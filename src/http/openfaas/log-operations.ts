import { invalid } from '../../domain/errors.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import type { Functions } from '../../services/functions/functions.ts'
import type { Executions } from '../../services/runs/executions.ts'
import { namespace } from './deployment.ts'
import type { GatewayAnswer, GatewayCall } from './gateway-call.ts'

interface Parts {
  functions: Functions
  executions: Executions
}

/** Limit of runs that are searched for a function's last lines. */
const mostRuns = 100
const usualLines = 1000
const mostLines = 10_000

/** The output of a function's last runs. The response ends with the existing lines: following is not supported. */
export class LogOperations {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  read = async ({ who, query }: GatewayCall): Promise<GatewayAnswer> => {
    const name = query.get('name') ?? ''
    if (name === '') throw invalid('"name" must be the name of a function.')
    const fn = this.#parts.functions.get(who, name)
    const sinceMs = Date.parse(query.get('since') ?? '') || 0
    const tail = tailIn(query)
    let lines: object[] = []
    let runs = 0
    const conditions = [{ column: 'function_id' as const, op: 'eq' as const, values: [fn.id] }]
    const page = { limit: null, marker: null, newestFirst: true }
    for await (const slice of this.#parts.executions.list(who, {
      filter: { projectId: who.projectId, conditions },
      page,
    })) {
      for (const execution of slice) {
        if (execution.createdAt < sinceMs || ++runs > mostRuns || lines.length >= tail) return shown(lines, tail)
        const { log } = await this.#parts.executions.get(who, execution.id)
        lines = [...messagesOf(name, execution, log, tail), ...lines]
      }
    }
    return shown(lines, tail)
  }
}

const shown = (lines: object[], tail: number): GatewayAnswer => ({ status: 200, lines: lines.slice(-tail) })

/** Clients request all lines with -1. */
function tailIn(query: URLSearchParams): number {
  const asked = Math.floor(Number(query.get('tail')))
  return asked >= 1 ? Math.min(asked, mostLines) : usualLines
}

/** The last lines of a run. */
function messagesOf(name: string, { id, createdAt }: Execution, log: string, most: number): object[] {
  const timestamp = new Date(createdAt).toISOString()
  const texts = log.split('\n').filter((line) => line !== '')
  return texts.slice(-most).map((text) => ({ name, namespace, instance: id, timestamp, text }))
}
