import { StringDecoder } from 'node:string_decoder'
import type { OnOutput } from '../sandbox.ts'

/** The engine multiplexes both streams of a container: each piece has a header of 8 bytes whose first byte names the stream. */
const headBytes = 8

/** Splits the engine's stream into text pieces; a character that arrives in two pieces is joined. */
export class AttachedOutput {
  #onOutput: OnOutput
  #rest: Buffer = Buffer.alloc(0)
  /** Bytes of the current piece that are still missing. */
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

  /** Flushes the rest of an incomplete character. */
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
