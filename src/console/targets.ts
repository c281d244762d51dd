import type { AliasRow } from '../client/resources/aliases.ts'
import type { FunctionRow } from '../client/resources/functions.ts'
import { get, type Problem } from './api.ts'
import { useLoad } from './load.ts'
import type { TargetRows } from './pages/target-choice.ts'

/** What triggers may run; undefined while one of the lists is unknown. */
export function useTargets(): { targets: TargetRows | undefined; problem: Problem | undefined } {
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const aliases = useLoad(() => get<{ function_aliases: AliasRow[] }>('/v1/aliases'), [])
  const targets = functions.data &&
    aliases.data && { functions: functions.data.functions, aliases: aliases.data.function_aliases }
  return { targets, problem: functions.problem ?? aliases.problem }
}
