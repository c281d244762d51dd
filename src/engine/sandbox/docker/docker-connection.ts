import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FaasError } from '../../../domain/errors.ts'
import { refusalOf } from '../../../domain/platform/engine-report.ts'
import type { RegistrySecret } from '../../../domain/platform/registry.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { engineReport, hasInit, type InfoAnswer } from '../../api/engine-report.ts'
import { addressTowards } from '../container/address-towards.ts'
import type { LinkTls } from '../container/link-tls.ts'
import { seccompProfile } from '../container/seccomp-profile.ts'
import { type UserRange, WorkerUsers } from '../container/worker-users.ts'
import type { ContainerDefaults } from './container-spec.ts'
import type { DockerBuilderOptions } from './docker-builder.ts'
import { connectDocker, type DockerClient } from './docker-client.ts'
import { EgressNetwork, type EgressOptions } from './egress-network.ts'
import { engineSeesFilesOf, hasBridge, wrongCgroupParent } from './engine-facts.ts'
import { EtcFiles } from './etc-files.ts'
import { type LinkAddress, linkAddressOf } from './link-address.ts'
import { hostPath, ownContainerId } from './own-container.ts'
import { WorkerCalls } from './worker-calls.ts'

type Found =
  | 'api'
  | 'egressNetwork'
  | 'closedNetwork'
  | 'extraHosts'
  | 'isApart'
  | 'hasOwnerlessMemory'
  | 'hasInit'
  | 'seccomp'
  | 'hostPath'

export interface DockerEngineOptions extends Omit<ContainerDefaults, Found>, EgressOptions {
  /** Address of the engine; undefined: the local socket. */
  host: string | undefined
  /** Users of the processes inside containers. */
  users: UserRange
  /** Parent of the workers' folders; the engine must be able to mount them. */
  workersDir?: string
  /** Credentials for the registry of an image; absent: anonymous. */
  credentials?: (image: string) => RegistrySecret | null
  /** Called for each image that was pulled. */
  onPulled?: (image: string) => void
  /** How workers reach the server; undefined: detected. */
  link?: 'auto' | 'folder' | 'tcp' | undefined
  /** Options of package builds; undefined: packages are not built. */
  build?: DockerBuilderOptions | undefined
  /** `host` or `host:port` at which workers reach the server over TCP. */
  linkAddress?: string | undefined
  /** Whether they speak TLS then; undefined: where that leaves this machine. */
  linkTls?: LinkTls | undefined
  /** Whether an engine that is less safe than Docker as root is taken; undefined: it is refused. */
  weakEngine?: 'refuse' | 'accept' | undefined
}

/** An engine that was found fit, and what stands ready on it for containers. */
export interface DockerConnection {
  docker: DockerClient
  network: EgressNetwork
  calls: WorkerCalls
  users: WorkerUsers
  defaults: ContainerDefaults
  pull(image: string): Promise<void>
}

/** Finds out what the engine is and how workers on it reach this server. Throws when functions would not be safe on it. */
export async function connectDockerEngine(options: DockerEngineOptions, log: Log): Promise<DockerConnection> {
  const docker = await connectDocker(options.host)
  const own = await ownPlace(docker)
  const { link = 'auto', workersDir } = options
  if (workersDir !== undefined && link !== 'tcp') own?.hostPath(workersDir)
  const etc = new EtcFiles(options.etcFolder, options.users.firstUid)
  const users = new WorkerUsers(options.users, (user) => etc.name(user))
  const network = await EgressNetwork.make(docker, options, log)
  try {
    return { docker, network, users, ...(await ready(docker, network, own, options, log)) }
  } catch (error) {
    await disconnectDockerEngine({ docker, network })
    throw error
  }
}

/** Nothing of the connection stays on the engine. */
export async function disconnectDockerEngine({
  docker,
  network,
}: Pick<DockerConnection, 'docker' | 'network'>): Promise<void> {
  await network.remove()
  docker.close()
}

