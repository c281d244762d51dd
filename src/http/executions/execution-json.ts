import { z } from '@hono/zod-openapi'
import { type Execution, resultText } from '../../domain/runs/execution.ts'
import { coldReasons } from '../../domain/runs/start-kind.ts'
import { phaseNames } from '../../services/runs/stats.ts'
import { shownTime } from '../time.ts'
import { shownDestination } from './run-option-fields.ts'

export const shownExecution = z
  .object({
    id: z.string(),
    function_id: z.string(),
    function_version: z.int(),
    function_alias: z.string().nullable(),
    description: z.string().nullable(),
    status: z.enum(['running', 'success', 'failed', 'error']),
    sync: z.boolean(),
    input: z.string().nullable(),
    result: z.string().nullable().openapi({ description: 'JSON text: `duration` in seconds, and `output`.' }),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    output: z.any().openapi({ description: 'What the function returned.' }),
    error: z
      .object({
        type: z.string(),
        message: z.string(),
        stack: z.string().nullable(),
        during: z.literal('load').optional().openapi({ description: 'Present when the code could not be loaded.' }),
      })
      .nullable(),
    attempt: z.int(),
    trigger: z.enum(['api', 'http', 'job', 'webhook', 'async', 'event']),
    trigger_id: z
      .string()
      .nullable()
      .openapi({ description: 'The job, webhook or source that made it, or the execution whose function called.' }),
    start_kind: z.enum(['warm', 'prewarmed', 'cold']).nullable(),
    cold_reason: z.enum(coldReasons).nullable(),
    phases: z
      .object(Object.fromEntries(phaseNames.map((name) => [name, z.number()])))
      .nullable()
      .openapi({ description: 'Milliseconds.' }),
    worker: z.string().nullable(),
    memory_peak_mb: z.number().nullable(),
    cpu_ms: z.number().nullable(),
    run_at: z.string().nullable().openapi({ description: 'Earliest start: after a delay, or of the next attempt.' }),
    dead_at: z.string().nullable().openapi({ description: 'Time at which it became a dead letter.' }),
    priority: z.int(),
    outputs: z
      .array(z.object({ name: z.string(), type: z.string(), to: z.string().nullable(), messages: z.array(z.string()) }))
      .nullable()
      .openapi({ description: 'What an app put into output bindings that nothing here reads.' }),
    delivery: z
      .object({
        to: shownDestination,
        state: z.enum(['pending', 'delivered', 'failed']),
        attempts: z.int(),
        error: z.string().nullable(),
      })
      .nullable()
      .openapi({ description: 'Whether its result has reached its destination.' }),
  })
  .openapi('Execution')

/**
 * An execution as JSON, the same in all responses: the contract's fields in its order, then ours. It is concatenated by hand
 * because every call needs it: `output` is JSON text already and is inserted as it is.
 */
export function executionJson(execution: Execution): string {
  const output = validJson(execution.output)
  const shown = output === execution.output ? execution : { ...execution, output }
  return `{${contractFields(shown)},${ourFields(shown)}}`
}

const contractFields = (execution: Execution): string =>
  `"id":"${execution.id}","function_id":"${execution.functionId}"` +
  `,"function_version":${execution.functionVersion},"function_alias":${quoted(execution.functionAlias)}` +
  `,"description":${quoted(execution.description)},"status":"${execution.status}","sync":${execution.sync}` +
  `,"input":${quoted(execution.input)},"result":${quoted(resultText(execution))}` +
  `,"project_id":${quoted(execution.projectId)},"created_at":"${shownTime(execution.createdAt)}"` +
  `,"updated_at":${quoted(shownTime(execution.updatedAt))}`

function ourFields(execution: Execution): string {
  const { error, phases, startKind, coldReason } = execution
  const isOver = execution.status !== 'running'
  return (
    `"output":${execution.output ?? 'null'},"error":${isOver && error !== null ? JSON.stringify(error) : 'null'}` +
    `,"attempt":${execution.attempt},"trigger":"${execution.trigger}","trigger_id":${quoted(execution.triggerId)}` +
    `,"start_kind":${quoted(startKind)},"cold_reason":${quoted(coldReason)}` +
    `,"phases":${isOver && phases !== null ? phasesJson(phases) : 'null'},"worker":${quoted(execution.worker)}` +
    `,"memory_peak_mb":${rounded(execution.memoryPeakMb)},"cpu_ms":${rounded(execution.cpuMs)}` +
    (execution.terms === null && execution.runAt === null && execution.deadAt === null && execution.delivery === null
      ? usualTerms
      : termsJson(execution)) +
    `,"outputs":${execution.outputs ?? 'null'}`
  )
}

const usualTerms = ',"run_at":null,"dead_at":null,"priority":0,"delivery":null'

function termsJson({ runAt, deadAt, terms, delivery }: Execution): string {
  return (
    `,"run_at":${quoted(shownTime(runAt))},"dead_at":${quoted(shownTime(deadAt))},"priority":${terms?.priority ?? 0}` +
    `,"delivery":${delivery === null ? 'null' : JSON.stringify({ ...delivery, projectId: undefined })}`
  )
}

const phasesJson = ({ queue, acquire, load, resume, run, total }: NonNullable<Execution['phases']>): string =>
  `{"queue":${rounded(queue)},"acquire":${rounded(acquire)},"load":${rounded(load)},"resume":${rounded(resume)}` +
  `,"run":${rounded(run)},"total":${rounded(total)}}`

const quoted = (text: string | null): string => (text === null ? 'null' : JSON.stringify(text))
const rounded = (value: number | null): string => (value === null ? 'null' : String(Math.round(value * 1000) / 1000))

/** A function can make its worker send invalid JSON, which must not corrupt the response around it. */
function validJson(text: string | null): string | null {
  if (text === null) return null
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}
