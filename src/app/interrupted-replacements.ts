import type { FaasError } from '../domain/errors.ts'
import type { Fn, FunctionStore } from '../domain/functions/function.ts'
import type { WhiskEntityStore } from '../domain/functions/openwhisk.ts'
import type { Log } from '../domain/runs/log.ts'
import { functionNameOf } from '../http/openwhisk/names.ts'

export interface LeftReplacementsParts {
  functions: Pick<FunctionStore, 'list' | 'findByName' | 'update' | 'delete'>
  whiskEntities: Pick<WhiskEntityStore, 'ofFunction' | 'put'>
  log: Log
}

/**
 * An earlier release named a function `replaced-<id>` while another of its name was made, and a crash left it so. An action of
 * OpenWhisk knows its name: it gets it back, or goes where the other is there. The log tells of those whose name nobody knows.
 */
export function settleReplacements(parts: LeftReplacementsParts): void {
  for (const fn of parts.functions.list(null)) if (fn.name === `replaced-${fn.id}`) settle(parts, fn)
}

function settle({ functions, whiskEntities, log }: LeftReplacementsParts, fn: Fn): void {
  const about = { function: fn.id, project: fn.projectId }
  const entity = whiskEntities.ofFunction(fn.id)
  if (entity === null) {
    const help = `taibai update ${fn.id} --name NAME, or, if its successor exists, taibai delete ${fn.id}`
    return log.warn({ ...about, help }, 'a function lost its name when an earlier release ended while it was replaced')
  }
  const name = functionNameOf(entity.name)
  try {
    const successor = functions.findByName(fn.projectId, name)
    if (successor === null) {
      functions.update({ ...fn, name })
      return log.warn(
        { ...about, name },
        'a function got back the name that an earlier release removed when it replaced the function',
      )
    }
    whiskEntities.put({ ...entity, functionId: successor.id })
    functions.delete(fn.id)
    log.warn({ ...about, name }, 'a function that an earlier release had replaced is removed; its successor exists')
  } catch (error) {
    log.warn(
      { ...about, name, reason: (error as FaasError).message },
      'a function that was being replaced stays as it is',
    )
  }
}
