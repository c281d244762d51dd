import { type Finding, ok, problem, warning } from '../../../domain/platform/finding.ts'
import type { NodeAnswer } from './service-options.ts'
import type { SwarmFacts } from './swarm-client.ts'
import { placesIn } from './task-state.ts'

const area = 'swarm'

/** A lost node becomes Down after three heartbeats. */
const heartbeatsUntilDown = 3
const goodHeartbeatMs = 1500

/** The swarm's properties, what it does not report about tasks, and the workarounds. Pure. */
export function swarmFindings(facts: SwarmFacts, nodes: NodeAnswer[]): Finding[] {
  const places = placesIn(nodes)
  const names = places.map(nameOf).join(', ')
  const nodesFound =
    places.length === 0
      ? problem(area, 'No node takes tasks.', 'See docker node ls; docker node update --availability active NODE.')
      : ok(area, `Workers run on ${places.length} of ${nodes.length} nodes: ${names}.`)
  return [nodesFound, ...away(nodes), ...slow(facts), ...always, ...ofOldEngines(facts)]
}

const nameOf = ({ ID, Description }: NodeAnswer): string => Description?.Hostname ?? ID

const away = (nodes: NodeAnswer[]): Finding[] =>
  nodes
    .filter(({ Status }) => Status.State !== 'ready')
    .map((node) =>
      warning(
        area,
        `The node ${nameOf(node)} does not answer.`,
        'Its workers ended; it gets new ones when it is back.',
      ),
    )

const slow = ({ heartbeatMs }: SwarmFacts): Finding[] =>
  heartbeatMs <= goodHeartbeatMs
    ? []
    : [
        warning(
          area,
          `A node that is lost is noticed after about ${(heartbeatMs * heartbeatsUntilDown) / 1000} s: calls on it wait as long.`,
          'docker swarm update --dispatcher-heartbeat 1s',
        ),
      ]

const always: Finding[] = [
  ok(
    area,
    'Limits are set when a task starts: workers that are kept ready serve functions of exactly their limits. Idle workers are not paused.',
  ),
  warning(
    area,
    'A swarm does not weigh tasks by cpu (cpu_max holds), nor limit swap: a function may take as much swap as memory.',
    'Give functions cpu_max, and nodes no swap.',
  ),
  warning(
    area,
    "The nodes' own services and the cloud's metadata address are open to functions: a swarm sets no firewall rules.",
    'On each node, in the chain DOCKER-USER: drop what docker_gwbridge sends to them.',
  ),
]

/** Fields that the API ignores before version 1.44. */
const ofOldEngines = ({ apiVersion }: SwarmFacts): Finding[] =>
  Number(apiVersion.split('.')[1] ?? 0) >= 44
    ? []
    : [
        warning(
          area,
          `Docker with API ${apiVersion} gives tasks its own seccomp profile in place of ours, and cannot say no-new-privileges; all capabilities are dropped.`,
          'Use Docker 25 or newer on all nodes.',
        ),
      ]
