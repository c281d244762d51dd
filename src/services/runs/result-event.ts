import type { Execution } from '../../domain/runs/execution.ts'
import { type CloudEvent, depthAttribute } from '../../domain/triggers/cloud-event.ts'

/** The result of an accepted run as a CloudEvent. */
export function resultEvent(execution: Execution): CloudEvent {
  const { id, functionId, functionVersion, status, attempt, output, error, terms } = execution
  const about = { execution_id: id, function_id: functionId, function_version: functionVersion, status, attempt, error }
  const json = `${JSON.stringify(about).slice(0, -1)},"input":${inputJson(execution)},"output":${output ?? 'null'}}`
  return {
    attributes: {
      specversion: '1.0',
      id: `${id}/${execution.updatedAt}`,
      source: `/v1/functions/${functionId}`,
      type: `io.taibai.execution.${status === 'success' ? 'succeeded' : 'failed'}`,
      subject: id,
      time: new Date(execution.updatedAt ?? execution.createdAt).toISOString(),
      datacontenttype: 'application/json',
      [depthAttribute]: String((terms?.depth ?? 0) + 1),
    },
    data: { json },
  }
}

/** JSON input is embedded as JSON: escaped as text, its size would grow with every result of a result. */
const inputJson = ({ input, inputKind }: Execution): string =>
  inputKind === 'json' ? (input ?? 'null') : JSON.stringify(input)
