# frozen_string_literal: true

module TaibaiShim
  # Measures the memory of this process, and the time for which it had no processor.
  class Meter
    PEAK_EVERY = 0.02
    STALLED_EVERY = 0.05

    def initialize
      @peak = 0
      @peak_at = @stalled_at = 0.0
      @stalled = stalled_so_far
    end

    # Bytes; measured again after calls long enough to have allocated.
    def memory_peak(now, run_seconds)
      return @peak if run_seconds < 0.001 && now - @peak_at < PEAK_EVERY

      @peak = File.read('/proc/self/status')[/^VmHWM:\s*(\d+)/, 1].to_i * 1024
      @peak_at = now
      @peak
    rescue SystemCallError
      @peak
    end

    # Time in ms in which the main thread was ready to run but had no processor, since the last report; nil: not reported now.
    def stalled_ms(now)
      return nil if @stalled.nil? || now - @stalled_at < STALLED_EVERY

      @stalled_at = now
      before = @stalled
      @stalled = stalled_so_far
      @stalled && (@stalled - before)
    end

    private

    def stalled_so_far
      File.read('/proc/self/schedstat').split[1].to_i / 1e6
    rescue SystemCallError
      nil
    end
  end
end
