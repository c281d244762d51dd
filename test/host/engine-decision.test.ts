import { describe, expect, it } from 'vitest'
import { decideEngine, type EngineFacts } from '../../src/host/engine-decision.ts'

/** A bare Debian machine, as root, where an engine may be installed. */
const bare: EngineFacts = {
  address: 'unix:///var/run/docker.sock',
  addressIsGiven: false,
  answer: 'no',
  others: [],
  platform: 'linux',
  isRoot: true,
  hasDaemon: false,
  mayInstall: true,
  hasApt: true,
  hasSystemd: false,
}
const user = { isRoot: false }
const installed = { hasDaemon: true }

describe('What to do about the container engine', () => {
  it.each<[string, Partial<EngineFacts>, string]>([
    ['uses the engine that answers', { answer: 'yes', ...installed }, 'use'],
    ['uses a given engine that answers', { answer: 'yes', ...installed, ...user, addressIsGiven: true }, 'use'],
    ['installs it on a bare Debian machine', {}, 'install'],
    ['starts it when it is only not running', installed, 'start'],
    ['needs no command line beside an engine', { answer: 'yes', ...user }, 'use'],
  ])('%s', (_title, facts, expected) => {
    expect(decideEngine({ ...bare, ...facts }).do).toBe(expected)
  })

  it.each<[string, Partial<EngineFacts>, RegExp]>([
    [
      'a socket that this user may not use',
      { answer: 'denied', ...user },
      /group "docker".*or run this command as root/,
    ],
    ['nobody said that one may be installed', { mayInstall: false }, /1\. run this command with --install/],
    ['no root, nothing installed', user, /1\. run this command as root with --install/],
    ['no root, not running, systemd', { ...user, ...installed, hasSystemd: true }, /2\. .*systemctl start docker/],
    ['no root, not running, no systemd', { ...user, ...installed }, /2\. .*sudo dockerd/],
    [
      'another engine answers',
      { ...user, others: ['unix:///x.sock'] },
      /2\. .*set TAIBAI_DOCKER_HOST=unix:\/\/\/x\.sock/,
    ],
    ['root on a system without apt-get', { hasApt: false }, /1\. install Docker Engine/],
    ['another kind of system', { ...user, platform: 'darwin' }, /1\. install Docker Engine/],
    ['whatever the system is', user, /3\. --engine process: .*NO ISOLATION/],
    [
      'a given address where nobody answers',
      { addressIsGiven: true, address: 'tcp://x:1' },
      /tcp:\/\/x:1.*unset DOCKER_HOST/,
    ],
  ])('explains what can be done: %s', (_title, facts, sentence) => {
    const decision = decideEngine({ ...bare, ...facts })
    expect(decision).toEqual({ do: 'give up', reason: expect.stringMatching(sentence) })
  })
})
