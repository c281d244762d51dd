import type { Execution } from '../../domain/runs/execution.ts'
import { errorTypes } from '../../domain/runs/outcome.ts'
import type { ResultDelivery } from '../../domain/runs/run-options.ts'
import type { Target } from '../functions/targets.ts'

/** Where the result of a finished run goes; null: nowhere. The call's destinations have priority over the function's. A cancelled run's result is not delivered. */
export function resultDeliveryOf(
  { terms, status, error, projectId }: Execution,
  target: Target | null,
): ResultDelivery | null {
  if (error?.type === errorTypes.cancelled) return null
  const which = status === 'success' ? 'onSuccess' : 'onFailure'
  const ofCall = terms?.[which]
  const to = ofCall ?? target?.fn[which]
  if (to === undefined || to === null) return null
  const asks = ofCall === undefined ? (target?.fn.projectId ?? projectId) : projectId
  return { to, projectId: asks, state: 'pending', attempts: 0, error: null }
}
