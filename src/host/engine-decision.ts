import type { EngineAnswer } from './engine-client.ts'

/** Decides what to do about the machine's container engine, from facts alone. */

export interface EngineFacts {
  /** Where the server will connect to the engine: unix://… or tcp://… */
  address: string
  /** True when the address is set (TAIBAI_DOCKER_HOST or DOCKER_HOST). */
  addressIsGiven: boolean
  answer: EngineAnswer
  /** Other addresses of this machine where an engine answers, such as Podman's. */
  others: string[]
  platform: NodeJS.Platform
  isRoot: boolean
  /** True when dockerd is installed. */
  hasDaemon: boolean
  /** True when an engine may be installed. */
  mayInstall: boolean
  /** True when apt-get exists. */
  hasApt: boolean
  hasSystemd: boolean
}

export type EngineDecision = { do: 'use' | 'start' | 'install' } | { do: 'give up'; reason: string }

export function decideEngine(facts: EngineFacts): EngineDecision {
  if (facts.answer === 'yes') return { do: 'use' }
  if (facts.answer === 'denied') return giveUp(denied(facts))
  if (facts.addressIsGiven) {
    return giveUp(
      `DOCKER_HOST asks for the Docker engine at ${facts.address}, and none answers there. Start that engine, or unset DOCKER_HOST.`,
    )
  }
  const isOwnLinux = facts.platform === 'linux' && facts.isRoot
  if (isOwnLinux && facts.hasDaemon) return { do: 'start' }
  if (isOwnLinux && facts.hasApt && facts.mayInstall) return { do: 'install' }
  return giveUp(howToGetOne(facts))
}

function denied(facts: EngineFacts): string {
  return `A Docker engine is at ${facts.address}, but this user may not use it. Add the user to the group "docker" (sudo usermod -aG docker "$USER") and log in again, or run this command as root.`
}

/** The three ways: let us install an engine, get one otherwise, or do without. */
function howToGetOne(facts: EngineFacts): string {
  const ways = [
    installingUs(facts),
    havingOne(facts),
    '--engine process: no engine and NO ISOLATION; only for code that you trust',
  ]
  return `No container engine answers at ${facts.address}. Three ways to go on:\n${ways.map((way, at) => `  ${at + 1}. ${way}`).join('\n')}`
}

function installingUs({ platform, isRoot, hasApt, mayInstall }: EngineFacts): string {
  if (platform !== 'linux' || !hasApt)
    return 'install Docker Engine for this system (the page "Install Docker Engine" of the Docker documentation), start it, and run this command again'
  if (!isRoot)
    return 'run this command as root with --install: it installs and starts Docker from the packages of this system'
  return mayInstall
    ? 'run this command again'
    : 'run this command with --install: it installs and starts Docker from the packages of this system'
}

function havingOne({ others, hasDaemon, hasSystemd }: EngineFacts): string {
  const [other] = others
  if (other !== undefined) return `use the engine that answers at ${other}: set TAIBAI_DOCKER_HOST=${other}`
  const start = hasSystemd ? 'sudo systemctl start docker' : 'sudo dockerd'
  if (hasDaemon) return `start the Docker engine that is installed (${start})`
  return 'set TAIBAI_DOCKER_HOST to an engine that runs elsewhere, such as unix:///run/podman/podman.sock'
}

function giveUp(reason: string): EngineDecision {
  return { do: 'give up', reason }
}
