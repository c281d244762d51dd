# frozen_string_literal: true

module TaibaiShim
  LOG_CHARS = 256 * 1024 # a longer text is split

  # The call to which this thread's output belongs. Threads and fibers started by a call inherit it where Ruby supports that
  # (3.2).
  module Current
    if Fiber.respond_to?(:[])
      def self.call = Fiber[:taibai_call]
      def self.call=(call)
        Fiber[:taibai_call] = call
      end
    else
      def self.call = Thread.current.thread_variable_get(:taibai_call)
      def self.call=(call)
        Thread.current.thread_variable_set(:taibai_call, call)
      end
    end
  end

  # The function's $stdout and $stderr: each print is sent at once, tagged with the call that printed it. All ways of printing
  # (puts, p, print, warn …) end in `write`.
  class Output < StringIO
    def initialize(worker, stream, descriptor)
      super()
      @worker = worker
      @meta = stream == 'stderr' ? '{"stream":"stderr"}' : ''
      @descriptor = descriptor
    end

    def write(*texts)
      text = texts.join
      return @descriptor.write(text) if @worker.wire.child?

      say(text_of(text))
      text.bytesize
    end

    # StringIO would keep the character.
    def putc(character)
      write(character.is_a?(String) ? character[0] : (character.to_i & 0xff).chr)
      character
    end

    def to_io = @descriptor
    def fileno = @descriptor.fileno
    def reopen(...) = @descriptor.reopen(...)
    def sync = true
    alias syswrite write
    alias write_nonblock write

    private

    def say(text)
      call = Current.call || @worker.only_call
      @worker.wire.sending do
        number = call.nil? || call.over ? 0 : call.number
        (0...text.length).step(LOG_CHARS) { |at| @worker.wire.put(LOG, number, @meta, text[at, LOG_CHARS]) }
      end
    rescue ThreadError # in a signal handler, where locks are not allowed
      @descriptor.write(text)
    end

    def text_of(text)
      text = text.encoding == Encoding::BINARY ? text.dup.force_encoding(Encoding::UTF_8) : text.encode(Encoding::UTF_8)
      text.scrub
    rescue EncodingError
      text.dup.force_encoding(Encoding::UTF_8).scrub
    end
  end
end
