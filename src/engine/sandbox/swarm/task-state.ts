import type { Machine } from '../../../domain/platform/machine.ts'
import type { Exit } from '../sandbox.ts'
import type { NodeAnswer, TaskAnswer } from './service-options.ts'

/** State of one worker's task, as the swarm's manager knows it. */
export type TaskState =
  /** `problem`: why it has no node yet. */
  | { kind: 'starting'; problem: string | null }
  | { kind: 'running' }
  /** `refusal`: why it never started; null: it did. */
  | { kind: 'ended'; exit: Exit; refusal: string | null }
  /** Its node sends no heartbeats any more. */
  | { kind: 'lost'; node: string }

const killedCode = 137

const isStarting = /^(new|pending|assigned|accepted|preparing|ready|starting)$/

/** Pure. What the swarm itself ended (a drained node, a removed service) was ended from outside. */
export function stateOf({ Status, NodeID, DesiredState }: TaskAnswer, nodes: NodeAnswer[]): TaskState {
  const node = nodes.find(({ ID }) => ID === NodeID)
  const name = node?.Description?.Hostname ?? NodeID ?? 'a node'
  const { State, Err, ContainerStatus } = Status
  if (node?.Status.State === 'down' && !hasEnded(State)) return { kind: 'lost', node: name }
  if (isStarting.test(State) && DesiredState !== 'shutdown') return { kind: 'starting', problem: Err ?? null }
  if (State === 'running') return { kind: 'running' }
  const code = ContainerStatus?.ExitCode ?? null
  // A container that fails has another code than 0: with none, its engine could not start it, or has lost it.
  const isOurs = State === 'complete' || (State === 'failed' && (code ?? 0) !== 0)
  const killed = code === killedCode && { mayBeMemory: true }
  const exit = isOurs
    ? { code, memoryExceeded: false, ...killed }
    : { code: null, memoryExceeded: false, fromOutside: true }
  return { kind: 'ended', exit, refusal: isOurs || State === 'shutdown' ? null : refusalOf(name, Err) }
}

/** Exit codes of a container that was stopped with its engine: SIGKILL, SIGTERM, or found dead by the next engine. */
const stoppedCodes = [killedCode, 143, 255]

/** Pure. A task that a signal ended while the manager or its node's engine was away was stopped with its machine or that engine. */
export function inDoubt(state: TaskState, wasAway: boolean): TaskState {
  if (state.kind !== 'ended' || !wasAway || !stoppedCodes.includes(state.exit.code ?? 0)) return state
  return { ...state, exit: { code: null, memoryExceeded: false, fromOutside: true } }
}

const hasEnded = (state: string): boolean => /^(complete|failed|rejected|shutdown)$/.test(state)

function refusalOf(node: string, problem: string | undefined): string {
  if (/no such image/i.test(problem ?? ''))
    return `The node ${node} does not have the worker's image: copy it there with taibai images push ssh://NODE.`
  return `The node ${node} could not start a worker: ${problem ?? 'it does not say why'}.`
}

/** Nodes that take tasks. */
export const placesIn = (nodes: NodeAnswer[]): NodeAnswer[] => nodes.filter(takesTasks)

const takesTasks = ({ Spec, Status }: NodeAnswer): boolean => Status.State === 'ready' && Spec.Availability === 'active'

/** All nodes, also drained and lost ones: calls that wait for them may be served later. Sorted by name. */
export const machinesOf = (nodes: NodeAnswer[]): Machine[] =>
  nodes
    .map((node) => ({
      id: node.ID,
      name: node.Description?.Hostname ?? node.ID,
      memoryBytes: node.Description?.Resources?.MemoryBytes ?? 0,
      processors: (node.Description?.Resources?.NanoCPUs ?? 0) / 1e9,
      labels: node.Spec.Labels ?? {},
      isOpen: takesTasks(node),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
