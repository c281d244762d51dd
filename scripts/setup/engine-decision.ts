// What to do about the Docker engine of a host, decided from facts alone.

export interface EngineFacts {
  /** Where the server will look for the engine: unix://… or tcp://… */
  address: string
  /** The user chose the address (TAIBAI_DOCKER_HOST or DOCKER_HOST). */
  addressIsGiven: boolean
  answer: 'yes' | 'denied' | 'no'
  platform: NodeJS.Platform
  isRoot: boolean
  /** The docker command line, which builds the images. */
  hasClient: boolean
  /** dockerd */
  hasDaemon: boolean
  /** Root on a system with apt-get. */
  canInstall: boolean
  hasSystemd: boolean
}

export type EngineDecision = { do: 'use' | 'start' | 'install' | 'install client' } | { do: 'give up'; reason: string }

export function decideEngine(facts: EngineFacts): EngineDecision {
  if (facts.answer === 'denied') return giveUp(denied(facts))
  if (facts.answer === 'yes') return facts.hasClient ? { do: 'use' } : decideClient(facts)
  if (facts.addressIsGiven) {
    return giveUp(
      `DOCKER_HOST asks for the Docker engine at ${facts.address}, and none answers there. Start that engine, or unset DOCKER_HOST.`,
    )
  }
  if (facts.platform === 'linux' && facts.isRoot && facts.hasDaemon) return { do: 'start' }
  return facts.canInstall ? { do: 'install' } : giveUp(howToGetOne(facts))
}

function decideClient(facts: EngineFacts): EngineDecision {
  if (facts.canInstall) return { do: 'install client' }
  return giveUp(
    `A Docker engine answers at ${facts.address}, but the docker command is not installed, and the images are built with it. Install the Docker command line (on Debian: docker-cli or docker.io).`,
  )
}

function denied(facts: EngineFacts): string {
  return `A Docker engine is at ${facts.address}, but this user may not use it. Add the user to the group "docker" (sudo usermod -aG docker "$USER") and log in again, or run this command as root.`
}

function howToGetOne(facts: EngineFacts): string {
  if (facts.platform !== 'linux' || facts.isRoot) {
    return 'No Docker engine answers. Install Docker Engine for this system (the page "Install Docker Engine" of the Docker documentation), start it, and run this command again.'
  }
  const start = facts.hasSystemd ? 'sudo systemctl start docker' : 'sudo dockerd'
  if (facts.hasDaemon)
    return `Docker is installed, but its engine is not running, and starting it needs root. Start it (${start}), or run this command as root.`
  return `No Docker engine answers, and installing one needs root. Run this command as root, or install it (on Debian and Ubuntu: sudo apt-get install docker.io) and start it (${start}).`
}

function giveUp(reason: string): EngineDecision {
  return { do: 'give up', reason }
}
