import { apiHostName } from '../../../domain/platform/api-access.ts'
import type { SandboxSpec } from '../sandbox.ts'
import type { MemoryMount, ServiceOptions } from './service-options.ts'
import { inMemory, labelsOf, nameOf, type TaskDefaults, type TaskParts, taskTemplate } from './task-spec.ts'

/** Name of an image for the helper beside it. */
export const imageName = 'image'

/**
 * The request to the swarm for a function's own image: as a worker's, without its key. The node keeps a little of its output, from where
 * it comes to the server.
 */
export function imageServiceOptions(
  spec: SandboxSpec & { args?: string[] },
  defaults: TaskDefaults,
  parts: Omit<TaskParts, 'secret'>,
): ServiceOptions {
  const { entryPoint, workingDirectory, args = spec.command } = spec
  const template = taskTemplate(spec, defaults, parts)
  return {
    Name: nameOf(defaults.instance, spec.name),
    Labels: labelsOf(defaults.instance, spec.name),
    TaskTemplate: {
      ...template,
      ContainerSpec: {
        ...template.ContainerSpec,
        ...(entryPoint !== undefined && { Command: entryPoint }),
        ...(args !== null && { Args: args }),
        ...(workingDirectory !== undefined && { Dir: workingDirectory }),
        ...(spec.reachesApi && { Hosts: [`${defaults.apiAddress} ${apiHostName}`] }),
        Mounts: folders(spec, defaults, parts),
      },
      LogDriver: { Name: 'local', Options: { 'max-size': '1m', 'max-file': '2', compress: 'false' } },
      Networks: [{ Target: parts.networkId, Aliases: [imageName] }],
    },
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: 'dnsrr' },
  }
}

/** Where the image has the folder, the engine copies its mode: the image's user must own it. */
function folders(
  { tmpSizeBytes = null, writable = [] }: SandboxSpec,
  { tmpSizeMb }: TaskDefaults,
  { user }: Pick<TaskParts, 'user'>,
): MemoryMount[] {
  const options = `size=${tmpSizeBytes ?? `${tmpSizeMb}m`},mode=1777`
  return [
    inMemory('/tmp', options),
    ...writable.map((path) => inMemory(path, `${options},uid=${user.uid},gid=${user.gid}`)),
  ]
}
