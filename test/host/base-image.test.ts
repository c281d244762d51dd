import { describe, expect, it } from 'vitest'
import { baseDockerfile } from '../../src/host/base-build.ts'
import { debianTargets, proxyEnvironment, sourcesList } from '../../src/host/host-apt.ts'
import { mergeCertificates } from '../../src/host/host-certificates.ts'
import { makeRegistries, registryText } from '../../src/host/registry.ts'

describe('The base of a runtime image', () => {
  it('gets certificates, programs and Debian packages, and only what it asks for', () => {
    expect(baseDockerfile('a', { debian: [], hasPrograms: true, hasCertificates: true })).toBe(
      'FROM a\nCOPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\nCOPY bin/ /usr/local/bin/\n',
    )
    expect(baseDockerfile('a', { debian: ['python3', 'x'], hasPrograms: false, hasCertificates: true })).toMatch(
      /^FROM a\nCOPY ca-cert.*\nRUN apt-get update .*install .* python3 x &&/,
    )
  })

  it('asks a silent registry once, and another one still', async () => {
    const asked: string[] = []
    const registries = makeRegistries(async (image) => {
      asked.push(image)
      return image.startsWith('good.example/')
    })
    const answers = []
    for (const image of ['node:24', 'python:3', 'good.example/a', 'good.example/b']) {
      answers.push(await registries.pull(image, () => {}))
    }
    expect(answers).toEqual([false, false, true, true])
    expect(asked).toEqual(['node:24', 'good.example/a', 'good.example/b'])
  })

  it.each([
    ['node:24-slim', 'the default image registry'],
    ['library/node', 'the default image registry'],
    ['localhost/node', 'localhost'],
    ['host:5000/a/b:1', 'host:5000'],
    ['r.example/a', 'r.example'],
  ])('knows the registry of %s', (image, registry) => {
    expect(registryText(image)).toBe(registry)
  })

  it.each(['bookworm', 'trixie'])(
    "takes Debian's own packages from where a host with %s takes them, and no others",
    (host) => {
      const targets = debianTargets(
        [
          `http://mirror.example/debian/|Debian|${host}|main`,
          `http://mirror.example/debian/|Debian|${host}-backports|main`,
          `http://security.example/|Debian|${host}-security|main`,
          `http://mirror.example/debian/|Debian|${host}|contrib`,
          'http://second.example/debian/|Debian|sid|main',
          `http://other.example/|Somebody|${host}|main`,
          '',
        ].join('\n'),
        'bookworm',
      )
      expect(sourcesList(targets)).toBe(
        'deb http://mirror.example/debian/ bookworm main\ndeb http://security.example/ bookworm-security main\n',
      )
    },
  )

  it("hands on apt's proxy", () => {
    const config = 'Acquire "";\nAcquire::http::Proxy "http://proxy.example:3128";\nAcquire::http::Proxy::x "DIRECT";\n'
    expect(proxyEnvironment(config)).toEqual({ http_proxy: 'http://proxy.example:3128' })
    expect(proxyEnvironment('')).toEqual({})
  })

  it('names each certificate authority once', () => {
    const one = '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----'
    const two = '-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----'
    expect(mergeCertificates([`# comment\n${one}\n${two}\n`, two])).toBe(`${one}\n${two}\n`)
  })
})
