# frozen_string_literal: true

module TaibaiShim
  BIND, CALL, CANCEL, CREDIT, SESSION, CODE = (1..6).to_a
  BOUND, BIND_FAILED, RESULT, FAILED, LOG, HEAD, CHUNK, END_OF_ANSWER = (17..24).to_a

  MAX_FRAME_BYTES = 16 * 1024 * 1024
  LINK_LOST = 113 # exit codes
  SHIM_FAILED = 70
  LOST = [Errno::EPIPE, Errno::ECONNRESET, Errno::ETIMEDOUT, Errno::EHOSTUNREACH, Errno::ENETUNREACH].freeze

  class ProtocolError < StandardError; end

  # The connection to the server. Any thread may send; one receives.
  class Wire
    def initialize(connection)
      @connection = connection
      @connection.binmode
      @lock = Mutex.new
      @pid = Process.pid
    end

    # True in a process that the function has forked, which must not speak to the server.
    def child?
      Process.pid != @pid
    end

    # Waits for the next frame: type, call, meta, body.
    def receive
      length = read(4).unpack1('N')
      unless length.between?(9, MAX_FRAME_BYTES)
        raise ProtocolError, "a frame of #{length} bytes is too short or too long"
      end

      kind, call, meta_size = read(9).unpack('CNN')
      raise ProtocolError, 'the meta of a frame is longer than the frame' if meta_size > length - 9

      [kind, call, meta_of(read(meta_size)), read(length - 9 - meta_size)]
    end

    # The block's frames are adjacent, and no exception from outside, such as Timeout's, splits their bytes.
    def sending(&block)
      return if child?

      Thread.handle_interrupt(Object => :never) { @lock.synchronize(&block) }
    end

    def post(kind, call, meta, body = '')
      sending { put(kind, call, meta, body) }
    end

    # Inside of `sending`.
    def put(kind, call, meta, body = '')
      head = [9 + meta.bytesize + body.bytesize, kind, call, meta.bytesize].pack('NCNN')
      @connection.write(head << meta.b, body)
    rescue *LOST
      exit!(LINK_LOST)
    end

    private

    def read(size)
      return '' if size.zero?

      bytes = @connection.read(size)
      exit!(LINK_LOST) if bytes.nil? || bytes.bytesize < size
      bytes
    rescue *LOST
      exit!(LINK_LOST)
    rescue IOError, Errno::EBADF # the function has closed it
      exit!(SHIM_FAILED)
    end

    def meta_of(text)
      meta = text.empty? ? {} : JSON.parse(text.force_encoding(Encoding::UTF_8))
      raise ProtocolError, 'the meta of a frame is not a JSON object' unless meta.is_a?(Hash)

      meta
    rescue JSON::ParserError
      raise ProtocolError, 'the meta of a frame is not a JSON object'
    end
  end
end