async function ready(
  docker: DockerClient,
  egress: EgressNetwork,
  own: OwnPlace | null,
  options: DockerEngineOptions,
  log: Log,
): Promise<Pick<DockerConnection, 'calls' | 'defaults' | 'pull'>> {
  const info = await docker.info()
  lookOver(docker, info, options.weakEngine ?? 'refuse', log)
  const wrong = wrongCgroupParent(options.cgroupParent, info.CgroupDriver)
  if (wrong !== null) throw new FaasError('engine_failed', wrong)
  const place = await findPlace(docker, options, own, info, egress)
  const { linkTls = 'auto' } = options
  const ownContainer = own?.hasHostNetwork === false ? own.id : null
  const calls = await WorkerCalls.make(place, { docker, options, egress, ownContainer, linkTls, log })
  const found = {
    egressNetwork: egress.name,
    closedNetwork: calls.closed?.name,
    extraHosts: calls.extraHosts,
    isApart: place.kind !== 'folder',
    hasOwnerlessMemory: docker.isPodman,
    hasInit: hasInit(info),
    seccomp: seccompFor(docker, options.etcFolder, place, own, log),
    hostPath: own?.hostPath,
  }
  const pull = async (image: string) => {
    await docker.images.pull(image, options.credentials?.(image) ?? null)
    options.onPulled?.(image)
  }
  log.info({ version: docker.version, link: place.kind }, 'docker engine connected')
  return { calls, defaults: { ...options, ...found }, pull }
}

/** Docker takes the profile's text; Podman takes a path on its own machine. Null: the engine's default profile is used. */
function seccompFor(
  { isPodman }: DockerClient,
  folder: string,
  place: LinkAddress,
  own: OwnPlace | null,
  log: Log,
): string | null {
  const profile = JSON.stringify(seccompProfile())
  if (!isPodman) return profile
  if (place.kind !== 'folder') {
    log.warn({}, "functions run with Podman's own seccomp profile: it does not see our file with a tighter one")
    return null
  }
  const file = join(folder, 'seccomp.json')
  writeFileSync(file, profile)
  return own?.hostPath(file) ?? file
}

interface OwnPlace {
  id: string
  hasHostNetwork: boolean
  /** Maps a folder of ours to the engine's path. */
  hostPath(path: string): string
}

/** Null: the server is not a container of this engine, so both use the same paths. */
async function ownPlace(docker: DockerClient): Promise<OwnPlace | null> {
  const id = ownContainerId()
  const place = id === null ? null : await docker.containers.placeOf(id)
  if (id === null || place === null) return null
  const { mounts, hasHostNetwork } = place
  return { id, hasHostNetwork, hostPath: (path) => hostPath(mounts, path) }
}

async function findPlace(
  docker: DockerClient,
  { host, link: wish = 'auto', linkAddress: address, etcFolder, workersDir }: DockerEngineOptions,
  own: OwnPlace | null,
  info: InfoAnswer,
  network: EgressNetwork,
): Promise<LinkAddress> {
  const asks = wish === 'auto' && workersDir !== undefined
  return linkAddressOf({
    wish,
    address,
    seesOurFiles: asks
      ? await engineSeesFilesOf(docker, etcFolder, own?.hostPath ?? ((path) => path))
      : wish === 'auto',
    isNeighbour: own?.hasHostNetwork === false,
    sharesNetwork: hasBridge(network.bridge),
    isDesktop: info.OperatingSystem === 'Docker Desktop',
    ownAddress: wish === 'folder' ? null : await addressTowards(host),
  })
}

/** Says what the engine cannot do. Throws when functions would not be safe on it. */
function lookOver({ version, isPodman }: DockerClient, info: InfoAnswer, wish: 'refuse' | 'accept', log: Log): void {
  const report = engineReport({ Version: version, Components: isPodman ? [{ Name: 'Podman' }] : [] }, info)
  const refusal = refusalOf(report)
  if (refusal !== null && wish === 'refuse') throw new FaasError('engine_failed', refusal)
  for (const { state, says, remedy } of report.findings) if (state !== 'ok') log.warn({ remedy }, says)
}
