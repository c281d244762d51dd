import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take longest, in about this order. Vitest knows nothing of earlier runs in a fresh clone, would take the largest files for
 * the longest, and one project after the other: these would be alone at the end, with nothing beside them.
 */
const longest = [
  ...['runtimes/conformance', 'runtimes/conformance-tcp', 'runtimes/nodejs', 'scheduler/cron-zones', 'store/ledger'],
  // Those of openstack one after the other, however many run at once: the next begins when the one before has ended.
  ...['openstack/commands', 'console/console', 'docker/conformance', 'process/stopping', 'process/crash'],
  ...['process/functions', 'openstack/failures', 'process/executable', 'process/package', 'docker/server-image'],
  ...['docker/images', 'docker/contract', 'openstack/keystone', 'process/starting', 'process/hostile-functions'],
  ...['process/openapi-fuzz', 'process/data', 'process/cli', 'docker/network', 'docker/isolation'],
  ...['openstack/stories', 'process/engine-lost', 'docker/containers', 'process/aws-clients'],
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const at = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
  return at < 0 ? longest.length : at
}
