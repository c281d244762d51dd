import { type Execution, resultText } from '../domain/execution.ts'
import { shownTime } from './time.ts'

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
