import { FaasError } from '../errors.ts'
import type { Fn } from '../functions/function.ts'
import { canSee, type Principal } from '../platform/principal.ts'
import type { Dependent } from './trigger.ts'

const words: Record<Dependent['kind'], string> = {
  job: 'jobs that are not finished',
  webhook: 'webhooks',
  alias: 'aliases',
  source: 'sources',
  function: 'functions',
}
const mostNamed = 5

/** A function that uses a secret or a runtime. */
export const functionHolder = ({ id, name, projectId }: Fn): Dependent => ({ kind: 'function', id, name, projectId })

/**
 * The holders that are deleted together with something. Throws FaasError `in_use` that names what prevents it: without `cascade`
 * every holder, with it those in projects that the caller does not see.
 */
export function dependentsToRemove(who: Principal, what: string, holders: Dependent[], cascade: boolean): Dependent[] {
  const inTheWay = cascade ? holders.filter(({ projectId }) => !canSee(who, projectId)) : holders
  refuseWhileInUse(who, what, inTheWay, cascade ? '' : ', or delete with ?cascade=true')
  return holders
}

export function refuseWhileInUse(who: Principal, what: string, holders: Dependent[], otherWay = ''): void {
  if (holders.length === 0) return
  const kinds = [...new Set(holders.map(({ kind }) => kind))]
  const named = kinds.map((kind) => `${words[kind]} (${idsOf(who, holders, kind)})`)
  throw new FaasError('in_use', `${what} has ${named.join(' and ')}; remove or finish them first${otherWay}.`)
}

function idsOf(who: Principal, holders: Dependent[], kind: Dependent['kind']): string {
  const ofKind = holders.filter((holder) => holder.kind === kind)
  const visible = ofKind.filter(({ projectId }) => canSee(who, projectId))
  const ids = visible.slice(0, mostNamed).map(({ id, name }) => (name ? `${name} ${id}` : id))
  if (visible.length > mostNamed) ids.push(`${visible.length - mostNamed} more`)
  if (ofKind.length > visible.length) ids.push(`${ofKind.length - visible.length} of other projects`)
  return ids.join(', ')
}
