# frozen_string_literal: true

module TaibaiShim
  STREAM_WINDOW_BYTES = 1024 * 1024
  CHUNK_BYTES = 256 * 1024 # a longer piece of a streamed response is split, so that other calls are served in between

  class ClientGone < StandardError; end

  # One call in flight: its credit for a streamed response, its abort signal.
  class Call
    attr_reader :number, :started, :cpu_started, :cancelled
    attr_accessor :over

    def initialize(number, wire)
      @number = number
      @wire = wire
      @credit = STREAM_WINDOW_BYTES
      @cancelled = Cancelled.new
      @lock = Mutex.new
      @granted = ConditionVariable.new
      @started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # Called on the thread that runs it.
    def begin(cpu_clock)
      @cpu_started = Process.clock_gettime(cpu_clock)
    end

    def cancel
      @lock.synchronize do
        @cancelled.fire
        @granted.broadcast
      end
    end

    def grant(bytes)
      @lock.synchronize do
        @credit += bytes
        @granted.broadcast
      end
    end

    # Sends a piece of a streamed response, waiting for credit. Raises ClientGone when nobody reads it any more.
    def stream(data)
      at = 0
      while at < data.bytesize
        size = take_credit([data.bytesize - at, CHUNK_BYTES].min)
        @wire.post(CHUNK, number, '', data.byteslice(at, size))
        at += size
      end
    end

    private

    def take_credit(wanted)
      @lock.synchronize do
        @granted.wait(@lock) while @credit.zero? && !@cancelled.set?
        raise ClientGone, 'nobody reads the answer any more' if @cancelled.set?

        size = [wanted, @credit].min
        @credit -= size
        size
      end
    end
  end

  # Fires when nobody waits for the response any more.
  class Cancelled
    def initialize
      @lock = Mutex.new
      @fired = ConditionVariable.new
      @set = false
    end

    def set?
      @set
    end

    # Returns whether it fired.
    def wait(seconds = nil)
      until_then = seconds && (Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds)
      @lock.synchronize do
        until @set
          left = until_then && (until_then - Process.clock_gettime(Process::CLOCK_MONOTONIC))
          break if left && left <= 0

          @fired.wait(@lock, left)
        end
      end
      @set
    end

    def fire
      @lock.synchronize do
        @set = true
        @fired.broadcast
      end
    end
  end
end
