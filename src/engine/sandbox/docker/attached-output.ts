import { StringDecoder } from 'node:string_decoder'
import type { OnOutput } from '../sandbox.ts'

/** Both streams of a container come in one: pieces with a head of 8 bytes, the first of which tells which it is. */
const headBytes = 8

/** Takes the engine's stream apart, piece by piece, as text: a character that came in two pieces is whole. */
export class AttachedOutput {
  #onOutput: OnOutput
  #rest: Buffer = Buffer.alloc(0)
  /** Bytes of the piece under way that are still to come. */
  #left = 0
  #stream: 'stdout' | 'stderr' = 'stdout'
  #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }

  constructor(onOutput: OnOutput) {
    this.#onOutput = onOutput
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#left > 0 ? bytes.length > 0 : bytes.length >= headBytes) {
      if (this.#left === 0) bytes = this.#begin(bytes)
      const piece = bytes.subarray(0, this.#left)
      this.#left -= piece.length
      bytes = bytes.subarray(piece.length)
      this.#pass(this.#decoders[this.#stream].write(piece))
    }
    this.#rest = Buffer.from(bytes)
  }

  /** What is left of a character that never became whole. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#stream = stream
      this.#pass(this.#decoders[stream].end())
    }
  }

  #begin(bytes: Buffer): Buffer {
    this.#stream = bytes[0] === 2 ? 'stderr' : 'stdout'
    this.#left = bytes.readUInt32BE(4)
    return bytes.subarray(headBytes)
  }

  #pass(text: string): void {
    if (text !== '') this.#onOutput(this.#stream, text)
  }
}
