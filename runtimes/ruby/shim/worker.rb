# frozen_string_literal: true

require_relative 'wire'
require_relative 'errors'
require_relative 'call'
require_relative 'output'
require_relative 'context'
require_relative 'loading'
require_relative 'meter'
require_relative 'results'
require_relative 'serving'

module TaibaiShim
  # Exit codes.
  PROTOCOL_BROKEN = 76

  # Waits for BIND, loads the function, runs its calls and ends them. One thread reads; calls run on the main thread, or on
  # threads of their own when several may be in flight.
  class Worker
    attr_reader :wire, :max_result_bytes, :cpu_clock

    def initialize(wire)
      @wire = wire
      @calls = {}
      @inbox = @control = Queue.new
      @meter = Meter.new
      @cpu_clock = Process::CLOCK_PROCESS_CPUTIME_ID
      $stdout = Output.new(self, 'stdout', STDOUT)
      $stderr = Output.new(self, 'stderr', STDERR)
      @own_trap = proc { wire.child? ? exit!(143) : Thread.new { leave(143) } }
      trap('TERM', @own_trap)
      trap('INT') {} # the server ends workers
    end

    # Returns when the worker must exit; then the function's at_exit handlers run.
    def serve
      Thread.new { read }
      until @bound
        kind, call, meta, body = @inbox.pop
        return Kernel.exit(call) if kind == :exit
        bind(meta) if kind == BIND
        refuse(call) if kind == CALL
      end
      @serving.serve
    end

    # The only call to which output of threads without a call can belong.
    def only_call
      @calls.size == 1 ? @calls.each_value.first : nil
    end

    # Runs one call, including the frame that ends it; any exception of the function fails its call, not the worker.
    def run(call, meta, body)
      Current.call = call
      call.begin(@cpu_clock)
      finish(call, *@invoke.call(call, meta, body))
    rescue SystemExit => error
      return exit!(error.status) if @wire.child?

      call.over = true
      @control << [:exit, error.status]
    rescue Exception => error
      fail(call, error)
    ensure
      fail(call, ThreadEnded.new('the function ended the thread that ran it')) unless call.over
      Current.call = nil
    end

    # Exits when no call is in flight any more.
    def leave(code)
      @wire.sending do
        @leaving = code
        @control << [:exit, code] if @calls.empty?
      end
    end

    private

    # Does not return: the process ends with the connection.
    def read
      loop { take(*@wire.receive) }
    rescue ProtocolError => error
      give_up(error, PROTOCOL_BROKEN)
    rescue Exception => error
      give_up(error, SHIM_FAILED)
    end

    def take(kind, number, meta, body)
      case kind
      when CALL then accept(Call.new(number, @wire), meta, body)
      when CANCEL then @calls[number]&.cancel
      when CREDIT then @calls[number]&.grant(meta['bytes'].to_i)
      when BIND then @asked ? refuse_bind : (@asked = true) && @inbox << [BIND, nil, meta, nil]
      when SESSION then take_session(meta)
      when CODE then lay_out(meta, body)
      end
    end

    def accept(call, meta, body)
      serving = @wire.sending do
        @calls[call.number] = call
        @inbox << [CALL, call, meta, body]
        @serving
      end
      serving&.accepted
    end

    def bind(meta)
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      signature = Loading.signature(meta['signature'])
      Loading.enter(meta)
      Context.describe_function(meta)
      @max_result_bytes = [meta['max_result_bytes'], MAX_FRAME_BYTES - ERROR_CHARS].min
      @invoke = signature.prepare(self, Loading.load_entry(meta['code'], meta['entry']))
      serve_at_most(meta['concurrency'])
      ms = (Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000
      @wire.post(BOUND, 0, %({"load_ms":#{format('%.3f', ms)}}))
      @bound = true
    rescue Exception => error # SystemExit too: code that exits while it is loaded cannot be bound
      @wire.post(BIND_FAILED, 0, JSON.generate(TaibaiShim.describe(error)))
    end

    def serve_at_most(concurrency)
      if concurrency == 1
        @serving = Inline.new(self, @inbox)
      else
        @control = Queue.new
        @cpu_clock = Process::CLOCK_THREAD_CPUTIME_ID
        # Calls that arrived before are counted here, later ones on arrival.
        @wire.sending { @serving = Threads.new(self, @inbox, @control, concurrency) }
      end
    end

    def refuse(call)
      call.begin(@cpu_clock)
      fail(call, NotBound.new(@asked ? 'the function could not be loaded' : 'no function is bound yet'))
    end

    def refuse_bind
      @wire.post(BIND_FAILED, 0, '{"type":"AlreadyBound","message":"a worker is bound once, for life","stack":""}')
    end

    def take_session(told)
      require_relative 'openstack'
      OpenStack.take(told)
    end

    def lay_out(meta, body)
      require_relative 'code'
      TaibaiShim.lay_out(meta, body)
    end

    def fail(call, error)
      return child_failed(error) if @wire.child?

      finish(call, FAILED, "#{JSON.generate(TaibaiShim.describe(error))[1..-2]},", '')
    end

    # Ends a process that the function has forked as Ruby would.
    def child_failed(error)
      STDERR.write(error.full_message(highlight: false))
      exit!(1)
    end

    # Sends the frame that ends the call. `fields`: of the meta, each with a comma.
    def finish(call, kind, fields, body)
      exit!(0) if @wire.child? # the function forked, and the child returns here
      used = usage(call)
      @wire.sending do
        call.over = true
        @calls.delete(call.number)
        @wire.put(kind, call.number, %({#{'"last":true,' if @leaving}#{fields}#{used}}), body)
        @control << [:exit, @leaving] if @leaving && @calls.empty?
      end
    end

    def usage(call)
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      cpu = Process.clock_gettime(@cpu_clock) - call.cpu_started
      run = now - call.started
      stalled = @meter.stalled_ms(now)
      peak = @meter.memory_peak(now, run)
      told = stalled ? format('"stalled_ms":%.3f,', stalled) : ''
      format('%s"run_ms":%.3f,"cpu_ms":%.3f,"memory_peak_bytes":%d', told, run * 1000, [cpu, 0].max * 1000, peak)
    end

    # The shim cannot continue: prints the reason to the process's own output, and fails the calls in flight.
    def give_up(error, code)
      STDERR.write("#{error.full_message(highlight: false)}\n")
      meta = JSON.generate(TaibaiShim.describe(error).merge(last: true))
      @calls.each_value { |call| @wire.post(FAILED, call.number, meta) } if code == SHIM_FAILED
    ensure
      exit!(code)
    end
  end
end
