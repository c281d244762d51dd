# frozen_string_literal: true

module TaibaiShim
  # One call at a time, on the main thread.
  class Inline
    def initialize(worker, inbox)
      @worker = worker
      @inbox = inbox
    end

    def serve
      loop do
        kind, call, meta, body = @inbox.pop
        return Kernel.exit(call) if kind == :exit

        @worker.run(call, meta, body)
      end
    end

    def accepted; end
  end

  # Up to `limit` calls at a time, each on a thread; threads are started on demand and stay. The main thread waits for the end,
  # and runs signal handlers.
  class Threads
    def initialize(worker, inbox, control, limit)
      @worker = worker
      @inbox = inbox
      @control = control
      @limit = limit
      @lock = Mutex.new
      @threads = 0
      @free = -inbox.size # idle threads minus waiting calls
    end

    def serve
      @lock.synchronize { start_what_is_wanted }
      Kernel.exit(@control.pop.last)
    end

    # A call was put into the inbox.
    def accepted
      @lock.synchronize do
        @free -= 1
        start_what_is_wanted
      end
    end

    private

    def start_what_is_wanted
      while @free.negative? && @threads < @limit
        Thread.new { work }
        @threads += 1
        @free += 1
      end
    rescue ThreadError # no further threads can be started: calls wait for the existing ones
      raise if @threads.zero?

      @limit = @threads
    end

    def work
      loop do
        _kind, call, meta, body = @inbox.pop
        @worker.run(call, meta, body)
        @lock.synchronize { @free += 1 }
      end
    end
  end
end
