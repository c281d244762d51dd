import type { Readable } from 'node:stream'
import type { RegistrySecret } from '../../../domain/platform/registry.ts'
import type { EngineApi, Query } from '../../api/engine-api.ts'
import { registryHeader } from '../../api/registry-header.ts'
import { checkImage, engineFailed, readLines } from './engine-answers.ts'

/** An image to build; `network`: network of its build commands. */
export interface BuiltImage {
  image: string
  args: Record<string, string>
  labels: Record<string, string>
  network: string
}

/** Images of the engine, each named as in a registry. */
export class ImageClient {
  #api: EngineApi

  constructor(api: EngineApi) {
    this.#api = api
  }

  async has(image: string): Promise<boolean> {
    checkImage(image)
    return this.#api.ask('GET', `/images/${image}/json`).then(
      () => true,
      () => false,
    )
  }

  /** Null: the image does not exist. */
  async labelsOf(image: string): Promise<Record<string, string> | null> {
    checkImage(image)
    return this.#api.ask<{ Config: { Labels?: Record<string, string> | null } }>('GET', `/images/${image}/json`).then(
      ({ Config }) => Config.Labels ?? {},
      () => null,
    )
  }

  /** Builds an image from a tar of a folder. Rejects with the engine's message about the failed step. */
  async build(
    { image, args, labels, network }: BuiltImage,
    context: Readable,
    onOutput: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const query = {
      ...{ t: image, rm: '1', forcerm: '1', networkmode: network },
      ...{ buildargs: JSON.stringify(args), labels: JSON.stringify(labels) },
    }
    const stream = await this.#api.stream('POST', '/build', query, { upload: context, signal })
    await new Promise<void>((resolve, reject) => {
      readLines<{ stream?: string; error?: string }>(stream, ({ stream: text, error }) => {
        if (text !== undefined) onOutput(text)
        if (error === undefined) return
        onOutput(`${error}\n`)
        reject(new Error(error))
      })
      stream.once('end', resolve).once('close', () => reject(new Error('the engine broke off')))
    })
  }

  /** Pulls an image, with the owner's credentials if there are any. */
  async pull(image: string, secret: RegistrySecret | null = null): Promise<void> {
    checkImage(image)
    const failed = (cause: unknown) => engineFailed(`The image ${image} is not here and could not be pulled.`, cause)
    const query: Query = isTagged(image) ? { fromImage: image } : { fromImage: image, tag: 'latest' }
    const stream = await this.#api
      .stream('POST', '/images/create', query, registryHeader(secret))
      .catch((cause: unknown) => {
        throw failed(cause)
      })
    await new Promise<void>((resolve, reject) => {
      readLines<{ error?: string }>(stream, ({ error }) => {
        if (error !== undefined) reject(failed(new Error(error)))
      })
      stream.once('end', resolve).once('close', () => reject(failed(new Error('the engine broke off'))))
    })
  }
}

const isTagged = (image: string): boolean => image.includes('@') || image.lastIndexOf(':') > image.lastIndexOf('/')
