import { describe, expect, it } from 'vitest'
import { decideEngine, type EngineFacts } from '../../scripts/setup/engine-decision.ts'

/** A bare Debian machine, as root. */
const bare: EngineFacts = {
  address: 'unix:///var/run/docker.sock',
  addressIsGiven: false,
  answer: 'no',
  platform: 'linux',
  isRoot: true,
  hasClient: false,
  hasDaemon: false,
  canInstall: true,
  hasSystemd: false,
}
const user = { isRoot: false, canInstall: false }
const installed = { hasClient: true, hasDaemon: true }

describe('What to do about the Docker engine', () => {
  it.each<[string, Partial<EngineFacts>, string]>([
    ['uses the engine that answers', { answer: 'yes', ...installed }, 'use'],
    ['uses a given engine that answers', { answer: 'yes', ...installed, ...user, addressIsGiven: true }, 'use'],
    ['installs it on a bare Debian machine', {}, 'install'],
    ['starts it when it is only not running', installed, 'start'],
    ['adds the command line to an engine without one', { answer: 'yes' }, 'install client'],
  ])('%s', (_title, facts, expected) => {
    expect(decideEngine({ ...bare, ...facts }).do).toBe(expected)
  })

  it.each<[string, Partial<EngineFacts>, RegExp]>([
    [
      'a socket that this user may not use',
      { answer: 'denied', ...user },
      /group "docker".*or run this command as root/,
    ],
    ['no root, nothing installed', user, /needs root.*apt-get install docker\.io/],
    ['no root, not running, systemd', { ...user, ...installed, hasSystemd: true }, /systemctl start docker/],
    ['no root, not running, no systemd', { ...user, ...installed }, /sudo dockerd/],
    ['root on a system without apt-get', { canInstall: false }, /Install Docker Engine/],
    ['another kind of system', { ...user, platform: 'darwin' }, /Install Docker Engine/],
    [
      'a given address where nobody answers',
      { addressIsGiven: true, address: 'tcp://x:1' },
      /tcp:\/\/x:1.*unset DOCKER_HOST/,
    ],
    ['an engine, no command line, no root', { answer: 'yes', ...user }, /docker command is not installed/],
  ])('explains in a sentence: %s', (_title, facts, sentence) => {
    const decision = decideEngine({ ...bare, ...facts })
    expect(decision).toEqual({ do: 'give up', reason: expect.stringMatching(sentence) })
  })
})
