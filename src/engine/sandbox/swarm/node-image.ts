import { fullName } from '../../../domain/functions/image-use.ts'
import { defaultRegistry, registryOf } from '../../../domain/platform/registry.ts'

/** How the nodes of a swarm find an image. */
export interface NodeImage {
  /** An id, which no node asks a registry for, or a digest in a repository, which a node fetches when it does not have it. */
  reference: string
  isFetched: boolean
}

/** An image as the manager's engine describes it. */
export interface ImageAnswer {
  Id: string
  RepoDigests?: string[] | null
}

/**
 * Pure. A function's own image is fetched where the repository of its name has it, and one of a runtime where its name says in which
 * registry it is: those that were brought to the nodes are not asked for anywhere. The manager may have the image from other
 * repositories too, of which the function says nothing.
 */
export function nodeImageOf(image: string, { Id, RepoDigests }: ImageAnswer, isOfFunction: boolean): NodeImage {
  const mayBeFetched = isOfFunction || registryOf(image) !== defaultRegistry
  const digest = mayBeFetched ? RepoDigests?.find((one) => repositoryOf(one) === repositoryOf(image)) : undefined
  return { reference: digest ?? Id, isFetched: digest !== undefined }
}

/** The name without tag and digest. */
function repositoryOf(image: string): string {
  const name = fullName(image).split('@', 1)[0] as string
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name
}
