# frozen_string_literal: true

require 'openssl'

module TaibaiShim
  # The first process of a worker whose link is encrypted. The shim proper is its child and has plain descriptors: 1, 2, and a
  # socket for frames. This one carries them to the server, each over a TLS connection of its own. It outlives the child: what the
  # child wrote before it died, by whatever way, still arrives.
  class Relay
    SERVER_NAME = 'taibai' # in the certificate; the server itself is reached at an address
    PIECE_BYTES = 64 * 1024
    FAREWELL_SECONDS = 5 # how long the server may take to read the last words
    # More than the kernel holds of a pipe or a socket: who goes on printing without end is not waited for.
    FAREWELL_PIECES = 16
    LOG = 21
    LINK_LOST = 113 # exit codes
    FAILED = 70

    def initialize(child, printed, frames)
      @child = child
      @told, tell = IO.pipe
      trap('CHLD') { tell.write_nonblock('.', exception: false) }
      trap('TERM') { Process.kill('TERM', child) }
      trap('INT') {}
      @there = {} # by the child's descriptor
      @down = +'' # what came for the child, who has not taken it yet
      @printed = printed
      @frames = frames
      { printed[0] => 'stdout', printed[1] => 'stderr', frames => 'frames' }.each { |here, name| @there[here] = dial(name) }
      @open = @there.keys
    rescue SystemCallError, OpenSSL::SSL::SSLError => error
      warn "taibai shim: the server cannot be reached: #{error.message}"
      exit!(FAILED)
    end

    # Never returns.
    def run
      loop do
        wait
        pass_down
        pass_up
        code = end_of_child
        next if code.nil?

        say_farewell
        exit!(code)
      end
    rescue SystemCallError, IOError, OpenSSL::SSL::SSLError
      exit!(LINK_LOST)
    end

    private

    def dial(stream)
      context = OpenSSL::SSL::SSLContext.new
      context.min_version = OpenSSL::SSL::TLS1_3_VERSION
      context.verify_mode = OpenSSL::SSL::VERIFY_PEER
      context.verify_hostname = true
      context.cert_store = OpenSSL::X509::Store.new.add_cert(OpenSSL::X509::Certificate.new(TaibaiShim.read_key.last))
      secure = OpenSSL::SSL::SSLSocket.new(TaibaiShim.dial_plainly, context)
      secure.hostname = SERVER_NAME
      secure.sync_close = true
      secure.connect
      secure.sync = true
      secure.write(TaibaiShim.knock(stream))
      secure
    end

    # Until there is something to do.
    def wait
      servers = @down.empty? ? @there.values : @there.values - [@there[@frames]]
      return if servers.any? { |there| there.pending.positive? }

      IO.select([@told, *@open, *servers.map(&:to_io)], @down.empty? ? [] : [@frames])
    end

    def pass_down
      hand_down
      @there.each do |here, there|
        next unless here != @frames || @down.empty?

        piece = there.read_nonblock(PIECE_BYTES, exception: false)
        raise EOFError if piece.nil?

        @down << piece if piece.is_a?(String)
      end
      hand_down
    end

    def hand_down
      until @down.empty?
        written = @frames.write_nonblock(@down, exception: false)
        return if written == :wait_writable

        @down = @down.byteslice(written..)
      end
    rescue SystemCallError # the child is gone, or going
      @down = +''
    end

    # Prints of the shim, what was printed past it, then the frame that may end a call. Returns whether there was anything.
    def pass_up
      frames = take(@frames) || ''
      logs = logs_at_start(frames)
      pieces = [[@frames, frames.byteslice(0, logs)], *@printed.map { |here| [here, take(here)] }, [@frames, frames.byteslice(logs..)]]
      pieces.reject! { |_, piece| piece.nil? || piece.empty? }
      pieces.each { |here, piece| @there[here].write(piece) }
      pieces.any?
    end

    # Bytes of the LOG frames that a piece begins with, as it does unless it is of the middle of a long one.
    def logs_at_start(piece)
      at = 0
      while piece.bytesize - at > 4 && piece.getbyte(at + 4) == LOG
        length = 4 + piece.unpack1('N', offset: at)
        break if at + length > piece.bytesize

        at += length
      end
      at
    end

    # What the child wrote; nil: there is nothing now.
    def take(here)
      return unless @open.include?(here)

      piece = here.read_nonblock(PIECE_BYTES, exception: false)
      @open.delete(here) if piece.nil?
      piece if piece.is_a?(String)
    rescue SystemCallError
      @open.delete(here)
      nil
    end

    # Its exit code. Other children are those that it has left behind, when this is the first process of all.
    def end_of_child
      @told.read_nonblock(PIECE_BYTES, exception: false)
      while (pid = Process.wait(-1, Process::WNOHANG))
        return $?.exitstatus || (128 + $?.termsig) if pid == @child
      end
    rescue Errno::ECHILD
      nil
    end

    # When nothing comes any more. Others may hold the descriptors still: their end is not waited for.
    def say_farewell
      FAREWELL_PIECES.times { break unless pass_up }
      @there.each_value do |there|
        there.to_io.close_write
        there.to_io.wait_readable(FAREWELL_SECONDS)
      rescue SystemCallError, IOError, OpenSSL::SSL::SSLError
        nil
      end
    end
  end
end
