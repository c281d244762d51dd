/** What somebody between a worker and the server sees and can do, where their link is encrypted. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { makeLinkCertificate } from '../../src/engine/worker/link-certificate.ts'
import { shimExitCodes } from '../../src/engine/worker/protocol.ts'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { type MakeShimLink, shimLinks } from '../support/shim-links.ts'
import { ShimProcess } from '../support/shim-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Stands between a worker and the server, keeps what passes, and can cut it. */
class Between {
  readonly #pieces: Buffer[] = []
  readonly #sockets: Socket[] = []

  get seen(): string {
    return Buffer.concat(this.#pieces).toString('latin1')
  }

  /** As a firewall or a router that forgets: neither side hears of the other's end. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  on(way: MakeShimLink): MakeShimLink {
    return async (folder) => {
      const behind = await way(folder)
      const port = Number(behind.env.TAIBAI_SERVER?.split(':')[1])
      const proxy = createServer({ allowHalfOpen: true }, (near) => this.#join(near, port))
      proxy.listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      const close = async () => {
        proxy.close()
        await behind.close()
      }
      return {
        ...behind,
        env: { ...behind.env, TAIBAI_SERVER: `127.0.0.1:${(proxy.address() as AddressInfo).port}` },
        close,
      }
    }
  }

  #join(near: Socket, port: number): void {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    for (const socket of [near, far]) {
      socket.on('error', () => {}).on('data', (bytes) => this.#pieces.push(bytes))
    }
    this.#sockets.push(near, far)
    near.pipe(far)
    far.pipe(near)
  }
}

const words = {
  value: 'the-value-of-a-call',
  printed: 'what-it-has-printed',
  child: 'what-its-child-printed',
  last: 'its-last-words',
}
const secretIn = (way: MakeShimLink, tell: (secret: string) => void): MakeShimLink => {
  return async (folder) => {
    const made = await way(folder)
    tell(readFileSync(made.env.TAIBAI_KEY as string, 'utf8').split(/\s/)[1] as string)
    return made
  }
}

for (const { name, folder, isHere } of completeRuntimes()) {
  describe.runIf(isHere)(`a worker of ${name}`, () => {
    /** What passes when it is called, prints in every way and dies. */
    async function watch(way: MakeShimLink): Promise<{ seen: string; secret: string; stderr: string }> {
      const between = new Between()
      let secret = ''
      const told = secretIn(between.on(way), (its) => {
        secret = its
      })
      await using shim = await ShimProcess.start(folder, told)
      await shim.bind(`${folder}/conformance`)
      expect(await shim.connection.call({ do: 'echo', value: words.value }).outcome).toMatchObject({
        value: words.value,
      })
      const printing = shim.connection.call({ do: 'raw', by: 'child', stdout: words.child, before: words.printed })
      await printing.outcome
      expect(printing.output.stdout).toBe(`${words.printed}\n${words.child}\n`)
      const dying = shim.connection.call({ do: 'last_words', stderr: words.last })
      expect(await dying.outcome).toEqual({ state: 'lost' })
      await waitUntil('its last words are there', () => dying.output.stderr !== '')
      return { seen: between.seen, secret, stderr: dying.output.stderr }
    }

    test('says nothing that can be read on its way, and its last words arrive', async () => {
      const { seen, secret, stderr } = await watch(shimLinks.tls)
      expect(stderr).toContain(words.last)
      for (const word of [...Object.values(words), secret, 'KNOCK', 'execution_id', 'module.exports', 'def main']) {
        expect(seen).not.toContain(word)
      }
    })

    test('says all of it in clear without encryption: the test above would see it', async () => {
      const { seen, secret } = await watch(shimLinks.tcp)
      for (const word of [...Object.values(words), secret, 'execution_id']) expect(seen).toContain(word)
    })

    test.each(['tcp', 'tls'] as const)(
      'ends with the code of a lost link when only its connection over %s is cut',
      async (link) => {
        const between = new Between()
        await using shim = await ShimProcess.start(folder, between.on(shimLinks[link]))
        await shim.bind(`${folder}/conformance`)
        const call = shim.connection.call({ do: 'sleep', ms: 60_000 })
        await waitUntil('it runs', () => between.seen.length > 0)
        between.cut()
        expect(await call.outcome).toEqual({ state: 'lost' })
        expect(await shim.exited).toBe(shimExitCodes.linkLost)
      },
    )

    test.each([
      ['with a certificate of the same name that is not the one', makeLinkCertificate(Date.now()).certificate],
      ['with one that is not valid yet', makeLinkCertificate(Date.now() + 1e12).certificate],
    ])('speaks to no server %s', async (_how, certificate) => {
      const misled: MakeShimLink = async (folder) => {
        const made = await shimLinks.tls(folder)
        const key = made.env.TAIBAI_KEY as string
        writeFileSync(key, `${readFileSync(key, 'utf8').split('\n')[0]}\n${certificate}`)
        return made
      }
      await expect(ShimProcess.start(folder, misled)).rejects.toThrow(
        /70 before it said hello.*cannot be reached.*certificate/s,
      )
    })

    test('speaks to no server that does not encrypt, when it is told of a certificate', async () => {
      const misled: MakeShimLink = async (folder) => {
        const made = await shimLinks.tcp(folder)
        writeFileSync(made.env.TAIBAI_KEY as string, `w1 secret\n${makeLinkCertificate(Date.now()).certificate}`)
        return made
      }
      await expect(ShimProcess.start(folder, misled)).rejects.toThrow(/70 before it said hello.*cannot be reached/s)
    })
  })
}
