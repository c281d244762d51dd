import { describe, expect, test } from 'vitest'
import { containerIdIn, hostPath } from '../../src/engine/sandbox/docker/own-container.ts'

const id = 'ab'.repeat(32)
const docker = `742 736 254:1 /var/lib/docker/containers/${id}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw`
const podman = `742 736 0:30 /containers/overlay-containers/${id}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw`

describe('a server in a container', () => {
  test.each([
    ['of Docker', docker, id],
    ['of Podman', podman, id],
    ['that is none', '22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw', null],
    ['that another file names', docker.replace('/etc/hostname rw', '/etc/hosts rw'), null],
  ])('%s knows itself by its mounts', (_what, mountinfo, expected) => {
    expect(containerIdIn(mountinfo)).toBe(expected)
  })

  const mounts = [
    { Source: '/var/lib/docker/volumes/taibai/_data', Destination: '/data' },
    { Source: '/srv/workers', Destination: '/data/workers' },
    { Source: '', Destination: '/data/memory' },
  ]

  test.each([
    ['the folder of a mount', '/data', '/var/lib/docker/volumes/taibai/_data'],
    ['what lies in it', '/data/packages/x', '/var/lib/docker/volumes/taibai/_data/packages/x'],
    ['a mount that lies in another', '/data/workers/w1', '/srv/workers/w1'],
  ])('calls %s as the engine does', (_what, path, expected) => {
    expect(hostPath(mounts, path)).toBe(expected)
  })

  test.each(['/database', '/data/memory/w1'])('says what to do when a folder is in the container only: %s', (path) => {
    expect(() => hostPath(mounts, path)).toThrow(
      `${path} is inside this container only: mount a volume or a folder there, such as -v taibai:/data.`,
    )
  })
})
